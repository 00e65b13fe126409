"""The private routes: orders, cancels, and what the account holds and did."""

from bisect import bisect_left
from enum import StrEnum
from typing import assert_never

from infra.local.exchange.binance.market_data import DEFAULT_TRADES, MAX_TRADES
from infra.local.exchange.binance.words import (
    CLIENT_ID,
    fixed,
    listed,
    named_order,
    no_such_order,
    not_required,
    nothing_to_cancel,
)
from infra.local.exchange.binance_spot.listing import MOST, Listing
from infra.local.exchange.dialect import ApiError, Params
from infra.local.exchange.market import Json
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, ClientOrderId
from marketmaker.simulation.orders import (
    AccountOrder,
    AccountTrade,
    OrderRequest,
    OrderType,
    Rejection,
    RejectReason,
    TimeInForce,
)

_DAY_MS = 86_400_000
_ACK_FIELDS = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}

REJECTIONS: dict[RejectReason, tuple[int, str]] = {
    RejectReason.OFF_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    RejectReason.OFF_LOT: (-1013, "Filter failure: LOT_SIZE"),
    RejectReason.BELOW_MIN_NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    RejectReason.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    RejectReason.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    RejectReason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
}


def rejected(reason: RejectReason) -> ApiError:
    """Say in Binance's words why the engine did not accept an order."""
    return ApiError(*REJECTIONS[reason])


