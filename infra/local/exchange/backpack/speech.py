"""Backpack's API: which routes there are, its limits, and how it refuses."""

from http import HTTPStatus
from typing import ClassVar

from infra.local.exchange.backpack import account, history, market_data, trading, words
from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.login import BackpackLogin, login_of
from infra.local.exchange.backpack.words import SYMBOL, BackpackParams
from infra.local.exchange.dialect import ApiError, ApiRequest, ApiRoute, Dialect, Handler, Weight
from infra.local.exchange.limits import Window
from infra.local.exchange.market import Answer, Json
from infra.local.exchange.perpetual import describe_margin, describe_trades
from marketmaker.simulation.faults import routes as parts
from marketmaker.simulation.orders import AccountOrder, RejectReason

REQUESTS_PER_MINUTE = 2_000
_MINUTE_MS = 60_000


def _one(_params: BackpackParams) -> int:
    return 1


def _public(handler: Handler, part: str | None = None) -> ApiRoute:
    return ApiRoute(handler=handler, weight=_one, is_signed=False, part=part)


def _signed(handler: Handler, part: str | None = None, orders: Weight | None = None) -> ApiRoute:
    return ApiRoute(handler=handler, weight=_one, is_signed=True, part=part, orders=orders)


ROUTES: dict[str, ApiRoute] = {
    "GET /api/v1/ping": _public(market_data.ping),
    "GET /api/v1/time": _public(market_data.show_time, parts.TIME_ROUTE),
    "GET /api/v1/status": _public(market_data.show_status),
    "GET /api/v1/assets": _public(market_data.show_assets),
    "GET /api/v1/securities": _public(market_data.show_securities),
    "GET /api/v1/markets": _public(market_data.show_markets, parts.SYMBOLS_ROUTE),
    "GET /api/v1/market": _public(market_data.show_market, parts.SYMBOLS_ROUTE),
    "GET /api/v1/depth": _public(market_data.show_depth, parts.DEPTH_ROUTE),
    "GET /api/v1/trades": _public(market_data.show_public_trades, parts.PUBLIC_TRADES_ROUTE),
    "GET /api/v1/klines": _public(market_data.show_klines, parts.KLINES_ROUTE),
    "GET /api/v1/ticker": _public(market_data.show_ticker, parts.DAY_ROUTE),
    "GET /api/v1/tickers": _public(market_data.show_tickers, parts.DAY_ROUTE),
    "GET /api/v1/markPrices": _public(market_data.show_marks),
    "GET /api/v1/fundingRates": _public(market_data.show_past_rates),
    "GET /api/v1/openInterest": _public(market_data.show_open_interest),
    "GET /api/v1/account": _signed(account.show_account),
    "PATCH /api/v1/account": _signed(account.update_account),
    "GET /api/v1/capital": _signed(account.show_capital, parts.ACCOUNT_ROUTE),
    "GET /api/v1/capital/collateral": _signed(account.show_collateral, parts.ACCOUNT_ROUTE),
    "GET /api/v1/position": _signed(account.show_position, parts.ACCOUNT_ROUTE),
    "POST /api/v1/order": _signed(trading.place_order, parts.ORDER_ROUTE, _one),
    "GET /api/v1/order": _signed(trading.show_order, parts.LOOKUP_ROUTE),
    "DELETE /api/v1/order": _signed(trading.cancel_order, parts.CANCEL_ROUTE),
    "POST /api/v1/orders": _signed(trading.place_orders, None, trading.count_batch),
    "GET /api/v1/orders": _signed(trading.show_open_orders, parts.OPEN_ORDERS_ROUTE),
    "DELETE /api/v1/orders": _signed(trading.cancel_open_orders, parts.CANCEL_ALL_ROUTE),
    "GET /wapi/v1/history/fills": _signed(history.show_fills, parts.FILLS_ROUTE),
    "GET /wapi/v1/history/funding": _signed(history.show_funding),
    "GET /wapi/v1/history/orders": _signed(history.show_orders),
}


