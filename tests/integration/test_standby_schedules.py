"""What a takeover switches on, on stubbed answers of EventBridge Scheduler and CloudWatch (S13)."""

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from marketmaker.adapters.standby_schedules import StandbySchedules, SwitchedOff
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, MarketMakerError, Retryable
from tests.tables import REGION, use_fake_credentials

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

MAIN = AccountName("main")
OFF = SwitchedOff(group="stack", schedules=("ticks", "main-check_risk"), alarms=("stack-main-heartbeat",))
TARGET = {
    "Arn": "arn:aws:lambda:eu-west-1:000000000000:function:x",
    "RoleArn": "arn:aws:iam::000000000000:role/x",
    "Input": "{}",
    "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
    "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:000000000000:x"},
}
KEPT: dict[str, Any] = {
    "GroupName": "stack",
    "ScheduleExpression": "rate(1 minute)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": TARGET,
}


class Cloud:
    """Two clients that answer what a test says, in order."""

    def __init__(self) -> None:
        self.scheduler: EventBridgeSchedulerClient = boto3.client("scheduler", region_name=REGION)
        self.cloudwatch: CloudWatchClient = boto3.client("cloudwatch", region_name=REGION)
        self.schedules, self.alarms = Stubber(self.scheduler), Stubber(self.cloudwatch)

    def has(self, name: str, state: str) -> None:
        asked = {"GroupName": "stack", "Name": name}
        self.schedules.add_response("get_schedule", {**KEPT, "Name": name, "Arn": "arn:x", "State": state}, asked)

    def expects(self, name: str) -> None:
        arn = {"ScheduleArn": "arn:aws:scheduler:x"}
        self.schedules.add_response("update_schedule", arn, {**KEPT, "Name": name, "State": "ENABLED"})

    def enable(self) -> None:
        switched = StandbySchedules(lambda _: OFF, lambda: (self.scheduler, self.cloudwatch))
        with self.schedules, self.alarms:
            switched.enable(MAIN)
        self.schedules.assert_no_pending_responses()
        self.alarms.assert_no_pending_responses()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    use_fake_credentials(monkeypatch)
    return Cloud()


def test_schedules_and_alarms_are_switched_on_and_stay_as_they_are_otherwise(cloud: Cloud) -> None:
    for name in OFF.schedules:
        cloud.has(name, "DISABLED")
        cloud.expects(name)
    cloud.alarms.add_response("enable_alarm_actions", {}, {"AlarmNames": ["stack-main-heartbeat"]})
    cloud.enable()


def test_what_is_on_already_is_not_written_again(cloud: Cloud) -> None:
    cloud.has("ticks", "ENABLED")
    cloud.has("main-check_risk", "DISABLED")
    cloud.expects("main-check_risk")
    cloud.alarms.add_response("enable_alarm_actions", {}, {"AlarmNames": ["stack-main-heartbeat"]})
    cloud.enable()


@pytest.mark.parametrize(
    ("code", "status", "kind"), [("ThrottlingException", 429, Retryable), ("ResourceNotFoundException", 404, Fatal)]
)
def test_failures_say_what_to_do_and_name_the_schedule(
    cloud: Cloud, code: str, status: int, kind: type[MarketMakerError]
) -> None:
    cloud.schedules.add_client_error("get_schedule", service_error_code=code, http_status_code=status)
    with pytest.raises(kind, match="switching on the schedule stack/ticks"):
        cloud.enable()
