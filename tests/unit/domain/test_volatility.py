"""σ and the best distance are those that prices were drawn with, or why they cannot be told (M6)."""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from marketmaker.domain.klines import MINUTE_MS, Kline
from marketmaker.domain.price_path import MOST_SILENT_MS, PricePath, path_of_klines, path_of_prices
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.volatility import (
    LEAST_CHANGES,
    LEAST_SEPARATE_MOVES,
    VolatilityFit,
    fit_volatility,
    fit_volatility_of_path,
)
from tests.builders import SLOT_MS

NOON_MS = SLOT_MS - SLOT_MS % MINUTE_MS
SIGMA = 1.5e-4
"""Per square root of a second: 84 % a year."""
TICK = 0.01


def still(close: float, number: int, interval_ms: int = 1_000) -> Kline:
    price = Decimal(f"{close:.2f}")
    return Kline(
        open_ms=NOON_MS + number * interval_ms,
        interval_ms=interval_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        volume_base=Decimal(1),
    )


def walk(intervals: int, interval_ms: int = 1_000, sigma: float = SIGMA, seed: int = 7) -> list[Kline]:
    """Draw a price that moves by a normal of this σ per square root of a second."""
    random, price, found = Random(seed), 1900.0, []  # noqa: S311 - a reproducible draw
    for number in range(intervals):
        found.append(still(price, number, interval_ms))
        price *= math.exp(random.gauss(0, sigma * math.sqrt(interval_ms / 1000)))
    return found


def fitted(klines: Sequence[Kline], exposure_ms: int = 5_500, tick_size: float = TICK) -> VolatilityFit:
    fit = fit_volatility(klines, exposure_ms=exposure_ms, tick_size=tick_size)
    assert isinstance(fit, VolatilityFit), fit
    return fit


def refusal(klines: Sequence[Kline], exposure_ms: int = 5_500, tick_size: float = TICK) -> str:
    fit = fit_volatility(klines, exposure_ms=exposure_ms, tick_size=tick_size)
    assert isinstance(fit, Unfit), fit
    return fit.reason


@pytest.mark.parametrize("seed", range(4))
def test_an_hour_of_seconds_gives_sigma_and_the_best_distance_of_its_normal_moves(seed: int) -> None:
    fit = fitted(walk(3_600, seed=seed))
    assert fit.sigma == pytest.approx(SIGMA, rel=0.1)  # 600 separate moves: a standard error of 3 %
    assert fit.best_distance == pytest.approx(0.7518 * SIGMA * math.sqrt(6), rel=0.2)
    assert (fit.moves, fit.span_ms) == (3_594, 6_000)
    assert fit.yearly == pytest.approx(fit.sigma * 5_615.7, rel=1e-4)


def test_a_longer_exposure_moves_further_at_the_same_sigma() -> None:
    short, long = fitted(walk(3_600)), fitted(walk(3_600), exposure_ms=60_000)
    assert long.sigma == pytest.approx(short.sigma, rel=0.2)
    assert long.best_distance is not None
    assert short.best_distance is not None
    assert long.best_distance > 2 * short.best_distance


def test_klines_of_a_minute_give_sigma_and_no_distance_for_a_shorter_exposure() -> None:
    fit = fitted(walk(600, interval_ms=MINUTE_MS))
    assert fit.sigma == pytest.approx(SIGMA, rel=0.1)
    assert fit.best_distance is None
    assert fit.span_ms == 60_000
    assert fitted(walk(600, interval_ms=MINUTE_MS), exposure_ms=60_000).best_distance is not None


def test_seconds_that_are_left_out_stand_at_the_last_close() -> None:
    every = [still(1900 if number % 4 else float(each.close), number) for number, each in enumerate(walk(600))]
    listed = [each for before, each in pairwise(every) if each.close != before.close]
    assert len(listed) < 400
    ends = [] if listed[-1] == every[-1] else [every[-1]]
    assert fitted([every[0], *listed, *ends]) == fitted(every)


def test_nothing_is_measured_across_a_hole() -> None:
    first, second = walk(300), walk(300, seed=8)
    gap = MOST_SILENT_MS // 1000 + 1
    leapt = [still(2 * float(each.close), 300 + gap + number) for number, each in enumerate(second)]
    assert fitted([*first, *leapt]).sigma == pytest.approx(SIGMA, rel=0.15)
    assert fitted([*first, *leapt]).moves == 2 * 294
    joined = [still(float(each.close), 300 + gap - 1 + number) for number, each in enumerate(second)]
    assert fitted([*first, *joined]).moves == 600 + gap - 1 - 6


def test_sigma_is_relative_to_the_price_and_independent_of_its_level() -> None:
    klines = walk(600)
    doubled = [still(10 * float(each.close), number) for number, each in enumerate(klines)]
    assert fitted(doubled).sigma == pytest.approx(fitted(klines).sigma, rel=1e-6)


def test_without_klines_nothing_is_told() -> None:
    assert refusal([]) == "no klines"
    assert refusal([*walk(60), still(1900, 60, MINUTE_MS)]) == "klines of several intervals"
    assert path_of_prices([], 1_000) == Unfit(reason="no prices")


def test_too_short_a_past_is_refused_with_the_figures() -> None:
    assert refusal(walk(6 * LEAST_SEPARATE_MOVES)) == "29 separate moves of 6 s; needed: 30"
    fitted(walk(6 * LEAST_SEPARATE_MOVES + 1))


def test_a_price_that_hardly_changed_is_refused() -> None:
    assert refusal([still(1900, number) for number in range(600)]).startswith("the price changed 0 times in 599")
    rare = [still(1900 + number // 30, number) for number in range(30 * LEAST_CHANGES)]
    assert refusal(rare) == "the price changed 19 times in 599 intervals; needed: 20"
    fitted([*rare, still(1950, 600)])


def test_a_tick_as_large_as_the_moves_is_refused() -> None:
    random = Random(3)  # noqa: S311 - a reproducible draw
    bouncing = [still(1900 + random.choice((0, 1)), number) for number in range(600)]
    assert refusal(bouncing, tick_size=1) == "tick 1 too coarse: moves are 1.00 of them on average; needed: 2"
    assert fitted(bouncing, tick_size=0.5).sigma > 0


def test_moves_that_all_come_back_are_as_good_as_none() -> None:
    there_and_back = [still(1900 + number % 6, number) for number in range(600)]
    assert refusal(there_and_back) == "tick 0.01 too coarse: moves are 0.00 of them on average; needed: 2"


def test_prices_at_any_moment_are_sampled_at_the_end_of_each_interval() -> None:
    path = path_of_prices([(1_000, 1.0), (1_999, 2.0), (4_100, 5.0), (200_000, 3.0)], 1_000)
    assert path == PricePath(interval_ms=1_000, stretches=((2.0, 2.0, 2.0, 5.0), (3.0,)))
    assert path.intervals == 3


def test_a_recorded_path_is_measured_as_klines_are() -> None:
    klines = walk(600)
    path = path_of_klines(klines)
    assert isinstance(path, PricePath)
    assert fit_volatility_of_path(path, exposure_ms=5_500, tick_size=TICK) == fitted(klines)
