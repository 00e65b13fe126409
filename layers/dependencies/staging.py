"""Built directories: whole or absent, named by what they were made from, the same bytes every time."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

RUNTIME_PYTHON = (3, 13)
KEPT_S = 3600
"""How long an outdated directory stays after its last use."""
_UNFINISHED = ".building-"


class LayerError(RuntimeError):
    """A layer cannot be built; the text says on one line what is wrong."""


class InstallError(LayerError):
    """The wheels could not be had or were not what the lock says."""


def digest(parts: Iterable[bytes]) -> str:
    """Hash what a directory is made from, and by this module; long enough to name it."""
    total = hashlib.sha256()
    for part in (Path(__file__).read_bytes(), str(RUNTIME_PYTHON).encode(), *parts):
        total.update(len(part).to_bytes(8) + part)
    return total.hexdigest()[:16]


def publish(directory: Path, build: Callable[[Path], None], *, replaces: str | None = None) -> Path:
    """Return `directory`; where it is missing, let `build` fill one beside it, and rename that at the end.

    So an interrupted build never counts, and of two processes that want the same one builds. `replaces` is the pattern
    of its neighbours that are then outdated; those that another process may still be using stay for an hour.
    """
    if not directory.exists():
        with _only_builder(directory.parent):
            if not directory.exists():
                _build_beside(directory, build)
                _remove_outdated(directory, replaces)
    os.utime(directory)
    return directory


def _build_beside(directory: Path, build: Callable[[Path], None]) -> None:
    for leftover in directory.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover)
    building = directory.parent / f"{_UNFINISHED}{directory.name}"
    building.mkdir()
    try:
        build(building)
        building.rename(directory)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _remove_outdated(directory: Path, pattern: str | None) -> None:
    oldest_s = time.time() - KEPT_S
    for outdated in set(directory.parent.glob(pattern) if pattern else ()) - {directory}:
        if outdated.stat().st_mtime < oldest_s:
            shutil.rmtree(outdated)


def compile_python(layer: Path) -> None:
    """Write the bytecode of everything in a layer, as at `/opt`, where Lambda puts it.

    Unchecked: a zip resets the sources' times, and bytecode that is checked against them would be thrown away.
    """
    if sys.version_info[:2] != RUNTIME_PYTHON:
        wanted = ".".join(map(str, RUNTIME_PYTHON))
        raise LayerError(f"bytecode: Python {sys.version.split()[0]} is not allowed: Lambda runs {wanted}")
    command = [sys.executable, "-S", "-s", "-m", "compileall", "-q"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(layer), "-p", "/opt", str(layer)]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)  # noqa: S603 - this interpreter
    if done.returncode:
        raise LayerError(f"bytecode: {one_line(done.stdout + done.stderr)}")


def one_line(text: str) -> str:
    """Join what a program said into one line, its end if it is long."""
    return " ".join(text.split())[-400:]


@contextmanager
def _only_builder(directory: Path) -> Iterator[None]:
    """Wait until no other process builds here; the lock goes with the process that holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
