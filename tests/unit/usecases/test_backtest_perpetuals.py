"""A perpetual over a recorded market: it opens flat, may be short, and its funding is part of the gain (P9, R33)."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.adapters.backtest_accounts import MarginedAccount, SpotAccount
from marketmaker.adapters.backtest_run import Played, RecordedRun
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
from marketmaker.domain.models import Perpetual, PositionSkew, Ramp, SkewEffect
from marketmaker.domain.orders import Side
from marketmaker.domain.positions import MarginMode
from marketmaker.domain.units import BPS, ZERO
from marketmaker.errors import Refused
from marketmaker.ports import Deadline, SettingsText, Unknown
from marketmaker.simulation.account import FeeAsset, FeeRates
from marketmaker.simulation.events import Event
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.mids import MidSeries
from marketmaker.simulation.perpetual import FundingSchedule, MarginAccount, MarginTerms, PerpetualEngine
from marketmaker.usecases.backtest import Span, run_backtest
from marketmaker.usecases.desk import Desk
from tests.builders import SYMBOL, USDT, account_settings, fees, instrument, market_settings
from tests.unit.usecases.test_backtest import SECOND, START_MS, STILL, Setting, quote, trade

D = Decimal


class Margined:
    """A backtest of these events on a perpetual, put together from the real parts; funding is paid after 30 s."""

    def __init__(self, events: Iterable[Event], *, rate: str = "0") -> None:
        position = PositionSkew(
            min_ratio=D("0.2"),
            max_ratio=D("0.5"),
            target_base=ZERO,
            threshold_base=ZERO,
            max_base=D(1),
            skew=ZERO,
            effect=SkewEffect.SHIFT,
            ramp=Ramp.LINEAR,
        )
        market = replace(
            market_settings(fee_schedule=fees(maker_bps=1), inventory_band=position), perpetual=Perpetual()
        )
        settings = account_settings(market)
        rules = instrument()
        mids, played, clock = MidSeries(), Played(), VirtualClock(START_MS)
        account = MarginAccount(
            instrument=rules,
            fees=FeeRates(maker=BPS, taker=BPS, asset=FeeAsset.QUOTE),
            collateral_quote=D(10_000),
            terms=MarginTerms(),
            leverage=D(2),
        )
        funding = FundingSchedule(
            rate=D(rate), interval_us=30 * SECOND, start_us=START_MS * 1000 - START_MS * 1000 % (30 * SECOND)
        )
        feed = MarketFeed(mids.watch(played.watch(events)), tick_size=rules.tick_size)
        self.engine = PerpetualEngine(account=account, feed=feed, funding=funding)
        self.held = MarginedAccount(self.engine)
        self.venue = BacktestVenue(self.engine, self.held, clock, Latency())
        self.run = RecordedRun(self.engine, self.held, mids, clock, played)
        self.deadline = Deadline(at_ms=START_MS * 2, clock=clock)
        self.desk = Desk(
            settings=settings,
            venue=self.venue,
            store=InMemoryStore(),
            prices=InMemoryPrices(),
            versions=DeployedOnly(deployed=SettingsText(version=settings.config_hash, text=""), settings=settings),
            alerts=CountingAlerts(),
            telemetry=CountingTelemetry(),
            clock=clock,
            alongside=AtOnce(),
        )

    def result(self) -> BacktestResult:
        return run_backtest(self.desk, self.run, Span(from_ms=START_MS + 5_000, to_ms=START_MS + 60_000))


def test_a_sale_from_flat_is_a_short_and_its_funding_is_part_of_the_gain() -> None:  # R33
    found = Margined([*STILL[:1], trade(12, Side.BUY, "1901"), *STILL[1:]], rate="0.001").result()
    assert (found.fills, found.inventory_final_base) == (1, D("-0.1"))
    (fill,) = found.fill_list
    received = D("0.001") * D("0.1") * D(1900)
    assert found.funding_quote >= received > 0
    assert found.total_pnl_quote == (
        found.realised_pnl_quote + found.unrealised_pnl_quote - found.fees_quote + found.funding_quote
    )
    assert found.samples[-1].pnl_quote == found.total_pnl_quote
    assert fill.price == D("1900.5")


def test_a_market_that_stands_still_leaves_it_flat() -> None:
    found = Margined(STILL, rate="0.001").result()
    assert (found.fills, found.inventory_max_abs_base, found.funding_quote, found.total_pnl_quote) == (
        0,
        ZERO,
        ZERO,
        ZERO,
    )


def test_what_it_holds_is_told_as_a_venue_tells_it() -> None:
    setting = Margined([quote(0, "1900")])
    assert setting.held.positions() == {SYMBOL: Unknown(reason="there is no mark price yet")}
    setting.run.go_to(START_MS + 1_000)
    position = setting.held.positions()[SYMBOL]
    assert not isinstance(position, Unknown)
    assert (position.size_base, position.entry_price, position.mark_price, position.leverage) == (
        ZERO,
        None,
        D(1900),
        D(2),
    )
    assert setting.held.balances()[USDT].total == 10_000


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Perpetual(margin_mode=MarginMode.ISOLATED), "margin mode isolated: allowed is cross"),
        (Perpetual(leverage=D(51)), "leverage 51; allowed: 1 to 50"),
    ],
)
def test_how_it_cannot_be_held_is_refused(wanted: Perpetual, said: str) -> None:
    setting = Margined([quote(0, "1900")])
    with pytest.raises(Refused, match=said):
        setting.venue.set_leverage(SYMBOL, wanted, setting.deadline)
    setting.venue.set_leverage(SYMBOL, Perpetual(leverage=D(5)), setting.deadline)
    assert setting.engine.account.leverage == 5


def test_spot_has_neither_leverage_nor_funding() -> None:
    held = SpotAccount(Setting(STILL).engine)
    assert (held.positions(), held.funding_rates(), held.funding_since(0)) == ({}, {}, ())
    with pytest.raises(Refused, match="is a spot market: it has no leverage"):
        held.set_leverage(Perpetual())
