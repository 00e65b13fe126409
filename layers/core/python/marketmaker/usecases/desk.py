"""What every use case of one account works with."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.orders import Order, OrderIdentity
from marketmaker.domain.state import VenueMetadata
from marketmaker.ports import Alerts, Clock, Deadline, Store, Telemetry, Venue

METADATA_MAX_AGE_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One account's settings and ports. `alongside` runs a state read while the venue is being asked."""

    settings: AccountSettings
    venue: Venue
    store: Store
    alerts: Alerts
    telemetry: Telemetry
    clock: Clock
    alongside: Executor

    def own(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Pick the orders that carry our tag; foreign ones are never touched (R4)."""
        return tuple(order for order in orders if self.identity_of(order) is not None)

    def identity_of(self, order: Order) -> OrderIdentity | None:
        """Read who an order is; None for a foreign one."""
        return OrderIdentity.decode(order.client_id or "", self.settings.tag)

    def ensure_metadata(self, stored: Sequence[VenueMetadata], deadline: Deadline) -> None:
        """Load the markets' metadata: from the store while fresh, else from the venue, and keep it."""
        symbols = self.settings.symbols
        oldest_ms = self.clock.now_ms() - METADATA_MAX_AGE_MS
        fresh = [each for each in stored if each.symbol in symbols and each.fetched_ms >= oldest_ms]
        if {each.symbol for each in fresh} == set(symbols):
            if not self.venue.knows(symbols):
                self.venue.load(fresh)
            return
        self.store.save_metadata(self.settings.name, self.venue.fetch_metadata(symbols, deadline))
