"""A world's desk: the real use cases on the real ccxt client and the real tables, in whichever process wants one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient
from marketmaker.bootstrap.environment import set_decimal_context
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.venues import VENUES
from marketmaker.ports import Alerts, Telemetry
from marketmaker.usecases.desk import Desk
from tests.contract.local_venue import LOGIN
from tests.fakes.settings import versions_of
from tests.fakes.sinks import RecordingAlerts, RecordingTelemetry
from tests.faults.clock import DeskClock, WorldClock
from tests.tables import table_settings

WORKERS = 4
REQUEST_TIMEOUT_MS = 10_000
"""Of real time, unlike all else in a world: a machine that stands still for a moment is no outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """All that a process needs to build the desk of a world; it can be sent to another process."""

    settings: AccountSettings
    exchange: str
    tables: str
    clock: Path
    skew_ms: int = 0

    @property
    def venue(self) -> str:
        """The API that the exchange speaks: spot worlds have venues of made-up names."""
        return self.settings.venue if self.settings.venue in VENUES else "binance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A desk with its ends: `close` gives threads and connections back."""

    desk: Desk
    venue: CcxtVenue
    alongside: ThreadPoolExecutor

    def close(self) -> None:
        """End the worker threads and close the connections."""
        self.venue.close()
        self.alongside.shutdown()


def open_office(
    address: Address, clock: WorldClock, alerts: Alerts | None = None, telemetry: Telemetry | None = None
) -> Office:
    """Build a desk that knows nothing yet: its caches are empty, its connections closed."""
    set_decimal_context()
    settings, desk_clock = address.settings, DeskClock(clock, address.skew_ms)
    login = VenueLogin(
        read_key=lambda: VenueKey(api_key=LOGIN.api_key, secret=LOGIN.api_secret),
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        request_ttl_ms=settings.clocks.request_ttl_ms,
        workers=WORKERS,
        endpoint=address.exchange,
        venue=address.venue,
    )
    tables = TableClient(table_settings(address.tables))
    venue = CcxtVenue(login, desk_clock)
    alongside = ThreadPoolExecutor(max_workers=2, thread_name_prefix="tables")
    desk = Desk(
        settings=settings,
        venue=venue,
        store=DynamoDbStore(tables),
        prices=DynamoDbPrices(tables),
        versions=versions_of(settings),
        alerts=alerts or RecordingAlerts(),
        telemetry=telemetry or RecordingTelemetry(),
        clock=desk_clock,
        alongside=alongside,
    )
    return Office(desk=desk, venue=venue, alongside=alongside)


@contextmanager
def opened(address: Address, clock: WorldClock) -> Iterator[Desk]:
    """Open a desk for a while."""
    office = open_office(address, clock)
    try:
        yield office.desk
    finally:
        office.close()
