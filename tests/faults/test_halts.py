"""A halt comes between any two requests of a tick, or while one is on the wire: nothing of ours is left (R5)."""

from collections.abc import Callable
from functools import partial

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.perpetual import holding
from tests.faults.puppet import Puppet, Stopped, Work, worked
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase, Point
from tests.faults.world import CREATE, World, Worlds

pytestmark = pytest.mark.row("R5")

ON_THE_WIRE_S, STOOD_STILL_S = 1.0, 4.0
"""When a tick goes on: what it had signed is still good, or it signs anew within its lease."""
READ_AGAIN, RELEASE = Point("GetItem mm-state control", 1), Point("UpdateItem mm-state control", 2)


def opening(worlds: Worlds) -> World:
    return worlds.new(metadata=False)


def replacing(worlds: Worlds) -> World:
    world = worlds.new()
    world.tick()
    world.jump(2)
    return world


def filled(worlds: Worlds) -> World:
    world = worlds.new()
    world.tick()
    world.trade(Side.SELL, "1899.5", "0.04")
    world.jump(2)
    return world


def perpetual(worlds: Worlds) -> World:
    """A position is held, and both orders are to be replaced."""
    world = holding(worlds)
    world.jump(30)
    return world


type Prepare = Callable[[Worlds], World]
PREPARED: tuple[Prepare, ...] = (opening, replacing, filled)


def points_of(worlds: Worlds, base: World) -> tuple[Point, ...]:
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        return tuple(sorted(puppet.finish(Work(slot_ms=world.next_slot(), owner="recorded")).points))


def stopped_at(puppet: Puppet, world: World, place: Place) -> None:
    event = puppet.work(Work(slot_ms=world.next_slot(), owner="tick", stops={place.point: place.phase}))
    assert isinstance(event, Stopped), event


def finish(puppet: Puppet) -> None:
    puppet.go()
    worked(puppet.event())


def assert_stopped(world: World) -> None:
    """Nothing of ours is live, no later tick changes that, and what filled is booked."""
    assert world.own_orders() == []
    sent = world.creates()
    assert world.tick().outcome == "halted"
    assert (world.own_orders(), world.creates()) == ([], sent)
    if world.stored().markets:
        world.assert_books_agree(world.settings.symbols[0])


def flag_then_sweep(worlds: Worlds, base: World, place: Place) -> None:
    """The flag flips at this place, the tick runs to its end, then the halt sweeps."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, place)
        world.desk.store.strengthen(world.account, Mode.HALTED, reason="a test", now_ms=world.desk.clock.now_ms())
        finish(puppet)
    assert world.halt().verified_s is not None
    assert_stopped(world)
    worlds.end(world)


def sweep_meanwhile(worlds: Worlds, base: World, seconds: float, place: Place) -> None:
    """The halt sweeps while the tick stands at this place; the tick goes on while the halt waits."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, place)
        world.later(seconds, partial(finish, puppet))
        report = world.halt()
        assert world.late == [], "the halt ended while the tick was still alive"
    assert report.verified_s is not None
    assert_stopped(world)
    worlds.end(world)


@pytest.mark.parametrize("prepare", [*PREPARED, perpetual], ids=lambda each: each.__name__)
def test_no_order_is_live_when_the_flag_flips_between_two_requests(
    worlds: Worlds, prepare: Prepare, cases: CaseLog
) -> None:
    base = prepare(worlds)
    where = places(points_of(worlds, base), Phase.AFTER)
    enumerate_cases("flag", where, partial(flag_then_sweep, worlds, base), cases)


@pytest.mark.parametrize("prepare", [*PREPARED, perpetual], ids=lambda each: each.__name__)
def test_no_order_is_live_when_a_halt_sweeps_while_a_request_is_on_the_wire(
    worlds: Worlds, prepare: Prepare, cases: CaseLog
) -> None:
    base = prepare(worlds)
    where = places(points_of(worlds, base), Phase.ON_THE_WIRE)
    enumerate_cases("sweep", where, partial(sweep_meanwhile, worlds, base, ON_THE_WIRE_S), cases)


def test_no_order_is_live_when_a_tick_stands_still_for_longer_than_a_request_lives(
    worlds: Worlds, cases: CaseLog
) -> None:
    base = replacing(worlds)
    where = [place for place in places(points_of(worlds, base), Phase.AFTER) if place.point != RELEASE]
    enumerate_cases("stood still", where, partial(sweep_meanwhile, worlds, base, STOOD_STILL_S), cases)


@pytest.mark.parametrize("is_lifted", [False, True], ids=["set", "set and lifted"])
def test_no_create_is_sent_once_the_flag_is_set_before_the_mode_is_read_again(worlds: Worlds, is_lifted: bool) -> None:
    world = replacing(worlds)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, Place(point=READ_AGAIN, phase=Phase.BEFORE))
        sent, store, now_ms = world.requests(CREATE), world.desk.store, world.desk.clock.now_ms()
        store.strengthen(world.account, Mode.HALTED, reason="a test", now_ms=now_ms)
        if is_lifted:
            store.resume(world.account, reason="a test", now_ms=now_ms)
        finish(puppet)
    assert world.requests(CREATE) == sent
    assert world.own_orders() == []
