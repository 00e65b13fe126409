"""`make compare`: one table of every model on what recordings there are, and one line where there are none."""

import subprocess
import sys
from pathlib import Path

from infra.local.aws import ROOT
from tests.recorded import write_walk


def compare(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench.compare", "--data", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


def test_every_model_has_a_row_beside_the_naive_loop_and_the_default(tmp_path: Path) -> None:
    write_walk(tmp_path / "lighter_paxg-usdc-perp_2025-09-15", seconds=120)
    done = compare(tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [
        [each.strip() for each in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("| l")
    ]
    assert len(rows) == len({row[1] for row in rows}) == 14
    by_name = {row[1]: dict(zip(("fills", "pnl", "held", "cancelled"), row[2:6], strict=True)) for row in rows}
    assert by_name["naive loop"]["cancelled"] > by_name["**default**"]["cancelled"]
    assert int(by_name["**default**"]["fills"]) > 0
    assert by_name["regime"]["fills"] == "0", "a week of variances is not in two minutes"
    assert "another simulator" not in done.stdout, "its recordings are not there"


def test_a_folder_without_recordings_is_one_line(tmp_path: Path) -> None:
    done = compare(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--data" in done.stderr
    assert "gemini_ethusd_2021-07-01" in done.stderr
