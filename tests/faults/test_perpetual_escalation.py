"""A book too thin for one exit: the tick that escalates dies, or is halted, at each request to the venue (R22, R23, R5).

The first attempt took what was at the touch and rests with the remainder. The next one cancels the remainder and sends
an order that takes: both may live at once where the tick dies between them, or where somebody takes the remainder.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import accumulate

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.usecases.risk_report import RiskOutcome
from tests.faults.crashes import LATE_S, deliver
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.market import Breathing
from tests.faults.perpetual import SIGNS, assert_left_once, perpetual_settings, position, signed
from tests.faults.puppet import Puppet, Stopped, Work
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase, Point
from tests.faults.test_halts import ON_THE_WIRE_S, assert_stopped, finish, points_of, stopped_at
from tests.faults.test_perpetual_exits import GAPS_BPS, STOPPED_S
from tests.faults.world import World, Worlds

pytestmark = pytest.mark.row("R22", "R23")

D = Decimal
HELD, TOUCH = D(2), D("0.6")
"""One order filled before the gap and one in it; what is at each touch, so that it takes four orders to leave."""
TAKEN = D("0.7")
"""Half of the remainder that rests after the first attempt."""


def escalating(worlds: Worlds, side: Side) -> World:
    """The first attempt took what was at the touch, and its remainder rests there."""
    world = worlds.new(perpetual_settings(), events=Breathing(bid=D(99), ask=D(101), size=TOUCH))
    world.tick(2)  # the first one sets the leverage
    taker, price = (Side.SELL, "98.9") if side is Side.BUY else (Side.BUY, "101.1")
    world.trade(taker, price, "1")
    world.tick()
    world.jump(GAPS_BPS[side])
    world.tick()
    assert position(world) == SIGNS[side] * (HELD - TOUCH)
    (rest,) = world.own_orders()
    assert D(rest["origQty"]) - D(rest["executedQty"]) == HELD - TOUCH
    return world


def venue_points(worlds: Worlds, base: World) -> list[Point]:
    """Return the requests of the tick that escalates to the venue; the remainder's cancel and an order are among them."""
    found = [point for point in points_of(worlds, base) if "/fapi/" in point.asked]
    assert {"DELETE", "POST"} <= {point.asked.partition(" ")[0] for point in found}, found
    return found


def die(world: World, death: Place) -> None:
    """End the process at a place; what was on the wire is delivered once time passes, as late as it may be."""
    with Puppet(world.address) as doomed:
        stopped = doomed.work(Work(slot_ms=world.next_slot(), owner="doomed", stops={death.point: death.phase}))
        assert isinstance(stopped, Stopped), f"never came to this point: {stopped}"
        doomed.die()
    if death.phase is Phase.ON_THE_WIRE:
        world.later(LATE_S, partial(deliver, stopped.letter))


def ticks(world: World, _: Side) -> None:
    """The next ticks go on with it."""
    world.skip(LATE_S)
    world.tick(10)


def ticks_once_some_is_taken(world: World, side: Side) -> None:
    """Somebody takes half of what rests before anything late arrives; then ticks go on."""
    world.trade(side, "999" if side is Side.BUY else "1", str(TAKEN))
    ticks(world, side)


def checks(world: World, _: Side) -> None:
    """No tick comes any more: a minute later the checks go on with it."""
    world.skip(LATE_S + STOPPED_S)
    for _attempt in range(3):
        assert world.check().outcome is RiskOutcome.DONE
        world.skip(60)


type Finish = Callable[[World, Side], None]


def die_and_finish(worlds: Worlds, base: World, side: Side, goes_on: Finish, death: Place) -> None:
    world = worlds.copy(base)
    try:
        die(world, death)
        goes_on(world, side)
        assert_left_once(world, side)
    finally:
        worlds.end(world)


@pytest.mark.row("R3", "R31")
@pytest.mark.parametrize("goes_on", [ticks, ticks_once_some_is_taken, checks], ids=lambda each: each.__name__)
@pytest.mark.parametrize("side", list(Side))
def test_an_escalation_that_dies_closes_what_is_left_and_nothing_twice(
    worlds: Worlds, side: Side, goes_on: Finish, cases: CaseLog
) -> None:
    base = escalating(worlds, side)
    where = places(venue_points(worlds, base), *Phase)
    enumerate_cases(
        f"{side} left by {goes_on.__name__}", where, partial(die_and_finish, worlds, base, side, goes_on), cases
    )


def halt_meanwhile(worlds: Worlds, base: World, side: Side, place: Place) -> None:
    """The halt sweeps while the tick stands at this place; the tick goes on while the halt waits."""
    world = worlds.copy(base)
    try:
        with Puppet(world.address) as puppet:
            stopped_at(puppet, world, place)
            world.later(ON_THE_WIRE_S, partial(finish, puppet))
            report = world.halt()
            assert world.late == [], "the halt ended while the tick was still alive"
        assert report.verified_s is not None
        assert_stopped(world)
        steps = list(accumulate(map(signed, world.exchange()["trades"])))
        assert all(step * SIGNS[side] >= ZERO for step in steps), f"flipped: {steps}"
    finally:
        worlds.end(world)


@pytest.mark.row("R5")
@pytest.mark.parametrize("side", list(Side))
def test_no_exit_is_live_when_a_halt_comes_at_any_request_of_an_escalation(
    worlds: Worlds, side: Side, cases: CaseLog
) -> None:
    base = escalating(worlds, side)
    where = places(venue_points(worlds, base), *Phase)
    enumerate_cases(f"{side} halted", where, partial(halt_meanwhile, worlds, base, side), cases)
