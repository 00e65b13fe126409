"""The faults of what the venue does with orders and symbols, as handlers round the true ones."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import assert_never

from infra.local.exchange.dialect import (
    ApiError,
    Params,
    market_closed,
    no_such_order,
    nothing_to_cancel,
    rejected,
    unknown_symbol,
)
from infra.local.exchange.listing import Answer, Handler, Listing
from infra.local.exchange.market_data import named_symbols
from infra.local.exchange.trading import named_order
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
from marketmaker.simulation.orders import OrderType, RejectReason


def concerns(route: str, listing: Listing, params: Params, fault: DeedFault) -> bool:
    """Tell whether a fault that waits on a route has anything to do with this request."""
    match fault:
        case PostOnlyRejection() | TakenFill():
            return "type" in params and params.text("type") == OrderType.LIMIT_MAKER
        case UnknownOrder():
            return named_order(listing, params) is not None
        case FillDuringCancel():
            order = named_order(listing, params)
            return order is not None and order.status.is_open
        case DelistedSymbol():
            return fault.stage is DelistingStage.REMOVED or route in {SYMBOLS_ROUTE, ORDER_ROUTE}
        case ChangedTickSize():
            return True
        case _:
            assert_never(fault)


def troubled(fault: DeedFault, route: str, handler: Handler) -> Handler:
    """Return the handler as a venue with this fault has it."""
    match fault:
        case PostOnlyRejection():
            return _refuse_as_taking
        case TakenFill():
            return partial(_charge_as_taken, handler)
        case FillDuringCancel():
            return partial(_fill_before, handler, fault.share)
        case UnknownOrder():
            return partial(_refuse, no_such_order() if route == LOOKUP_ROUTE else nothing_to_cancel())
        case DelistedSymbol():
            return _delisted(fault.stage, route, handler)
        case ChangedTickSize():
            return partial(_on_another_grid, handler, fault.tick_size)
        case _:
            assert_never(fault)


def _refuse(error: ApiError, _listing: Listing, _params: Params, _market_us: int) -> Answer:
    raise error


def _refuse_as_taking(listing: Listing, _params: Params, _market_us: int) -> Answer:
    listing.engine.account.rejected[RejectReason.WOULD_TAKE] += 1
    raise rejected(RejectReason.WOULD_TAKE)


def _charge_as_taken(handler: Handler, listing: Listing, params: Params, market_us: int) -> Answer:
    answer = handler(listing, params, market_us)
    newest = next(reversed(listing.engine.account.orders.values()))
    newest.is_charged_as_taker = True
    return answer


def _fill_before(handler: Handler, share: Decimal, listing: Listing, params: Params, market_us: int) -> Answer:
    order, lot = named_order(listing, params), listing.instrument.lot_size
    if order is not None:
        size = max(lot, floor_to_lot(order.remaining_base * share, lot))
        listing.engine.account.fill(order, Level(order.limit, size), is_maker=True, time_us=market_us)
    return handler(listing, params, market_us)


def _delisted(stage: DelistingStage, route: str, handler: Handler) -> Handler:
    match stage:
        case DelistingStage.REMOVED:
            return partial(_without_symbol, handler)
        case DelistingStage.HALTED if route == ORDER_ROUTE:
            return partial(_refuse, market_closed())
        case DelistingStage.HALTED:
            return lambda listing, params, market_us: handler(replace(listing, status="BREAK"), params, market_us)
        case _:
            assert_never(stage)


def _without_symbol(handler: Handler, listing: Listing, params: Params, market_us: int) -> Answer:
    if listing.market_id in named_symbols(params):
        raise unknown_symbol()
    answer = handler(listing, params, market_us)
    return [] if isinstance(answer, list) else {**answer, "symbols": []}


def _on_another_grid(handler: Handler, tick_size: Decimal, listing: Listing, params: Params, market_us: int) -> Answer:
    engine, true = listing.engine, listing.instrument
    engine.instrument = replace(true, tick_size=tick_size)
    try:
        return handler(listing, params, market_us)
    finally:
        engine.instrument = true