class ResponseType(StrEnum):
    """How much the answer to an order tells."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


def place_order(listing: Listing, params: Params, market_us: int) -> Json:
    """POST /order."""
    listed(listing, params)
    request = _order_request(listing, params)
    wanted = ResponseType.ACK if request.type is OrderType.LIMIT_MAKER else ResponseType.FULL
    if "newOrderRespType" in params:
        wanted = params.choice("newOrderRespType", ResponseType, -1136, "newOrderRespType")
    engine = listing.engine
    traded_before = len(engine.account.trades)
    order = engine.submit(request, market_us)
    if isinstance(order, Rejection):
        raise rejected(order.reason)
    receipt = listing.receipt(order)
    match wanted:
        case ResponseType.ACK:
            return {name: receipt[name] for name in _ACK_FIELDS}
        case ResponseType.RESULT:
            return receipt
        case ResponseType.FULL:
            return {**receipt, "fills": [_fill(trade) for trade in engine.account.trades[traded_before:]]}
        case _:
            assert_never(wanted)


def show_order(listing: Listing, params: Params, _market_us: int) -> Json:
    """GET /order."""
    listed(listing, params)
    order = named_order(listing, params)
    if order is None:
        raise no_such_order()
    return listing.order(order)


def cancel_order(listing: Listing, params: Params, market_us: int) -> Json:
    """DELETE /order."""
    listed(listing, params)
    named = named_order(listing, params)
    order = None if named is None else listing.engine.cancel(named.order_id, market_us)
    if order is None:
        raise nothing_to_cancel()
    return listing.cancellation(order, _cancel_id(params, order))


def show_open_orders(listing: Listing, params: Params, _market_us: int) -> list[Json]:
    """GET /openOrders, of one symbol or all."""
    if "symbol" in params:
        listed(listing, params)
    return [listing.order(order) for order in _open_orders(listing)]


def cancel_open_orders(listing: Listing, params: Params, market_us: int) -> list[Json]:
    """DELETE /openOrders of one symbol."""
    listed(listing, params)
    resting = _open_orders(listing)
    if not resting:
        raise nothing_to_cancel()
    cancelled = [order for order in resting if listing.engine.cancel(order.order_id, market_us) is not None]
    return [listing.cancellation(order, _cancel_id(params, order)) for order in cancelled]


def show_account(listing: Listing, _params: Params, _market_us: int) -> Json:
    """GET /account."""
    wallet, fees = listing.shown_wallet, listing.engine.account.fees
    rates = {"maker": fixed(fees.maker), "taker": fixed(fees.taker), "buyer": fixed(ZERO), "seller": fixed(ZERO)}
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": listing.clock.wall_ms(listing.engine.now_us),
        "accountType": "SPOT",
        "balances": [
            {
                "asset": asset,
                "free": fixed(wallet.free(asset)),
                "locked": fixed(wallet.locked(asset)),
            }
            for asset in wallet.assets
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def show_trades(listing: Listing, params: Params, _market_us: int) -> list[Json]:
    """GET /myTrades, ascending by id: from an id or a time on, else the latest."""
    listed(listing, params)
    limit = params.optional_integer("limit") or DEFAULT_TRADES
    from_id, order_id = params.optional_integer("fromId"), params.optional_integer("orderId")
    start_ms, end_ms = params.optional_integer("startTime"), params.optional_integer("endTime")
    if limit > MAX_TRADES:
        raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    if from_id is not None and (start_ms is not None or end_ms is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > _DAY_MS:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")

    def is_wanted(trade: AccountTrade) -> bool:
        time_ms = listing.clock.wall_ms(trade.time_us)
        return (
            (order_id is None or trade.order_id == order_id)
            and (start_ms is None or time_ms >= start_ms)
            and (end_ms is None or time_ms <= end_ms)
        )

    shown = listing.shown_trades
    first = bisect_left(shown, from_id or 0, key=lambda trade: trade.trade_id)
    trades = [trade for trade in shown[first:] if is_wanted(trade)]
    is_forward = from_id is not None or start_ms is not None
    return [listing.trade(trade) for trade in (trades[:limit] if is_forward else trades[-limit:])]


def _order_request(listing: Listing, params: Params) -> OrderRequest:
    side = _SIDES.get(params.text("side"))
    if side is None:
        raise ApiError(-1117, "Invalid side.")
    kind = params.choice("type", OrderType, -1116, "orderType")
    if "quoteOrderQty" in params:
        raise ApiError(-2010, "Quote order qty market orders are not support for this symbol.")
    for name in ("timeInForce",) if kind is OrderType.LIMIT_MAKER else ("timeInForce", "price"):
        if kind is not OrderType.LIMIT and name in params:
            raise not_required(name)
    time_in_force = TimeInForce.GTC
    if kind is OrderType.LIMIT:
        time_in_force = params.choice("timeInForce", TimeInForce, -1115, "timeInForce")
    size = params.decimal("quantity")
    price = None if kind is OrderType.MARKET else params.decimal("price")
    for name, value in (("quantity", size), ("price", price)):
        if value == ZERO:
            raise ApiError(-1013, f"Invalid {name}.")
    if max(size, price or ZERO) > MOST:
        raise rejected(RejectReason.OFF_LOT if size > MOST else RejectReason.OFF_TICK)
    next_id = listing.engine.account.counts.accepted + 1
    client_id = params.text("newClientOrderId", CLIENT_ID) if "newClientOrderId" in params else f"local{next_id:017d}"
    return OrderRequest(
        client_id=ClientOrderId(client_id),
        side=side,
        type=kind,
        size_base=size,
        price=price,
        time_in_force=time_in_force,
    )


def _open_orders(listing: Listing) -> list[AccountOrder]:
    resting = (order for side in Side for order in listing.engine.account.open_orders(side))
    return sorted(resting, key=lambda order: order.order_id)


def _cancel_id(params: Params, order: AccountOrder) -> str:
    if "newClientOrderId" in params:
        return params.text("newClientOrderId", CLIENT_ID)
    return f"cancel{order.order_id:016d}"


def _fill(trade: AccountTrade) -> Json:
    return {
        "price": fixed(trade.price),
        "qty": fixed(trade.size_base),
        "commission": fixed(trade.commission),
        "commissionAsset": trade.commission_asset,
        "tradeId": trade.trade_id,
    }
