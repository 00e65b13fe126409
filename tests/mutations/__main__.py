"""`make mutations`: take the product's protections away one at a time; for each, the tests named for it must fail.

Each patch of this folder is applied to a scratch copy of the working tree. The run ends with 0 if every row has a patch
and every patch was noticed by all its tests, with 1 if not, and with 2 if the tests do not pass without any patch.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from rich.console import Console

from tests.mutations.campaign import run_campaign
from tests.mutations.patches import ROWS
from tests.mutations.report import Report, show

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out" / "mutations.json"


def main(arguments: list[str]) -> int:
    """Run all patches, or those of one row."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description="protections, each taken away once")
    parser.add_argument("--row", choices=ROWS, metavar="ROW", help="only this row, such as R7")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many patches at a time, each in its own copy")
    options = parser.parse_args(arguments)
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160, highlight=False)
    rows = ROWS if options.row is None else (options.row,)
    started = time.monotonic()
    report: Report = run_campaign(ROOT, Path(__file__).parent, rows, jobs=max(1, options.jobs), console=console)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(report.plain(time.monotonic() - started), indent=1) + "\n", encoding="utf-8")
    show(report, console, seconds=time.monotonic() - started)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
