"""The private routes of orders: placing, finding, cancelling, and the dead-man switch."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial

from infra.local.exchange.binance.words import (
    BinanceParams,
    listed,
    named_order,
    no_such_order,
    nothing_to_cancel,
)
from infra.local.exchange.binance_usdm.listing import MOST, POST_ONLY, UsdmListing
from infra.local.exchange.dialect import ApiError
from infra.local.exchange.market import Json
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, ClientOrderId
from marketmaker.simulation.orders import (
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejection,
    RejectReason,
    TimeInForce,
)

CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
MAX_BATCH = 5
MAX_CANCELS = 10
REJECTIONS: dict[RejectReason, tuple[int, str]] = {
    RejectReason.OFF_TICK: (-4014, "Price not increased by tick size."),
    RejectReason.OFF_LOT: (-1111, "Precision is over the maximum defined for this asset."),
    RejectReason.BELOW_MIN_NOTIONAL: (
        -4164,
        "Order's notional must be no smaller than the symbol's minimum (unless you choose reduce only).",
    ),
    RejectReason.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    RejectReason.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    RejectReason.REDUCES_NOTHING: (-2022, "ReduceOnly Order is rejected."),
    RejectReason.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_ALL_DONE: Json = {"code": 200, "msg": "The operation of cancel all open order is done."}


class Kind(StrEnum):
    """The order types that are modelled."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"


class Validity(StrEnum):
    """How long an order stands; GTX is post-only."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = POST_ONLY


class ResponseType(StrEnum):
    """Whether the answer to an order waits for what it trades."""

    ACK = "ACK"
    RESULT = "RESULT"


def rejected(reason: RejectReason) -> ApiError:
    """Say in Binance's words why the engine did not accept an order."""
    return ApiError(*REJECTIONS[reason])


