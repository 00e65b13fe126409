"""Positions on perpetuals as a venue reports them, and the funding that holding one costs or earns (P, R22, R23).

A position that could not be read is unknown, never flat (R7). The ledger's own account of it is the market's inventory:
its `quote` is what would be left had the position been paid for, so that cash + base · mark is the margin balance with
what is not realised, on a perpetual as on spot.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.units import ZERO, Symbol


class MarginMode(StrEnum):
    """Whether a position answers with the whole account or with its own margin alone."""

    CROSS = "cross"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What the login holds of one perpetual: above zero is long, zero is flat and has no entry.

    `liquidation_price` is None where the venue names none: flat, or too far away. `leverage` and `margin_mode` are
    None where the venue sets them for the whole account or does not tell. A `is_hedged` login keeps long and short
    apart: nothing here works on one.
    """

    symbol: Symbol
    size_base: Decimal
    entry_price: Decimal | None
    mark_price: Decimal
    unrealised_quote: Decimal
    liquidation_price: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    is_hedged: bool = False

    @property
    def notional_quote(self) -> Decimal:
        """Its value at the mark, whichever way it points."""
        return abs(self.size_base) * self.mark_price

    @property
    def liquidation_distance(self) -> Decimal | None:
        """How far the mark may move before the venue closes it, as a share of the mark; None where it will not."""
        if not self.size_base or self.liquidation_price is None:
            return None
        away = (
            self.mark_price - self.liquidation_price
            if self.size_base > ZERO
            else self.liquidation_price - self.mark_price
        )
        return max(ZERO, away) / self.mark_price


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """What longs pay to shorts at `next_ms`, as a share of the notional; below zero shorts pay."""

    symbol: Symbol
    rate: Decimal
    next_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """One funding payment of ours: above zero it was received."""

    symbol: Symbol
    time_ms: int
    amount_quote: Decimal
