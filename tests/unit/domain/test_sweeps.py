"""A sweep's statistics: which differences between settings are more than noise."""

import itertools
import math
import statistics
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.sweeps import (
    DRAWS,
    Difference,
    Figure,
    Point,
    Variation,
    Verdict,
    block_pnl,
    differ,
    fewest_blocks,
    grid,
    holm,
    least_p,
    rank,
    sign_flip_p,
)
from tests.swept import FILE, point, result, sample, trial

D = Decimal
FLOATS = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
P_VALUES = st.lists(st.floats(min_value=0, max_value=1), max_size=12)


def flipped_one_by_one(differences: list[float]) -> float:
    """The definition, exactly: every way to flip the signs."""
    exact = [(D(each), -D(each)) for each in differences]
    found = abs(sum(map(D, differences), D(0)))
    sums = [abs(sum(each, D(0))) for each in itertools.product(*exact)]
    return sum(1 for each in sums if each >= found) / len(sums)


def test_of_1_2_and_3_two_flips_of_eight_are_as_far_from_zero() -> None:
    assert sign_flip_p([1.0, 2.0, 3.0]) == 2 / 8
    assert sign_flip_p([1.0, 2.0, -3.0]) == 1.0


def test_flips_as_far_as_the_one_found_count_too() -> None:
    assert sign_flip_p([1.0, 1.0, -1.0]) == 1.0
    assert sign_flip_p([5.0, 1.0, -1.0, 1.0]) == 8 / 16  # ± 8 once, ± 6 three times


@given(st.lists(st.integers(min_value=-50, max_value=50).map(float), min_size=1, max_size=10))
def test_the_p_value_is_the_share_of_flips_as_far_from_zero(differences: list[float]) -> None:
    assert sign_flip_p(differences) == flipped_one_by_one(differences)


@given(st.lists(FLOATS, min_size=1, max_size=6))
def test_symmetric_differences_are_never_more_than_noise(half: list[float]) -> None:
    assert sign_flip_p([*half, *(-each for each in half)]) == 1.0


@given(st.lists(FLOATS, min_size=1, max_size=9))
def test_the_p_value_knows_neither_order_nor_side_nor_unit(differences: list[float]) -> None:
    p = sign_flip_p(differences)
    assert least_p(len(differences)) <= p <= 1
    assert sign_flip_p([-each for each in differences]) == p
    assert sign_flip_p([each * 1024 for each in differences]) == p
    assert sign_flip_p(differences[::-1]) == p


def test_sums_that_differ_by_rounding_only_are_ties() -> None:
    assert sign_flip_p([0.1, 0.2, -0.3]) == 1.0
    assert sign_flip_p([0.1] * 10) == 2 / 1024


@pytest.mark.parametrize("blocks", [4, 9, 12, 16])
def test_the_least_p_value_is_that_of_differences_all_on_one_side(blocks: int) -> None:
    assert sign_flip_p([float(each) for each in range(1, blocks + 1)]) == least_p(blocks)


def test_many_blocks_are_judged_by_seeded_draws() -> None:
    differences = [math.sin(each) + 0.2 for each in range(40)]
    p = sign_flip_p(differences, seed=1)
    assert p == sign_flip_p(differences, seed=1)
    assert p != sign_flip_p(differences, seed=2)
    expected = math.erfc(abs(sum(differences)) / math.sqrt(2 * sum(each * each for each in differences)))
    assert p == pytest.approx(expected, rel=0.1)
    assert sign_flip_p([1.0] * 40) == least_p(40) == 1 / DRAWS


def test_p_values_are_corrected_step_by_step() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.6, 0.5]) == (1.0, 1.0)
    assert holm([]) == ()


