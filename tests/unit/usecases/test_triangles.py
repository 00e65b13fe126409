"""An edge round a triangle is told of once, by books of one moment, and nothing is traded (S15)."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from marketmaker.adapters.memory import AtOnce
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.models import Listing, SecondPrice, TriangleSettings
from marketmaker.domain.triangle import TriangleDirection, TriangleEdge
from marketmaker.domain.units import Symbol
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import Deadline, Severity, Unknown
from marketmaker.usecases.triangles import (
    MAX_READING_MS,
    TRIANGLE_EDGE,
    TriangleDesk,
    TriangleLook,
    check_triangles,
    triangles_of,
)
from tests.builders import ACCOUNT, SLOT_MS, SYMBOL, account_settings, fees, instrument, market_settings
from tests.fakes.clock import ManualClock
from tests.fakes.prices import FaultyPrices
from tests.fakes.sinks import RecordingAlerts, RecordingTelemetry
from tests.fakes.venue import BOOKS, FakeVenue

D = Decimal
CROSS, BITCOIN = Symbol("PAXG/BTC"), Symbol("BTC/USDT")
LEGS = SecondPrice(
    source=Listing(venue="binance", symbol=CROSS), rate=Listing(venue="binance", symbol=BITCOIN), max_age_ms=10_000
)
TOLD = TriangleSettings(min_edge_bps=D(5), min_profit_quote=D(1))


def account(legs: SecondPrice | None = LEGS, triangle: TriangleSettings | None = TOLD) -> AccountSettings:
    return account_settings(
        replace(market_settings(fee_schedule=fees(taker_bps="10")), implied=legs, triangle=triangle)
    )


@dataclass
class Ring:
    """A venue with three books, and everything that a look writes to."""

    settings: AccountSettings
    clock: ManualClock = field(default_factory=lambda: ManualClock(SLOT_MS))
    prices: FaultyPrices = field(default_factory=FaultyPrices)
    alerts: RecordingAlerts = field(default_factory=RecordingAlerts)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    venue: FakeVenue = field(init=False)

    def __post_init__(self) -> None:
        rules = [instrument(), instrument(symbol=CROSS, quote="BTC"), instrument(symbol=BITCOIN, base="BTC")]
        self.venue = FakeVenue(self.clock, rules, {})
        self.venue.quote(CROSS, "0.04999", "0.05001")
        self.venue.quote(BITCOIN, "37999", "38001")
        self.fair()
        self.venue.fetch_metadata([SYMBOL, CROSS, BITCOIN], Deadline(at_ms=SLOT_MS, clock=self.clock))

    def fair(self) -> None:
        """Let gold cost the same both ways."""
        self.venue.quote(SYMBOL, "1899.9", "1900.1")

    def cheap(self) -> None:
        """Let gold be 1 % cheaper in its own market."""
        self.venue.quote(SYMBOL, "1880", "1881")

    def dear(self) -> None:
        """Let gold be 1 % dearer in its own market."""
        self.venue.quote(SYMBOL, "1919", "1920")

    def run(self, budget_ms: int = 30_000) -> list[TriangleLook]:
        desk = TriangleDesk(
            triangles=triangles_of([self.settings], {"binance": self.venue}),
            prices=self.prices,
            alerts=self.alerts,
            telemetry=self.telemetry,
            clock=self.clock,
            alongside=AtOnce(),
        )
        return list(check_triangles(desk, Deadline(at_ms=self.clock.now_ms() + budget_ms, clock=self.clock)))

    def edge(self) -> TriangleEdge | Unknown:
        """Return what the one triangle's look saw."""
        (look,) = self.run()
        return look.edge

    def unknown(self) -> str:
        """Return why the one triangle's edge is not known."""
        edge = self.edge()
        assert isinstance(edge, Unknown)
        return edge.reason


def ring(settings: AccountSettings | None = None) -> Ring:
    return Ring(settings or account())


