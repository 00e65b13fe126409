"""Thirty ticks of fills, price moves and faults in any order: what must hold after every one, and at the end."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.units import ZERO
from marketmaker.errors import Conflict, Retryable
from marketmaker.ports import RejectionKind
from marketmaker.usecases.records import read_decisions
from marketmaker.usecases.replay import replay
from marketmaker.usecases.reports import TickOutcome, TickReport
from tests.builders import PAXG, SYMBOL, USDT, fee, foreign_order
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import BALANCES, BOOKS, OPEN_ORDERS

LOW, HIGH = 1800, 2000
TICKS = 30
LAG_EVERY = 3
QUIET_TICKS = 30
"""Enough for the lease of a killed tick to end and for the trades to be read twice."""


class Killed(Exception):
    """The function died here."""


class Kind(StrEnum):
    """What happens just before a tick."""

    NOTHING = "nothing"
    PRICE = "price"
    FILL_BID = "fill_bid"
    FILL_ASK = "fill_ask"
    FILL_DURING_CANCEL = "fill_during_cancel"
    HIDE_TRADES = "hide_trades"
    LIST_TRADES = "list_trades"
    LOSE_REPLY = "lose_reply"
    LOSE_REQUEST = "lose_request"
    ACCEPT_LATE = "accept_late"
    REJECT = "reject"
    FAIL_CANCEL = "fail_cancel"
    SILENT_CANCELS = "silent_cancels"
    LAGGING_ORDERS = "lagging_orders"
    FORGETFUL = "forgetful"
    UNKNOWN_PART = "unknown_part"
    UNREADABLE_TRADES = "unreadable_trades"
    LOST_SAVE = "lost_save"
    LOST_BOOKING = "lost_booking"
    KILLED = "killed"
    TWICE = "twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens; `amount` says how much, which, or where."""

    kind: Kind
    amount: int


steps = st.builds(Step, kind=st.sampled_from(Kind), amount=st.integers(min_value=0, max_value=99))


