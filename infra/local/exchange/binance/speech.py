"""How Binance's APIs refuse, whatever they trade."""

from typing import Any

from infra.local.exchange.binance import words
from infra.local.exchange.binance.limits import BinanceLimits, LimitRules
from infra.local.exchange.binance.login import Login
from infra.local.exchange.binance.words import BinanceParams
from infra.local.exchange.dialect import ApiError, ApiRequest, Dialect
from infra.local.exchange.market import Answer, Json, Market
from marketmaker.simulation.orders import AccountOrder, RejectReason


class BinanceDialect[M: Market[Any]](Dialect[M, BinanceParams]):
    """One of Binance's APIs; its subclasses say what it trades."""

    rules: LimitRules
    rejections: dict[RejectReason, tuple[int, str]]

    def read(self, request: ApiRequest) -> BinanceParams:
        """Read query and form body."""
        return words.read_params(request)

    def login(self, api_key: str, api_secret: str, *, may_withdraw: bool) -> Login:
        """Build the login of a key; every text is one."""
        return Login(api_key=api_key, api_secret=api_secret, may_withdraw=may_withdraw)

    def limits(self, factor: int) -> BinanceLimits:
        """Build the API's rate limits."""
        return BinanceLimits(self.rules, factor)

    def body_of(self, error: ApiError) -> Json:
        """Write a refusal down."""
        return {"code": error.code, "msg": error.message}

    def rejected(self, reason: RejectReason) -> ApiError:
        """Say why the engine did not accept an order."""
        return ApiError(*self.rejections[reason])

    def too_many_requests(self, status: int, retry_after_s: int, now_ms: int) -> ApiError:
        """Say that a client asks too often, or is banned."""
        message = "Too many requests; please use WebSocket Streams for live updates."
        if status == 418:
            message = (
                f"Way too much request weight used; IP banned until {now_ms + 1000 * retry_after_s}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
        return ApiError(-1003, message, status=status, retry_after_s=retry_after_s)

    def maintenance(self) -> ApiError:
        """Say that the system is closed for a while."""
        return ApiError(1, "System is under maintenance.", status=503)

    def unknown_symbol(self) -> ApiError:
        """Say that a symbol is not listed."""
        return words.unknown_symbol()

    def market_closed(self) -> ApiError:
        """Say that a symbol is not traded now."""
        return words.market_closed()

    def no_such_order(self) -> ApiError:
        """Say that a lookup's order does not exist."""
        return words.no_such_order()

    def nothing_to_cancel(self) -> ApiError:
        """Say that a cancel's order does not rest."""
        return words.nothing_to_cancel()

    def named_order(self, market: M, params: BinanceParams) -> AccountOrder | None:
        """Find the order that `orderId` or `origClientOrderId` names."""
        return words.named_order(market, params)

    def named_symbols(self, params: BinanceParams) -> list[str]:
        """Read which symbols a request names."""
        return words.named_symbols(params)

    def without_symbols(self, answer: Answer) -> Answer:
        """Return what the API answers that lists no symbol any more."""
        return {**answer, "symbols": []} if isinstance(answer, dict) else []
