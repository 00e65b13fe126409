"""What every use case of one account works with."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.orders import Order, OrderIdentity, was_made_by_us
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import Symbol
from marketmaker.errors import MarketMakerError
from marketmaker.ports import (
    Alerts,
    Clock,
    Deadline,
    Egress,
    Prices,
    SettingsVersions,
    Store,
    Telemetry,
    Unknown,
    Venue,
)
from marketmaker.usecases.market_statistics import KeptStatistics, StatisticsReading
from marketmaker.usecases.metadata import describe, is_described, kept_metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One account's settings and ports. `alongside` runs reads of the tables while the venue is being asked.

    `settings` are those in force: of the deployed file, until `live_settings.in_force` finds that others were applied.
    `references` are other venues by name, without a login, whose books some fair price is made of. `egress` is the way
    out to the venue, None where the venue is on this machine.
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
    references: Mapping[str, Venue] = field(default_factory=dict)
    egress: Egress | None = None

    @property
    def beside(self) -> tuple[Symbol, ...]:
        """The markets of its own venue that the account does not work, but whose books a fair price is made of."""
        settings = self.settings
        listed = (listing.symbol for listing in settings.second_listings_at(settings.venue))
        return tuple(symbol for symbol in listed if symbol not in settings.symbols)

    def own(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Pick the orders that carry our tag; foreign ones are never touched (R4)."""
        tag = self.settings.tag
        return tuple(each for each in orders if was_made_by_us(each.client_id or "", tag, each.created_ms))

    def identity_of(self, order: Order) -> OrderIdentity | None:
        """Read who an order is; None for a foreign one."""
        client_id, tag = order.client_id or "", self.settings.tag
        is_ours = was_made_by_us(client_id, tag, order.created_ms)
        return OrderIdentity.decode(client_id, tag, order.created_ms) if is_ours else None

    def seen_from(self) -> str:
        """Say in a sentence where the venue saw us ask from, as its list of addresses may be why it refuses (R26)."""
        if self.egress is None:
            return ""
        found = self.egress.find()
        if isinstance(found, Unknown):
            return f" From which address we asked could not be found out: {found.reason}."
        lasting = "which stays" if found.is_static else 'which changes (egress = "dynamic")'
        return f" We asked from {found.address}, {lasting}."

    def ensure_metadata(self, deadline: Deadline) -> None:
        """Make sure that the markets' metadata is loaded, and not older than a reload.

        Raises:
            Retryable: none is loaded or kept, and the venue did not answer.
            AccountRefused: the venue lists none of the markets, nor ever did.
        """
        self.load_metadata(self.stored_metadata(), deadline)

    def stored_metadata(self, beside: Sequence[Symbol] = ()) -> Sequence[VenueMetadata] | Unknown | None:
        """Read the markets' kept metadata; None while what is loaded is young enough and not in doubt.

        `beside` are other markets of the venue that are to be described too.
        """
        symbols = (*self.settings.symbols, *beside)
        if is_described(self.venue, symbols, self.clock):
            return None
        return kept_metadata(self.prices, self.settings.venue, symbols)

    def load_metadata(
        self, stored: Sequence[VenueMetadata] | Unknown | None, deadline: Deadline, beside: Sequence[Symbol] = ()
    ) -> None:
        """Use what `stored_metadata` found; the venue is asked where that is missing or too old, and nothing is kept.

        What is loaded stays in use while neither can be read: halts and cancels must not depend on it (R34). The
        markets `beside` the account's own may stay unknown.
        """
        if stored is None:
            return
        if isinstance(stored, Unknown):
            self._tell_unreadable(stored.reason)
            stored = ()
        symbols = self.settings.symbols
        describe(self.venue, symbols, stored, self.clock, deadline)
        if beside and not is_described(self.venue, beside, self.clock):
            with suppress(MarketMakerError):
                self.venue.fetch_metadata((*symbols, *beside), deadline)

    def read_statistics(self) -> StatisticsReading:
        """Read what was measured of the markets; never raises."""
        gated = [each.symbol for each in self.settings.markets if each.min_day_volume_quote is not None]
        now_ms = self.clock.now_ms()
        return self.statistics.read(self.prices, self.settings.venue, self.settings.symbols, now_ms, volumes_of=gated)

    def known_statistics(self, reading: StatisticsReading) -> StatisticsReading:
        """Return what `read_statistics` knows, and tell of a table that could not be read."""
        if reading.problem is not None:
            self._tell_unreadable(reading.problem)
        return reading

    def _tell_unreadable(self, reason: str) -> None:
        self.telemetry.record("prices_unreadable", {"reason": reason})
        self.telemetry.count(self.settings.name, {"prices_unreadable": 1})
