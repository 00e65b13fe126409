"""What fires every minute."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.functions import Function
from infra.queues import DeadLetters

EVERY_MINUTE = "rate(1 minute)"
EVENT_AGE_S = 60
RETRIES = 1


class MinuteSchedules(Construct):
    """A group of schedules that invoke one function each, every minute, in the name of a role that can do no more."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, undelivered: DeadLetters) -> None:
        super().__init__(scope, construct_id)
        self._undelivered = undelivered
        self._group = scheduler.CfnScheduleGroup(self, "Group", name=name)
        own = {
            "StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account},
            "ArnEquals": {"aws:SourceArn": self._group.attr_arn},
        }
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=own))
        self._allow("sqs:SendMessage", undelivered.queue_arn)

    def invoke(self, function: Function, *, enabled: bool = True) -> scheduler.CfnSchedule:
        """Invoke a function every minute, or keep the schedule ready; what it cannot deliver waits for a human."""
        arn = function.function.function_arn
        self._allow("lambda:InvokeFunction", arn)
        schedule = scheduler.CfnSchedule(
            self,
            function.name,
            name=function.name,
            group_name=self._group.ref,
            schedule_expression=EVERY_MINUTE,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            state="ENABLED" if enabled else "DISABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=arn,
                role_arn=self._role.role_arn,
                input="{}",
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=EVENT_AGE_S, maximum_retry_attempts=RETRIES
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self._undelivered.queue_arn),
            ),
        )
        schedule.node.add_dependency(self._role)
        return schedule

    def _allow(self, action: str, resource: str) -> None:
        self._role.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
