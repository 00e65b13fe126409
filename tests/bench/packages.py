"""Cold starts of `replace_quotes`: from the layers as they are deployed, against all wheels as released.

The other side is what installing the lock into a layer gives: everything in it, and no bytecode, which a zip makes
stale and a read-only directory cannot get. Both run on this machine's wheels, in turns, in fresh processes that see the
standard library, the function's package and the layers alone; the files are in the page cache.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.layers import DEPLOYMENT_FILE, LayerError, Platform, core_layer, dependencies_layer, function_package
from layers.dependencies.build import LOCK, ROOT, install, unzipped_bytes
from marketmaker.config import load_deployment
from tests.bench.figures import BenchFailedError

COLD_STARTS = 9
GOAL = 1 / 6
"""The most that a cold start may take of an untrimmed one."""
_SCRIPT = Path(__file__).with_name("cold_start.py")
_CORE = ROOT / "layers" / "core" / "python" / "marketmaker"
_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """One fresh process: until the handler was imported, until it was ready to work, and the most memory it had."""

    import_ms: float
    ready_ms: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Cold starts from one set of layers, whose size is that of all their files."""

    starts: Sequence[ColdStart]
    unzipped_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What the trimmed, compiled layers gain; `lambda_mb` is their size with wheels for Lambda's processor."""

    built: Layers
    untrimmed: Layers
    lambda_mb: float


def measure_packages(advance: Callable[[], None]) -> Packages:
    """Start from both in turns; the environment says where AWS is and which account to work."""
    deployment_file = Path(os.environ["MM_DEPLOYMENT_FILE"])
    venues = load_deployment(deployment_file).venues
    with tempfile.TemporaryDirectory(prefix="marketmaker-") as temporary:
        try:
            package = function_package("replace_quotes", deployment_file)
            core = core_layer()
            here, there = [
                dependencies_layer(venues, each, placeholder=False) for each in (Platform.LOCAL, Platform.LAMBDA)
            ]
            untrimmed = _untrimmed(Path(temporary))
        except LayerError as error:
            raise BenchFailedError(str(error)) from error
        paths = ([here / "python", core / "python"], [untrimmed])
        starts: tuple[list[ColdStart], list[ColdStart]] = ([], [])
        for _ in range(COLD_STARTS):
            for path, measured in zip(paths, starts, strict=True):
                measured.append(_start_cold(package, path))
                advance()
        return Packages(
            built=Layers(starts=starts[0], unzipped_mb=_mb(here, core)),
            untrimmed=Layers(starts=starts[1], unzipped_mb=_mb(untrimmed)),
            lambda_mb=_mb(there, core),
        )


def _untrimmed(directory: Path) -> Path:
    """Install the whole lock and the product's sources, as `pip install --target` would."""
    packages = directory / "python"
    install(LOCK.read_text(encoding="utf-8"), Platform.LOCAL, packages)
    shutil.copytree(_CORE, packages / "marketmaker", ignore=shutil.ignore_patterns("__pycache__"))
    return packages


def _start_cold(package: Path, path: Sequence[Path]) -> ColdStart:
    variables = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MM_"))}
    variables |= {
        "MM_DEPLOYMENT_FILE": DEPLOYMENT_FILE,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(str(each) for each in (package, *path)),
    }
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-S", "-s", "-P", str(_SCRIPT)],
        cwd=package,
        env=variables,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise BenchFailedError(f"a cold start ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return ColdStart(**json.loads(done.stdout.splitlines()[-1]))


def _mb(*directories: Path) -> float:
    return sum(unzipped_bytes(each) for each in directories) / 1e6
