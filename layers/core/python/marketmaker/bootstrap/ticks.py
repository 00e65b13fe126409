"""What `schedule_ticks` needs: the queues, and neither a venue nor a table."""

import os
from collections.abc import Callable
from functools import cache

import boto3
import msgspec

from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.sqs import SqsTickQueue
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.bootstrap.environment import AWS, SERVICE, Environment, plain_values
from marketmaker.config import load_deployment
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError
from marketmaker.usecases.schedule_ticks import ScheduleReport, schedule_ticks

__all__ = ["plain_values", "tick_scheduler"]


@cache
def tick_scheduler() -> Callable[[], ScheduleReport]:
    """Connect `schedule_ticks` to every account's queue, once a process; its call writes the metrics."""
    deployment = load_deployment(Environment.read(os.environ).deployment_file)
    try:
        urls = msgspec.json.decode(os.environ.get("MM_TICK_QUEUES", ""), type=dict[AccountName, str])
    except msgspec.MsgspecError as error:
        raise ConfigError(f"MM_TICK_QUEUES: not JSON of account → queue URL: {error}") from error
    missing = [account for account in deployment.accounts if account not in urls]
    if missing:
        raise ConfigError(f"MM_TICK_QUEUES: no queue for {', '.join(missing)}; every account needs one")
    queue = SqsTickQueue(boto3.client("sqs", region_name=deployment.region, config=AWS), urls)
    clocks = {name: account.clocks for name, account in deployment.accounts.items()}
    telemetry = PowertoolsTelemetry(service=SERVICE, deployment=deployment.name)

    def schedule() -> ScheduleReport:
        try:
            return schedule_ticks(clocks, queue, SystemClock(), telemetry)
        finally:
            telemetry.flush()

    return schedule
