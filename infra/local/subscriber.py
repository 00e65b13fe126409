"""A subscriber to the alert topics on this machine: what an operator's e-mail inbox would get."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.assembly import DeployError
from infra.local.deployer import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

CONFIRM_TIMEOUT_S = 10.0
_MAX_BYTES = 512 * 1024
"""Twice what SNS takes as a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message of a topic, as it arrived; `topic` is the topic's name."""

    topic: str
    subject: str
    message: str
    attributes: Mapping[str, str]
    at_s: float


class Subscriber:
    """Confirms its subscriptions and keeps every alert, each once however often it is delivered."""

    def __init__(self, client: "SNSClient", on_alert: Callable[[Alert], None]) -> None:
        self._client = client
        self._on_alert = on_alert
        self._alerts: dict[str, Alert] = {}
        self._confirmed: set[str] = set()
        self._changed = threading.Condition()

    def alerts(self) -> tuple[Alert, ...]:
        """Return what has arrived so far, in order of arrival."""
        with self._changed:
            return tuple(self._alerts.values())

    def subscribe(self, topics: Sequence[str], endpoint: str) -> None:
        """Subscribe to topics and wait until each subscription is confirmed."""
        for topic in topics:
            self._client.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, ReturnSubscriptionArn=True)
        with self._changed:
            if not self._changed.wait_for(lambda: self._confirmed >= set(topics), CONFIRM_TIMEOUT_S):
                missing = ", ".join(sorted(set(topics) - self._confirmed))
                raise DeployError(f"no confirmation of the subscription to {missing} in {CONFIRM_TIMEOUT_S:.0f} s")

    def take(self, body: Mapping[str, Any], at_s: float) -> None:
        """Take one message from SNS: a confirmation to give, or an alert to keep."""
        topic = body["TopicArn"]
        if body["Type"] == "SubscriptionConfirmation":
            self._client.confirm_subscription(TopicArn=topic, Token=body["Token"])
            with self._changed:
                self._confirmed.add(topic)
                self._changed.notify_all()
        elif body["Type"] == "Notification":
            alert = Alert(
                topic=topic.rpartition(":")[2],
                subject=body.get("Subject", ""),
                message=body["Message"],
                attributes={name: each["Value"] for name, each in body.get("MessageAttributes", {}).items()},
                at_s=at_s,
            )
            with self._changed:
                known = body["MessageId"] in self._alerts
                self._alerts.setdefault(body["MessageId"], alert)
            if not known:
                self._on_alert(alert)


@contextmanager
def alert_subscriber(
    aws: LocalAws, topics: Sequence[str], on_alert: Callable[[Alert], None] = lambda _: None
) -> Iterator[Subscriber]:
    """Serve on a free port of 127.0.0.1, subscribed to the topics; `on_alert` is called in the server's threads."""
    subscriber = Subscriber(aws.client("sns"), on_alert)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer SNS; what is not from it is refused."""
            try:
                length = min(int(self.headers.get("content-length", 0)), _MAX_BYTES)
                subscriber.take(json.loads(self.rfile.read(length)), time.time())
            except (ValueError, KeyError, TypeError, AttributeError):
                self.send_error(HTTPStatus.BAD_REQUEST)
                return
            except (BotoCoreError, ClientError):
                self.send_error(HTTPStatus.BAD_GATEWAY)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Stay silent: the alerts are the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="alerts", daemon=True)
    thread.start()
    try:
        subscriber.subscribe(topics, f"http://127.0.0.1:{server.server_port}/alerts")
        yield subscriber
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
