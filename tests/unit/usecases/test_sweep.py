"""A sweep over a grid: every point once, the same whatever run ends first, and a test on the part kept back."""

from collections.abc import Iterator, Sequence

import pytest

from marketmaker.domain.sweeps import Figure, Point, Trial
from marketmaker.usecases.sweep import Job, Part, SweepPlan, sweep
from tests.swept import FILE, point, trial

GAINS = {FILE: 3, point("1"): 1, point("2"): 7}


class Runs:
    """Makes runs at once, in the order or against it; a point gains by the table, less in the part kept back."""

    def __init__(self, *, backwards: bool = False, gains: dict[Point, int] | None = None) -> None:
        self.jobs: list[Job] = []
        self._step, self._gains = -1 if backwards else 1, gains or GAINS

    def __call__(self, jobs: Sequence[Job]) -> Iterator[Trial]:
        for job in jobs[:: self._step]:
            self.jobs.append(job)
            gain = self._gains[job.point] - (10 if job.part is Part.TEST else 0)
            yield trial(job.point, [gain] * 8)


def plan(*, is_tested: bool = False) -> SweepPlan:
    return SweepPlan(points=tuple(GAINS), by=Figure.TOTAL_PNL, is_tested=is_tested)


def test_every_point_runs_once_and_is_ranked() -> None:
    runs = Runs()
    swept = sweep(plan(), runs)
    assert runs.jobs == [Job(point=each, part=Part.SEARCH) for each in GAINS]
    assert [each.trial.point for each in swept.ranked] == [point("2"), FILE, point("1")]
    assert (swept.file.point, swept.compared, swept.tested) == (FILE, 2, ())


def test_what_is_found_does_not_depend_on_which_run_ends_first() -> None:
    equal = dict.fromkeys(GAINS, 5)
    assert sweep(plan(), Runs(gains=equal)) == sweep(plan(), Runs(backwards=True, gains=equal))


def test_the_best_and_the_file_are_run_again_on_the_part_kept_back() -> None:
    runs, told = Runs(), []
    swept = sweep(plan(is_tested=True), runs, lambda done, of: told.append((done, of)))
    assert [job.point for job in runs.jobs if job.part is Part.TEST] == [FILE, point("2")]
    assert [each.trial.result.total_pnl_quote for each in swept.tested] == [-24, -56]
    best = swept.tested[0]
    assert best.difference is not None
    assert (best.difference.mean_quote, best.difference.p_holm) == (4.0, 2 / 256)
    assert told == [(0, 5), (1, 5), (2, 5), (3, 5), (3, 5), (4, 5), (5, 5)]


def test_where_the_files_own_is_best_it_is_tested_alone() -> None:
    told: list[tuple[int, int]] = []
    found = sweep(plan(is_tested=True), Runs(gains=GAINS | {FILE: 9}), lambda done, of: told.append((done, of)))
    assert [each.trial.point for each in found.tested] == [FILE]
    assert told[-1] == (4, 4)


@pytest.mark.parametrize("points", [(point("1"),), (FILE, Point(values=(("a", "1"),), is_file=True))])
def test_a_plan_has_the_files_own_once(points: tuple[Point, ...]) -> None:
    with pytest.raises(ValueError, match="one that is the file's"):
        SweepPlan(points=points, by=Figure.TOTAL_PNL)