@given(P_VALUES)
def test_a_correction_raises_p_values_keeps_their_order_and_stays_below_bonferroni(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(raw <= each <= min(1, raw * len(p_values)) for raw, each in zip(p_values, corrected, strict=True))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert all(corrected[low] <= corrected[high] for low, high in itertools.pairwise(order))


def test_differences_are_of_the_same_blocks() -> None:
    file, other = trial(FILE, [10, -20, 30, -40]), trial(point("4"), [11, -17, 32, -38])
    (found,) = differ(file, [other])
    assert found.mean_quote == 2.0
    assert found.standard_error_quote == pytest.approx(statistics.stdev([1, 3, 2, 2]) / 2)
    assert (found.p, found.p_holm) == (2 / 16, 2 / 16)


def test_the_same_difference_is_noise_among_many_comparisons() -> None:
    file = trial(FILE, [0] * 8)
    better, worse = trial(point("4"), range(1, 9)), trial(point("8"), range(-8, 0))
    assert [each.verdict for each in differ(file, [better, worse])] == [Verdict.BETTER, Verdict.WORSE]
    noise = [trial(point(str(each)), [1, -1] * 4) for each in range(10, 16)]
    among = differ(file, [better, worse, *noise])
    assert among[0].p == 2 / 256
    assert among[0].p_holm == 8 * 2 / 256
    assert {each.verdict for each in among} == {Verdict.NOISE}


@pytest.mark.parametrize(("p_holm", "verdict"), [(0.05, Verdict.BETTER), (0.0501, Verdict.NOISE)])
def test_five_percent_is_enough(p_holm: float, verdict: Verdict) -> None:
    assert Difference(mean_quote=1.0, standard_error_quote=1.0, p=0.01, p_holm=p_holm).verdict is verdict


@given(st.integers(min_value=1, max_value=1000))
def test_fewest_blocks_are_just_enough_for_the_number_compared(compared: int) -> None:
    blocks = fewest_blocks(compared)
    assert compared * least_p(blocks) <= 0.05
    assert blocks == 4 or compared * least_p(blocks - 1) > 0.05


def test_with_nothing_to_compare_the_fewest_blocks_do() -> None:
    assert fewest_blocks(0) == 4


def test_a_block_gains_what_was_made_between_its_ends() -> None:
    samples = [sample(*each) for each in ((100, "1"), (250, "3"), (260, "9"), (499, "10"), (1_000, "4"))]
    assert block_pnl(result(samples=tuple(samples)), 4) == (D(3), D(7), D(0), D(-6))


def test_a_last_sample_past_the_span_is_of_the_last_block() -> None:
    samples = (sample(600, "5"), sample(990, "6"), sample(1_010, "8"))
    assert block_pnl(result(samples=samples), 2) == (D(0), D(8))


@given(st.lists(st.integers(min_value=-100, max_value=100), min_size=1, max_size=40), st.integers(4, 20))
def test_blocks_add_up_to_the_whole(gains: list[int], blocks: int) -> None:
    samples = tuple(sample(1_000 * number // len(gains), str(gain)) for number, gain in enumerate(gains, 1))
    assert sum(block_pnl(result(samples=samples), blocks)) == gains[-1]


def test_blocks_shorter_than_the_cadence_are_refused() -> None:
    with pytest.raises(ValueError, match="--blocks: 5 is not allowed: at most one a tick, and there were 4"):
        block_pnl(result(ticks=4, samples=(sample(1, "1"),)), 5)


def test_a_grid_is_every_combination_the_last_key_fastest() -> None:
    points = grid([Variation(key="a", values=("1", "2")), Variation(key="b", values=("x", "y"))])
    assert [each.label for each in points] == ["a=1, b=x", "a=1, b=y", "a=2, b=x", "a=2, b=y"]
    assert (points[1].value("b"), points[1].value("c")) == ("y", None)


def test_a_point_that_is_the_files_says_so() -> None:
    assert FILE.label == "as in the file"
    assert Point(values=(("a", "1"),), is_file=True).label == "a=1 (as in the file)"


def test_the_best_comes_first_and_the_file_in_its_place() -> None:
    file, low, high = trial(FILE, [1] * 4), trial(point("1"), [0] * 4), trial(point("2"), [2] * 4)
    ranked = rank([file, low, high], Figure.TOTAL_PNL)
    assert [each.trial for each in ranked] == [high, file, low]
    assert [each.rank for each in ranked] == [1, 2, 3]
    assert [each.difference and each.difference.mean_quote for each in ranked] == [1.0, None, -1.0]


@pytest.mark.parametrize("figure", ["max_drawdown_quote", "inventory_max_abs_base", "cancel_ratio"])
def test_of_what_is_a_cost_less_is_better_and_unknown_is_last(figure: str) -> None:
    file, low = trial(FILE, [0] * 4, **{figure: D(2)}), trial(point("1"), [0] * 4, **{figure: D(1)})
    unknown = trial(point("2"), [0] * 4, **{figure: None})
    ranked = rank([unknown, file, low], Figure(figure))
    assert [each.trial for each in ranked] == [low, file, unknown]


def test_runs_can_be_ranked_by_markout_and_by_fills() -> None:
    file = trial(FILE, [0] * 4, fills=3, markout_bps={1: D(9), 10: D(-1), 60: D(9)})
    other = trial(point("1"), [0] * 4, fills=2, markout_bps={1: D(0), 10: D(1), 60: D(0)})
    assert [each.trial for each in rank([file, other], Figure.MARKOUT)] == [other, file]
    assert [each.trial for each in rank([other, file], Figure.FILLS)] == [file, other]


@pytest.mark.parametrize("figure", list(Figure))
def test_every_figure_can_be_read_from_a_run(figure: Figure) -> None:
    value = figure.of(result())
    assert value is None or isinstance(value, Decimal)
