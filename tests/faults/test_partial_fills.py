"""Whatever part of an order fills, and whenever: inventory is exact to the lot, and nothing closes twice (R13)."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from tests.builders import absolute_band, market_settings
from tests.faults.world import CANCEL, World, Worlds, usual_settings

pytestmark = pytest.mark.row("R13")

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
OPENED_BASE = Decimal(20)
PARTS = ["0.0001", "0.0999", "0.1"]
QUOTED = {Side.BUY: "1899.5", Side.SELL: "1900.5"}


def fill(world: World, side: Side, size: str) -> None:
    world.trade(side.opposite, QUOTED[side], size)


def assert_exact(world: World, filled: Decimal) -> None:
    """Require every lot that traded, and no other, in the ledger, its item and the exchange's books."""
    assert sum((row.fill.side.sign * row.fill.size_base for row in world.fills()), Decimal(0)) == filled
    held = world.exchange()["balances"]["PAXG"]["total"]
    assert world.state().inventory.base == Decimal(held)
    world.assert_books_agree()


@pytest.mark.parametrize("size", PARTS)
@pytest.mark.parametrize("side", Side)
def test_a_part_that_filled_before_the_order_is_replaced(world: World, side: Side, size: str) -> None:
    world.tick()
    fill(world, side, size)
    world.jump(2 if side is Side.BUY else -2)
    world.tick()
    assert world.sides() == ONE_A_SIDE
    assert_exact(world, side.sign * Decimal(size))
    world.tick(2)
    assert world.sides() == ONE_A_SIDE
    assert_exact(world, side.sign * Decimal(size))


@pytest.mark.parametrize("size", PARTS)
def test_a_part_that_filled_before_the_order_is_cancelled(worlds: Worlds, size: str) -> None:
    world = worlds.new(usual_settings(market_settings(price_band=absolute_band("1800", "1901"))))
    world.tick()
    fill(world, Side.BUY, size)
    world.jump(7)
    world.tick(2)
    assert world.own_orders() == []
    assert_exact(world, Decimal(size))


@pytest.mark.parametrize("share", ["0.001", "0.37", "1"])
def test_a_fill_during_the_cancel_is_booked_and_nothing_is_placed_on_top(world: World, share: str) -> None:
    world.tick()
    world.jump(2)
    world.arm(fault="fill_during_cancel", share=share)
    report = world.tick()
    assert report.markets[0].held_back == "filled_meanwhile"
    assert world.own_orders() == []
    world.tick()
    (row,) = world.fills()
    assert row.fill.size_base == (Decimal("0.1") * Decimal(share)).quantize(Decimal("0.0001"))
    assert world.sides() == ONE_A_SIDE
    assert_exact(world, row.fill.side.sign * row.fill.size_base)


@pytest.mark.parametrize("share", ["0.37", "1"])
def test_both_fill_during_their_cancels_and_the_process_ends(world: World, share: str) -> None:
    world.tick()
    world.jump(2)
    world.arm(fault="fill_during_cancel", share=share, count=2)
    world.tick()
    world.cold_tick()
    assert len(world.fills()) == 2
    assert world.sides() == ONE_A_SIDE
    assert_exact(world, Decimal(0))


def the_reply_is_lost(world: World) -> None:
    world.arm(fault="lost_reply", route=CANCEL, count=2)


def the_venue_says_it_does_not_know_it(world: World) -> None:
    world.arm(fault="unknown_order", route=CANCEL, count=2)


def the_venue_fails(world: World) -> None:
    world.arm(fault="server_error", route=CANCEL, count=2)


@pytest.mark.parametrize("size", ["0.0333", "0.1"])
@pytest.mark.parametrize(
    "trouble",
    [the_reply_is_lost, the_venue_says_it_does_not_know_it, the_venue_fails],
    ids=lambda each: each.__name__,
)
def test_a_cancel_without_a_clear_answer_leads_to_no_second_order(
    world: World, trouble: Callable[[World], None], size: str
) -> None:
    world.tick()
    fill(world, Side.BUY, size)
    world.jump(2)
    trouble(world)
    for _ in range(5):
        world.tick()
        assert all(count == 1 for count in world.places().values())
    assert world.sides() == ONE_A_SIDE
    assert_exact(world, Decimal(size))


def test_many_parts_of_many_orders_add_up_to_the_lot(world: World) -> None:
    filled = Decimal(0)
    for number in range(12):
        world.tick()
        side = (Side.BUY, Side.SELL)[number % 2]
        (order,) = [each for each in world.own_orders() if each["side"] == side.value.upper()]
        size = Decimal(number * 7 % 10 + 1) * Decimal("0.0011")
        world.trade(side.opposite, order["price"], str(size))
        filled += side.sign * size
        world.jump((-1) ** number * 2)
    world.tick()
    assert_exact(world, filled)
