"""A market: one symbol on one venue with its instrument, fees, capital and settings."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.units import BPS, ONE, ZERO, Asset, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """The venue's rules for one symbol (S5): grids and minimums an order must respect.

    `has_post_only` tells whether an order can be kept from taking (R20), `is_trading` whether the venue trades the
    market now: while it does not, nobody may rely on the rest (R30).
    """

    symbol: Symbol
    base: Asset
    quote: Asset
    tick_size: Decimal
    lot_size: Decimal
    min_size_base: Decimal
    min_notional_quote: Decimal
    has_post_only: bool = True
    is_trading: bool = True

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size"):
            if not getattr(self, name) > ZERO:
                raise ValueError(f"{name} of {self.symbol} is {getattr(self, name)}; allowed: above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """The account's fees; a rebate is negative (M1)."""

    maker_bps: Decimal
    taker_bps: Decimal

    def break_even_half_spread(self, fair: Decimal) -> Decimal:
        """Return the half-spread at which a maker's round trip earns nothing: fair · maker fee (R36)."""
        return max(ZERO, fair * self.maker_bps * BPS)


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
class CapitalAmount:
    """A fixed amount of an asset given to one market (S2a)."""

    amount: Decimal

    def of(self, total: Decimal) -> Decimal:
        """Return what the market gets of the account's total; never more than there is."""
        return min(self.amount, total)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalShare:
    """A share of the account's holding of an asset given to one market (S2a)."""

    share: Decimal

    def of(self, total: Decimal) -> Decimal:
        """Return what the market gets of the account's total."""
        return self.share * total


Capital = CapitalAmount | CapitalShare


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """The prices between which quotes may rest."""

    low: Decimal
    high: Decimal

    def __contains__(self, price: Decimal) -> bool:
        return self.low <= price <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteBand:
    """A price band in quote currency (S3: [1800, 2000])."""

    low: Decimal
    high: Decimal

    def around(self, reference: Decimal) -> PriceRange:  # noqa: ARG002 - the same call for both kinds of band
        """Return the allowed range; the reference price does not matter."""
        return PriceRange(low=self.low, high=self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class BpsBand:
    """A price band of ± bps round the reference price recorded when the market was armed (S3)."""

    bps: Decimal

    def around(self, reference: Decimal) -> PriceRange:
        """Return the allowed range."""
        return PriceRange(low=reference * (ONE - self.bps * BPS), high=reference * (ONE + self.bps * BPS))


PriceBand = AbsoluteBand | BpsBand


class FairPriceModel(StrEnum):
    """Where the fair price comes from (M5)."""

    LAST = "last"
    MID = "mid"


class BandPolicy(StrEnum):
    """What an inventory ratio outside its band does to the quotes (S2)."""

    SHIFT = "shift"
    BOTH_SIDES = "both_sides"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftBand:
    """Move both quotes towards reducing the imbalance: the default inventory policy (S2).

    The offset grows linearly over `ramp_ratio` beyond the band to `max_shift_share` of the half-spread.
    """

    min_ratio: Decimal
    max_ratio: Decimal
    max_shift_share: Decimal
    ramp_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSidesBand:
    """Replace the half-spread of both sides outside the band: the guide's own code (S2).

    It widens the ask just when it wants to sell; kept as a documented baseline.
    """

    min_ratio: Decimal
    max_ratio: Decimal
    half_spread_below: Distance
    half_spread_above: Distance


InventoryBand = ShiftBand | BothSidesBand


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceTolerance:
    """When a resting order is still worth keeping (C2).

    `price_share` is in half-spreads, `size_share` in the wanted size.
    """

    price_share: Decimal
    size_share: Decimal
    max_age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSettings:
    """Everything the deployment file says about one market.

    Without `post_only` its orders may take, and pay for it (R20).
    """

    symbol: Symbol
    number: int
    capital_base: Capital
    capital_quote: Capital
    opening_cost_quote: Decimal | None
    fees: FeeSchedule
    fair_price: FairPriceModel
    half_spread: Distance
    order_size_base: Decimal
    inventory_band: InventoryBand
    price_band: PriceBand
    tolerance: ReplaceTolerance
    max_book_age_ms: int
    post_only: bool = True
