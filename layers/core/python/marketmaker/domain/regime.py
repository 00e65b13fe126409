"""How volatile a market is against its own last week, by day and by hour (M4): a function of stored variances alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

from marketmaker.domain.klines import MINUTE_MS, Kline
from marketmaker.domain.price_path import MOST_SILENT_MS
from marketmaker.domain.statistics import Unfit, VolatilityLevel

BUCKET_MS = 10 * MINUTE_MS
BUCKETS_A_DAY = 144
MOST_BUCKETS = 7 * BUCKETS_A_DAY
"""What a regime is judged against."""
LEAST_BUCKETS = 2 * BUCKETS_A_DAY
INTRADAY_BUCKETS = 6
LOW_QUANTILE, HIGH_QUANTILE = 0.4, 0.6
"""Between them a level stays what it was."""
LEAST_KNOWN_SHARE = 0.8
"""Of the buckets of any span; the others the venue did not list."""
MOST_LAG_MS = 6 * BUCKET_MS
"""How old the newest bucket may be."""
LEAD_MS = MOST_SILENT_MS + MINUTE_MS
"""How long before a bucket its first close may be."""

type Variances = Mapping[int, float | None]
"""The realised variance of each bucket by its start in ms; None where the venue does not list enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReading:
    """A level, the mean variance of a bucket that it is judged by, and between which it stays."""

    level: VolatilityLevel
    variance: float
    low_below: float
    high_above: float

    @property
    def yearly(self) -> tuple[float, float, float]:
        """The variance and both thresholds as volatilities of a year, shares of the price."""
        low, high = yearly_volatility(self.low_below), yearly_volatility(self.high_above)
        return yearly_volatility(self.variance), low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityRegime:
    """The levels of the last day and the last hour, of so many known buckets."""

    daily: LevelReading
    intraday: LevelReading
    buckets: int


def yearly_volatility(variance: float) -> float:
    """Return what a bucket's variance amounts to in a year, as a share of the price."""
    return sqrt(variance * 365 * BUCKETS_A_DAY)


def bucket_of(moment_ms: int) -> int:
    """Return the start of a moment's bucket."""
    return moment_ms - moment_ms % BUCKET_MS


def realised_variances(klines: Sequence[Kline], from_ms: int, to_ms: int) -> dict[int, float | None]:
    """Sum the squared log moves from minute to minute in each bucket of [from, to), of klines of a minute.

    They begin `LEAD_MS` earlier; a minute that is left out stands at the last close, within `MOST_SILENT_MS`.
    """
    closes = {kline.end_ms: float(kline.close) for kline in klines}
    return {start_ms: _variance(closes, start_ms) for start_ms in range(from_ms, to_ms, BUCKET_MS)}


def _variance(closes: Mapping[int, float], start_ms: int) -> float | None:
    ends_ms = range(start_ms, start_ms + BUCKET_MS + MINUTE_MS, MINUTE_MS)
    path = [_standing(closes, end_ms) for end_ms in ends_ms]
    known = [each for each in path if each is not None]
    if len(known) < len(path):
        return None
    return sum(log(after / before) ** 2 for before, after in pairwise(known))


def _standing(closes: Mapping[int, float], end_ms: int) -> float | None:
    """Return the last close up to a moment."""
    silent = range(end_ms, end_ms - MOST_SILENT_MS - MINUTE_MS, -MINUTE_MS)
    return next((closes[each] for each in silent if each in closes), None)


def read_regime(variances: Variances, *, until_ms: int) -> VolatilityRegime | Unfit:
    """Classify the last day and hour by thresholds from the last week, with hysteresis.

    A level becomes high above the upper quantile of the week's own values, low below the lower one, and starts low.
    """
    newest_ms = max((start_ms for start_ms, each in variances.items() if each is not None), default=None)
    if newest_ms is None:
        return Unfit(reason=f"no variances; needed: {LEAST_BUCKETS} of 10 minutes")
    lag_ms = until_ms - (newest_ms + BUCKET_MS)
    if lag_ms > MOST_LAG_MS:
        return Unfit(reason=f"the newest variance ended {lag_ms // MINUTE_MS} min ago; allowed: 60")
    week = [variances.get(newest_ms - number * BUCKET_MS) for number in reversed(range(MOST_BUCKETS))]
    known = sum(each is not None for each in week)
    span = next(len(week) - number for number, each in enumerate(week) if each is not None)
    if span < LEAST_BUCKETS:
        return Unfit(reason=f"variances of {span / 6:.1f} h; needed: {LEAST_BUCKETS // 6}")
    if known < LEAST_KNOWN_SHARE * span:
        return Unfit(reason=f"{known} of {span} variances known; needed: {LEAST_KNOWN_SHARE:.0%}")
    daily, intraday = _read_level(week, BUCKETS_A_DAY), _read_level(week, INTRADAY_BUCKETS)
    if daily is None or intraday is None:
        return Unfit(reason=f"less than {LEAST_KNOWN_SHARE:.0%} of the variances of the last day or hour known")
    return VolatilityRegime(daily=daily, intraday=intraday, buckets=known)


def _read_level(week: Sequence[float | None], span: int) -> LevelReading | None:
    """Fold the level over the mean variance of the `span` buckets up to each; None where the last one is unknown."""
    means = [_mean(week[max(0, end - span) : end], span) for end in range(1, len(week) + 1)]
    newest = means[-1]
    if newest is None:
        return None
    ordered = sorted(each for each in means if each is not None)
    low_below, high_above = _quantile(ordered, LOW_QUANTILE), _quantile(ordered, HIGH_QUANTILE)
    level = VolatilityLevel.LOW
    for each in means:
        if each is not None and each > high_above:
            level = VolatilityLevel.HIGH
        elif each is not None and each < low_below:
            level = VolatilityLevel.LOW
    return LevelReading(level=level, variance=newest, low_below=low_below, high_above=high_above)


def _mean(values: Sequence[float | None], span: int) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if len(known) >= LEAST_KNOWN_SHARE * span else None


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which that share of the ordered values lies, one of themselves."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
