"""Levels are judged by the market's own week, with hysteresis, and by stored variances alone (M4)."""

import math
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.klines import MINUTE_MS, Kline
from marketmaker.domain.regime import (
    BUCKET_MS,
    INTRADAY_BUCKETS,
    LEAD_MS,
    LEAST_BUCKETS,
    MOST_BUCKETS,
    MOST_LAG_MS,
    VolatilityRegime,
    bucket_of,
    read_regime,
    realised_variances,
)
from marketmaker.domain.statistics import Statistics, Unfit, VolatilityLevel
from marketmaker.domain.volatility import VolatilityFit
from tests.builders import SLOT_MS

LOW, HIGH = VolatilityLevel.LOW, VolatilityLevel.HIGH
START_MS = bucket_of(SLOT_MS)


def weekly(*spans: tuple[float | None, int]) -> dict[int, float | None]:
    """Lay spans of equal variances one after the other."""
    values = [variance for variance, buckets in spans for _ in range(buckets)]
    return {START_MS + number * BUCKET_MS: value for number, value in enumerate(values)}


def end_of(variances: dict[int, float | None]) -> int:
    return max(variances) + BUCKET_MS


def read(variances: dict[int, float | None]) -> VolatilityRegime:
    regime = read_regime(variances, until_ms=end_of(variances))
    assert isinstance(regime, VolatilityRegime), regime
    return regime


def refusal(variances: dict[int, float | None], lag_ms: int = 0) -> str:
    regime = read_regime(variances, until_ms=end_of(variances) + lag_ms)
    assert isinstance(regime, Unfit), regime
    return regime.reason


def minute(end_ms: int, close: float) -> Kline:
    price = Decimal(f"{close:.6f}")
    return Kline(
        open_ms=end_ms - MINUTE_MS,
        interval_ms=MINUTE_MS,
        open=price,
        high=price,
        low=price,
        close=price,
        volume_base=Decimal(1),
    )


def minutes(count: int, seed: int = 1) -> list[Kline]:
    """Draw minutes from a lead before the start on."""
    random, price, found = Random(seed), 1900.0, []  # noqa: S311 - a reproducible draw
    for number in range(count):
        price *= math.exp(random.gauss(0, 1e-3))
        found.append(minute(START_MS - LEAD_MS + MINUTE_MS * (number + 1), price))
    return found


class TestVariances:
    def test_a_bucket_sums_the_squared_moves_from_the_close_before_it(self) -> None:
        closes = [100, 101, 100, 102, 102, 103, 101, 100, 99, 100, 101]
        klines = [minute(START_MS + MINUTE_MS * number, close) for number, close in enumerate(closes)]
        wanted = sum(math.log(after / before) ** 2 for before, after in pairwise(closes))
        found = realised_variances(klines, START_MS, START_MS + BUCKET_MS)
        assert found == {START_MS: pytest.approx(wanted)}

    def test_ten_minutes_of_a_known_sigma_vary_by_ten_of_its_squares(self) -> None:
        count = 10 * MOST_BUCKETS
        found = realised_variances(minutes(count + 3), START_MS, START_MS + MOST_BUCKETS * BUCKET_MS)
        known = [each for each in found.values() if each is not None]
        assert len(known) == MOST_BUCKETS
        assert sum(known) / len(known) == pytest.approx(10 * 1e-6, rel=0.05)

    def test_a_silent_minute_or_two_stands_at_the_last_close(self) -> None:
        klines = minutes(13)
        (whole,) = realised_variances(klines, START_MS, START_MS + BUCKET_MS).values()
        for silent in (slice(5, 6), slice(5, 7), slice(2, 3), slice(12, 13)):
            some = [each for each in klines if each not in klines[silent]]
            (variance,) = realised_variances(some, START_MS, START_MS + BUCKET_MS).values()
            assert variance is not None
            assert variance != whole

    @pytest.mark.parametrize("silent", [slice(5, 8), slice(0, 3), slice(10, 13), slice(0, 13)])
    def test_a_longer_silence_is_no_variance(self, silent: slice) -> None:
        klines = minutes(13)
        some = [each for each in klines if each not in klines[silent]]
        assert realised_variances(some, START_MS, START_MS + BUCKET_MS) == {START_MS: None}

    @given(parts=st.lists(st.integers(1, 30), min_size=1, max_size=5), silent=st.sets(st.integers(0, 1500)))
    def test_buckets_are_the_same_asked_for_one_by_one_or_together(self, parts: list[int], silent: set[int]) -> None:
        buckets = sum(parts)
        klines = [each for number, each in enumerate(minutes(10 * buckets + 3)) if number not in silent]
        together = realised_variances(klines, START_MS, START_MS + buckets * BUCKET_MS)
        one_by_one: dict[int, float | None] = {}
        for part in parts:
            from_ms = START_MS + len(one_by_one) * BUCKET_MS
            to_ms = from_ms + part * BUCKET_MS
            listed = [each for each in klines if from_ms - LEAD_MS <= each.open_ms < to_ms]
            one_by_one |= realised_variances(listed, from_ms, to_ms)
        assert one_by_one == together


