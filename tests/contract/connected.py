"""A venue adapter connected to a local exchange over real ccxt and HTTP, with the exchange's stepped clock."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

import requests

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.paper_venue import PaperLogin, PaperStore, PaperVenue
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.markets import FeeSchedule
from marketmaker.domain.orders import DeploymentTag, NewOrder, OrderIdentity, Side
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.ports import Deadline, PlaceOutcome, Venue
from marketmaker.simulation.events import Event
from tests.contract.local_venue import LOGIN, SYMBOL, LocalVenue, served
from tests.fakes.paper import InMemoryPaperStore
from tests.fakes.sinks import RecordingTelemetry

D = Decimal
PAXG = Symbol(SYMBOL)
TAG = DeploymentTag(text="tst")
ACCOUNT = AccountName("main")
BALANCES = {Asset("PAXG"): D(20), Asset("USDT"): D(65_000)}
"""What the local exchange's account holds, and a paper account opens with."""


@dataclass
class VenueClock:
    """The exchange's stepped clock as ours, off by `skew_ms`."""

    local: LocalVenue
    skew_ms: int = 0

    def now_ms(self) -> int:
        return self.local.clock() // 1000 + self.skew_ms

    def sleep(self, seconds: float) -> None:
        self.local.skip(seconds)


@dataclass
class Connected[V: Venue]:
    """A venue under test with its exchange; `another` connects it anew, as another process does."""

    local: LocalVenue
    clock: VenueClock
    connect: Callable[[], V]
    venue: V = field(init=False)

    def __post_init__(self) -> None:
        self.venue = self.connect()

    def another(self) -> V:
        return self.connect()

    def deadline(self, ms: int = 8000) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + ms, clock=self.clock)

    def new(self, side: Side, price: str, *, size: str = "0.1", level: int = 0, attempt: int = 0) -> NewOrder:
        identity = OrderIdentity(tag=TAG, market_number=1, slot_ms=5000, side=side, level=level, attempt=attempt)
        return NewOrder(client_id=identity.encode(), symbol=PAXG, side=side, price=D(price), size_base=D(size))

    def clear_faults(self) -> None:
        """Switch every fault of the exchange off."""
        requests.delete(f"{self.local.address}/local/faults", timeout=5).raise_for_status()

    def place(self, *orders: NewOrder) -> list[PlaceOutcome]:
        return list(self.venue.place(orders, self.deadline()))


def login(local: LocalVenue, key: VenueKey | None = None) -> VenueLogin:
    """Return the login that the exchange knows, or another."""
    known = key or VenueKey(api_key=LOGIN.api_key, secret=LOGIN.api_secret)
    return VenueLogin(
        read_key=lambda: known,
        request_timeout_ms=2000,
        request_ttl_ms=2000,
        workers=4,
        endpoint=local.address,
    )


def keyless(local: LocalVenue) -> VenueLogin:
    """Return what reads the exchange's public side only."""
    return VenueLogin(read_key=None, request_timeout_ms=2000, request_ttl_ms=2000, workers=4, endpoint=local.address)


@contextmanager
def ccxt_connected(events: Sequence[Event], *, is_sandbox: bool = False) -> Iterator[Connected[CcxtVenue]]:
    """Connect a login of the exchange, or of its testnet."""
    with served(events) as local:
        clock = VenueClock(local)
        opened: list[CcxtVenue] = []

        def connect() -> CcxtVenue:
            opened.append(CcxtVenue(replace(login(local), is_sandbox=is_sandbox), clock))
            return opened[-1]

        connected = Connected(local, clock, connect)
        connected.venue.fetch_metadata([PAXG], connected.deadline())
        try:
            yield connected
        finally:
            for each in opened:
                each.close()


@contextmanager
def paper_connected(
    events: Sequence[Event], store: PaperStore | None = None, telemetry: RecordingTelemetry | None = None
) -> Iterator[Connected[PaperVenue]]:
    """Connect a paper account to the exchange's public side."""
    kept = store or InMemoryPaperStore()
    account = PaperLogin(account=ACCOUNT, opening=BALANCES, fees={PAXG: FeeSchedule(maker_bps=D(1), taker_bps=D(10))})
    with served(events) as local:
        clock = VenueClock(local)
        opened: list[CcxtVenue] = []

        def connect() -> PaperVenue:
            opened.append(CcxtVenue(keyless(local), clock))
            return PaperVenue(
                account, public=opened[-1], store=kept, clock=clock, telemetry=telemetry or RecordingTelemetry()
            )

        connected = Connected(local, clock, connect)
        connected.venue.fetch_metadata([PAXG], connected.deadline())
        try:
            yield connected
        finally:
            for each in opened:
                each.close()
