"""A backtest put together: the live use case on a recorded market, with everything else in memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.adapters.backtest_accounts import MarginedAccount, PlayedAccount, SpotAccount
from marketmaker.adapters.backtest_run import Measured, Played, RecordedRun
from marketmaker.adapters.backtest_venue import BacktestVenue, Latency, PlayedEngine, VirtualClock
from marketmaker.adapters.memory import (
    AtOnce,
    CountingAlerts,
    CountingTelemetry,
    DeployedOnly,
    InMemoryPrices,
    InMemoryStore,
)
from marketmaker.bootstrap.environment import set_decimal_context
from marketmaker.config import Changes, Preset, choose_market
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.backtests import BacktestResult
from marketmaker.domain.markets import CapitalShare, Instrument, MarketSettings
from marketmaker.domain.models import Perpetual
from marketmaker.domain.units import BPS, ONE, TWO, ZERO, Asset, floor_to_lot
from marketmaker.errors import ConfigError
from marketmaker.ports import SettingsText
from marketmaker.simulation.account import Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Quote
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.market_data import MarketData, MarketFiles, RecordingError, read_market
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.mids import MidSeries
from marketmaker.simulation.perpetual import FundingSchedule, MarginAccount, MarginTerms, PerpetualEngine
from marketmaker.simulation.queues import MatchingRules, QueueModel
from marketmaker.simulation.wallet import Wallet
from marketmaker.usecases.backtest import Span, run_backtest
from marketmaker.usecases.desk import Desk

__all__ = [
    "BacktestOptions",
    "BacktestResult",
    "Backtested",
    "ConfigError",
    "MarketFiles",
    "Preset",
    "QueueModel",
    "backtest",
    "opening_base",
    "played_account",
]

_US = 1_000
_FILLS_KEPT = 2_000
"""Far more than a tick looks back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """What a backtest is of: a market of a deployment file with some values changed, on recorded files.

    The recording gives tick and lot unless they are given. The account opens with `capital_quote`, of it
    `opening_base` in base, by default the middle of the inventory band. `measure_s` is how often σ, A and k are
    measured anew, of the last hour. With `whole_fills` any trade that reaches an order fills all of it, and nobody is
    ahead of one beyond the known book, as simpler simulators have it. A perpetual opens flat; longs pay
    `funding_rate` every 8 h.
    """

    deployment: str
    market: str
    files: MarketFiles
    preset: Preset | None = None
    changes: tuple[str, ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    cadence_s: int | None = None
    latency_ms: int = 10
    queue: QueueModel = QueueModel.RISK_AVERSE
    whole_fills: bool = False
    capital_quote: Decimal = Decimal(100_000)
    funding_rate: Decimal = ZERO
    opening_base: Decimal | None = None
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    measure_s: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtested:
    """A result with what it rests on, and what it took."""

    result: BacktestResult
    settings: MarketSettings
    note: str
    wall_seconds: float

    @property
    def events_per_second(self) -> float:
        """How fast the recording was played."""
        return self.result.events / self.wall_seconds if self.wall_seconds else 0.0


def backtest(options: BacktestOptions, tell: Callable[[int, int], None] = lambda _done, _all: None) -> Backtested:
    """Run a backtest.

    Raises:
        ConfigError: the file, the market, a change or a recording cannot be used.
    """
    set_decimal_context()
    started_s = time.perf_counter()
    settings = played_account(options)
    try:
        data = read_market(options.files, from_us=_us(options.from_ms), to_us=_us(options.to_ms))
        result = _run(options, settings, data, tell)
    except RecordingError as error:
        raise ConfigError(str(error)) from error
    return Backtested(
        result=replace(result, skipped_rows=dict(data.skipped)),
        settings=settings.markets[0],
        note=data.described.note,
        wall_seconds=time.perf_counter() - started_s,
    )


def played_account(options: BacktestOptions) -> AccountSettings:
    """Return the account of a backtest: with the one market, changed as asked for.

    Raises:
        ConfigError: the file, the market or a change is not allowed.
    """
    changes = Changes(preset=options.preset, values=options.changes, interval_s=options.cadence_s)
    chosen = choose_market(options.deployment, options.market, changes)
    return _only(chosen.deployment.accounts[chosen.account], chosen.symbol)


def opening_base(options: BacktestOptions) -> Decimal:
    """Return how much base a backtest opens with.

    Raises:
        ConfigError: the file, the market, a change or a recording cannot be used.
    """
    market = played_account(options).markets[0]
    if market.perpetual is not None:
        return ZERO
    try:
        data = read_market(options.files, from_us=_us(options.from_ms), to_us=_us(options.to_ms))
        instrument = _instrument(options, market, data)
        return _wallet(options, market, instrument, data).total(instrument.base)
    except RecordingError as error:
        raise ConfigError(str(error)) from error


def _run(
    options: BacktestOptions, settings: AccountSettings, data: MarketData, tell: Callable[[int, int], None]
) -> BacktestResult:
    market, described = settings.markets[0], data.described
    first_ms = max(described.first_us // _US, options.from_ms or 0)
    last_ms = min(described.last_us // _US, options.to_ms or described.last_us // _US)
    instrument = _instrument(options, market, data)
    mids, played, clock = MidSeries(), Played(), VirtualClock(first_ms)
    measured = Measured(every_ms=options.measure_s * 1000, exposure_ms=market.exposure_ms, tick=instrument.tick_size)
    fees = FeeRates(maker=market.fees.maker_bps * BPS, taker=market.fees.taker_bps * BPS, asset=FeeAsset.QUOTE)
    feed = MarketFeed(measured.watch(mids.watch(played.watch(data.events()))), tick_size=instrument.tick_size)
    rules = MatchingRules(
        queue=options.queue, fills_whole=options.whole_fills, waits_beyond_book=not options.whole_fills
    )
    engine: PlayedEngine
    held: PlayedAccount
    if market.perpetual is None:
        wallet = _wallet(options, market, instrument, data)
        spot = Engine(account=Account(instrument=instrument, fees=fees, wallet=wallet), feed=feed, rules=rules)
        engine, held = spot, SpotAccount(spot)
    else:
        account = _margin_account(options, market.perpetual, instrument, fees)
        funding = FundingSchedule(rate=options.funding_rate)
        margined = PerpetualEngine(account=account, feed=feed, funding=funding, rules=rules)
        engine, held = margined, MarginedAccount(margined)
    latency = Latency(entry_ms=options.latency_ms, response_ms=options.latency_ms)
    prices = InMemoryPrices()
    run = RecordedRun(engine, held, mids, clock, played, measured=measured, prices=prices, venue_name=settings.venue)
    desk = Desk(
        settings=settings,
        venue=BacktestVenue(engine, held, clock, latency),
        store=InMemoryStore(fills_kept=_FILLS_KEPT),
        prices=prices,
        versions=DeployedOnly(deployed=SettingsText(version=settings.config_hash, text=""), settings=settings),
        alerts=CountingAlerts(),
        telemetry=CountingTelemetry(),
        clock=clock,
        alongside=AtOnce(),
    )
    return run_backtest(desk, run, Span(from_ms=first_ms + settings.clocks.interval_ms, to_ms=last_ms), tell)


def _margin_account(options: BacktestOptions, held: Perpetual, instrument: Instrument, fees: FeeRates) -> MarginAccount:
    """Open flat, held as it should be, with all of the capital as collateral."""
    if options.opening_base:
        raise ConfigError("--opening-base: it is not allowed on a perpetual, which opens flat")
    terms = MarginTerms()
    return MarginAccount(
        instrument=instrument,
        fees=fees,
        collateral_quote=options.capital_quote,
        terms=replace(terms, max_leverage=max(terms.max_leverage, held.leverage)),
        leverage=held.leverage,
    )


def _only(account: AccountSettings, symbol: str) -> AccountSettings:
    """Leave the account with one market, which has all of it."""
    (market,) = (each for each in account.markets if each.symbol == symbol)
    if market.second_price is not None:
        raise ConfigError(f"fair_price: {market.fair_price} is not allowed: the recording has no second book")
    whole = CapitalShare(share=ONE)
    return replace(account, markets=(replace(market, capital_base=whole, capital_quote=whole),))


def _instrument(options: BacktestOptions, market: MarketSettings, data: MarketData) -> Instrument:
    base, _, quote = market.symbol.partition(":")[0].partition("/")
    lot = options.lot_size or data.described.lot_size
    return Instrument(
        symbol=market.symbol,
        base=Asset(base),
        quote=Asset(quote),
        tick_size=options.tick_size or data.described.tick_size,
        lot_size=lot,
        min_size_base=lot,
        min_notional_quote=ZERO,
    )


def _wallet(options: BacktestOptions, market: MarketSettings, instrument: Instrument, data: MarketData) -> Wallet:
    """Open with what was asked for in base, else the middle of the inventory band at the first middle of the book."""
    quotes = (event.mid for event in data.events() if isinstance(event, Quote) and event.mid is not None)
    mid = next(quotes, None)
    if mid is None:
        raise ConfigError("the recording is not allowed: a book with both sides, at least once")
    base = options.opening_base
    if base is None:
        ratio = (market.inventory_band.min_ratio + market.inventory_band.max_ratio) / TWO
        base = floor_to_lot(options.capital_quote * ratio / mid, instrument.lot_size)
    if base * mid > options.capital_quote:
        raise ConfigError(
            f"--opening-base: {base} is not allowed: at most the capital, {options.capital_quote} at {mid}"
        )
    return Wallet({instrument.base: base, instrument.quote: options.capital_quote - base * mid})


def _us(time_ms: int | None) -> int | None:
    return None if time_ms is None else time_ms * _US
