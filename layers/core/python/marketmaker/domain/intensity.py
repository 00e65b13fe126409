"""How often trading reaches a distance: λ(δ) = A · exp(−k · δ), fitted to what was seen (Avellaneda & Stoikov 2008)."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from marketmaker.domain.klines import Kline
from marketmaker.domain.price_path import MOST_SILENT_MS
from marketmaker.domain.statistics import Unfit

LEAST_R_SQUARED = 0.8
"""Below this an exponential does not describe how trading thins out with the distance."""
LEAST_MEAN_TICKS = 2
"""How far hits must reach on average; else the grid is coarser than what is to be measured."""
LEAST_DISTANCES = 5
MOST_DISTANCES = 20
LEAST_HITS = 50
LEAST_HITS_A_DISTANCE = 5
"""Distances that fewer hits reached say nothing."""
WINDOW_MS = 1_000
"""How long trading is watched from one quote, where every trade and quote was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityFit:
    """Orders arrive at `intensity` · exp(−`decay` · distance) a second and side, the distance a share of the price.

    `hits` windows of a side saw trading at one tick or further; `r_squared` is of the weighted fit of ln λ over
    `distances` distances.
    """

    intensity: float
    decay: float
    r_squared: float
    hits: int
    distances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaches:
    """How many ticks trading went beyond a price within so many windows of a side, the windows in which it did."""

    ticks: Sequence[int]
    windows: int
    window_ms: int
    tick_share: float
    """The tick as a share of the price."""


def fit_intensity_from_klines(klines: Sequence[Kline], *, tick_size: float) -> IntensityFit | Unfit:
    """Fit how far trading went from each kline's previous close, both sides alike; klines oldest first.

    A kline that the venue leaves out is a window that nothing reached; holes are not counted.
    """
    intervals_ms = {kline.interval_ms for kline in klines}
    if len(intervals_ms) != 1:
        return Unfit(reason="no klines" if not klines else "klines of several intervals")
    (interval_ms,) = intervals_ms
    ticks: list[int] = []
    windows = 0
    for before, kline in pairwise(klines):
        passed_ms = kline.open_ms - before.open_ms
        if passed_ms - interval_ms <= MOST_SILENT_MS:
            windows += 2 * (passed_ms // interval_ms)
            close = float(before.close)
            ticks += _whole_ticks([float(kline.high) - close, close - float(kline.low)], tick_size)
    price = math.fsum(float(kline.close) for kline in klines) / len(klines)
    return fit_reaches(Reaches(ticks=ticks, windows=windows, window_ms=interval_ms, tick_share=tick_size / price))


def fit_intensity(
    trades: Iterable[tuple[int, float]], mids: Iterable[tuple[int, float]], *, tick_size: float
) -> IntensityFit | Unfit:
    """Fit how far trades went from the middle of the book, window by window; times in ms, oldest first.

    A window starts with the last middle before it, which is no older than a silence may be.
    """
    starts = _by_window(mids)
    if not starts:
        return Unfit(reason="no quotes")
    reaches = _extremes(trades)
    ticks: list[int] = []
    windows, total = 0, 0.0
    last = min(starts)
    for number in range(last + 1, max(starts) + 1):
        if number - 1 in starts:
            last = number - 1
        if (number - last - 1) * WINDOW_MS > MOST_SILENT_MS:
            continue
        mid = starts[last]
        windows += 2
        total += mid
        if number in reaches:
            low, high = reaches[number]
            ticks += _whole_ticks([high - mid, mid - low], tick_size)
    if not windows:
        return Unfit(reason=f"quotes of less than two windows of {WINDOW_MS / 1000:g} s")
    price = 2 * total / windows
    return fit_reaches(Reaches(ticks=ticks, windows=windows, window_ms=WINDOW_MS, tick_share=tick_size / price))


def fit_reaches(reaches: Reaches) -> IntensityFit | Unfit:
    """Fit λ(δ) = −ln(1 − P(δ reached in a window)) / window by weighted least squares of its logarithm.

    The weights are the inverse variances of ln λ̂, for P a share of so many windows. Each distance is one that fewer
    hits reached than the one before, so k is always above 0.
    """
    ordered = sorted(reaches.ticks)
    if len(ordered) < LEAST_HITS:
        return Unfit(reason=f"{len(ordered)} hits in {reaches.windows} windows; needed: {LEAST_HITS}")
    mean = sum(ordered) / len(ordered)
    if mean < LEAST_MEAN_TICKS:
        bps = reaches.tick_share * 1e4
        return Unfit(reason=f"tick of {bps:.2g} bps too coarse: hits reach {mean:.2f} of them on average; needed: 2")
    points = [point for distance in _grid(ordered) if (point := _point(reaches, ordered, distance)) is not None]
    if len(points) < LEAST_DISTANCES:
        return Unfit(reason=f"{len(points)} usable distances of {len(ordered)} hits; needed: {LEAST_DISTANCES}")
    slope, level, r_squared = _weighted_line(points)
    if r_squared < LEAST_R_SQUARED:
        return Unfit(reason=f"r² {r_squared:.2f} over {len(points)} distances; needed: {LEAST_R_SQUARED}")
    return IntensityFit(
        intensity=math.exp(level), decay=-slope, r_squared=r_squared, hits=len(ordered), distances=len(points)
    )


def _whole_ticks(distances: Iterable[float], tick_size: float) -> list[int]:
    """Count the whole ticks of each distance that has one; floats miss the grid by their last digit."""
    return [ticks for each in distances if (ticks := math.floor(each / tick_size + 1e-6)) >= 1]


def _by_window(prices: Iterable[tuple[int, float]]) -> dict[int, float]:
    return {time_ms // WINDOW_MS: price for time_ms, price in prices}


def _extremes(trades: Iterable[tuple[int, float]]) -> dict[int, tuple[float, float]]:
    """Return the lowest and the highest price that traded in each window."""
    found: dict[int, tuple[float, float]] = {}
    for time_ms, price in trades:
        number = time_ms // WINDOW_MS
        low, high = found.get(number, (price, price))
        found[number] = (min(low, price), max(high, price))
    return found


def _grid(ordered: Sequence[int]) -> list[int]:
    """Pick distances at equal shares of the hits, up to the furthest that enough of them reached."""
    last = len(ordered) - LEAST_HITS_A_DISTANCE
    return sorted({ordered[last * each // (MOST_DISTANCES - 1)] for each in range(MOST_DISTANCES)})


def _point(reaches: Reaches, ordered: Sequence[int], ticks: int) -> tuple[float, float, float] | None:
    """Return a distance, ln λ there, and its weight; None where every window was reached."""
    hits = len(ordered) - bisect_left(ordered, ticks)
    share = hits / reaches.windows
    if share >= 1:
        return None
    missed = -math.log1p(-share)
    weight = reaches.windows * (1 - share) * missed * missed / share
    return ticks * reaches.tick_share, math.log(missed / (reaches.window_ms / 1000)), weight


def _weighted_line(points: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Fit y = level + slope · x, of points that differ in both; returns slope, level and the weighted r²."""
    total = math.fsum(weight for _, _, weight in points)
    mean_x = math.fsum(weight * x for x, _, weight in points) / total
    mean_y = math.fsum(weight * y for _, y, weight in points) / total
    xx = math.fsum(weight * (x - mean_x) ** 2 for x, _, weight in points)
    xy = math.fsum(weight * (x - mean_x) * (y - mean_y) for x, y, weight in points)
    yy = math.fsum(weight * (y - mean_y) ** 2 for _, y, weight in points)
    slope = xy / xx
    return slope, mean_y - slope * mean_x, xy * xy / (xx * yy)
