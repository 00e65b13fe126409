"""The markets that the exchange can serve: a recording, or one made up from a seed."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from random import Random

from marketmaker.simulation.events import Event, Quote
from marketmaker.simulation.generated import GeneratedMarket, MarketModel
from marketmaker.simulation.recording import Recording, RecordingError

DEFAULT_SYMBOL = "PAXG/USDT"
SYMBOLS = {
    "BTCUSD": "BTC/USD",
    "BTCUSDT": "BTC/USDT",
    "ETHUSD": "ETH/USD",
    "SOL-USDC-PERP": "SOL/USDC",
    "BTC-USDC-PERP": "BTC/USDC",
    "PAXG-USDC-PERP": "PAXG/USDC",
}
"""How recordings name their market → ccxt's name; a spot dialect trades perpetuals as spot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A market to serve: its events from the start on, and what is known of it beforehand."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    daily_volume_base: Decimal
    daily_volume_quote: Decimal
    events: Iterator[Event]
    note: str


def source_of(options: argparse.Namespace) -> Source:
    """Return the market that the options ask for."""
    return _recorded(options) if options.data else _generated(options)


def _recorded(options: argparse.Namespace) -> Source:
    recording = Recording(options.data, half_spread_bps=options.half_spread_bps)
    market = recording.describe()
    symbol = options.symbol or SYMBOLS.get(market.symbol)
    if symbol is None:
        raise ValueError(f"the recording's symbol {market.symbol} is not known; give --symbol, like ETH/USD")
    assumed = f"no quotes were recorded: a book of ± {options.half_spread_bps} bp round each trade is assumed"
    return Source(
        symbol=symbol,
        tick_size=market.tick_size,
        lot_size=market.lot_size,
        daily_volume_base=market.daily_volume_base,
        daily_volume_quote=market.daily_volume_quote,
        events=recording.events(from_us=market.first_us + int(options.start_s * 1_000_000)),
        note=f"{symbol} recorded in {options.data}" + ("" if recording.has_quotes else f"; {assumed}"),
    )


def _generated(options: argparse.Namespace) -> Source:
    defaults = MarketModel()
    model = MarketModel(tick_size=options.tick or defaults.tick_size, lot_size=options.lot or defaults.lot_size)
    return Source(
        symbol=options.symbol or DEFAULT_SYMBOL,
        tick_size=model.tick_size,
        lot_size=model.lot_size,
        daily_volume_base=model.daily_volume_base,
        daily_volume_quote=model.daily_volume_quote,
        events=GeneratedMarket(model, Random(options.seed)).events(),  # noqa: S311 - a market, no secret
        note=f"{options.symbol or DEFAULT_SYMBOL} generated from seed {options.seed}",
    )


def opening_quote(events: Iterator[Event]) -> tuple[Quote, Iterator[Event]]:
    """Find the first two-sided book; the events come back whole."""
    before: list[Event] = []
    for event in events:
        before.append(event)
        if isinstance(event, Quote) and event.mid is not None:
            return event, chain(before, events)
    raise RecordingError("no two-sided quote from the start on; is --start-s beyond the recording's end?")
