"""The tables of a market's models as the domain's own settings."""

from decimal import Decimal, localcontext
from typing import assert_never

from marketmaker.config.ladder_schema import (
    ExplicitSizesTable,
    ExplicitSpacingTable,
    GeometricSizesTable,
    GeometricSpacingTable,
    LadderTable,
    LinearSizesTable,
    LinearSpacingTable,
)
from marketmaker.config.market_schema import BackOffTable, ImproveTable, JoinTable
from marketmaker.config.model_schema import (
    AvellanedaStoikovTable,
    BidOnlyTable,
    BothSidesTable,
    BpsDistanceTable,
    DistanceTable,
    GlftTable,
    HalfSpreadTable,
    ImpliedTable,
    InventoryTable,
    PositionTable,
    QuoteDistanceTable,
    ReferenceTable,
    RegimeTable,
    ReservationTable,
    ShiftTable,
    SigmaOptimalTable,
)
from marketmaker.config.ranges import base_and_quote
from marketmaker.domain.distances import BpsDistance, Distance, PriceRange, QuoteDistance
from marketmaker.domain.ladder import geometric_multiples, linear_multiples
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BidOnlyBand,
    BothSidesBand,
    Glft,
    HalfSpread,
    InventoryBand,
    Ladder,
    Listing,
    Placement,
    PositionSkew,
    Regime,
    ReservationPrice,
    SecondPrice,
    ShiftBand,
    SigmaOptimal,
    TouchRule,
)
from marketmaker.domain.units import PRECISION, Symbol

_MS = 1_000


def read_reference(table: ReferenceTable, symbol: str, venue: str) -> SecondPrice:
    """Turn a reference into its books; which way its rate works follows from what both prices are quoted in."""
    at = venue if table.venue is None else table.venue.value
    convert = table.convert
    if convert is None:
        return SecondPrice(source=_listing(at, table.symbol), max_age_ms=table.max_age_s * _MS)
    _, quote = base_and_quote(symbol)
    return SecondPrice(
        source=_listing(at, table.symbol),
        rate=_listing(at, convert),
        divides=convert.startswith(f"{quote}/"),
        rate_range=PriceRange(low=table.min_rate, high=table.max_rate),
        max_age_ms=table.max_age_s * _MS,
    )


def read_implied(table: ImpliedTable, symbol: str, venue: str) -> SecondPrice:
    """Turn a cross into its two books: base against the asset, and the asset against the market's quote (S15)."""
    base, quote = base_and_quote(symbol)
    return SecondPrice(
        source=_listing(venue, f"{base}/{table.through}"),
        rate=_listing(venue, f"{table.through}/{quote}"),
        max_age_ms=table.max_age_s * _MS,
    )


def read_half_spread(table: HalfSpreadTable) -> HalfSpread:
    """Turn a half-spread into its model's settings."""
    match table:
        case QuoteDistanceTable() | BpsDistanceTable():
            return _distance(table)
        case SigmaOptimalTable():
            return SigmaOptimal(distribution=table.distribution, multiple=table.multiple)
        case AvellanedaStoikovTable():
            return AvellanedaStoikov(gamma=table.gamma, horizon_ms=table.horizon_s * _MS, decay=table.decay)
        case GlftTable():
            return Glft(gamma=table.gamma, intensity=table.intensity, decay=table.decay)
        case RegimeTable():
            return Regime(
                narrow=_distance(table.narrow),
                wide=_distance(table.wide),
                larger=table.larger,
                smaller=table.smaller,
                compact=table.compact,
            )
        case _:
            assert_never(table)


def read_inventory_band(table: InventoryTable) -> InventoryBand:
    """Turn an inventory table into its policy's settings."""
    match table:
        case ShiftTable():
            return ShiftBand(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                max_shift_share=table.max_shift_share,
                ramp_ratio=table.ramp_ratio,
            )
        case BidOnlyTable() | BothSidesTable():
            band = BidOnlyBand if isinstance(table, BidOnlyTable) else BothSidesBand
            return band(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                half_spread_below=_distance(table.half_spread_below),
                half_spread_above=_distance(table.half_spread_above),
            )
        case PositionTable():
            return PositionSkew(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                target_base=table.target_base,
                threshold_base=table.threshold_base,
                max_base=table.max_base,
                skew=table.skew,
                effect=table.effect,
                ramp=table.ramp,
            )
        case ReservationTable():
            return ReservationPrice(
                min_ratio=table.min_ratio, max_ratio=table.max_ratio, max_shift_share=table.max_shift_share
            )
        case _:
            assert_never(table)


def read_ladder(table: LadderTable) -> Ladder:
    """Turn a ladder into the distances and sizes of its levels, to the digits that money has everywhere."""
    with localcontext(prec=PRECISION):
        return Ladder(distances=_distances(table), sizes=_sizes(table))


def read_touch(table: JoinTable | ImproveTable | BackOffTable) -> TouchRule:
    """Turn a placement into its rule."""
    match table:
        case JoinTable():
            return TouchRule(placement=Placement.JOIN, ticks=0)
        case ImproveTable():
            return TouchRule(placement=Placement.IMPROVE, ticks=table.ticks)
        case BackOffTable():
            return TouchRule(placement=Placement.BACK_OFF, ticks=table.ticks)
        case _:
            assert_never(table)


def _distances(table: LadderTable) -> tuple[Decimal, ...]:
    match table.spacing:
        case LinearSpacingTable(linear=step):
            return linear_multiples(table.levels, step)
        case GeometricSpacingTable(geometric=ratio):
            return geometric_multiples(table.levels, ratio)
        case ExplicitSpacingTable(explicit=distances):
            return distances
        case _:
            assert_never(table.spacing)


def _sizes(table: LadderTable) -> tuple[Decimal, ...]:
    match table.sizes:
        case LinearSizesTable(linear=step):
            return linear_multiples(table.levels, step)
        case GeometricSizesTable(geometric=ratio):
            return geometric_multiples(table.levels, ratio)
        case ExplicitSizesTable(explicit=sizes):
            return sizes
        case _:
            assert_never(table.sizes)


def _distance(table: DistanceTable) -> Distance:
    match table:
        case QuoteDistanceTable():
            return QuoteDistance(quote=table.quote)
        case BpsDistanceTable():
            return BpsDistance(bps=table.bps)
        case _:
            assert_never(table)


def _listing(venue: str, symbol: str) -> Listing:
    return Listing(venue=venue, symbol=Symbol(symbol))
