"""What the functions never import, and so is not in the layer; each with its reason."""

import ast
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from layers.dependencies.staging import LayerError

_ASYNC = "only ccxt.async_support speaks through it"
DROPPED_PACKAGES = {
    "aiohappyeyeballs": _ASYNC,
    "aiohttp": _ASYNC,
    "aiohttp-fast-zlib": _ASYNC,
    "aiosignal": _ASYNC,
    "attrs": _ASYNC,
    "frozenlist": _ASYNC,
    "multidict": _ASYNC,
    "propcache": _ASYNC,
    "uvloop": "ccxt requires it and never imports it",
    "yarl": _ASYNC,
    "zlib-ng": _ASYNC,
    "coincurve": "signs for decentralised exchanges; ccxt imports it only there",
    "pycparser": "cffi reads C headers with it, when extensions are built",
}
"""Packages of the lock that are not installed."""

DROPPED_PATHS = {
    ".lock": "the installer's",
    "bin": "command lines",
    "aws_lambda_powertools/event_handler": "routes of HTTP requests; none reach our functions",
    "boto3/data": "boto3's resources; the product uses clients",
    "boto3/examples": "documentation",
    "certifi/tests": "tests",
    "cffi": "builds extensions; cryptography needs its compiled backend alone, which lies beside it",
}
_DROPPED_FILES = ("*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.h", "py.typed", "examples-1.json")
"""For type checkers, C compilers and documentation."""

AWS_SERVICES = frozenset({"dynamodb", "secretsmanager", "sns", "sqs"})
"""The services that the functions call; botocore describes more than 400."""


def trim(packages: Path, venues: Sequence[str]) -> None:
    """Take out of an installation what the functions never import."""
    for path in DROPPED_PATHS:
        _remove(packages / path)
    for pattern in _DROPPED_FILES:
        for file in packages.rglob(pattern):
            file.unlink()
    for described in (packages / "botocore" / "data").iterdir():
        if described.is_dir() and described.name not in AWS_SERVICES:
            shutil.rmtree(described)
    for information in packages.glob("*.dist-info"):
        _keep_version(information)
    trim_ccxt(packages / "ccxt", venues)


def trim_ccxt(package: Path, venues: Sequence[str]) -> None:
    """Keep ccxt's base and, of its exchanges, the venues and what they import; all else as released, byte for byte.

    Only `__init__.py` differs: it loses the lines that name dropped exchanges.
    """
    missing = [venue for venue in venues if not (package / f"{venue}.py").is_file()]
    if missing:
        raise LayerError(f"venue: {', '.join(missing)} is not allowed: ccxt has no such exchange")
    kept = _imported(package, venues) | {package / "__init__.py", package / "abstract" / "__init__.py"}
    dropped = {file.stem for file in package.glob("*.py") if file not in kept}
    for path in package.iterdir():
        if path.name == "abstract":
            for file in set(path.iterdir()) - kept:
                _remove(file)
        elif path.name not in ("base", "static_dependencies") and path not in kept:
            _remove(path)
    start = package / "__init__.py"
    lines = start.read_text(encoding="utf-8").splitlines(keepends=True)
    start.write_text("".join(line for line in lines if _named_exchange(line) not in dropped), encoding="utf-8")


def _imported(package: Path, venues: Sequence[str]) -> set[Path]:
    """Follow imports inside ccxt; an exchange that is a variant imports the one it varies."""
    found: set[Path] = set()
    ahead = [package / f"{venue}.py" for venue in venues]
    while ahead:
        file = ahead.pop()
        if file in found:
            continue
        found.add(file)
        for module in _ccxt_imports(file):
            path = package.joinpath(*module.split("."))
            ahead += [each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()]
    return found


def _ccxt_imports(file: Path) -> Iterator[str]:
    """Name the modules of ccxt that a file imports anywhere, without the leading `ccxt.`."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        match node:
            case ast.Import(names=names):
                modules = [each.name for each in names]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                modules = [module, *(f"{module}.{each.name}" for each in names)]
            case _:
                continue
        yield from (module.removeprefix("ccxt.") for module in modules if module.startswith("ccxt."))


def _named_exchange(line: str) -> str | None:
    """Return the exchange that a line of `ccxt/__init__.py` imports or lists."""
    found = re.match(r"from ccxt\.(\w+) +import \1\b|\s+'(\w+)',", line)
    return found and (found[1] or found[2])


def _keep_version(information: Path) -> None:
    """Keep a package's `METADATA`: importlib.metadata and scanners of known vulnerabilities read its version there."""
    for path in information.iterdir():
        if path.name != "METADATA":
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
