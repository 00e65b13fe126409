"""The deployer on ministack: a hand-written assembly becomes a stack whose functions run with layer and parameters."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.assembly import DeployError, read_assembly
from infra.local.aws import ministack, variables
from infra.local.deployer import Deployed, deploy, describe, destroy
from tests.cloud_assembly import REGION, ROLE, function, layer, write_assembly
from tests.e2e.stage import local_aws

HANDLER = """
import os
import sys

import part


def handler(event, context):
    with open("deployment.toml") as file:
        deployment = file.read()
    own = [name for name in os.environ if name.startswith("MM_") or name == "PYTHONPATH"]
    python = ".".join(map(str, sys.version_info[:2]))
    return {"word": os.environ["WORD"], "part": part.NAME, "deployment": deployment, "own": own, "python": python}
"""
ASSETS = {
    "code": {"handler.py": HANDLER, "deployment.toml": "name = 'local'"},
    "layer": {"python/part.py": "NAME = 'from the layer'"},
}
EXPIRING = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "probe-prices",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "venue", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "venue", "AttributeType": "S"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_s", "Enabled": True},
    },
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "probe-ticks"}}
WORKS: dict[str, Any] = {
    "Role": ROLE,
    "Layer": layer("layer"),
    "Halt": function("probe-halt", "code", Layers=[{"Ref": "Layer"}]),
    "Prices": EXPIRING,
    "Queue": QUEUE,
}
BROKEN: dict[str, Any] = {
    "Type": "AWS::Lambda::Function",
    "Properties": {**function("probe-broken", "code")["Properties"], "Layers": ["no-layer"]},
}


ASKING = """
import botocore.session
from botocore.exceptions import ClientError


def handler(event, context):
    try:
        botocore.session.get_session().create_client("sqs").list_queues()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("MM_ACCOUNT", "of this shell")
        shell.setenv("PYTHONPATH", "of this shell")
        with local_aws(tmp_path_factory.mktemp("aws")) as aws, variables(aws):
            yield


@pytest.fixture
def stack(aws: None, tmp_path: Path) -> Iterator[Deployed]:
    deployed = bring_up(tmp_path, WORKS)
    yield deployed
    destroy(deployed, say=print)


def bring_up(directory: Path, resources: dict[str, Any], say: Any = print, **parameters: str) -> Deployed:
    assembly = read_assembly(write_assembly(directory / "cdk.out", resources, ASSETS))
    return deploy(assembly, parameters=parameters, say=say)


def answer(deployed: Deployed) -> dict[str, Any]:
    reply = deployed.aws.client("lambda").invoke(FunctionName="probe-halt", Payload=b"{}")
    result: dict[str, Any] = json.loads(reply["Payload"].read())
    assert "FunctionError" not in reply, result
    return result


def test_a_deployed_function_runs_with_its_layer_file_and_parameters(stack: Deployed) -> None:
    assert answer(stack) == {
        "word": "one",
        "part": "from the layer",
        "deployment": "name = 'local'",
        "own": [],
        "python": "3.13",
    }


def test_what_was_deployed_is_known_by_logical_and_own_names(stack: Deployed) -> None:
    assert stack.outputs == {"Word": "one"}
    assert stack.names("AWS::Lambda::Function") == ("probe-halt",)
    assert stack.name_ending("AWS::SQS::Queue", "probe-ticks").startswith("http://")
    assert stack.resources["Prices"].name == "probe-prices"
    assert describe("probe", stack.aws) == stack


def test_a_table_that_asks_for_it_expires_items(stack: Deployed) -> None:
    client = stack.aws.client("dynamodb")
    assert client.describe_time_to_live(TableName="probe-prices")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_s",
    }


def test_the_same_assembly_again_uploads_and_changes_nothing(stack: Deployed, tmp_path: Path) -> None:
    said: list[str] = []
    assert bring_up(tmp_path, WORKS, said.append) == stack
    assert said == ["probe is up to date"]


def test_another_parameter_reaches_the_functions(stack: Deployed, tmp_path: Path) -> None:
    changed = bring_up(tmp_path, WORKS, Word="two")
    assert changed.outputs == {"Word": "two"}
    assert answer(changed)["word"] == "two"


def test_a_failed_resource_is_named_with_its_reason_and_mended_by_the_next_deployment(
    aws: None, tmp_path: Path
) -> None:
    with pytest.raises(DeployError, match=r"^probe is ROLLBACK_COMPLETE: Broken \(AWS::Lambda::Function\): .*no-layer"):
        bring_up(tmp_path, {**WORKS, "Broken": BROKEN})
    said: list[str] = []
    mended = bring_up(tmp_path, WORKS, said.append)
    assert answer(mended)["word"] == "one"
    assert "deleting probe, which is ROLLBACK_COMPLETE" in said
    destroy(mended, say=print)


def test_an_update_that_fails_is_rolled_back_and_said(stack: Deployed, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"^probe is UPDATE_ROLLBACK_COMPLETE: Broken \(AWS::Lambda::Function\)"):
        bring_up(tmp_path, {**WORKS, "Broken": BROKEN}, Word="two")
    assert answer(stack)["word"] == "one"
    with pytest.raises(DeployError, match=r"^probe is UPDATE_ROLLBACK_COMPLETE: AlsoBroken "):
        bring_up(tmp_path, {**WORKS, "AlsoBroken": BROKEN})


def test_an_unknown_resource_type_is_one_clear_error(aws: None, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"probe could not be deployed to http://127\.0\.0\.1.*AWS::No::Such"):
        bring_up(tmp_path, {"Thing": {"Type": "AWS::No::Such"}})


def test_a_parameter_that_the_template_lacks_is_refused(aws: None, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="probe has no parameter Wrod"):
        bring_up(tmp_path, WORKS, Wrod="one")


def test_nothing_is_left_of_a_destroyed_stack(aws: None, tmp_path: Path) -> None:
    deployed = bring_up(tmp_path, WORKS)
    destroy(deployed, say=print)
    assert deployed.aws.client("lambda").list_functions()["Functions"] == []
    assert deployed.aws.client("dynamodb").list_tables()["TableNames"] == []


def test_an_endpoint_where_nobody_listens_is_one_clear_error(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DeployError, match=r"could not be deployed to http://127\.0\.0\.1:1: Could not connect"):
        bring_up(tmp_path, WORKS)


@pytest.mark.parametrize(("enforce_roles", "expected"), [(True, "AccessDenied"), (False, "allowed")])
def test_a_function_may_do_what_its_role_allows_if_roles_are_enforced(
    tmp_path: Path, enforce_roles: bool, expected: str
) -> None:
    resources = {"Role": ROLE, "Halt": function("probe-halt", "code")}
    assembly = read_assembly(write_assembly(tmp_path / "cdk.out", resources, {"code": {"handler.py": ASKING}}))
    log, data = tmp_path / "ministack.log", tmp_path / "data"
    with ministack(region=REGION, log=log, data=data, enforce_roles=enforce_roles) as aws, variables(aws):
        deployed = deploy(assembly, parameters={}, say=print)
        reply = deployed.aws.client("lambda").invoke(FunctionName="probe-halt", Payload=b"{}")
        assert json.loads(reply["Payload"].read()) == expected
