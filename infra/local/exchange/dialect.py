"""What a dialect of the exchange is: its routes, words, limits and logins; one package each speaks one."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from infra.local.exchange.market import Answer, Json, Market
from marketmaker.simulation.orders import AccountOrder, RejectReason

_INTEGER = r"^[0-9]{1,20}$"
_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


class ApiError(Exception):
    """A refusal in the venue's words: HTTP status, code and message."""

    def __init__(self, code: int | str, message: str, *, status: int = 400, retry_after_s: int = 0) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = {"Retry-After": str(retry_after_s)} if status in {418, 429} else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request as it came in; `route` is `METHOD /path`, the names of `headers` are in lower case."""

    route: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Params(ABC):
    """The parameters of a request by name, and what the venue says of those that cannot be read."""

    max_decimals: ClassVar[int]

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def replaced(self, name: str, value: str) -> Self:
        """Return these parameters with one of them changed."""
        return type(self)({**self._values, name: value})

    def text(self, name: str, pattern: str | None = None) -> str:
        """Return a mandatory parameter, checked for illegal characters."""
        value = self._values.get(name)
        if not value:
            raise self.missing(name)
        if pattern is not None and re.fullmatch(pattern, value, re.ASCII) is None:
            raise self.illegal(name, pattern)
        return value

    def integer(self, name: str) -> int:
        """Return a mandatory whole number."""
        return int(self.text(name, _INTEGER))

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, None when it was not sent."""
        return self.integer(name) if name in self else None

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory amount of money."""
        text = self.text(name, _DECIMAL)
        if len(text.partition(".")[2]) > self.max_decimals:
            raise self.too_precise(name)
        return Decimal(text)

    def flag(self, name: str) -> bool:
        """Return a switch; one that was not sent is off."""
        return name in self and self.text(name, r"^(?i:true|false)$").lower() == "true"

    def choice[Choice: StrEnum](self, name: str, choices: type[Choice], code: int | str, what: str) -> Choice:
        """Return a mandatory choice from an enum; anything else is refused with the code of its kind."""
        value = self.text(name)
        if value not in {choice.value for choice in choices}:
            raise ApiError(code, f"Invalid {what}.")
        return choices(value)

    @abstractmethod
    def missing(self, name: str) -> ApiError:
        """Say that a mandatory parameter is missing."""

    @abstractmethod
    def illegal(self, name: str, pattern: str) -> ApiError:
        """Say that a parameter is malformed."""

    @abstractmethod
    def too_precise(self, name: str) -> ApiError:
        """Say that an amount has too many decimals."""


class ApiLogin[P: Params](Protocol):
    """The one API key that the exchange knows, and what it may do besides trading."""

    @property
    def api_key(self) -> str:
        """The key that clients must send."""

    @property
    def may_withdraw(self) -> bool:
        """Whether the key may withdraw, as no bot's should."""

    def authorize(self, request: ApiRequest, params: P, now_ms: int) -> None:
        """Check key, expiry and signature of a signed request that arrives now."""

    def restrictions(self) -> Json:
        """Tell what the key may do, where a route without a handler asks."""


class RateLimits(Protocol):
    """What was used so far of what the venue allows."""

    def charge(self, weight: int, now_ms: int) -> None:
        """Count a request's weight; refuse it above the limit."""

    def count_orders(self, count: int, now_ms: int) -> None:
        """Count orders; refuse them above the limit."""

    def headers(self, *, is_order: bool) -> dict[str, str]:
        """Return what a reply tells of it."""


type Handler = Callable[[Any, Any, int], Answer]
type Weight = Callable[[Any], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """A route of the API: who may call it, what it weighs, what answers; without a handler the login itself does.

    `part` is the route of Binance's spot API that plays the same part, by which faults know it; `orders` counts the
    orders that a request places, None on a route that places none.
    """

    handler: Handler | None
    weight: Weight
    is_signed: bool
    part: str | None = None
    orders: Weight | None = None


class Dialect[M: Market[Any], P: Params](ABC):
    """One venue's REST API on the shared core."""

    name: ClassVar[str]
    routes: Mapping[str, ApiRoute]

    @property
    def parts(self) -> dict[str, str]:
        """The part that each route plays, by which faults know it."""
        return {route: each.part for route, each in self.routes.items() if each.part is not None}

    @abstractmethod
    def read(self, request: ApiRequest) -> P:
        """Read a request's parameters."""

    @abstractmethod
    def login(self, api_key: str, api_secret: str, *, may_withdraw: bool) -> ApiLogin[P]:
        """Build the login of a key; raises ValueError for one that the venue has no such of."""

    @abstractmethod
    def limits(self, factor: int) -> RateLimits:
        """Build the venue's rate limits, so many times as wide."""

    @abstractmethod
    def body_of(self, error: ApiError) -> Json:
        """Write a refusal down."""

    @abstractmethod
    def rejected(self, reason: RejectReason) -> ApiError:
        """Say why the engine did not accept an order."""

    @abstractmethod
    def too_many_requests(self, status: int, retry_after_s: int, now_ms: int) -> ApiError:
        """Say that a client asks too often."""

    @abstractmethod
    def maintenance(self) -> ApiError:
        """Say that the venue is closed for a while."""

    @abstractmethod
    def unknown_symbol(self) -> ApiError:
        """Say that a symbol is not listed."""

    @abstractmethod
    def market_closed(self) -> ApiError:
        """Say that a symbol is not traded now."""

    @abstractmethod
    def no_such_order(self) -> ApiError:
        """Say that a lookup's order does not exist."""

    @abstractmethod
    def nothing_to_cancel(self) -> ApiError:
        """Say that a cancel's order does not rest."""

    @abstractmethod
    def named_order(self, market: M, params: P) -> AccountOrder | None:
        """Find the order that a request names."""

    @abstractmethod
    def named_symbols(self, params: P) -> list[str]:
        """Read which symbols a request names; none means all."""

    @abstractmethod
    def is_post_only(self, params: P) -> bool:
        """Tell whether a request places an order that must not take."""

    @abstractmethod
    def without_symbols(self, answer: Answer) -> Answer:
        """Return what a venue answers that lists no symbol any more."""

    @abstractmethod
    def describe(self, market: M) -> Json:
        """Write down the account's holdings, orders and trades for whoever compares books."""
