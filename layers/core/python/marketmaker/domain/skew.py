"""Inventory skew: what too much or too little base does to the prices and the sizes of both sides (S2, P3)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from marketmaker.domain.models import (
    BidOnlyBand,
    BothSidesBand,
    InventoryBand,
    PositionSkew,
    Ramp,
    ReservationPrice,
    ShiftBand,
    SizeSkew,
    SkewEffect,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ONE, TWO, ZERO, clamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a market holds at its fair price; `ratio` is the base's share of `equity_quote`."""

    ratio: Decimal
    base: Decimal
    fair: Decimal
    equity_quote: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """What a policy adds.

    bid = fair + shift − (half-spread + widen_bid), ask = fair + shift + (half-spread + widen_ask).
    """

    shift: Decimal = ZERO
    widen_bid: Decimal = ZERO
    widen_ask: Decimal = ZERO


_NONE = Skew()


def skew(policy: InventoryBand, holding: Holding, half_spread: Decimal, shift_per_base: Decimal) -> Skew:
    """Return what the inventory policy does to both quotes.

    A shift never rises with the inventory, and is at most the policy's share of the half-spread (R29).
    """
    match policy:
        case ShiftBand():
            return _beyond_band(policy, holding.ratio, half_spread)
        case BidOnlyBand():
            wider = _widen_outside(policy, holding, half_spread)
            return Skew(widen_bid=wider) if wider else _NONE
        case BothSidesBand():
            wider = _widen_outside(policy, holding, half_spread)
            return Skew(widen_bid=wider, widen_ask=wider) if wider else _NONE
        case PositionSkew():
            return _beyond_target(policy, holding.base, half_spread)
        case ReservationPrice():
            target_base = _middle(policy) * holding.equity_quote / holding.fair
            most = policy.max_shift_share * half_spread
            return Skew(shift=clamp(shift_per_base * (target_base - holding.base), -most, most))
        case _:
            assert_never(policy)


def reducing_side(policy: InventoryBand, holding: Holding) -> Side:
    """Return the side whose fills bring the ratio back to the middle of its band, or a position to zero."""
    if isinstance(policy, PositionSkew):
        return Side.SELL if holding.base > ZERO else Side.BUY
    return Side.SELL if holding.ratio > _middle(policy) else Side.BUY


def size_factors(size_skew: SizeSkew, policy: InventoryBand, ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Return what multiplies the sizes of the bids and of the asks; they sum to 2, both 1 at the band's middle."""
    bid = clamp(ONE - (ratio - _middle(policy)) / size_skew.range_ratio, ZERO, TWO)
    return bid, TWO - bid


def _middle(policy: InventoryBand) -> Decimal:
    return (policy.min_ratio + policy.max_ratio) / TWO


def _beyond_band(band: ShiftBand, ratio: Decimal, half_spread: Decimal) -> Skew:
    if ratio > band.max_ratio:
        excess = ratio - band.max_ratio
    elif ratio < band.min_ratio:
        excess = ratio - band.min_ratio
    else:
        return _NONE
    return Skew(shift=-clamp(excess / band.ramp_ratio, -ONE, ONE) * band.max_shift_share * half_spread)


def _widen_outside(band: BidOnlyBand | BothSidesBand, holding: Holding, half_spread: Decimal) -> Decimal:
    """Return what leads from the half-spread to the one that replaces it outside the band."""
    if holding.ratio > band.max_ratio:
        return band.half_spread_above.at(holding.fair) - half_spread
    if holding.ratio < band.min_ratio:
        return band.half_spread_below.at(holding.fair) - half_spread
    return ZERO


def _beyond_target(policy: PositionSkew, base: Decimal, half_spread: Decimal) -> Skew:
    """Offset by skew · half-spread · ramp once |position| − |target| is beyond the threshold (P3).

    `widen` is the guide's literal formula: long moves the bid down and the ask up, so that it sells less readily; short
    moves the bid up and the ask down, so that it sells more readily too.
    """
    beyond = abs(base) - abs(policy.target_base) - policy.threshold_base
    if beyond <= ZERO or not policy.skew:
        return _NONE
    offset = policy.skew * half_spread
    room = policy.max_base - abs(policy.target_base) - policy.threshold_base
    if policy.ramp is Ramp.LINEAR and beyond < room:
        offset *= beyond / room
    if base > ZERO:
        offset = -offset
    if policy.effect is SkewEffect.SHIFT:
        return Skew(shift=offset)
    return Skew(widen_bid=-offset, widen_ask=-offset)
