"""A local exchange of one perpetual, SOL at 100, in this process, and ccxt's own classes pointed at it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import ccxt

from infra.local.exchange.clock import MarketClock
from infra.local.exchange.dialect import Dialect
from infra.local.exchange.perpetual import PerpetualListing
from infra.local.exchange.venue import Venue
from marketmaker.adapters.ccxt_venue.client import LocalRoute
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset, Symbol
from marketmaker.simulation.account import FeeAsset, FeeRates
from marketmaker.simulation.events import Event
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.perpetual import FundingSchedule, MarginAccount, MarginTerms, PerpetualEngine
from tests.contract.local_venue import SECOND_US, LocalVenue, SteppedClock, quote_at, running, trade_at

D = Decimal
SYMBOL = "SOL/USDC:USDC"
HOUR_S = 3_600
BUY, SELL = Side.BUY, Side.SELL
BIDS, ASKS = "99x100 98x200", "101x100 102x200"


def book(second: float, bids: str = BIDS, asks: str = ASKS) -> Event:
    """Make a quote; the usual one has its middle, and so its mark, at 100."""
    return quote_at(second, bids, asks)


def perpetual_venue(
    dialect: Dialect[Any, Any],
    listing: type[PerpetualListing],
    key: tuple[str, str],
    events: Sequence[Event],
    wall: Callable[[], int],
) -> Venue:
    """Build a venue whose market starts now: 1000 USDC, leverage 10, funding of 0.0001 every hour, fees 2 / 5 bp."""
    instrument = Instrument(
        symbol=Symbol(SYMBOL),
        base=Asset("SOL"),
        quote=Asset("USDC"),
        tick_size=D("0.1"),
        lot_size=D("0.01"),
        min_size_base=D("0.01"),
        min_notional_quote=D(5),
    )
    clock = MarketClock(wall_start_us=wall(), market_start_us=0)
    klines = MarketKlines(clock.wall_ms)
    account = MarginAccount(
        instrument=instrument,
        fees=FeeRates(maker=D("0.0002"), taker=D("0.0005"), asset=FeeAsset.QUOTE),
        collateral_quote=D(1000),
        terms=MarginTerms(max_leverage=D(50), maintenance_rate=D("0.05"), liquidation_fee_rate=D("0.01")),
        leverage=D(10),
    )
    engine = PerpetualEngine(
        account=account,
        feed=MarketFeed(events, tick_size=instrument.tick_size),
        funding=FundingSchedule(rate=D("0.0001"), interval_us=HOUR_S * SECOND_US),
        watch=klines.record,
    )
    engine.advance(0)
    listed = listing(
        engine=engine,
        clock=clock,
        klines=klines,
        began_us=0,
        daily_volume_base=D(2000),
        daily_volume_quote=D(200_000),
    )
    return Venue(dialect=dialect, listing=listed, login=dialect.login(*key, may_withdraw=False), wall_us=wall)


@contextmanager
def served_perpetual(
    dialect: Dialect[Any, Any],
    listing: type[PerpetualListing],
    key: tuple[str, str],
    connect: Callable[[str], Any],
    events: Sequence[Event] = (),
) -> Iterator[LocalVenue]:
    """Serve a perpetual over HTTP for the time of a test."""
    clock = SteppedClock()
    venue = perpetual_venue(dialect, listing, key, [book(0), *events], clock)
    with running(venue) as address:
        yield LocalVenue(address=address, clock=clock, venue=venue, client=connect(address))


def routed(client: ccxt.Exchange, address: str) -> Any:
    """Let a client reach the exchange by its production addresses, its markets loaded."""
    client.number = str
    client.session.mount("https://", LocalRoute(address))
    client.load_markets()
    return client


__all__ = ["BUY", "HOUR_S", "SELL", "SYMBOL", "book", "routed", "served_perpetual", "trade_at"]
