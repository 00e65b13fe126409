"""Domain values to items and back, nothing lost on the way."""

from collections.abc import Iterable, Mapping
from typing import Any

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.meters import meters_from
from marketmaker.adapters.dynamodb.models import (
    BookMarkMap,
    ControlItem,
    CursorMap,
    DayMap,
    EpisodeItem,
    EquityMap,
    ExitMap,
    ExitStateMap,
    ExposureItem,
    FeeMap,
    FillItem,
    FundingCursorMap,
    FundingItem,
    InventoryMap,
    LedgerItem,
    MarketItem,
    OpeningItem,
    RestrictionMap,
    RunOrderMap,
    TransferItem,
    UnresolvedOrderMap,
    WorkingOrderMap,
)
from marketmaker.domain.caution import Caution
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exits import NO_EXIT, Exit, ExitCause, ExitState
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.inventory import FillRow, FundingRow, Inventory, LedgerRow, OpeningRow, Transfer, TransferRow
from marketmaker.domain.orders import Fee, Fill, NewOrder, Order, Side
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.state import (
    ActiveSettings,
    BookMark,
    Control,
    Episode,
    FundingCursor,
    Lease,
    MarketState,
    Mode,
    Restriction,
    TradeCursor,
    UnresolvedOrder,
)
from marketmaker.domain.units import AccountName, Asset, ClientOrderId, Symbol, VenueOrderId


def control_from(item: ControlItem) -> Control:
    """Read an account's control."""
    owner, expires_ms = item.lease_owner, item.lease_expires_ms
    return Control(
        account=AccountName(item.account),
        mode=Mode(item.mode),
        epoch=item.epoch,
        mode_reason=item.mode_reason,
        mode_since_ms=item.mode_since_ms,
        last_slot_ms=item.last_slot_ms,
        lease=None if owner is None or expires_ms is None else Lease(owner=owner, expires_ms=expires_ms),
        taken_over_from=item.taken_over_from or None,
        book_marks={
            Symbol(each.symbol): BookMark(update_id=each.update_id, since_ms=each.since_ms) for each in item.book_marks
        },
        foreign=item.foreign,
        differing=item.differing,
        unreachable_ticks=item.unreachable_ticks,
        blocked_until_ms=item.blocked_until_ms,
        is_banned=item.is_banned,
        restrictions={symbol: _restriction_from(each) for symbol, each in item.restrictions.items()},
        armed_ms=item.armed_ms,
        stops={symbol: _restriction_from(each) for symbol, each in item.stops.items()},
        peaks={asset: _equity_from(each) for asset, each in item.peaks.items()},
        days={asset: DayStart(day=each.day, equity=_equity_from(each)) for asset, each in item.days.items()},
        deployed=item.deployed,
        settings=None if item.settings is None else _active_settings_from(item.settings),
        meters=meters_from(item.meters),
    )


def episode_from(item: EpisodeItem) -> Episode:
    """Read an open alert."""
    return Episode(
        text=item.text,
        since_ms=item.opened_ms,
        is_critical=item.is_critical,
        told_ms=item.opened_ms if item.told_ms is None else item.told_ms or None,
        tried_ms=item.tried_ms,
        ended=item.ended,
        version=item.version,
    )


def episode_item(account: AccountName, key: str, episode: Episode) -> EpisodeItem:
    """Write an open alert."""
    return EpisodeItem(
        account,
        keys.EPISODE + key,
        text=episode.text,
        opened_ms=episode.since_ms,
        is_critical=episode.is_critical,
        told_ms=episode.told_ms or 0,
        tried_ms=episode.tried_ms,
        ended=episode.ended,
        version=episode.version,
    )


def book_mark_map(symbol: Symbol, mark: BookMark) -> BookMarkMap:
    """Write how long a book has stood still."""
    return BookMarkMap(symbol=symbol, update_id=mark.update_id, since_ms=mark.since_ms)


def restriction_map(restriction: Restriction) -> RestrictionMap:
    """Write what a market may do at most, and how its quotes change."""
    caution = restriction.caution
    return RestrictionMap(
        mode=int(restriction.mode),
        reason=restriction.reason,
        since_ms=restriction.since_ms,
        rank=caution.rank,
        **{name: getattr(caution, name) for name in caution.__slots__},
    )


def equity_map(equity: Equity) -> EquityMap:
    """Write the equity of one quote asset."""
    return EquityMap(
        markets=" ".join(equity.markets), deposited_quote=equity.deposited_quote, gains_quote=equity.gains_quote
    )


def day_map(start: DayStart) -> DayMap:
    """Write the first equity of one quote asset in a day."""
    equity = start.equity
    return DayMap(
        markets=" ".join(equity.markets),
        deposited_quote=equity.deposited_quote,
        gains_quote=equity.gains_quote,
        day=start.day,
    )


