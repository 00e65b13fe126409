"""Binance's spot API: which routes there are, what they weigh, and its words for a refused order."""

from typing import ClassVar

from infra.local.exchange.binance import market_data as public
from infra.local.exchange.binance.speech import BinanceDialect
from infra.local.exchange.binance.words import BinanceParams, named_symbols
from infra.local.exchange.binance_spot import market_data, trading
from infra.local.exchange.binance_spot.listing import Listing
from infra.local.exchange.dialect import ApiRoute, Handler, Params, Weight
from infra.local.exchange.market import Json
from marketmaker.domain.orders import Side
from marketmaker.domain.units import plain
from marketmaker.simulation.faults import ORDER_ROUTE
from marketmaker.simulation.orders import OrderType


def _weigh(weight: int) -> Weight:
    return lambda _params: weight


def _weigh_symbol(one: int, every: int) -> Weight:
    return lambda params: one if "symbol" in params else every


def _weigh_depth(params: Params) -> int:
    limit = params.optional_integer("limit") or public.DEFAULT_DEPTH
    return next((weight for most, weight in ((100, 5), (500, 25), (1_000, 50)) if limit <= most), 250)


def _weigh_day(params: Params) -> int:
    """Weigh a day's ticker: of one symbol, of 20 or 100 named ones, or of all."""
    count = len(named_symbols(params))
    return next((weight for most, weight in ((0, 80), (20, 2), (100, 40)) if count <= most), 80)


def _public(handler: Handler, weight: Weight) -> ApiRoute:
    return ApiRoute(handler=handler, weight=weight, is_signed=False)


def _signed(handler: Handler | None, weight: Weight) -> ApiRoute:
    return ApiRoute(handler=handler, weight=weight, is_signed=True)


ROUTES: dict[str, ApiRoute] = {
    "GET /api/v3/ping": _public(public.ping, _weigh(1)),
    "GET /api/v3/time": _public(public.show_time, _weigh(1)),
    "GET /api/v3/exchangeInfo": _public(market_data.show_symbols, _weigh(20)),
    "GET /api/v3/depth": _public(market_data.show_depth, _weigh_depth),
    "GET /api/v3/aggTrades": _public(public.show_public_trades, _weigh(4)),
    "GET /api/v3/klines": _public(public.show_klines, _weigh(2)),
    "GET /api/v3/ticker/24hr": _public(market_data.show_day, _weigh_day),
    "GET /api/v3/ticker/price": _public(public.show_price, _weigh_symbol(2, 4)),
    "GET /api/v3/ticker/bookTicker": _public(public.show_touch, _weigh_symbol(2, 4)),
    "GET /api/v3/account": _signed(trading.show_account, _weigh(20)),
    ORDER_ROUTE: ApiRoute(handler=trading.place_order, weight=_weigh(1), is_signed=True, orders=_weigh(1)),
    "GET /api/v3/order": _signed(trading.show_order, _weigh(4)),
    "DELETE /api/v3/order": _signed(trading.cancel_order, _weigh(1)),
    "GET /api/v3/openOrders": _signed(trading.show_open_orders, _weigh_symbol(6, 80)),
    "DELETE /api/v3/openOrders": _signed(trading.cancel_open_orders, _weigh(1)),
    "GET /api/v3/myTrades": _signed(trading.show_trades, lambda params: 5 if "orderId" in params else 20),
    "GET /sapi/v1/account/apiRestrictions": _signed(None, _weigh(1)),
}


class BinanceSpot(BinanceDialect[Listing]):
    """Spot markets."""

    name: ClassVar[str] = "binance_spot"
    routes = ROUTES
    rules = market_data.LIMITS
    rejections = trading.REJECTIONS

    def is_post_only(self, params: BinanceParams) -> bool:
        """Tell whether a request places a LIMIT_MAKER order."""
        return "type" in params and params.text("type") == OrderType.LIMIT_MAKER

    def describe(self, market: Listing) -> Json:
        """Write down balances, orders and trades; money as plain strings."""
        account = market.engine.account
        wallet = account.wallet
        return {
            "balances": {
                asset: {
                    "free": plain(wallet.free(asset)),
                    "locked": plain(wallet.locked(asset)),
                    "total": plain(wallet.total(asset)),
                }
                for asset in wallet.assets
            },
            "initial_balances": {asset: plain(amount) for asset, amount in wallet.initial.items()},
            "open_orders": [market.order(order) for side in Side for order in account.open_orders(side)],
            "trades": [
                {
                    **market.trade(trade),
                    "clientOrderId": trade.client_id,
                    "price": plain(trade.price),
                    "qty": plain(trade.size_base),
                    "quoteQty": plain(trade.notional_quote),
                    "commission": plain(trade.commission),
                }
                for trade in account.trades
            ],
        }


BINANCE_SPOT = BinanceSpot()
