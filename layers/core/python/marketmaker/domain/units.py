"""Named rounding, identifiers and the sign conventions of every other module.

Money is `Decimal` made from text. Inventory above zero is long base. A fee paid is positive, a rebate negative.
Times are whole milliseconds since the epoch, UTC.
"""

import math
from decimal import Decimal
from typing import NewType

Symbol = NewType("Symbol", str)
"""A market's name in ccxt's notation: `PAXG/USDT`, `SOL/USDC:USDC`."""

Asset = NewType("Asset", str)
AccountName = NewType("AccountName", str)
VenueOrderId = NewType("VenueOrderId", str)
ClientOrderId = NewType("ClientOrderId", str)
TradeId = NewType("TradeId", str)

PRECISION = 34
"""Digits of the one Decimal context, set in the composition root (architecture, "State")."""

ZERO = Decimal(0)
ONE = Decimal(1)
TWO = Decimal(2)
BPS = Decimal("0.0001")


def floor_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """Round a bid down to the venue's price grid (S5)."""
    above = price % tick
    return (price - above if above >= ZERO else price - above - tick).quantize(tick)


def ceil_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """Round an ask up to the venue's price grid (S5)."""
    below = floor_to_tick(price, tick)
    return below if below == price else (below + tick).quantize(tick)


def floor_to_lot(size: Decimal, lot: Decimal) -> Decimal:
    """Round a size down to the venue's lot (S5); a size below one lot is zero."""
    if size < ZERO:
        raise ValueError(f"size {size} is negative; allowed: zero or more")
    return (size - size % lot).quantize(lot)


def clamp(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """Hold a value inside [low, high]."""
    return max(low, min(value, high))


def from_statistic(value: float) -> Decimal:
    """Turn a statistic into money, to 12 significant digits: the only way from float to Decimal.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"a statistic of {value} is no amount; allowed: a finite number")
    return Decimal(f"{value:.12g}")


def plain(value: Decimal) -> str:
    """Write a Decimal without exponent, trailing zeros or a signed zero, as venues and people want it (R18)."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
