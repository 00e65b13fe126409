"""A hook's function in this process: from a published alert to a robot, with the secret of Secrets Manager (moto)."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from functions.relay_alerts.handler import handler
from infra.local.function_process import Context
from marketmaker.adapters.hooks import SecretsHookStore
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.bootstrap.hooks import alert_relay, pick_hook
from marketmaker.domain.hooks import HookKind, HookName, HookSecret, HookSettings
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import ConfigError, Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import Alert, Severity
from tests.contract import hook_receivers as robots
from tests.contract.hook_receivers import Answer, Receiver, receiver, said
from tests.contract.test_hooks import echo, every_text_of, secret_of, shown_secrets
from tests.e2e.stage import REGION, deployment_text
from tests.tables import use_fake_credentials

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

HOOKS = """
[alerts.hooks.desk]
kind = "dingtalk"

[alerts.hooks.night]
kind = "telegram"
severity = "critical"
"""
SECRET_NAME = "marketmaker/one/hooks/desk"
DESK = HookSettings(name=HookName("desk"), kind=HookKind.DINGTALK, hears_info=True)
ALERT = Alert(
    account=AccountName("main"),
    kind="price_band",
    severity=Severity.CRITICAL,
    text="main PAXG/USDT: 1795.2 is outside [1800, 2000]",
    symbol=Symbol("PAXG/USDT"),
)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        yield


@pytest.fixture
def secrets(aws: None) -> "SecretsManagerClient":
    return boto3.client("secretsmanager", region_name=REGION)


@pytest.fixture
def store(secrets: "SecretsManagerClient") -> SecretsHookStore:
    return SecretsHookStore(secrets, lambda _: SECRET_NAME, deployment="one", is_local=True)


def published(*alerts: Alert) -> list[dict[str, Any]]:
    """Publish alerts to topics and return the events that Lambda makes of them."""
    sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
    topics = {each: sns.create_topic(Name=f"marketmaker-one-alerts-{each}")["TopicArn"] for each in Severity}
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in topics.values():
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for alert in alerts:
        SnsAlerts(sns, topics).send(alert)
    heard = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    return [{"Records": [{"EventSource": "aws:sns", "Sns": json.loads(each["Body"])}]} for each in heard]


@pytest.fixture
def robot() -> Iterator[Receiver]:
    with receiver(robots.dingtalk) as running:
        yield running


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, robot: Receiver, store: SecretsHookStore
) -> Iterator[Callable[[Any], Any]]:
    """Invoke the function of the hook `desk`."""
    file = tmp_path / "one.toml"
    file.write_text(deployment_text("one") + HOOKS, encoding="utf-8")
    monkeypatch.setenv("MM_DEPLOYMENT_FILE", str(file))
    monkeypatch.setenv("MM_HOOK", "desk")
    store.write(DESK, secret_of(HookKind.DINGTALK, robot.endpoint))
    alert_relay.cache_clear()
    yield lambda event: handler(event, Context(20_000))
    alert_relay.cache_clear()


def test_a_published_alert_arrives_at_the_robot(invoke: Callable[[Any], Any], robot: Receiver) -> None:
    (event,) = published(ALERT)
    result = invoke(event)
    assert result == {"relay": {"delivered": [event["Records"][0]["Sns"]["MessageId"]], "left_out": []}}
    title, text, _ = robot.received[0].json["text"]["content"].split("\n")
    assert title == "[one] CRITICAL main PAXG/USDT: price band"
    assert text == "1795.2 is outside [1800, 2000]"


def test_a_robot_that_does_not_take_it_has_lambda_try_again(invoke: Callable[[Any], Any], robot: Receiver) -> None:
    robot.answers += [Answer(status=503), said({"errcode": 130101, "errmsg": "send too fast"})]
    (event,) = published(ALERT)
    for _ in range(2):
        with pytest.raises(Retryable):
            invoke(event)
    assert len(invoke(event)["relay"]["delivered"]) == 1
    assert len(robot.received) == 3


def test_nothing_that_the_function_says_of_a_failure_shows_the_secret(
    invoke: Callable[[Any], Any],
    robot: Receiver,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The error is what the queue of undelivered events and Lambda's own log get to see."""
    caplog.set_level(logging.DEBUG)
    robot._robot = echo
    (event,) = published(ALERT)
    with pytest.raises(Refused, match="not shown") as caught:
        invoke(event)
    # What botocore writes at DEBUG is Secrets Manager's own answer, which nobody switches on; `responses` is moto's.
    records = [vars(each) for each in caplog.records if not each.name.startswith(("botocore", "responses"))]
    assert "alert_not_relayed" in [each["msg"] for each in records]
    assert shown_secrets(f"{every_text_of(caught.value)} {records} {capfd.readouterr()}") == []


