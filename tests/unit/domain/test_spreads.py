"""Half-spreads by name, what they need, and the cadence's risk (S1, M4, M6, R36)."""

import math
from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.models import AvellanedaStoikov, Distribution, Glft, HalfSpread, Regime, SigmaOptimal
from marketmaker.domain.reservation import avellaneda_stoikov, glft
from marketmaker.domain.spreads import (
    MissingInput,
    SpreadInputs,
    Width,
    assumed_sigma,
    cadence_risk,
    measured_sigma,
    width,
)
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ONE, ZERO, from_statistic
from tests.strategies import prices, sizes

FAIR = Decimal(1900)
LOW, HIGH = VolatilityLevel.LOW, VolatilityLevel.HIGH
NORMAL = SigmaOptimal(distribution=Distribution.NORMAL)
MEASURED = SigmaOptimal(distribution=Distribution.MEASURED)
STOIKOV = AvellanedaStoikov(gamma=Decimal("0.1"), horizon_ms=60_000, decay=None)
GLFT = Glft(gamma=Decimal("0.1"), intensity=None, decay=None)
REGIME = Regime(
    narrow=QuoteDistance(quote=Decimal("0.3")),
    wide=BpsDistance(bps=Decimal(10)),
    larger=Decimal("1.5"),
    smaller=Decimal("0.5"),
    compact=Decimal("0.7"),
)
KNOWN = Statistics(until_ms=0, sigma=0.0001, best_distance=0.0004, intensity=0.5, decay=3800.0, daily=LOW, intraday=LOW)


def inputs(
    statistics: Statistics | None = KNOWN,
    *,
    fair: Decimal = FAIR,
    order_size_base: Decimal = Decimal("0.1"),
    exposure_ms: int = 4_000,
) -> SpreadInputs:
    return SpreadInputs(fair=fair, order_size_base=order_size_base, exposure_ms=exposure_ms, statistics=statistics)


def wanted(settings: HalfSpread, given: SpreadInputs | None = None) -> Width:
    result = width(settings, given or inputs())
    assert isinstance(result, Width), result
    return result


def missing(settings: HalfSpread, statistics: Statistics | None) -> str:
    result = width(settings, inputs(statistics))
    assert isinstance(result, MissingInput), result
    return result.text


# fixed


def test_a_fixed_spread_needs_no_statistics() -> None:  # S1
    assert wanted(QuoteDistance(quote=Decimal("0.5")), inputs(None)) == Width(half_spread=Decimal("0.5"))
    assert wanted(BpsDistance(bps=Decimal(10)), inputs(None)) == Width(half_spread=Decimal("1.9"))


# sigma_optimal


def test_the_normal_optimum_is_that_of_a_move_over_the_quotes_exposure() -> None:  # M6
    half_spread = wanted(NORMAL).half_spread
    assert half_spread == from_statistic(0.7517915246935645 * 0.0001 * 2 * 1900)  # √4 s
    doubled = SigmaOptimal(distribution=Distribution.NORMAL, multiple=Decimal(2))
    assert wanted(doubled).half_spread == pytest.approx(2 * half_spread)
    assert wanted(NORMAL, inputs(exposure_ms=16_000)).half_spread == pytest.approx(2 * half_spread)


def test_the_measured_optimum_is_the_measured_distance_at_the_fair_price() -> None:  # M6
    assert wanted(MEASURED) == Width(half_spread=Decimal("0.76"))
    assert wanted(SigmaOptimal(distribution=Distribution.MEASURED, multiple=Decimal("0.5"))).half_spread == Decimal(
        "0.38"
    )


# the reservation price models


def test_avellaneda_stoikov_takes_volatility_and_decay_to_the_price() -> None:
    half, shift = avellaneda_stoikov(gamma=0.1, sigma=0.19, decay=2.0, horizon_s=60, size=0.1)
    assert wanted(STOIKOV) == Width(half_spread=from_statistic(half), shift_per_base=from_statistic(shift))


def test_glft_takes_volatility_and_decay_to_the_price() -> None:
    half, shift = glft(gamma=0.1, sigma=0.19, intensity=0.5, decay=2.0, size=0.1)
    assert wanted(GLFT) == Width(half_spread=from_statistic(half), shift_per_base=from_statistic(shift))


