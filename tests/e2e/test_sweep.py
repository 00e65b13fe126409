"""`mm sweep` as one runs it: ranked against the file, exact JSON, a page, and one line for what cannot be."""

import json
import os
import signal
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo import DEPLOYMENT_FILE
from tests.e2e.stage import MM, Ended, run, until
from tests.recorded import START_US, write_walk

VARY = ("--vary", "half_spread.quote=0.3,0.5,3")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_walk(tmp_path_factory.mktemp("recording") / "walk")


def command(recording: Path, *arguments: str | Path) -> list[str | Path]:
    files = ["--quotes", f"{recording}_quotes.csv.gz", "--trades", f"{recording}_trades.csv.gz"]
    return [MM, "sweep", "--market", "binance:PAXG/USDT", *files, "--workers", "2", "--blocks", "8", *arguments]


ENVIRONMENT = {"COLUMNS": "120", "MM_DEPLOYMENT_FILE": str(DEPLOYMENT_FILE)}


def sweep(recording: Path, *arguments: str | Path) -> Ended:
    return run(command(recording, *arguments), ENVIRONMENT)


def document(ended: Ended) -> dict[str, Any]:
    assert (ended.code, ended.err) == (0, "")
    (found,) = json.loads(ended.out)
    assert isinstance(found, dict)
    return found


def test_a_sweep_as_json_is_the_same_each_time(recording: Path) -> None:
    first = document(sweep(recording, *VARY, "--json"))
    second = document(sweep(recording, *VARY, "--json", "--workers", "1"))
    assert {**first, "wall_seconds": 0} == {**second, "wall_seconds": 0}
    assert (first["blocks"], first["compared"], first["least_p"]) == (8, 2, 2 / 256)
    assert first["varied"] == {"half_spread.quote": ["0.3", "0.5", "3"]}
    points = {each["values"]["half_spread.quote"]: each for each in first["points"]}
    assert [each["rank"] for each in first["points"]] == [1, 2, 3]
    assert sorted(map(Decimal, (each["total_pnl_quote"] for each in first["points"])), reverse=True) == [
        Decimal(each["total_pnl_quote"]) for each in first["points"]
    ]
    assert (points["0.5"]["is_file"], points["0.5"]["difference"]) == (True, None)
    assert points["3"]["fills"] < points["0.5"]["fills"]
    for each in first["points"]:
        assert sum(map(Decimal, each["block_pnl_quote"])) == pytest.approx(Decimal(each["total_pnl_quote"]))


def test_the_files_own_run_is_that_of_a_backtest(recording: Path) -> None:
    files = ["--quotes", f"{recording}_quotes.csv.gz", "--trades", f"{recording}_trades.csv.gz"]
    fixed = ["--set", "order_size_base=0.2"]
    backtest = run([MM, "backtest", "--market", "binance:PAXG/USDT", *files, *fixed, "--json"], ENVIRONMENT)
    swept = document(sweep(recording, "--vary", "half_spread.quote=3", *fixed, "--json"))
    (alone,) = json.loads(backtest.out)
    (own,) = [each for each in swept["points"] if each["is_file"]]
    assert own["values"] == {}
    shared = own.keys() & alone.keys()
    assert {"total_pnl_quote", "fills", "config_hash", "max_drawdown_quote", "markout_bps"} <= shared
    assert {name: own[name] for name in shared} == {name: alone[name] for name in shared}


def test_every_run_opens_with_what_the_files_own_opens_with(recording: Path) -> None:
    keys = ("--vary", "inventory.max_ratio=0.5,0.9", "--vary", "half_spread.quote=50")
    points = [each for each in document(sweep(recording, *keys, "--json"))["points"] if not each["is_file"]]
    assert [each["fills"] for each in points] == [0, 0]
    assert len({each["inventory_max_abs_base"] for each in points}) == 1


