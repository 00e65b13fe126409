"""What is kept of a run's samples, and what they add up to."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.backtests import BacktestSample, SampleTally

D = Decimal
NOTHING, MIDDLE = D(0), D(100)
CENTS = st.integers(-10_000, 10_000).map(lambda cents: D(cents) / 100)


def sample(
    number: int, *, pnl: Decimal = NOTHING, base: Decimal = NOTHING, mid: Decimal | None = MIDDLE
) -> BacktestSample:
    return BacktestSample(
        time_ms=1000 * number,
        mid=mid,
        bid=None,
        ask=None,
        inventory_base=base,
        pnl_quote=pnl,
        spread_quote=NOTHING,
        fees_quote=NOTHING,
        inventory_quote=pnl,
    )


def tallied(*samples: BacktestSample, most: int = 40_000) -> SampleTally:
    found = SampleTally(most=most)
    for each in samples:
        found.add(each)
    return found


def test_nothing_comes_of_nothing() -> None:
    found = tallied()
    assert found.kept() == ()
    assert found.mark == found.max_abs_base == found.max_drawdown_quote == NOTHING


def test_a_run_that_is_short_enough_is_kept_whole() -> None:
    samples = [sample(number) for number in range(10)]
    assert tallied(*samples, most=10).kept() == tuple(samples)


@given(count=st.integers(1, 300), most=st.integers(2, 20))
def test_a_long_run_is_kept_evenly_from_its_first_to_its_last(count: int, most: int) -> None:
    times = [each.time_ms // 1000 for each in tallied(*map(sample, range(count)), most=most).kept()]
    assert (times[0], times[-1]) == (0, count - 1)
    assert len(times) <= most + 1
    steps = {after - before for before, after in pairwise(times[:-1])}
    assert len(steps) <= 1
    assert count <= most or len(times) > most // 2


@given(st.lists(CENTS, min_size=1, max_size=50), st.integers(2, 5))
def test_figures_see_the_samples_that_are_not_kept(gains: list[Decimal], most: int) -> None:
    found = tallied(*(sample(number, pnl=gain, base=gain) for number, gain in enumerate(gains)), most=most)
    falls = [peak - later for number, later in enumerate(gains) for peak in (NOTHING, *gains[:number])]
    assert found.max_drawdown_quote == max(NOTHING, *falls)
    assert found.max_abs_base == max(map(abs, gains))


def test_the_mark_is_the_last_middle_that_was_known() -> None:
    assert tallied(sample(0, mid=D(7)), sample(1, mid=D(8)), sample(2, mid=None)).mark == 8
    assert tallied(sample(0, mid=None)).mark == 0