class BackpackLimits:
    """The requests of the minute; the venue tells nothing of them before they are too many."""

    def __init__(self, factor: int = 1) -> None:
        self._requests = Window(_MINUTE_MS, REQUESTS_PER_MINUTE * factor)

    def charge(self, weight: int, now_ms: int) -> None:
        """Count a request; refuse it above the limit."""
        if not self._requests.use(weight, now_ms):
            raise _too_many(HTTPStatus.TOO_MANY_REQUESTS, self._requests.seconds_left(now_ms))

    def count_orders(self, count: int, now_ms: int) -> None:
        """Count nothing: orders are requests like others."""

    def headers(self, *, is_order: bool) -> dict[str, str]:  # noqa: ARG002 - a reply tells the same of all
        """Return nothing: replies do not tell what was used."""
        return {}


class Backpack(Dialect[BackpackListing, BackpackParams]):
    """Backpack's perpetuals."""

    name: ClassVar[str] = "backpack"
    routes = ROUTES

    def read(self, request: ApiRequest) -> BackpackParams:
        """Read a query or a JSON body."""
        return words.read_params(request)

    def login(self, api_key: str, api_secret: str, *, may_withdraw: bool) -> BackpackLogin:
        """Build the login of an ED25519 key pair."""
        return login_of(api_key, api_secret, may_withdraw=may_withdraw)

    def limits(self, factor: int) -> BackpackLimits:
        """Build the venue's rate limits."""
        return BackpackLimits(factor)

    def body_of(self, error: ApiError) -> Json:
        """Write a refusal down."""
        return {"code": error.code, "message": error.message}

    def rejected(self, reason: RejectReason) -> ApiError:
        """Say why the engine did not accept an order."""
        return trading.rejected(reason)

    def too_many_requests(self, status: int, retry_after_s: int, now_ms: int) -> ApiError:  # noqa: ARG002 - no ban is told
        """Say that a client asks too often."""
        return _too_many(status, retry_after_s)

    def maintenance(self) -> ApiError:
        """Say that the venue is closed for a while."""
        return ApiError("MAINTENANCE", "System under maintenance", status=HTTPStatus.SERVICE_UNAVAILABLE)

    def unknown_symbol(self) -> ApiError:
        """Say that a symbol is not listed."""
        return words.unknown_symbol()

    def market_closed(self) -> ApiError:
        """Say that a symbol is not traded now."""
        return ApiError("TRADING_PAUSED", "Trading is paused")

    def no_such_order(self) -> ApiError:
        """Say that no such order rests."""
        return words.no_such_order()

    def nothing_to_cancel(self) -> ApiError:
        """Say that a cancel's order does not rest."""
        return words.nothing_to_cancel()

    def named_order(self, market: BackpackListing, params: BackpackParams) -> AccountOrder | None:
        """Find the resting order that a request names."""
        return words.named_order(market, params)

    def named_symbols(self, params: BackpackParams) -> list[str]:
        """Read which symbol a request names."""
        return [params.text("symbol", SYMBOL)] if "symbol" in params else []

    def is_post_only(self, params: BackpackParams) -> bool:
        """Tell whether a request places a post-only order."""
        return params.flag("postOnly")

    def without_symbols(self, answer: Answer) -> Answer:  # noqa: ARG002 - lists of markets are bare
        """Return what the venue answers that lists no market any more."""
        return []

    def describe(self, market: BackpackListing) -> Json:
        """Write down margin, position, funding, orders and trades."""
        return {
            **describe_margin(market),
            "open_orders": [market.order(order) for order in market.open_orders()],
            "trades": describe_trades(market),
        }


def _too_many(status: int, retry_after_s: int) -> ApiError:
    message = "You have exceeded your request rate limit."
    return ApiError("TOO_MANY_REQUESTS", message, status=status, retry_after_s=retry_after_s)


BACKPACK = Backpack()
