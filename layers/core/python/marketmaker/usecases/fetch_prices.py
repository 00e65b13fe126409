"""Keep what the venues publish, once a minute, and what is measured of it.

That is each market's klines, its volume of the day and its metadata, σ, A, k and its regime.

Public data only, every market of every account once. A minute is kept once it has ended by the venue's own clock, and
minutes are kept oldest first: whatever ends a run, the next one goes on after the newest kept minute (C3).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from marketmaker.domain.klines import MINUTE_MS, in_minutes, minute_of
from marketmaker.domain.units import Symbol
from marketmaker.errors import AccountRefused, Refused, Retryable
from marketmaker.ports import Clock, Deadline, Prices, Telemetry, Venue
from marketmaker.usecases.calibrate import NOT_MEASURED, Measured, MeasuredMarket, measure

METADATA_REFRESH_MS = 3_600_000
MOST_KLINES, MOST_MINUTES = 900, 60
"""What one run catches up on: one request of at most 1,000 klines, and no more than is measured."""
SETTLE_MS = 2_000
"""How long after its end a minute's last trades may still be on their way into the venue's klines."""

_COUNTED = (Retryable, Refused, AccountRefused)
"""Failures of one market or venue; anything else is a defect, or a table that refuses us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedMarkets:
    """The markets of one venue that some account works, and the venue without a login.

    `exposures_ms` says of each how long a quote stands in it before it can follow the market. `beside` are markets that
    nobody works, but whose books prices are made of: of those the metadata is kept alone. The venue's shortest klines
    are of `kline_ms`.
    """

    name: str
    venue: Venue
    exposures_ms: Mapping[Symbol, int]
    beside: tuple[Symbol, ...] = ()
    kline_ms: int = 1_000

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The worked markets' symbols."""
        return tuple(self.exposures_ms)

    @property
    def described(self) -> tuple[Symbol, ...]:
        """The symbols of all markets whose metadata is kept."""
        return (*self.exposures_ms, *self.beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDesk:
    """What `fetch_prices` works with; `alongside` runs venues and markets side by side."""

    venues: tuple[PublishedMarkets, ...]
    prices: Prices
    telemetry: Telemetry
    clock: Clock
    alongside: Executor


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesReport:
    """What a run kept, and why not everything; `failures` names markets as `venue#SYMBOL`."""

    markets: int
    klines_written: int
    calibrated: int
    variances_written: int
    metadata_refreshed: int
    failures: Mapping[str, str]

    def counts(self) -> dict[str, int]:
        """Count what the deployment's metrics show."""
        return {
            "prices_markets": self.markets,
            "prices_markets_failed": len(self.failures),
            "prices_klines_written": self.klines_written,
            "prices_calibrated": self.calibrated,
            "prices_variances_written": self.variances_written,
            "prices_metadata_refreshed": self.metadata_refreshed,
        }

    def summary(self) -> Mapping[str, Any]:
        """Describe the run in plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Described:
    """What a venue said of all its markets together; `now_ms` is its clock, None while it is down."""

    markets: PublishedMarkets
    now_ms: int | None
    metadata_refreshed: int = 0
    failures: Mapping[Symbol, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traded:
    """What became of one market's klines, and what was measured of them."""

    market: str
    written: int
    measured: Measured = NOT_MEASURED
    failure: str | None = None


def fetch_prices(desk: PriceDesk, deadline: Deadline) -> PricesReport:
    """Keep what every venue published since the last run; one market's failure never keeps the others from it.

    Raises:
        Fatal: the prices table itself refuses us (missing table or permission).
    """
    asked = [desk.alongside.submit(_describe, desk, each, deadline) for each in desk.venues]
    described = [each.result() for each in asked]
    reading = [
        desk.alongside.submit(_work_market, desk, each.markets, symbol, each.now_ms, deadline)
        for each in described
        if each.now_ms is not None
        for symbol in each.markets.symbols
    ]
    traded = [each.result() for each in reading]
    failures = {_named(each.markets, symbol): reason for each in described for symbol, reason in each.failures.items()}
    report = PricesReport(
        markets=sum(len(each.described) for each in desk.venues),
        klines_written=sum(each.written for each in traded),
        calibrated=sum(each.measured.is_calibrated for each in traded),
        variances_written=sum(each.measured.variances for each in traded),
        metadata_refreshed=sum(each.metadata_refreshed for each in described),
        failures=failures | {each.market: each.failure for each in traded if each.failure is not None},
    )
    desk.telemetry.record("prices", report.summary())
    desk.telemetry.count(None, report.counts())
    return report


def _describe(desk: PriceDesk, markets: PublishedMarkets, deadline: Deadline) -> _Described:
    """Read the venue's clock; one that does not tell the time is down and is asked nothing else (R30)."""
    try:
        now_ms = markets.venue.time_ms(deadline)
    except _COUNTED as error:
        return _Described(markets=markets, now_ms=None, failures=dict.fromkeys(markets.described, str(error)))
    refreshed, failures = _keep_metadata(desk, markets, deadline)
    return _Described(
        markets=markets,
        now_ms=now_ms,
        metadata_refreshed=refreshed,
        failures={**failures, **_keep_volumes(desk, markets, deadline)},
    )


def _keep_metadata(desk: PriceDesk, markets: PublishedMarkets, deadline: Deadline) -> tuple[int, dict[Symbol, str]]:
    """Refresh the metadata that is missing or an hour old; returns how many, and which markets failed."""
    oldest_ms = desk.clock.now_ms() - METADATA_REFRESH_MS
    fetch = partial(markets.venue.fetch_metadata, deadline=deadline)
    try:
        kept = desk.prices.metadata(markets.name, markets.described)
        if not markets.venue.knows(markets.described):
            markets.venue.load(kept)
        fresh = {each.symbol for each in kept if each.fetched_ms > oldest_ms}
        metadata, failures = _together_or_alone(fetch, [each for each in markets.described if each not in fresh])
        desk.prices.save_metadata(markets.name, metadata)
    except _COUNTED as error:
        return 0, dict.fromkeys(markets.described, str(error))
    return len(metadata), failures


def _keep_volumes(desk: PriceDesk, markets: PublishedMarkets, deadline: Deadline) -> dict[Symbol, str]:
    """Keep every market's volume of the day; returns which markets failed."""
    fetch = partial(markets.venue.fetch_day_volume, deadline=deadline)
    try:
        volumes, failures = _together_or_alone(fetch, markets.symbols)
        for volume in volumes:
            desk.prices.save_day_volume(markets.name, volume)
    except _COUNTED as error:
        return dict.fromkeys(markets.symbols, str(error))
    return failures


def _together_or_alone[T](
    fetch: Callable[[Sequence[Symbol]], Sequence[T]], symbols: Sequence[Symbol]
) -> tuple[list[T], dict[Symbol, str]]:
    """Ask for all markets in one request; where that is refused, for each alone: one wrong market refuses them all."""
    found: list[T] = []
    failures: dict[Symbol, str] = {}
    if not symbols:
        return found, failures
    with suppress(Refused, AccountRefused):
        return list(fetch(symbols)), failures
    for symbol in symbols:
        try:
            found += fetch([symbol])
        except _COUNTED as error:
            failures[symbol] = str(error)
    return found, failures


def _work_market(
    desk: PriceDesk, markets: PublishedMarkets, symbol: Symbol, now_ms: int, deadline: Deadline
) -> _Traded:
    """Keep a market's klines up to the last minute, then measure it."""
    end_ms = minute_of(now_ms - SETTLE_MS)
    traded = _keep_klines(desk, markets, symbol, end_ms, deadline)
    if traded.failure is not None:
        return traded
    market = MeasuredMarket(
        venue_name=markets.name, venue=markets.venue, symbol=symbol, exposure_ms=markets.exposures_ms[symbol]
    )
    try:
        measured = measure(desk.prices, market, end_ms, deadline)
    except _COUNTED as error:
        return replace(traded, failure=str(error))
    return replace(traded, measured=measured, failure=measured.failure)


def _keep_klines(
    desk: PriceDesk, markets: PublishedMarkets, symbol: Symbol, end_ms: int, deadline: Deadline
) -> _Traded:
    """Keep the minutes that ended since the newest kept one, oldest first."""
    written = 0
    try:
        newest_ms = desk.prices.last_kline_ms(markets.name, symbol)
        earliest_ms = end_ms - min(MOST_KLINES * markets.kline_ms, MOST_MINUTES * MINUTE_MS)
        start_ms = earliest_ms if newest_ms is None else max(earliest_ms, newest_ms + MINUTE_MS)
        if start_ms >= end_ms:
            return _Traded(market=_named(markets, symbol), written=0)
        klines = markets.venue.fetch_klines(symbol, start_ms, end_ms, deadline, interval_ms=markets.kline_ms)
        for minute in in_minutes(klines):
            desk.prices.save_klines(markets.name, symbol, minute)
            written += len(minute.klines)
    except _COUNTED as error:
        return _Traded(market=_named(markets, symbol), written=written, failure=str(error))
    return _Traded(market=_named(markets, symbol), written=written)


def _named(markets: PublishedMarkets, symbol: Symbol) -> str:
    return f"{markets.name}#{symbol}"
