"""What is asked of the venue, each as a call to a ccxt client that returns domain values."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.capabilities import POST_ONLY_TIME_IN_FORCE, TRADES_A_PAGE
from marketmaker.adapters.ccxt_venue.dialects import Dialect
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId, plain
from marketmaker.errors import Refused, Unresolved, WouldTake
from marketmaker.ports import Balance, KeyPermissions

BOOK_LEVELS = 20

type Call[T] = Callable[[Any], T]
"""Something to do with a thread's ccxt client."""


def market_id(symbol: Symbol) -> str:
    """Name a market as Binance does; a halt cancels by this before any metadata is loaded (R34)."""
    return symbol.partition(":")[0].replace("/", "")


def open_orders(dialect: Dialect) -> Call[tuple[Order, ...]]:
    """Ask for all open orders of the login; their ids are unique within a symbol only."""

    def call(client: Any) -> tuple[Order, ...]:
        rows = parsing.expect_list(getattr(client, dialect.routes.open_orders)(), "open orders")
        orders = tuple(parsing.parse_order(row, _names(client, dialect)) for row in rows)
        parsing.expect_unique(((order.symbol, order.venue_id) for order in orders), "an open order")
        return orders

    return call


def balances(dialect: Dialect) -> Call[dict[Asset, Balance]]:
    """Ask for the login's balances."""
    return lambda client: dialect.balances(getattr(client, dialect.routes.balances)())


def book_of(dialect: Dialect, symbol: Symbol) -> Call[Book]:
    """Ask for a market's book."""
    params = {"symbol": market_id(symbol), "limit": BOOK_LEVELS}
    return lambda client: parsing.parse_book(symbol, getattr(client, dialect.routes.depth)(params))


def last_price_of(dialect: Dialect, symbol: Symbol) -> Call[Decimal]:
    """Ask for the price of a market's last trade."""
    params = {"symbol": market_id(symbol)}
    return lambda client: parsing.parse_last_price(symbol, getattr(client, dialect.routes.price)(params))


def venue_time(dialect: Dialect) -> Call[int]:
    """Ask for the venue's clock."""
    return lambda client: parsing.parse_time(getattr(client, dialect.routes.time)())


def permissions(dialect: Dialect) -> Call[KeyPermissions]:
    """Ask what the login's key may do."""
    route = dialect.routes.permissions

    def call(client: Any) -> KeyPermissions:
        if route is None:
            raise Refused("the venue does not tell what a key may do")
        return parsing.parse_permissions(getattr(client, route)())

    return call


def trades_page(dialect: Dialect, symbol: Symbol, params: Mapping[str, Any]) -> Call[list[Fill]]:
    """Ask for a page of the login's trades."""

    def call(client: Any) -> list[Fill]:
        answer = getattr(client, dialect.routes.trades)({"symbol": market_id(symbol), **params})
        rows = parsing.expect_list(answer, "trades")
        if any(parsing.expect_row(row, "a trade").get("symbol") != market_id(symbol) for row in rows):
            raise Unresolved(f"the trades of {symbol} came with another market's")
        return [dialect.fill(row, lambda _: symbol) for row in rows]

    return call


def all_trades(
    read: Callable[[Call[list[Fill]]], list[Fill]], dialect: Dialect, symbol: Symbol, from_id: int
) -> list[Fill]:
    """Read the login's trades from an id on, oldest first, page after page until one is not full (R15).

    Pages may overlap, repeat themselves and be out of order: a trade is known by its id alone.

    Raises:
        Unresolved: two answers differ about a trade, or a full page leads nowhere.
    """
    found: dict[int, Fill] = {}
    next_id = from_id
    while True:
        page = read(trades_page(dialect, symbol, {"fromId": next_id, "limit": TRADES_A_PAGE}))
        for fill in page:
            if found.setdefault(int(fill.trade_id), fill) != fill:
                raise Unresolved(f"trade {fill.trade_id} of {symbol} came twice and differs")
        if len(page) < TRADES_A_PAGE:
            return [found[each] for each in sorted(found) if each >= from_id]
        newest = max(found)
        if newest < next_id:
            raise Unresolved(f"the trades of {symbol} do not go on after {newest}")
        next_id = newest + 1


