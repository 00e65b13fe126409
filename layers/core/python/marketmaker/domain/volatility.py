"""How far a price moves while a quote stands: σ and the distance that such moves pay best (M6)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul, ne

from marketmaker.domain.klines import Kline
from marketmaker.domain.optimum import measured_optimum
from marketmaker.domain.price_path import PricePath, path_of_klines
from marketmaker.domain.statistics import Unfit

LEAST_SEPARATE_MOVES = 30
"""Moves that do not overlap: σ then has a standard error of 13 %."""
LEAST_CHANGES = 20
"""How often the price must have changed from one kline to the next."""
LEAST_MEAN_TICKS = 2
"""How long a move that is not zero must be on average; else it is the grid that is measured, not the price."""
YEAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityFit:
    """The volatility of `moves` overlapping moves of `span_ms` each, relative to the price.

    `sigma` is their root mean square per square root of a second; `best_distance` is the argmax of d · P(|move| > d),
    None where the klines are longer than the exposure, so that moves over it were never seen.
    """

    sigma: float
    best_distance: float | None
    moves: int
    span_ms: int

    @property
    def yearly(self) -> float:
        """The volatility of a year, as a share of the price."""
        return self.sigma * math.sqrt(YEAR_S)


def fit_volatility(klines: Sequence[Kline], *, exposure_ms: int, tick_size: float) -> VolatilityFit | Unfit:
    """Measure the moves of the last price over a quote's exposure, rounded up to whole klines, oldest first."""
    path = path_of_klines(klines)
    if isinstance(path, Unfit):
        return path
    return fit_volatility_of_path(path, exposure_ms=exposure_ms, tick_size=tick_size)


def fit_volatility_of_path(path: PricePath, *, exposure_ms: int, tick_size: float) -> VolatilityFit | Unfit:
    """Measure the moves of any price; σ counts the moves of nothing too."""
    steps = -(-exposure_ms // path.interval_ms)
    span_ms = steps * path.interval_ms
    pairs = [pair for each in path.stretches for pair in zip(each, each[steps:], strict=False)]
    separate = sum((len(each) - 1) // steps for each in path.stretches)
    if separate < LEAST_SEPARATE_MOVES:
        return Unfit(reason=f"{separate} separate moves of {span_ms / 1000:g} s; needed: {LEAST_SEPARATE_MOVES}")
    changes = sum(sum(map(ne, each, each[1:])) for each in path.stretches)
    if changes < LEAST_CHANGES:
        return Unfit(reason=f"the price changed {changes} times in {path.intervals} intervals; needed: {LEAST_CHANGES}")
    sizes = [abs(after - before) for before, after in pairs if after != before]
    mean = math.fsum(sizes) / len(sizes) / tick_size if sizes else 0
    if mean < LEAST_MEAN_TICKS:
        return Unfit(reason=f"tick {tick_size:g} too coarse: moves are {mean:.2f} of them on average; needed: 2")
    moves = [abs(math.log(after / before)) for before, after in pairs]
    sigma = math.sqrt(math.fsum(map(mul, moves, moves)) / len(moves) / (span_ms / 1000))
    has_seen_exposure = path.interval_ms <= exposure_ms
    return VolatilityFit(
        sigma=sigma,
        best_distance=measured_optimum(moves) if has_seen_exposure else None,
        moves=len(moves),
        span_ms=span_ms,
    )
