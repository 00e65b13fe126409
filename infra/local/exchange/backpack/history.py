"""The private routes of the past: fills, orders and funding payments; the newest come first."""

from collections.abc import Sequence

from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.words import BackpackParams, bad_request, listed_if_named, written_time
from infra.local.exchange.market import Json
from marketmaker.domain.units import plain

MAX_ROWS = 1_000
DEFAULT_ROWS = 100
_USER = 1


def show_fills(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /history/fills: of users' orders unless `fillType` asks for others."""
    listed_if_named(listing, params)
    order_id, kind = params.optional_integer("orderId"), params.text("fillType") if "fillType" in params else None
    from_ms, to_ms = params.optional_integer("from"), params.optional_integer("to")
    wanted = [
        trade
        for trade in reversed(listing.shown_trades)
        if (order_id is None or trade.order_id == order_id)
        and (from_ms is None or listing.clock.wall_ms(trade.time_us) >= from_ms)
        and (to_ms is None or listing.clock.wall_ms(trade.time_us) <= to_ms)
        and (kind is None or (kind == "User") is not trade.is_liquidation)
    ]
    return [listing.trade(trade) for trade in _page(wanted, params)]


def show_orders(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /history/orders: orders that ended."""
    listed_if_named(listing, params)
    order_id = params.optional_integer("orderId")
    known = sorted(listing.engine.account.orders.values(), key=lambda order: -order.order_id)
    wanted = [order for order in known if not order.status.is_open and (order_id is None or order.order_id == order_id)]
    return [listing.past_order(order) for order in _page(wanted, params)]


def show_funding(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /history/funding: payments, negative where the account paid."""
    listed_if_named(listing, params)
    return [
        {
            "userId": _USER,
            "subaccountId": 0,
            "symbol": listing.market_id,
            "quantity": plain(payment.received_quote),
            "intervalEndTimestamp": written_time(listing.clock.wall_ms(payment.time_us))[:19],
            "fundingRate": plain(payment.rate),
        }
        for payment in _page(list(reversed(listing.engine.payments)), params)
    ]


def _page[Row](rows: Sequence[Row], params: BackpackParams) -> Sequence[Row]:
    limit, offset = params.optional_integer("limit") or DEFAULT_ROWS, params.optional_integer("offset") or 0
    if limit > MAX_ROWS:
        raise bad_request(f"limit {limit}; at most {MAX_ROWS}")
    return rows[offset : offset + limit]