@pytest.mark.parametrize("name", ["", "third"])
def test_a_function_without_a_hook_of_its_file_says_so(
    invoke: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MM_HOOK", name)
    with pytest.raises(ConfigError, match=f"MM_HOOK: {name or 'nothing'} is not allowed: one of desk, night"):
        invoke({"Records": []})


def test_a_file_without_hooks_knows_none() -> None:
    with pytest.raises(ConfigError, match=r"NAME: desk is not allowed: the file has no \[alerts\.hooks\.NAME\]"):
        pick_hook({}, "desk", asked_by="NAME")


# --- secrets of hooks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HookKind)
def test_a_hooks_secret_is_read_as_it_was_written(store: SecretsHookStore, kind: HookKind) -> None:
    hook = HookSettings(name=DESK.name, kind=kind, hears_info=True)
    secret = secret_of(kind, "https://example.com")
    assert store.write(hook, secret)
    assert not store.write(hook, secret)
    assert store.read(hook) == secret


def test_a_hooks_secret_is_tagged(store: SecretsHookStore, secrets: "SecretsManagerClient") -> None:
    store.write(DESK, secret_of(HookKind.DINGTALK, "https://example.com"))
    described = secrets.describe_secret(SecretId=SECRET_NAME)
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {"deployment": "one", "hook": "desk"}
    assert described["Description"] == "Hook for alerts (dingtalk); written by `mm hooks set`"


def test_a_missing_secret_says_what_to_do(store: SecretsHookStore) -> None:
    with pytest.raises(Fatal, match=f"secret {SECRET_NAME} does not exist: create it .* with `mm hooks set desk`"):
        store.read(DESK)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (robots.DINGTALK_SECRET, "is not a JSON object"),
        (f'["{robots.DINGTALK_SECRET}"]', "is not a JSON object"),
        (f'{{"secret": "{robots.DINGTALK_SECRET}"}}', "url: nothing is not allowed"),
        (f'{{"url": "http://a.b/{robots.DINGTALK_TOKEN}", "secret": "{robots.DINGTALK_SECRET}"}}', "does not start"),
        (f'{{"url": "https://a.b", "secret": "{robots.DINGTALK_SECRET}", "{robots.WECOM_KEY}": 1}}', "is not known"),
    ],
)
def test_an_unusable_secret_is_fatal_and_never_shown(
    store: SecretsHookStore, secrets: "SecretsManagerClient", content: str, told: str
) -> None:  # R27
    secrets.create_secret(Name=SECRET_NAME, SecretString=content)
    with pytest.raises(Fatal, match=told) as caught:
        store.read(DESK)
    assert "mm hooks set desk" in str(caught.value)
    assert shown_secrets(every_text_of(caught.value)) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [("InvalidRequestException", Refused), ("AccessDeniedException", Fatal), ("ThrottlingException", Retryable)],
)
def test_a_secret_that_cannot_be_written_is_our_failure_and_shows_nothing_of_it(
    store: SecretsHookStore, secrets: "SecretsManagerClient", code: str, kind: type[MarketMakerError]
) -> None:  # R27
    secret: HookSecret = secret_of(HookKind.DINGTALK, "https://example.com")
    with Stubber(secrets) as stubber:
        stubber.add_client_error("put_secret_value", code, "because")
        with pytest.raises(kind, match=f"writing secret {SECRET_NAME}: {code}: because") as caught:
            store.write(DESK, secret)
    assert shown_secrets(every_text_of(caught.value)) == []