def test_a_sweep_is_a_table_and_a_page_that_say_what_they_are_worth(recording: Path, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "sweep.html"
    keys = ("--vary", "half_spread.quote=0.5,3", "--vary", "order_size_base=0.1,0.2", "--vary", "post_only=true,false")
    shown = sweep(recording, *keys, "--html", page, "--blocks", "5")
    assert (shown.code, shown.err) == (0, "")
    for part in ("in-sample", "noise", "file", "5 blocks are too few to tell any of 7 from noise", str(page)):
        assert part in shown.out, part
    text = page.read_text(encoding="utf-8")
    for part in ("in-sample", "Each cell is the best over post_only", 'id="map"', 'id="differences"', "All runs"):
        assert part in text, part
    assert "<script src" not in text


def test_what_the_search_picks_is_shown_on_the_part_kept_back(recording: Path, tmp_path: Path) -> None:
    cut_ms = START_US // 1_000 + 200_000
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(cut_ms / 1_000))
    found = document(sweep(recording, *VARY, "--by", "fills", "--test-from", when, "--json"))
    assert found["to_ms"] == cut_ms
    tested = [each["values"]["half_spread.quote"] for each in found["tested"]]
    assert set(tested) == {"0.5", found["points"][0]["values"]["half_spread.quote"]}
    assert found["tested_from_ms"] == cut_ms
    assert found["tested"][0]["ticks"] < found["points"][0]["ticks"]
    page = tmp_path / "sweep.html"
    shown = sweep(recording, *VARY, "--test-from", when, "--html", page)
    assert "kept back" in shown.out
    assert "On the part kept back" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--vary", "half_spread.pct=1"), "--vary half_spread.pct=1: "),
        (("--vary", "half_spread.quote=0.5,-1"), "--vary half_spread.quote=-1: "),
        (("--vary", "half_spread.quote=0.5,0.5"), "0.5 twice is not allowed"),
        (("--vary", "half_spread.quote=1,2", "--vary", "half_spread={quote = 2},{quote = 3}"), "both say the same"),
        (("--vary", "order_size_base=1", "--vary", "order_size_base=2"), "order_size_base twice is not allowed"),
        (("--vary", "order_size_base"), "KEY=V1,V2"),
        (("--vary", f"order_size_base={','.join(map(str, range(1, 1002)))}"), "a grid of 1001 runs is not allowed"),
        ((*VARY, "--blocks", "3"), "--blocks: 3 is not allowed: 4 to 512"),
        ((*VARY, "--blocks", "100"), "--blocks: 100 is not allowed: at most one a tick, and there were 59"),
        ((*VARY, "--test-from", "2025-10-09", "--from", "2025-10-09T01:00:00"), "--test-from"),
        ((*VARY, "--test-from", "2026-01-01"), "nothing is left"),
        ((*VARY, "--trades", "none.csv.gz"), "none.csv.gz"),
        ((*VARY, "--html", "/dev/null/page.html"), "--html: /dev/null/page.html cannot be written"),
    ],
)
def test_what_cannot_be_swept_is_one_line(recording: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = sweep(recording, *arguments)
    assert refused.code == 2
    (line,) = refused.said
    assert said in line


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_a_sweep_that_is_stopped(tmp_path: Path, sent: signal.Signals) -> None:
    long = write_walk(tmp_path / "long", seconds=20_000)
    started = subprocess.Popen(  # noqa: S603
        command(long, *VARY, "--json"),
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        workers = until(lambda: found if len(found := _children(started.pid)) == 3 else None)
        assert workers is not None
        started.send_signal(sent)
        assert started.wait(timeout=60) != 0
        until(lambda: not any(map(_is_alive, workers)))
    finally:
        started.kill()
        started.wait()


def _children(pid: int) -> list[int]:
    """The processes that a process has started: two workers, and what watches over what they share."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text(encoding="utf-8").split()]
    except FileNotFoundError:
        return []


def _is_alive(pid: int) -> bool:
    try:
        return " Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2][:2]
    except FileNotFoundError:
        return False
