"""ccxt clients that fail loudly: strict JSON, no hidden retries, no hidden waiting, exact numbers as text.

ccxt clears a session's cookies on every call, so each worker thread owns a client *and* a session; all sessions share
one `HTTPAdapter` and with it the open connections.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import ccxt
import requests
from requests.adapters import HTTPAdapter

from marketmaker.adapters.ccxt_venue.dialects import DIALECTS
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.venues import VENUES, TestEnvironment
from marketmaker.errors import ConfigError

TALKATIVE = ("ccxt.base.exchange", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")
"""Loggers that write whole requests: signatures, and ccxt's the key itself (R27)."""
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@cache
def strict_class(venue: str) -> Any:
    """Make a venue's class loud, once it is wanted: a layer holds ccxt's classes of its deployment's venues alone."""
    return type(f"Strict_{venue}", (DIALECTS[venue].strict, getattr(ccxt, venue)), {})


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
    for name in TALKATIVE:
        logging.getLogger(name).disabled = True
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
    if is_sandbox:
        _enter_tests(client, venue)
    client.number = str
    client.milliseconds = now_ms
    return client


def _enter_tests(client: Any, venue: str) -> None:
    """Give a client the addresses where orders can be tried without money."""
    trading = VENUES[venue].trading
    match TestEnvironment.SANDBOX if trading is None else trading.test_environment:
        case TestEnvironment.DEMO:
            client.enable_demo_trading(True)
        case TestEnvironment.SANDBOX:
            client.set_sandbox_mode(True)
        case TestEnvironment.NONE:
            raise ConfigError(f"venue: {venue} is not allowed: it has neither a testnet nor a demo")
