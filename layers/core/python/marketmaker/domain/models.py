"""The settings of every quoting model: what a deployment file may choose, and with which numbers.

Shares are parts of the half-spread unless their name says otherwise; a ratio is base value over market value.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.distances import BpsDistance, Distance, PriceRange, QuoteDistance
from marketmaker.domain.positions import MarginMode
from marketmaker.domain.units import ONE, TWO, Symbol


class FairPriceModel(StrEnum):
    """Where the fair price comes from (M5).

    Experimental: all but `mid`, which none of them has beaten on recordings.
    """

    LAST = "last"
    MID = "mid"
    MICROPRICE = "microprice"
    DEPTH_WEIGHTED = "depth_weighted"
    REFERENCE = "reference"
    IMPLIED = "implied"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Listing:
    """A symbol at a venue whose public book is read beside the market's own."""

    venue: str
    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPrice:
    """How a price of the market is made of other books: a source, and a rate where its quote currency is another (M5).

    The rate multiplies the source's price, or divides it where `divides`. A rate outside `rate_range`, or a book that
    stood still for longer than `max_age_ms`, makes the price unusable. An implied price is the same: PAXG/BTC with the
    rate BTC/USDT (S15).
    """

    source: Listing
    rate: Listing | None = None
    divides: bool = False
    rate_range: PriceRange | None = None
    max_age_ms: int

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The books that it needs."""
        return (self.source,) if self.rate is None else (self.source, self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleSettings:
    """From where on an executable edge round the triangle of an implied price is told of (S15)."""

    min_edge_bps: Decimal
    min_profit_quote: Decimal


class SpreadModel(StrEnum):
    """Where the half-spread comes from."""

    FIXED = "fixed"
    SIGMA_OPTIMAL = "sigma_optimal"
    AVELLANEDA_STOIKOV = "avellaneda_stoikov"
    GLFT = "glft"
    REGIME = "regime"


class Distribution(StrEnum):
    """Of what a price move is drawn: a normal one of the measured σ, or the measured moves themselves (M6)."""

    NORMAL = "normal"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigmaOptimal:
    """The distance d with the largest d · P(|move| > d) over the quote's exposure, times `multiple` (M6).

    Experimental: it has not beaten the recommended default on recordings.
    """

    distribution: Distribution
    multiple: Decimal = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AvellanedaStoikov:
    """Avellaneda & Stoikov (2008) with a horizon that rolls: a market without a close has no T.

    `gamma` is risk aversion per quote currency. Orders arrive at A · exp(−k · distance); `decay` is k per quote
    currency, None to use the measured one.

    Experimental: it has not beaten the recommended default on recordings.
    """

    gamma: Decimal
    horizon_ms: int
    decay: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glft:
    """Guéant, Lehalle & Fernandez-Tapia (2013), asymptotic; `gamma` is risk aversion per quote currency.

    `intensity` is A in orders a second and `decay` k per quote currency, None to use the measured ones.

    Experimental: it has not beaten the recommended default on recordings.
    """

    gamma: Decimal
    intensity: Decimal | None
    decay: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """Narrow or wide by daily × intraday volatility, with the order size and the levels' spacing beside it (M4).

    `larger` and `smaller` multiply the order size, `compact` the space between levels.

    Experimental: it has not beaten the recommended default on recordings.
    """

    narrow: Distance
    wide: Distance
    larger: Decimal
    smaller: Decimal
    compact: Decimal


HalfSpread = QuoteDistance | BpsDistance | SigmaOptimal | AvellanedaStoikov | Glft | Regime


class InventoryPolicy(StrEnum):
    """What too much or too little base does to the prices of the quotes (S2, P3)."""

    SHIFT = "shift"
    BID_ONLY = "bid_only"
    BOTH_SIDES = "both_sides"
    POSITION = "position"
    RESERVATION = "reservation"


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
class BidOnlyBand:
    """Replace the bid's half-spread outside the band, the ask's never: the guide's text (S2).

    Experimental: it has not beaten the recommended default on recordings.
    """

    min_ratio: Decimal
    max_ratio: Decimal
    half_spread_below: Distance
    half_spread_above: Distance


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSidesBand:
    """Replace the half-spread of both sides outside the band: the guide's own code (S2).

    It widens the ask just when it wants to sell; kept as a documented baseline.

    Experimental: it has not beaten the recommended default on recordings.
    """

    min_ratio: Decimal
    max_ratio: Decimal
    half_spread_below: Distance
    half_spread_above: Distance


class SkewEffect(StrEnum):
    """What the position skew does: move both quotes towards reducing, or the guide's literal formula (P3)."""

    SHIFT = "shift"
    WIDEN = "widen"


