"""Try a grid of settings on one recorded market, rank it, and put what it picked to a test on another part of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketmaker.domain.sweeps import Figure, Point, Ranked, Trial, rank


class Part(StrEnum):
    """Which part of a recording a run is over."""

    SEARCH = "search"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run to make."""

    point: Point
    part: Part


type Work = Callable[[Sequence[Job]], Iterable[Trial]]
"""Makes runs, side by side; yields them as they end, in any order."""
type Tell = Callable[[int, int], None]
"""Is told how many runs are done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """The points to try, one of them the file's own; if `is_tested`, the best is run again on the part kept back."""

    points: tuple[Point, ...]
    by: Figure
    is_tested: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if sum(1 for each in self.points if each.is_file) != 1:
            raise ValueError("points without the file's own, or with two of them; allowed: one that is the file's")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Every run, the best first.

    `tested` are the file's own and what the search picked, on the part kept back, alone where the file's own was best;
    empty where nothing was kept back.
    """

    ranked: tuple[Ranked, ...]
    tested: tuple[Ranked, ...]

    @property
    def file(self) -> Trial:
        """The run of the file's own settings."""
        return next(each.trial for each in self.ranked if each.difference is None)

    @property
    def compared(self) -> int:
        """How many points were compared with the file's own."""
        return len(self.ranked) - 1


def sweep(plan: SweepPlan, work: Work, tell: Tell = lambda _done, _runs: None) -> Swept:
    """Run every point; what comes out does not depend on which run ended first."""
    planned = len(plan.points) + (2 if plan.is_tested else 0)
    trials = _run_all(plan.points, Part.SEARCH, work, lambda done: tell(done, planned))
    ranked = rank(trials, plan.by, seed=plan.seed)
    return Swept(ranked=ranked, tested=_test(plan, ranked[0].trial.point, work, tell) if plan.is_tested else ())


def _test(plan: SweepPlan, best: Point, work: Work, tell: Tell) -> tuple[Ranked, ...]:
    """Run what the search picked and the file's own on the part kept back."""
    searched = len(plan.points)
    points = [each for each in plan.points if each.is_file or each == best]
    trials = _run_all(points, Part.TEST, work, lambda done: tell(searched + done, searched + len(points)))
    return rank(trials, plan.by, seed=plan.seed)


def _run_all(points: Sequence[Point], part: Part, work: Work, tell: Callable[[int], None]) -> list[Trial]:
    tell(0)
    done: dict[Point, Trial] = {}
    for trial in work([Job(point=each, part=part) for each in points]):
        done[trial.point] = trial
        tell(len(done))
    return [done[each] for each in points]
