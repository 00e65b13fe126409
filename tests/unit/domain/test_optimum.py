"""The distance that earns most of a random move, normal or measured (M6)."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.optimum import LEAST_MOVES, measured_optimum, normal_optimum, two_sided_tail

sigmas = st.floats(1e-12, 1e6)
moves = st.lists(st.floats(-1, 1) | st.sampled_from([0.0, 0.01, -0.01]), min_size=LEAST_MOVES, max_size=120)


@given(sigma=sigmas, times=st.floats(0, 10))
def test_no_other_distance_is_worth_more_than_the_normal_optimum(sigma: float, times: float) -> None:
    _, value = normal_optimum(sigma)
    other = times * sigma
    assert other * two_sided_tail(other, sigma) <= value * (1 + 1e-12)


@given(distance=st.floats(0, 8), sigma=st.floats(0.1, 10))
def test_the_tail_is_the_normal_distributions(distance: float, sigma: float) -> None:
    assert two_sided_tail(distance, sigma) == pytest.approx(2 * NormalDist(0, sigma).cdf(-distance), abs=1e-12)


@given(sample=moves)
def test_no_other_distance_is_worth_more_than_the_measured_optimum(sample: list[float]) -> None:
    best = measured_optimum(sample)
    if best is None:
        assert not any(sample)
        return
    worth = _worth(best, sample)
    assert all(_worth(abs(move), sample) <= worth for move in sample)
    assert all(best <= abs(move) for move in sample if _worth(abs(move), sample) == worth)


@given(sample=moves)
def test_neither_the_signs_nor_the_order_of_the_moves_matter(sample: list[float]) -> None:
    assert measured_optimum([-move for move in reversed(sample)]) == measured_optimum(sample)


def test_the_measured_optimum_of_normal_moves_is_the_normal_one() -> None:
    quantiles = [NormalDist(0, 0.04).inv_cdf((each + 0.5) / 100_000) for each in range(100_000)]
    assert measured_optimum(quantiles) == pytest.approx(normal_optimum(0.04)[0], rel=0.005)


def test_a_move_that_most_moves_reach_is_quoted_at_and_a_rare_large_one_is_not() -> None:
    assert measured_optimum([0.01] * 90 + [0.05] * 10) == 0.01
    assert measured_optimum([0.01] * 70 + [0.05] * 30) == 0.05


def test_of_two_distances_that_are_worth_the_same_the_nearer_is_quoted() -> None:
    assert measured_optimum([0.02] * 30 + [0.01] * 30) == 0.01


def test_few_moves_say_nothing() -> None:
    assert measured_optimum([0.01] * (LEAST_MOVES - 1)) is None
    assert measured_optimum([0.01] * LEAST_MOVES) == 0.01


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_moves_that_are_not_finite_say_nothing(broken: float) -> None:
    assert measured_optimum([0.01] * 50 + [broken]) is None


def test_a_market_that_stands_still_has_no_optimum() -> None:
    assert measured_optimum([0.0] * 100) is None


def _worth(distance: float, sample: list[float]) -> float:
    return distance * sum(abs(move) >= distance for move in sample)
