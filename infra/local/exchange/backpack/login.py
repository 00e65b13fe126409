"""Backpack's keys: ED25519 signatures over an instruction, its parameters, time and window."""

import base64
import binascii
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from infra.local.exchange.backpack.words import BackpackParams, bad_request
from infra.local.exchange.dialect import ApiError, ApiRequest
from infra.local.exchange.market import Json

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
_AHEAD_MS = 1_000
_SEED_BYTES = 32
INSTRUCTIONS = {
    "GET /api/v1/account": "accountQuery",
    "PATCH /api/v1/account": "accountUpdate",
    "GET /api/v1/capital": "balanceQuery",
    "GET /api/v1/capital/collateral": "collateralQuery",
    "GET /api/v1/position": "positionQuery",
    "POST /api/v1/order": "orderExecute",
    "GET /api/v1/order": "orderQuery",
    "DELETE /api/v1/order": "orderCancel",
    "POST /api/v1/orders": "orderExecute",
    "GET /api/v1/orders": "orderQueryAll",
    "DELETE /api/v1/orders": "orderCancelAll",
    "GET /wapi/v1/history/fills": "fillHistoryQueryAll",
    "GET /wapi/v1/history/funding": "fundingHistoryQueryAll",
    "GET /wapi/v1/history/orders": "orderHistoryQueryAll",
}
"""What a client must say it wants, by route."""


def local_key() -> tuple[str, str]:
    """Return the key pair that a local exchange knows unless told otherwise: API key and secret."""
    seed = b"local exchange, not a real key!!"
    return public_key(seed), base64.b64encode(seed).decode()


def public_key(seed: bytes) -> str:
    """Return the API key of a secret: its verifying key in base64."""
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackpackLogin:
    """The one key that the exchange knows; it keeps the public half only."""

    api_key: str
    may_withdraw: bool = False
    _verifier: Ed25519PublicKey = field(repr=False)

    def authorize(self, request: ApiRequest, params: BackpackParams, now_ms: int) -> None:
        """Check key, expiry and signature of a signed request that arrives now."""
        headers = request.headers
        if headers.get("x-api-key") != self.api_key:
            raise ApiError("UNAUTHORIZED", "Unauthorized", status=HTTPStatus.UNAUTHORIZED)
        timestamp, window = headers.get("x-timestamp", ""), headers.get("x-window", str(DEFAULT_WINDOW_MS))
        if not timestamp.isdecimal() or not window.isdecimal() or int(window) > MAX_WINDOW_MS:
            raise bad_request(f"Invalid timestamp or window; the window is at most {MAX_WINDOW_MS}")
        message = signed_text(INSTRUCTIONS[request.route], params, timestamp, window)
        try:
            self._verifier.verify(base64.b64decode(headers.get("x-signature", ""), validate=True), message.encode())
        except (InvalidSignature, binascii.Error) as error:
            raise bad_request("Invalid signature") from error
        if not now_ms - int(window) <= int(timestamp) < now_ms + _AHEAD_MS:
            raise bad_request("Request has expired")

    def restrictions(self) -> Json:
        """Tell nothing: no route of this venue asks what its key may do."""
        return {}


def login_of(api_key: str, api_secret: str, *, may_withdraw: bool) -> BackpackLogin:
    """Build the login of a key pair; raises ValueError where the two do not belong together."""
    try:
        seed = base64.b64decode(api_secret, validate=True)
    except binascii.Error as error:
        raise ValueError("api_secret; allowed: 32 bytes in base64, the seed of an ED25519 key") from error
    if len(seed) != _SEED_BYTES or public_key(seed) != api_key:
        raise ValueError("api_key; allowed: the verifying key of the secret, in base64")
    verifier = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return BackpackLogin(api_key=api_key, may_withdraw=may_withdraw, _verifier=verifier)


def signed_text(instruction: str, params: BackpackParams, timestamp: str, window: str) -> str:
    """Return what a request must sign; a batch repeats the instruction before each of its orders."""
    each = [params.sent] if params.entries is None else [entry.sent for entry in params.entries]
    parts = [
        "&".join(part for part in (f"instruction={instruction}", urlencode(sent, quote_via=quote)) if part)
        for sent in each
    ]
    return "&".join((*parts, f"timestamp={timestamp}&window={window}"))
