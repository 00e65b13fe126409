"""Alerts and halt requests as SNS messages: a topic each, attributes for filters, a subject for e-mail."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.errors import ConfigError
from marketmaker.ports import Alert, HaltRequest, Severity

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

_SUBJECT_LENGTH = 100


class SnsAlerts:
    """Publishes alerts; every severity has its topic."""

    def __init__(self, client: "SNSClient", topics: Mapping[Severity, str]) -> None:
        missing = [severity.value for severity in Severity if not topics.get(severity)]
        if missing:
            raise ConfigError(f"no alert topic for {', '.join(missing)}; each of {', '.join(Severity)} needs one")
        self._client = client
        self._topics = dict(topics)

    def send(self, alert: Alert) -> None:
        """Publish one alert.

        Raises:
            Retryable: SNS could not be asked.
            Fatal: the topic is missing or not ours to publish to.
            Refused: SNS does not accept the message.
        """
        topic = self._topics[alert.severity]
        try:
            self._client.publish(
                TopicArn=topic, Subject=_subject(alert), Message=alert.text, MessageAttributes=_attributes(alert)
            )
        except (BotoCoreError, ClientError) as error:
            raise as_failure(error, f"publishing to topic {topic}") from error


class SnsHaltRequests:
    """Publishes halt requests as JSON; the attribute `account` leads each to its own function."""

    def __init__(self, client: "SNSClient", topic: str) -> None:
        self._client = client
        self._topic = topic

    def request(self, request: HaltRequest) -> None:
        """Publish one request.

        Raises:
            Retryable: SNS could not be asked.
            Fatal: the topic is missing or not ours to publish to.
            Refused: SNS does not accept the message.
        """
        named = {"account": request.account, "reason": request.reason, "requested_by": request.requested_by}
        if request.symbol is not None:
            named["symbol"] = request.symbol
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            "account": {"DataType": "String", "StringValue": request.account}
        }
        try:
            self._client.publish(TopicArn=self._topic, Message=json.dumps(named), MessageAttributes=attributes)
        except (BotoCoreError, ClientError) as error:
            raise as_failure(error, f"publishing to topic {self._topic}") from error


def _subject(alert: Alert) -> str:
    """Write what SNS takes as a subject: at most 100 printable ASCII characters."""
    where = f"{alert.account} {alert.symbol}" if alert.symbol else alert.account
    level = "RESOLVED" if alert.resolves else alert.severity.upper()
    text = f"{level} {where}: {alert.kind.replace('_', ' ')}"
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in text)[:_SUBJECT_LENGTH]


def _attributes(alert: Alert) -> "dict[str, MessageAttributeValueTypeDef]":
    named = {
        "account": alert.account,
        "kind": alert.kind,
        "severity": alert.severity.value,
        "symbol": alert.symbol,
        "resolved": alert.resolves,
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in named.items() if value}
