"""The layers as synth builds them, kept in `build/layers` between runs of the tests."""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from infra.layers import Platform, core_layer, dependencies_layer
from layers.dependencies.staging import InstallError
from marketmaker.config.schema import VenueName

VENUES = tuple(each.value for each in VenueName)


@cache
def dependencies(platform: Platform = Platform.LOCAL) -> Path:
    """Build the dependencies layer; without the package index its tests are skipped, but never in CI."""
    try:
        return dependencies_layer(VENUES, platform, placeholder=False)
    except InstallError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@cache
def python_path() -> tuple[Path, Path]:
    """Return what the two layers add to a function's path on this machine."""
    return dependencies() / "python", core_layer() / "python"


def without(packages: Path, missing: str, directory: Path) -> Path:
    """Copy a layer's content but for one package."""
    shutil.copytree(packages, directory, ignore=lambda _directory, names: [missing] if missing in names else [])
    return directory
