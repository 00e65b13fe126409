"""What is asked of Binance about a login's orders, trades and balances."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing as shape
from marketmaker.adapters.ccxt_venue.binance import parsing
from marketmaker.adapters.ccxt_venue.binance.apis import POST_ONLY_TIME_IN_FORCE, Api, market_id
from marketmaker.adapters.ccxt_venue.dialect import Call, Read
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId, plain
from marketmaker.errors import Refused, Unresolved, WouldTake
from marketmaker.ports import Balance, KeyPermissions

TRADES_A_PAGE = 1_000


def open_orders(api: Api) -> Call[tuple[Order, ...]]:
    """Ask for all open orders of the login; their ids are unique within a symbol only."""

    def call(client: Any) -> tuple[Order, ...]:
        rows = shape.expect_list(getattr(client, api.routes.open_orders)(), "open orders")
        orders = tuple(parsing.parse_order(row, _names(client, api)) for row in rows)
        shape.expect_unique(((order.symbol, order.venue_id) for order in orders), "an open order")
        return orders

    return call


def balances(api: Api) -> Call[dict[Asset, Balance]]:
    """Ask for the login's balances."""
    read = parsing.parse_wallet if api.is_perpetual else parsing.parse_balances
    return lambda client: read(getattr(client, api.routes.balances)())


def permissions(api: Api) -> Call[KeyPermissions]:
    """Ask what the login's key may do."""
    route = api.routes.permissions

    def call(client: Any) -> KeyPermissions:
        if route is None:
            raise Refused("the venue does not tell what a key may do")
        return parsing.parse_permissions(getattr(client, route)())

    return call


def trades_page(api: Api, symbol: Symbol, params: Mapping[str, Any]) -> Call[list[Fill]]:
    """Ask for a page of the login's trades."""

    def call(client: Any) -> list[Fill]:
        answer = getattr(client, api.routes.trades)({"symbol": market_id(symbol), **params})
        rows = shape.expect_list(answer, "trades")
        if any(shape.expect_row(row, "a trade").get("symbol") != market_id(symbol) for row in rows):
            raise Unresolved(f"the trades of {symbol} came with another market's")
        read = parsing.parse_perpetual_fill if api.is_perpetual else parsing.parse_fill
        return [read(row, lambda _: symbol) for row in rows]

    return call


def all_trades(read: Read, api: Api, symbol: Symbol, from_id: int) -> list[Fill]:
    """Read the login's trades from an id on, oldest first, page after page until one is not full (R15).

    Pages may overlap, repeat themselves and be out of order: a trade is known by its id alone.

    Raises:
        Unresolved: two answers differ about a trade, or a full page leads nowhere.
    """
    found: dict[int, Fill] = {}
    next_id = from_id
    while True:
        page = read(trades_page(api, symbol, {"fromId": next_id, "limit": TRADES_A_PAGE}))
        for fill in page:
            if found.setdefault(int(fill.trade_id), fill) != fill:
                raise Unresolved(f"trade {fill.trade_id} of {symbol} came twice and differs")
        if len(page) < TRADES_A_PAGE:
            return [found[each] for each in sorted(found) if each >= from_id]
        newest = max(found)
        if newest < next_id:
            raise Unresolved(f"the trades of {symbol} do not go on after {newest}")
        next_id = newest + 1


def order_of(api: Api, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool) -> Call[Order]:
    """Ask for one order, live or not."""
    params = {"symbol": market_id(symbol), "origClientOrderId" if by_client_id else "orderId": key}

    def call(client: Any) -> Order:
        order = parsing.parse_order(getattr(client, api.routes.order)(params), lambda _: symbol)
        if key != (order.client_id if by_client_id else order.venue_id):
            raise Unresolved(f"order {key} was asked for, {order.venue_id} ({order.client_id}) came")
        return order

    return call


def countdown(api: Api, symbol: Symbol, after_ms: int) -> Call[None]:
    """Ask the venue to cancel everything in a market after so long; the answer repeats what it understood."""
    params = {"symbol": market_id(symbol), "countdownTime": after_ms}
    route = api.routes.countdown

    def call(client: Any) -> None:
        if route is None:
            raise Refused("the venue has no dead man's switch")
        answer = shape.expect_row(getattr(client, route)(params), f"the switch of {symbol}")
        if (answer.get("symbol"), str(answer.get("countdownTime"))) != (market_id(symbol), str(after_ms)):
            raise Unresolved(f"the switch of {symbol} was answered by {answer}")

    return call


def cancellation(api: Api, order: Order) -> Call[Order]:
    """Ask for a cancel; the answer says what had been executed."""
    params = {"symbol": market_id(order.symbol), "orderId": order.venue_id}

    def call(client: Any) -> Order:
        receipt = getattr(client, api.routes.cancel)(params)
        answer = parsing.parse_order(receipt, lambda _: order.symbol, time_field=api.receipt_time)
        if answer.venue_id != order.venue_id or answer.is_live:
            raise Unresolved(f"the cancel of order {order.venue_id} was answered by {answer}")
        return answer

    return call


def creation(api: Api, order: NewOrder) -> Call[Order]:
    """Ask for a new order: post-only, immediate-or-cancel, or a plain one that rests until it is cancelled."""
    send = _created if api.routes.create is None else partial(_created_by_route, route=api.routes.create)

    def call(client: Any) -> Order:
        answer = parsing.parse_order(send(client, order), lambda _: order.symbol, time_field=api.receipt_time)
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


def _names(client: Any, api: Api) -> parsing.NameSymbol:
    return lambda name: str(client.safe_market(name, None, None, api.market_type)["symbol"])