def test_configured_intensity_and_decay_are_per_quote_currency_and_go_before_the_measured_ones() -> None:
    half, shift = avellaneda_stoikov(gamma=0.1, sigma=0.19, decay=4.0, horizon_s=60, size=0.1)
    configured: HalfSpread = AvellanedaStoikov(gamma=Decimal("0.1"), horizon_ms=60_000, decay=Decimal(4))
    assert wanted(configured) == Width(half_spread=from_statistic(half), shift_per_base=from_statistic(shift))
    half, shift = glft(gamma=0.1, sigma=0.19, intensity=0.25, decay=4.0, size=0.1)
    configured = Glft(gamma=Decimal("0.1"), intensity=Decimal("0.25"), decay=Decimal(4))
    only_sigma = inputs(Statistics(until_ms=0, sigma=0.0001))
    assert wanted(configured, only_sigma) == wanted(configured)
    assert wanted(configured) == Width(half_spread=from_statistic(half), shift_per_base=from_statistic(shift))


def test_a_half_spread_as_wide_as_the_price_is_no_half_spread() -> None:
    reckless = AvellanedaStoikov(gamma=Decimal("0.0001"), horizon_ms=60_000, decay=Decimal("0.0005"))
    assert ": a half-spread of 1980.26" in missing(reckless, KNOWN)


@pytest.mark.parametrize(
    "settings",
    [
        AvellanedaStoikov(gamma=ZERO, horizon_ms=60_000, decay=None),
        AvellanedaStoikov(gamma=Decimal("-1e9"), horizon_ms=60_000, decay=None),
        Glft(gamma=ZERO, intensity=None, decay=None),
        Glft(gamma=Decimal("-1e9"), intensity=None, decay=None),
        Glft(gamma=ONE, intensity=ZERO, decay=None),
    ],
)
def test_settings_that_make_no_sense_give_no_width(settings: HalfSpread) -> None:
    assert "makes no sense of its numbers at a price of 1900" in missing(settings, KNOWN)


# regime


@pytest.mark.parametrize(
    ("daily", "intraday", "expected"),
    [
        (LOW, LOW, Width(half_spread=Decimal("0.3"))),
        (LOW, HIGH, Width(half_spread=Decimal("1.9"), size_factor=Decimal("1.5"), averages=True)),
        (HIGH, LOW, Width(half_spread=Decimal("0.3"), spacing_factor=Decimal("0.7"))),
        (HIGH, HIGH, Width(half_spread=Decimal("1.9"), size_factor=Decimal("0.5"))),
    ],
)
def test_the_regime_chooses_spread_size_and_spacing(
    daily: VolatilityLevel, intraday: VolatilityLevel, expected: Width
) -> None:  # M4
    assert wanted(REGIME, inputs(Statistics(until_ms=0, daily=daily, intraday=intraday))) == expected


# what is missing


@pytest.mark.parametrize(
    ("settings", "statistics", "text"),
    [
        (NORMAL, Statistics(until_ms=0, best_distance=0.1), "sigma_optimal needs σ"),
        (MEASURED, Statistics(until_ms=0, sigma=0.1), "sigma_optimal needs the moves of past prices"),
        (STOIKOV, Statistics(until_ms=0, decay=1.0), "avellaneda_stoikov needs σ"),
        (STOIKOV, Statistics(until_ms=0, sigma=0.1), "avellaneda_stoikov needs k"),
        (GLFT, Statistics(until_ms=0, intensity=1.0, decay=1.0), "glft needs σ"),
        (GLFT, Statistics(until_ms=0, sigma=0.1, decay=1.0), "glft needs A and k"),
        (GLFT, Statistics(until_ms=0, sigma=0.1, intensity=1.0), "glft needs A and k"),
        (REGIME, Statistics(until_ms=0, daily=LOW), "regime needs the volatility of the day and within it"),
        (REGIME, Statistics(until_ms=0, intraday=LOW), "regime needs the volatility of the day and within it"),
    ],
)
def test_a_model_names_what_it_lacks(settings: HalfSpread, statistics: Statistics, text: str) -> None:
    assert missing(settings, statistics).startswith(f"{text}, not measured well enough: ")
    assert "not measured well enough: " in missing(settings, None)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf, 0.0, -1.0])
