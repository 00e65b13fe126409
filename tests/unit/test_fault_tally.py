"""The count of the reliability rows fails a run that shows less than all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.tally import ROWS, CaseLog, Tally, table

ROOT = Path(__file__).parents[2]
ALL_ROWS = "\n".join(f'@pytest.mark.row("{row}")\ndef test_{row}(): pass\n' for row in ROWS)
CRASHES = """
@pytest.mark.row("R3")
def test_crashes(cases):
    cases.scenario, cases.points = "quiet", 1
    for phase in range(3):
        cases.note(str(phase), PROBLEM)
    cases.assert_held()
"""


def complete() -> Tally:
    tally = Tally()
    tally.add(ROWS, None, passed=True)
    log = CaseLog(scenario="quiet", points=1)
    for phase in range(3):
        log.note(str(phase), None)
    tally.add(["R3"], log, passed=True)
    return tally


def run(tmp_path: Path, tests: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Run tests with the count switched on; returns the exit code and the report."""
    (tmp_path / "test_rows.py").write_text(f"import pytest\n{tests}")
    report = tmp_path / "out" / "faults.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.faults.conftest", f"--faults-report={report}", *more]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/core/python")])}
    options = ["-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run([*command, *options], cwd=tmp_path, env=environment, capture_output=True, check=False)  # noqa: S603
    return done.returncode, json.loads(report.read_text())


def test_a_run_that_shows_every_row_misses_nothing() -> None:
    tally = complete()
    assert tally.missing() == []
    report = tally.report(1.25)
    assert [row["row"] for row in report["rows"]] == list(ROWS)
    assert report["crash"] == {
        "scenarios": [{"name": "quiet", "points": 1, "cases": 3, "held": 3, "failed": 0}],
        "points": 1,
        "cases": 3,
        "held": 3,
        "failed": 0,
    }
    assert {row["row"]: row["cases"] for row in report["rows"]}["R3"] == 4


@pytest.mark.parametrize("row", ROWS)
def test_a_row_without_a_case_is_missing(row: str) -> None:
    tally = complete()
    del tally.rows[row]
    assert tally.missing() == [f"{row}: no case ran"]


def test_a_run_without_crashes_is_incomplete() -> None:
    tally = complete()
    tally.scenarios.clear()
    assert tally.missing() == ["crash: no case ran"]


def test_a_failed_case_fails_its_rows() -> None:
    tally, log = complete(), CaseLog()
    log.note("one", None)
    log.note("two", "it broke")
    tally.add(["R1", "R2"], log, passed=False)
    assert tally.missing() == ["R1: 1 of 3 failed", "R2: 1 of 3 failed"]
    with pytest.raises(AssertionError, match="two: it broke"):
        log.assert_held()


def test_a_test_that_fails_beside_its_cases_is_a_failed_case() -> None:
    tally, log = complete(), CaseLog()
    log.note("one", None)
    tally.add(["R1"], log, passed=False)
    assert tally.missing() == ["R1: 1 of 3 failed"]


def test_an_enumeration_without_a_case_does_not_hold() -> None:
    with pytest.raises(AssertionError, match="no case ran"):
        CaseLog().assert_held()


def test_a_row_that_nobody_knows_is_told() -> None:
    tally = complete()
    tally.add(["R99"], None, passed=True)
    assert tally.missing() == ["R99: not a row of this run"]


def test_the_table_names_every_row_and_scenario() -> None:
    lines = table(complete().report(0))
    assert [line.split()[0] for line in lines[1:-2]] == list(ROWS)
    assert lines[-2].split() == ["crash:", "quiet", "1", "3", "3", "0"]


@pytest.mark.parametrize(
    ("tests", "code"),
    [
        (ALL_ROWS + CRASHES.replace("PROBLEM", "None"), 0),
        (ALL_ROWS, 1),
        (CRASHES.replace("PROBLEM", "None"), 1),
        (ALL_ROWS + CRASHES.replace("PROBLEM", "'broke'"), 1),
        (
            ALL_ROWS.replace("def test_R7(): pass", "def test_R7(): pytest.skip('no java')")
            + CRASHES.replace("PROBLEM", "None"),
            1,
        ),
        (ALL_ROWS.replace("def test_R7(): pass", "def test_R7(nothing): pass") + CRASHES.replace("PROBLEM", "None"), 1),
    ],
    ids=["complete", "no crashes", "rows missing", "a case failed", "a row skipped", "a row's fixture is missing"],
)
def test_the_exit_code_tells_whether_all_was_shown(tmp_path: Path, tests: str, code: int) -> None:
    returned, report = run(tmp_path, tests)
    assert returned == code
    assert report["crash"]["cases"] == (0 if "cases" not in tests else 3)


def test_the_cases_of_several_processes_are_counted_together(tmp_path: Path) -> None:
    tests = (
        ALL_ROWS + CRASHES.replace("PROBLEM", "None") + '@pytest.mark.row("R7")\ndef test_it_fails(): assert False\n'
    )
    alone, together = (run(tmp_path, tests, *more) for more in ((), ("-n2", "--dist", "worksteal")))
    for code, report in (alone, together):
        assert code == 1
        assert report.pop("seconds") > 0
    assert together == alone
    counts = {row["row"]: (row["held"], row["failed"]) for row in together[1]["rows"]}
    assert (counts["R7"], counts["R3"]) == ((1, 1), (4, 0))
    assert together[1]["crash"]["cases"] == 3
