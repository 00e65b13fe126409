"""A wrong clock is measured and what it spoiled signed again; unmeasured, it stops the tick, which says so (R8)."""

import pytest

from marketmaker.domain.orders import Side
from marketmaker.ports import Severity
from tests.faults.world import CANCEL, CREATE, LOOKUP, OPEN_ORDERS, World

pytestmark = pytest.mark.row("R8")

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
TIME = "GET /api/v3/time"
SKEWS = [-600, -10, 10, 600]


@pytest.mark.parametrize("offset_s", SKEWS)
def test_a_skew_is_measured_and_the_work_goes_on(world: World, offset_s: float) -> None:
    world.arm(fault="clock_skew", offset_s=offset_s)
    world.tick()
    assert world.sides() == ONE_A_SIDE
    world.trade(Side.SELL, "1899.5", "0.1")
    world.jump(2)
    assert world.tick().counts()["fills"] == 1
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()
    assert world.alerts.sent == []


@pytest.mark.parametrize("offset_s", [-10, 10])
def test_what_was_measured_is_not_measured_again(world: World, offset_s: float) -> None:
    world.arm(fault="clock_skew", offset_s=offset_s)
    world.tick()
    measured = world.requests(TIME)
    assert measured > 0
    world.jump(2)
    world.tick(3)
    assert world.requests(TIME) == measured


@pytest.mark.parametrize("offset_s", [-10, 10])
def test_a_clock_that_is_set_right_again_is_measured_again(world: World, offset_s: float) -> None:
    world.arm(fault="clock_skew", offset_s=offset_s)
    world.tick()
    world.clear_faults()
    world.jump(2)
    assert world.tick().counts()["orders_placed"] == 2
    assert world.sides() == ONE_A_SIDE


@pytest.mark.parametrize("offset_s", [-10, 10])
def test_an_order_that_was_refused_for_its_time_is_signed_again(world: World, offset_s: float) -> None:
    world.tick()
    world.jump(2)
    for route in (CREATE, CANCEL, TIME):
        world.arm(fault="clock_skew", offset_s=offset_s, route=route)
    accepted = world.exchange()["orders"]["accepted"]
    report = world.tick()
    assert (report.counts()["orders_cancelled"], report.counts()["creates_unknown"]) == (2, 0)
    assert world.exchange()["orders"]["accepted"] - accepted == 2
    assert world.sides() == ONE_A_SIDE


@pytest.mark.parametrize("trouble", ["server_error", "malformed_reply", "connection_reset"])
@pytest.mark.parametrize("offset_s", [-10, 10])
def test_a_skew_that_cannot_be_measured_stops_the_tick_with_its_reason(
    world: World, offset_s: float, trouble: str
) -> None:
    world.tick()
    world.jump(2)
    sent, orders = world.requests(CREATE), world.own_orders()
    world.arm(fault="clock_skew", offset_s=offset_s)
    world.arm(fault=trouble, route=TIME, count=None)
    for _ in range(3):
        report = world.tick()
        assert report.outcome == "venue_unreachable"
        assert "/api/v3/time" in report.detail
    assert (world.requests(CREATE), world.own_orders()) == (sent, orders)
    (alert,) = world.alerts.sent
    assert (alert.kind, alert.severity) == ("venue_unreachable", Severity.CRITICAL)
    world.clear_faults()
    assert world.tick().outcome == "done"
    assert world.sides() == ONE_A_SIDE


@pytest.mark.parametrize("offset_s", [-10, 10])
def test_an_unknown_create_expires_by_the_venues_clock(world: World, offset_s: float) -> None:
    world.arm(fault="clock_skew", offset_s=offset_s)
    world.tick()
    world.jump(2)
    world.arm(fault="delayed_acceptance", delay_s=1.0, count=2)
    world.arm(fault="server_error", route=LOOKUP, count=2)
    assert world.tick().counts()["creates_unknown"] == 2
    signed_ms = {each.signed_ms for each in world.state().unresolved}
    assert signed_ms == {world.clock() // 1000 + round(offset_s * 1000)}
    sent = world.requests(CREATE)
    world.tick(2)
    assert (world.requests(CREATE), world.sides()) == (sent, ONE_A_SIDE)


@pytest.mark.parametrize("offset_s", [-10, 10])
def test_a_halt_measures_too(world: World, offset_s: float) -> None:
    world.tick()
    world.arm(fault="clock_skew", offset_s=offset_s)
    world.restart()
    assert world.halt().verified_s is not None
    assert world.own_orders() == []
    assert world.requests(OPEN_ORDERS) > 1
