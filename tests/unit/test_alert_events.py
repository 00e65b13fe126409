"""Messages of the alert topics as a human reads them."""

import json
from typing import Any

import pytest

from marketmaker.adapters.alert_events import read_alert_event
from marketmaker.ports import Notice, Severity

CRITICAL = "arn:aws:sns:eu-central-1:123456789012:marketmaker-live-alerts-critical"
INFO = CRITICAL.replace("critical", "info")


def event(message: str, *, topic: str = CRITICAL, attributes: dict[str, str] | None = None, **more: Any) -> Any:
    named = {name: {"Type": "String", "Value": value} for name, value in (attributes or {}).items()}
    sns = {
        "Type": "Notification",
        "MessageId": "95df01b4",
        "TopicArn": topic,
        "Subject": None,
        "Message": message,
        "Timestamp": "2026-11-22T21:20:05.123Z",
        "MessageAttributes": named,
        **more,
    }
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def read(each: Any) -> Notice:
    (notice,) = read_alert_event(each, deployment="live", stack_name="marketmaker-live")
    return notice


def alarm(state: str = "ALARM", **changes: Any) -> Any:
    content = {
        "AlarmName": "marketmaker-live-main-heartbeat",
        "AlarmDescription": "No tick was worked for three minutes. Its orders rest unattended.",
        "NewStateValue": state,
        "NewStateReason": "no datapoints were received for 3 periods",
        "AWSAccountId": "123456789012",
        **changes,
    }
    return event(json.dumps(content))


def test_an_alert_is_read_with_its_attributes_and_says_where_once() -> None:
    attributes = {"account": "main", "kind": "price_band", "severity": "critical", "symbol": "PAXG/USDT"}
    assert read(event("main PAXG/USDT: 1795.2 is outside", attributes=attributes)) == Notice(
        delivery="95df01b4",
        deployment="live",
        told_at="2026-11-22 21:20:05 UTC",
        severity=Severity.CRITICAL,
        what="price band",
        text="1795.2 is outside",
        kind="price_band",
        account="main",
        symbol="PAXG/USDT",
    )


@pytest.mark.parametrize("resolved", Severity)
def test_the_end_of_an_alert_is_resolved(resolved: Severity) -> None:
    attributes = {"account": "main", "kind": "price_band", "severity": "info", "resolved": resolved.value}
    notice = read(event("main: price_band is over", topic=INFO, attributes=attributes))
    assert (notice.severity, notice.resolves) == (Severity.INFO, resolved)
    assert notice.is_critical is (resolved is Severity.CRITICAL)


def test_an_alarm_says_what_is_wrong_and_what_was_measured() -> None:
    notice = read(alarm())
    assert notice.title == "[live] CRITICAL alarm main-heartbeat"
    assert notice.text == (
        "No tick was worked for three minutes. Its orders rest unattended.\n"
        "CloudWatch: no datapoints were received for 3 periods"
    )
    assert (notice.alarm, notice.account, notice.is_critical) == ("marketmaker-live-main-heartbeat", None, True)


def test_an_alarm_that_ended_is_resolved() -> None:
    assert read(alarm("OK")).title == "[live] RESOLVED alarm main-heartbeat"
    assert read(alarm("INSUFFICIENT_DATA")).resolves is None


def test_an_alarm_of_somebody_elses_may_say_nothing_at_all() -> None:
    bare = json.dumps({"AlarmName": "cpu", "NewStateValue": "ALARM", "AlarmDescription": None})
    assert (read(event(bare)).what, read(event(bare)).text) == ("alarm cpu", "ALARM")


@pytest.mark.parametrize(
    ("text", "subject", "topic", "title"),
    [
        ("the desk is empty tonight", None, CRITICAL, "[live] CRITICAL message"),
        ("the desk is empty tonight", "Please read", INFO, "[live] INFO Please read"),
        ('{"AlarmName": 5}', None, INFO, "[live] INFO message"),
        ("[1]", None, INFO, "[live] INFO message"),
    ],
)
def test_a_text_that_somebody_sent_is_told_as_it_is(text: str, subject: str | None, topic: str, title: str) -> None:
    notice = read(event(text, topic=topic, Subject=subject))
    assert (notice.title, notice.text) == (title, text)


def test_an_attribute_that_is_no_severity_leaves_it_to_the_topic() -> None:
    for topic, severity in ((CRITICAL, Severity.CRITICAL), (INFO, Severity.INFO)):
        notice = read(event("x", topic=topic, attributes={"severity": "loud", "resolved": "yes"}))
        assert (notice.severity, notice.resolves) == (severity, None)


def test_a_time_that_is_none_is_told_as_it_came() -> None:
    assert read(event("x", Timestamp="soon")).told_at == "soon"


@pytest.mark.parametrize("wrong", [{}, {"Records": None}, {"Records": [{"body": "{}"}]}, {"Records": [{"Sns": {}}]}])
def test_what_comes_from_no_topic_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an alert: "):
        read_alert_event(wrong, deployment="live", stack_name="marketmaker-live")
