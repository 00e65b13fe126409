"""The README cannot drift: every command in it runs or exists, every path in it is there."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from infra.local.aws import ROOT
from infra.local.demo import DEPLOYMENT_FILE
from infra.local.stack import API_KEY, SECRET
from marketmaker.adapters.dynamodb import DynamoDbPrices
from marketmaker.bootstrap.venues import tables
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.statistics import Unfit
from tests.e2e.stage import MM, REGION, Stage, local_aws, open_stage
from tests.e2e.terminal import type_in
from tests.recorded import write_walk

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINES = [line.removeprefix("$ ").split("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
MM_LINES = [line for line in LINES if line.startswith("mm ")]
INLINE = re.findall(r"`([^`\n]+)`", README)
MAKE_LINES = sorted({line.split("  ")[0] for line in (*LINES, *INLINE) if line.startswith("make ")})
TREE = next(block for block in BLOCKS if "functions/<name>/handler.py" in block)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("readme")
    with local_aws(directory) as aws, open_stage(aws, directory) as opened:
        with opened.function("replace_quotes") as quoting:
            opened.tick(quoting)
        keep_log(opened)
        keep_measurement(opened)
        yield opened


def keep_log(stage: Stage) -> None:
    """Put what the function wrote where Lambda would have put it."""
    group = f"/aws/lambda/{stage.deployment.function_name('replace_quotes', stage.account.name)}"
    with stage.here():
        logs = boto3.client("logs", region_name=REGION)
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="one")
        lines = (stage.directory / "replace_quotes.log").read_text(encoding="utf-8").splitlines()
        now_ms = time.time_ns() // 1_000_000
        events: list[InputLogEventTypeDef] = [{"timestamp": now_ms, "message": line} for line in lines if line]
        logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def keep_measurement(stage: Stage) -> None:
    """Put what fetch_prices measures after its first hour where it would have put it."""
    refused = Unfit(reason="nothing traded")
    measured = Calibration(until_ms=stage.last_slot_ms, volatility=refused, intensity=refused, regime=refused)
    with stage.here():
        prices = DynamoDbPrices(tables(stage.deployment))
        prices.save_calibration(stage.account.venue, stage.account.symbols[0], measured)


def make(*arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(  # noqa: S603
        ["make", *arguments],  # noqa: S607
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_shows_every_command_of_mm() -> None:
    documented = {line.split()[1] for line in MM_LINES}
    assert documented == {
        "status",
        "orders",
        "fills",
        "compliance",
        "explain",
        "replay",
        "models",
        "venues",
        "calibrate",
        "tune",
        "backtest",
        "sweep",
        "run",
        "halt",
        "resume",
        "config",
        "keys",
        "hooks",
    }


def test_the_line_that_stores_keys_asks_for_them(stage: Stage) -> None:
    (line,) = [each for each in MM_LINES if each.startswith("mm keys set")]
    answers = [("API key: ", f"{API_KEY}\n"), ("secret (not shown): ", f"{SECRET}\n")]
    code, shown = type_in([MM, *shlex.split(line)[1:]], stage.environment, answers * 2)
    assert code == 0, shown


@pytest.mark.parametrize("line", [each for each in MM_LINES if not each.startswith("mm keys set")])
def test_every_other_mm_line_runs_as_it_is_written(stage: Stage, line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "mm"
    file = DEPLOYMENT_FILE if "check" in arguments else stage.deployment_file
    walk = write_walk(stage.directory / "walk", seconds=60)
    recorded = {"QUOTES": f"{walk}_quotes.csv.gz", "TRADES": f"{walk}_trades.csv.gz"}
    named = {"FILE": str(file), "SLOT": str(stage.last_slot_ms), **recorded}
    ended = stage.mm(*[named.get(each, each) for each in arguments])
    assert ended.code == 0, ended.err
    assert ended.out
    assert not [said for said in ended.said if said and "trade and risk are one key" not in said]


@pytest.mark.parametrize("line", MAKE_LINES)
def test_every_make_line_has_a_target(line: str) -> None:
    command = make("--dry-run", *shlex.split(line)[1:])
    if "KEEP=" in line:
        assert "--keep" in command
    if "DATA=" in line:
        assert f"--data {line.partition('DATA=')[2]}" in command


def test_make_help_lists_every_target_with_what_it_is_for() -> None:
    listed = make("help")
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^{target} +\S", listed, re.MULTILINE), target


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(((?!https?:)[^)#]+)\)", README))))
def test_every_linked_file_exists(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_path_of_the_tree_exists() -> None:
    package = ROOT / "layers/core/python/marketmaker"
    top: Path = ROOT
    for line in TREE.splitlines():
        name = line.split()[0]
        found = top.glob(name.replace("<name>", "*")) if not line.startswith(" ") else package.glob(name)
        assert list(found), f"{name} is not there"
