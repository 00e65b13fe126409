"""`make bootstrap`, `make deploy` and `make destroy` as a user types them, with the pinned CDK CLI, on a local AWS."""

import os
import pty
import select
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws import ROOT, variables
from marketmaker.config import Deployment, load_deployment
from tests.e2e.stage import local_aws

FILE = "infra/deployments/paper.toml"
TIMEOUT_S = 240


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with local_aws(tmp_path_factory.mktemp("deploy")) as variables_of_aws:
        yield variables_of_aws


def make(target: str, aws: Mapping[str, str], answers: Mapping[bytes, bytes]) -> tuple[int, str]:
    """Run a target on a terminal of its own, answering what it asks; returns its exit code and what it said."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_", "MAKE", "MFLAGS"))}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execvpe("make", ["make", target, f"DEPLOYMENT={FILE}"], {**own, **aws})  # noqa: S606, S607
    said, waiting, end_s = b"", dict(answers), time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # what a terminal reads once nobody writes to it any more
            break
        said += chunk
        for question in [each for each in waiting if each in said]:
            os.write(terminal, waiting.pop(question) + b"\n")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    assert not waiting, said.decode(errors="replace")
    return code, said.decode(errors="replace")


def status_of(deployment: Deployment) -> str | None:
    client = boto3.client("cloudformation", region_name=deployment.region)
    try:
        return client.describe_stacks(StackName=deployment.stack_name)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def test_a_stack_is_deployed_after_a_yes_and_destroyed_after_a_halt_and_its_name(aws: Mapping[str, str]) -> None:
    deployment = load_deployment(Path(ROOT, FILE))
    code, said = make("bootstrap", aws, {})
    assert (code, "bootstrapped" in said) == (0, True), said

    code, said = make("deploy", aws, {b"(y/n)": b"y"})
    assert code == 0, said
    assert "Newer version" not in said
    with variables(aws):
        assert status_of(deployment) == "CREATE_COMPLETE"

    code, said = make("destroy", aws, {b"to let it be deleted": b"marketmaker-other"})
    assert (code, "stays protected" in said) == (2, True), said
    with variables(aws):
        assert status_of(deployment) == "CREATE_COMPLETE"

    code, said = make("destroy", aws, {b"to let it be deleted": deployment.stack_name.encode()})
    assert code == 0, said
    assert "halted, 0 orders cancelled" in said
    with variables(aws):
        assert status_of(deployment) is None
