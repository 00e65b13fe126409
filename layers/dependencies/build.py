"""Build the dependencies layer: wheels of the lock, hashes checked, trimmed, compiled. No Docker, no step before.

A layer is built once for each lock, set of venues and platform, and kept in `build/layers`.
"""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from uv import find_uv_bin

from layers.dependencies.staging import (
    RUNTIME_PYTHON,
    InstallError,
    LayerError,
    compile_python,
    digest,
    one_line,
    publish,
)
from layers.dependencies.trim import DROPPED_PACKAGES, trim

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.txt"
BUILT = ROOT / "build" / "layers"
PLACEHOLDER = "PLACEHOLDER"
"""A layer with a file of this name in its root is empty; nothing may deploy it."""
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""What Lambda unzips for one function, its layers included."""


class Platform(StrEnum):
    """Where a layer runs."""

    LAMBDA = "arm64"
    LOCAL = "local"


def build_dependencies(
    venues: Sequence[str], platform: Platform, *, lock: Path = LOCK, directory: Path = BUILT
) -> Path:
    """Return the layer for these venues, built now if it is missing or outdated; `python/` is inside.

    Raises:
        InstallError: the wheels cannot be had, or their hashes are not those of the lock.
        LayerError: a venue is unknown, or the layer is larger than Lambda allows.
    """
    wanted = sorted(set(venues))
    name = f"dependencies-{platform}-{layer_hash(wanted, platform, lock)}"

    def build(layer: Path) -> None:
        sys.stderr.write(f"building the dependencies layer ({platform}): {', '.join(wanted)}\n")
        install(lock.read_text(encoding="utf-8"), platform, layer / "python", dropped=DROPPED_PACKAGES)
        trim(layer / "python", wanted)
        compile_python(layer)
        check_size(layer)

    return publish(directory / name, build, replaces=f"dependencies-{platform}-*")


def placeholder(*, directory: Path = BUILT) -> Path:
    """Return an empty layer, which lets synth run without network and must not be deployed."""

    def build(layer: Path) -> None:
        (layer / "python").mkdir()
        text = "This layer is empty: synthesise again without the placeholder switch before deploying.\n"
        (layer / PLACEHOLDER).write_text(text, encoding="utf-8")

    return publish(directory / "dependencies-placeholder", build)


def layer_hash(venues: Sequence[str], platform: Platform, lock: Path) -> str:
    """Hash everything that decides what is in a layer."""
    machine = sysconfig.get_platform() if platform is Platform.LOCAL else ""
    settings = [platform, machine, *venues]
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return digest([*(each.encode() for each in settings), lock.read_bytes(), *(each.read_bytes() for each in sources)])


def install(lock: str, platform: Platform, target: Path, *, dropped: Collection[str] = ()) -> None:
    """Install the packages of a lock, all but the dropped ones, from wheels whose hashes it holds."""
    command = [*_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--no-compile-bytecode", "--link-mode", "copy", "--python", sys.executable]
    if platform is Platform.LAMBDA:
        version = ".".join(map(str, RUNTIME_PYTHON))
        command += ["--python-platform", "aarch64-manylinux_2_28", "--python-version", version]
    done = subprocess.run(  # noqa: S603 - the pinned installer
        [*command, "--target", str(target), "--requirement", "-"],
        input="".join(_without(lock, dropped)),
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InstallError(f"dependencies layer: the wheels could not be installed: {one_line(done.stderr)}")


def check_size(layer: Path, limit_bytes: int = MAX_UNZIPPED_BYTES) -> None:
    """Refuse a layer that Lambda would not unzip."""
    size = unzipped_bytes(layer)
    if size > limit_bytes:
        raise LayerError(f"dependencies layer: {size:,} bytes unzipped is not allowed: at most {limit_bytes:,}")


def unzipped_bytes(layer: Path) -> int:
    """Count the bytes of a layer's files."""
    return sum(file.stat().st_size for file in layer.rglob("*") if file.is_file())


def _uv() -> list[str]:
    try:
        return [find_uv_bin()]
    except FileNotFoundError as error:
        raise LayerError(f"dependencies layer: {error}") from error


def _without(lock: str, dropped: Collection[str]) -> Iterator[str]:
    """Leave out the requirements of dropped packages; one requirement is a line and the indented ones after it."""
    keep = True
    for line in lock.splitlines(keepends=True):
        name = re.match(r"[\w.-]+", line)
        if name:
            keep = name[0] not in dropped
        if keep:
            yield line
