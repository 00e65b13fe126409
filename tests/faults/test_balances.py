"""Balances that lag behind fills and orders lead to no oversize, and to no side that is left out for long (R21)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.orders import Side
from tests.builders import market_settings, shift_band
from tests.faults.world import CREATE, World, Worlds, usual_settings

pytestmark = pytest.mark.row("R21")

D = Decimal
ONE_A_SIDE = {"BUY": 1, "SELL": 1}
A_FEW_TICKS = 3


def nearly_all() -> AccountSettings:
    """Quote three quarters of the base, more than half of the quote asset: no two such orders fit beside each other."""
    band = shift_band(min_ratio="0.01", max_ratio="0.99")
    return usual_settings(market_settings(order_size_base="15", inventory_band=band))


def most(world: World, side: Side) -> Decimal:
    """Return what our open orders of a side can spend."""
    mine = [each for each in world.own_orders() if each["side"] == side.value.upper()]
    left = [(D(each["origQty"]) - D(each["executedQty"]), D(each["price"])) for each in mine]
    return sum((size * (price if side is Side.BUY else 1) for size, price in left), D(0))


def assert_no_oversize(world: World) -> None:
    seen = world.exchange()
    assert "insufficient_balance" not in seen["orders"]["rejected_reasons"]
    assert most(world, Side.SELL) <= D(seen["balances"]["PAXG"]["total"])
    assert most(world, Side.BUY) <= D(seen["balances"]["USDT"]["total"])
    sizes = [D(each["origQty"]) for each in world.own_orders()]
    assert all(size <= world.settings.markets[0].order_size_base for size in sizes)


@pytest.mark.parametrize("settings", [usual_settings(), nearly_all()], ids=["small orders", "nearly all of it"])
@pytest.mark.parametrize("side", Side)
def test_a_balance_from_before_a_fill_stops_no_side(worlds: Worlds, settings: AccountSettings, side: Side) -> None:
    world = worlds.new(settings)
    world.tick()
    world.arm(fault="lagging_balance")
    (order,) = [each for each in world.own_orders() if each["side"] == side.value.upper()]
    world.trade(side.opposite, order["price"], "0.05")
    for _ in range(A_FEW_TICKS - 1):
        world.tick()
        assert world.sides() == ONE_A_SIDE
        assert_no_oversize(world)
    world.clear_faults()
    for _ in range(A_FEW_TICKS):
        world.tick()
        assert world.sides() == ONE_A_SIDE
    assert_no_oversize(world)
    world.assert_books_agree()
    assert world.alerts.sent == []


@pytest.mark.parametrize("moves", [1, 2])
def test_a_balance_from_before_our_orders_doubles_nothing(worlds: Worlds, moves: int) -> None:
    """What orders reserve is free in such an answer, and counted with them once more."""
    world = worlds.new(nearly_all())
    world.arm(fault="lagging_balance")
    for number in range(6):
        world.tick()
        assert world.sides() == ONE_A_SIDE
        assert_no_oversize(world)
        world.jump((-1) ** number * 2 * moves)
    world.clear_faults()
    world.tick()
    assert world.sides() == ONE_A_SIDE


def test_a_balance_that_still_reserves_what_was_cancelled_shrinks_no_side_for_long(worlds: Worlds) -> None:
    world = worlds.new(nearly_all())
    world.tick()
    world.arm(fault="lagging_balance")
    world.jump(2)
    for order in list(world.own_orders()):
        world.served.venue.listing.engine.cancel(order["orderId"], 0)
    world.tick()
    assert_no_oversize(world)
    world.clear_faults()
    world.tick(A_FEW_TICKS)
    assert {each["side"]: D(each["origQty"]) for each in world.own_orders()} == {"BUY": D(15), "SELL": D(15)}


@pytest.mark.parametrize("is_dedicated", [False, True], ids=["shared", "dedicated"])
def test_a_balance_that_never_follows_stops_the_quotes_and_says_so(worlds: Worlds, is_dedicated: bool) -> None:
    world = worlds.new(usual_settings(dedicated=is_dedicated))
    world.tick()
    world.arm(fault="lagging_balance")
    world.trade(Side.SELL, "1899.5", "0.1")
    world.tick(A_FEW_TICKS + 1)
    assert world.own_orders() == []
    sent = world.requests(CREATE)
    world.tick(3)
    assert world.requests(CREATE) == sent
    assert world.alerts.kinds() == ["ledger_difference"]
    world.clear_faults()
    world.tick()
    assert world.sides() == ONE_A_SIDE
    assert world.alerts.kinds() == ["ledger_difference"] * 2
    world.assert_books_agree()


@pytest.mark.parametrize("is_lagging", [False, True], ids=["true balances", "lagging balances"])
def test_no_order_spends_more_than_its_market_was_given(worlds: Worlds, is_lagging: bool) -> None:
    """The login holds 20 PAXG and 65,000 USDT; the market owns a quarter, and wants to quote three times as much."""
    base, quote = CapitalAmount(amount=D(5)), CapitalAmount(amount=D(9_500))
    part = replace(nearly_all().markets[0], capital_base=base, capital_quote=quote)
    world = worlds.new(usual_settings(part))
    for number in range(4):
        world.tick()
        assert world.sides() == ONE_A_SIDE
        assert most(world, Side.SELL) <= 5
        assert most(world, Side.BUY) <= 9_500
        if is_lagging and not number:
            world.arm(fault="lagging_balance")
        world.jump((-1) ** number * 2)
