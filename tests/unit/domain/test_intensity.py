"""A and k are those that orders arrived with, or why they cannot be told."""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from random import Random

import pytest

from marketmaker.domain.intensity import (
    LEAST_DISTANCES,
    LEAST_HITS,
    IntensityFit,
    Reaches,
    fit_intensity,
    fit_intensity_from_klines,
    fit_reaches,
)
from marketmaker.domain.klines import MINUTE_MS, Kline
from marketmaker.domain.price_path import MOST_SILENT_MS
from marketmaker.domain.statistics import Unfit
from tests.builders import SLOT_MS

NOON_MS = SLOT_MS - SLOT_MS % MINUTE_MS
A, K = 0.4, 4_000.0
"""Orders a second and side; k per share of the price: half of them reach 1.7 bps."""
MID, TICK = 2_000.0, 0.01
TOLERANCE = 0.15
"""What an hour tells: about 1,400 hits a side."""

type Times = list[tuple[int, float]]


def arrivals(seconds: int, seed: int = 1, intensity: float = A, decay: float = K) -> Times:
    """Draw trades whose distance from the middle is exponential, to whole ticks towards it, on both sides."""
    random, found = Random(seed), []  # noqa: S311 - a reproducible draw
    for sign in (1, -1):
        time_s = random.expovariate(intensity)
        while time_s < seconds:
            ticks = math.floor(random.expovariate(decay) * MID / TICK)
            found.append((NOON_MS + int(time_s * 1000), MID + sign * ticks * TICK))
            time_s += random.expovariate(intensity)
    return sorted(found)


def steady_mids(seconds: int) -> Times:
    return [(NOON_MS + 1000 * number, MID) for number in range(-1, seconds)]


def kline(number: int, low: float, high: float, close: float = MID, interval_ms: int = 1_000) -> Kline:
    first, last, bottom, top = (Decimal(f"{each:.2f}") for each in (close, close, low, high))
    return Kline(
        open_ms=NOON_MS + number * interval_ms,
        interval_ms=interval_ms,
        open=first,
        high=top,
        low=bottom,
        close=last,
        volume_base=Decimal(1),
    )


