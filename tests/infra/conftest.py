"""One synth of each deployment for all infrastructure tests, with an empty layer: no network, no credentials."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from infra.node import use_packaged_node
from tests.infra.deployments import FULL, HOOKED, SHIPPED, WIDE

use_packaged_node()

from tests.infra.synth import Synth, synthesize  # noqa: E402 - Node.js starts with the import of the CDK


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """Two accounts, live and armed, one address, an e-mail and a phone."""
    return _of(FULL, tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """The same, one market of which is priced by another venue and has a triangle."""
    return _of(WIDE, tmp_path_factory.mktemp("wide"))


@pytest.fixture(scope="session")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """The same as `full`, with two hooks."""
    return _of(HOOKED, tmp_path_factory.mktemp("hooked"))


def _of(text: str, directory: Path) -> Synth:
    file = directory / "full.toml"
    file.write_text(text, encoding="utf-8")
    return synthesize(file, directory / "cdk.out")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Synth]:
    """Each deployment file of the repository, by its name."""

    @cache
    def of(name: str) -> Synth:
        return synthesize(SHIPPED[name], tmp_path_factory.mktemp(name) / "cdk.out")

    return of


@pytest.fixture(scope="session")
def every(full: Synth, hooked: Synth, shipped: Callable[[str], Synth]) -> list[Synth]:
    """All of them."""
    return [full, hooked, *map(shipped, SHIPPED)]


@pytest.fixture
def outdir(tmp_path: Path) -> Path:
    return tmp_path / "cdk.out"
