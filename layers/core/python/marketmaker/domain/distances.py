"""Distances from a price, in quote currency or in basis points of it, and ranges of prices."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.units import BPS


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteDistance:
    """A distance from the fair price in quote currency."""

    quote: Decimal

    def at(self, price: Decimal) -> Decimal:  # noqa: ARG002 - the same call for both kinds of distance
        """Return the distance in quote currency."""
        return self.quote


@dataclass(frozen=True, slots=True, kw_only=True)
class BpsDistance:
    """A distance from the fair price in basis points of it."""

    bps: Decimal

    def at(self, price: Decimal) -> Decimal:
        """Return the distance in quote currency."""
        return price * self.bps * BPS


Distance = QuoteDistance | BpsDistance


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """The prices from low to high, ends included."""

    low: Decimal
    high: Decimal

    def __contains__(self, price: Decimal) -> bool:
        return self.low <= price <= self.high
