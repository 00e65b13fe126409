"""Run a case for every point and phase of a tick, two at a time, and note what came of each."""

import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.faults.tally import CaseLog
from tests.faults.tap import Phase, Point

_TOGETHER = 2
_MOST_TOLD = 2_000
"""Characters of one problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a tick something happens."""

    point: Point
    phase: Phase

    def __str__(self) -> str:
        return f"{self.point} {self.phase}"


def places(points: Iterable[Point], *phases: Phase) -> list[Place]:
    """List these phases of all points."""
    return [Place(point=point, phase=phase) for point in points for phase in phases]


def enumerate_cases(name: str, where: Iterable[Place], case: Callable[[Place], None], cases: CaseLog) -> None:
    """Run a case at each place; all are run, whatever happens in one, and all must hold."""

    def problem(place: Place) -> str | None:
        try:
            case(place)
        except Exception:  # noqa: BLE001 - every case is told
            return traceback.format_exc(limit=-2)[:_MOST_TOLD]
        return None

    all_places = list(where)
    with ThreadPoolExecutor(_TOGETHER) as pool:
        for place, found in zip(all_places, pool.map(problem, all_places), strict=True):
            cases.note(f"{name}: {place}", found)
    cases.assert_held()