@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        (NORMAL, "sigma"),
        (MEASURED, "best_distance"),
        (STOIKOV, "sigma"),
        (STOIKOV, "decay"),
        (GLFT, "sigma"),
        (GLFT, "decay"),
        (GLFT, "intensity"),
    ],
)
def test_a_statistic_that_cannot_be_one_counts_as_not_measured(
    settings: HalfSpread, needed: str, broken: float
) -> None:
    spoilt: dict[str, Any] = {needed: broken}
    assert "not measured well enough" in missing(settings, replace(KNOWN, **spoilt))


def test_what_can_be_configured_instead_is_named() -> None:
    assert missing(GLFT, None).endswith("see `mm calibrate`")
    only_sigma = Statistics(until_ms=0, sigma=0.1)
    assert missing(GLFT, only_sigma).endswith(": give intensity and decay, or see `mm calibrate`")
    assert missing(STOIKOV, only_sigma).endswith(": give decay, or see `mm calibrate`")


statistics = st.builds(
    Statistics,
    until_ms=st.just(0),
    sigma=st.none() | st.floats() | st.floats(1e-9, 0.1),
    best_distance=st.none() | st.floats() | st.floats(1e-9, 0.1),
    intensity=st.none() | st.floats() | st.floats(1e-6, 100),
    decay=st.none() | st.floats() | st.floats(1, 1e6),
    daily=st.none() | st.sampled_from(VolatilityLevel),
    intraday=st.none() | st.sampled_from(VolatilityLevel),
)
positive = st.decimals("0.000001", "1000000", places=6)
models = st.one_of(
    st.builds(QuoteDistance, quote=positive),
    st.builds(BpsDistance, bps=positive),
    st.builds(SigmaOptimal, distribution=st.sampled_from(Distribution), multiple=positive),
    st.builds(AvellanedaStoikov, gamma=positive, horizon_ms=st.integers(1, 10**9), decay=st.none() | positive),
    st.builds(Glft, gamma=positive, intensity=st.none() | positive, decay=st.none() | positive),
    st.just(REGIME),
)


@given(
    settings=models,
    known=st.none() | statistics,
    fair=prices,
    order_size_base=sizes,
    exposure_ms=st.integers(1, 10**7),
)
def test_whatever_was_measured_the_width_is_a_positive_number_or_missing(
    settings: HalfSpread, known: Statistics | None, fair: Decimal, order_size_base: Decimal, exposure_ms: int
) -> None:
    given = inputs(known, fair=fair, order_size_base=order_size_base, exposure_ms=exposure_ms)
    result = width(settings, given)
    if isinstance(result, MissingInput):
        assert not isinstance(settings, QuoteDistance | BpsDistance)
        return
    for value in (result.half_spread, result.size_factor, result.spacing_factor):
        assert value.is_finite()
        assert value > ZERO
    assert result.shift_per_base.is_finite()
    assert result.shift_per_base >= ZERO


# volatility and the cadence's risk


@pytest.mark.parametrize(
    ("sigma", "measured"),
    [(0.0001, 0.0001), (None, None), (0.0, None), (-0.1, None), (1.0, None), (math.nan, None), (math.inf, None)],
)
def test_a_volatility_is_above_zero_and_below_the_whole_price_a_second(
    sigma: float | None, measured: float | None
) -> None:
    assert measured_sigma(Statistics(until_ms=0, sigma=sigma)) == measured


def test_without_statistics_there_is_no_measured_volatility() -> None:
    assert measured_sigma(None) is None


def test_sixty_percent_a_year_moves_the_price_by_eight_basis_points_in_a_minute() -> None:
    assert assumed_sigma(Decimal("0.6")) * math.sqrt(60) == pytest.approx(0.00083, abs=0.00001)


def test_the_cadence_costs_the_mean_of_the_moves_against_a_quote() -> None:  # R36
    moves = [NormalDist(0, 0.0001 * 2 * 1900).inv_cdf((each + 0.5) / 100_000) for each in range(100_000)]
    mean_loss = sum(max(move, 0) for move in moves) / len(moves)
    assert float(cadence_risk(0.0001, FAIR, 4_000)) == pytest.approx(mean_loss, rel=1e-4)


@given(sigma=st.floats(1e-12, 1, exclude_max=True), fair=prices, one=st.integers(1, 10**7), other=st.integers(1, 10**7))
def test_a_quote_that_stands_longer_costs_no_less(sigma: float, fair: Decimal, one: int, other: int) -> None:  # R36
    shorter, longer = sorted((one, other))
    assert ZERO < cadence_risk(sigma, fair, shorter) <= cadence_risk(sigma, fair, longer)
