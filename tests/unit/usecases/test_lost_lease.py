"""A tick that slept past its lease while another worked the account: it writes and creates nothing more (R25)."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.state import AccountState
from marketmaker.usecases.act import HeldBack
from marketmaker.usecases.reports import TickOutcome, TickReport
from tests.builders import PAXG, SYMBOL
from tests.fakes.desk import Bench, bench, only_market

PAUSE_MS = 30_000
NEXT = "next"


def unopened() -> Bench:
    return bench()


def filled() -> Bench:
    at = bench()
    at.tick()
    at.venue.fill(next(each for each in at.venue.live() if each.side is Side.BUY))
    return at


def moved() -> Bench:
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "1909.9", "1910.1")
    return at


WORLDS: list[tuple[str, Callable[[], Bench]]] = [
    ("open_market", unopened),
    ("book", filled),
    ("save_market", moved),
    ("read_control", moved),
    ("release", moved),
]


def resumed(at: Bench, call: str) -> tuple[TickReport, list[AccountState]]:
    """Work a tick that sleeps just before a call, while another invocation takes over; returns what that one left."""
    left: list[AccountState] = []

    def sleep() -> None:
        at.clock.advance(PAUSE_MS)
        slot_ms = at.clock.now_ms()
        assert at.work(slot_ms, owner=NEXT).outcome is TickOutcome.DONE
        at.store.claim(at.account, slot_ms=slot_ms + 1, owner=NEXT, now_ms=slot_ms, lease_ms=PAUSE_MS)
        left.append(at.store.read_account(at.account))
        at.venue.calls.clear()

    at.store.faults.before(call, sleep)
    return at.tick(), left


@pytest.mark.parametrize(("call", "world"), WORLDS)
def test_nothing_of_a_resumed_tick_lands(call: str, world: Callable[[], Bench]) -> None:  # R25
    at = world()
    _, left = resumed(at, call)
    assert [at.store.read_account(at.account)] == left
    assert "place" not in at.venue.methods()
    assert len(at.venue.live()) == 2


@pytest.mark.parametrize(("call", "world"), WORLDS[:4])
def test_resumed_tick_says_that_its_lease_was_lost_and_sends_nothing_more(
    call: str, world: Callable[[], Bench]
) -> None:  # R25
    at = world()
    report, _ = resumed(at, call)
    assert report.outcome is TickOutcome.LEASE_LOST
    assert report.detail == f"the lease of {at.account} is another's or nobody's"
    assert at.venue.methods() == []
    assert at.telemetry.counted["ticks_lease_lost"] == 1
    assert report.counts()["heartbeat"] == 0


def test_lease_that_ended_while_nobody_took_over_allows_no_create_either() -> None:
    at = moved()
    at.store.faults.before("read_control", lambda: at.clock.advance(PAUSE_MS))
    report = at.tick()
    assert only_market(report).held_back is HeldBack.MODE_CHANGED
    assert at.venue.live() == ()
    at.slot_ms = at.clock.now_ms()
    assert at.tick().outcome is TickOutcome.DONE
    assert len(at.venue.live()) == 2


def test_fill_that_a_lost_tick_could_not_book_is_booked_once_by_the_other() -> None:  # R14, R25
    at = filled()
    resumed(at, "book")
    assert [row.base_change for row in at.fills()] == [Decimal("0.1")]
    assert at.venue.totals[PAXG] == at.state().inventory.base
