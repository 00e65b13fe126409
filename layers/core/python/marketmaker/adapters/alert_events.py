"""What the alert topics carry, as SNS hands it to a function: alerts of ours, CloudWatch alarms, and plain texts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from marketmaker.ports import Notice, Severity

_SHOWN_REASON = 200


class _Attribute(msgspec.Struct, frozen=True, kw_only=True):
    value: str = msgspec.field(name="Value")


class _Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message as SNS hands it to a function."""

    message_id: str = msgspec.field(name="MessageId")
    topic: str = msgspec.field(name="TopicArn")
    message: str = msgspec.field(name="Message")
    timestamp: str = msgspec.field(name="Timestamp", default="")
    subject: str | None = msgspec.field(name="Subject", default=None)
    attributes: dict[str, _Attribute] = msgspec.field(name="MessageAttributes", default_factory=dict)


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    notification: _Notification = msgspec.field(name="Sns")


class _Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What CloudWatch publishes of an alarm, as far as it matters."""

    name: str = msgspec.field(name="AlarmName")
    state: str = msgspec.field(name="NewStateValue")
    description: str | None = msgspec.field(name="AlarmDescription", default=None)
    reason: str = msgspec.field(name="NewStateReason", default="")


def read_alert_event(event: Mapping[str, Any], *, deployment: str, stack_name: str) -> Sequence[Notice]:
    """Read what a human is to be told; any text on a topic is meant for one.

    Raises:
        ValueError: it comes from no topic.
    """
    try:
        records = msgspec.convert(event.get("Records"), list[_Record])
    except msgspec.ValidationError as error:
        raise ValueError(f"not an alert: {error}") from error
    return [_read(record.notification, deployment, stack_name) for record in records]


def _read(told: _Notification, deployment: str, stack_name: str) -> Notice:
    alarm = _alarm_of(told.message)
    if alarm is not None:
        return _of_alarm(alarm, told, deployment, stack_name)
    named = {name: each.value for name, each in told.attributes.items()}
    kind, account, symbol = named.get("kind"), named.get("account"), named.get("symbol")
    where = " ".join(each for each in (account, symbol) if each)
    return Notice(
        delivery=told.message_id,
        deployment=deployment,
        told_at=_time(told.timestamp),
        severity=_severity_named(named.get("severity")) or _severity_of(told.topic),
        resolves=_severity_named(named.get("resolved")),
        what=kind.replace("_", " ") if kind else (told.subject or "message"),
        text=told.message.removeprefix(f"{where}: "),
        kind=kind,
        account=account,
        symbol=symbol,
    )


def _of_alarm(alarm: _Alarm, told: _Notification, deployment: str, stack_name: str) -> Notice:
    says = [alarm.description or "", f"CloudWatch: {alarm.reason[:_SHOWN_REASON]}" if alarm.reason else ""]
    return Notice(
        delivery=told.message_id,
        deployment=deployment,
        told_at=_time(told.timestamp),
        severity=_severity_of(told.topic),
        resolves=_severity_of(told.topic) if alarm.state == "OK" else None,
        what=f"alarm {alarm.name.removeprefix(f'{stack_name}-')}",
        text="\n".join(each for each in says if each) or alarm.state,
        kind="alarm",
        alarm=alarm.name,
    )


def _alarm_of(message: str) -> _Alarm | None:
    try:
        return msgspec.json.decode(message, type=_Alarm)
    except msgspec.MsgspecError:
        return None


def _severity_named(said: str | None) -> Severity | None:
    return Severity(said) if said in set(Severity) else None


def _severity_of(topic: str) -> Severity:
    """Return what a topic is for."""
    return Severity.CRITICAL if topic.endswith("-critical") else Severity.INFO


def _time(timestamp: str) -> str:
    try:
        return f"{datetime.fromisoformat(timestamp):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return timestamp
