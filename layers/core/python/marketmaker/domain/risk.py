"""Limits as values: each check returns a typed breach, or None when the limit holds."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.markets import PriceRange
from marketmaker.domain.units import Asset, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBandBreach:
    """The fair price left the range in which quotes may rest (S3)."""

    fair: Decimal
    allowed: PriceRange

    def __str__(self) -> str:
        return f"fair price {plain(self.fair)} is outside [{plain(self.allowed.low)}, {plain(self.allowed.high)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDifference:
    """The venue's balance of an asset is not what the ledger explains (S2b)."""

    asset: Asset
    ledger: Decimal
    venue: Decimal

    def __str__(self) -> str:
        return f"the ledger explains {plain(self.ledger)} {self.asset}, the venue holds {plain(self.venue)}"


def check_price_band(fair: Decimal, allowed: PriceRange) -> PriceBandBreach | None:
    """Compare the fair price with the allowed range; its ends are inside."""
    return None if fair in allowed else PriceBandBreach(fair=fair, allowed=allowed)


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


_DUST = Decimal("1e-8")
"""Venues print balances with eight decimals; a difference in the last one is rounding."""
