"""A command on a terminal of its own, as a user sits before it: it asks, and is answered."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.aws import ROOT

TIMEOUT_S = 240.0


def type_in(
    command: Sequence[str | Path], environment: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """Run a command, typing each answer once its prompt is shown; returns its exit code and what was shown."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_", "MAKE", "MFLAGS"))}
    ours, theirs = pty.openpty()
    shown, waiting, end_s = "", list(answers), time.monotonic() + TIMEOUT_S
    with subprocess.Popen(  # noqa: S603 - our own commands
        [str(part) for part in command],
        env={**own, "COLUMNS": "160", "TERM": "dumb", **environment},
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        answered = 0
        while time.monotonic() < end_s and (part := _more_of(ours)) is not None:
            shown += part
            while waiting and waiting[0][0] in shown[answered:]:
                prompt, answer = waiting.pop(0)
                answered = shown.index(prompt, answered) + len(prompt)
                os.write(ours, answer.encode())
        code = process.wait(TIMEOUT_S)
    os.close(ours)
    assert not waiting, shown
    return code, shown


def _more_of(terminal: int) -> str | None:
    """Read what came within a second; None once nobody writes any more."""
    if not select.select([terminal], [], [], 1)[0]:
        return ""
    try:
        part = os.read(terminal, 65_536)
    except OSError:  # what Linux answers once nobody holds the other end
        return None
    return part.decode(errors="replace") or None