class TestLooking:
    def test_the_three_books_are_read_in_one_round_and_the_better_way_is_recorded(self) -> None:
        at = ring()
        at.cheap()
        edge = at.edge()
        assert [call.keys for call in at.venue.received("read_books")] == [(SYMBOL, CROSS, BITCOIN)]
        assert isinstance(edge, TriangleEdge)
        assert (edge.direction, edge.size_base) == (TriangleDirection.BUY_DIRECT, D(5))
        assert at.telemetry.lines == [
            (
                "triangle",
                {
                    "account": ACCOUNT,
                    "venue": "binance",
                    "symbols": (SYMBOL, CROSS, BITCOIN),
                    "age_ms": 0,
                    "direction": "buy_direct",
                    "edge_bps": f"{edge.edge_bps:.3f}",
                    "top_edge_bps": f"{edge.top_edge_bps:.3f}",
                    "size_base": "5.00000000",
                    "profit_quote": f"{edge.profit_quote:.8f}",
                },
            )
        ]
        assert at.telemetry.counted == {"triangles": 1, "triangles_unknown": 0, "triangles_executable": 1}

    def test_the_markets_taker_fee_is_paid_on_all_three_legs(self) -> None:
        at = ring()
        at.cheap()
        edge = at.edge()
        assert isinstance(edge, TriangleEdge)
        assert edge.profit_quote == 5 * (D("0.999") ** 3 * D("0.04999") * 37999 - 1881)

    def test_nothing_is_traded(self) -> None:
        at = ring()
        at.cheap()
        at.run()
        assert set(at.venue.methods()) == {"fetch_metadata", "read_books"}

    def test_a_fair_ring_is_recorded_with_what_it_would_lose(self) -> None:
        at = ring()
        edge = at.edge()
        assert isinstance(edge, TriangleEdge)
        assert edge.edge_bps < -30
        assert at.telemetry.counted["triangles_executable"] == 0

    def test_an_account_without_implied_prices_has_no_triangle(self) -> None:
        at = ring(account(None, None))
        assert at.run() == []
        assert at.telemetry.counted == {}

    @pytest.mark.parametrize(
        "legs",
        [
            replace(LEGS, rate=None),
            replace(LEGS, divides=True),
            replace(LEGS, source=Listing(venue="binanceus", symbol=CROSS)),
            replace(LEGS, rate=Listing(venue="binanceus", symbol=BITCOIN)),
        ],
    )
    def test_legs_that_make_no_ring_at_one_venue_are_not_looked_at(self, legs: SecondPrice) -> None:
        assert ring(account(legs)).run() == []


class TestLooksThatAreNone:
    @pytest.mark.parametrize("symbol", [SYMBOL, CROSS, BITCOIN])
    @pytest.mark.parametrize(("bid", "ask"), [("", "1"), ("1", ""), ("1", "1"), ("2", "1")])
    def test_a_book_that_is_one_sided_or_crossed(self, symbol: Symbol, bid: str, ask: str) -> None:
        at = ring()
        at.venue.quote(symbol, bid, ask)
        assert at.unknown() == f"the book of {symbol} is one-sided or crossed"

    def test_a_book_that_could_not_be_read(self) -> None:
        at = ring()
        at.venue.faults.fail_always(BOOKS, Retryable("503"))
        assert at.unknown() == "PAXG/USDT: 503"
        assert at.telemetry.lines[0][1]["unknown"] == "PAXG/USDT: 503"
        assert at.telemetry.counted["triangles_unknown"] == 1

    @pytest.mark.parametrize("error", [Retryable("503"), Refused("no"), AccountRefused("forbidden")])
    def test_a_venue_that_fails_altogether(self, error: MarketMakerError) -> None:
        at = ring()
        at.venue.faults.fail_once("read_books", error)
        assert at.unknown() == str(error)

    def test_a_market_that_nobody_described(self) -> None:
        at = ring()
        at.venue = FakeVenue(at.clock, [instrument()], {})
        assert at.unknown() == "not all of PAXG/USDT, PAXG/BTC, BTC/USDT are described"

    def test_books_whose_reading_took_too_long_are_of_no_one_moment(self) -> None:
        at = ring()
        at.venue.faults.before("read_books", lambda: at.clock.advance(MAX_READING_MS + 1))
        assert at.unknown() == "reading the books took 2001 ms"

    def test_books_are_as_old_as_their_reading_took(self) -> None:
        at = ring()
        at.venue.faults.before("read_books", lambda: at.clock.advance(MAX_READING_MS))
        (look,) = at.run()
        assert look.age_ms == MAX_READING_MS
        assert isinstance(look.edge, TriangleEdge)

    def test_a_look_gets_no_more_time_than_its_books_may_take_or_the_run_has(self) -> None:
        at = ring()
        given: list[int] = []
        read = at.venue.read_books

        def read_books(symbols: list[Symbol], deadline: Deadline) -> object:
            given.append(deadline.remaining_ms())
            return read(symbols, deadline)

        at.venue.read_books = read_books  # type: ignore[method-assign, assignment]
        at.run()
        at.run(budget_ms=700)
        assert given == [MAX_READING_MS, 700]


