"""Measure a market once a minute: σ, A and k of its last hour of klines, and its regime of a week of variances.

The variances come from the venue's own klines of a minute, whether a week of them is missing or only the last ten
minutes: what a fresh table is filled with is what runs without a break would have left.
"""

from dataclasses import dataclass

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.intensity import fit_intensity_from_klines
from marketmaker.domain.klines import MINUTE_MS
from marketmaker.domain.regime import (
    BUCKET_MS,
    LEAD_MS,
    MOST_BUCKETS,
    Variances,
    bucket_of,
    read_regime,
    realised_variances,
)
from marketmaker.domain.units import Symbol
from marketmaker.domain.volatility import fit_volatility
from marketmaker.errors import AccountRefused, Refused, Retryable
from marketmaker.ports import Deadline, Prices, Venue

WINDOW_MS = 60 * MINUTE_MS
"""How much of the past σ, A and k are measured on."""
BUCKETS_A_RUN = (1_000 * MINUTE_MS - LEAD_MS) // BUCKET_MS
"""What one run adds at most: one request of 1,000 klines; a week takes eleven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMarket:
    """A market to measure, and how long a quote stands in it."""

    venue_name: str
    venue: Venue
    symbol: Symbol
    exposure_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run added: variances, and whether the market was calibrated; `failure` kept variances from being added."""

    variances: int = 0
    is_calibrated: bool = False
    failure: str | None = None


NOT_MEASURED = Measured()


def measure(prices: Prices, market: MeasuredMarket, until_ms: int, deadline: Deadline) -> Measured:
    """Add the variances that are missing, oldest first, and measure the market up to a whole minute, once.

    A market that is not described, or closed, is not measured: its tick is not known.
    """
    name, symbol = market.venue_name, market.symbol
    kept = prices.calibrations(name, [symbol]).get(symbol)
    if kept is not None and kept.until_ms >= until_ms:
        return NOT_MEASURED
    if not market.venue.knows([symbol]) or not market.venue.instrument(symbol).is_trading:
        return NOT_MEASURED
    tick_size = float(market.venue.instrument(symbol).tick_size)
    end_ms = bucket_of(until_ms)
    week = prices.variances(name, symbol, end_ms - MOST_BUCKETS * BUCKET_MS, end_ms)
    found, failure = _missing_variances(market, week, end_ms, deadline)
    if found:
        prices.save_variances(name, symbol, found)
    klines = prices.klines(name, symbol, until_ms - WINDOW_MS, until_ms)
    calibration = Calibration(
        until_ms=until_ms,
        volatility=fit_volatility(klines, exposure_ms=market.exposure_ms, tick_size=tick_size),
        intensity=fit_intensity_from_klines(klines, tick_size=tick_size),
        regime=read_regime({**week, **found}, until_ms=until_ms),
    )
    prices.save_calibration(name, symbol, calibration)
    return Measured(variances=len(found), is_calibrated=True, failure=failure)


def _missing_variances(
    market: MeasuredMarket, kept: Variances, end_ms: int, deadline: Deadline
) -> tuple[Variances, str | None]:
    """Ask the venue for the oldest buckets of the week before `end_ms` that are missing, in one request.

    What it does not answer is the next run's; σ, A and k do not wait for it.
    """
    week = range(end_ms - MOST_BUCKETS * BUCKET_MS, end_ms, BUCKET_MS)
    first_ms = next((start_ms for start_ms in week if start_ms not in kept), None)
    if first_ms is None:
        return {}, None
    last_ms = min(end_ms, first_ms + BUCKETS_A_RUN * BUCKET_MS)
    try:
        klines = market.venue.fetch_klines(market.symbol, first_ms - LEAD_MS, last_ms, deadline, interval_ms=MINUTE_MS)
    except (Retryable, Refused, AccountRefused) as error:
        return {}, str(error)
    found = realised_variances(klines, first_ms, last_ms)
    return {start_ms: variance for start_ms, variance in found.items() if start_ms not in kept}, None