class TestLevels:
    def test_a_wild_day_after_a_calm_week_is_high(self) -> None:
        regime = read(weekly((1.0, 5 * 144), (9.0, 144)))
        assert (regime.daily.level, regime.intraday.level, regime.buckets) == (HIGH, HIGH, 6 * 144)
        assert regime.daily.variance == pytest.approx(9)

    def test_a_calm_day_after_a_wild_week_is_low(self) -> None:
        regime = read(weekly((9.0, 5 * 144), (1.0, 144)))
        assert (regime.daily.level, regime.intraday.level) == (LOW, LOW)

    def test_a_wild_hour_in_a_calm_day_is_high_intraday_alone(self) -> None:
        regime = read(weekly((9.0, 3 * 144), (1.0, 2 * 144), (12.0, INTRADAY_BUCKETS)))
        assert (regime.daily.level, regime.intraday.level) == (LOW, HIGH)

    def test_a_calm_hour_in_a_wild_day_is_low_intraday_alone(self) -> None:
        regime = read(weekly((2.0, 3 * 144), (9.0, 144), (1.0, INTRADAY_BUCKETS)))
        assert (regime.daily.level, regime.intraday.level) == (HIGH, LOW)

    def test_a_market_that_never_varies_is_low(self) -> None:
        for variance in (0.0, 1.0):
            regime = read(weekly((variance, LEAST_BUCKETS)))
            assert (regime.daily.level, regime.intraday.level) == (LOW, LOW)

    @pytest.mark.parametrize(("before", "level"), [(11.0, HIGH), (0.9, LOW)])
    def test_between_the_thresholds_a_level_stays_what_it_was(self, before: float, level: VolatilityLevel) -> None:
        """Half of the week is at 1 and half at 10, then comes a clear hour, then one in between."""
        regime = read(weekly((1.0, 400), (10.0, 400), (before, 6), (5.0, 6)))
        assert (regime.intraday.low_below, regime.intraday.high_above) == (1.0, 10.0)
        assert regime.intraday.variance == 5.0
        assert regime.intraday.level is level

    @given(
        variances=st.lists(st.floats(1e-9, 1e-3), min_size=LEAST_BUCKETS, max_size=LEAST_BUCKETS + 40),
        factor=st.sampled_from([0.25, 4.0]),
    )
    def test_levels_do_not_depend_on_the_markets_own_scale(self, variances: list[float], factor: float) -> None:
        one = weekly(*((each, 1) for each in variances))
        other = {start_ms: each and each * factor for start_ms, each in one.items()}
        assert [read(one).daily.level, read(one).intraday.level] == [
            read(other).daily.level,
            read(other).intraday.level,
        ]

    def test_what_is_older_than_a_week_changes_nothing(self) -> None:
        week = weekly((1.0, 5 * 144), (9.0, 2 * 144))
        older = {START_MS - number * BUCKET_MS: 100.0 * number for number in range(1, 50)}
        assert read({**older, **week}) == read(week)


class TestRefusals:
    def test_no_history_is_refused(self) -> None:
        assert read_regime({}, until_ms=START_MS) == Unfit(reason="no variances; needed: 288 of 10 minutes")
        assert read_regime({START_MS: None}, until_ms=START_MS).reason.startswith("no variances")  # type: ignore[union-attr]

    def test_less_than_two_days_are_refused(self) -> None:
        assert refusal(weekly((1.0, LEAST_BUCKETS - 1))) == "variances of 47.8 h; needed: 48"
        assert read(weekly((1.0, LEAST_BUCKETS))).buckets == LEAST_BUCKETS

    def test_an_old_history_is_refused(self) -> None:
        week = weekly((1.0, LEAST_BUCKETS))
        assert read_regime(week, until_ms=end_of(week) + MOST_LAG_MS) == read(week)
        assert refusal(week, lag_ms=MOST_LAG_MS + MINUTE_MS) == "the newest variance ended 61 min ago; allowed: 60"

    def test_a_fifth_may_be_missing_and_no_more(self) -> None:
        thinned = weekly(*[(1.0, 4), (None, 1)] * 60)
        del thinned[max(thinned)]
        assert read(thinned).buckets == 240
        holed = weekly((1.0, 100), (None, 100), (1.0, 250))
        assert refusal(holed) == "350 of 450 variances known; needed: 80%"

    def test_an_hour_that_is_mostly_missing_is_refused(self) -> None:
        variances = weekly((1.0, LEAST_BUCKETS), (None, 2), (1.0, 4))
        assert refusal(variances) == "less than 80% of the variances of the last day or hour known"


class TestCalibration:
    def test_models_get_what_fits_and_nothing_else(self) -> None:
        no = Unfit(reason="no")
        regime = read(weekly((1.0, 5 * 144), (9.0, 144)))
        volatility = VolatilityFit(sigma=1e-4, best_distance=2e-4, moves=9, span_ms=6_000)
        intensity = IntensityFit(intensity=0.5, decay=4_000, r_squared=0.9, hits=60, distances=9)
        assert Calibration(until_ms=5, volatility=volatility, intensity=intensity, regime=regime).statistics == (
            Statistics(
                until_ms=5, sigma=1e-4, best_distance=2e-4, intensity=0.5, decay=4_000, daily=HIGH, intraday=HIGH
            )
        )
        assert Calibration(until_ms=5, volatility=no, intensity=no, regime=no).statistics == Statistics(until_ms=5)
