"""The venues of perpetuals behind one port, each on a local exchange that speaks as it does: SOL at 100."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.speech import BACKPACK
from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from infra.local.exchange.dialect import Dialect
from infra.local.exchange.perpetual import PerpetualListing
from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol
from marketmaker.simulation.events import Event
from tests.contract import test_local_backpack, test_local_usdm
from tests.contract.connected import Connected, VenueClock
from tests.contract.local_venue import LocalVenue
from tests.contract.perpetual_venue import SYMBOL, served_perpetual

SOL = Symbol(SYMBOL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One of them: the product's name of the venue, and how its exchange is served, asked and read by a test."""

    venue: str
    dialect: Dialect[Any, Any]
    listing: type[PerpetualListing]
    key: tuple[str, str]
    connect: Callable[[str], Any]
    position_route: str
    size_field: str
    sides: dict[Side, str]
    client_id_field: str

    def login(self, local: LocalVenue, secret: str | None = None) -> VenueLogin:
        """Log in with the exchange's key, or with a wrong secret."""
        key = VenueKey(api_key=self.key[0], secret=secret or self.key[1])
        return VenueLogin(
            read_key=lambda: key,
            request_timeout_ms=2000,
            request_ttl_ms=2000,
            endpoint=local.address,
            venue=self.venue,
        )

    def connected(self, local: LocalVenue, secret: str | None = None) -> Connected[CcxtVenue]:
        """Connect the adapter, its metadata read."""
        clock = VenueClock(local)
        login = self.login(local, secret)
        found = Connected(local=local, clock=clock, connect=lambda: CcxtVenue(login, clock))
        found.venue.fetch_metadata([SOL], found.deadline())
        return found

    @contextmanager
    def served(self, events: Sequence[Event] = ()) -> Iterator[LocalVenue]:
        """Serve the exchange for the time of a test."""
        with served_perpetual(self.dialect, self.listing, self.key, self.connect, events) as local:
            yield local


USDM_SPOKEN = Spoken(
    venue="binanceusdm",
    dialect=BINANCE_USDM,
    listing=UsdmListing,
    key=test_local_usdm.KEY,
    connect=test_local_usdm.usdm,
    position_route="GET /fapi/v2/positionRisk",
    size_field="origQty",
    sides={side: side.value.upper() for side in Side},
    client_id_field="clientOrderId",
)
BACKPACK_SPOKEN = Spoken(
    venue="backpack",
    dialect=BACKPACK,
    listing=BackpackListing,
    key=test_local_backpack.KEY,
    connect=test_local_backpack.backpack,
    position_route="GET /api/v1/position",
    size_field="quantity",
    sides={Side.BUY: "Bid", Side.SELL: "Ask"},
    client_id_field="clientId",
)
SPOKEN = (USDM_SPOKEN, BACKPACK_SPOKEN)
