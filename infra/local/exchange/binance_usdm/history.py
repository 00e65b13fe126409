"""The private routes of the past: trades, orders, liquidations and income."""

from infra.local.exchange.binance.market_data import DEFAULT_TRADES, MAX_TRADES
from infra.local.exchange.binance.words import BinanceParams, fixed, listed
from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.dialect import ApiError
from infra.local.exchange.market import Json
from marketmaker.domain.units import ZERO
from marketmaker.simulation.orders import AccountTrade

_WEEK_MS = 7 * 86_400_000
MAX_INCOME = 1_000
DEFAULT_INCOME = 100


def show_trades(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /userTrades, ascending by id: from an id or a time on, else the latest."""
    listed(listing, params)
    limit = params.optional_integer("limit") or DEFAULT_TRADES
    from_id, order_id = params.optional_integer("fromId"), params.optional_integer("orderId")
    start_ms, end_ms = params.optional_integer("startTime"), params.optional_integer("endTime")
    if limit > MAX_TRADES:
        raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    if from_id is not None and (start_ms is not None or end_ms is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > _WEEK_MS:
        raise ApiError(-4166, "Search window is restricted to recent 7 days only.")

    def is_wanted(trade: AccountTrade) -> bool:
        time_ms = listing.clock.wall_ms(trade.time_us)
        return (
            (from_id is None or trade.trade_id >= from_id)
            and (order_id is None or trade.order_id == order_id)
            and (start_ms is None or time_ms >= start_ms)
            and (end_ms is None or time_ms <= end_ms)
        )

    trades = [trade for trade in listing.shown_trades if is_wanted(trade)]
    is_forward = from_id is not None or start_ms is not None
    return [listing.trade(trade) for trade in (trades[:limit] if is_forward else trades[-limit:])]


def show_orders(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /allOrders, ascending by id: from an id on, else the latest."""
    listed(listing, params)
    limit = min(1_000, params.optional_integer("limit") or DEFAULT_TRADES)
    from_id, start_ms = params.optional_integer("orderId"), params.optional_integer("startTime")
    known = sorted(listing.engine.account.orders.values(), key=lambda order: order.order_id)
    wanted = [
        order
        for order in known
        if (from_id is None or order.order_id >= from_id)
        and (start_ms is None or listing.clock.wall_ms(order.created_us) >= start_ms)
    ]
    is_forward = from_id is not None or start_ms is not None
    return [listing.order(order) for order in (wanted[:limit] if is_forward else wanted[-limit:])]


def show_liquidations(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /forceOrders: the orders by which the venue closed positions."""
    if "symbol" in params:
        listed(listing, params)
    return [listing.order(order) for order in listing.engine.account.orders.values() if order.is_liquidation]


def show_income(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /income, ascending by time: from a time on, else the latest; of one type or all."""
    if "symbol" in params:
        listed(listing, params)
    limit = min(MAX_INCOME, params.optional_integer("limit") or DEFAULT_INCOME)
    start_ms, end_ms = params.optional_integer("startTime"), params.optional_integer("endTime")
    kind = params.text("incomeType") if "incomeType" in params else None
    rows = sorted((*_funding(listing), *_traded(listing)), key=lambda row: row[0])
    wanted = [
        row
        for time_ms, row in rows
        if (kind is None or row["incomeType"] == kind)
        and (start_ms is None or time_ms >= start_ms)
        and (end_ms is None or time_ms <= end_ms)
    ]
    return wanted[-limit:] if start_ms is None else wanted[:limit]


def _funding(listing: UsdmListing) -> list[tuple[int, Json]]:
    return [
        _row(
            listing,
            listing.clock.wall_ms(each.time_us),
            {"incomeType": "FUNDING_FEE", "income": fixed(each.received_quote), "info": "FUNDING_FEE"},
            tran_id=each.payment_id,
        )
        for each in listing.engine.payments
    ]


def _traded(listing: UsdmListing) -> list[tuple[int, Json]]:
    realised, rows = listing.engine.account.realised_by_trade, []
    for trade in listing.shown_trades:
        time_ms, name = listing.clock.wall_ms(trade.time_us), str(trade.trade_id)
        kinds = {"COMMISSION": -trade.commission, "REALIZED_PNL": realised[trade.trade_id]}
        for kind, amount in kinds.items():
            if amount != ZERO:
                told: Json = {"incomeType": kind, "income": fixed(amount), "info": name, "tradeId": name}
                rows.append(_row(listing, time_ms, told, tran_id=trade.trade_id))
    return rows


def _row(listing: UsdmListing, time_ms: int, told: Json, *, tran_id: int) -> tuple[int, Json]:
    common = {"symbol": listing.market_id, "asset": listing.instrument.quote, "time": time_ms, "tradeId": ""}
    return time_ms, {**common, "tranId": tran_id, **told}
