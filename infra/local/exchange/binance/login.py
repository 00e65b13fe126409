"""Binance's keys: HMAC signatures and expiry."""

import hashlib
import hmac
from dataclasses import dataclass, field
from http import HTTPStatus

from infra.local.exchange.dialect import ApiError, ApiRequest, Params

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
_AHEAD_MS = 1_000


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


def _unsigned(part: str) -> str:
    return "&".join(pair for pair in part.split("&") if not pair.startswith("signature="))