class Ramp(StrEnum):
    """How the position skew sets in beyond its threshold: linearly up to the limit, or at once (P3)."""

    LINEAR = "linear"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSkew:
    """Skew by the position's size beyond a target, in base (P3); no resting order may take it past `max_base` (P4).

    `skew` is the largest offset in half-spreads, 0 to 1.

    Experimental: it has not beaten the recommended default on recordings.
    """

    min_ratio: Decimal
    max_ratio: Decimal
    target_base: Decimal
    threshold_base: Decimal
    max_base: Decimal
    skew: Decimal
    effect: SkewEffect
    ramp: Ramp

    def __post_init__(self) -> None:
        if abs(self.target_base) + self.threshold_base >= self.max_base:
            least = abs(self.target_base) + self.threshold_base
            raise ValueError(f"max_base {self.max_base}; allowed: above |target_base| + threshold_base, {least}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationPrice:
    """Quote round the reservation price of the spread model, which must have one; the target is the band's middle.

    Experimental: it has not beaten the recommended default on recordings.
    """

    min_ratio: Decimal
    max_ratio: Decimal
    max_shift_share: Decimal


InventoryBand = ShiftBand | BidOnlyBand | BothSidesBand | PositionSkew | ReservationPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSkew:
    """Multiply the sizes by the ratio: the bid's falls 2 → 1 → 0 over target ∓ `range_ratio`, the ask's is 2 − it.

    Hummingbot's inventory skew; the target is the band's middle.

    Experimental: it has not beaten the recommended default on recordings.
    """

    range_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """The interest of inventory held beyond its target: it grows with σ · √age, up to `max_shift_share` (M7).

    Once it is older than `horizon_ms` the side that adds to it is not quoted.

    Experimental: it has not beaten the recommended default on recordings.
    """

    interest: Decimal
    max_shift_share: Decimal
    horizon_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Do not sell below cost, nor buy a short back above it (M2), with bounds: refusing to is a bet (M3).

    It lapses once the inventory is older than `max_age_ms` or lost more than `max_loss_share` of its cost. Without
    `averages`, nothing is added to an inventory while its price is worse than its cost.

    Experimental: it has not beaten the recommended default on recordings.
    """

    max_age_ms: int
    max_loss_share: Decimal
    averages: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The levels of a side: each one's distance in half-spreads and size in order sizes, nearest first (P1).

    Experimental: it has not beaten the recommended default on recordings.
    """

    distances: tuple[Decimal, ...] = (ONE,)
    sizes: tuple[Decimal, ...] = (ONE,)

    def __post_init__(self) -> None:
        if not self.distances or len(self.distances) != len(self.sizes):
            raise ValueError(f"{len(self.distances)} distances and {len(self.sizes)} sizes; allowed: as many, above 0")

    @property
    def levels(self) -> int:
        """How many quotes a side has."""
        return len(self.distances)


ONE_LEVEL = Ladder()
"""One quote a side, at the half-spread and of the order size."""


class Placement(StrEnum):
    """Where the nearest quote may stand beside the best price of others (M8)."""

    JOIN = "join"
    IMPROVE = "improve"
    BACK_OFF = "back_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchRule:
    """Join the best price, improve it by some ticks at most, or stay some ticks behind it (M8).

    It only ever moves a quote away: how near one may stand is the half-spread's business.

    Experimental: it has not beaten the recommended default on recordings.
    """

    placement: Placement
    ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGuard:
    """After so many orders filled on one side within a time, that side stands wider, or pauses without `widen` (R32).

    `widen` multiplies the side's distance from the fair price.
    """

    orders: int
    within_ms: int
    widen: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Perpetual:
    """How a perpetual is held (S17).

    `leverage` is what the venue is told and must report; `max_exposure` bounds position and resting orders as a
    multiple of the market's equity, whatever the venue would lend. Nearer to liquidation than
    `min_liquidation_distance`, a share of the mark, nothing is added.
    """

    leverage: Decimal = TWO
    margin_mode: MarginMode = MarginMode.CROSS
    max_exposure: Decimal = TWO
    min_liquidation_distance: Decimal = Decimal("0.1")


class CostBasis(StrEnum):
    """What a fall of the price is counted from (S9)."""

    AVERAGE_COST = "average_cost"
    DAY_OPEN = "day_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class FallStop:
    """Sell `stop_share` of the base once the price fell by `fall_share`, again after each further such fall (S9)."""

    fall_share: Decimal
    basis: CostBasis
    stop_share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSettings:
    """When a holding is closed, and how (S9, P5).

    `stop_loss` is a fall, or a loss in quote currency that is not realised; `take_profit_quote` likewise a gain. An
    exit's orders stay within `max_slippage_bps` of the live touch. After one nothing is quoted for `cool_down_ms`.
    """

    stop_loss: FallStop | Decimal | None = None
    take_profit_quote: Decimal | None = None
    max_slippage_bps: Decimal = Decimal(100)
    cool_down_ms: int = 300_000

    @property
    def has_rules(self) -> bool:
        """Tell whether anything closes a holding by itself."""
        return self.stop_loss is not None or self.take_profit_quote is not None


NO_EXITS = ExitSettings()
