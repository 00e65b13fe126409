"""What one look shows of the limits on how a market is quoted: what a programme asks for, and what fills cost; pure."""

from collections.abc import Iterator
from decimal import Decimal

from marketmaker.domain.accounts import RiskSettings
from marketmaker.domain.breaches import BreachKind, FeeBreach, ShareBreach
from marketmaker.domain.looks import MarketLook
from marketmaker.domain.risk import Finding

LEAST_ORDERS = 100
"""Of so few orders a day a share says nothing."""
LEAST_FILLS = 20
"""Of so few fills a day neither."""
LEAST_MAKER_FILLS = 5
"""Fees are exact but for their rounding."""


def judge_programme(look: MarketLook, limits: RiskSettings) -> Iterator[Finding]:
    """Judge the limits of these that are bounded: shares by the last 24 hours, fees by the running one."""
    if limits.max_cancel_ratio is not None:
        yield judge_cancels(look, limits.max_cancel_ratio)
    if limits.min_order_success is not None:
        yield judge_success(look, limits.min_order_success)
    if limits.max_taker_share is not None:
        yield judge_taking(look, limits.max_taker_share)
    yield judge_fees(look, limits.max_fee_difference_bps)


def judge_cancels(look: MarketLook, most: Decimal) -> Finding:
    """Judge how many orders were cancelled with nothing filled (C2)."""
    kind, counts = BreachKind.CANCEL_RATIO, look.last_day
    if counts is None:
        return _unknown(look, kind)
    ratio = counts.cancel_ratio if counts.placed >= LEAST_ORDERS else None
    return _finding(look, kind, ratio, most, is_kept=ratio is None or ratio <= most)


def judge_success(look: MarketLook, least: Decimal) -> Finding:
    """Judge how many orders the venue accepted (S8)."""
    kind, counts = BreachKind.ORDER_SUCCESS, look.last_day
    if counts is None:
        return _unknown(look, kind)
    ratio = counts.order_success_ratio if counts.placed + counts.rejected >= LEAST_ORDERS else None
    return _finding(look, kind, ratio, least, is_kept=ratio is None or ratio >= least)


def judge_taking(look: MarketLook, most: Decimal) -> Finding:
    """Judge what of the volume took, by exits or for want of post-only orders."""
    kind, counts = BreachKind.TAKER_SHARE, look.last_day
    if counts is None:
        return _unknown(look, kind)
    taken = counts.taker_share if counts.fills >= LEAST_FILLS else None
    return _finding(look, kind, taken, most, is_kept=taken is None or taken <= most)


def judge_fees(look: MarketLook, most_bps: Decimal) -> Finding:
    """Judge whether fills cost what the file says: every price is made of it (R36)."""
    kind, symbol, counts = BreachKind.FEE_TIER, look.settings.symbol, look.this_hour
    if counts is None:
        return _unknown(look, kind)
    paid_bps, said_bps = counts.maker_fee_bps, look.settings.fees.maker_bps
    is_enough = counts.fills - counts.taker_fills >= LEAST_MAKER_FILLS
    if not is_enough or paid_bps is None or abs(paid_bps - said_bps) <= most_bps:
        return Finding(kind=kind, symbol=symbol)
    return Finding(kind=kind, symbol=symbol, breach=FeeBreach(symbol=symbol, paid_bps=paid_bps, said_bps=said_bps))


def _unknown(look: MarketLook, kind: BreachKind) -> Finding:
    return Finding(kind=kind, symbol=look.settings.symbol, unknown="what ticks counted is not known")


def _finding(look: MarketLook, kind: BreachKind, share: Decimal | None, bound: Decimal, *, is_kept: bool) -> Finding:
    symbol = look.settings.symbol
    if is_kept or share is None:
        return Finding(kind=kind, symbol=symbol)
    return Finding(kind=kind, symbol=symbol, breach=ShareBreach(kind=kind, symbol=symbol, share=share, bound=bound))
