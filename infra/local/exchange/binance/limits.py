"""Binance's rate limits: request weight per minute, orders per shorter spans, told in every reply."""

from dataclasses import dataclass
from http import HTTPStatus

from infra.local.exchange.dialect import ApiError
from infra.local.exchange.limits import Window
from infra.local.exchange.market import Json

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimit:
    """So many orders in so many of an interval."""

    interval: str
    count: int
    span_ms: int
    limit: int

    @property
    def span(self) -> str:
        """The span as headers write it: 10S."""
        return f"{self.count}{self.interval[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """What one of Binance's APIs allows."""

    weight_per_minute: int
    orders: tuple[OrderLimit, ...]

    def describe(self) -> list[Json]:
        """Write the limits as exchangeInfo does."""
        weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        return [
            {**weight, "limit": self.weight_per_minute},
            *(
                {"rateLimitType": "ORDERS", "interval": each.interval, "intervalNum": each.count, "limit": each.limit}
                for each in self.orders
            ),
        ]


class BinanceLimits:
    """The weight and the orders used so far, as the venue's headers report them.

    `factor` widens the limits for a client that replays hours in seconds.
    """

    def __init__(self, rules: LimitRules, factor: int = 1) -> None:
        self._rules = rules
        self._factor = factor
        self._weight = Window(_MINUTE_MS, rules.weight_per_minute * factor)
        self._orders = {each: Window(each.span_ms, each.limit * factor) for each in rules.orders}

    def charge(self, weight: int, now_ms: int) -> None:
        """Count a request's weight; refuse it above the limit."""
        if not self._weight.use(weight, now_ms):
            limit = self._rules.weight_per_minute
            raise ApiError(
                -1003,
                f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
                "Please use WebSocket Streams for live updates to avoid polling the API.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
                retry_after_s=self._weight.seconds_left(now_ms),
            )

    def count_orders(self, count: int, now_ms: int) -> None:
        """Count orders; refuse them above a limit."""
        for rule, window in self._orders.items():
            if not window.use(count, now_ms):
                raise ApiError(
                    -1015,
                    f"Too many new orders; current limit is {rule.limit} orders per {rule.count} {rule.interval}.",
                    status=HTTPStatus.TOO_MANY_REQUESTS,
                    retry_after_s=window.seconds_left(now_ms),
                )

    def headers(self, *, is_order: bool) -> dict[str, str]:
        """Return the used-weight headers of a reply, in the published limit's measure however wide it is made."""
        used = str(self._weight.used // self._factor)
        headers = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if is_order:
            for rule, window in self._orders.items():
                headers[f"X-MBX-ORDER-COUNT-{rule.span}"] = str(window.used)
        return headers
