"""A tick dies before, during and after each of its requests: what follows repairs all of it (R3, R31)."""

from functools import partial

import pytest

from marketmaker.domain.orders import Side
from tests.builders import absolute_band, market_settings
from tests.faults.crashes import BY_HAND, LATE_S, Scenario, crash, deliver, record_points
from tests.faults.enumeration import enumerate_cases, places
from tests.faults.puppet import Puppet, Stopped, Work
from tests.faults.settings import usual_settings
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase, Point
from tests.faults.world import CREATE, LOOKUP, World, Worlds

BOTH_SIDES = {"BUY": 1, "SELL": 1}
CHECKED_AFTER_S = (59, 90)
"""The worst case of the watchdog: a check just before ticks count as stopped, the next half a minute late: 150 s."""


def opening(worlds: Worlds) -> World:
    """Nothing is known yet, and nobody keeps the market's metadata."""
    world = worlds.new(metadata=False)
    world.place_by_hand(Side.BUY, "1700", "0.5", BY_HAND)
    return world


def quoting(worlds: Worlds) -> World:
    """Both orders rest, and nothing is to do."""
    world = worlds.new()
    world.place_by_hand(Side.BUY, "1700", "0.5", BY_HAND)
    world.tick()
    assert world.sides() == BOTH_SIDES
    return world


def replacing(worlds: Worlds) -> World:
    """The price moved: both orders are to be replaced."""
    world = quoting(worlds)
    world.jump(2)
    return world


def filled(worlds: Worlds) -> World:
    """The bid filled, the ask in part, and the price moved."""
    world = quoting(worlds)
    world.trade(Side.SELL, "1899.5", "0.1")
    world.trade(Side.BUY, "1900.5", "0.03")
    world.jump(2)
    return world


def unknown(worlds: Worlds) -> World:
    """Of two unknown creates one was accepted and has filled since, the other died on its way."""
    world = quoting(worlds)
    world.jump(2)
    world.arm(fault="lost_reply", route=CREATE)
    world.arm(fault="delayed_acceptance", delay_s=3)
    world.arm(fault="server_error", route=LOOKUP, count=4)
    report = world.tick()
    assert report.counts()["creates_unknown"] == 2
    world.clear_faults()
    (order,) = world.own_orders()
    world.trade(Side.SELL if order["side"] == "BUY" else Side.BUY, order["price"], "0.1")
    assert world.own_orders() == []
    return world


def out_of_band(worlds: Worlds) -> World:
    """The price left its band: everything is to be cancelled."""
    narrow = market_settings(price_band=absolute_band("1800", "1901"))
    world = worlds.new(usual_settings(narrow))
    world.place_by_hand(Side.BUY, "1700", "0.5", BY_HAND)
    world.tick()
    assert world.sides() == BOTH_SIDES
    world.jump(7)
    return world


def all_bids_fill(world: World) -> None:
    """Whatever rests of ours on the buying side fills, known to the tables or not."""
    world.trade(Side.SELL, "1899.3", "1")


READ_AGAIN = Point("GetItem mm-state control", 1)
SCENARIOS = (
    Scenario(name="opening", prepare=opening, rests=BOTH_SIDES),
    Scenario(name="quiet", prepare=quoting, rests=BOTH_SIDES),
    Scenario(name="replacing", prepare=replacing, rests=BOTH_SIDES),
    Scenario(name="replacing, then filled", prepare=replacing, rests=BOTH_SIDES, aftermath=all_bids_fill),
    Scenario(name="fills to book", prepare=filled, rests=BOTH_SIDES),
    Scenario(name="unknown creates to resolve", prepare=unknown, rests=BOTH_SIDES),
    Scenario(name="price out of band", prepare=out_of_band, rests={}),
)
HALTED = Scenario(name="halted while it creates", prepare=replacing, rests=BOTH_SIDES, flagged_after=READ_AGAIN)


def enumerate_deaths(worlds: Worlds, scenario: Scenario, cases: CaseLog) -> None:
    base = scenario.prepare(worlds)
    points = record_points(worlds, scenario, base)
    cases.scenario, cases.points = scenario.name, len(points)
    enumerate_cases(scenario.name, places(points, *Phase), partial(crash, worlds, scenario, base), cases)


@pytest.mark.row("R3", "R31")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_a_dead_tick_left_is_repaired_by_the_next(worlds: Worlds, scenario: Scenario, cases: CaseLog) -> None:
    enumerate_deaths(worlds, scenario, cases)


@pytest.mark.row("R3", "R5", "R31")
def test_a_halt_is_verified_whatever_a_dead_tick_left(worlds: Worlds, cases: CaseLog) -> None:
    enumerate_deaths(worlds, HALTED, cases)


@pytest.mark.row("R3")
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_without_a_next_tick_the_watchdog_cancels_within_its_bound(worlds: Worlds, side: str, phase: Phase) -> None:
    world = replacing(worlds)
    with Puppet(world.address) as doomed:
        point = Point(f"{CREATE} side={side}", 1)
        stopped = doomed.work(Work(slot_ms=world.next_slot(), owner="doomed", stops={point: phase}))
        assert isinstance(stopped, Stopped)
        doomed.die()
    if phase is Phase.ON_THE_WIRE:
        world.later(LATE_S, partial(deliver, stopped.letter))
    for seconds in CHECKED_AFTER_S:
        world.skip(seconds)
        world.restart()
        world.check()
    assert world.own_orders() == []
    assert [each["clientOrderId"] for each in world.foreign_orders()] == [BY_HAND]
