"""The patches that take protections away fit the product as it is, and the check of them can fail."""

import io
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from tests.mutations import outcomes
from tests.mutations.__main__ import ROOT
from tests.mutations.campaign import run_campaign
from tests.mutations.patches import (
    PRODUCT,
    ROWS,
    Mutation,
    PatchError,
    missing_rows,
    missing_tests,
    read_mutation,
    read_mutations,
)
from tests.mutations.report import Report, show
from tests.mutations.scratch import Ran, apply
from tests.mutations.verdicts import Judged, Verdict, judge, not_sound

FOLDER = ROOT / "tests" / "mutations"
PATCHES = sorted(FOLDER.glob("*.patch"))
TEST = "tests/test_limits.py::test_more_than_the_limit_is_refused"
NOT_ENOUGH = "tests/test_limits.py::test_nothing_is_allowed"
MODULE = f"{PRODUCT}limits.py"
LIMITS = """LIMIT = 5


def is_allowed(size: int) -> bool:
    return size <= LIMIT
"""
TESTS = """from marketmaker.limits import is_allowed


def test_more_than_the_limit_is_refused() -> None:
    assert not is_allowed(6)


def test_nothing_is_allowed() -> None:
    assert is_allowed(0)
"""


def patch(row: str, new: str, *tests: str, old: str = "    return size <= LIMIT", file: str = MODULE) -> str:
    """Write a patch that replaces one line of the throw-away product."""
    head = f"row: {row}\nremoves: what {row} is about\n" + "".join(f"test: {test}\n" for test in tests)
    at = "@@ -1,5 +1,5 @@\n LIMIT = 5\n \n \n def is_allowed(size: int) -> bool:\n"
    return f"{head}\n--- a/{file}\n+++ b/{file}\n{at}-{old}\n+{new}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tiny product that refuses what is above a limit, with its tests."""
    root = tmp_path / "project"
    for name, text in {f"{PRODUCT}__init__.py": "", MODULE: LIMITS, "tests/test_limits.py": TESTS}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "tests" / "mutations").mkdir()
    shutil.copy(outcomes.__file__, root / "tests" / "mutations")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)  # noqa: S603, S607
    return root


def campaign(project: Path, patches: Mapping[str, str], rows: Sequence[str]) -> Report:
    folder = project / "tests" / "mutations"
    for name, text in patches.items():
        (folder / name).write_text(text)
    return run_campaign(project, folder, tuple(rows), jobs=2, console=Console(file=io.StringIO()))


def mutation(*tests: str, row: str = "R1") -> Mutation:
    return Mutation(path=Path("R01-x.patch"), row=row, removes="something", tests=tests, files=(MODULE,))


def ran(code: int | None, said: str = "the end", /, **ends: list[str]) -> Ran:
    """Return how a run ended; `a_2` is the second case of test `a`."""
    return Ran(code=code, outcomes={name.replace("_2", "[2]"): each for name, each in ends.items()}, said=said)


# The patches of this repository


def test_every_row_has_a_patch() -> None:
    mutations, problems = read_mutations(FOLDER)
    assert problems == []
    assert missing_rows(mutations, ROWS) == []


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_a_patch_fits_the_product_and_names_tests_that_exist(path: Path) -> None:
    each = read_mutation(path)
    apply(path, ROOT, only_check=True)
    assert missing_tests(ROOT, each) == []
    assert each.row in ROWS
    assert all((ROOT / name).is_file() and name.startswith(PRODUCT) for name in each.files)


# The check itself


def test_a_noticed_patch_is_killed_and_the_working_tree_stays_as_it_is(project: Path) -> None:
    report = campaign(project, {"R01-any.patch": patch("R1", "    return True", TEST)}, ["R1"])
    assert [(each.verdict, each.detail) for each in report.judged] == [(Verdict.KILLED, "")]
    assert (project / MODULE).read_text() == LIMITS
    assert report.exit_code == 0


def test_every_other_end_of_a_patch_is_named_and_fails_the_run(project: Path) -> None:
    patches = {
        "R01-any.patch": patch("R1", "    return True", TEST),
        "R02-survives.patch": patch("R2", "    return True", TEST, NOT_ENOUGH),
        "R03-elsewhere.patch": patch("R3", "    return True", TEST, old="    return size < LIMIT"),
        "R04-no-python.patch": patch("R4", "    return (", TEST),
        "R05-no-such-name.patch": patch("R5", "    return nothing", TEST),
        "R07-no-such-test.patch": patch("R7", "    return True", TEST, "tests/test_limits.py::test_gone"),
        "R08-unreadable.patch": "row: R8\n",
    }
    report = campaign(project, patches, ["R1", "R2", "R3", "R4", "R5", "R7", "R9"])
    assert {each.mutation.row: each.verdict for each in report.judged} == {
        "R1": Verdict.KILLED,
        "R2": Verdict.SURVIVED,
        **dict.fromkeys(["R3", "R4", "R5", "R7"], Verdict.BROKEN),
    }
    details = {each.mutation.row: each.detail for each in report.judged}
    assert details["R2"] == f"passed all the same: {NOT_ENOUGH}"
    assert "it does not apply" in details["R3"]
    assert details["R5"].startswith(f"{TEST} broke instead of failing")
    assert details["R7"] == "no such test: tests/test_limits.py::test_gone"
    assert report.problems == ("R08-unreadable.patch: it holds no diff", "R9: no patch")
    assert report.exit_code == 1


