"""Lifting a stack's termination protection: only by a human who names the stack."""

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from infra import protection
from infra.protection import NotLiftedError, lift
from marketmaker.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK = "marketmaker-live"


@pytest.fixture
def client() -> "CloudFormationClient":
    return boto3.client("cloudformation", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_the_stack_that_is_named_may_be_deleted(client: "CloudFormationClient") -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return f" {STACK} "

    request = {"StackName": STACK, "EnableTerminationProtection": False}
    with Stubber(client) as aws:
        aws.add_response("update_termination_protection", {"StackId": STACK}, request)
        lift(STACK, client, answer)
        aws.assert_no_pending_responses()
    assert asked == [f"type {STACK} to let it be deleted: "]


@pytest.mark.parametrize("given", ["", "yes", "marketmaker-live2", "MARKETMAKER-LIVE"])
def test_any_other_answer_changes_nothing(client: "CloudFormationClient", given: str) -> None:
    with Stubber(client), pytest.raises(NotLiftedError, match="it stays protected"):
        lift(STACK, client, lambda _text: given)


def test_a_refusal_is_told_in_our_words(client: "CloudFormationClient") -> None:
    with Stubber(client) as aws:
        aws.add_client_error("update_termination_protection", "AccessDenied", "no")
        with pytest.raises(NotLiftedError, match=f"{STACK} stays protected: .*AccessDenied"):
            lift(STACK, client, lambda _text: STACK)


@pytest.mark.parametrize("arguments", [[], ["a.toml", "b.toml"]])
def test_exactly_one_deployment_file_is_taken(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="is not allowed: one deployment file"):
        protection.main(arguments)


def test_the_file_says_which_stack_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    lifted: list[tuple[str, str]] = []
    monkeypatch.setattr(protection, "lift", lambda name, made, _ask: lifted.append((name, made.meta.region_name)))
    protection.main(["infra/deployments/live.toml"])
    assert lifted == [(STACK, "ap-northeast-1")]
