"""The market of a world, PAXG/USDT round 1900 or a SOL perpetual at 100, and an exchange that serves it."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from threading import Event as Signal
from threading import Thread
from typing import cast

from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from infra.local.exchange.server import LocalServer, serve
from infra.local.exchange.venue import Venue
from marketmaker.simulation.events import Event, Level, Quote
from tests.contract.local_venue import LOGIN, make_venue
from tests.contract.perpetual_venue import perpetual_venue
from tests.faults.clock import SECOND_US, WorldClock

D = Decimal
_BID, _ASK, _SIZE = D(1899), D(1901), D(2)


@dataclass(slots=True)
class Breathing:
    """A market that stands and whose depth changes every second, so that its book is never stale."""

    bid: Decimal = _BID
    ask: Decimal = _ASK
    size: Decimal = _SIZE
    second: int = -1

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        self.second += 1
        deep = self.size + 1 + self.second % 2
        return Quote(
            time_us=self.second * SECOND_US,
            bids=(Level(self.bid, self.size), Level(self.bid - 1, deep)),
            asks=(Level(self.ask, self.size), Level(self.ask + 1, deep)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A venue that is served from a thread of this process."""

    venue: Venue
    server: LocalServer
    address: str

    def stop(self) -> None:
        """Stop serving; nobody waits for it."""
        self.server.should_exit = True


def new_venue(events: Iterable[Event], clock: WorldClock) -> Venue:
    """Build a venue whose market starts now."""
    return make_venue(cast("Sequence[Event]", events), clock)


def new_perpetual_venue(events: Iterable[Event], clock: WorldClock) -> Venue:
    """Build a venue of one perpetual in Binance USDⓈ-M's dialect, whose market starts now."""
    key = LOGIN.api_key, LOGIN.api_secret
    return perpetual_venue(BINANCE_USDM, UsdmListing, key, cast("Sequence[Event]", events), clock)


def copied_venue(venue: Venue, old: WorldClock, new: WorldClock) -> Venue:
    """Copy a venue as it is now, its market, orders, books and faults, on another clock."""
    return deepcopy(venue, {id(old): new})


def serve_venue(venue: Venue) -> Exchange:
    """Serve a venue on a port of its own."""
    ready = Signal()
    found: list[tuple[LocalServer, str]] = []

    def on_ready(server: LocalServer, address: str) -> None:
        found.append((server, address))
        ready.set()

    Thread(target=lambda: serve(venue, port=0, on_ready=on_ready), daemon=True).start()
    assert ready.wait(10), "the exchange did not start"
    server, address = found[0]
    return Exchange(venue=venue, server=server, address=address)