@dataclass(slots=True, kw_only=True)
class World:
    """A desk in trouble; `lagging` counts the ticks since the venue was last behind."""

    at: Bench
    by_hand: Order
    fair: Decimal = Decimal(1900)
    lagging: int = 9

    def happen(self, step: Step) -> None:
        """Let it happen."""
        self.lagging += 1
        trouble: dict[Kind, Callable[[int], object]] = {
            Kind.PRICE: self.move_price,
            Kind.FILL_BID: partial(self.fill, Side.BUY),
            Kind.FILL_ASK: partial(self.fill, Side.SELL),
            Kind.LAGGING_ORDERS: self.lag,
            Kind.FORGETFUL: self.lag,
            **self.replies(),
            **self.failures(),
        }
        trouble.get(step.kind, self.nothing)(step.amount)

    def replies(self) -> dict[Kind, Callable[[int], object]]:
        """Return what the venue does to the next creates, cancels and trades."""
        venue = self.at.venue
        return {
            Kind.FILL_DURING_CANCEL: lambda n: venue.faults.before("cancel", lambda: self.fill(Side.BUY, n)),
            Kind.HIDE_TRADES: lambda _: venue.hide_trades(),
            Kind.LIST_TRADES: lambda _: venue.list_trades(),
            Kind.LOSE_REPLY: lambda _: venue.lose_next_reply(),
            Kind.LOSE_REQUEST: lambda _: venue.lose_next_request(),
            Kind.ACCEPT_LATE: lambda n: venue.accept_next_after(lookups=n % 3),
            Kind.REJECT: lambda _: venue.reject_next(RejectionKind.WOULD_TAKE),
            Kind.FAIL_CANCEL: lambda n: venue.fail_next_cancels(1 + n % 2),
            Kind.SILENT_CANCELS: lambda _: venue.cancel_without_figures(),
        }

    def failures(self) -> dict[Kind, Callable[[int], object]]:
        """Return what cannot be read or written."""
        faults, store = self.at.venue.faults, self.at.store.faults
        parts, calls = (OPEN_ORDERS, BALANCES, BOOKS), ("save_market", "book", "read_control")
        return {
            Kind.UNKNOWN_PART: lambda n: faults.fail_once(parts[n % 3], Retryable("no answer")),
            Kind.UNREADABLE_TRADES: lambda _: faults.fail_once("fills_since", Retryable("no answer")),
            Kind.LOST_SAVE: lambda _: store.fail_once("save_market", Conflict("another writer")),
            Kind.LOST_BOOKING: lambda _: store.fail_once("book", Conflict("another writer")),
            Kind.KILLED: lambda n: store.fail_once(calls[n % 3], Killed()),
        }

    def nothing(self, amount: int) -> None:
        """Let the tick be as any other."""

    def move_price(self, amount: int) -> None:
        """Move a little, or now and then anywhere from just below the band to just above it."""
        self.fair = Decimal(1796 + 2 * amount) if amount % 5 == 0 else self.fair + amount % 7 - 3
        self.at.venue.quote(SYMBOL, self.fair - 1, self.fair + 1)

    def lag(self, amount: int) -> None:
        """Let the venue be behind, for less than a request lives."""
        if self.lagging > LAG_EVERY:
            self.lagging = 0
            if amount % 2:
                self.at.venue.forget_lookups(1)
            else:
                self.at.venue.faults.before("cancel", self.at.venue.repeat_open_orders)

    def fill(self, side: Side, percent: int) -> None:
        """Trade a part of an own order, if one rests, in lots."""
        resting = [each for each in self.at.venue.live() if each.side is side and each.client_id is not None]
        for each in resting[:1]:
            lots = max(1, int(each.remaining_base / Decimal("0.0001")) * (percent + 1) // 100)
            self.at.venue.fill(each, lots * Decimal("0.0001"))

    def calm(self) -> None:
        """End every trouble."""
        self.at.venue.calm()
        self.at.store.faults.clear()
        self.at.venue.quote(SYMBOL, "1899.9", "1900.1")


def world() -> World:
    at = bench(totals={PAXG: "5", USDT: "20000"})
    at.venue.trade_fee = fee("0.0137", USDT)
    by_hand = at.venue.add_order(foreign_order(Side.BUY, "1700"))
    at.venue.quote(SYMBOL, "1899", "1901")
    at.tick()
    return World(at=at, by_hand=by_hand)


def own(at: Bench) -> list[Order]:
    return [each for each in at.venue.live() if each.client_id is not None]


def assert_holds(at: Bench, by_hand: Order) -> None:
    live = own(at)
    identities = {each.client_id: at.desk.identity_of(each) for each in live}
    alive_ms = at.venue.time_now_ms() - at.desk.settings.clocks.request_ttl_ms
    unknown = [each.order for each in at.state().unresolved if each.signed_ms >= alive_ms]
    waiting = [each for each in unknown if each.client_id not in identities]
    places = Counter([(each.side, 0) for each in live] + [(each.side, 0) for each in waiting])
    assert all(count == 1 for count in places.values()), places
    assert all(each is not None and each.level == 0 for each in identities.values())
    assert all(LOW <= each.price <= HIGH for each in live)
    assert by_hand in at.venue.live()
    booked = [row.fill.trade_id for row in at.fills()]
    assert len(set(booked)) == len(booked)
    assert set(booked) <= {fill.trade_id for fill in at.venue.trades_of(SYMBOL)}
    inventory, mark = at.state().inventory, Decimal("1901.37")
    gained = inventory.quote + inventory.base * mark - inventory.deposited_quote
    assert gained == inventory.pnl_quote(mark)  # R17


def assert_replays(at: Bench, report: TickReport) -> None:
    """Whatever was decided is decided again from what was recorded."""
    line = json.loads(_to_json(dict(report.record(in_full=True))))
    assert [replay(each, at.desk.settings).differences for each in read_decisions(line)] == [()] * len(report.markets)


def assert_pulled(at: Bench, fair: Decimal, report: TickReport) -> None:
    """A price outside the band leaves no own order behind that was listed, but one whose cancel failed."""
    if report.outcome is not TickOutcome.DONE or LOW <= fair <= HIGH:
        return
    (market,) = report.markets
    assert len(own(at)) <= market.counts()["cancels_failed"]


@settings(max_examples=100)
@given(st.lists(steps, min_size=TICKS, max_size=TICKS))
def test_no_order_is_doubled_and_no_fill_lost_whatever_happens(happening: list[Step]) -> None:  # R1 R2 R4 R13 R14 R17
    around = world()
    at = around.at
    for step in happening:
        around.happen(step)
        with suppress(Killed, Conflict):
            is_behind = bool(at.venue._stale_reads)
            report = at.tick()
            if not is_behind:
                assert_pulled(at, around.fair, report)
            assert_replays(at, report)
        if step.kind is Kind.TWICE:
            at.work(at.slot_ms, owner="again")
        assert_holds(at, around.by_hand)
    around.calm()
    for _ in range(QUIET_TICKS):
        at.tick()
        assert_holds(at, around.by_hand)
    state, trades = at.state(), at.venue.trades_of(SYMBOL)
    assert [row.fill for row in at.fills()] == sorted(trades, key=lambda each: int(each.trade_id))
    assert state.inventory.base == 5 + sum((each.side.sign * each.size_base for each in trades), ZERO)
    assert state.inventory.base == at.venue.totals[PAXG]
    assert state.inventory.quote == at.venue.totals[USDT]
    assert {each.venue_id for each in state.working} == {each.venue_id for each in own(at)}
    assert {each.side for each in own(at)} == {Side.BUY, Side.SELL}
