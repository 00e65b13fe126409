"""The first firing of a `rate(…)` schedule: at once on AWS, only after one whole period on ministack."""

from typing import TYPE_CHECKING

from infra.local.deployer import Deployed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient


def fire_rates(deployed: Deployed) -> list[str]:
    """Invoke what each enabled rate schedule of a stack invokes; returns the schedules' names."""
    scheduler: EventBridgeSchedulerClient = deployed.aws.client("scheduler")
    functions: LambdaClient = deployed.aws.client("lambda")
    own, fired = deployed.names("AWS::Scheduler::Schedule"), list[str]()
    for page in scheduler.get_paginator("list_schedules").paginate():
        for row in page["Schedules"]:
            if row["Name"] not in own or row["State"] != "ENABLED":
                continue
            schedule = scheduler.get_schedule(Name=row["Name"], GroupName=row["GroupName"])
            if schedule["ScheduleExpression"].startswith("rate("):
                target = schedule["Target"]
                payload = target.get("Input", "{}").encode()
                functions.invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=payload)
                fired.append(row["Name"])
    return fired
