"""The layers: trimmed without changing what is left, for Lambda's processor, the same bytes every time, and small."""

import base64
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.layers import DEPLOYMENT_FILE, PLACEHOLDER, Platform, core_layer, dependencies_layer, function_package
from layers.dependencies import build
from layers.dependencies.build import LOCK, ROOT, build_dependencies, check_size, install, layer_hash, unzipped_bytes
from layers.dependencies.staging import KEPT_S, InstallError, LayerError, publish
from layers.dependencies.trim import AWS_SERVICES, DROPPED_PACKAGES, trim_ccxt
from tests.infra.built_layers import VENUES, dependencies, python_path

INSTALLED = Path(sysconfig.get_path("purelib"))
"""The same versions as in the layer, untrimmed."""
LOCAL_FILE = ROOT / "infra" / "deployments" / "local.toml"
BUDGET_MB = 40
"""Unzipped the layer has 34 MB, of which one library of cryptography's has 13.6."""
AARCH64 = (183).to_bytes(2, "little")
UNCHECKED_HASH = (1).to_bytes(4, "little")

DESCRIBE = """
import ccxt, json, sys
exchange = getattr(ccxt, sys.argv[1])()
print(json.dumps([ccxt.__version__, exchange.describe(), sorted(dir(exchange))], sort_keys=True, default=str))
"""
LIST = "import ccxt, json; print(json.dumps(ccxt.exchanges))"
LOAD = """
import boto3, json, sys
from marketmaker.bootstrap import desks, prices, ticks
from marketmaker.adapters.ccxt_venue.client import VenueKey, new_client, shared_transport
for service in sys.argv[1:]:
    boto3.client(service, region_name="eu-central-1", aws_access_key_id="k", aws_secret_access_key="s")
new_client(VenueKey(api_key="k", secret="s"), transport=shared_transport(None, 1), request_ttl_ms=1, now_ms=int)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

SIGN = """
import ccxt, json, sys
exchange = ccxt.backpack({"apiKey": "key", "secret": sys.argv[1]})
signed = exchange.sign("api/v1/capital", ["private"], "GET", {})["headers"]
print(json.dumps(signed))
"""


def python(script: str, *arguments: str, path: list[Path]) -> Any:
    """Run a script that sees the standard library and this path alone; returns the JSON that it prints."""
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-S", "-s", "-P", "-c", script, *arguments],
        env={"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


@pytest.mark.parametrize("venue", VENUES)
def test_a_trimmed_venue_describes_itself_as_before(venue: str) -> None:
    trimmed, _ = python_path()
    assert python(DESCRIBE, venue, path=[trimmed]) == python(DESCRIBE, venue, path=[INSTALLED])


def test_what_is_left_of_ccxt_is_as_released_but_for_the_list_of_exchanges() -> None:
    trimmed, _ = python_path()
    package = trimmed / "ccxt"
    files = {str(file.relative_to(package)) for file in package.rglob("*.py")}
    assert {each for each in files if "/" not in each} == {"__init__.py", *(f"{venue}.py" for venue in VENUES)}
    changed = {each for each in files if (package / each).read_bytes() != (INSTALLED / "ccxt" / each).read_bytes()}
    assert changed == {"__init__.py"}
    assert set(python(LIST, path=[trimmed])) == set(VENUES)


def test_a_variant_brings_the_exchange_that_it_varies(tmp_path: Path) -> None:
    package = tmp_path / "ccxt"
    left_out = shutil.ignore_patterns("__pycache__", "async_support", "prediction", "pro", "test")
    shutil.copytree(INSTALLED / "ccxt", package, ignore=left_out)
    trim_ccxt(package, ["binanceusdm"])
    assert {each.stem for each in package.glob("*.py")} == {"__init__", "binance", "binanceusdm"}
    trimmed = python(DESCRIBE, "binanceusdm", path=[tmp_path, INSTALLED])
    assert trimmed == python(DESCRIBE, "binanceusdm", path=[INSTALLED])


def test_a_key_pair_signs_with_what_the_layer_has(tmp_path: Path) -> None:
    package, (trimmed, _) = tmp_path / "ccxt", python_path()
    left_out = shutil.ignore_patterns("__pycache__", "async_support", "prediction", "pro", "test")
    shutil.copytree(INSTALLED / "ccxt", package, ignore=left_out)
    trim_ccxt(package, ["backpack"])
    key = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
    signed = python(SIGN, base64.b64encode(b"x" * 32).decode(), path=[tmp_path, trimmed])
    text = f"instruction=balanceQuery&timestamp={signed['X-Timestamp']}&window={signed['X-Window']}"
    key.public_key().verify(base64.b64decode(signed["X-Signature"]), text.encode())


def test_a_venue_that_ccxt_does_not_know_is_refused() -> None:
    with pytest.raises(LayerError, match="venue: mtgox is not allowed: ccxt has no such exchange"):
        trim_ccxt(INSTALLED / "ccxt", ["binance", "mtgox"])


def test_dropped_packages_are_not_loaded_where_they_are_installed() -> None:
    loaded = python(LOAD, *AWS_SERVICES, path=[ROOT / "layers" / "core" / "python", INSTALLED])
    owners = importlib.metadata.packages_distributions()
    distributions = {each for name in loaded for each in owners.get(name, ())}
    assert {"ccxt", "boto3", "orjson"} <= distributions
    assert distributions & DROPPED_PACKAGES.keys() == set()


def test_every_dropped_package_is_in_the_lock() -> None:
    locked = {line.split("==")[0] for line in LOCK.read_text(encoding="utf-8").splitlines() if "==" in line}
    assert DROPPED_PACKAGES.keys() <= locked


def test_libraries_for_lambda_are_built_for_its_processor() -> None:
    layer = dependencies(Platform.LAMBDA)
    assert [each.name for each in layer.iterdir()] == ["python"]
    libraries = list(layer.rglob("*.so"))
    assert len(libraries) > 3
    assert [each.name for each in libraries if each.read_bytes()[:4] != b"\x7fELF"] == []
    assert [each.name for each in libraries if each.read_bytes()[18:20] != AARCH64] == []


@pytest.mark.parametrize("platform", Platform)
def test_a_layer_is_small(platform: Platform) -> None:
    assert unzipped_bytes(dependencies(platform)) < BUDGET_MB * 1e6


def test_a_layer_that_lambda_would_not_unzip_is_refused() -> None:
    layer = dependencies()
    check_size(layer)
    with pytest.raises(LayerError, match=r"[\d,]+ bytes unzipped is not allowed: at most 1,000,000"):
        check_size(layer, limit_bytes=1_000_000)


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    first, again = dependencies(), build_dependencies(VENUES, Platform.LOCAL, directory=tmp_path)
    assert first.name == again.name
    assert contents(first) == contents(again)
    core, core_again = core_layer(), core_layer(directory=tmp_path)
    assert core.name == core_again.name
    assert contents(core) == contents(core_again)


def test_all_bytecode_is_valid_whatever_the_times_of_its_sources() -> None:
    for packages in python_path():
        sources = list(packages.rglob("*.py"))
        assert len(sources) > 50
        for source in sources:
            bytecode = Path(importlib.util.cache_from_source(str(source))).read_bytes()
            expected = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(source.read_bytes())
            assert bytecode[:16] == expected, source


def test_another_lock_venue_or_platform_is_another_layer(tmp_path: Path) -> None:
    changed = tmp_path / "requirements.txt"
    changed.write_text(LOCK.read_text(encoding="utf-8").replace("six==1.17.0", "six==1.16.0"), encoding="utf-8")
    hashes = {
        layer_hash(["binance"], Platform.LOCAL, LOCK),
        layer_hash(["binance"], Platform.LOCAL, changed),
        layer_hash(["binance", "okx"], Platform.LOCAL, LOCK),
        layer_hash(["binance"], Platform.LAMBDA, LOCK),
    }
    assert len(hashes) == 4


def test_a_layer_is_built_once_and_replaces_what_nobody_has_used_for_an_hour(tmp_path: Path) -> None:
    built: list[str] = []

    def make(name: str) -> Path:
        def write(directory: Path) -> None:
            built.append(name)
            (directory / "file").touch()

        return publish(tmp_path / f"layer-{name}", write, replaces="layer-*")

    def make_long_ago(name: str) -> None:
        then = time.time() - KEPT_S - 1
        os.utime(make(name), (then, then))

    make_long_ago("forgotten")
    make_long_ago("used")
    (tmp_path / "other").mkdir()
    make("used")
    assert make("new").name == "layer-new"
    assert built == ["forgotten", "used", "new"]
    assert {each.name for each in tmp_path.iterdir()} == {".lock", "layer-new", "layer-used", "other"}


def test_an_interrupted_build_is_never_taken_for_a_layer(tmp_path: Path) -> None:
    def interrupted(directory: Path) -> None:
        (directory / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "layer", interrupted)
    (tmp_path / ".building-killed").mkdir()
    publish(tmp_path / "layer", lambda directory: (directory / "whole").touch())
    assert [each.name for each in sorted(tmp_path.rglob("*")) if each.name != ".lock"] == ["layer", "whole"]


def test_a_placeholder_needs_no_wheels_and_says_that_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    installer = tmp_path / "uv"
    installer.write_text("#!/bin/sh\necho 'error: no route to the index' >&2\nexit 2\n", encoding="utf-8")
    installer.chmod(0o755)
    monkeypatch.setattr(build, "find_uv_bin", lambda: str(installer))
    layer = dependencies_layer(["binance"], Platform.LAMBDA, placeholder=True)
    assert {each.name for each in layer.iterdir()} == {"python", PLACEHOLDER}
    with pytest.raises(InstallError, match="wheels could not be installed: error: no route to the index"):
        build_dependencies(["binance"], Platform.LAMBDA, directory=tmp_path / "layers")
    assert capfd.readouterr().err == "building the dependencies layer (arm64): binance\n"


def test_wheels_that_are_not_those_of_the_lock_are_refused(tmp_path: Path) -> None:
    dependencies()
    with pytest.raises(InstallError, match="Hash mismatch"):
        install(f"six==1.17.0 --hash=sha256:{'0' * 64}\n", Platform.LOCAL, tmp_path)
    with pytest.raises(InstallError, match="all requirements must have a hash"):
        install("six==1.17.0\n", Platform.LOCAL, tmp_path)
    assert list(tmp_path.glob("six*")) == []


def test_the_core_layer_holds_the_product_without_its_command_line() -> None:
    package = core_layer() / "python" / "marketmaker"
    source = ROOT / "layers" / "core" / "python" / "marketmaker"
    held, written = [{str(file.relative_to(each)) for file in each.rglob("*.py")} for each in (package, source)]
    left_out = written - held
    assert left_out
    assert {each.split("/")[0] for each in left_out} <= {"cli"}
    assert held < written
    assert [each.name for each in package.parent.iterdir()] == ["marketmaker"]


def test_a_functions_package_is_its_handler_and_the_deployment_file(tmp_path: Path) -> None:
    package = function_package("halt", LOCAL_FILE, directory=tmp_path)
    assert contents(package) == {
        "handler.py": (ROOT / "functions" / "halt" / "handler.py").read_bytes(),
        DEPLOYMENT_FILE: LOCAL_FILE.read_bytes(),
    }
    changed = tmp_path / LOCAL_FILE.name
    changed.write_text(LOCAL_FILE.read_text(encoding="utf-8") + "# another\n", encoding="utf-8")
    assert function_package("halt", changed, directory=tmp_path) != package
    assert function_package("halt", LOCAL_FILE, directory=tmp_path) == package


def test_an_unknown_function_is_refused_with_those_there_are() -> None:
    with pytest.raises(LayerError, match=r"function: quote is not allowed: one of .*halt, .*replace_quotes"):
        function_package("quote", LOCAL_FILE)
