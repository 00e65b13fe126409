"""ccxt's class of Backpack made loud, and its errors told apart: the venue uses one code for very different things."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import ccxt

from marketmaker.adapters.ccxt_venue.strict import StrictJson

ORDER_PATH = "/api/v1/order"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What a code means, if its message has these words, on this path."""

    code: str
    error: type[ccxt.BaseError]
    words: str = ""
    path: str | None = None


_MEANINGS = (
    _Meaning(code="RESOURCE_NOT_FOUND", path=ORDER_PATH, error=ccxt.OrderNotFound),
    _Meaning(code="INVALID_ORDER", words="order not found", error=ccxt.OrderNotFound),
    _Meaning(code="INVALID_ORDER", words="immediately match", error=ccxt.OrderImmediatelyFillable),
    _Meaning(code="INVALID_CLIENT_REQUEST", words="invalid signature", error=ccxt.AuthenticationError),
    _Meaning(code="INVALID_CLIENT_REQUEST", words="request has expired", error=ccxt.InvalidNonce),
    _Meaning(code="FORBIDDEN", error=ccxt.PermissionDenied),
    _Meaning(code="TRADING_PAUSED", error=ccxt.MarketClosed),
    _Meaning(code="MAINTENANCE", error=ccxt.OnMaintenance),
)


class StrictBackpack(StrictJson):
    """Backpack's dialect: a refusal (4xx) means what its code and message say; the clock and an update are bare."""

    bare_answers: ClassVar[Mapping[tuple[str, str], re.Pattern[str]]] = MappingProxyType(
        {("GET", "/api/v1/time"): re.compile(r"[0-9]{13}"), ("PATCH", "/api/v1/account"): re.compile(r"")}
    )

    def sign(self, *args: Any, **kwargs: Any) -> Any:
        """Sign a request; a secret that nothing can be signed with is refused here, as the venue would (R26)."""
        try:
            return super().sign(*args, **kwargs)  # type: ignore[misc]
        except ValueError as error:
            text = "the secret cannot sign; allowed: the seed of an ed25519 key, 32 bytes in base64"
            raise ccxt.AuthenticationError(text) from error

    def handle_errors(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Any,
        body: str,
        response: object,
        requestHeaders: Any,  # noqa: N803
        requestBody: Any,  # noqa: N803
    ) -> object:
        """Check the answer's shape and map its error; then say which of its meanings that has."""
        try:
            return super().handle_errors(
                code, reason, url, method, headers, body, response, requestHeaders, requestBody
            )
        except ccxt.BaseError as error:
            meaning = _meaning(response, urlsplit(url).path) if 400 <= code < 500 else None
            if meaning is None:
                raise
            raise meaning(str(error)) from error


def _meaning(response: object, path: str) -> type[ccxt.BaseError] | None:
    told = response if isinstance(response, dict) else {}
    code, message = told.get("code"), str(told.get("message")).lower()
    return next(
        (each.error for each in _MEANINGS if each.code == code and each.words in message and each.path in {None, path}),
        None,
    )