def place_order(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json:
    """POST /order."""
    listed(listing, params)
    request = _order_request(listing, params)
    wanted = ResponseType.ACK
    if "newOrderRespType" in params:
        wanted = params.choice("newOrderRespType", ResponseType, -1136, "newOrderRespType")
    order = listing.engine.submit(request, market_us)
    if isinstance(order, Rejection):
        raise rejected(order.reason)
    if request.time_in_force is TimeInForce.FOK and order.status is OrderStatus.EXPIRED:
        raise ApiError(-5021, "Due to the order could not be filled immediately, the FOK order has been rejected.")
    receipt = listing.receipt(order)
    if wanted is ResponseType.ACK:
        nothing = "0.00000000"
        return {
            **receipt,
            "status": OrderStatus.NEW.value,
            **dict.fromkeys(("executedQty", "cumQty", "cumQuote", "avgPrice"), nothing),
        }
    return receipt


def place_orders(listing: UsdmListing, params: BinanceParams, market_us: int) -> list[Json]:
    """POST /batchOrders: each stands or falls by itself."""
    batch = _list(params, "batchOrders")
    if not 1 <= len(batch) <= MAX_BATCH:
        raise ApiError(-4082, "Invalid number of batch orders.")
    return [_each(partial(_place_entry, listing, entry, market_us)) for entry in batch]


def count_batch(params: BinanceParams) -> int:
    """Count the orders of a batch; one that cannot be read counts as one."""
    try:
        return len(_list(params, "batchOrders"))
    except ApiError:
        return 1


def show_order(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json:
    """GET /order."""
    listed(listing, params)
    order = named_order(listing, params)
    if order is None:
        raise no_such_order()
    return listing.order(order)


def show_open_order(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json:
    """GET /openOrder."""
    listed(listing, params)
    order = named_order(listing, params)
    if order is None or not order.status.is_open:
        raise no_such_order()
    return show_order(listing, params, market_us)


def show_open_orders(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /openOrders, of one symbol or all."""
    if "symbol" in params:
        listed(listing, params)
    return [listing.order(order) for order in listing.open_orders()]


def cancel_order(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json:
    """DELETE /order."""
    listed(listing, params)
    named = named_order(listing, params)
    order = None if named is None else listing.engine.cancel(named.order_id, market_us)
    if order is None:
        raise nothing_to_cancel()
    return listing.receipt(order)


def cancel_orders(listing: UsdmListing, params: BinanceParams, market_us: int) -> list[Json]:
    """DELETE /batchOrders, by either kind of id; the venue reads the names of the lists in lower case too."""
    listed(listing, params)
    names = {each: name for name in ("orderId", "origClientOrderId") for each in (f"{name}List", f"{name}List".lower())}
    sent = next((each for each in names if each in params), "orderIdList")
    name, ids = names[sent], _list(params, sent)
    if not 1 <= len(ids) <= MAX_CANCELS:
        raise ApiError(-4082, "Invalid number of batch orders.")
    symbol = {"symbol": listing.market_id}
    named = [BinanceParams({**symbol, name: str(each)}) for each in ids]
    return [_each(partial(cancel_order, listing, one, market_us)) for one in named]


def cancel_open_orders(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json:
    """DELETE /allOpenOrders of one symbol; none at all is fine too."""
    listed(listing, params)
    listing.cancel_all()
    return _ALL_DONE


def count_down(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json:
    """POST /countdownCancelAll: arm the dead-man switch anew, or put it off with 0."""
    listed(listing, params)
    countdown_ms = params.integer("countdownTime")
    countdown_us = int(countdown_ms * 1000 * listing.clock.speed)
    listing.switch.due_us = market_us + countdown_us if countdown_ms else None
    return {"symbol": listing.market_id, "countdownTime": str(countdown_ms)}


def _order_request(listing: UsdmListing, params: BinanceParams) -> OrderRequest:
    side = _SIDES.get(params.text("side"))
    if side is None:
        raise ApiError(-1117, "Invalid side.")
    if listing.modes.is_hedge != ("positionSide" in params and params.text("positionSide") != "BOTH"):
        raise ApiError(-4061, "Order's position side does not match user's setting.")
    if listing.modes.is_hedge:
        raise ApiError(-4061, "Orders of one side of a hedged position are not modelled by the local exchange.")
    kind = params.choice("type", Kind, -1116, "orderType")
    validity = Validity.GTC
    if kind is Kind.LIMIT:
        validity = params.choice("timeInForce", Validity, -1115, "timeInForce")
    elif "timeInForce" in params or "price" in params:
        name = "price" if "price" in params else "timeInForce"
        raise ApiError(-1106, f"Parameter '{name}' sent when not required.")
    size = params.decimal("quantity")
    price = params.decimal("price") if kind is Kind.LIMIT else None
    if not ZERO < size <= MOST:
        message = "Quantity less than or equal to zero." if size == ZERO else "Quantity greater than max quantity."
        raise ApiError(-4003 if size == ZERO else -4005, message)
    if price is not None and not ZERO < price <= MOST:
        message = "Price less than or equal to zero." if price == ZERO else "Price greater than max price."
        raise ApiError(-4001 if price == ZERO else -4002, message)
    return OrderRequest(
        client_id=_client_id(listing, params),
        side=side,
        type=_type(kind, validity),
        size_base=size,
        price=price,
        time_in_force=TimeInForce.GTC if validity is Validity.GTX else TimeInForce(validity.value),
        reduce_only=params.flag("reduceOnly"),
    )


def _type(kind: Kind, validity: Validity) -> OrderType:
    if kind is Kind.MARKET:
        return OrderType.MARKET
    return OrderType.LIMIT_MAKER if validity is Validity.GTX else OrderType.LIMIT


def _client_id(listing: UsdmListing, params: BinanceParams) -> ClientOrderId:
    if "newClientOrderId" in params:
        return ClientOrderId(params.text("newClientOrderId", CLIENT_ID))
    return ClientOrderId(f"local{listing.engine.account.counts.accepted + 1:017d}")


def _each(act: Callable[[], Json]) -> Json:
    """Answer for one order of a batch, its refusal included."""
    try:
        return act()
    except ApiError as error:
        return {"code": error.code, "msg": error.message}


def _list(params: BinanceParams, name: str) -> list[object]:
    try:
        values = json.loads(params.text(name))
    except json.JSONDecodeError as error:
        raise params.missing(name) from error
    if not isinstance(values, list):
        raise params.missing(name)
    return values


def _place_entry(listing: UsdmListing, entry: object, market_us: int) -> Json:
    if not isinstance(entry, Mapping):
        raise ApiError(-1130, "Data sent for parameter 'batchOrders' is not valid.")
    texts = {str(key): _text(value) for key, value in entry.items()}
    return place_order(listing, BinanceParams(texts), market_us)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
