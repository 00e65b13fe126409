"""The faults of what the venue does with orders and symbols, as handlers round the true ones."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, assert_never

from infra.local.exchange.dialect import ApiError, Dialect, Handler, Params
from infra.local.exchange.market import Answer, Market
from marketmaker.domain.units import floor_to_lot
from marketmaker.simulation.events import Level
from marketmaker.simulation.faults import (
    ORDER_ROUTE,
    ChangedTickSize,
    DeedFault,
    DelistedSymbol,
    DelistingStage,
    FillDuringCancel,
    PostOnlyRejection,
    TakenFill,
    UnknownOrder,
)
from marketmaker.simulation.faults.routes import LOOKUP_ROUTE, SYMBOLS_ROUTE
from marketmaker.simulation.orders import RejectReason


def concerns(dialect: Dialect[Any, Any], part: str, listing: Market[Any], params: Params, fault: DeedFault) -> bool:
    """Tell whether a fault that waits on a route has anything to do with this request."""
    match fault:
        case PostOnlyRejection() | TakenFill():
            return dialect.is_post_only(params)
        case UnknownOrder():
            return dialect.named_order(listing, params) is not None
        case FillDuringCancel():
            order = dialect.named_order(listing, params)
            return order is not None and order.status.is_open
        case DelistedSymbol():
            return fault.stage is DelistingStage.REMOVED or part in {SYMBOLS_ROUTE, ORDER_ROUTE}
        case ChangedTickSize():
            return True
        case _:
            assert_never(fault)


def troubled(dialect: Dialect[Any, Any], fault: DeedFault, part: str, handler: Handler) -> Handler:
    """Return the handler as a venue with this fault has it."""
    match fault:
        case PostOnlyRejection():
            return partial(_refuse_as_taking, dialect)
        case TakenFill():
            return partial(_charge_as_taken, handler)
        case FillDuringCancel():
            return partial(_fill_before, dialect, handler, fault.share)
        case UnknownOrder():
            return partial(_refuse, dialect.no_such_order() if part == LOOKUP_ROUTE else dialect.nothing_to_cancel())
        case DelistedSymbol():
            return _delisted(dialect, fault.stage, part, handler)
        case ChangedTickSize():
            return partial(_on_another_grid, handler, fault.tick_size)
        case _:
            assert_never(fault)


def _refuse(error: ApiError, _listing: Market[Any], _params: Params, _market_us: int) -> Answer:
    raise error


def _refuse_as_taking(dialect: Dialect[Any, Any], listing: Market[Any], _params: Params, _market_us: int) -> Answer:
    listing.engine.account.rejected[RejectReason.WOULD_TAKE] += 1
    raise dialect.rejected(RejectReason.WOULD_TAKE)


def _charge_as_taken(handler: Handler, listing: Market[Any], params: Params, market_us: int) -> Answer:
    answer = handler(listing, params, market_us)
    newest = next(reversed(listing.engine.account.orders.values()))
    newest.is_charged_as_taker = True
    return answer


def _fill_before(
    dialect: Dialect[Any, Any], handler: Handler, share: Decimal, listing: Market[Any], params: Params, market_us: int
) -> Answer:
    order, lot = dialect.named_order(listing, params), listing.instrument.lot_size
    if order is not None:
        size = max(lot, floor_to_lot(order.remaining_base * share, lot))
        listing.engine.account.fill(order, Level(order.limit, size), is_maker=True, time_us=market_us)
    return handler(listing, params, market_us)


def _delisted(dialect: Dialect[Any, Any], stage: DelistingStage, part: str, handler: Handler) -> Handler:
    match stage:
        case DelistingStage.REMOVED:
            return partial(_without_symbol, dialect, handler)
        case DelistingStage.HALTED if part == ORDER_ROUTE:
            return partial(_refuse, dialect.market_closed())
        case DelistingStage.HALTED:
            return lambda listing, params, market_us: handler(replace(listing, status="BREAK"), params, market_us)
        case _:
            assert_never(stage)


def _without_symbol(
    dialect: Dialect[Any, Any], handler: Handler, listing: Market[Any], params: Params, market_us: int
) -> Answer:
    if listing.market_id in dialect.named_symbols(params):
        raise dialect.unknown_symbol()
    return dialect.without_symbols(handler(listing, params, market_us))


def _on_another_grid(
    handler: Handler, tick_size: Decimal, listing: Market[Any], params: Params, market_us: int
) -> Answer:
    engine, true = listing.engine, listing.instrument
    engine.instrument = replace(true, tick_size=tick_size)
    try:
        return handler(listing, params, market_us)
    finally:
        engine.instrument = true
