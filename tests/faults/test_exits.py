"""A gap through the stop: half is sold, within the bound and only once, whatever dies on the way (R22, S9)."""

from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.models import CostBasis, ExitSettings, FallStop
from marketmaker.domain.orders import EXIT_LEVEL, Side, read_level
from marketmaker.domain.units import ZERO, floor_to_lot
from tests.builders import TAG, absolute_band, market_settings
from tests.faults.crashes import BY_HAND, LATE_S, Scenario, deliver, record_points
from tests.faults.enumeration import Place, enumerate_cases, places
from tests.faults.puppet import Puppet, Stopped, Work
from tests.faults.settings import usual_settings
from tests.faults.tally import CaseLog
from tests.faults.tap import Phase
from tests.faults.world import CREATE, World, Worlds

pytestmark = pytest.mark.row("R22")

D = Decimal
GAP_BPS = -600
LOT = D("0.0001")


def stopped() -> AccountSettings:
    stop = FallStop(fall_share=D("0.05"), basis=CostBasis.AVERAGE_COST, stop_share=D("0.5"))
    market = market_settings(price_band=absolute_band("1", "100000"))
    return usual_settings(replace(market, exits=ExitSettings(stop_loss=stop)))


def gapped(worlds: Worlds) -> World:
    """Both orders rest, and the price falls through the stop at once."""
    world = worlds.new(stopped())
    world.place_by_hand(Side.BUY, "1700", "0.5", BY_HAND)
    world.tick()
    world.jump(GAP_BPS)
    return world


def is_exit(client_id: str | None) -> bool:
    return read_level(client_id or "", TAG) == EXIT_LEVEL


def assert_left_once(world: World) -> None:
    """Exactly half of what was held is sold by exits, nothing of ours rests, and the books agree."""
    opening = world.desk.store.opening(world.account, world.settings.symbols[0])
    assert opening is not None
    rows = world.fills()
    held = opening.base + sum((row.base_change for row in rows if not is_exit(row.client_id)), ZERO)
    sold = -sum((row.base_change for row in rows if is_exit(row.client_id)), ZERO)
    assert sold == floor_to_lot(held / 2, LOT), f"sold {sold} of {held}"
    assert world.own_orders() == []
    assert [each["clientOrderId"] for each in world.foreign_orders()] == [BY_HAND]
    world.assert_books_agree()


def test_a_gap_through_the_stop_sells_half_and_quotes_nothing_until_it_has_cooled_down(worlds: Worlds) -> None:
    world = gapped(worlds)
    world.tick(6)
    assert_left_once(world)
    prices = [row.fill.price for row in world.fills() if is_exit(row.client_id)]
    assert min(prices) >= D(1900) * D("0.94") * D("0.98"), "1 % below the live touch at most"
    world.tick(66)
    assert world.sides() == {"BUY": 1, "SELL": 1}
    assert [alert.kind for alert in world.alerts.sent if alert.kind == "exit"] == ["exit", "exit"]


@pytest.mark.parametrize("fault", ["lost_reply", "server_error"])
def test_an_exit_whose_create_is_lost_or_refused_goes_on(worlds: Worlds, fault: str) -> None:
    world = gapped(worlds)
    world.arm(fault=fault, route=CREATE)
    world.tick(8)
    assert_left_once(world)


def die(worlds: Worlds, scenario: Scenario, base: World, death: Place) -> None:
    world = worlds.copy(base)
    try:
        with Puppet(world.address) as doomed:
            stopped = doomed.work(Work(slot_ms=world.next_slot(), owner="doomed", stops={death.point: death.phase}))
            assert isinstance(stopped, Stopped), f"never came to this point: {stopped}"
            doomed.die()
        if death.phase is Phase.ON_THE_WIRE:
            world.later(LATE_S, partial(deliver, stopped.letter))
        world.skip(LATE_S)
        world.restart()
        world.tick(10)
        assert_left_once(world)
    finally:
        worlds.end(world)


@pytest.mark.row("R22", "R3", "R31")
def test_a_tick_that_dies_while_it_leaves_sells_nothing_twice(worlds: Worlds, cases: CaseLog) -> None:
    scenario = Scenario(name="leaving", prepare=gapped, rests={})
    base = gapped(worlds)
    points = record_points(worlds, scenario, base)
    cases.scenario, cases.points = scenario.name, len(points)
    enumerate_cases(scenario.name, places(points, *Phase), partial(die, worlds, scenario, base), cases)
