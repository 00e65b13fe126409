"""The alerts of an operator's command find the deployment's topics by name, on moto."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from marketmaker.adapters.terminal import NamedTopicAlerts, OperatorTelemetry
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, Retryable
from marketmaker.ports import Alert, Severity
from tests.tables import REGION, use_fake_credentials

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient

TOPICS = {Severity.CRITICAL: "marketmaker-mine-alerts-critical", Severity.INFO: "marketmaker-mine-alerts-info"}
ALERT = Alert(account=AccountName("main"), kind="halt", severity=Severity.CRITICAL, text="main halted by operator")


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        yield


class Connecting:
    """Connects to AWS, as often as it is asked, or fails to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.connections = 0
        self._failure = failure

    def __call__(self) -> "tuple[STSClient, SNSClient]":
        self.connections += 1
        if self._failure is not None:
            raise self._failure
        return boto3.client("sts", region_name=REGION), boto3.client("sns", region_name=REGION)


def alerts(connect: "Callable[[], tuple[STSClient, SNSClient]]") -> NamedTopicAlerts:
    return NamedTopicAlerts(TOPICS, region=REGION, connect=connect)


def queue_of(topic: str) -> str:
    """Create a topic with a queue that gets what it publishes; returns the queue's URL."""
    sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
    arn = sns.create_topic(Name=topic)["TopicArn"]
    url = sqs.create_queue(QueueName=topic)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return url


def texts(url: str) -> list[str]:
    got = boto3.client("sqs", region_name=REGION).receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(each["Body"])["Message"] for each in got.get("Messages", [])]


def test_alert_reaches_the_topic_that_has_its_name() -> None:
    critical, info = (queue_of(TOPICS[severity]) for severity in (Severity.CRITICAL, Severity.INFO))
    alerts(Connecting()).send(ALERT)
    assert texts(critical) == ["main halted by operator"]
    assert texts(info) == []


def test_aws_is_asked_at_the_first_alert_and_once() -> None:
    url = queue_of(TOPICS[Severity.CRITICAL])
    connecting = Connecting()
    sending = alerts(connecting)
    assert connecting.connections == 0
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sending.send, [ALERT] * 4))
    assert connecting.connections == 1
    assert len(texts(url)) == 4


def test_missing_topic_is_fatal_and_named() -> None:
    with pytest.raises(Fatal, match=f"arn:aws:sns:{REGION}:123456789012:marketmaker-mine-alerts-critical"):
        alerts(Connecting()).send(ALERT)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (EndpointConnectionError(endpoint_url="https://sts"), Retryable),
        (NoCredentialsError(), Fatal),
        (ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "old"}}, "GetCallerIdentity"), Fatal),
        (ValueError("Invalid endpoint: nonsense"), Fatal),
    ],
)
def test_aws_that_cannot_be_asked_is_our_failure_and_is_not_asked_again(
    failure: Exception, kind: type[Exception]
) -> None:
    connecting = Connecting(failure)
    sending = alerts(connecting)
    for _ in range(2):
        with pytest.raises(kind, match="alert topics"):
            sending.send(ALERT)
    assert connecting.connections == 1


def test_only_an_alert_that_nobody_got_is_told_in_one_line() -> None:
    told: list[str] = []
    telemetry = OperatorTelemetry(told.append)
    telemetry.record("halt", {"account": "main", "reason": "x"})
    telemetry.count(AccountName("main"), {"ticks": 1})
    telemetry.flush()
    assert told == []
    telemetry.record("alert_failed", {"account": "main", "kind": "halt", "text": "…", "reason": "NotFound:\n no topic"})
    assert told == ["main: alert not sent: NotFound: no topic"]
