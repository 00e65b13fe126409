"""A deployment's functions at venues of perpetuals, one after another over unmodified ccxt and HTTP: prices to halt."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.memory import AtOnce
from marketmaker.domain.breaches import BreachKind
from marketmaker.domain.klines import MINUTE_MS
from marketmaker.domain.orders import Side
from marketmaker.domain.venues import VENUES
from marketmaker.ports import Deadline, HaltRequest
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.fetch_prices import PriceDesk, PricesReport, PublishedMarkets, fetch_prices
from marketmaker.usecases.halt import halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickOutcome
from marketmaker.usecases.risk_report import RiskOutcome, RiskReport
from tests.contract.local_venue import trade_at
from tests.contract.perpetual_dialects import SPOKEN, Spoken
from tests.contract.perpetual_venue import book
from tests.contract.test_perpetual_scenarios import MAIN, SOL, Guide, guide
from tests.fakes.sinks import RecordingHalts

D = Decimal
TRADES = [trade_at(second, Side.BUY, "101", "0.01") for second in range(10, 200, 10)]


@pytest.fixture(params=SPOKEN, ids=lambda each: each.venue)
def spoken(request: pytest.FixtureRequest) -> Spoken:
    found: Spoken = request.param
    return found


@contextmanager
def keyless(at: Guide) -> Iterator[PriceDesk]:
    """Connect `fetch_prices` to the same exchange without a key."""
    desk, name = at.desk, at.spoken.venue
    login = VenueLogin(
        read_key=None, request_timeout_ms=2000, request_ttl_ms=2000, endpoint=at.local.address, venue=name
    )
    venue = CcxtVenue(login, desk.clock)
    published = PublishedMarkets(
        name=name, venue=venue, exposures_ms={SOL: 5_500}, kline_ms=VENUES[at.spoken.venue].kline_ms
    )
    try:
        yield PriceDesk(
            venues=(published,), prices=desk.prices, telemetry=desk.telemetry, clock=desk.clock, alongside=AtOnce()
        )
    finally:
        venue.close()


def deadline(at: Guide) -> Deadline:
    return Deadline(at_ms=at.desk.clock.now_ms() + 20_000, clock=at.desk.clock)


def fetched(at: Guide) -> PricesReport:
    with keyless(at) as prices:
        return fetch_prices(prices, deadline(at))


def checked(at: Guide) -> tuple[RiskReport, RecordingHalts]:
    halts = RecordingHalts()
    return check_risk(at.desk, halts, deadline(at), owner="risk"), halts


def test_what_the_venue_publishes_is_kept_in_its_own_klines(spoken: Spoken) -> None:  # C3
    with guide(*TRADES, book(9_000), spoken=spoken) as market:
        market.local.skip(200)
        report = fetched(market)
        assert (report.failures, report.markets, report.metadata_refreshed) == ({}, 1, 1)
        now_ms = market.desk.clock.now_ms()
        kept = market.desk.prices.klines(spoken.venue, SOL, now_ms - 10 * MINUTE_MS, now_ms)
        assert len(kept) == report.klines_written > 0
        assert {each.open_ms % VENUES[spoken.venue].kline_ms for each in kept} == {0}
        assert {each.close for each in kept} == {D(101)}
        assert fetched(market).klines_written == 0, "a minute is kept once"


def test_each_function_does_its_part_from_the_first_quote_to_the_halt(spoken: Spoken) -> None:
    with guide(trade_at(7, Side.SELL, "98.9", "2.5"), book(9_000), spoken=spoken, size="2.5") as market:
        assert fetched(market).failures == {}
        market.tick()
        market.tick(4)
        assert market.state.inventory.base == D("2.5")
        report, halts = checked(market)
        assert (report.outcome, report.problems, report.answers, report.unknown) == (RiskOutcome.DONE, (), (), ())
        assert (report.own_orders, report.foreign_orders, halts.requested) == (
            len(market.local.state()["open_orders"]),
            0,
            [],
        )
        stopped = halt(HaltRequest(account=MAIN, reason="enough", requested_by="ops"), market.desk, deadline(market))
        assert stopped.verified_s is not None
        assert market.local.state()["open_orders"] == []
        market.local.skip(5)
        slot_ms = market.desk.clock.now_ms() // 1000 * 1000
        tick = replace_quotes(Tick(account=MAIN, slot_ms=slot_ms), market.desk, owner="o")
        assert tick.outcome is TickOutcome.HALTED
        assert checked(market)[0].outcome is RiskOutcome.HALTED
        assert market.local.state()["open_orders"] == []
        market.assert_agrees()


def test_a_fall_in_one_gap_is_found_by_the_check_once_its_fills_are_booked(spoken: Spoken) -> None:  # R6
    fallen = book(17, bids="60x100", asks="60.2x100")
    events = [trade_at(7, Side.SELL, "98.9", "2.5"), book(8), fallen, book(9_000, "60x1", "60.2x1")]
    with guide(*events, spoken=spoken, size="2.5") as market:
        market.tick(3)
        assert market.state.inventory.base == D("2.5")
        assert checked(market)[0].drawdowns == {"USDC": 0}, "the equity from which is fallen"
        market.local.skip(3)
        report, halts = checked(market)
        assert (report.unknown, halts.requested) == (("drawdown",), []), "a bid filled that nobody has booked"
        market.tick()
        report, halts = checked(market)
        assert [each.breach.kind for each in report.answers] == [BreachKind.DRAWDOWN]
        assert [each.account for each in halts.requested] == [MAIN]
        assert market.state.inventory.base == D(5), "a halt keeps what is held"
