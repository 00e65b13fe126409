"""A local exchange in this process with a market and a clock of the test's own, and ccxt pointed at it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from threading import Event as Signal
from threading import Thread
from typing import Any

import ccxt
import requests

from infra.local.exchange.binance.login import Login
from infra.local.exchange.binance_spot.listing import Listing
from infra.local.exchange.binance_spot.speech import BINANCE_SPOT
from infra.local.exchange.clock import MarketClock, wall_us
from infra.local.exchange.server import LocalServer, serve
from infra.local.exchange.venue import Venue
from marketmaker.adapters.ccxt_venue.client import LocalRoute
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset, Symbol
from marketmaker.simulation.account import Account, FeeRates
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.wallet import Wallet

D = Decimal
SYMBOL, MARKET_ID = "PAXG/USDT", "PAXGUSDT"
LOGIN = Login(api_key="test-key", api_secret="test-secret")
SECOND_US = 1_000_000


def binance(address: str, login: Login = LOGIN) -> Any:
    """Return an unmodified ccxt client of the local exchange, its markets loaded."""
    client = ccxt.binance(
        {
            "apiKey": login.api_key,
            "secret": login.api_secret,
            "enableRateLimit": False,
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
        }
    )
    client.number = str
    client.session.mount("https://", LocalRoute(address))
    client.load_markets()
    return client


class SteppedClock:
    """This machine's clock, moved ahead by the test."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def __call__(self) -> int:
        return wall_us() + self.ahead_us


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalVenue:
    """A served venue: its address, its clock, and a client that signs with that clock."""

    address: str
    clock: SteppedClock
    venue: Venue
    client: Any

    def skip(self, seconds: float) -> None:
        """Let time pass for the exchange and for the client."""
        self.clock.ahead_us += int(seconds * SECOND_US)
        self.client.options["timeDifference"] = -(self.clock.ahead_us // 1000)

    def arm(self, **fault: object) -> None:
        """Switch a fault on."""
        answer = requests.post(f"{self.address}/local/faults", json=fault, timeout=5)
        assert answer.status_code == 200, answer.text

    def clear(self) -> None:
        """Switch every fault off."""
        requests.delete(f"{self.address}/local/faults", timeout=5).raise_for_status()

    def state(self) -> dict[str, Any]:
        """Return the exchange's own books."""
        answer = requests.get(f"{self.address}/local/state", timeout=5)
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state


def quote_at(second: float, bids: str = "1899x2 1898x3", asks: str = "1901x2 1902x3") -> Quote:
    """Make a quote from text: `price x size`, best first."""

    def levels(text: str) -> tuple[Level, ...]:
        return tuple(Level(*(D(part) for part in level.split("x"))) for level in text.split())

    return Quote(time_us=int(second * SECOND_US), bids=levels(bids), asks=levels(asks))


def trade_at(second: float, taker_side: Side, price: str, size: str) -> Trade:
    """Make a trade."""
    return Trade(time_us=int(second * SECOND_US), taker_side=taker_side, price=D(price), size_base=D(size))


def make_venue(events: Sequence[Event], wall: Callable[[], int]) -> Venue:
    """Build a venue for PAXG/USDT whose market starts now."""
    instrument = Instrument(
        symbol=Symbol(SYMBOL),
        base=Asset("PAXG"),
        quote=Asset("USDT"),
        tick_size=D("0.01"),
        lot_size=D("0.0001"),
        min_size_base=D("0.0001"),
        min_notional_quote=D(5),
    )
    clock = MarketClock(wall_start_us=wall(), market_start_us=0)
    klines = MarketKlines(clock.wall_ms)
    engine = Engine(
        account=Account(
            instrument=instrument,
            fees=FeeRates(maker=D("0.0001"), taker=D("0.001")),
            wallet=Wallet({instrument.base: D(20), instrument.quote: D(65_000)}),
        ),
        feed=MarketFeed(events, tick_size=instrument.tick_size),
        watch=klines.record,
    )
    engine.advance(0)
    listing = Listing(
        engine=engine,
        clock=clock,
        klines=klines,
        began_us=0,
        daily_volume_base=D(2000),
        daily_volume_quote=D(3_800_000),
    )
    return Venue(dialect=BINANCE_SPOT, listing=listing, login=LOGIN, wall_us=wall)


@contextmanager
def served(events: Sequence[Event] = ()) -> Iterator[LocalVenue]:
    """Serve a market over HTTP for the time of a test."""
    clock = SteppedClock()
    venue = make_venue([quote_at(0), *events], clock)
    with running(venue) as address:
        yield LocalVenue(address=address, clock=clock, venue=venue, client=binance(address))


@contextmanager
def running(venue: Venue) -> Iterator[str]:
    """Run the server of a venue; yield its address."""
    ready = Signal()
    found: list[tuple[LocalServer, str]] = []

    def on_ready(server: LocalServer, address: str) -> None:
        found.append((server, address))
        ready.set()

    thread = Thread(target=lambda: serve(venue, port=0, on_ready=on_ready))
    thread.start()
    assert ready.wait(10), "the exchange did not start"
    server, address = found[0]
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(10)


def until[Value](ask: Callable[[], Value | None], seconds: float = 10) -> Value:
    """Ask again until there is an answer; a deadline makes silence a failure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"no answer within {seconds} s")
