"""What a run of the patches shows."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutations.verdicts import Judged, Verdict

_STYLES = {Verdict.KILLED: "green", Verdict.SURVIVED: "bold red", Verdict.BROKEN: "bold yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdicts in the rows' order, what else is wrong, and the tests that do not pass without any patch."""

    judged: tuple[Judged, ...] = ()
    problems: tuple[str, ...] = ()
    unsound: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 only if every patch was noticed and nothing is missing."""
        if self.unsound:
            return 2
        return int(bool(self.problems) or any(each.verdict is not Verdict.KILLED for each in self.judged))

    def count(self, verdict: Verdict) -> int:
        """Count the patches with a verdict."""
        return Counter(each.verdict for each in self.judged)[verdict]

    def plain(self, seconds: float) -> dict[str, Any]:
        """Write it down."""
        return {
            "patches": [each.plain() for each in self.judged],
            **{verdict.value: self.count(verdict) for verdict in Verdict},
            "problems": list(self.problems),
            "unsound": list(self.unsound),
            "seconds": round(seconds, 1),
        }


def show(report: Report, console: Console, *, seconds: float) -> None:
    """Print the table, then everything that is not as it must be, then the sum."""
    if report.judged:
        console.print(_table(report))
    for each in report.judged:
        if each.detail:
            console.print(f"{each.mutation.path.name}: {each.verdict}: {escape(each.detail)}", soft_wrap=True)
    for problem in report.problems:
        console.print(escape(problem), style="bold red", soft_wrap=True)
    for test in report.unsound:
        console.print(f"does not pass without any patch: {escape(test)}", style="bold red", soft_wrap=True)
    counts = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in Verdict)
    console.print(f"{len(report.judged)} patches: {counts}; {len(report.problems)} problems; {seconds:.0f} s")


def _table(report: Report) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("row")
    table.add_column("what was removed", ratio=2)
    table.add_column("tests that must fail", ratio=2)
    table.add_column("result")
    table.add_column("s", justify="right")
    for each in report.judged:
        tests = "\n".join(test.partition("::")[2] for test in each.mutation.tests)
        result = f"[{_STYLES[each.verdict]}]{each.verdict}[/]"
        table.add_row(each.mutation.row, escape(each.mutation.removes), escape(tests), result, f"{each.seconds:.1f}")
    return table
