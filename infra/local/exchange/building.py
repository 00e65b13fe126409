"""The venue that the command line asks for: its dialect, its market, and the account on it."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.login import local_key
from infra.local.exchange.backpack.speech import BACKPACK
from infra.local.exchange.binance_spot.listing import Listing
from infra.local.exchange.binance_spot.speech import BINANCE_SPOT
from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from infra.local.exchange.clock import MarketClock, WallClock
from infra.local.exchange.dialect import Dialect
from infra.local.exchange.market import Market
from infra.local.exchange.perpetual import PerpetualListing
from infra.local.exchange.sources import Source, opening_quote, source_of
from infra.local.exchange.venue import Venue
from marketmaker.domain.markets import Instrument
from marketmaker.domain.units import ONE, Asset, Symbol, floor_to_lot
from marketmaker.simulation.account import Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Quote
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.perpetual import FundingSchedule, MarginAccount, MarginTerms, PerpetualEngine
from marketmaker.simulation.wallet import Wallet

DIALECTS: dict[str, Dialect[Any, Any]] = {each.name: each for each in (BINANCE_SPOT, BINANCE_USDM, BACKPACK)}
_PERPETUALS: dict[str, type[PerpetualListing]] = {BINANCE_USDM.name: UsdmListing, BACKPACK.name: BackpackListing}
LOCAL_KEY = ("local-key", "local-secret")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    quote: Quote
    events: Iterator[Event]


def build_venue(options: argparse.Namespace, wall_us: WallClock) -> tuple[Venue, str]:
    """Set up the venue with its market standing at its first book; return it with a note on the market."""
    source = source_of(options)
    opening, events = opening_quote(source.events)
    start_us = opening.time_us + int(options.history_s * 1_000_000)
    clock = MarketClock(wall_start_us=wall_us(), market_start_us=start_us, speed=options.speed)
    dialect, perpetual = DIALECTS[options.dialect], _PERPETUALS.get(options.dialect)
    if perpetual is None:
        listing = _spot(options, source, clock, _Opened(quote=opening, events=events))
    else:
        listing = _perpetual(options, source, clock, _Opened(quote=opening, events=events), perpetual)
    listing.engine.advance(start_us)
    usual = local_key() if dialect is BACKPACK else LOCAL_KEY
    key, secret = options.api_key or usual[0], options.api_secret or usual[1]
    login = dialect.login(key, secret, may_withdraw=options.withdrawals)
    venue = Venue(dialect=dialect, listing=listing, login=login, wall_us=wall_us, limit_factor=options.limit_factor)
    return venue, source.note if dialect is not BACKPACK else f"{source.note}; the API key is {key}"


def _spot(options: argparse.Namespace, source: Source, clock: MarketClock, opened: _Opened) -> Market[Any]:
    base, _, quote = source.symbol.partition("/")
    if not base or not quote.isalnum():
        raise ValueError(f"--symbol {source.symbol}; allowed: a spot pair like ETH/USD")
    instrument = _instrument(options, source, Symbol(source.symbol))
    fees = FeeRates(maker=options.maker_fee, taker=options.taker_fee, asset=FeeAsset(options.fee_asset))
    klines = MarketKlines(clock.wall_ms)
    return Listing(
        engine=Engine(
            account=Account(
                instrument=instrument, fees=fees, wallet=Wallet(_balances(options, instrument, opened.quote))
            ),
            feed=MarketFeed(opened.events, tick_size=instrument.tick_size),
            watch=klines.record,
        ),
        clock=clock,
        klines=klines,
        began_us=opened.quote.time_us,
        daily_volume_base=source.daily_volume_base,
        daily_volume_quote=source.daily_volume_quote,
    )


def _perpetual(
    options: argparse.Namespace, source: Source, clock: MarketClock, opened: _Opened, listing: type[PerpetualListing]
) -> Market[Any]:
    base, _, rest = source.symbol.partition("/")
    quote, _, settle = rest.partition(":")
    if not base or not quote.isalnum() or settle not in {"", quote}:
        raise ValueError(f"--symbol {source.symbol}; allowed: a perpetual like SOL/USDC:USDC")
    instrument = _instrument(options, source, Symbol(f"{base}/{quote}:{quote}"))
    interval_us = int(options.funding_interval_s * 1_000_000)
    account = MarginAccount(
        instrument=instrument,
        fees=FeeRates(maker=options.maker_fee, taker=options.taker_fee, asset=FeeAsset.QUOTE),
        collateral_quote=options.equity_quote,
        terms=MarginTerms(
            max_leverage=options.max_leverage,
            maintenance_rate=options.maintenance_rate,
            liquidation_fee_rate=options.liquidation_fee,
        ),
        leverage=options.leverage,
    )
    klines = MarketKlines(clock.wall_ms)
    return listing(
        engine=PerpetualEngine(
            account=account,
            feed=MarketFeed(opened.events, tick_size=instrument.tick_size),
            funding=FundingSchedule(rate=options.funding_rate, interval_us=interval_us, start_us=opened.quote.time_us),
            watch=klines.record,
        ),
        clock=clock,
        klines=klines,
        began_us=opened.quote.time_us,
        daily_volume_base=source.daily_volume_base,
        daily_volume_quote=source.daily_volume_quote,
    )


def _instrument(options: argparse.Namespace, source: Source, symbol: Symbol) -> Instrument:
    base, _, rest = symbol.partition("/")
    lot = options.lot or source.lot_size
    return Instrument(
        symbol=symbol,
        base=Asset(base),
        quote=Asset(rest.partition(":")[0]),
        tick_size=options.tick or source.tick_size,
        lot_size=lot,
        min_size_base=lot,
        min_notional_quote=options.min_notional,
    )


def _balances(options: argparse.Namespace, instrument: Instrument, opening: Quote) -> dict[Asset, Decimal]:
    price = opening.mid or ONE
    equity, share = options.equity_quote, options.base_share
    if share > ONE:
        raise ValueError(f"--base-share {share}; allowed: 0 to 1")
    base = floor_to_lot(equity * share / price, instrument.lot_size) if options.base is None else options.base
    quote = (equity * (ONE - share)).quantize(_CENT) if options.quote is None else options.quote
    return {instrument.base: base, instrument.quote: quote}
