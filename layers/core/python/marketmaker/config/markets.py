"""A market's table as the domain's own values."""

from typing import assert_never

from marketmaker.config.schema import (
    AbsoluteBandTable,
    AmountTable,
    BothSidesTable,
    BpsBandTable,
    BpsDistanceTable,
    CapitalTable,
    DistanceTable,
    MarketTable,
    QuoteDistanceTable,
    ReplaceTable,
    ShareTable,
    ShiftTable,
)
from marketmaker.domain.distances import BpsDistance, Distance, QuoteDistance
from marketmaker.domain.markets import (
    AbsoluteBand,
    BpsBand,
    Capital,
    CapitalAmount,
    CapitalShare,
    FeeSchedule,
    MarketSettings,
    PriceBand,
    ReplaceTolerance,
)
from marketmaker.domain.models import BothSidesBand, InventoryBand, ShiftBand
from marketmaker.domain.units import Symbol

_MS = 1_000


def read_market(table: MarketTable) -> MarketSettings:
    """Turn a checked table into a market's settings."""
    return MarketSettings(
        symbol=Symbol(table.symbol),
        number=table.number,
        capital_base=_capital(table.capital_base),
        capital_quote=_capital(table.capital_quote),
        opening_cost_quote=table.opening_cost_quote,
        fees=FeeSchedule(maker_bps=table.fees.maker_bps, taker_bps=table.fees.taker_bps),
        fair_price=table.fair_price,
        half_spread=_distance(table.half_spread),
        order_size_base=table.order_size_base,
        inventory_band=_inventory_band(table.inventory),
        price_band=_price_band(table.price_band),
        tolerance=_tolerance(table.replace),
        max_book_age_ms=table.max_book_age_s * _MS,
        post_only=table.post_only,
    )


def _capital(table: CapitalTable) -> Capital:
    match table:
        case AmountTable():
            return CapitalAmount(amount=table.amount)
        case ShareTable():
            return CapitalShare(share=table.share)
        case _:
            assert_never(table)


def _distance(table: DistanceTable) -> Distance:
    match table:
        case QuoteDistanceTable():
            return QuoteDistance(quote=table.quote)
        case BpsDistanceTable():
            return BpsDistance(bps=table.bps)
        case _:
            assert_never(table)


def _inventory_band(table: ShiftTable | BothSidesTable) -> InventoryBand:
    match table:
        case ShiftTable():
            return ShiftBand(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                max_shift_share=table.max_shift_share,
                ramp_ratio=table.ramp_ratio,
            )
        case BothSidesTable():
            return BothSidesBand(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                half_spread_below=_distance(table.half_spread_below),
                half_spread_above=_distance(table.half_spread_above),
            )
        case _:
            assert_never(table)


def _price_band(table: AbsoluteBandTable | BpsBandTable) -> PriceBand:
    match table:
        case AbsoluteBandTable():
            return AbsoluteBand(low=table.low, high=table.high)
        case BpsBandTable():
            return BpsBand(bps=table.bps)
        case _:
            assert_never(table)


def _tolerance(table: ReplaceTable) -> ReplaceTolerance:
    return ReplaceTolerance(
        price_share=table.price_share, size_share=table.size_share, max_age_ms=table.max_age_s * _MS
    )
