"""Binance's dialect: error codes, request parameters, signatures and expiry."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from marketmaker.simulation.orders import RejectReason

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
MAX_DECIMALS = 8
_AHEAD_MS = 1_000
_INTEGER = r"^[0-9]{1,20}$"
_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"


class ApiError(Exception):
    """A refusal in Binance's words: HTTP status, code and message."""

    def __init__(self, code: int, message: str, *, status: int = 400, retry_after_s: int = 0) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = {"Retry-After": str(retry_after_s)} if status in {418, 429} else {}


REJECTIONS: dict[RejectReason, tuple[int, str]] = {
    RejectReason.OFF_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    RejectReason.OFF_LOT: (-1013, "Filter failure: LOT_SIZE"),
    RejectReason.BELOW_MIN_NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    RejectReason.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    RejectReason.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    RejectReason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
}


def rejected(reason: RejectReason) -> ApiError:
    """Say in Binance's words why the engine did not accept an order."""
    return ApiError(*REJECTIONS[reason])


def missing(name: str) -> ApiError:
    """Say that a mandatory parameter is missing."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> ApiError:
    """Say that a parameter does not belong to this kind of request."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def unknown_symbol() -> ApiError:
    """Say that a symbol is not listed."""
    return ApiError(-1121, "Invalid symbol.")


def market_closed() -> ApiError:
    """Say that a symbol is not traded now."""
    return ApiError(-1013, "Market is closed.")


def no_such_order() -> ApiError:
    """Say that a lookup's order does not exist."""
    return ApiError(-2013, "Order does not exist.")


def nothing_to_cancel() -> ApiError:
    """Say that a cancel's order does not rest."""
    return ApiError(-2011, "Unknown order sent.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request as it came in; `route` is `METHOD /path`."""

    route: str
    query: str = ""
    body: str = ""
    api_key: str | None = None


class Params:
    """The parameters of query and form body together; the query wins where both have one."""

    def __init__(self, request: ApiRequest) -> None:
        sent = (*parse_qsl(request.body, keep_blank_values=True), *parse_qsl(request.query, keep_blank_values=True))
        self._values = dict(sent)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def replaced(self, name: str, value: str) -> "Params":
        """Return these parameters with one of them changed."""
        return Params(ApiRequest(route="", query=urlencode({**self._values, name: value})))

    def text(self, name: str, pattern: str | None = None) -> str:
        """Return a mandatory parameter, checked for illegal characters."""
        value = self._values.get(name)
        if not value:
            raise missing(name)
        if pattern is not None and re.fullmatch(pattern, value, re.ASCII) is None:
            raise ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")
        return value

    def integer(self, name: str) -> int:
        """Return a mandatory whole number."""
        return int(self.text(name, _INTEGER))

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, None when it was not sent."""
        return self.integer(name) if name in self else None

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory amount of money, of at most eight decimals."""
        text = self.text(name, _DECIMAL)
        if len(text.partition(".")[2]) > MAX_DECIMALS:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(text)

    def choice[Choice: StrEnum](self, name: str, choices: type[Choice], code: int, what: str) -> Choice:
        """Return a mandatory choice from an enum; anything else is refused with the code of its kind."""
        value = self.text(name)
        if value not in {choice.value for choice in choices}:
            raise ApiError(code, f"Invalid {what}.")
        return choices(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The one API key that the exchange knows, and what it may do besides trading."""

    api_key: str
    api_secret: str = field(repr=False)
    may_withdraw: bool = False

    def restrictions(self) -> dict[str, object]:
        """Answer GET /sapi/v1/account/apiRestrictions."""
        return {
            "ipRestrict": False,
            "enableReading": True,
            "enableSpotAndMarginTrading": True,
            "enableWithdrawals": self.may_withdraw,
            "enableInternalTransfer": False,
            "permitsUniversalTransfer": False,
            "enableMargin": False,
            "enableFutures": False,
            "enableVanillaOptions": False,
        }

    def authorize(self, request: ApiRequest, params: Params, now_ms: int) -> None:
        """Check key, expiry and signature of a signed request that arrives now."""
        if not request.api_key:
            raise ApiError(-2014, "API-key format invalid.", status=HTTPStatus.UNAUTHORIZED)
        if not hmac.compare_digest(request.api_key.encode(), self.api_key.encode()):
            message = "Invalid API-key, IP, or permissions for action."
            raise ApiError(-2015, message, status=HTTPStatus.UNAUTHORIZED)
        timestamp = params.integer("timestamp")
        signature = params.text("signature")
        if not hmac.compare_digest(signature.lower().encode(), self.sign(request.query, request.body).encode()):
            raise ApiError(-1022, "Signature for this request is not valid.")
        check_expiry(timestamp, params.optional_integer("recvWindow"), now_ms)

    def sign(self, query: str, body: str) -> str:
        """Return the HMAC-SHA256 of query and body joined, their `signature` left out."""
        payload = _unsigned(query) + _unsigned(body)
        return hmac.new(self.api_secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_expiry(timestamp_ms: int, recv_window_ms: int | None, now_ms: int) -> None:
    """Refuse a request that is from the future or past its own expiry."""
    window = DEFAULT_RECV_WINDOW_MS if recv_window_ms is None else recv_window_ms
    if window > MAX_RECV_WINDOW_MS:
        too_long = f"'recvWindow' contains unexpected value. Cannot be greater than '{MAX_RECV_WINDOW_MS}'."
        raise ApiError(-1102, too_long)
    if timestamp_ms >= now_ms + _AHEAD_MS:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def fixed(amount: Decimal) -> str:
    """Write money with Binance's eight decimals, never fewer and never cut."""
    exponent = amount.as_tuple().exponent
    is_finer = isinstance(exponent, int) and exponent < -MAX_DECIMALS
    return format(amount.normalize() if is_finer and amount else amount, "f" if is_finer else ".8f")


def _unsigned(part: str) -> str:
    return "&".join(pair for pair in part.split("&") if not pair.startswith("signature="))
