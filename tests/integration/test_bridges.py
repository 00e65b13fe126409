"""The bridges on ministack: from a function's log line to metric, alarm and the alert that a subscriber gets."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.assembly import DeployError, read_assembly
from infra.local.aws import variables
from infra.local.bridges import LATE_S, Bridges, bridges, fire_rates
from infra.local.bridges.pollers import QueuePoller
from infra.local.deployer import Deployed, deploy
from infra.local.function_logs import follow_functions
from infra.local.subscriber import Subscriber, alert_subscriber
from tests.cloud_assembly import ROLE, function, write_assembly
from tests.e2e.stage import local_aws, until

MINUTE_S = 60
HANDLER = """
import json
import time


def handler(event, context):
    print(json.dumps({"message": "ran", "event": event}))
    if event.get("fail"):
        raise ValueError("a defect")
    metrics = {"Namespace": "probe", "Dimensions": [["account"]], "Metrics": [{"Name": "breaches", "Unit": "Count"}]}
    embedded = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metrics]}
    print(json.dumps({"_aws": embedded, "account": event["account"], "breaches": [1]}))
"""


def alarm(name: str, namespace: str, metric: str, **dimension: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimension.items()],
            "Statistic": "Sum",
            "Period": MINUTE_S,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Critical"}],
            "OKActions": [{"Ref": "Info"}],
        },
    }


def schedule(name: str, expression: str, state: str = "ENABLED") -> dict[str, Any]:
    target = {
        "Arn": {"Fn::GetAtt": ["Quoting", "Arn"]},
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "Input": json.dumps({"account": name}),
    }
    properties = {"Name": name, "ScheduleExpression": expression, "State": state, "Target": target}
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {**properties, "FlexibleTimeWindow": {"Mode": "OFF"}},
    }


RESOURCES: dict[str, Any] = {
    "Role": ROLE,
    "Quoting": function("probe-quoting", "code"),
    "Halt": function("probe-halt", "code"),
    "Critical": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "probe-alerts-critical"}},
    "Info": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "probe-alerts-info"}},
    "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "probe-dead"}},
    "Main": alarm("main", "probe", "breaches", account="main"),
    "Other": alarm("other", "probe", "breaches", account="other"),
    "Errors": alarm("errors", "AWS/Lambda", "Errors", FunctionName={"Ref": "Halt"}),
    "Waiting": alarm(
        "dead", "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName={"Fn::GetAtt": ["Dead", "QueueName"]}
    ),
    "Rate": schedule("rate", "rate(1 minute)"),
    "Daily": schedule("daily", "cron(0 8 * * ? *)"),
    "Off": schedule("off", "rate(1 minute)", "DISABLED"),
}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Deployed]:
    """Deploy to an AWS of its own: metrics outlive a stack."""
    with local_aws(tmp_path) as aws, variables(aws):
        assembly = read_assembly(write_assembly(tmp_path / "cdk.out", RESOURCES, {"code": {"handler.py": HANDLER}}))
        yield deploy(assembly, parameters={}, say=print)


@pytest.fixture
def inbox(stack: Deployed) -> Iterator[Subscriber]:
    with alert_subscriber(stack.aws, stack.names("AWS::SNS::Topic")) as subscriber:
        yield subscriber


def told(inbox: Subscriber) -> list[tuple[str, str, str]]:
    """Return topic, alarm and new state of each alert."""
    messages = [(alert.topic, json.loads(alert.message)) for alert in inbox.alerts()]
    return sorted((topic, message["AlarmName"], message["NewStateValue"]) for topic, message in messages)


def invoke(stack: Deployed, name: str, **event: Any) -> None:
    stack.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())


def ran_at_s(stack: Deployed) -> float:
    """Wait for a function's lines and return when they were written."""
    return until(follow_functions(stack).read)[-1].at_ms / 1000


def judged_at_s(moment_s: float, *, minutes_later: int = 0) -> float:
    """Return when the minute of a moment is judged, or a later one."""
    return (moment_s // MINUTE_S + 1 + minutes_later) * MINUTE_S + LATE_S


def states(stack: Deployed) -> dict[str, str]:
    alarms = stack.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {each["AlarmName"]: each["StateValue"] for each in alarms}


def test_an_alarm_follows_its_own_dimension_and_runs_its_actions(stack: Deployed, inbox: Subscriber) -> None:
    running = Bridges(stack)
    invoke(stack, "probe-quoting", account="main")
    at_s = ran_at_s(stack)
    running.round(at_s)
    running.round(judged_at_s(at_s))
    assert {name for name, state in states(stack).items() if state == "ALARM"} == {"main"}
    running.round(judged_at_s(at_s, minutes_later=1))
    running.round(judged_at_s(at_s, minutes_later=2))
    assert set(states(stack).values()) == {"OK"}
    until(lambda: len(told(inbox)) == 5)
    assert told(inbox) == [
        ("probe-alerts-critical", "main", "ALARM"),
        ("probe-alerts-info", "dead", "OK"),
        ("probe-alerts-info", "errors", "OK"),
        ("probe-alerts-info", "main", "OK"),
        ("probe-alerts-info", "other", "OK"),
    ]


def test_a_function_that_fails_behind_a_topic_and_a_dead_message_raise_their_alarms(stack: Deployed) -> None:
    running = Bridges(stack)
    sns, info = stack.aws.client("sns"), stack.resources["Info"].name
    halt = stack.aws.client("lambda").get_function(FunctionName="probe-halt")["Configuration"]["FunctionArn"]
    sns.subscribe(TopicArn=info, Protocol="lambda", Endpoint=halt)
    sns.publish(TopicArn=info, Message="the handler finds no account in it and fails")
    stack.aws.client("sqs").send_message(QueueUrl=stack.resources["Dead"].name, MessageBody="dead")
    at_s = ran_at_s(stack)
    running.round(at_s)
    running.round(judged_at_s(at_s))
    assert {name for name, state in states(stack).items() if state == "ALARM"} == {"errors", "dead"}


def test_a_rate_schedule_fires_at_once_and_no_other_does(stack: Deployed) -> None:
    assert fire_rates(stack) == ["rate"]
    records = [line.record() for line in until(follow_functions(stack).read)]
    assert [record["event"] for record in records if record and "event" in record] == [{"account": "rate"}]


def test_bridges_end_with_their_context_and_say_what_ended_them(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.bridges.ROUND_S", 0.01)
    with bridges(stack) as running:
        running.check()
    rounds: list[float] = []
    monkeypatch.setattr(Bridges, "round", lambda _, now_s: rounds.append(now_s))
    time.sleep(0.1)
    assert rounds == []

    def broken(_: Bridges, now_s: float) -> None:
        raise ValueError(f"no round at {now_s > 0}")

    monkeypatch.setattr(Bridges, "round", broken)
    with bridges(stack) as running:

        def failed() -> bool:
            try:
                running.check()
            except DeployError as error:
                return "no round at True" in str(error)
            return False

        until(failed)


def test_looking_again_and_again_needs_one_message_and_one_receipt(stack: Deployed) -> None:
    sqs = stack.aws.client("sqs")
    poller = QueuePoller(sqs)
    for _ in range(3):
        poller.look()
    url = sqs.get_queue_url(QueueName="local-poller")["QueueUrl"]
    waiting = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert waiting == {"ApproximateNumberOfMessages": "1"}