def klines_of(trades: Times, interval_ms: int = 1_000) -> list[Kline]:
    """Make klines that close at the middle, of the intervals in which something traded."""
    by_interval: dict[int, list[float]] = {0: []}
    for time_ms, price in trades:
        by_interval.setdefault((time_ms - NOON_MS) // interval_ms, []).append(price)
    return [
        kline(number, min([MID, *prices]), max([MID, *prices]), interval_ms=interval_ms)
        for number, prices in sorted(by_interval.items())
    ]


def fitted(fit: IntensityFit | Unfit) -> IntensityFit:
    assert isinstance(fit, IntensityFit), fit
    return fit


def reaches(ticks: Sequence[int], windows: int = 10_000) -> Reaches:
    return Reaches(ticks=ticks, windows=windows, window_ms=1_000, tick_share=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_an_hour_of_trades_and_quotes_gives_intensity_and_decay(seed: int) -> None:
    fit = fitted(fit_intensity(arrivals(3_600, seed), steady_mids(3_600), tick_size=TICK))
    assert fit.intensity == pytest.approx(A, rel=TOLERANCE)
    assert fit.decay == pytest.approx(K, rel=TOLERANCE)
    assert fit.r_squared > 0.97
    assert 1_500 < fit.hits < 3_000


@pytest.mark.parametrize("seed", range(4))
def test_klines_of_the_same_trades_give_the_same(seed: int) -> None:
    trades = arrivals(3_600, seed)
    fit = fitted(fit_intensity_from_klines(klines_of(trades), tick_size=TICK))
    assert fit.intensity == pytest.approx(A, rel=TOLERANCE)
    assert fit.decay == pytest.approx(K, rel=TOLERANCE)


def test_klines_of_a_minute_give_the_same_for_rarer_orders() -> None:
    trades = arrivals(600 * 60, intensity=0.02)
    fit = fitted(fit_intensity_from_klines(klines_of(trades, MINUTE_MS), tick_size=TICK))
    assert fit.intensity == pytest.approx(0.02, rel=TOLERANCE)
    assert fit.decay == pytest.approx(K, rel=TOLERANCE)


def test_twice_the_orders_are_twice_the_intensity_at_the_same_decay() -> None:
    one, two = (
        fitted(fit_intensity(arrivals(3_600, 5, intensity), steady_mids(3_600), tick_size=TICK))
        for intensity in (0.1, 0.2)
    )
    assert two.intensity / one.intensity == pytest.approx(2, rel=TOLERANCE)
    assert two.decay / one.decay == pytest.approx(1, rel=TOLERANCE)


def test_distances_are_taken_from_the_middle_before_the_window() -> None:
    moved = [(time_ms, MID + 20) for time_ms, _ in steady_mids(3_600)]
    trades = [(time_ms, price + 20) for time_ms, price in arrivals(3_600)]
    still = fitted(fit_intensity(arrivals(3_600), steady_mids(3_600), tick_size=TICK))
    assert fitted(fit_intensity(trades, moved, tick_size=TICK)).hits == still.hits


def test_windows_without_a_recent_quote_do_not_count() -> None:
    trades, mids = arrivals(3_600), steady_mids(3_600)
    hole = range(NOON_MS + 600_000, NOON_MS + 1_800_000)
    holed = [each for each in mids if each[0] not in hole]
    fit = fitted(fit_intensity(trades, holed, tick_size=TICK))
    assert fit.intensity == pytest.approx(A, rel=TOLERANCE)
    assert fit.hits < 0.8 * fitted(fit_intensity(trades, mids, tick_size=TICK)).hits


def test_klines_across_a_hole_do_not_count() -> None:
    before, after = klines_of(arrivals(1_800)), klines_of(arrivals(1_800, 2))
    gap = 1_800 + MOST_SILENT_MS // 1000
    leapt = [
        kline(gap + (each.open_ms - NOON_MS) // 1000, 2 * float(each.low), 2 * float(each.high), 2 * MID)
        for each in after
    ]
    both = fitted(fit_intensity_from_klines([*before, *leapt], tick_size=TICK))
    parts = [fit_intensity_from_klines(each, tick_size=TICK) for each in (before, leapt)]
    assert both.hits == sum(fitted(each).hits for each in parts)


def test_nothing_to_fit_is_refused() -> None:
    assert fit_intensity_from_klines([], tick_size=TICK) == Unfit(reason="no klines")
    mixed = [kline(0, MID, MID), kline(1, MID, MID, interval_ms=MINUTE_MS)]
    assert fit_intensity_from_klines(mixed, tick_size=TICK) == Unfit(reason="klines of several intervals")
    assert fit_intensity([], [], tick_size=TICK) == Unfit(reason="no quotes")
    one = fit_intensity([], steady_mids(0), tick_size=TICK)
    assert one == Unfit(reason="quotes of less than two windows of 1 s")
    assert fit_intensity_from_klines([kline(0, MID, MID)], tick_size=TICK) == Unfit(
        reason="0 hits in 0 windows; needed: 50"
    )


def test_too_few_hits_are_refused() -> None:
    assert fit_reaches(reaches([5] * (LEAST_HITS - 1))) == Unfit(reason="49 hits in 10000 windows; needed: 50")


def test_a_tick_as_large_as_the_distances_is_refused() -> None:
    assert fit_reaches(reaches([1] * 80 + [2] * 20)) == Unfit(
        reason="tick of 0.1 bps too coarse: hits reach 1.20 of them on average; needed: 2"
    )


def test_fewer_than_five_distances_are_refused() -> None:
    fit = fit_reaches(reaches([3] * 40 + [6] * 30 + [9] * 20 + [12] * 10))
    assert fit == Unfit(reason=f"4 usable distances of 100 hits; needed: {LEAST_DISTANCES}")


def test_a_distance_that_every_window_reached_says_nothing() -> None:
    ticks = [each for each in range(1, 21) for _ in range(5)]
    fit = fit_reaches(reaches(ticks, windows=100))
    assert not isinstance(fit, IntensityFit) or fit.distances < 20


def test_a_fit_that_is_no_exponential_is_refused() -> None:
    """Half of the hits stand next to the price, the others far away, all as one."""
    ticks = [*range(1, 6)] * 100 + [*range(995, 1_000)] * 100
    fit = fit_reaches(reaches(ticks, windows=100_000))
    assert isinstance(fit, Unfit)
    assert fit.reason.startswith("r² 0.")
    assert fit.reason.endswith("needed: 0.8")


def test_hits_never_grow_with_the_distance() -> None:
    counted = [*accumulate([1] * 40)]
    fit = fitted(fit_reaches(reaches([each for each in counted for _ in range(41 - each)])))
    assert fit.decay > 0