def exposure_item(exposure: Exposure) -> ExposureItem:
    """Write what an account holds for the others."""
    return ExposureItem(
        keys.PORTFOLIO,
        keys.EXPOSURE + exposure.account,
        time_ms=exposure.time_ms,
        notional_quote=exposure.notional_quote,
        unknown=" ".join(sorted(exposure.unknown)),
    )


def exposure_from(item: ExposureItem) -> Exposure:
    """Read what an account holds."""
    return Exposure(
        account=AccountName(item.item.removeprefix(keys.EXPOSURE)),
        time_ms=item.time_ms,
        notional_quote=dict(item.notional_quote),
        unknown=frozenset(map(Asset, item.unknown.split())),
    )


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


def ledger_item(account: AccountName, symbol: Symbol, row: LedgerRow) -> LedgerItem:
    """Write a ledger row."""
    partition, key = keys.ledger_partition(account, symbol), keys.row_key(row)
    if isinstance(row, OpeningRow):
        return OpeningItem(
            partition, key, time_ms=row.time_ms, base=row.base, quote=row.quote, cost_quote=row.cost_quote
        )
    if isinstance(row, FundingRow):
        return FundingItem(partition, key, time_ms=row.payment.time_ms, amount_quote=row.payment.amount_quote)
    if isinstance(row, TransferRow):
        return _transfer_item(partition, key, row)
    fill = row.fill
    return FillItem(
        partition,
        key,
        time_ms=fill.time_ms,
        venue_order_id=fill.venue_order_id,
        client_id=row.client_id,
        side=fill.side.value,
        price=fill.price,
        size_base=fill.size_base,
        fee_asset=None if fill.fee is None else fill.fee.asset,
        fee_amount=None if fill.fee is None else fill.fee.amount,
        is_maker=fill.is_maker,
        base_change=row.base_change,
        quote_change=row.quote_change,
        realised_quote=row.realised_quote,
        fee_quote=row.fee_quote,
    )


def _transfer_item(partition: str, key: str, row: TransferRow) -> TransferItem:
    transfer = row.transfer
    return TransferItem(
        partition,
        key,
        time_ms=transfer.time_ms,
        asset=transfer.asset,
        amount=transfer.amount,
        price_quote=transfer.price_quote,
        reason=transfer.reason,
        base_change=row.base_change,
        quote_change=row.quote_change,
        realised_quote=row.realised_quote,
    )


def transfer_from(item: TransferItem) -> TransferRow:
    """Read a transfer's row."""
    return TransferRow(
        transfer=Transfer(
            id=item.row.removeprefix(keys.TRANSFER),
            time_ms=item.time_ms,
            asset=Asset(item.asset),
            amount=item.amount,
            price_quote=item.price_quote,
            reason=item.reason,
        ),
        base_change=item.base_change,
        quote_change=item.quote_change,
        realised_quote=item.realised_quote,
    )


def opening_from(item: OpeningItem, symbol: Symbol) -> OpeningRow:
    """Read a market's opening row."""
    return OpeningRow(symbol=symbol, time_ms=item.time_ms, base=item.base, quote=item.quote, cost_quote=item.cost_quote)


def funding_from(item: FundingItem, symbol: Symbol) -> FundingRow:
    """Read a funding payment's row."""
    return FundingRow(payment=FundingPayment(symbol=symbol, time_ms=item.time_ms, amount_quote=item.amount_quote))


def fill_from(item: FillItem, symbol: Symbol) -> FillRow:
    """Read a fill's row."""
    asset, amount = item.fee_asset, item.fee_amount
    return FillRow(
        fill=Fill(
            trade_id=keys.trade_id(item.row),
            venue_order_id=VenueOrderId(item.venue_order_id),
            symbol=symbol,
            side=Side(item.side),
            price=item.price,
            size_base=item.size_base,
            fee=None if asset is None or amount is None else Fee(amount=amount, asset=Asset(asset)),
            time_ms=item.time_ms,
            is_maker=item.is_maker,
        ),
        client_id=None if item.client_id is None else ClientOrderId(item.client_id),
        base_change=item.base_change,
        quote_change=item.quote_change,
        realised_quote=item.realised_quote,
        fee_quote=item.fee_quote,
    )


def _restriction_from(stored: RestrictionMap) -> Restriction:
    return Restriction(
        mode=Mode(stored.mode),
        reason=stored.reason,
        since_ms=stored.since_ms,
        caution=Caution(**{name: getattr(stored, name) for name in Caution.__slots__}),
    )


def _equity_from(stored: EquityMap) -> Equity:
    return Equity(
        markets=tuple(map(Symbol, stored.markets.split())),
        deposited_quote=stored.deposited_quote,
        gains_quote=stored.gains_quote,
    )


def _active_settings_from(stored: Mapping[str, Any]) -> ActiveSettings:
    return ActiveSettings(**{name: stored[name] for name in ActiveSettings.__slots__})


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
