"""What every use case of one account works with."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.orders import Order, OrderIdentity
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import Symbol
from marketmaker.errors import MarketMakerError, Retryable
from marketmaker.ports import Alerts, Clock, Deadline, Prices, SettingsVersions, Store, Telemetry, Unknown, Venue
from marketmaker.usecases.market_statistics import KeptStatistics, StatisticsReading

METADATA_RELOAD_MS = 600_000
"""How soon a changed tick size, once it is kept, takes effect."""
METADATA_MAX_AGE_MS = 24 * 3_600_000
"""Metadata that nobody refreshed for so long is asked for at the venue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One account's settings and ports. `alongside` runs reads of the tables while the venue is being asked.

    `settings` are those in force: of the deployed file, until `live_settings.in_force` finds that others were applied.
    """

    settings: AccountSettings
    venue: Venue
    store: Store
    prices: Prices
    versions: SettingsVersions
    alerts: Alerts
    telemetry: Telemetry
    clock: Clock
    alongside: Executor
    statistics: KeptStatistics = field(default_factory=KeptStatistics)

    def own(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Pick the orders that carry our tag; foreign ones are never touched (R4)."""
        return tuple(order for order in orders if self.identity_of(order) is not None)

    def identity_of(self, order: Order) -> OrderIdentity | None:
        """Read who an order is; None for a foreign one."""
        return OrderIdentity.decode(order.client_id or "", self.settings.tag)

    def ensure_metadata(self, deadline: Deadline) -> None:
        """Make sure that the markets' metadata is loaded, and not older than a reload.

        Raises:
            Retryable: none is loaded or kept, and the venue did not answer.
            AccountRefused: the venue lists none of the markets, nor ever did.
        """
        self.load_metadata(self.stored_metadata(), deadline)

    def stored_metadata(self) -> Sequence[VenueMetadata] | Unknown | None:
        """Read the markets' kept metadata; None while what is loaded is young enough and not in doubt."""
        symbols = self.settings.symbols
        if self._is_loaded():
            return None
        try:
            return self.prices.metadata(self.settings.venue, symbols)
        except MarketMakerError as error:
            return Unknown(reason=str(error))

    def load_metadata(self, stored: Sequence[VenueMetadata] | Unknown | None, deadline: Deadline) -> None:
        """Use what `stored_metadata` found; the venue is asked where that is missing or too old, and nothing is kept.

        Too old is also what the venue itself has told more recently, or has contradicted by refusing an order (R18).

        What is loaded stays in use while neither can be read: halts and cancels must not depend on it (R34).
        """
        if stored is None:
            return
        symbols = self.settings.symbols
        oldest_ms = self.clock.now_ms() - METADATA_MAX_AGE_MS
        if isinstance(stored, Unknown):
            self._tell_unreadable(stored.reason)
            stored = ()
        fresh = [each for each in stored if each.fetched_ms >= oldest_ms]
        if fresh:
            self.venue.load(fresh)
        if self._is_loaded():
            return
        try:
            self.venue.fetch_metadata(symbols, deadline)
        except Retryable:
            if not self.venue.knows(symbols, oldest_ms):
                raise

    def read_statistics(self) -> StatisticsReading:
        """Read what was measured of the markets; never raises."""
        return self.statistics.read(self.prices, self.settings.venue, self.settings.symbols, self.clock.now_ms())

    def known_statistics(self, reading: StatisticsReading) -> Mapping[Symbol, Statistics]:
        """Return what `read_statistics` knows, and tell of a table that could not be read."""
        if reading.problem is not None:
            self._tell_unreadable(reading.problem)
        return reading.known

    def _tell_unreadable(self, reason: str) -> None:
        self.telemetry.record("prices_unreadable", {"reason": reason})
        self.telemetry.count(self.settings.name, {"prices_unreadable": 1})

    def _is_loaded(self) -> bool:
        symbols = self.settings.symbols
        return self.venue.knows(symbols, self.clock.now_ms() - METADATA_RELOAD_MS) and not self.venue.doubts(symbols)
