"""The schedules and alarms of a standby: deployed switched off, and switched on when it takes over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.domain.units import AccountName

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

_KEPT = (
    "ActionAfterCompletion",
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "Target",
)
"""What an update must say again: it replaces a schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """What is switched off of an account: schedules of a group, and alarms, by name."""

    group: str
    schedules: Sequence[str]
    alarms: Sequence[str]


class StandbySchedules:
    """Switches an account of a standby on; twice is as good as once."""

    def __init__(
        self,
        of: Callable[[AccountName], SwitchedOff],
        connect: "Callable[[], tuple[EventBridgeSchedulerClient, CloudWatchClient]]",
    ) -> None:
        self._of = of
        self._connect = connect

    def enable(self, account: AccountName) -> None:
        """Switch schedules on, then alarms.

        Raises:
            Retryable: AWS could not be asked.
            Fatal: one is missing, or not ours to change.
        """
        found = self._of(account)
        doing = f"switching on the schedules of {found.group}"
        try:
            scheduler, cloudwatch = self._connect()
            for name in found.schedules:
                doing = f"switching on the schedule {found.group}/{name}"
                kept = scheduler.get_schedule(GroupName=found.group, Name=name)
                if kept["State"] != "ENABLED":
                    said = {key: value for key, value in cast("dict[str, Any]", kept).items() if key in _KEPT}
                    scheduler.update_schedule(**said, State="ENABLED")
            doing = f"switching on the alarms of {account}"
            cloudwatch.enable_alarm_actions(AlarmNames=list(found.alarms))
        except (BotoCoreError, ClientError) as error:
            raise as_failure(error, doing) from error
