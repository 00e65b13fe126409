"""An operator stops one market between two requests of a tick, or while one is on the wire: none is left (R5)."""

from functools import partial

import pytest

from marketmaker.domain.state import Mode
from marketmaker.ports import HaltRequest
from marketmaker.usecases.halt import HaltReport, halt
from tests.builders import SYMBOL
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.puppet import Puppet
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase
from tests.faults.test_halts import ON_THE_WIRE_S, PREPARED, Prepare, finish, points_of, stopped_at
from tests.faults.world import CREATE, World, Worlds

pytestmark = pytest.mark.row("R5")


def stop(world: World) -> HaltReport:
    request = HaltRequest(account=world.account, reason="a test", requested_by="operator", symbol=SYMBOL)
    return halt(request, world.desk, world.deadline())


def assert_stopped(world: World) -> None:
    """Nothing of the market is live, later ticks work the account and change that not, and what filled is booked."""
    assert world.own_orders() == []
    sent = world.requests(CREATE)
    for _ in range(2):
        assert world.tick().outcome == "done"
    assert (world.own_orders(), world.requests(CREATE)) == ([], sent)
    assert world.control().mode is Mode.QUOTING
    if world.stored().markets:
        world.assert_books_agree()


def flag_then_sweep(worlds: Worlds, base: World, place: Place) -> None:
    """The stop is set at this place, the tick runs to its end, then the sweep comes."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, place)
        now_ms = world.desk.clock.now_ms()
        world.desk.store.stop_market(world.account, SYMBOL, reason="a test", now_ms=now_ms)
        finish(puppet)
    assert stop(world).verified_s is not None
    assert_stopped(world)
    worlds.end(world)


def sweep_meanwhile(worlds: Worlds, base: World, place: Place) -> None:
    """The sweep comes while the tick stands at this place; the tick goes on while the stop waits."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        stopped_at(puppet, world, place)
        world.later(ON_THE_WIRE_S, partial(finish, puppet))
        report = stop(world)
        assert world.late == [], "the stop ended while the tick was still alive"
    assert report.verified_s is not None
    assert_stopped(world)
    worlds.end(world)


@pytest.mark.parametrize("prepare", PREPARED, ids=lambda each: each.__name__)
def test_no_order_of_the_market_is_live_when_it_is_stopped_between_two_requests(
    worlds: Worlds, prepare: Prepare, cases: CaseLog
) -> None:
    base = prepare(worlds)
    where = places(points_of(worlds, base), Phase.AFTER)
    enumerate_cases("stop", where, partial(flag_then_sweep, worlds, base), cases)


@pytest.mark.parametrize("prepare", PREPARED, ids=lambda each: each.__name__)
def test_no_order_of_the_market_is_live_when_a_stop_sweeps_while_a_request_is_on_the_wire(
    worlds: Worlds, prepare: Prepare, cases: CaseLog
) -> None:
    base = prepare(worlds)
    where = places(points_of(worlds, base), Phase.ON_THE_WIRE)
    enumerate_cases("sweep", where, partial(sweep_meanwhile, worlds, base), cases)
