"""Inventory carry: holding is a loan whose interest grows with its age and the volatility (M7)."""

import math
from decimal import Decimal

from marketmaker.domain.models import Carry
from marketmaker.domain.units import ZERO, clamp, from_statistic


def carry_shift(
    carry: Carry, *, excess_share: Decimal, age_ms: int, sigma: float, fair: Decimal, half_spread: Decimal
) -> Decimal:
    """Return what is added to both quotes: min(interest · σ · √age · fair, share of the half-spread) · excess.

    `excess_share`, −1 to 1, is how far beyond its target the inventory is; long lowers the quotes. σ is per √s. An
    interest that is too large for a number is the largest allowed.
    """
    if not excess_share:
        return ZERO
    most = carry.max_shift_share * half_spread
    interest = float(carry.interest) * sigma * math.sqrt(max(0, age_ms) / 1000) * float(fair)
    return -excess_share * (min(from_statistic(interest), most) if math.isfinite(interest) else most)


def is_too_old(carry: Carry, excess_share: Decimal, age_ms: int) -> bool:
    """Tell whether inventory beyond its target is older than its horizon, so that nothing more is added to it."""
    return bool(excess_share) and age_ms > carry.horizon_ms


def funding_shift(settings: Carry, rate: Decimal | None, fair: Decimal, half_spread: Decimal) -> Decimal:
    """Return the shift for what holding a perpetual over its next funding costs: longs who pay lower both quotes (M7).

    It is the rate times the fair price, at most `max_shift_share` of the half-spread; none while the rate is unknown.
    """
    if rate is None:
        return ZERO
    most = settings.max_shift_share * half_spread
    return clamp(-rate * fair, -most, most)
