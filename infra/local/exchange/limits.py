"""Binance's rate limits: request weight per minute, orders per ten seconds."""

from http import HTTPStatus

from infra.local.exchange.dialect import ApiError

WEIGHT_PER_MINUTE = 6_000
ORDERS_PER_TEN_SECONDS = 100
_MINUTE_MS = 60_000
_TEN_SECONDS_MS = 10_000


class _Window:
    """A count that starts anew with each aligned span of time."""

    def __init__(self, span_ms: int, limit: int) -> None:
        self._span_ms = span_ms
        self._limit = limit
        self._index = -1
        self.used = 0

    def use(self, amount: int, now_ms: int) -> bool:
        """Count an amount; tell whether the window's limit still holds."""
        index = now_ms // self._span_ms
        if index != self._index:
            self._index, self.used = index, 0
        self.used += amount
        return self.used <= self._limit

    def seconds_left(self, now_ms: int) -> int:
        return -(-(self._span_ms - now_ms % self._span_ms) // 1000)


class RateLimits:
    """The weight and the orders used so far, as the venue's headers report them.

    `factor` widens the limits for a client that replays hours in seconds.
    """

    def __init__(self, factor: int = 1) -> None:
        self._factor = factor
        self._weight = _Window(_MINUTE_MS, WEIGHT_PER_MINUTE * factor)
        self._orders = _Window(_TEN_SECONDS_MS, ORDERS_PER_TEN_SECONDS * factor)

    def charge(self, weight: int, now_ms: int) -> None:
        """Count a request's weight; refuse it above the limit."""
        if not self._weight.use(weight, now_ms):
            raise ApiError(
                -1003,
                f"Too much request weight used; current limit is {WEIGHT_PER_MINUTE} request weight per 1 MINUTE. "
                "Please use WebSocket Streams for live updates to avoid polling the API.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
                retry_after_s=self._weight.seconds_left(now_ms),
            )

    def count_order(self, now_ms: int) -> None:
        """Count an order; refuse it above the limit."""
        if not self._orders.use(1, now_ms):
            raise ApiError(
                -1015,
                f"Too many new orders; current limit is {ORDERS_PER_TEN_SECONDS} orders per 10 SECOND.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
                retry_after_s=self._orders.seconds_left(now_ms),
            )

    def headers(self, *, is_order: bool) -> dict[str, str]:
        """Return the used-weight headers of a reply, in the published limit's measure however wide it is made."""
        used = str(self._weight.used // self._factor)
        headers = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if is_order:
            headers["X-MBX-ORDER-COUNT-10S"] = str(self._orders.used)
        return headers
