"""Market states to items and back, nothing lost on the way."""

from collections.abc import Iterable, Mapping
from typing import Any

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.models import (
    CursorMap,
    ExitMap,
    ExitStateMap,
    FeeMap,
    FundingCursorMap,
    InventoryMap,
    MarketItem,
    RunOrderMap,
    UnresolvedOrderMap,
    WorkingOrderMap,
)
from marketmaker.domain.exits import NO_EXIT, Exit, ExitCause, ExitState
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.orders import Fee, NewOrder, Order, Side
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.state import (
    FundingCursor,
    MarketState,
    TradeCursor,
    UnresolvedOrder,
)
from marketmaker.domain.units import AccountName, Asset, ClientOrderId, Symbol, VenueOrderId


def market_item(account: AccountName, market: MarketState, *, write_id: str) -> MarketItem:
    """Write a market's state."""
    cursor, run = market.cursor, market.run
    return MarketItem(
        account,
        keys.MARKET + market.symbol,
        version=market.version,
        write_id=write_id,
        inventory=_inventory_map(market.inventory),
        reference_price=market.reference_price,
        cursor=CursorMap(
            next_id=cursor.next_id,
            reread_id=cursor.reread_id,
            reread_since_ms=cursor.reread_since_ms,
            read_ms=cursor.read_ms,
        ),
        working=[_working_map(each) for each in market.working],
        unresolved=[_unresolved_map(each) for each in market.unresolved],
        not_before_ms=market.not_before_ms,
        exits=None if market.exits == NO_EXIT else _exits_map(market.exits),
        funding=None if market.funding is None else _funding_cursor_map(market.funding),
        run_side=None if run is None else run.side.value,
        run=[]
        if market.run is None
        else [RunOrderMap(venue_id=key, time_ms=at_ms) for key, at_ms in market.run.orders],
    )


def market_from(item: MarketItem) -> MarketState:
    """Read a market's state."""
    symbol = Symbol(item.item.removeprefix(keys.MARKET))
    cursor = item.cursor
    return MarketState(
        symbol=symbol,
        version=item.version,
        inventory=_inventory_from(item.inventory),
        reference_price=item.reference_price,
        cursor=TradeCursor(
            next_id=cursor.next_id,
            reread_id=cursor.reread_id,
            reread_since_ms=cursor.reread_since_ms,
            read_ms=cursor.read_ms,
        ),
        working=tuple(_working_from(each, symbol) for each in item.working),
        unresolved=tuple(_unresolved_from(each, symbol) for each in item.unresolved),
        not_before_ms=item.not_before_ms,
        exits=NO_EXIT if item.exits is None else _exits_from(item.exits),
        funding=None if item.funding is None else _funding_cursor_from(item.funding),
        run=None if item.run_side is None else _run_from(item.run_side, item.run),
    )


def _funding_cursor_map(cursor: FundingCursor) -> FundingCursorMap:
    return FundingCursorMap(read_from_ms=cursor.read_from_ms, due_ms=cursor.due_ms)


def _funding_cursor_from(stored: Mapping[str, Any]) -> FundingCursor:
    return FundingCursor(**{name: stored[name] for name in FundingCursor.__slots__ if name in stored})


def _exits_map(exits: ExitState) -> ExitStateMap:
    kept = {name: getattr(exits, name) for name in ExitState.__slots__ if name != "current"}
    return ExitStateMap(current=None if exits.current is None else _exit_map(exits.current), **kept)


def _exit_map(current: Exit) -> ExitMap:
    kept = {name: getattr(current, name) for name in Exit.__slots__ if name != "cause"}
    return ExitMap(cause=current.cause.value, **kept)


def _exits_from(stored: Mapping[str, Any]) -> ExitState:
    values = {name: stored[name] for name in ExitState.__slots__ if name in stored}
    current = values.pop("current", None)
    return ExitState(current=None if current is None else _exit_from(current), **values)


def _exit_from(stored: Mapping[str, Any]) -> Exit:
    values = {name: stored[name] for name in Exit.__slots__ if name != "cause"}
    return Exit(cause=ExitCause(stored["cause"]), **values)


def _run_from(side: str, orders: Iterable[RunOrderMap]) -> SameSideRun:
    return SameSideRun(side=Side(side), orders=tuple((VenueOrderId(each.venue_id), each.time_ms) for each in orders))


def _inventory_map(inventory: Inventory) -> InventoryMap:
    return InventoryMap(
        base=inventory.base,
        quote=inventory.quote,
        deposited_quote=inventory.deposited_quote,
        cost_basis_quote=inventory.cost_basis_quote,
        fees_in_basis_quote=inventory.fees_in_basis_quote,
        realised_quote=inventory.realised_quote,
        fees_quote=inventory.fees_quote,
        funding_quote=inventory.funding_quote,
        unpriced_fees=[FeeMap(asset=fee.asset, amount=fee.amount) for fee in inventory.unpriced_fees],
        fills_without_fee=inventory.fills_without_fee,
        opened_ms=inventory.opened_ms,
    )


def _inventory_from(stored: InventoryMap) -> Inventory:
    return Inventory(
        base=stored.base,
        quote=stored.quote,
        deposited_quote=stored.deposited_quote,
        cost_basis_quote=stored.cost_basis_quote,
        fees_in_basis_quote=stored.fees_in_basis_quote,
        realised_quote=stored.realised_quote,
        fees_quote=stored.fees_quote,
        funding_quote=stored.funding_quote,
        unpriced_fees=tuple(Fee(asset=Asset(fee.asset), amount=fee.amount) for fee in stored.unpriced_fees),
        fills_without_fee=stored.fills_without_fee,
        opened_ms=stored.opened_ms,
    )


def _working_map(order: Order) -> WorkingOrderMap:
    return WorkingOrderMap(
        venue_id=order.venue_id,
        client_id=order.client_id,
        side=order.side.value,
        price=order.price,
        size_base=order.size_base,
        executed_base=order.executed_base,
        created_ms=order.created_ms,
        is_live=order.is_live,
    )


def _working_from(stored: WorkingOrderMap, symbol: Symbol) -> Order:
    return Order(
        venue_id=VenueOrderId(stored.venue_id),
        client_id=None if stored.client_id is None else ClientOrderId(stored.client_id),
        symbol=symbol,
        side=Side(stored.side),
        price=stored.price,
        size_base=stored.size_base,
        executed_base=stored.executed_base,
        created_ms=stored.created_ms,
        is_live=stored.is_live,
    )


def _unresolved_map(unresolved: UnresolvedOrder) -> UnresolvedOrderMap:
    order = unresolved.order
    return UnresolvedOrderMap(
        client_id=order.client_id,
        side=order.side.value,
        price=order.price,
        size_base=order.size_base,
        signed_ms=unresolved.signed_ms,
    )


def _unresolved_from(stored: UnresolvedOrderMap, symbol: Symbol) -> UnresolvedOrder:
    order = NewOrder(
        client_id=ClientOrderId(stored.client_id),
        symbol=symbol,
        side=Side(stored.side),
        price=stored.price,
        size_base=stored.size_base,
    )
    return UnresolvedOrder(order=order, signed_ms=stored.signed_ms)
