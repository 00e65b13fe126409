"""The rules over the stack: cdk-nag at every synth, CloudFormation's own schema, and a reason for each exception."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from infra.accounts import Account
from infra.stack import MarketMakerStack
from tests.infra.deployments import FULL, SHIPPED
from tests.infra.synth import Synth, new_stack

CDK_REPEATS_ITSELF = "W3005"
"""The CDK writes a dependency out that a reference implies already."""
ACKNOWLEDGED_RULES = "aws:cdk:acknowledged-rules"


def findings(outdir: Path) -> set[str]:
    """Return which of cdk-nag's rules were broken in the last synth."""
    report: dict[str, Any] = json.loads((outdir / "validation-report.json").read_text(encoding="utf-8"))
    broken = {each["ruleName"] for plugin in report["pluginReports"] for each in plugin["violations"]}
    return {rule for rule in broken if not rule.startswith("Annotation::")}


def refused(stack: cdk.Stack, outdir: Path) -> set[str]:
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        stack.node.root.synth()  # type: ignore[attr-defined]
    return findings(outdir)


@pytest.fixture
def stack(tmp_path: Path, outdir: Path) -> MarketMakerStack:
    file = tmp_path / "full.toml"
    file.write_text(FULL, encoding="utf-8")
    return new_stack(file, outdir)


def first_account(stack: MarketMakerStack) -> Account:
    account = stack.node.find_child("Account-one")
    assert isinstance(account, Account)
    return account


def test_a_wildcard_in_any_functions_role_ends_the_synth(stack: MarketMakerStack, outdir: Path) -> None:
    everything = iam.PolicyStatement(actions=["dynamodb:*"], resources=["*"])
    first_account(stack).replace_quotes.allow(everything)
    assert refused(stack, outdir) == {
        "AwsSolutions-IAM5[Action::dynamodb:*]",
        "AwsSolutions-IAM5[Resource::*]",
    }


def test_a_queue_without_dead_letters_ends_the_synth(stack: MarketMakerStack, outdir: Path) -> None:
    sqs.Queue(stack, "Forgotten", enforce_ssl=True)
    assert refused(stack, outdir) == {"AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"}


def test_the_local_stages_exceptions_are_not_other_stages(outdir: Path) -> None:
    stack = new_stack(SHIPPED["testnet"], outdir)
    table = first_table(stack)
    table.point_in_time_recovery_specification = None
    assert refused(stack, outdir) == {"AwsSolutions-DDB3"}


def first_table(stack: cdk.Stack) -> dynamodb.CfnTable:
    table = stack.node.find_child("Storage").node.find_child("State").node.default_child
    assert isinstance(table, dynamodb.CfnTable)
    return table


def test_every_exception_has_a_reason(every: list[Synth]) -> None:
    for synth in every:
        file = synth.directory / f"{synth.deployment.stack_name}.metadata.json"
        metadata = json.loads(file.read_text(encoding="utf-8"))
        accepted = [
            each["data"] for of_one in metadata.values() for each in of_one if each["type"] == ACKNOWLEDGED_RULES
        ]
        assert accepted
        assert all(len(reason) > 20 for each in accepted for reason in each.values())


def test_cloudformations_own_schema_finds_nothing(every: list[Synth]) -> None:
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--ignore-checks", CDK_REPEATS_ITSELF, "--"]
    done = subprocess.run(  # noqa: S603 - the linter of this environment
        [*command, *(str(each.template_file) for each in every)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
