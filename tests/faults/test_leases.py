"""One invocation works an account: the others leave (R9), and one that outlives its lease changes nothing (R25)."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import pytest

from tests.builders import SYMBOL, absolute_band, market_settings
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.partitions import ledger_rows, rows
from tests.faults.puppet import Puppet, Stopped, Work, Worked, worked
from tests.faults.settings import usual_settings
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase, Point
from tests.faults.test_halts import PREPARED, RELEASE, Prepare, points_of, replacing, stopped_at
from tests.faults.world import CREATE, OPEN_ORDERS, World, Worlds
from tests.tables import STATE_TABLE

CLAIM = Point("UpdateItem mm-state control", 1)
AFTER_THE_LEASE_S = 10.5
ONE_A_SIDE = {"BUY": 1, "SELL": 1}


def tables(world: World) -> dict[str, Mapping[str, Any]]:
    """Read all that the tables hold of the account, by key."""
    state = {each["item"]: each for each in rows(world.address.tables, STATE_TABLE, world.account)}
    return state | {each["row"]: each for each in ledger_rows(world.address.tables, world.account, SYMBOL)}


def changed(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what differs, item by item."""
    return [
        f"{key}.{name}: {before.get(key, {}).get(name)} → {now.get(key, {}).get(name)}"
        for key in sorted(before.keys() | now.keys())
        for name in sorted(before.get(key, {}).keys() | now.get(key, {}).keys())
        if before.get(key, {}).get(name) != now.get(key, {}).get(name)
    ]


def together(world: World, slots: tuple[int, int]) -> tuple[Worked, Worked]:
    """Let two processes claim at the same moment."""
    with Puppet(world.address) as one, Puppet(world.address) as other:
        for number, (puppet, slot_ms) in enumerate(zip((one, other), slots, strict=True)):
            event = puppet.work(Work(slot_ms=slot_ms, owner=f"process {number}", stops={CLAIM: Phase.BEFORE}))
            assert isinstance(event, Stopped), event
        one.go()
        other.go()
        return worked(one.event()), worked(other.event())


@pytest.mark.row("R9", "R25")
@pytest.mark.parametrize("attempt", range(4))
@pytest.mark.parametrize("apart_ms", [0, 5_000], ids=["one slot", "two slots"])
def test_of_two_processes_one_works_and_one_leaves(worlds: Worlds, apart_ms: int, attempt: int) -> None:
    world = replacing(worlds)
    sent = world.requests(CREATE)
    slot_ms = world.next_slot()
    outcomes = sorted(each.outcome for each in together(world, (slot_ms - apart_ms, slot_ms)))
    assert outcomes[0] == "done"
    assert outcomes[1] in {"lease_taken", "slot_done"}
    assert world.requests(CREATE) - sent == 2
    assert world.sides() == ONE_A_SIDE
    world.tick()
    assert world.sides() == ONE_A_SIDE


@pytest.mark.row("R9")
def test_two_processes_do_not_open_one_market_twice(worlds: Worlds) -> None:
    world = worlds.new(metadata=False)
    slot_ms = world.next_slot()
    together(world, (slot_ms, slot_ms))
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


@pytest.mark.row("R25")
def test_a_tick_delivered_twice_changes_nothing_the_second_time(world: World) -> None:
    world.tick()
    world.jump(2)
    assert world.tick().outcome == "done"
    before, sent = tables(world), world.exchange()["requests"]
    world.jump(2)
    assert world.work(world.slot_ms).outcome == "slot_done"
    assert (tables(world), world.exchange()["requests"]) == (before, sent)


@pytest.mark.row("R25")
@pytest.mark.parametrize(("late_s", "outcome"), [(0, "slot_done"), (5.1, "stale"), (300, "stale")])
def test_a_late_tick_changes_nothing(world: World, late_s: float, outcome: str) -> None:
    old_slot_ms = world.next_slot()
    world.tick()
    world.jump(2)
    world.clock.set_us(old_slot_ms * 1000 + round((5 + late_s) * 1_000_000) if late_s else world.clock())
    before, sent = tables(world), world.exchange()["requests"]
    assert world.work(old_slot_ms if late_s else world.slot_ms - 1_000).outcome == outcome
    assert (tables(world), world.exchange()["requests"]) == (before, sent)


