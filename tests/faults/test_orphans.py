"""What is live with our tag is adopted or cancelled within one tick (R2); what is not ours is never touched (R4)."""

from collections.abc import Callable

import pytest

from marketmaker.domain.orders import DeploymentTag, OrderIdentity, Side
from tests.builders import SLOT_MS, TAG, absolute_band, market_settings
from tests.faults.settings import usual_settings
from tests.faults.world import CREATE, World, Worlds

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
BESIDE = {Side.BUY: "1899.5", Side.SELL: "1900.5"}
"""Where our quotes rest round a fair price of 1900."""


def own_id(side: Side, *, level: int = 0, attempt: int = 0, market: int = 0, tag: DeploymentTag = TAG) -> str:
    identity = OrderIdentity(tag=tag, market_number=market, slot_ms=SLOT_MS, side=side, level=level, attempt=attempt)
    return identity.encode()


@pytest.mark.row("R2")
@pytest.mark.parametrize("side", Side)
def test_a_forgotten_order_at_its_quote_is_adopted(world: World, side: Side) -> None:
    world.tick()
    known = next(each for each in world.own_orders() if each["side"] == side.value.upper())
    world.served.venue.listing.engine.cancel(known["orderId"], 0)
    world.place_by_hand(side, BESIDE[side], "0.1", own_id(side))
    sent = world.requests(CREATE)
    world.tick()
    assert world.sides() == ONE_A_SIDE
    assert world.requests(CREATE) == sent
    assert {str(each["orderId"]) for each in world.own_orders()} == {order.venue_id for order in world.working()}


@pytest.mark.row("R2")
@pytest.mark.parametrize("level", [0, 1, 35])
@pytest.mark.parametrize(
    ("side", "price"), [(Side.BUY, "1890"), (Side.BUY, "1899.5"), (Side.SELL, "1900.5"), (Side.SELL, "1910")]
)
def test_a_live_order_that_no_plan_wants_goes_within_one_tick(world: World, side: Side, price: str, level: int) -> None:
    world.tick()
    world.place_by_hand(side, price, "0.3", own_id(side, level=level, attempt=1))
    report = world.tick()
    assert report.counts()["orders_cancelled"] == 1
    assert world.sides() == ONE_A_SIDE
    assert len(world.working()) == 2


@pytest.mark.row("R2")
def test_an_order_that_is_numbered_for_another_market_goes(world: World) -> None:
    world.tick()
    world.place_by_hand(Side.BUY, "1890", "0.1", own_id(Side.BUY, market=7, level=2))
    world.tick()
    assert world.sides() == ONE_A_SIDE


@pytest.mark.row("R2")
def test_orders_that_rest_before_the_market_opens_go(worlds: Worlds) -> None:
    world = worlds.new()
    world.place_by_hand(Side.BUY, "1890", "0.1", own_id(Side.BUY, level=3))
    world.tick()
    assert world.own_orders() == []
    world.tick()
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


@pytest.mark.row("R2", "R13")
def test_a_forgotten_order_that_filled_in_part_is_booked(world: World) -> None:
    world.tick()
    world.place_by_hand(Side.BUY, "1899.9", "0.2", own_id(Side.BUY, level=1))
    world.trade(Side.SELL, "1899.9", "0.0123")
    world.tick(2)
    assert [str(row.fill.size_base) for row in world.fills()] == ["0.0123"]
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


def a_quiet_tick(world: World) -> None:
    world.tick()


def a_replacing_tick(world: World) -> None:
    world.jump(2)
    world.tick()


def a_tick_out_of_the_band(world: World) -> None:
    world.jump(7)
    world.tick()
    assert world.own_orders() == []


def a_halt(world: World) -> None:
    assert world.halt().verified_s is not None


def a_risk_check_that_cancels(world: World) -> None:
    world.jump(7)
    world.check()
    assert world.own_orders() == []


EVENTS = (a_quiet_tick, a_replacing_tick, a_tick_out_of_the_band, a_halt, a_risk_check_that_cancels)
FOREIGN = (
    "by-hand",
    "mm",
    own_id(Side.BUY, tag=DeploymentTag(text="zzz")),
    own_id(Side.BUY) + "0",
    own_id(Side.BUY).upper(),
    "x-" + own_id(Side.BUY),
)


@pytest.mark.row("R4")
@pytest.mark.parametrize("event", EVENTS, ids=lambda each: each.__name__)
def test_orders_without_our_tag_survive(worlds: Worlds, event: Callable[[World], None]) -> None:
    world = worlds.new(usual_settings(market_settings(price_band=absolute_band("1800", "1901"))))
    ids = {world.place_by_hand(Side.BUY, f"{1700 + i}", "0.5", client_id) for i, client_id in enumerate(FOREIGN)}
    ids.add(world.place_by_hand(Side.SELL, "1950", "0.5", "sold-by-hand"))
    world.tick()
    event(world)
    assert {str(each["orderId"]) for each in world.foreign_orders()} == ids
