"""`mm drill` as a user runs it: everything holds, and what is switched off makes its drill fail."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from infra.local.aws import MINISTACK, ROOT
from tests.e2e.stage import MM, Ended, run
from tests.infra.built_layers import dependencies

RUN_TIMEOUT_S = 540
WITHOUT = {"stale_data": "frozen_book", "risk_key": "revoked_key"}


@contextmanager
def started(*options: str) -> Iterator["subprocess.Popen[str]"]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_", "MAKE"))}
    command = [str(MM), "drill", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=own)  # noqa: S603
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def ended(process: "subprocess.Popen[str]") -> Ended:
    out, err = process.communicate(timeout=RUN_TIMEOUT_S)
    return Ended(code=process.returncode, out=out, err=err)


def drills_of(done: Ended) -> Mapping[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(done.out)["drills"]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ended, Ended]]:
    """Run all drills, and beside them two without what they need: both mostly wait."""
    if not MINISTACK.exists() and not os.environ.get("CI"):
        pytest.skip(f"{MINISTACK.relative_to(ROOT)} is missing: run `make setup`")
    dependencies()
    off = [part for name, drill in WITHOUT.items() for part in ("--without", name, "--only", drill)]
    logs = [str(tmp_path_factory.mktemp("drills")) for _ in range(2)]
    with started("--out", logs[0]) as whole, started("--out", logs[1], *off) as without:
        yield ended(whole), ended(without)


def test_everything_that_can_go_wrong_is_noticed_answered_and_bounded(runs: tuple[Ended, Ended]) -> None:
    whole, _ = runs
    drills = drills_of(whole)
    assert list(drills) == [
        "price_crash",
        "venue_outage",
        "frozen_book",
        "killed_functions",
        "revoked_key",
        "lost_alert",
        "clock_skew",
    ]
    assert {name: each["failures"] for name, each in drills.items()} == {name: [] for name in drills}
    assert {each["orders_left"] for each in drills.values()} == {0}
    assert all(each["held"] for each in drills.values())
    assert whole.code == 0
    assert "crash of the recorded shape" in drills["price_crash"]["note"] or "gemini" in drills["price_crash"]["note"]


def test_without_what_it_needs_a_drill_fails(runs: tuple[Ended, Ended]) -> None:
    _, without = runs
    drills = drills_of(without)
    assert without.code == 1
    assert {name: each["held"] for name, each in drills.items()} == dict.fromkeys(WITHOUT.values(), False)
    assert all(each["orders_left"] > 0 for each in drills.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--without", "luck"), "error: --without: luck is not allowed: one of stop_loss, "),
        (("--only", "luck"), "error: --only: luck is not allowed: one of price_crash, "),
        (("--data", "nowhere"), "error: --data: "),
    ],
)
def test_what_cannot_be_drilled_is_said_in_one_line(options: tuple[str, ...], said: str) -> None:
    done = run([MM, "drill", *options], {})
    assert (done.code, done.out) == (2, "")
    (line,) = done.said
    assert line.startswith(said)


def test_its_help_names_what_can_be_switched_off() -> None:
    shown = " ".join(run([MM, "drill", "--help"], {"COLUMNS": "200"}).out.split())
    assert "stop_loss, dead_man_switch, stale_data" in shown
    assert "killed_functions" in shown
