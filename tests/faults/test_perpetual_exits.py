"""A perpetual's tick that is ended at each request: a position is left once, no quote is doubled (R22, R23, P5)."""

from functools import partial

import pytest

from marketmaker.domain.orders import Side
from marketmaker.usecases.risk_report import RiskOutcome
from tests.faults.crashes import LATE_S, deliver
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.perpetual import SOL, assert_left_once, holding
from tests.faults.puppet import Puppet, Stopped, Work
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase
from tests.faults.test_halts import perpetual, points_of
from tests.faults.world import CREATE_OF_PERPETUALS, World, Worlds

pytestmark = pytest.mark.row("R22", "R23")

GAPS_BPS = {Side.BUY: -600, Side.SELL: 600}
STOPPED_S = 61
"""Ticks count as stopped after a minute."""


def gapped(worlds: Worlds, side: Side = Side.BUY) -> World:
    """Something is held, an order rests, and the price goes through the stop at once."""
    world = holding(worlds, side)
    world.jump(GAPS_BPS[side])
    return world


@pytest.mark.parametrize("side", list(Side))
def test_a_gap_through_the_stop_closes_the_position_and_nothing_more(worlds: Worlds, side: Side) -> None:
    world = gapped(worlds, side)
    world.tick(6)
    assert_left_once(world, side)
    assert [alert.kind for alert in world.alerts.sent if alert.kind == "exit"] == ["exit"]


@pytest.mark.parametrize("fault", ["lost_reply", "server_error"])
def test_an_exit_whose_create_is_lost_or_refused_goes_on(worlds: Worlds, fault: str) -> None:
    world = gapped(worlds)
    world.arm(fault=fault, route=CREATE_OF_PERPETUALS)
    world.tick(8)
    assert_left_once(world, Side.BUY)


def die(worlds: Worlds, base: World, death: Place) -> World:
    """End the process at a place; what was on the wire is delivered as late as it may be."""
    world = worlds.copy(base)
    with Puppet(world.address) as doomed:
        stopped = doomed.work(Work(slot_ms=world.next_slot(), owner="doomed", stops={death.point: death.phase}))
        assert isinstance(stopped, Stopped), f"never came to this point: {stopped}"
        doomed.die()
    if death.phase is Phase.ON_THE_WIRE:
        world.later(LATE_S, partial(deliver, stopped.letter))
    world.skip(LATE_S)
    world.restart()
    return world


def finished_by_ticks(worlds: Worlds, base: World, death: Place) -> None:
    world = die(worlds, base, death)
    try:
        world.tick(10)
        assert_left_once(world, Side.BUY)
    finally:
        worlds.end(world)


def finished_by_checks(worlds: Worlds, base: World, death: Place) -> None:
    """No tick comes any more: a minute later the checks go on with it."""
    world = die(worlds, base, death)
    try:
        world.skip(STOPPED_S)
        for _ in range(3):
            assert world.check().outcome is RiskOutcome.DONE
            world.skip(60)
        assert_left_once(world, Side.BUY)
    finally:
        worlds.end(world)


@pytest.mark.row("R22", "R23", "R3", "R31")
def test_a_tick_that_dies_while_it_leaves_a_position_closes_nothing_twice(worlds: Worlds, cases: CaseLog) -> None:
    base = gapped(worlds)
    cases.scenario, points = "leaving a position", points_of(worlds, base)
    cases.points = len(points)
    enumerate_cases(cases.scenario, places(points, *Phase), partial(finished_by_ticks, worlds, base), cases)


@pytest.mark.row("R22", "R23", "R3")
def test_what_a_tick_left_half_done_the_checks_finish(worlds: Worlds, cases: CaseLog) -> None:
    base = gapped(worlds)
    where = places(points_of(worlds, base), *Phase)
    enumerate_cases("left to checks", where, partial(finished_by_checks, worlds, base), cases)


def quoted_on(worlds: Worlds, base: World, death: Place) -> None:
    """The next ticks leave one order on each side, all of them known, and the books agree."""
    world = die(worlds, base, death)
    try:
        world.tick(8)
        assert world.places() == {(Side.BUY, 0): 1, (Side.SELL, 0): 1}
        known = {order.client_id for order in world.working(SOL)}
        assert {each["clientOrderId"] for each in world.own_orders()} == known
        assert world.tick().counts()["orders_placed"] == 0, "it never comes to rest"
        world.assert_books_agree(SOL)
    finally:
        worlds.end(world)


@pytest.mark.row("R1", "R3", "R31")
def test_a_tick_that_dies_while_it_quotes_a_perpetual_leaves_no_second_order(worlds: Worlds, cases: CaseLog) -> None:
    base = perpetual(worlds)
    cases.scenario, points = "quoting a perpetual", points_of(worlds, base)
    cases.points = len(points)
    assert any(CREATE_OF_PERPETUALS in point.asked for point in points), "nothing was to be replaced"
    enumerate_cases(cases.scenario, places(points, *Phase), partial(quoted_on, worlds, base), cases)
