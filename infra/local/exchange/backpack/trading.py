"""The private routes of orders: placing, finding and cancelling."""

from enum import StrEnum
from http import HTTPStatus

from infra.local.exchange.backpack.listing import SIDES, BackpackListing
from infra.local.exchange.backpack.words import (
    BackpackParams,
    bad_request,
    invalid_order,
    listed,
    listed_if_named,
    named_order,
    no_such_order,
    nothing_to_cancel,
    read_client_id,
)
from infra.local.exchange.dialect import ApiError
from infra.local.exchange.market import Json
from marketmaker.domain.units import ZERO, ClientOrderId
from marketmaker.simulation.orders import OrderRequest, OrderType, Rejection, RejectReason, TimeInForce

_SIDES = {name: side for side, name in SIDES.items()}
MAX_BATCH = 50
REJECTIONS: dict[RejectReason, tuple[str, str]] = {
    RejectReason.OFF_TICK: ("INVALID_ORDER", "Price decimal too long"),
    RejectReason.OFF_LOT: ("INVALID_ORDER", "Quantity decimal too long"),
    RejectReason.BELOW_MIN_NOTIONAL: ("INVALID_ORDER", "Quantity is below the minimum order size"),
    RejectReason.DUPLICATE_CLIENT_ID: ("INVALID_ORDER", "Duplicate client order id"),
    RejectReason.INSUFFICIENT_MARGIN: ("INSUFFICIENT_MARGIN", "Insufficient margin"),
    RejectReason.REDUCES_NOTHING: ("INVALID_ORDER", "Reduce only order not reduced"),
    RejectReason.WOULD_TAKE: ("INVALID_ORDER", "Order would immediately match and take"),
}


class Kind(StrEnum):
    """The order types that are modelled."""

    LIMIT = "Limit"
    MARKET = "Market"


class SelfTrade(StrEnum):
    """Which order ends where two of one account would meet."""

    REJECT_TAKER = "RejectTaker"
    REJECT_MAKER = "RejectMaker"


def rejected(reason: RejectReason) -> ApiError:
    """Say in Backpack's words why the engine did not accept an order."""
    return ApiError(*REJECTIONS[reason], status=HTTPStatus.BAD_REQUEST)


def place_order(listing: BackpackListing, params: BackpackParams, market_us: int) -> Json:
    """POST /order."""
    listed(listing, params)
    order = listing.engine.submit(_order_request(listing, params), market_us)
    if isinstance(order, Rejection):
        raise rejected(order.reason)
    return listing.order(order)


def place_orders(listing: BackpackListing, params: BackpackParams, market_us: int) -> list[Json]:
    """POST /orders: each stands or falls by itself."""
    entries = params.entries
    if entries is None or not 1 <= len(entries) <= MAX_BATCH:
        raise bad_request(f"Must send 1 to {MAX_BATCH} orders")
    answers: list[Json] = []
    for entry in entries:
        try:
            answers.append({"operation": "Ok", **place_order(listing, entry, market_us)})
        except ApiError as error:
            answers.append({"operation": "Err", "code": error.code, "message": error.message})
    return answers


def count_batch(params: BackpackParams) -> int:
    """Count the orders of a batch."""
    return len(params.entries or [])


def show_order(listing: BackpackListing, params: BackpackParams, _market_us: int) -> Json:
    """GET /order: only while it rests."""
    listed(listing, params)
    order = named_order(listing, params)
    if order is None:
        raise no_such_order()
    return listing.order(order)


def show_open_orders(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /orders, of one symbol or all."""
    listed_if_named(listing, params)
    return [listing.order(order) for order in listing.open_orders()]


def cancel_order(listing: BackpackListing, params: BackpackParams, market_us: int) -> Json:
    """DELETE /order, by either id."""
    listed(listing, params)
    named = named_order(listing, params)
    order = None if named is None else listing.engine.cancel(named.order_id, market_us)
    if order is None:
        raise nothing_to_cancel()
    return listing.order(order)


def cancel_open_orders(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """DELETE /orders of one symbol; none at all is fine too."""
    listed(listing, params)
    return [listing.order(order) for order in listing.cancel_all()]


def _order_request(listing: BackpackListing, params: BackpackParams) -> OrderRequest:
    side = _SIDES.get(params.text("side"))
    if side is None:
        raise bad_request('failed to parse "Side": Expect a valid enumeration value.')
    if "quoteQuantity" in params:
        raise invalid_order("Orders in quote quantity are not modelled by the local exchange")
    if "triggerPrice" in params:
        raise invalid_order("Trigger orders are not modelled by the local exchange")
    kind = params.choice("orderType", Kind, "INVALID_CLIENT_REQUEST", "orderType")
    validity = TimeInForce.GTC
    if "timeInForce" in params:
        validity = params.choice("timeInForce", TimeInForce, "INVALID_CLIENT_REQUEST", "timeInForce")
    self_trade = SelfTrade.REJECT_TAKER
    if "selfTradePrevention" in params:
        self_trade = params.choice("selfTradePrevention", SelfTrade, "INVALID_CLIENT_REQUEST", "selfTradePrevention")
    is_post_only = params.flag("postOnly")
    if is_post_only and (kind is Kind.MARKET or validity is not TimeInForce.GTC):
        raise invalid_order("Post only orders must be limit orders that are good till cancelled")
    size = params.decimal("quantity")
    price = params.decimal("price") if kind is Kind.LIMIT else None
    if size <= ZERO:
        raise ApiError("INVALID_QUANTITY", "Quantity must be above zero")
    if price is not None and price <= ZERO:
        raise ApiError("INVALID_PRICE", "Price must be above zero")
    return OrderRequest(
        client_id=_client_id(listing, params),
        side=side,
        type=_type(kind, is_post_only=is_post_only),
        size_base=size,
        price=price,
        time_in_force=validity,
        reduce_only=params.flag("reduceOnly"),
        ends_at_own_orders=self_trade is SelfTrade.REJECT_TAKER,
    )


def _type(kind: Kind, *, is_post_only: bool) -> OrderType:
    if kind is Kind.MARKET:
        return OrderType.MARKET
    return OrderType.LIMIT_MAKER if is_post_only else OrderType.LIMIT


def _client_id(listing: BackpackListing, params: BackpackParams) -> ClientOrderId:
    if "clientId" in params:
        return read_client_id(params)
    return ClientOrderId(f"none-{listing.engine.account.counts.accepted + 1}")
