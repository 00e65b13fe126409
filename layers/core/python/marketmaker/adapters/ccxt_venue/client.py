"""ccxt clients that fail loudly: strict JSON, no hidden retries, no hidden waiting, exact numbers as text.

ccxt clears a session's cookies on every call, so each worker thread owns a client *and* a session; all sessions share
one `HTTPAdapter` and with it the open connections.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import ccxt
import requests
from requests.adapters import HTTPAdapter

from marketmaker.adapters.ccxt_venue.dialects import DIALECTS
from marketmaker.adapters.ccxt_venue.rate_budget import Answer
from marketmaker.domain.keys import VenueKey
from marketmaker.errors import ConfigError

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class StrictJson:
    """Refuse a 2xx answer that is not a JSON object or list, and keep each answer's status and headers.

    ccxt would turn it into an empty book, no open orders, or an order without an id. Nor is a 2xx or 5xx answer, which
    may follow an order that was taken, a refusal: whatever error ccxt reads out of it, the outcome is unknown (R1).
    """

    answer: Answer | None = None

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
        """Check the answer's shape, then hand over to the venue's own error mapping."""
        self.answer = Answer(status=code, headers=headers)
        asked = f"{method} {url.split('?')[0]}"
        if 200 <= code < 300 and not isinstance(response, dict | list):
            raise ccxt.BadResponse(f"{asked} answered {code} without JSON")
        try:
            handled: object = super().handle_errors(  # type: ignore[misc]
                code, reason, url, method, headers, body, response, requestHeaders, requestBody
            )
        except ccxt.BaseError as error:
            if 400 <= code < 500 or (code >= 500 and not isinstance(error, ccxt.ExchangeError)):
                raise
            raise ccxt.BadResponse(f"{asked} answered {code} with an error: {error}") from error
        return handled


class StrictBinance(StrictJson):
    """Binance's dialect. A key that worked before and is refused now is refused: ccxt would call that a rate limit."""

    options: dict[str, Any]

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request, and forget that it was signed with a good key."""
        answer = super().request(*args, **kwargs)  # type: ignore[misc]
        self.options["hasAlreadyAuthenticatedSuccessfully"] = False
        return answer


@cache
def strict_class(venue: str) -> Any:
    """Make a venue's class loud, once it is wanted: a layer holds ccxt's classes of its deployment's venues alone."""
    return type(f"Strict_{venue}", (StrictBinance, getattr(ccxt, venue)), {})


class LocalRoute(HTTPAdapter):
    """Send every request to the local exchange, URL path and signature untouched.

    The client keeps the venue's real URLs, on which ccxt's error mapping depends; the venue's host travels in
    `X-Sim-Host`.
    """

    def __init__(self, endpoint: str, **kwargs: Any) -> None:
        host = urlsplit(endpoint).hostname
        if host not in _LOOPBACK:
            raise ConfigError(
                f"MM_VENUE_ENDPOINT: {endpoint} is not allowed: signed requests may be re-routed to this machine only"
            )
        super().__init__(**kwargs)
        self._endpoint = endpoint.rstrip("/")

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Rewrite scheme and host, then send."""
        url = urlsplit(request.url or "")
        request.headers["X-Sim-Host"] = str(url.netloc)
        request.url = f"{self._endpoint}{url.path}" + (f"?{url.query}" if url.query else "")
        return super().send(request, *args, **kwargs)


def shared_transport(endpoint: str | None, connections: int) -> HTTPAdapter:
    """Build the one connection pool of a login; `endpoint` re-routes it to the local exchange."""
    options: dict[str, Any] = {"pool_connections": connections, "pool_maxsize": connections, "max_retries": 0}
    return LocalRoute(endpoint, **options) if endpoint else HTTPAdapter(**options)


def wants_password(venue: str) -> bool:
    """Tell whether a venue's keys come with a passphrase."""
    return bool(getattr(ccxt, venue)().requiredCredentials["password"])


def new_client(
    key: VenueKey | None,
    *,
    transport: HTTPAdapter,
    request_ttl_ms: int,
    now_ms: Callable[[], int],
    is_sandbox: bool = False,
    venue: str = "binance",
) -> Any:
    """Build one thread's ccxt client with its own session; it signs with the given clock.

    Without a key it can read what is public. `is_sandbox` gives it the addresses of the venue's testnet or demo.
    """
    session = requests.Session()
    session.mount("https://", transport)
    session.trust_env = False
    client = strict_class(venue)(
        {
            **({} if key is None else {"apiKey": key.api_key, "secret": key.secret}),
            "session": session,
            "enableRateLimit": False,
            "enableLastHttpResponse": False,
            "enableLastJsonResponse": False,
            "options": {
                **DIALECTS[venue].options,
                "fetchCurrencies": False,
                "fetchMargins": False,
                "crossMarginPairsData": [],
                "isolatedMarginPairsData": [],
                "warnOnFetchOpenOrdersWithoutSymbol": False,
                "recvWindow": request_ttl_ms,
                "adjustForTimeDifference": False,
                "maxRetriesOnFailure": 0,
            },
        }
    )
    if is_sandbox and DIALECTS[venue].has_demo:
        client.enable_demo_trading(True)
    elif is_sandbox:
        client.set_sandbox_mode(True)
    client.number = str
    client.milliseconds = now_ms
    return client
