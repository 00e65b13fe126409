"""Limits as values: each check returns a typed breach, or None when the limit holds.

A limit that cannot be judged is unknown, neither kept nor broken (R7): nothing is done for it, and nothing is lifted.
"""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.breaches import Breach, BreachKind, InventoryBandBreach, PositionBreach, PriceBandBreach
from marketmaker.domain.distances import PriceRange
from marketmaker.domain.models import InventoryBand
from marketmaker.domain.units import Asset, Symbol, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDifference:
    """The venue's balance of an asset is not what the ledger explains (S2b)."""

    asset: Asset
    ledger: Decimal
    venue: Decimal

    def __str__(self) -> str:
        return f"the ledger explains {plain(self.ledger)} {self.asset}, the venue holds {plain(self.venue)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One limit at one moment: broken, unknown and why, or else kept."""

    kind: BreachKind
    symbol: Symbol | None
    breach: Breach | None = None
    unknown: str | None = None

    @property
    def name(self) -> str:
        """The limit as people and episodes name it."""
        return f"{self.kind}#{self.symbol}" if self.symbol else self.kind.value

    @property
    def is_kept(self) -> bool:
        """Tell whether the limit certainly holds."""
        return self.breach is None and self.unknown is None


def check_price_band(symbol: Symbol, fair: Decimal, allowed: PriceRange) -> PriceBandBreach | None:
    """Compare the fair price with the allowed range; its ends are inside."""
    return None if fair in allowed else PriceBandBreach(symbol=symbol, fair=fair, allowed=allowed)


def check_ledger(
    asset: Asset, *, ledger: Decimal, foreign: Decimal, venue: Decimal, dedicated: bool
) -> LedgerDifference | None:
    """Compare the ledger's claim on an asset with the venue's total balance (free and reserved).

    A shared account may gain or spend its foreign holding, so only a balance below the ledger's own claim is
    unexplained. On a dedicated account nobody else moves money: any change of the total is (S2b).
    """
    missing = ledger - venue
    unexplained = abs(missing + foreign) > _DUST if dedicated else missing > _DUST
    explained = ledger + foreign if dedicated else ledger
    return LedgerDifference(asset=asset, ledger=explained, venue=venue) if unexplained else None


def check_inventory_band(symbol: Symbol, ratio: Decimal, band: InventoryBand) -> InventoryBandBreach | None:
    """Compare the share of a market's capital held in base with its band; its ends are inside."""
    if band.min_ratio <= ratio <= band.max_ratio:
        return None
    return InventoryBandBreach(symbol=symbol, ratio=ratio, min_ratio=band.min_ratio, max_ratio=band.max_ratio)


def check_position(symbol: Symbol, base: Decimal, max_base: Decimal) -> PositionBreach | None:
    """Compare a position with the most that it may be; either way, the most itself included."""
    return None if abs(base) <= max_base else PositionBreach(symbol=symbol, base=base, max_base=max_base)


_DUST = Decimal("1e-8")
"""Venues print balances with eight decimals; a difference in the last one is rounding."""
