"""A function's package and the two layers hold everything that it imports, and nothing that no function imports."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.layers import DEPLOYMENT_FILE, function_package
from infra.local.aws import ROOT
from infra.local.processes import free_port
from marketmaker import errors
from tests.e2e.stage import REGION, Stage, deployment_text, local_aws, open_stage
from tests.infra.built_layers import python_path, without
from tests.infra.runtime_api import Function, Outcome, Report, function

FUNCTIONS = sorted(each.parent.name for each in (ROOT / "functions").glob("*/handler.py"))
ACCOUNT = "main"
HOOK = '\n[alerts.hooks.desk]\nkind = "slack"\n'
TYPED_ERRORS = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)}


def event_for(name: str) -> dict[str, Any]:
    """Make one event that the function understands: of its queue or topic, or what an operator sends by hand."""
    if name == "replace_quotes":
        return {"Records": [{"body": json.dumps({"account": ACCOUNT, "slot_ms": int(time.time()) * 1000})}]}
    if name == "relay_alerts":
        topic = f"arn:aws:sns:{REGION}:123456789012:marketmaker-isolated-alerts-critical"
        return {"Records": [{"Sns": {"MessageId": "m1", "TopicArn": topic, "Message": "isolation"}}]}
    return {"reason": "isolation", "requested_by": "test"}


def environment(tick_queue: str) -> dict[str, str]:
    """Set what the stack sets, for every function."""
    return {
        "MM_DEPLOYMENT_FILE": DEPLOYMENT_FILE,
        "MM_ACCOUNT": ACCOUNT,
        "MM_HOOK": "desk",
        "MM_TICK_QUEUES": json.dumps({ACCOUNT: tick_queue}),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "isolated",
        "AWS_SECRET_ACCESS_KEY": "isolated",
    }


def nowhere() -> dict[str, str]:
    """Point AWS and the venue at a port that nobody listens on."""
    closed = f"http://127.0.0.1:{free_port()}"
    topics = {
        f"MM_TOPIC_{name}": f"arn:aws:sns:{REGION}:123456789012:{name.lower()}" for name in ("CRITICAL", "INFO", "HALT")
    }
    return {**environment(f"{closed}/queue"), **topics, "AWS_ENDPOINT_URL": closed, "MM_VENUE_ENDPOINT": closed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one function did with one event, and which files it loaded: from elsewhere, and from each layer."""

    report: Report
    elsewhere: list[str]
    dependencies: set[str]
    core: set[str]


def run(function_process: Function) -> Run:
    dependencies, core = python_path()
    return Run(
        report=function_process.invoke(event_for(function_process.package.name)),
        elsewhere=function_process.loaded_elsewhere(),
        dependencies=function_process.loaded_from(dependencies),
        core=function_process.loaded_from(core),
    )


@pytest.fixture(scope="module")
def package_of() -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="marketmaker-") as temporary:
        file = Path(temporary) / "isolated.toml"
        file.write_text(deployment_text("isolated") + HOOK, encoding="utf-8")
        yield lambda name: function_package(name, file, directory=Path(temporary) / "functions")


@pytest.fixture(scope="module")
def runs(package_of: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Run every function once, where neither AWS nor the venue can be reached."""
    done = {}
    for name in FUNCTIONS:
        directory = tmp_path_factory.mktemp(name)
        with function(package_of(name), python_path(), nowhere(), directory, timeout_s=3) as process:
            done[name] = run(process)
    return done


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_packaged_function_starts_and_says_what_it_could_not_reach(name: str, runs: Mapping[str, Run]) -> None:
    report = runs[name].report
    assert report.outcome is not Outcome.INIT_ERROR, report.body
    assert report.outcome is Outcome.RESPONSE or report.body["errorType"] in TYPED_ERRORS, report.body
    assert "Could not connect" in json.dumps(report.body) or report.outcome is Outcome.RESPONSE, report.body


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_packaged_function_loads_nothing_but_its_package_and_layers(name: str, runs: Mapping[str, Run]) -> None:
    assert runs[name].core, "the list of loaded files could not be read"
    assert runs[name].elsewhere == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_layers_bytecode_is_used(name: str, runs: Mapping[str, Run]) -> None:
    compiled_now = [each for each in runs[name].dependencies | runs[name].core if not each.endswith((".pyc", ".so"))]
    assert compiled_now == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_loads_the_asynchronous_half_of_ccxt(name: str, runs: Mapping[str, Run]) -> None:
    assert [each for each in runs[name].dependencies if "uvloop" in each or "aiohttp" in each or "async" in each] == []


def test_every_package_in_the_layer_is_loaded_by_a_function(runs: Mapping[str, Run]) -> None:
    dependencies, _ = python_path()
    here = {each.name for each in dependencies.iterdir() if each.suffix != ".dist-info" and each.name != "__pycache__"}
    loaded = {_top_level(each) for each_run in runs.values() for each in each_run.dependencies}
    assert here - loaded == set()


def _top_level(file: str) -> str:
    """Return the entry of the layer that a loaded file belongs to; a module's bytecode stands for its source."""
    directory, _, name = file.partition("/")
    return f"{name.split('.')[0]}.py" if directory == "__pycache__" else directory


def test_a_package_missing_from_the_layer_ends_init(package_of: Any, tmp_path: Path) -> None:
    dependencies, core = python_path()
    layers = (without(dependencies, "msgspec", tmp_path / "dependencies"), core)
    with function(package_of("replace_quotes"), layers, nowhere(), tmp_path) as process:
        report = process.invoke(event_for("replace_quotes"))
    assert report.outcome is Outcome.INIT_ERROR
    assert report.body["errorType"] == "Runtime.ImportModuleError"
    assert "msgspec" in report.body["errorMessage"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("stage")
    with local_aws(directory) as aws, open_stage(aws, directory, name="isolated") as opened:
        yield opened


def on(stage: Stage) -> dict[str, str]:
    with stage.here():
        url = boto3.client("sqs", region_name=REGION).create_queue(QueueName="ticks")["QueueUrl"]
    return {**environment(url), **stage.environment, "MM_DEPLOYMENT_FILE": DEPLOYMENT_FILE}


def test_packaged_functions_do_their_work_with_nothing_else(
    stage: Stage, package_of: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def result_of(name: str) -> Any:
        with function(
            package_of(name), python_path(), on(stage), tmp_path_factory.mktemp(name), timeout_s=30
        ) as process:
            done = run(process)
        assert done.report.outcome is Outcome.RESPONSE, done.report.body
        assert done.elsewhere == []
        return done.report.body

    assert result_of("schedule_ticks")["schedule"]["sent"] == {ACCOUNT: 12}
    (tick,) = result_of("replace_quotes")["ticks"]
    assert (tick["outcome"], tick["markets"][0]["orders_placed"]) == ("done", 2)
    halt = result_of("halt")["halt"]
    assert (halt["orders_cancelled"], halt["orders_left"], halt["problems"]) == (2, 0, [])
