"""Inventory moves both quotes against itself, within its bound, and never for what is not ours (R29)."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.models import (
    AvellanedaStoikov,
    InventoryBand,
    PositionSkew,
    Ramp,
    ReservationPrice,
    SkewEffect,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset
from tests.builders import market_settings, shift_band, tolerance
from tests.faults.measured import measure
from tests.faults.world import TRADES, World, Worlds, usual_settings

pytestmark = pytest.mark.row("R29")

D = Decimal
MAX_SHIFT_SHARE, TICK = D("0.5"), D("0.01")
SHIFT = shift_band(max_shift_share=str(MAX_SHIFT_SHARE))
POSITION = PositionSkew(
    min_ratio=D("0.2"),
    max_ratio=D("0.5"),
    target_base=D(4),
    threshold_base=D(1),
    max_base=D(14),
    skew=MAX_SHIFT_SHARE,
    effect=SkewEffect.SHIFT,
    ramp=Ramp.LINEAR,
)
RESERVATION = ReservationPrice(min_ratio=D("0.2"), max_ratio=D("0.5"), max_shift_share=MAX_SHIFT_SHARE)


def given(base: str, quote: str, policy: InventoryBand = SHIFT) -> AccountSettings:
    """Give the market a part of the login's 20 PAXG and 65,000 USDT; whatever moves at all is followed."""
    market = market_settings(
        order_size_base="1",
        half_spread=AvellanedaStoikov(gamma=D("0.05"), horizon_ms=60_000, decay=D(2))
        if isinstance(policy, ReservationPrice)
        else None,
        inventory_band=policy,
        replace_tolerance=tolerance(price_share="0.001"),
    )
    part = CapitalAmount(amount=D(base)), CapitalAmount(amount=D(quote))
    return usual_settings(replace(market, capital_base=part[0], capital_quote=part[1]))


def quoted(world: World) -> dict[str, Decimal]:
    return {each["side"]: D(each["price"]) for each in world.own_orders()}


def centre(world: World) -> Decimal:
    prices = quoted(world)
    return (prices["BUY"] + prices["SELL"]) / 2


def fill(world: World, side: Side) -> None:
    """Let one of our orders fill, and the market go on at 1900."""
    price = quoted(world)[side.value.upper()]
    world.trade(side.opposite, str(price), "1")
    world.tick()


@pytest.mark.parametrize("policy", [SHIFT, POSITION, RESERVATION], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(("side", "base", "quote"), [(Side.BUY, "6", "20000"), (Side.SELL, "13", "19000")])
def test_each_fill_moves_the_quotes_further_against_it_up_to_a_bound(
    worlds: Worlds, side: Side, base: str, quote: str, policy: InventoryBand
) -> None:
    world = worlds.new(given(base, quote, policy))
    measure(world, sigma=1e-4)
    world.tick()
    half_spread = (quoted(world)["SELL"] - quoted(world)["BUY"]) / 2
    centres, ratios = [centre(world)], []
    for _ in range(7):
        fill(world, side)
        centres.append(centre(world))
        ratios.append(world.state().inventory.ratio(D(1900)) or D(0))
    assert all(side.sign * (after - before) <= 0 for before, after in pairwise(centres)), centres
    assert len(set(centres)) >= 3, centres
    assert all(abs(each - 1900) <= MAX_SHIFT_SHARE * half_spread + TICK for each in centres), centres
    assert all(side.sign * (after - before) > 0 for before, after in pairwise(ratios))
    assert all(prices["BUY"] < 1900 < prices["SELL"] for prices in [quoted(world)])


@pytest.mark.parametrize(("base", "quote", "direction"), [("12", "10000", -1), ("5", "19000", 0), ("1", "60000", 1)])
def test_the_quotes_follow_the_markets_own_part_whatever_else_the_login_holds(
    worlds: Worlds, base: str, quote: str, direction: int
) -> None:
    world = worlds.new(given(base, quote))
    world.tick()
    before = quoted(world)
    shift = centre(world) - 1900
    assert (shift > 0) - (shift < 0) == direction
    wallet = world.served.venue.listing.engine.account.wallet
    for asset, amount in (("PAXG", "100"), ("USDT", "900000"), ("PAXG", "-103"), ("USDT", "-904000")):
        wallet.add(Asset(asset), D(amount))
        world.tick(4)
        assert quoted(world) == before
    assert world.alerts.sent == []


def test_foreign_orders_and_their_fills_move_nothing(worlds: Worlds) -> None:
    world = worlds.new(given("5", "19000"))
    world.tick()
    before, owned = quoted(world), world.state().inventory
    world.place_by_hand(Side.BUY, "1899.8", "3", "by-hand-1")
    world.place_by_hand(Side.SELL, "1900.2", "2", "by-hand-2")
    world.tick(2)
    assert quoted(world) == before
    world.trade(Side.SELL, "1899.8", "3")
    world.trade(Side.BUY, "1900.2", "2")
    assert len(world.exchange()["trades"]) == 2
    asked = world.requests(TRADES)
    world.tick(13)
    assert world.requests(TRADES) > asked
    assert (quoted(world), world.state().inventory, world.fills()) == (before, owned, [])
