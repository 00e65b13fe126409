"""What is asked of Backpack about a login's orders and trades.

Requests go by the venue's own routes: ccxt's methods cannot name an order by its client id, and read amounts inexactly.
"""

from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.backpack.history import History, Row
from marketmaker.adapters.ccxt_venue.backpack.words import (
    MAX_CLIENT_ID,
    SIDES,
    market_id,
    parse_client_id,
    parse_order,
    parse_side,
    written_time,
)
from marketmaker.adapters.ccxt_venue.dialect import Call, OwnTrade, Read
from marketmaker.domain.integer_ids import PackedIdentity
from marketmaker.domain.orders import Fee, Fill, NewOrder, Order
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, TradeId, VenueOrderId, plain
from marketmaker.errors import OrderGone, Refused, Unresolved, WouldTake

_CLOCKS_DIFFER_MS = 60_000
"""How far the venue's clock may be behind ours where the history is read back to an order's slot."""


def open_orders(client: Any) -> tuple[Order, ...]:
    """Ask for all open orders of the login; each names its market, so no metadata is needed (R34)."""
    rows = parsing.expect_list(client.privateGetApiV1Orders(), "open orders")
    orders = tuple(parse_order(row) for row in rows)
    parsing.expect_unique(((order.symbol, order.venue_id) for order in orders), "an open order")
    return orders


def find_order(read: Read, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool) -> Order:
    """Look one order up: among those that rest, then in the history.

    Raises:
        OrderGone: the venue does not know it.
    """
    if by_client_id and PackedIdentity.unpack(key) is None:
        raise OrderGone(f"order {key}: no order here has such a client id")
    try:
        return read(_resting(symbol, key, by_client_id=by_client_id))
    except OrderGone as error:
        past = _past_by_client_id(read, symbol, key) if by_client_id else _past(read, symbol, key)
        if past is None:
            raise OrderGone(f"order {key} neither rests nor is it in the history") from error
        return past


def _resting(symbol: Symbol, key: str, *, by_client_id: bool) -> Call[Order]:
    params = {"symbol": market_id(symbol), **({"clientId": int(key)} if by_client_id else {"orderId": key})}

    def call(client: Any) -> Order:
        order = parse_order(client.privateGetApiV1Order(params))
        if (symbol, key) != (order.symbol, order.client_id if by_client_id else order.venue_id):
            raise Unresolved(f"order {key} of {symbol} was asked for, {order} came")
        return order

    return call


def _past(read: Read, symbol: Symbol, key: str) -> Order | None:
    rows = read(_orders(symbol, key).page())
    if any(row.key != key for row in rows) or len(rows) > 1:
        raise Unresolved(f"order {key} of {symbol} was asked for, {', '.join(row.key for row in rows)} came")
    return rows[0].value if rows else None


def _past_by_client_id(read: Read, symbol: Symbol, key: str) -> Order | None:
    """Look for the newest order of a client id, back to the last slot that the id can mean: it recurs.

    Slots are counted by our clock, of which the venue's may differ.
    """
    identity = PackedIdentity.unpack(key)
    if identity is None:
        return None
    since_ms = identity.slot_before(read(lambda client: int(client.milliseconds()))) - _CLOCKS_DIFFER_MS
    rows = _orders(symbol).back_to(read, lambda row: row.time_ms < since_ms or row.value.client_id == key)
    found = [row.value for row in rows.values() if row.value.client_id == key and row.time_ms >= since_ms]
    return max(found, key=lambda order: order.created_ms, default=None)


def _orders(symbol: Symbol, venue_id: str | None = None) -> History[str, Order]:
    return History(
        symbol=symbol,
        what="past order",
        route="privateGetWapiV1HistoryOrders",
        parse=_past_order,
        asked=() if venue_id is None else (("orderId", venue_id),),
    )


def _past_order(row: Any) -> Row[str, Order]:
    order = parse_order(row, written_time)
    return Row(key=order.venue_id, time_ms=order.created_ms, value=order)


