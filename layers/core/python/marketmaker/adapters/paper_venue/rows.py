"""Orders, trades and books between the matching engine and what a paper account stores."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from marketmaker.adapters.ccxt_venue import PublicTrade
from marketmaker.adapters.paper_venue.account import PaperOrder, PaperTrade
from marketmaker.domain.orders import NewOrder
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.units import Symbol
from marketmaker.simulation.events import Level, Quote, Trade
from marketmaker.simulation.matching import Depth
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderRequest, OrderType, TimeInForce


def request_of(order: NewOrder) -> OrderRequest:
    """Write an order as the engine takes it."""
    return OrderRequest(
        client_id=order.client_id,
        side=order.side,
        type=OrderType.LIMIT_MAKER if order.post_only else OrderType.LIMIT,
        size_base=order.size_base,
        price=order.price,
        time_in_force=TimeInForce.IOC if order.immediate else TimeInForce.GTC,
        reduce_only=order.reduce_only,
    )


def restored(order: PaperOrder) -> AccountOrder:
    """Bring a stored order back to life."""
    request = OrderRequest(
        client_id=order.client_id,
        side=order.side,
        type=OrderType.LIMIT_MAKER,
        size_base=order.size_base,
        price=order.price,
        reduce_only=order.reduce_only,
    )
    return AccountOrder(
        order_id=order.order_id,
        request=request,
        created_us=order.created_us,
        updated_us=order.updated_us,
        status=order.status,
        executed_base=order.executed_base,
        queue_ahead=order.queue_ahead_base,
    )


def stored(symbol: Symbol, order: AccountOrder) -> PaperOrder:
    """Write an order as it is kept; one that had no limit, as the venue's own that liquidate, by what it traded at."""
    return PaperOrder(
        order_id=order.order_id,
        client_id=order.request.client_id,
        symbol=symbol,
        side=order.request.side,
        price=order.executed_quote / order.executed_base if order.request.price is None else order.request.price,
        size_base=order.request.size_base,
        executed_base=order.executed_base,
        queue_ahead_base=order.queue_ahead,
        created_us=order.created_us,
        updated_us=order.updated_us,
        status=order.status,
        reduce_only=order.request.reduce_only,
    )


def merged(symbol: Symbol, trades: Iterable[AccountTrade]) -> list[PaperTrade]:
    """Sum what an order traded at a price in one go: a large order met by many crumbs stays one row.

    What another order traded in between parts them: a position realises gains in the order of its trades.
    """
    rows: list[PaperTrade] = []
    for trade in trades:
        last = rows[-1] if rows else None
        if last is None or (last.order_id, last.price, last.is_maker) != (trade.order_id, trade.price, trade.is_maker):
            rows.append(_row(symbol, trade))
            continue
        rows[-1] = replace(
            last,
            size_base=last.size_base + trade.size_base,
            commission=last.commission + trade.commission,
            time_us=trade.time_us,
        )
    return rows


def _row(symbol: Symbol, trade: AccountTrade) -> PaperTrade:
    return PaperTrade(
        trade_id=trade.trade_id,
        order_id=trade.order_id,
        client_id=trade.client_id,
        symbol=symbol,
        side=trade.side,
        price=trade.price,
        size_base=trade.size_base,
        commission=trade.commission,
        commission_asset=trade.commission_asset,
        time_us=trade.time_us,
        is_maker=trade.is_maker,
    )


def trade_of(trade: PublicTrade) -> Trade:
    """Write a public trade as the engine meets it."""
    return Trade(
        time_us=trade.time_ms * 1000, taker_side=trade.taker_side, price=trade.price, size_base=trade.size_base
    )


def quote_of(book: Book, time_us: int) -> Quote:
    """Write a book as the engine is shown it.

    Raises:
        ValueError: it is crossed or not in order.
    """
    return Quote(time_us=time_us, bids=_levels(book.bids), asks=_levels(book.asks))


def with_depth(book: Book, depth: Depth) -> Book:
    """Return a book with other levels."""
    return replace(book, bids=_book_levels(depth.bids), asks=_book_levels(depth.asks))


def _levels(levels: Sequence[BookLevel]) -> tuple[Level, ...]:
    return tuple(Level(level.price, level.size_base) for level in levels)


def _book_levels(levels: Sequence[tuple[Decimal, Decimal]]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=price, size_base=size) for price, size in levels)
