"""A market's table as the domain's own values; those of its models stand in `models`."""

from decimal import Decimal
from typing import assert_never

from marketmaker.config.market_schema import (
    NO_CAPITAL,
    AbsoluteBandTable,
    AmountTable,
    BpsBandTable,
    BreakEvenTable,
    CapitalTable,
    CarryTable,
    FallStopTable,
    MarketTable,
    PerpetualTable,
    ReplaceAllTable,
    ReplaceTable,
    RunGuardTable,
    ShareTable,
    SizeSkewTable,
)
from marketmaker.config.model_schema import TriangleTable
from marketmaker.config.models import (
    read_half_spread,
    read_implied,
    read_inventory_band,
    read_ladder,
    read_reference,
    read_touch,
)
from marketmaker.config.risk_schema import read_event
from marketmaker.domain.accounts import Clocks
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
from marketmaker.domain.models import (
    BreakEven,
    Carry,
    ExitSettings,
    FallStop,
    Perpetual,
    RunGuard,
    SizeSkew,
    TriangleSettings,
)
from marketmaker.domain.units import Symbol

_MS = 1_000
_LATENCY_MS = 500
"""What passes between the book that a quote is made of and the quote: two round trips, and the function's own time."""


def read_market(table: MarketTable, venue: str, clocks: Clocks) -> MarketSettings:
    """Turn a checked table into a market's settings."""
    return MarketSettings(
        symbol=Symbol(table.symbol),
        number=table.number,
        capital_base=_capital(table.capital_base or NO_CAPITAL),
        capital_quote=_capital(table.capital_quote),
        opening_cost_quote=table.opening_cost_quote,
        fees=FeeSchedule(maker_bps=table.fees.maker_bps, taker_bps=table.fees.taker_bps),
        fair_price=table.fair_price,
        half_spread=read_half_spread(table.half_spread),
        order_size_base=table.order_size_base,
        inventory_band=read_inventory_band(table.inventory),
        price_band=_price_band(table.price_band),
        tolerance=_tolerance(table.replace),
        max_book_age_ms=table.max_book_age_s * _MS,
        has_floors=table.floors,
        post_only=table.post_only,
        exposure_ms=clocks.interval_ms + _LATENCY_MS,
        max_deviation_bps=table.max_deviation_bps,
        depth_levels=table.depth_levels,
        reference=None if table.reference is None else read_reference(table.reference, table.symbol, venue),
        implied=None if table.implied is None else read_implied(table.implied, table.symbol, venue),
        assumed_volatility=table.assumed_volatility,
        max_statistics_age_ms=table.max_statistics_age_s * _MS,
        ladder=read_ladder(table.ladder),
        touch=None if table.touch is None else read_touch(table.touch),
        size_skew=_size_skew(table.size_skew),
        carry=_carry(table.carry),
        break_even=_break_even(table.break_even),
        run_guard=_run_guard(table.run_guard),
        triangle=_triangle(table.triangle),
        exits=_exits(table),
        perpetual=_perpetual(table.perpetual),
        max_notional_quote=table.max_notional_quote,
        max_volatility=table.max_volatility,
        min_day_volume_quote=table.min_day_volume_quote,
        max_order_size_base=table.max_order_size_base,
        events=tuple(read_event(each) for each in table.events),
    )


def _capital(table: CapitalTable) -> Capital:
    match table:
        case AmountTable():
            return CapitalAmount(amount=table.amount)
        case ShareTable():
            return CapitalShare(share=table.share)
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


def _tolerance(table: ReplaceTable | ReplaceAllTable) -> ReplaceTolerance | None:
    if isinstance(table, ReplaceAllTable):
        return None
    return ReplaceTolerance(
        price_share=table.price_share, size_share=table.size_share, max_age_ms=table.max_age_s * _MS
    )


def _size_skew(table: SizeSkewTable | None) -> SizeSkew | None:
    return None if table is None else SizeSkew(range_ratio=table.range_ratio)


def _carry(table: CarryTable | None) -> Carry | None:
    if table is None:
        return None
    return Carry(interest=table.interest, max_shift_share=table.max_shift_share, horizon_ms=table.horizon_s * _MS)


def _break_even(table: BreakEvenTable | None) -> BreakEven | None:
    if table is None:
        return None
    return BreakEven(max_age_ms=table.max_age_s * _MS, max_loss_share=table.max_loss_share, averages=table.averages)


def _run_guard(table: RunGuardTable | None) -> RunGuard | None:
    if table is None:
        return None
    return RunGuard(orders=table.orders, within_ms=table.within_s * _MS, widen=table.widen)


def _exits(table: MarketTable) -> ExitSettings:
    stop = table.stop_loss
    return ExitSettings(
        stop_loss=FallStop(fall_share=stop.fall, basis=stop.basis, stop_share=stop.share)
        if isinstance(stop, FallStopTable)
        else None
        if stop is None
        else stop.loss_quote,
        take_profit_quote=table.take_profit_quote,
        max_slippage_bps=table.max_exit_slippage_bps,
        cool_down_ms=table.cool_down_s * _MS,
    )


def _perpetual(table: PerpetualTable | None) -> Perpetual | None:
    if table is None:
        return None
    return Perpetual(
        leverage=Decimal(table.leverage),
        margin_mode=table.margin_mode,
        max_exposure=table.max_exposure,
        min_liquidation_distance=table.min_liquidation_distance,
    )


def _triangle(table: TriangleTable | None) -> TriangleSettings | None:
    if table is None:
        return None
    return TriangleSettings(min_edge_bps=table.min_edge_bps, min_profit_quote=table.min_profit_quote)
