"""What the stack deploys as code: two layers and a package for each function, as directories that synth zips.

Everything is built when it is missing or outdated, and the same tree gives the same directories.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from layers.dependencies.build import BUILT, PLACEHOLDER, ROOT, Platform, build_dependencies
from layers.dependencies.build import placeholder as empty_layer
from layers.dependencies.staging import LayerError, compile_python, digest, publish

__all__ = ["PLACEHOLDER", "LayerError", "Platform", "core_layer", "dependencies_layer", "function_package"]

_CORE = ROOT / "layers" / "core" / "python" / "marketmaker"
_FUNCTIONS = ROOT / "functions"
_PACKAGES = ROOT / "build" / "functions"
_NOT_DEPLOYED = {"cli", "__pycache__"}
"""The command line is an operator's, and bytecode is compiled anew."""
DEPLOYMENT_FILE = "deployment.toml"
"""The deployment file's name in every function's package."""


def dependencies_layer(venues: Sequence[str], platform: Platform, *, placeholder: bool) -> Path:
    """Return the layer with third-party packages, ccxt trimmed to these venues; a placeholder needs no network."""
    return empty_layer() if placeholder else build_dependencies(venues, platform)


def core_layer(*, directory: Path = BUILT) -> Path:
    """Return the layer with the product, as the functions need it."""
    paths = [file.relative_to(_CORE) for file in sorted(_CORE.rglob("*")) if file.is_file()]
    files = {path: (_CORE / path).read_bytes() for path in paths if not _NOT_DEPLOYED & set(path.parts)}
    parts = [part for path, content in files.items() for part in (path.as_posix().encode(), content)]
    made_from = digest([Path(__file__).read_bytes(), *parts])

    def build(layer: Path) -> None:
        for path, content in files.items():
            file = layer / "python" / "marketmaker" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        compile_python(layer)

    return publish(directory / f"core-{made_from}", build, replaces="core-*")


def function_package(name: str, deployment_file: Path, *, directory: Path = _PACKAGES) -> Path:
    """Return a function's own package: `handler.py` and the deployment file beside it."""
    handler = _FUNCTIONS / name / "handler.py"
    if not handler.is_file():
        known = ", ".join(sorted(each.parent.name for each in _FUNCTIONS.glob("*/handler.py")))
        raise LayerError(f"function: {name} is not allowed: one of {known}")
    made_from = digest([Path(__file__).read_bytes(), handler.read_bytes(), deployment_file.read_bytes()])

    def build(package: Path) -> None:
        shutil.copyfile(handler, package / "handler.py")
        shutil.copyfile(deployment_file, package / DEPLOYMENT_FILE)

    return publish(directory / f"{deployment_file.stem}-{made_from}" / name, build)
