"""What a run of its tests says about a patch."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.mutations.outcomes import BROKEN, FAILED, PASSED
from tests.mutations.patches import Mutation
from tests.mutations.scratch import Ran

_FAILURES = 1
"""pytest's exit code when tests ran and some failed; any other tells of something else."""
_NOTHING_RAN = (2, 4)
"""The codes for a file that cannot be imported, and for a test that is not there."""


class Verdict(StrEnum):
    """What became of a patch; only a killed one proves its tests."""

    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A patch with its verdict, and why."""

    mutation: Mutation
    verdict: Verdict
    detail: str = ""
    seconds: float = 0.0

    def plain(self) -> dict[str, Any]:
        """Write it down."""
        return {
            "row": self.mutation.row,
            "patch": self.mutation.path.name,
            "removes": self.mutation.removes,
            "tests": list(self.mutation.tests),
            "verdict": self.verdict,
            "detail": self.detail,
            "seconds": round(self.seconds, 1),
        }


def judge(mutation: Mutation, ran: Ran) -> tuple[Verdict, str]:
    """Require that every named test failed, and failed as a test: not in a fixture, nor for code that cannot run."""
    if ran.code is None:
        return Verdict.BROKEN, ran.said
    cases = {test: ran.cases_of(test) for test in mutation.tests}
    for test, outcomes in cases.items():
        if BROKEN in outcomes:
            return Verdict.BROKEN, f"{test} broke instead of failing: {last_line(ran.said)}"
    unnoticed = [test for test, outcomes in cases.items() if FAILED not in outcomes]
    ran_all = all(PASSED in outcomes or FAILED in outcomes for outcomes in cases.values())
    if unnoticed and ran_all:
        return Verdict.SURVIVED, f"passed all the same: {', '.join(unnoticed)}"
    if unnoticed or ran.code != _FAILURES:
        return Verdict.BROKEN, f"pytest ended with {ran.code}: {last_line(ran.said)}"
    return Verdict.KILLED, ""


def not_sound(tests: list[str], ran: Ran) -> list[str]:
    """Name the tests that do not simply pass on the product as it is, with how they ended.

    pytest runs none where it cannot collect one of them; then only what it says about that matters.
    """
    uncollected = [line for line in ran.said.splitlines() if line.startswith("ERROR")]
    if ran.code in _NOTHING_RAN and uncollected:
        return uncollected
    ended = {test: sorted(set(ran.cases_of(test))) for test in tests}
    return [f"{test}: {', '.join(each) or 'did not run'}" for test, each in ended.items() if each != [PASSED]]


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
