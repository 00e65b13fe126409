"""Binance's USDⓈ-M API: which routes there are, what they weigh, and its words for a refused order."""

from typing import ClassVar

from infra.local.exchange.binance import market_data as public
from infra.local.exchange.binance.speech import BinanceDialect
from infra.local.exchange.binance.words import BinanceParams
from infra.local.exchange.binance_usdm import account, history, market_data, trading
from infra.local.exchange.binance_usdm.listing import POST_ONLY, UsdmListing
from infra.local.exchange.dialect import ApiRoute, Handler, Weight
from infra.local.exchange.market import Json
from infra.local.exchange.perpetual import describe_margin, describe_trades
from marketmaker.simulation.faults import routes as parts


def _weigh(weight: int) -> Weight:
    return lambda _params: weight


def _weigh_symbol(one: int, every: int) -> Weight:
    return lambda params: one if "symbol" in params else every


def _weigh_depth(params: BinanceParams) -> int:
    limit = params.optional_integer("limit") or market_data.DEFAULT_DEPTH
    return next((weight for most, weight in ((50, 2), (100, 5), (500, 10)) if limit <= most), 20)


def _public(handler: Handler, weight: int | Weight = 1, part: str | None = None) -> ApiRoute:
    weigh = _weigh(weight) if isinstance(weight, int) else weight
    return ApiRoute(handler=handler, weight=weigh, is_signed=False, part=part)


def _signed(
    handler: Handler, weight: int | Weight = 1, part: str | None = None, orders: Weight | None = None
) -> ApiRoute:
    weigh = _weigh(weight) if isinstance(weight, int) else weight
    return ApiRoute(handler=handler, weight=weigh, is_signed=True, part=part, orders=orders)


ROUTES: dict[str, ApiRoute] = {
    "GET /fapi/v1/ping": _public(public.ping),
    "GET /fapi/v1/time": _public(public.show_time, part=parts.TIME_ROUTE),
    "GET /fapi/v1/exchangeInfo": _public(market_data.show_symbols, part=parts.SYMBOLS_ROUTE),
    "GET /fapi/v1/depth": _public(market_data.show_depth, _weigh_depth, parts.DEPTH_ROUTE),
    "GET /fapi/v1/aggTrades": _public(public.show_public_trades, 20, parts.PUBLIC_TRADES_ROUTE),
    "GET /fapi/v1/klines": _public(public.show_klines, 5, parts.KLINES_ROUTE),
    "GET /fapi/v1/ticker/24hr": _public(market_data.show_day, _weigh_symbol(1, 40), parts.DAY_ROUTE),
    "GET /fapi/v1/ticker/price": _public(public.show_price, _weigh_symbol(1, 2), parts.PRICE_ROUTE),
    "GET /fapi/v1/ticker/bookTicker": _public(public.show_touch, _weigh_symbol(2, 5), parts.TOUCH_ROUTE),
    "GET /fapi/v1/premiumIndex": _public(market_data.show_premium, _weigh_symbol(1, 10)),
    "GET /fapi/v1/fundingRate": _public(market_data.show_past_rates),
    "GET /fapi/v1/fundingInfo": _public(market_data.show_funding_terms),
    "GET /fapi/v2/balance": _signed(account.show_balances, 5, parts.ACCOUNT_ROUTE),
    "GET /fapi/v3/balance": _signed(account.show_balances, 5, parts.ACCOUNT_ROUTE),
    "GET /fapi/v2/account": _signed(account.show_whole_account, 5, parts.ACCOUNT_ROUTE),
    "GET /fapi/v3/account": _signed(account.show_account, 5, parts.ACCOUNT_ROUTE),
    "GET /fapi/v2/positionRisk": _signed(account.show_whole_positions, 5, parts.ACCOUNT_ROUTE),
    "GET /fapi/v3/positionRisk": _signed(account.show_positions, 5, parts.ACCOUNT_ROUTE),
    "GET /fapi/v1/leverageBracket": _signed(account.show_brackets),
    "POST /fapi/v1/leverage": _signed(account.change_leverage),
    "POST /fapi/v1/marginType": _signed(account.change_margin_type),
    "GET /fapi/v1/positionSide/dual": _signed(account.show_position_mode, 30),
    "POST /fapi/v1/positionSide/dual": _signed(account.change_position_mode),
    "GET /fapi/v1/symbolConfig": _signed(account.show_settings, 5),
    "GET /fapi/v1/accountConfig": _signed(account.show_account_settings, 5),
    "GET /fapi/v1/commissionRate": _signed(account.show_fees, 20),
    "POST /fapi/v1/order": _signed(trading.place_order, 0, parts.ORDER_ROUTE, _weigh(1)),
    "GET /fapi/v1/order": _signed(trading.show_order, part=parts.LOOKUP_ROUTE),
    "DELETE /fapi/v1/order": _signed(trading.cancel_order, part=parts.CANCEL_ROUTE),
    "POST /fapi/v1/batchOrders": _signed(trading.place_orders, 5, None, trading.count_batch),
    "DELETE /fapi/v1/batchOrders": _signed(trading.cancel_orders),
    "GET /fapi/v1/openOrder": _signed(trading.show_open_order),
    "GET /fapi/v1/openOrders": _signed(trading.show_open_orders, _weigh_symbol(1, 40), parts.OPEN_ORDERS_ROUTE),
    "DELETE /fapi/v1/allOpenOrders": _signed(trading.cancel_open_orders, part=parts.CANCEL_ALL_ROUTE),
    "POST /fapi/v1/countdownCancelAll": _signed(trading.count_down, 10),
    "GET /fapi/v1/userTrades": _signed(history.show_trades, 5, parts.FILLS_ROUTE),
    "GET /fapi/v1/allOrders": _signed(history.show_orders, 5),
    "GET /fapi/v1/forceOrders": _signed(history.show_liquidations, _weigh_symbol(20, 50)),
    "GET /fapi/v1/income": _signed(history.show_income, 30),
}


class BinanceUsdm(BinanceDialect[UsdmListing]):
    """USDⓈ-M perpetuals."""

    name: ClassVar[str] = "binance_usdm"
    routes = ROUTES
    rules = market_data.LIMITS
    rejections = trading.REJECTIONS

    def is_post_only(self, params: BinanceParams) -> bool:
        """Tell whether a request places a GTX order."""
        return "timeInForce" in params and params.text("timeInForce") == POST_ONLY

    def describe(self, market: UsdmListing) -> Json:
        """Write down margin, position, funding, orders and trades."""
        return {
            **describe_margin(market),
            "open_orders": [market.order(order) for order in market.open_orders()],
            "trades": describe_trades(market),
        }


BINANCE_USDM = BinanceUsdm()