@pytest.mark.parametrize("verdict", [Verdict.SURVIVED, Verdict.BROKEN])
def test_one_patch_that_is_not_killed_fails_the_run(verdict: Verdict) -> None:
    judged = [Judged(mutation=mutation(TEST), verdict=each) for each in (Verdict.KILLED, verdict)]
    assert [Report(judged=tuple(judged[:count])).exit_code for count in (1, 2)] == [0, 1]
    assert Report(judged=tuple(judged[:1]), problems=("R9: no patch",)).exit_code == 1


def test_tests_that_fail_without_any_patch_prove_nothing(project: Path) -> None:
    (project / MODULE).write_text(LIMITS.replace("5", "7"))
    report = campaign(project, {"R01-any.patch": patch("R1", "    return True", TEST, NOT_ENOUGH)}, ["R1"])
    assert report.unsound == (f"{TEST}: failed",)
    assert report.judged == ()
    assert report.exit_code == 2


def test_tests_that_cannot_be_imported_are_told_by_pytests_own_words(project: Path) -> None:
    (project / "tests" / "test_limits.py").write_text(TESTS + "import nowhere\n")
    report = campaign(project, {"R01-any.patch": patch("R1", "    return True", TEST)}, ["R1"])
    assert [line.split(" - ")[0] for line in report.unsound if "ERROR:" not in line] == ["ERROR tests/test_limits.py"]
    assert report.exit_code == 2


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (ran(1, a=["failed"], b=["failed"]), Verdict.KILLED),
        (ran(1, a_2=["failed"], a_3=["passed"], b=["failed"]), Verdict.KILLED),
        (ran(1, a=["failed"], b=["passed"]), Verdict.SURVIVED),
        (ran(0, a=["passed"], b=["passed"]), Verdict.SURVIVED),
        (ran(1, a=["failed"], b=["broken"]), Verdict.BROKEN),
        (ran(1, a=["failed"], b=["failed", "broken"]), Verdict.BROKEN),
        (ran(1, a=["failed"], b=["skipped"]), Verdict.BROKEN),
        (ran(1, a=["failed"]), Verdict.BROKEN),
        (ran(2), Verdict.BROKEN),
        (ran(2, a=["failed"], b=["failed"]), Verdict.BROKEN),
        (ran(3, a=["failed"], b=["failed"]), Verdict.BROKEN),
        (ran(4), Verdict.BROKEN),
        (ran(5), Verdict.BROKEN),
        (ran(None, "it took more than 1 s"), Verdict.BROKEN),
    ],
)
def test_only_tests_that_ran_and_all_failed_kill_a_patch(result: Ran, verdict: Verdict) -> None:
    judged, detail = judge(mutation("a", "b"), result)
    assert judged is verdict
    assert bool(detail) == (verdict is not Verdict.KILLED)


def test_a_test_whose_name_begins_another_ones_does_not_speak_for_it() -> None:
    assert judge(mutation("a"), ran(1, a=["passed"], ab=["failed"]))[0] is Verdict.SURVIVED


def test_a_skipped_test_is_not_sound() -> None:
    assert not_sound(["a", "b", "c"], ran(0, a=["passed"], b=["skipped"])) == ["b: skipped", "c: did not run"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("R01-x.patch", patch("R2", "", TEST), "row R2 does not fit its name"),
        ("R01-x.patch", patch("R1", ""), "at least one `test` line"),
        ("R01-x.patch", "why: so\n" + patch("R1", "", TEST), "'why: so' is not allowed"),
        ("R01-x.patch", patch("R1", "", TEST, file="tests/test_limits.py"), "it changes tests/test_limits.py"),
        ("R01-x.patch", "row: R1\n", "it holds no diff"),
    ],
)
def test_a_patch_that_is_not_as_it_must_be_is_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PatchError, match=r"R01-x\.patch") as caught:
        read_mutation(tmp_path / name)
    assert problem in str(caught.value)


def test_a_test_is_found_in_its_file_and_class_alone(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text("def test_a(): ...\nclass TestB:\n    def test_c(self): ...\n")
    found = ("t.py::test_a", "t.py::test_a[1]", "t.py::TestB::test_c[x::y]")
    absent = ("t.py", "t.py::test_c", "t.py::TestB", "t.py::TestB::test_a", "u.py::test_a")
    assert missing_tests(tmp_path, mutation(*found, *absent)) == list(absent)


def test_the_report_shows_and_keeps_everything() -> None:
    survivor = Judged(mutation=mutation(TEST), verdict=Verdict.SURVIVED, detail="passed all the same", seconds=1.26)
    report = Report(judged=(survivor,), problems=("R9: no patch",))
    shown = io.StringIO()
    show(report, Console(file=shown, width=160), seconds=2.0)
    for text in ("R1", "something", TEST.partition("::")[2], "survived", "R9: no patch", "1 patches: 0 killed"):
        assert text in shown.getvalue()
    kept = json.loads(json.dumps(report.plain(2.0)))
    assert (kept["killed"], kept["survived"], kept["broken"], kept["problems"]) == (0, 1, 0, ["R9: no patch"])
    assert kept["patches"][0]["tests"] == [TEST]
    assert kept["patches"][0]["seconds"] == 1.3