def order_of(dialect: Dialect, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool) -> Call[Order]:
    """Ask for one order, live or not."""
    params = {"symbol": market_id(symbol), "origClientOrderId" if by_client_id else "orderId": key}

    def call(client: Any) -> Order:
        order = parsing.parse_order(getattr(client, dialect.routes.order)(params), lambda _: symbol)
        if key != (order.client_id if by_client_id else order.venue_id):
            raise Unresolved(f"order {key} was asked for, {order.venue_id} ({order.client_id}) came")
        return order

    return call


def countdown(dialect: Dialect, symbol: Symbol, after_ms: int) -> Call[None]:
    """Ask the venue to cancel everything in a market after so long; the answer repeats what it understood."""
    params = {"symbol": market_id(symbol), "countdownTime": after_ms}
    route = dialect.routes.countdown

    def call(client: Any) -> None:
        if route is None:
            raise Refused("the venue has no dead man's switch")
        answer = parsing.expect_row(getattr(client, route)(params), f"the switch of {symbol}")
        if (answer.get("symbol"), str(answer.get("countdownTime"))) != (market_id(symbol), str(after_ms)):
            raise Unresolved(f"the switch of {symbol} was answered by {answer}")

    return call


def cancellation(dialect: Dialect, order: Order) -> Call[Order]:
    """Ask for a cancel; the answer says what had been executed."""
    params = {"symbol": market_id(order.symbol), "orderId": order.venue_id}

    def call(client: Any) -> Order:
        receipt = getattr(client, dialect.routes.cancel)(params)
        answer = parsing.parse_order(receipt, lambda _: order.symbol, time_field=dialect.receipt_time)
        if answer.venue_id != order.venue_id or answer.is_live:
            raise Unresolved(f"the cancel of order {order.venue_id} was answered by {answer}")
        return answer

    return call


def creation(dialect: Dialect, order: NewOrder) -> Call[Order]:
    """Ask for a new order: post-only, immediate-or-cancel, or a plain one that rests until it is cancelled."""
    send = _created if dialect.routes.create is None else partial(_created_by_route, route=dialect.routes.create)

    def call(client: Any) -> Order:
        answer = parsing.parse_order(send(client, order), lambda _: order.symbol, time_field=dialect.receipt_time)
        sent = order.client_id, order.side, order.price, order.size_base
        if (answer.client_id, answer.side, answer.price, answer.size_base) != sent:
            raise Unresolved(f"the create of {order.client_id} was answered by {answer}")
        if order.post_only and not answer.is_live and not answer.executed_base:
            raise WouldTake(f"the post-only order {order.client_id} was taken and ended at once")
        return answer

    return call


def _created(client: Any, order: NewOrder) -> Any:
    params: dict[str, Any] = {"clientOrderId": order.client_id}
    if order.post_only:
        params["postOnly"] = True
    elif order.immediate:
        params["timeInForce"] = "IOC"
    return client.create_order(
        order.symbol, "limit", order.side.value, plain(order.size_base), plain(order.price), params
    )["info"]


def _created_by_route(client: Any, order: NewOrder, route: str) -> Any:
    """Send it as the venue wants it: of a perpetual ccxt would sign parameters of its own beside."""
    params = {
        "symbol": market_id(order.symbol),
        "side": order.side.value.upper(),
        "type": "LIMIT",
        "timeInForce": POST_ONLY_TIME_IN_FORCE if order.post_only else "IOC" if order.immediate else "GTC",
        "quantity": plain(order.size_base),
        "price": plain(order.price),
        "newClientOrderId": order.client_id,
        "newOrderRespType": "RESULT",
        **({"reduceOnly": "true"} if order.reduce_only else {}),
    }
    return getattr(client, route)(params)


def _names(client: Any, dialect: Dialect) -> parsing.NameSymbol:
    return lambda name: str(client.safe_market(name, None, None, dialect.market_type)["symbol"])
