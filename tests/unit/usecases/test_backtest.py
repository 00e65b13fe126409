"""The live use case over a recorded market: what it finds is what happened (M8, C2)."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.adapters.backtest_accounts import SpotAccount
from marketmaker.adapters.backtest_run import Measured, Played, RecordedRun
from marketmaker.adapters.backtest_venue import BacktestVenue, Latency, VirtualClock
from marketmaker.adapters.memory import (
    AtOnce,
    CountingAlerts,
    CountingTelemetry,
    DeployedOnly,
    InMemoryPrices,
    InMemoryStore,
)
from marketmaker.domain.backtests import BacktestResult
from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode
from marketmaker.domain.units import BPS
from marketmaker.ports import SettingsText
from marketmaker.simulation.account import Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.mids import MidSeries
from marketmaker.simulation.wallet import Wallet
from marketmaker.usecases.backtest import Span, run_backtest
from marketmaker.usecases.desk import Desk
from tests.builders import ACCOUNT, PAXG, SYMBOL, USDT, account_settings, fees, instrument, market_settings

D = Decimal
START_MS = 1_700_000_000_000
SECOND = 1_000_000


def quote(second: float, mid: str, *, asks: bool = True) -> Quote:
    middle = D(mid)
    return Quote(
        time_us=START_MS * 1000 + int(second * SECOND),
        bids=(Level(middle - D("0.1"), D(5)),),
        asks=(Level(middle + D("0.1"), D(5)),) if asks else (),
    )


def trade(second: float, side: Side, price: str, size: str = "0.1") -> Trade:
    return Trade(time_us=START_MS * 1000 + int(second * SECOND), taker_side=side, price=D(price), size_base=D(size))


class Setting:
    """A backtest of these events, put together from the real parts."""

    def __init__(self, events: Iterable[Event], *, maker_bps: str = "1", latency_ms: int = 10) -> None:
        market = market_settings(fee_schedule=fees(maker_bps=maker_bps))
        settings = account_settings(market)
        rules = instrument()
        mids, played, self.clock = MidSeries(), Played(), VirtualClock(START_MS)
        measured = Measured(every_ms=60_000, exposure_ms=5_500, tick=rules.tick_size)
        self.engine = Engine(
            account=Account(
                instrument=rules,
                fees=FeeRates(maker=D(maker_bps) * BPS, taker=D(0), asset=FeeAsset.QUOTE),
                wallet=Wallet({PAXG: D(5), USDT: D(19_000)}),
            ),
            feed=MarketFeed(measured.watch(mids.watch(played.watch(events))), tick_size=rules.tick_size),
        )
        self.prices = InMemoryPrices()
        held = SpotAccount(self.engine)
        self.run = RecordedRun(
            self.engine,
            held,
            mids,
            self.clock,
            played,
            measured=measured,
            prices=self.prices,
            venue_name=settings.venue,
        )
        self.desk = Desk(
            settings=settings,
            venue=BacktestVenue(self.engine, held, self.clock, Latency(entry_ms=latency_ms, response_ms=latency_ms)),
            store=InMemoryStore(),
            prices=self.prices,
            versions=DeployedOnly(deployed=SettingsText(version=settings.config_hash, text=""), settings=settings),
            alerts=CountingAlerts(),
            telemetry=CountingTelemetry(),
            clock=self.clock,
            alongside=AtOnce(),
        )

    def result(self, seconds: int = 60) -> BacktestResult:
        return run_backtest(self.desk, self.run, Span(from_ms=START_MS + 5_000, to_ms=START_MS + seconds * 1000))


STILL = [quote(0, "1900"), quote(20, "1900.01"), quote(40, "1900"), quote(100, "1900")]


def test_a_still_market_is_quoted_and_nothing_is_gained() -> None:
    found = Setting(STILL).result()
    assert (found.ticks, found.orders_placed, found.orders_kept, found.fills) == (11, 2, 20, 0)
    assert (found.total_pnl_quote, found.fees_quote, found.inventory_final_base) == (D(0), D(0), D(5))
    assert (found.cancel_ratio, found.order_success_ratio) == (D(0), D(1))
    assert (found.edge_at_fill_bps, found.markout_bps) == (None, {1: None, 10: None, 60: None})
    assert (found.no_quotes, found.protective_cancels) == ({}, 0)
    assert found.events == 4, "the next one was read ahead"


def test_a_round_trip_earns_its_spread_less_its_fees() -> None:
    events: list[Event] = [
        quote(0, "1900"),
        trade(10, Side.SELL, "1899.4"),
        quote(12, "1900.1"),
        trade(17, Side.BUY, "1900.9"),
        quote(20, "1900"),
        quote(40, "1900.01"),
        quote(59, "1900"),
    ]
    found = Setting(events).result()
    bought, sold = found.fill_list
    assert [each.mid for each in found.samples[:2]] == [1900, 1900]
    assert (bought.side, bought.price, bought.mid) == (Side.BUY, D("1899.5"), D(1900))
    assert sold.price == D("1900.5"), "within its tolerance the ask was kept"
    assert found.fees_quote == pytest.approx((bought.price + sold.price) * D("0.1") * BPS, abs=D("1e-8"))
    assert found.total_pnl_quote == pytest.approx(D("0.1") - found.fees_quote)
    assert found.volume_quote == (bought.price + sold.price) * D("0.1")
    assert bought.edge_bps == pytest.approx(D("0.5") / D("1899.5") / BPS)
    assert bought.markouts_bps[1] == bought.edge_bps
    assert bought.markouts_bps[10] == pytest.approx((D("1900") - D("1899.5")) / D("1899.5") / BPS)
    assert bought.markouts_bps[60] is None, "the run ended before"
    last = found.samples[-1]
    assert last.pnl_quote == last.spread_quote - last.fees_quote + last.inventory_quote
    assert last.pnl_quote == pytest.approx(found.total_pnl_quote)
    assert found.two_sided_uptime is not None
    assert 0 < found.two_sided_uptime < 1


def test_a_fall_of_the_price_is_the_inventorys_loss_and_the_largest_fall() -> None:
    found = Setting([quote(0, "1900"), quote(20, "1890"), quote(40, "1895"), quote(59, "1895")]).result()
    # At 1890 the bid of 1899.5 is taken too: 5 x -10 + 0.1 x (1890 - 1899.5) less its fee of 0.018995.
    assert found.max_drawdown_quote == D("50.968995")
    assert found.total_pnl_quote < -25
    last = found.samples[-1]
    assert found.total_pnl_quote == last.pnl_quote == last.spread_quote - last.fees_quote + last.inventory_quote


def test_requests_take_their_time() -> None:
    fast, slow = (
        Setting([*STILL[:1], trade(5.015, Side.SELL, "1899.4"), *STILL[1:]], latency_ms=latency_ms).result()
        for latency_ms in (1, 10)
    )
    assert (fast.fills, slow.fills) == (1, 0), "the order of a slow login was not there yet"


def test_a_market_without_a_book_is_not_quoted_and_counts_nothing() -> None:
    found = Setting([quote(0, "1900", asks=False)]).result(20)
    assert (found.orders_placed, found.cancel_ratio, found.order_success_ratio) == (0, None, None)
    assert found.two_sided_uptime is None
    assert found.total_pnl_quote == 0


def test_what_the_recording_shows_is_measured_for_the_models() -> None:
    events = [quote(second, str(1900 + (second % 7) * D("0.3"))) for second in range(200)]
    setting = Setting(events)
    setting.result(200)
    kept = setting.prices.calibrations(setting.desk.settings.venue, [SYMBOL])[SYMBOL]
    assert kept.statistics.sigma is not None
    assert kept.until_ms > START_MS + 60_000


def test_the_same_in_is_the_same_out() -> None:
    events = [quote(second, str(1900 + second % 5)) for second in range(60)]
    assert Setting(events).result() == Setting(events).result()


def test_a_tick_that_does_not_end_well_ends_the_run() -> None:
    setting = Setting(STILL)
    setting.desk.store.strengthen(ACCOUNT, Mode.HALTED, reason="a test", now_ms=START_MS)
    with pytest.raises(ValueError, match=r"the tick of \d+ ended as halted"):
        setting.result()


def test_a_run_that_is_charged_in_base_is_refused() -> None:
    setting = Setting(STILL)
    setting.engine.account.fees = replace(setting.engine.account.fees, asset=FeeAsset.RECEIVED)
    with pytest.raises(ValueError, match="allowed: in the quote asset"):
        RecordedRun(setting.engine, SpotAccount(setting.engine), MidSeries(), setting.clock, Played())
