"""One login's ccxt clients: one a worker thread, all built anew once the key is replaced."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marketmaker.adapters.ccxt_venue.client import new_client, shared_transport
from marketmaker.adapters.ccxt_venue.dialects import DIALECTS
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.units import Symbol
from marketmaker.errors import AccountRefused, ConfigError, MarketMakerError
from marketmaker.ports import Clock, Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLogin:
    """Everything that makes a login at a venue; `endpoint` re-routes it to the local exchange.

    `read_key` asks where the key is kept, every time. Without a `key` that was read before, it is called when the first
    request needs it: a halt sets its flag even where the key cannot be read. With `read_key` None there is no login:
    only what is public can be read. `is_sandbox` goes to the venue's testnet.

    Raises:
        ConfigError: there is no such venue.
    """

    read_key: Callable[[], VenueKey] | None
    request_timeout_ms: int
    request_ttl_ms: int
    key: VenueKey | None = None
    workers: int = 8
    endpoint: str | None = None
    is_sandbox: bool = False
    venue: str = "binance"

    def __post_init__(self) -> None:
        if self.venue not in DIALECTS:
            raise ConfigError(f"venue: {self.venue} is not allowed: one of {', '.join(DIALECTS)}")


class LoginClients:
    """Gives each thread its client, signing with the newest key that was read."""

    def __init__(self, login: VenueLogin, clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._transport = shared_transport(login.endpoint, login.workers)
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._key = login.key
        self._generation = 0
        self._renewed_in: Deadline | None = None

    def mine(self, markets: Mapping[Symbol, Mapping[str, Any]]) -> Any:
        """Return this thread's client, knowing these markets."""
        key, generation = self._newest_key()
        if getattr(self._thread, "generation", None) != generation:
            self._thread.client = new_client(
                key,
                transport=self._transport,
                request_ttl_ms=self._login.request_ttl_ms,
                now_ms=self._clock.now_ms,
                is_sandbox=self._login.is_sandbox,
                venue=self._login.venue,
            )
            self._thread.generation = generation
            self._thread.markets = None
        if self._thread.markets is not markets:
            self._thread.client.set_markets(list(markets.values()))
            self._thread.markets = markets
        return self._thread.client

    def renew_key(self, refusal: str, deadline: Deadline) -> bool:
        """Read the key again after the venue refused this thread's; tell whether there is now another one to sign with.

        An invocation, known by its deadline, reads it once, however many of its threads were refused: a bad key must
        not be asked for again and again.

        Raises:
            AccountRefused: it could not be read.
        """
        with self._lock:
            if self._thread.generation != self._generation:
                return True
            if self._renewed_in == deadline or self._login.read_key is None:
                return False
            self._renewed_in = deadline
            try:
                key = self._login.read_key()
            except MarketMakerError as error:
                raise AccountRefused(f"{refusal}; a newer key could not be looked for: {error}") from error
            if key == self._key:
                return False
            self._key, self._generation = key, self._generation + 1
            return True

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _newest_key(self) -> tuple[VenueKey | None, int]:
        """Return the key and its number; it is read once, whichever worker needs it first."""
        with self._lock:
            if self._key is None and self._login.read_key is not None:
                self._key = self._login.read_key()
            return self._key, self._generation
