"""The perpetual guide's scenarios through the live code: unmodified ccxt over HTTP on the local exchange (P1-P9).

SOL stands at 100 and the file is the guide's: 1 % a level, 0.1 SOL, at most 5, threshold 2. Where the guide's text and
its own formula differ, the formula counts: at 99 the quotes are 98.01 and 99.99.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.memory import AtOnce, DeployedOnly, InMemoryPrices, InMemoryStore
from marketmaker.config import parse_deployment
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.state import MarketState
from marketmaker.domain.units import ZERO, AccountName, Symbol
from marketmaker.ports import Deadline, HaltRequest, SettingsText
from marketmaker.simulation.events import Event
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import MarketReport, TickOutcome
from tests.contract.connected import VenueClock
from tests.contract.local_venue import LocalVenue, trade_at
from tests.contract.perpetual_dialects import SPOKEN, USDM_SPOKEN, Spoken
from tests.contract.perpetual_venue import HOUR_S, book
from tests.fakes.sinks import RecordingAlerts, RecordingTelemetry

D = Decimal
SOL, MAIN = Symbol("SOL/USDC:USDC"), AccountName("main")
BUY, SELL = Side.BUY, Side.SELL
NINETY_NINE = {"bids": "98.9x100", "asks": "99.1x100"}
FILE = """
name = "guide"
tag = "gui"
stage = "local"
[accounts.main]
venue = "VENUE"
dedicated = true
[[accounts.main.markets]]
symbol = "SOL/USDC:USDC"
number = 1
capital_quote = { share = 1.0 }
fees = { maker_bps = 2, taker_bps = 5 }
half_spread = { bps = 100 }
order_size_base = SIZE
ladder = { levels = 2 }
inventory = { policy = "position", max_base = 5, threshold_base = 2, skew = SKEW, effect = "EFFECT", ramp = "none" }
price_band = { low = 1, high = 1000 }
perpetual = { leverage = 10 }
max_book_age_s = 3600
"""


@dataclass
class Guide:
    """The guide's market, a tick at a time."""

    desk: Desk
    local: LocalVenue
    spoken: Spoken = USDM_SPOKEN

    def tick(self, ticks: int = 1) -> MarketReport:
        """Work the next slots, five seconds apart."""
        found: list[MarketReport] = []
        for _ in range(ticks):
            self.local.skip(5)
            report = replace_quotes(
                Tick(account=MAIN, slot_ms=self.desk.clock.now_ms() // 1000 * 1000), self.desk, owner="o"
            )
            assert report.outcome is TickOutcome.DONE, report
            found = list(report.markets)
        return found[0]

    @property
    def state(self) -> MarketState:
        return self.desk.store.read_account(MAIN).markets[SOL]

    def prices(self, side: Side) -> list[Decimal]:
        """Our resting prices, nearest first."""
        rows = self.local.state()["open_orders"]
        found = [D(row["price"]) for row in rows if row["side"] == self.spoken.sides[side]]
        return sorted(found, reverse=side is BUY)

    def assert_agrees(self) -> None:
        """Position and collateral of the ledger are the exchange's own."""
        held = self.local.state()["margin"]
        inventory = self.state.inventory
        assert inventory.base == D(held["size"])
        assert inventory.collateral_quote == D(held["balance"])


@contextmanager
def guide(
    *events: Event,
    skew: str = "0",
    size: str = "0.1",
    effect: str = "shift",
    more: Sequence[str] = (),
    spoken: Spoken = USDM_SPOKEN,
) -> Iterator[Guide]:
    text = FILE.replace("VENUE", spoken.venue).replace("SKEW", skew).replace("SIZE", size).replace(
        "EFFECT", effect
    ) + "\n".join(more)
    settings = parse_deployment(text, file="guide.toml").accounts[MAIN]
    with spoken.served(events) as local:
        clock = VenueClock(local)
        venue = CcxtVenue(spoken.login(local), clock)
        desk = Desk(
            settings=settings,
            venue=venue,
            store=InMemoryStore(),
            prices=InMemoryPrices(),
            versions=DeployedOnly(deployed=SettingsText(version=settings.config_hash, text=text), settings=settings),
            alerts=RecordingAlerts(),
            telemetry=RecordingTelemetry(),
            clock=clock,
            alongside=AtOnce(),
        )
        try:
            yield Guide(desk=desk, local=local, spoken=spoken)
        finally:
            venue.close()


@pytest.fixture(params=SPOKEN, ids=lambda each: each.venue)
def spoken(request: pytest.FixtureRequest) -> Spoken:
    found: Spoken = request.param
    return found


def test_scenario_1_a_bid_fills_first_and_the_ladder_follows_the_price(spoken: Spoken) -> None:  # P1, P9
    events = [trade_at(7, SELL, "98.9", "0.1"), book(8, **NINETY_NINE), trade_at(22, BUY, "100.5", "0.1"), book(9_000)]
    with guide(*events, spoken=spoken) as market:
        market.tick()
        assert (market.prices(BUY), market.prices(SELL)) == ([D(99), D(98)], [D(101), D(102)])
        market.tick(2)
        assert market.state.inventory.base == D("0.1")
        assert (market.prices(BUY), market.prices(SELL)) == ([D(98), D(97)], [D(100), D(101)])
        market.tick(2)
        inventory = market.state.inventory
        assert (inventory.base, inventory.realised_quote) == (ZERO, D("0.1")), "0.1 bought at 99 and sold at 100"
        market.assert_agrees()


def test_scenario_2_beyond_the_threshold_nothing_is_closed_and_without_skew_nothing_leans(
    spoken: Spoken,
) -> None:  # P3, P6
    with guide(trade_at(7, SELL, "98.9", "2.5"), book(8), book(9_000), spoken=spoken, size="2.5") as market:
        market.tick(3)
        assert market.state.inventory.base == D("2.5")
        assert (market.prices(BUY)[0], market.prices(SELL)[0]) == (D(99), D(101))
        assert market.state.exits.current is None
        market.assert_agrees()


def test_scenario_3_with_skew_both_quotes_move_towards_reducing(spoken: Spoken) -> None:  # P3
    with guide(trade_at(7, SELL, "98.9", "2.5"), book(8), book(9_000), spoken=spoken, size="2.5", skew="0.5") as market:
        market.tick(3)
        assert market.state.inventory.base == D("2.5")
        assert (market.prices(BUY)[0], market.prices(SELL)[0]) == (D("98.5"), D("100.5"))


def test_scenario_3_as_the_guide_prints_it_sells_less_readily_too(spoken: Spoken) -> None:  # P3
    with guide(
        trade_at(7, SELL, "98.9", "2.5"), book(8), book(9_000), spoken=spoken, size="2.5", skew="0.5", effect="widen"
    ) as market:
        market.tick(3)
        assert (market.prices(BUY)[0], market.prices(SELL)[0]) == (D("98.5"), D("101.5"))


def test_orders_never_take_the_position_past_its_most(spoken: Spoken) -> None:  # P4
    with guide(trade_at(7, SELL, "97.9", "4"), book(8), book(9_000), spoken=spoken, size="2") as market:
        market.tick(3)
        assert market.state.inventory.base == D(4)
        rows = market.local.state()["open_orders"]
        bids = [D(row[spoken.size_field]) for row in rows if row["side"] == spoken.sides[BUY]]
        assert sum(bids) <= D(1)


def test_a_stop_loss_closes_by_orders_that_only_reduce_and_cools_down(spoken: Spoken) -> None:  # P5
    events = [trade_at(7, SELL, "98.9", "2.5"), book(8, bids="94x1 93.5x50", asks="94.2x100"), book(9_000)]
    with guide(*events, spoken=spoken, size="2.5", more=["stop_loss = { loss_quote = 10 }"]) as market:
        market.tick(2)
        report = market.tick()
        assert isinstance(report.desired, NoQuotes)
        assert report.desired.reason is NoQuotesReason.EXITING
        market.tick(4)
        assert market.state.inventory.base == ZERO
        assert market.local.state()["open_orders"] == []
        last = market.tick()
        assert isinstance(last.desired, NoQuotes)
        assert last.desired.reason is NoQuotesReason.COOLING_DOWN
        market.assert_agrees()


def test_funding_is_booked_once_and_agrees_with_the_exchange(spoken: Spoken) -> None:  # R33
    with guide(trade_at(7, SELL, "98.9", "2.5"), book(8), book(90_000), spoken=spoken, size="2.5") as market:
        market.tick(3)
        market.local.skip(HOUR_S)
        market.tick(3)
        assert market.state.inventory.funding_quote == D("-0.025"), "0.0001 of 2.5 at 100"
        market.assert_agrees()


def test_a_halt_leaves_no_order_at_a_venue_of_perpetuals(spoken: Spoken) -> None:  # R5
    with guide(book(9_000), spoken=spoken) as market:
        market.tick()
        assert len(market.local.state()["open_orders"]) == 4
        request = HaltRequest(account=MAIN, reason="test", requested_by="test")
        deadline = Deadline(at_ms=market.desk.clock.now_ms() + 60_000, clock=market.desk.clock)
        report = halt(request, market.desk, deadline)
        assert report.verified_s is not None
        assert market.local.state()["open_orders"] == []
