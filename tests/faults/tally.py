"""How often each row held: counted from the tests that are marked with it, and from the crash cases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

ROWS = tuple(
    f"R{number}" for number in (*range(1, 6), *range(7, 12), *range(13, 16), *range(18, 24), 25, *range(27, 33), 36)
)
"""The rows of the reliability list that a run must show."""


@dataclass(slots=True)
class Count:
    """Cases that ran, and how they ended."""

    held: int = 0
    failed: int = 0

    @property
    def cases(self) -> int:
        """All of them."""
        return self.held + self.failed

    def add(self, *, held: int, failed: int) -> None:
        """Count more."""
        self.held += held
        self.failed += failed

    def plain(self) -> dict[str, int]:
        """Write it down."""
        return {"cases": self.cases, "held": self.held, "failed": self.failed}


@dataclass(slots=True)
class CaseLog:
    """The cases inside one test; a test that notes none is a case itself. `points` belong to a crash scenario."""

    count: Count = field(default_factory=Count)
    problems: list[str] = field(default_factory=list)
    scenario: str | None = None
    points: int = 0

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Read what another process counted; its problems are told in the report of its test."""
        count = Count(held=plain["held"], failed=plain["failed"])
        return cls(count=count, scenario=plain["scenario"], points=plain["points"])

    def plain(self) -> dict[str, Any]:
        """Write the counts down, for another process."""
        return {"held": self.count.held, "failed": self.count.failed, "scenario": self.scenario, "points": self.points}

    def note(self, name: str, problem: str | None) -> None:
        """Note that a case held, or what was wrong with it."""
        self.count.add(held=int(problem is None), failed=int(problem is not None))
        if problem is not None:
            self.problems.append(f"{name}: {problem}")

    def assert_held(self) -> None:
        """Require that there were cases and that all of them held."""
        assert self.count.cases > 0, "no case ran"
        assert not self.problems, "\n\n".join(self.problems)


@dataclass(slots=True)
class Tally:
    """All rows and crash scenarios of a run."""

    rows: dict[str, Count] = field(default_factory=dict)
    scenarios: dict[str, tuple[int, Count]] = field(default_factory=dict)

    def add(self, rows: Iterable[str], log: CaseLog | None, *, passed: bool) -> None:
        """Count a test that ran to its end or failed on the way."""
        count = Count(held=int(passed), failed=int(not passed))
        if log is not None and log.count.cases:
            unnoted = not passed and not log.count.failed
            count = Count(held=log.count.held, failed=log.count.failed + int(unnoted))
        for row in rows:
            self.rows.setdefault(row, Count()).add(held=count.held, failed=count.failed)
        if log is not None and log.scenario is not None:
            self.scenarios[log.scenario] = (log.points, count)

    def missing(self) -> list[str]:
        """Name what a complete run would have shown and this one did not, and what did not hold."""
        none = [f"{row}: no case ran" for row in ROWS if self._of(row).cases == 0]
        failed = [f"{row}: {count.failed} of {count.cases} failed" for row, count in self.rows.items() if count.failed]
        unknown = [f"{row}: not a row of this run" for row in self.rows if row not in ROWS]
        crashed = [] if self._crashes().cases else ["crash: no case ran"]
        return none + failed + unknown + crashed

    def report(self, seconds: float) -> dict[str, Any]:
        """Write it all down."""
        points = sum(points for points, _ in self.scenarios.values())
        scenarios = [{"name": name, "points": n, **count.plain()} for name, (n, count) in self.scenarios.items()]
        return {
            "rows": [{"row": row, **self._of(row).plain()} for row in ROWS],
            "crash": {"scenarios": scenarios, "points": points, **self._crashes().plain()},
            "seconds": round(seconds, 1),
        }

    def _of(self, row: str) -> Count:
        return self.rows.get(row, Count())

    def _crashes(self) -> Count:
        total = Count()
        for _, count in self.scenarios.values():
            total.add(held=count.held, failed=count.failed)
        return total


def table(report: Mapping[str, Any]) -> list[str]:
    """Write a report as the lines of a table."""
    head = f"{'':44}{'points':>8}{'cases':>8}{'held':>8}{'failed':>8}"
    crash = report["crash"]
    named = [(row["row"], "", row) for row in report["rows"]]
    named += [(f"crash: {each['name']}", each["points"], each) for each in crash["scenarios"]]
    named += [("crash: all", crash["points"], crash)]
    return [head, *(f"{name:44}{n:>8}{c['cases']:>8}{c['held']:>8}{c['failed']:>8}" for name, n, c in named)]
