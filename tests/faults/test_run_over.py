"""A side whose orders fill one after the other stands back (R32)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.models import RunGuard
from marketmaker.domain.orders import Side
from tests.builders import market_settings, tolerance
from tests.faults.world import World, Worlds, usual_settings

pytestmark = pytest.mark.row("R32")

D = Decimal
USUAL = {Side.BUY: D("1899.5"), Side.SELL: D("1900.5")}
BOTH = pytest.mark.parametrize("side", Side)


def guarded(widen: str | None, orders: int = 3) -> AccountSettings:
    market = market_settings(replace_tolerance=tolerance(price_share="0.001", size_share="0.001"))
    guard = RunGuard(orders=orders, within_ms=60_000, widen=None if widen is None else D(widen))
    return usual_settings(replace(market, run_guard=guard))


def quoted(world: World) -> dict[Side, Decimal]:
    return {Side(each["side"].lower()): D(each["price"]) for each in world.own_orders()}


def fill(world: World, side: Side, size: str = "0.1") -> None:
    """Let the market take our order of a side, or a part of it."""
    world.trade(side.opposite, str(quoted(world)[side]), size)
    world.tick()


@BOTH
def test_the_third_order_in_a_row_makes_its_side_stand_wider(worlds: Worlds, side: Side) -> None:
    world = worlds.new(guarded("3"))
    world.tick()
    for _ in range(2):
        fill(world, side)
        assert quoted(world) == USUAL
    fill(world, side)
    assert quoted(world) == USUAL | {side: D(1900) - side.sign * D("1.5")}
    world.assert_books_agree()


@BOTH
def test_without_a_width_the_side_pauses_until_the_run_is_over(worlds: Worlds, side: Side) -> None:
    world = worlds.new(guarded(None))
    world.tick()
    for _ in range(3):
        fill(world, side)
    assert set(quoted(world)) == {side.opposite}
    world.tick(13)
    assert quoted(world) == USUAL, "a minute without a fill"


def test_the_parts_of_one_order_are_no_run(worlds: Worlds) -> None:
    world = worlds.new(guarded(None, orders=2))
    world.tick()
    order = world.own_orders()[0]
    for _ in range(3):
        world.trade(Side.SELL, "1899.5", "0.01")
    world.tick()
    assert order["side"] == "BUY"
    assert len({row.fill.venue_order_id for row in world.fills()}) == 1
    assert len(world.fills()) == 3
    assert quoted(world) == USUAL


def test_a_fill_on_the_other_side_ends_the_run(worlds: Worlds) -> None:
    world = worlds.new(guarded(None))
    world.tick()
    for side in (Side.BUY, Side.BUY, Side.SELL, Side.BUY):
        fill(world, side)
    assert quoted(world) == USUAL


@BOTH
def test_a_cold_start_goes_on_with_the_run(worlds: Worlds, side: Side) -> None:
    world = worlds.new(guarded(None))
    world.tick()
    for _ in range(2):
        fill(world, side)
    world.restart()
    fill(world, side)
    assert set(quoted(world)) == {side.opposite}
    world.restart()
    world.tick()
    assert set(quoted(world)) == {side.opposite}
