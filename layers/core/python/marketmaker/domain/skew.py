"""Inventory skew: where both quotes move when the market holds too much or too little base (S2)."""

from decimal import Decimal

from marketmaker.domain.models import BothSidesBand, InventoryBand
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ONE, TWO, ZERO, clamp


def inventory_shift(band: InventoryBand, ratio: Decimal, half_spread: Decimal) -> Decimal:
    """Return what is added to both quotes; too much base gives a negative shift, inside the band it is zero.

    Non-increasing in the ratio and bounded by `max_shift_share` · half-spread (R29).
    """
    if isinstance(band, BothSidesBand):
        return ZERO
    excess = max(ratio - band.max_ratio, ZERO) - max(band.min_ratio - ratio, ZERO)
    return -clamp(excess / band.ramp_ratio, -ONE, ONE) * band.max_shift_share * half_spread


def reducing_side(band: InventoryBand, ratio: Decimal) -> Side:
    """Return the side whose fills bring the ratio back towards the middle of its band."""
    return Side.SELL if ratio > (band.min_ratio + band.max_ratio) / TWO else Side.BUY
