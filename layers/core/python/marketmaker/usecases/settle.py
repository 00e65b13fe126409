"""Bring one market's item in line with the venue: resolve unknown creates, adopt orphans, book every new fill once.

A market that cannot be settled is not quoted: its inventory is unknown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import batched

from marketmaker.domain.inventory import FillRow, book_fill
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.orders import Fill, Order
from marketmaker.domain.runs import follow_run
from marketmaker.domain.state import MarketState, UnresolvedOrder
from marketmaker.domain.units import ZERO, ClientOrderId, VenueOrderId
from marketmaker.errors import Retryable
from marketmaker.ports import Deadline
from marketmaker.usecases.desk import Desk

FILLS_A_TRANSACTION = 90
TRADES_EVERY_MS = 60_000
TRADES_OVERLAP_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A market's item after settling: what of ours is live, what was booked, and what is still missing.

    `stored` is the item as it was last written.
    """

    market: MarketState
    stored: MarketState
    live: tuple[Order, ...]
    booked: tuple[FillRow, ...] = ()
    missing: str | None = None


def settle(
    desk: Desk,
    settings: MarketSettings,
    market: MarketState,
    open_orders: Sequence[Order],
    deadline: Deadline,
    *,
    read_trades: bool = False,
) -> Settled:
    """Settle one market against the login's open orders.

    `read_trades` reads them even if no known order gives reason to: a tick that ended half-way may have left orders
    that filled before anybody knew of them (R3).

    Raises:
        Retryable, Refused: the venue could not be asked or is behind; nothing that was written is lost.
        Conflict: another writer booked first.
    """
    ours = {order.venue_id: order for order in desk.own(open_orders) if order.symbol == settings.symbol}
    stored = market
    market, found = _resolve(desk, market, ours, deadline)
    ours |= {order.venue_id: order for order in found}
    working = {order.venue_id: order for order in market.working}
    for vanished in working.keys() - ours.keys():
        ours[vanished] = _final(desk, working[vanished], deadline)
    for adopted in ours.keys() - working.keys():
        working[adopted] = replace(ours[adopted], executed_base=ZERO)
    by_age = _by_age(working.values())
    if by_age != market.working:
        market = replace(market, working=by_age)
    booked: tuple[FillRow, ...] = ()
    if read_trades or _needs_trades(market, ours, desk.clock.now_ms()):
        market, booked, stored = _book_new_fills(desk, settings, market, stored, deadline)
    return _conclude(market, stored, ours, booked)


def _resolve(
    desk: Desk, market: MarketState, ours: Mapping[VenueOrderId, Order], deadline: Deadline
) -> tuple[MarketState, list[Order]]:
    """Look every unknown create up; it stays unknown until it is found or certainly dead (R1)."""
    if not market.unresolved:
        return market, []
    live_ids = {order.client_id for order in ours.values()}
    waiting = [each for each in market.unresolved if each.order.client_id not in live_ids]
    if not waiting:
        return replace(market, unresolved=()), []
    venue_ms = desk.venue.time_ms(deadline)
    found: list[Order] = []
    unresolved: list[UnresolvedOrder] = []
    for each in waiting:
        order = desk.venue.find_order(market.symbol, each.order.client_id, by_client_id=True, deadline=deadline)
        if order is not None:
            found.append(order)
        elif venue_ms <= each.signed_ms + desk.settings.clocks.request_ttl_ms:
            unresolved.append(each)
    return replace(market, unresolved=tuple(unresolved)), found


def _final(desk: Desk, order: Order, deadline: Deadline) -> Order:
    """Ask what became of an order that is not among the open ones any more.

    The venue accepted it, so while it is young a venue that does not know it is behind: it may still be live (R1).
    """
    final = desk.venue.find_order(order.symbol, order.venue_id, by_client_id=False, deadline=deadline)
    if final is not None:
        return final
    if desk.clock.now_ms() - order.created_ms < TRADES_OVERLAP_MS:
        raise Retryable(f"the venue does not know order {order.venue_id} which it accepted")
    return replace(order, is_live=False)


def _needs_trades(market: MarketState, ours: Mapping[VenueOrderId, Order], now_ms: int) -> bool:
    executed_more = any(ours[order.venue_id].executed_base > order.executed_base for order in market.working)
    return executed_more or now_ms - market.cursor.read_ms >= TRADES_EVERY_MS


