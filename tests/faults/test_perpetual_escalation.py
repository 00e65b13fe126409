"""A book too thin for one exit: the tick that escalates dies, or is halted, at each request to the venue (R22, R5).

The first attempt took what was at the touch and rests with the remainder. The next one cancels the remainder and sends
an order that takes: both may live at once where the tick dies between them, or where somebody takes the remainder.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import accumulate

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, ClientOrderId
from marketmaker.simulation.orders import OrderRequest, OrderType
from marketmaker.usecases.risk_report import RiskOutcome
from tests.faults.crashes import BY_HAND, LATE_S, deliver
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.market import Breathing
from tests.faults.perpetual import SIGNS, assert_left_once, perpetual_settings, position, signed
from tests.faults.puppet import Puppet, Stopped, Work
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase
from tests.faults.test_halts import ON_THE_WIRE_S, assert_stopped, finish, points_of, stopped_at
from tests.faults.test_perpetual_exits import GAPS_BPS, STOPPED_S, gapped
from tests.faults.world import CREATE_OF_PERPETUALS, World, Worlds

pytestmark = pytest.mark.row("R22", "R23")

D = Decimal
HELD, TOUCH = D(2), D("0.6")
"""One order filled before the gap and one in it; what is at each touch, so that it takes four orders to leave."""
TAKEN = D("0.7")
"""Half of the remainder that rests after the first attempt."""
CLOSED_BY_HAND = D("0.5")


def escalating(worlds: Worlds, side: Side) -> World:
    """The first attempt took what was at the touch; the price goes on, and leaves its remainder behind."""
    world = worlds.new(perpetual_settings(), events=Breathing(bid=D(99), ask=D(101), size=TOUCH))
    world.tick(2)  # the first one sets the leverage
    taker, price = (Side.SELL, "98.9") if side is Side.BUY else (Side.BUY, "101.1")
    world.trade(taker, price, "1")
    world.tick()
    world.jump(GAPS_BPS[side])
    world.tick()
    world.jump(GAPS_BPS[side] / 3)
    assert position(world) == SIGNS[side] * (HELD - TOUCH)
    (rest,) = world.own_orders()
    assert D(rest["origQty"]) - D(rest["executedQty"]) == HELD - TOUCH
    return world


def venue_places(worlds: Worlds, base: World) -> list[Place]:
    """Return where the tick that escalates stops: at its reads once they are answered, at its orders in each phase."""
    asked = [point for point in points_of(worlds, base) if "/fapi/" in point.asked]
    reads = [point for point in asked if point.asked.startswith("GET ")]
    orders = [point for point in asked if point not in reads]
    assert {point.asked.partition(" ")[0] for point in orders} == {"DELETE", "POST"}, orders
    return [*places(reads, Phase.AFTER), *places(orders, *Phase)]


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
@pytest.mark.parametrize(
    ("side", "goes_on"),
    [(Side.BUY, ticks_once_some_is_taken), (Side.SELL, ticks), (Side.SELL, checks)],
    ids=["a long, some is taken", "a short, by ticks", "a short, by checks"],
)
def test_an_escalation_that_dies_closes_what_is_left_and_nothing_twice(
    worlds: Worlds, side: Side, goes_on: Finish, cases: CaseLog
) -> None:
    base = escalating(worlds, side)
    where = venue_places(worlds, base)
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
def test_no_exit_is_live_when_a_halt_comes_at_any_request_of_an_escalation(worlds: Worlds, cases: CaseLog) -> None:
    base = escalating(worlds, Side.SELL)
    where = venue_places(worlds, base)
    enumerate_cases("an exit halted", where, partial(halt_meanwhile, worlds, base, Side.SELL), cases)


@pytest.mark.parametrize("side", list(Side))
def test_an_exit_that_arrives_after_a_hand_closed_a_part_never_turns_the_position(worlds: Worlds, side: Side) -> None:
    world = gapped(worlds, side)
    (create,) = [point for point in points_of(worlds, world) if point.asked.startswith(CREATE_OF_PERPETUALS)]
    die(world, Place(point=create, phase=Phase.ON_THE_WIRE))
    taker = side.opposite
    by_hand = OrderRequest(
        client_id=ClientOrderId(BY_HAND),
        side=taker,
        type=OrderType.LIMIT,
        size_base=CLOSED_BY_HAND,
        price=D(60) if taker is Side.SELL else D(140),
    )
    engine = world.served.venue.listing.engine
    world.served.venue.catch_up()
    engine.submit(by_hand, engine.now_us)
    assert position(world) == SIGNS[side] * (HELD - CLOSED_BY_HAND)
    world.skip(LATE_S)
    assert position(world) == ZERO, "the late exit closes what is left, and nothing more"
    world.tick(3)
    assert position(world) == ZERO
    assert world.own_orders() == []
