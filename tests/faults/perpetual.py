"""A world with a perpetual: SOL at 100 in Binance USDⓈ-M's dialect, two orders of 1 SOL, filled into a position."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate
from typing import Any

from marketmaker.config import parse_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.orders import EXIT_LEVEL, Side, read_level
from marketmaker.domain.units import ZERO, AccountName, Symbol
from tests.faults.market import Breathing
from tests.faults.settings import usual_settings
from tests.faults.world import World, Worlds

SOL = Symbol("SOL/USDC:USDC")
SIGNS = {Side.BUY: 1, Side.SELL: -1}
_FILE = """
name = "perpetual"
tag = "prp"
stage = "local"
[accounts.main]
venue = "binanceusdm"
dedicated = true
[[accounts.main.markets]]
symbol = "SOL/USDC:USDC"
number = 1
capital_quote = { share = 1.0 }
fees = { maker_bps = 2, taker_bps = 5 }
half_spread = { bps = 100 }
order_size_base = 1
inventory = { policy = "position", max_base = 3 }
price_band = { low = 1, high = 1000 }
stop_loss = { loss_quote = 4 }
perpetual = { leverage = 5 }
"""


def perpetual_settings() -> AccountSettings:
    """Return the account: a position that lost 4 USDC is closed."""
    account = parse_deployment(_FILE, file="perpetual.toml").accounts[AccountName("main")]
    return replace(account, clocks=usual_settings().clocks)


def new_perpetual(worlds: Worlds, *, metadata: bool = True) -> World:
    """Make a world in which nothing happened yet."""
    market = Breathing(bid=Decimal(99), ask=Decimal(101), size=Decimal(20))
    return worlds.new(perpetual_settings(), events=market, metadata=metadata)


def holding(worlds: Worlds, side: Side = Side.BUY, size: str = "1") -> World:
    """One of our orders fills, and the other rests; the fill is booked."""
    world = new_perpetual(worlds)
    world.tick(2)  # the first one sets the leverage
    taker, price = (Side.SELL, "98.9") if side is Side.BUY else (Side.BUY, "101.1")
    world.trade(taker, price, size)
    world.tick()
    assert position(world) == SIGNS[side] * Decimal(size)
    return world


def position(world: World) -> Decimal:
    """Return the position by the exchange."""
    return Decimal(world.exchange()["margin"]["size"])


def is_exit(world: World, trade: Mapping[str, Any]) -> bool:
    """Tell whether a trade is of an order by which a position is left."""
    return read_level(trade["clientOrderId"], world.settings.tag) == EXIT_LEVEL


def signed(trade: Mapping[str, Any]) -> Decimal:
    """Return by how much a trade changed the position."""
    return Decimal(trade["qty"]) * (1 if trade["isBuyer"] else -1)


def assert_left_once(world: World, side: Side) -> None:
    """The position is flat, was never beyond flat, exits closed exactly what quotes had built; the books agree."""
    seen = world.exchange()
    assert Decimal(seen["margin"]["size"]) == ZERO
    steps = list(accumulate(map(signed, seen["trades"])))
    assert all(step * SIGNS[side] >= ZERO for step in steps), f"flipped: {steps}"
    built = sum((signed(each) for each in seen["trades"] if not is_exit(world, each)), ZERO)
    closed = sum((signed(each) for each in seen["trades"] if is_exit(world, each)), ZERO)
    assert built * SIGNS[side] >= 1
    assert closed == -built, f"{closed} closed of {built}"
    assert world.own_orders() == []
    world.assert_books_agree(SOL)
