"""The command line of the exchange, and the venue it asks for."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from itertools import chain
from pathlib import Path
from random import Random

from infra.local.exchange.clock import MarketClock, WallClock
from infra.local.exchange.dialect import Login
from infra.local.exchange.listing import Listing
from infra.local.exchange.venue import Venue
from marketmaker.domain.markets import Instrument
from marketmaker.domain.units import ONE, ZERO, Asset, Symbol, floor_to_lot
from marketmaker.simulation.account import FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Quote
from marketmaker.simulation.faults import FAULT_KINDS
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.generated import GeneratedMarket, MarketModel
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.recording import DEFAULT_HALF_SPREAD_BPS, Recording, RecordingError
from marketmaker.simulation.wallet import Wallet

DEFAULT_SYMBOL = "PAXG/USDT"
SYMBOLS = {
    "BTCUSD": "BTC/USD",
    "BTCUSDT": "BTC/USDT",
    "ETHUSD": "ETH/USD",
    "SOL-USDC-PERP": "SOL/USDC",
    "BTC-USDC-PERP": "BTC/USDC",
    "PAXG-USDC-PERP": "PAXG/USDC",
}
"""How recordings name their market → ccxt's name; perpetuals are traded here as spot."""
_CENT = Decimal("0.01")


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


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.exchange",
        description="A local exchange in Binance's spot dialect, on 127.0.0.1 only: a recorded or generated market.",
        epilog=f"POST /local/faults arms one of: {', '.join(FAULT_KINDS)}; GET /local/state counts what struck.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on; 0 takes any free one")
    market = parser.add_argument_group("market")
    add = market.add_argument
    add("--data", type=Path, metavar="PREFIX", help="recording, without _quotes.csv.gz; else the market is generated")
    add("--start-s", type=_amount, default=ZERO, help="start this many seconds into the recording")
    add("--half-spread-bps", type=_amount, default=DEFAULT_HALF_SPREAD_BPS, help="assumed where no quotes are recorded")
    add("--seed", type=int, default=1, help="seed of the generated market")
    add("--history-s", type=_amount, default=ZERO, help="let so many seconds of the market pass before the start")
    add("--speed", type=_speed, default=1.0, help="market seconds per second")
    add("--symbol", help="ccxt's notation, like ETH/USD; else from the recording")
    add("--tick", type=_amount, help="price grid; else from the recording's decimals")
    add("--lot", type=_amount, help="size grid; else from the recording's decimals")
    add("--min-notional", type=_amount, default=Decimal(5), help="least value of an order in quote currency")
    account = parser.add_argument_group("account")
    add = account.add_argument
    add("--equity-quote", type=_amount, default=Decimal(100_000), help="what the account is worth at the first price")
    add("--base-share", type=_amount, default=Decimal("0.35"), help="share of the equity held in base")
    add("--base", type=_amount, help="base held; overrides the share")
    add("--quote", type=_amount, help="quote held; overrides the share")
    add("--maker-fee", type=_signed_amount, default=Decimal("0.0001"), help="fraction; negative is a rebate")
    add("--taker-fee", type=_signed_amount, default=Decimal("0.001"), help="fraction; negative is a rebate")
    add("--fee-asset", choices=[asset.value for asset in FeeAsset], default=FeeAsset.RECEIVED.value, help="charged in")
    add("--api-key", default="local-key", help="the key that clients must send")
    add("--limit-factor", type=_factor, default=1, help="widens the rate limits, for clients that hurry through a day")
    add("--api-secret", default="local-secret", help="the secret that clients must sign with")
    add("--withdrawals", action="store_true", help="a key that may withdraw, as no bot's should")
    return parser.parse_args(arguments)


def build_venue(options: argparse.Namespace, wall_us: WallClock) -> tuple[Venue, str]:
    """Set up the venue with its market standing at its first book; return it with a note on the market."""
    source = _recorded(options) if options.data else _generated(options)
    base, _, quote = source.symbol.partition("/")
    if not base or not quote.isalnum():
        raise ValueError(f"--symbol {source.symbol}; allowed: a spot pair like ETH/USD")
    lot = options.lot or source.lot_size
    instrument = Instrument(
        symbol=Symbol(source.symbol),
        base=Asset(base),
        quote=Asset(quote),
        tick_size=options.tick or source.tick_size,
        lot_size=lot,
        min_size_base=lot,
        min_notional_quote=options.min_notional,
    )
    opening, events = _opening_quote(source.events)
    fees = FeeRates(maker=options.maker_fee, taker=options.taker_fee, asset=FeeAsset(options.fee_asset))
    start_us = opening.time_us + int(options.history_s * 1_000_000)
    clock = MarketClock(wall_start_us=wall_us(), market_start_us=start_us, speed=options.speed)
    klines = MarketKlines(clock.wall_ms)
    engine = Engine(
        instrument=instrument,
        fees=fees,
        wallet=Wallet(_balances(options, instrument, opening)),
        feed=MarketFeed(events, tick_size=instrument.tick_size),
        watch=klines.record,
    )
    engine.advance(start_us)
    listing = Listing(
        engine=engine,
        clock=clock,
        klines=klines,
        began_us=opening.time_us,
        daily_volume_base=source.daily_volume_base,
        daily_volume_quote=source.daily_volume_quote,
    )
    login = Login(api_key=options.api_key, api_secret=options.api_secret, may_withdraw=options.withdrawals)
    venue = Venue(listing=listing, login=login, wall_us=wall_us, limit_factor=options.limit_factor)
    return venue, source.note


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


def _opening_quote(events: Iterator[Event]) -> tuple[Quote, Iterator[Event]]:
    """Find the first two-sided book; the events come back whole."""
    before: list[Event] = []
    for event in events:
        before.append(event)
        if isinstance(event, Quote) and event.mid is not None:
            return event, chain(before, events)
    raise RecordingError("no two-sided quote from the start on; is --start-s beyond the recording's end?")


def _balances(options: argparse.Namespace, instrument: Instrument, opening: Quote) -> dict[Asset, Decimal]:
    price = opening.mid or ONE
    equity, share = options.equity_quote, options.base_share
    if share > ONE:
        raise ValueError(f"--base-share {share}; allowed: 0 to 1")
    base = floor_to_lot(equity * share / price, instrument.lot_size) if options.base is None else options.base
    quote = (equity * (ONE - share)).quantize(_CENT) if options.quote is None else options.quote
    return {instrument.base: base, instrument.quote: quote}


def _signed_amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except DecimalException as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def _amount(text: str) -> Decimal:
    value = _signed_amount(text)
    if value < ZERO:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _factor(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _speed(text: str) -> float:
    value = float(_amount(text))
    if value == 0:
        raise argparse.ArgumentTypeError("0 would stop the market")
    return value
