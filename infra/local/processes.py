"""Child processes that end with the context that started them, whatever ends it but SIGKILL."""

import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

STOP_TIMEOUT_S = 5.0
_EOF_TIMEOUT_S = 1.0
_SHOWN_CHARACTERS = 300


class ProcessFailedError(RuntimeError):
    """A child process did not do what it was started for."""


def free_port() -> int:
    """Find a port on this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    inherit: bool = True,
    **options: Any,  # noqa: ANN401
) -> Iterator[subprocess.Popen[str]]:
    """Run a process in a group of its own, its errors in `log`; end the whole group on leaving.

    Without `inherit` it sees no variable of this process, only its own `environment`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            list(command),
            stderr=errors,
            env={**(os.environ if inherit else {}), **environment},
            text=True,
            start_new_session=True,
            **options,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a group: a reader of standard input by closing it, whoever is left by signals."""
    if process.stdin is not None:
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.stdin.close()
            process.wait(_EOF_TIMEOUT_S)
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
            process.wait(STOP_TIMEOUT_S)
        except ProcessLookupError:
            process.wait()
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


def first_line(process: subprocess.Popen[str], starts_with: str, *, timeout_s: float, log: Path) -> str:
    """Wait for a line of output that starts as given; its rest is returned."""
    lines = _read_lines(process)
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if line is None:
            break
        if line.startswith(starts_with):
            return line.removeprefix(starts_with).strip()
    raise ProcessFailedError(f"{log.stem} did not print {starts_with.strip()!r}; its log {log} ends: {last_line(log)}")


class FunctionProcess:
    """A function in its own warm process: events in, results out."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self._lines = _read_lines(process)

    def invoke(self, event: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Send one event and wait for its result."""
        if self._process.stdin is None:
            raise ProcessFailedError("the function's standard input is not a pipe")
        try:
            self._process.stdin.write(json.dumps(event) + "\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=timeout_s)
        except (BrokenPipeError, queue.Empty) as error:
            raise ProcessFailedError(
                f"the function did not answer; {self._log} ends: {last_line(self._log)}"
            ) from error
        if line is None:
            raise ProcessFailedError(f"the function ended; {self._log} ends: {last_line(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ProcessFailedError(str(answer["error"]))
        result: dict[str, Any] = answer["result"]
        return result


def _read_lines(process: subprocess.Popen[str]) -> "queue.Queue[str | None]":
    """Read a process's output in the background; None marks its end."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def last_line(log: Path) -> str:
    """Return the last line of a log: of a traceback, what was raised."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:_SHOWN_CHARACTERS] for line in reversed(lines) if line.strip()), "(empty)")