def overlap(worlds: Worlds, base: World, place: Place) -> None:
    """The next tick comes while one stands still within its lease."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, place)
        outcome = world.tick().outcome
        assert outcome == ("done" if place.point == RELEASE else "lease_taken"), outcome
        puppet.go()
        worked(puppet.event())
    world.tick(2)
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()
    worlds.end(world)


@pytest.mark.row("R25")
def test_an_overlapping_tick_leaves_while_the_lease_holds(worlds: Worlds, cases: CaseLog) -> None:
    base = replacing(worlds)
    where = places(points_of(worlds, base), Phase.AFTER)
    enumerate_cases("overlap", where, partial(overlap, worlds, base), cases)


def work_meanwhile(world: World) -> None:
    assert world.tick().outcome == "done"


def fail_to_read_meanwhile(world: World) -> None:
    """The tick that takes over changes no market's item: only the lease tells the old one that it is over."""
    world.arm(fault="server_error", route=OPEN_ORDERS, count=None)
    assert world.tick().outcome == "venue_unreachable"
    world.clear_faults()


def resume_late(worlds: Worlds, base: World, meanwhile: Callable[[World], None], place: Place) -> None:
    """A tick stands still beyond its lease; another comes meanwhile; the old one goes on."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, place)
        world.skip(AFTER_THE_LEASE_S)
        meanwhile(world)
        before, orders = tables(world), [each["clientOrderId"] for each in world.own_orders()]
        puppet.go()
        puppet.event()
        assert changed(before, tables(world)) == []
        assert [each["clientOrderId"] for each in world.own_orders()] == orders
    world.tick(2)
    assert world.tick().counts()["orders_kept"] == 2
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()
    worlds.end(world)


def back_in_its_band(worlds: Worlds) -> World:
    """An alert is open, and what it is about is over."""
    world = worlds.new(usual_settings(market_settings(price_band=absolute_band("1800", "1901"))))
    world.tick()
    world.jump(7)
    world.tick()
    assert world.stored().episodes
    world.jump(-7)
    return world


def leave_the_band_again(world: World) -> None:
    world.jump(7)
    assert world.tick().outcome == "done"
    world.later(5, partial(world.jump, -7))


def within_the_lease(points: Iterable[Point]) -> list[Place]:
    """Leave out the last answer: after it the lease is given back. What is only signed later is the worse case."""
    return places([point for point in points if point != RELEASE], Phase.AFTER)


@pytest.mark.row("R25")
@pytest.mark.parametrize("meanwhile", [work_meanwhile, fail_to_read_meanwhile], ids=lambda each: each.__name__)
@pytest.mark.parametrize("prepare", PREPARED, ids=lambda each: each.__name__)
def test_a_tick_that_outlives_its_lease_changes_nothing(
    worlds: Worlds, prepare: Prepare, meanwhile: Callable[[World], None], cases: CaseLog
) -> None:
    base = prepare(worlds)
    where = within_the_lease(points_of(worlds, base))
    enumerate_cases("resumed", where, partial(resume_late, worlds, base, meanwhile), cases)


@pytest.mark.row("R25")
def test_a_tick_that_outlives_its_lease_ends_no_alert_that_holds_again(worlds: Worlds, cases: CaseLog) -> None:
    base = back_in_its_band(worlds)
    where = within_the_lease(points_of(worlds, base))
    enumerate_cases("alert", where, partial(resume_late, worlds, base, leave_the_band_again), cases)


@pytest.mark.row("R25")
def test_a_request_that_was_signed_within_the_lease_and_arrives_after_it_changes_nothing(
    worlds: Worlds, cases: CaseLog
) -> None:
    base = replacing(worlds)
    where = [place for place in places(points_of(worlds, base), Phase.ON_THE_WIRE) if place.point != CLAIM]
    enumerate_cases("late request", where, partial(resume_late, worlds, base, work_meanwhile), cases)
