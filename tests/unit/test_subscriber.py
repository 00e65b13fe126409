"""The local alert subscriber: subscriptions are confirmed, each alert is kept once, and nonsense is refused."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.local import subscriber
from infra.local.assembly import DeployError
from infra.local.deployer import LocalAws
from infra.local.subscriber import Alert, Subscriber, alert_subscriber

CRITICAL = "arn:aws:sns:eu-central-1:123456789012:marketmaker-local-alerts-critical"
AWS = LocalAws(endpoint="http://127.0.0.1:1", region="eu-central-1")


class Topics:
    """Stands for the SNS client: asks the subscriber for confirmation as SNS does, unless it is mute."""

    def __init__(self, *, mute: bool = False) -> None:
        self.mute = mute
        self.endpoint = ""
        self.confirmed: list[tuple[str, str]] = []

    def subscribe(self, **request: Any) -> None:
        self.endpoint = request["Endpoint"]
        if not self.mute:
            body = {"Type": "SubscriptionConfirmation", "TopicArn": request["TopicArn"], "Token": "t0ken"}
            threading.Thread(target=post, args=(self.endpoint, body)).start()

    def confirm_subscription(self, **request: Any) -> None:
        self.confirmed.append((request["TopicArn"], request["Token"]))


def post(endpoint: str, body: object) -> int:
    request = urllib.request.Request(endpoint, json.dumps(body).encode(), method="POST")  # noqa: S310 - our own loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def notification(**changes: Any) -> dict[str, Any]:
    attributes = {"account": {"Type": "String", "Value": "main"}}
    body = {"Type": "Notification", "MessageId": "m1", "TopicArn": CRITICAL, "Subject": "CRITICAL main: halted"}
    return {**body, "Message": "stopped", "MessageAttributes": attributes, **changes}


@contextmanager
def subscribed(monkeypatch: pytest.MonkeyPatch, topics: Topics, got: list[Alert]) -> Iterator[Subscriber]:
    monkeypatch.setattr(LocalAws, "client", lambda *_: topics)
    with alert_subscriber(AWS, [CRITICAL], got.append) as running:
        yield running


def test_a_subscription_is_confirmed_with_its_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics()
    with subscribed(monkeypatch, topics, []):
        assert topics.confirmed == [(CRITICAL, "t0ken")]
        assert topics.endpoint.startswith("http://127.0.0.1:")


def test_a_subscription_that_nobody_confirms_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "CONFIRM_TIMEOUT_S", 0.1)
    with (
        pytest.raises(DeployError, match=f"no confirmation of the subscription to {CRITICAL}"),
        subscribed(monkeypatch, Topics(mute=True), []),
    ):
        raise AssertionError


def test_an_alert_is_kept_and_told_once_however_often_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    topics, got = Topics(), list[Alert]()
    with subscribed(monkeypatch, topics, got) as running:
        for identity in ("m1", "m1", "m2"):
            assert post(topics.endpoint, notification(MessageId=identity)) == 200
        first = running.alerts()[0]
        assert len(running.alerts()) == len(got) == 2
    assert (first.topic, first.subject, first.message, first.attributes) == (
        "marketmaker-local-alerts-critical",
        "CRITICAL main: halted",
        "stopped",
        {"account": "main"},
    )


def test_a_message_without_subject_and_attributes_is_an_alert_too(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics()
    with subscribed(monkeypatch, topics, []) as running:
        bare = {name: value for name, value in notification().items() if name not in ("Subject", "MessageAttributes")}
        assert post(topics.endpoint, bare) == 200
        assert [(alert.subject, alert.attributes) for alert in running.alerts()] == [("", {})]


@pytest.mark.parametrize("body", ["text", [1], {}, {"Type": "Notification"}, {"Type": "Notification", "TopicArn": 1}])
def test_what_is_not_from_sns_is_refused(monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    topics = Topics()
    with subscribed(monkeypatch, topics, []) as running:
        assert post(topics.endpoint, body) == 400
        assert running.alerts() == ()
