"""What a process says of its own memory."""

import subprocess
import sys

from marketmaker.cli.own_memory import peak_rss_mb

ASK = "from marketmaker.cli.own_memory import peak_rss_mb; print(peak_rss_mb())"
GROW = "held = bytearray(b'x') * 200_000_000; del held; " + ASK
BALLAST_MB = 500


def told(script: str) -> float:
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout)  # noqa: S603 - this interpreter


def test_what_the_parent_holds_is_not_the_childs() -> None:
    ballast = bytearray(b"x") * (BALLAST_MB * 1_000_000)
    assert peak_rss_mb() > BALLAST_MB * 0.9
    assert told(ASK) < BALLAST_MB / 2
    del ballast


def test_the_most_is_remembered_after_it_was_freed() -> None:
    assert told(GROW) > 180