def _book_new_fills(
    desk: Desk, settings: MarketSettings, market: MarketState, stored: MarketState, deadline: Deadline
) -> tuple[MarketState, tuple[FillRow, ...], MarketState]:
    """Book the unseen fills of our own orders, oldest first, each chunk with the market item in one transaction."""
    account = desk.settings.name
    reread_id = market.cursor.reread_id
    reading = desk.alongside.submit(desk.store.known_fills, account, market.symbol, reread_id)
    listed = desk.venue.fills_since(market.symbol, reread_id, deadline)
    fills = tuple({fill.trade_id: fill for fill in listed}.values())
    known = reading.result()
    market = _with_booked(market, (fill for fill in fills if fill.trade_id in known))
    client_ids = {order.venue_id: order.client_id for order in market.working}
    owned: list[tuple[Fill, ClientOrderId]] = []
    for fill in fills:
        if fill.trade_id in known:
            continue
        if fill.venue_order_id not in client_ids:
            client_ids[fill.venue_order_id] = desk.venue.client_id_of(market.symbol, fill.venue_order_id, deadline)
        client_id = client_ids[fill.venue_order_id]
        if client_id is not None and desk.settings.tag.owns(client_id):
            owned.append((fill, client_id))
    newest_id = int(fills[-1].trade_id) if fills else None
    cursor = market.cursor.after(newest_id, desk.clock.now_ms(), TRADES_OVERLAP_MS)
    booked: list[FillRow] = []
    for chunk in batched(owned, FILLS_A_TRANSACTION, strict=False):
        market, rows = _apply(desk, settings, market, chunk)
        market = stored = desk.store.book(account, market, rows)
        booked += rows
    return replace(market, cursor=cursor), tuple(booked), stored


def _with_booked(market: MarketState, known: Iterable[Fill]) -> MarketState:
    """Count what the ledger has of each order: one just adopted may be a finished one that is listed as open again."""
    booked: dict[VenueOrderId, Decimal] = {}
    for fill in known:
        booked[fill.venue_order_id] = booked.get(fill.venue_order_id, ZERO) + fill.size_base
    working = (
        replace(order, executed_base=more)
        if (more := booked.get(order.venue_id, ZERO)) > order.executed_base
        else order
        for order in market.working
    )
    return replace(market, working=tuple(working))


def _apply(
    desk: Desk, settings: MarketSettings, market: MarketState, fills: Sequence[tuple[Fill, ClientOrderId]]
) -> tuple[MarketState, list[FillRow]]:
    instrument = desk.venue.instrument(settings.symbol)
    inventory = market.inventory
    working = {order.venue_id: order for order in market.working}
    rows: list[FillRow] = []
    for fill, client_id in fills:
        inventory, row = book_fill(inventory, fill, instrument, client_id)
        rows.append(row)
        order = working.get(fill.venue_order_id)
        if order is not None:
            working[order.venue_id] = replace(order, executed_base=order.executed_base + fill.size_base)
    run = follow_run(market.run, (fill for fill, _ in fills))
    return replace(market, inventory=inventory, working=_by_age(working.values()), run=run), rows


def _conclude(
    market: MarketState, stored: MarketState, ours: Mapping[VenueOrderId, Order], booked: tuple[FillRow, ...]
) -> Settled:
    """Drop finished orders whose fills are all booked; a fill not yet listed leaves the market unsettled (R15)."""
    live: list[Order] = []
    working: list[Order] = []
    missing: list[str] = []
    for order in market.working:
        seen = ours[order.venue_id]
        if order.executed_base < seen.executed_base:
            missing.append(f"{seen.executed_base - order.executed_base} of order {order.venue_id}")
            working.append(order)
        elif seen.is_live:
            working.append(order)
        if seen.is_live:
            live.append(seen)
    return Settled(
        market=replace(market, working=tuple(working)) if len(working) < len(market.working) else market,
        stored=stored,
        live=tuple(live),
        booked=booked,
        missing=f"fills not listed yet: {', '.join(missing)}" if missing else None,
    )


def _by_age(orders: Iterable[Order]) -> tuple[Order, ...]:
    return tuple(sorted(orders, key=lambda order: (order.created_ms, order.venue_id)))
