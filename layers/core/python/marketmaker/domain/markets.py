"""A market: one symbol on one venue with its instrument, fees, capital and settings."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.distances import PriceRange
from marketmaker.domain.models import (
    NO_EXITS,
    ONE_LEVEL,
    BreakEven,
    Carry,
    ExitSettings,
    FairPriceModel,
    HalfSpread,
    InventoryBand,
    Ladder,
    Perpetual,
    RunGuard,
    SecondPrice,
    SizeSkew,
    TouchRule,
    TriangleSettings,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceTolerance:
    """When a resting order is still worth keeping (C2).

    `price_share` is in half-spreads, `size_share` in the wanted size.
    """

    price_share: Decimal
    size_share: Decimal
    max_age_ms: int

    def times(self, patience: Decimal) -> "ReplaceTolerance":
        """Return a tolerance that is so many times as large."""
        if patience == ONE:
            return self
        return ReplaceTolerance(
            price_share=self.price_share * patience,
            size_share=self.size_share * patience,
            max_age_ms=int(self.max_age_ms * patience),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A time in which nothing is quoted, from its start to just before its end (S10)."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSettings:
    """Everything the deployment file says about one market.

    `exposure_ms` is how long a quote stands before it can follow the market: interval and latency. Until a volatility
    is measured, and while the measured one is older than `max_statistics_age_ms`, the cadence's own risk is taken from
    `assumed_volatility`, the share of the price that one standard deviation of a year is (R36). A last, reference or
    implied price further than `max_deviation_bps` from the book's middle is not used. Without `post_only` orders may
    take, and pay for it (R20). The triangle of an `implied` price is looked at by `fetch_prices`; `triangle` says from
    where on its edge is told of. Without a `tolerance` every tick replaces every order, without `has_floors` nothing
    keeps the half-spread from earning less than it costs: baselines to compare with, which never quote real money.
    `perpetual` is None on spot. At most `max_notional_quote` may be held, and one standard deviation of a year be
    `max_volatility` of the price; nothing is quoted in `events`, nor where less than `min_day_volume_quote` was traded
    in the last 24 h; whatever factors make of its size, no order is larger than `max_order_size_base` (S10). None is no
    limit.
    """

    symbol: Symbol
    number: int
    capital_base: Capital
    capital_quote: Capital
    opening_cost_quote: Decimal | None
    fees: FeeSchedule
    fair_price: FairPriceModel
    half_spread: HalfSpread
    order_size_base: Decimal
    inventory_band: InventoryBand
    price_band: PriceBand
    tolerance: ReplaceTolerance | None
    max_book_age_ms: int
    has_floors: bool = True
    post_only: bool = True
    exposure_ms: int = 5_500
    max_deviation_bps: Decimal = Decimal(100)
    depth_levels: int = 3
    reference: SecondPrice | None = None
    implied: SecondPrice | None = None
    assumed_volatility: Decimal = Decimal("0.6")
    max_statistics_age_ms: int = 900_000
    ladder: Ladder = ONE_LEVEL
    touch: TouchRule | None = None
    size_skew: SizeSkew | None = None
    carry: Carry | None = None
    break_even: BreakEven | None = None
    run_guard: RunGuard | None = None
    triangle: TriangleSettings | None = None
    exits: ExitSettings = NO_EXITS
    perpetual: Perpetual | None = None
    max_notional_quote: Decimal | None = None
    max_volatility: Decimal | None = None
    min_day_volume_quote: Decimal | None = None
    max_order_size_base: Decimal | None = None
    events: tuple[Event, ...] = ()

    @property
    def second_price(self) -> SecondPrice | None:
        """The second price that the fair price is made of, if it is made of one."""
        match self.fair_price:
            case FairPriceModel.REFERENCE:
                return self.reference
            case FairPriceModel.IMPLIED:
                return self.implied
            case _:
                return None
