"""`make bootstrap`, `make deploy` and `make destroy` as a user types them, with the pinned CDK CLI, on a local AWS."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws import ROOT, variables
from marketmaker.config import Deployment, load_deployment
from tests.e2e.stage import local_aws
from tests.e2e.terminal import type_in

FILE = "infra/deployments/paper.toml"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with local_aws(tmp_path_factory.mktemp("deploy")) as variables_of_aws:
        yield variables_of_aws


def make(target: str, aws: Mapping[str, str], *answers: tuple[str, str]) -> tuple[int, str]:
    """Run a target on a terminal, answering what it asks; returns its exit code and what it said."""
    return type_in(["make", target, f"DEPLOYMENT={FILE}"], aws, answers)


def status_of(deployment: Deployment) -> str | None:
    client = boto3.client("cloudformation", region_name=deployment.region)
    try:
        return client.describe_stacks(StackName=deployment.stack_name)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def test_a_stack_is_deployed_after_a_yes_and_destroyed_after_a_halt_and_its_name(aws: Mapping[str, str]) -> None:
    deployment = load_deployment(Path(ROOT, FILE))
    code, said = make("bootstrap", aws)
    assert (code, "bootstrapped" in said) == (0, True), said

    code, said = make("deploy", aws, ("(y/n)", "y\n"))
    assert code == 0, said
    assert "Newer version" not in said
    with variables(aws):
        assert status_of(deployment) == "CREATE_COMPLETE"

    code, said = make("destroy", aws, ("to let it be deleted", "marketmaker-other\n"))
    assert (code, "stays protected" in said) == (2, True), said
    with variables(aws):
        assert status_of(deployment) == "CREATE_COMPLETE"

    code, said = make("destroy", aws, ("to let it be deleted", f"{deployment.stack_name}\n"))
    assert code == 0, said
    assert "halted, 0 orders cancelled" in said
    with variables(aws):
        assert status_of(deployment) is None