def trades_since(read: Read, symbol: Symbol, from_id: int) -> list[OwnTrade]:
    """Read the login's trades from an id on, oldest first (R15); a market's ids rise with time.

    What the venue trades by itself, such as a liquidation, is no order of the login's, and may lack an id: positions
    tell of it.
    """
    rows = _trades(symbol).back_to(read, lambda row: row.key < from_id)
    return [rows[each].value for each in sorted(rows) if each >= from_id]


def newest_trade_id(symbol: Symbol) -> Call[int | None]:
    """Ask for the id of the login's newest trade; those of one moment come in any order, so a page is read."""
    page = _trades(symbol).page()
    return lambda client: max((row.key for row in page(client)), default=None)


def _trades(symbol: Symbol) -> History[int, OwnTrade]:
    return History(
        symbol=symbol,
        what="trade",
        route="privateGetWapiV1HistoryFills",
        parse=lambda row: _trade(symbol, row),
        asked=(("fillType", "User"),),
    )


def _trade(symbol: Symbol, row: Any) -> Row[int, OwnTrade]:
    trade_id = parsing.whole(row.get("tradeId"), "a trade's id")
    fill = Fill(
        trade_id=TradeId(str(trade_id)),
        venue_order_id=VenueOrderId(parsing.text(row.get("orderId"), "the order of a trade")),
        symbol=symbol,
        side=parse_side(row, "a trade"),
        price=parsing.positive(row.get("price"), "a trade's price"),
        size_base=parsing.positive(row.get("quantity"), "a trade's size"),
        fee=_fee(row),
        time_ms=written_time(row.get("timestamp"), "a trade's time"),
        is_maker=parsing.flag(row.get("isMaker"), "whether a trade was a maker's"),
    )
    owned = OwnTrade(fill=fill, client_id=parse_client_id(row, "a trade"), tells_client_id=True)
    return Row(key=trade_id, time_ms=fill.time_ms, value=owned)


def _fee(row: Any) -> Fee | None:
    told = row.get("fee"), row.get("feeSymbol")
    if None in told:
        return None
    return Fee(amount=parsing.money(told[0], "a trade's fee"), asset=Asset(parsing.text(told[1], "the fee's asset")))


def creation(order: NewOrder) -> Call[Order]:
    """Ask for a new order; where one that may take meets an order of our own, that one ends and it goes on (R22).

    Raises:
        Refused: its client id is no number of 32 bits.
        WouldTake: the venue took a post-only order and ended it at once.
    """

    def call(client: Any) -> Order:
        answer = parse_order(client.privatePostApiV1Order(_request(order)))
        sent = order.client_id, order.symbol, order.side, order.price
        is_size = answer.size_base == order.size_base or (order.reduce_only and answer.size_base < order.size_base)
        if (answer.client_id, answer.symbol, answer.side, answer.price) != sent or not is_size:
            raise Unresolved(f"the create of {order.client_id} was answered by {answer}")
        if order.post_only and not answer.is_live and not answer.executed_base:
            raise WouldTake(f"the post-only order {order.client_id} was taken and ended at once")
        return answer

    return call


def _request(order: NewOrder) -> dict[str, Any]:
    digits = order.client_id
    if not (digits.isascii() and digits.isdecimal()) or int(digits) > MAX_CLIENT_ID:
        raise Refused(f"client id {digits}: allowed: 0 to {MAX_CLIENT_ID}")
    how: dict[str, Any] = {"timeInForce": "IOC" if order.immediate else "GTC", "selfTradePrevention": "RejectMaker"}
    if order.post_only:
        how = {"postOnly": True}
    return {
        "symbol": market_id(order.symbol),
        "side": SIDES[order.side],
        "orderType": "Limit",
        "quantity": plain(order.size_base),
        "price": plain(order.price),
        "clientId": int(digits),
        **how,
        **({"reduceOnly": True} if order.reduce_only else {}),
    }


def cancellation(order: Order) -> Call[Order]:
    """Ask for a cancel; the answer says what had been executed."""
    params = {"symbol": market_id(order.symbol), "orderId": order.venue_id}

    def call(client: Any) -> Order:
        answer = parse_order(client.privateDeleteApiV1Order(params))
        if (answer.venue_id, answer.symbol) != (order.venue_id, order.symbol) or answer.is_live:
            raise Unresolved(f"the cancel of order {order.venue_id} was answered by {answer}")
        return answer

    return call