class TestTelling:
    def test_an_edge_is_told_of_once_and_its_end_once(self) -> None:
        at = ring()
        at.run()
        at.cheap()
        at.run()
        at.run()
        at.fair()
        at.run()
        at.run()
        at.dear()
        at.run()
        assert at.alerts.kinds() == [TRIANGLE_EDGE] * 3
        opened, over, again = at.alerts.sent
        assert {each.severity for each in at.alerts.sent} == {Severity.INFO}
        assert (opened.account, opened.symbol) == (ACCOUNT, SYMBOL)
        assert opened.text == (
            "main PAXG/USDT: 5.0000 PAXG bought here and sold through PAXG/BTC and BTC/USDT would earn 64.38 USDT, "
            "68.5 bps after three taker fees, by books at most 0 ms old. Nothing was traded"
        )
        assert over.text.startswith("main PAXG/USDT: the edge round its triangle is over: -3")
        assert "PAXG bought through BTC/USDT and PAXG/BTC and sold here would earn" in again.text

    @pytest.mark.parametrize("least", [replace(TOLD, min_edge_bps=D(69)), replace(TOLD, min_profit_quote=D(65))])
    def test_an_edge_that_is_too_small_is_recorded_only(self, least: TriangleSettings) -> None:
        at = ring(account(triangle=least))
        at.cheap()
        at.run()
        assert at.telemetry.counted["triangles_executable"] == 1
        assert at.alerts.sent == []

    def test_without_settings_nobody_is_told(self) -> None:
        at = ring(account(triangle=None))
        at.cheap()
        at.run()
        assert at.telemetry.counted["triangles_executable"] == 1
        assert at.alerts.sent == []

    def test_an_unknown_edge_neither_opens_nor_ends_anything(self) -> None:  # R7
        at = ring()
        at.cheap()
        at.run()
        at.venue.faults.fail_always(BOOKS, Retryable("503"))
        at.run()
        at.venue.faults.heal(BOOKS)
        at.run()
        assert len(at.alerts.sent) == 1

    @pytest.mark.parametrize("error", [Retryable("throttled"), Refused("too long"), Fatal("no such topic")])
    def test_an_alert_that_could_not_be_sent_is_the_next_runs(self, error: MarketMakerError) -> None:  # R27
        at = ring()
        at.cheap()
        at.alerts.failures = [error]
        at.run()
        assert at.alerts.sent == []
        (failed,) = [fields for event, fields in at.telemetry.lines if event == "alert_failed"]
        assert (failed["kind"], failed["reason"]) == (TRIANGLE_EDGE, str(error))
        at.run()
        at.run()
        assert len(at.alerts.sent) == 1
        at.fair()
        at.alerts.failures = [error]
        at.run()
        at.run()
        at.run()
        assert [" is over: " in each.text for each in at.alerts.sent] == [False, True]

    @pytest.mark.parametrize("error", [Retryable("DynamoDB is down"), Refused("no")])
    def test_what_could_not_be_noted_is_not_told(self, error: MarketMakerError) -> None:
        at = ring()
        at.cheap()
        at.prices.faults.fail_once("mark_triangle", error)
        at.run()
        assert at.alerts.sent == []
        assert at.telemetry.lines[-1] == ("triangle_not_kept", {"symbol": SYMBOL, "reason": str(error)})
        at.run()
        assert len(at.alerts.sent) == 1

    def test_a_table_that_refuses_us_ends_the_run(self) -> None:
        at = ring()
        at.prices.faults.fail_once("mark_triangle", Fatal("no such table"))
        with pytest.raises(Fatal, match="no such table"):
            at.run()
