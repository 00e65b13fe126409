"""Queues: ticks that wait for their moment, and what could not be delivered."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.checks import acknowledge
from infra.stage import is_on_aws
from marketmaker.config import AccountSettings, Deployment

TICK_RETENTION = Duration.minutes(5)
TICK_RECEIVES = 5
VISIBILITY_TIMEOUTS = 6
"""Function timeouts for which a received tick stays invisible: what Lambda asks for."""
DEAD_RETENTION = Duration.days(14)


class DeadLetters(sqs.Queue):
    """What could not be delivered, kept for a human to look at; nothing ever sends it again."""

    def __init__(self, scope: Construct, construct_id: str, *, deployment: Deployment, name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            queue_name=f"{deployment.stack_name}-{name}",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=is_on_aws(deployment),
            retention_period=DEAD_RETENTION,
        )
        itself = "this is where undeliverable events end, and its depth has an alarm"
        acknowledge(self, {"AwsSolutions-SQS3": itself, "Serverless-SQSRedrivePolicy": itself})
        acknowledge_http(self, deployment)


class TickQueue(Construct):
    """One account's ticks: a standard queue, because FIFO knows no delay per message."""

    def __init__(
        self, scope: Construct, construct_id: str, *, deployment: Deployment, account: AccountSettings
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead = DeadLetters(self, "Dead", deployment=deployment, name=f"{account.name}-ticks-dead")
        self.queue = sqs.Queue(
            self,
            "Waiting",
            queue_name=f"{deployment.stack_name}-{account.name}-ticks",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=is_on_aws(deployment),
            visibility_timeout=Duration.millis(VISIBILITY_TIMEOUTS * account.clocks.function_timeout_ms),
            retention_period=TICK_RETENTION,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=TICK_RECEIVES),
        )
        acknowledge_http(self.queue, deployment)


def acknowledge_http(queue: sqs.Queue, deployment: Deployment) -> None:
    """Say why the local stage allows plain HTTP."""
    if not is_on_aws(deployment):
        acknowledge(queue, {"AwsSolutions-SQS4": "the local AWS speaks plain HTTP on the loopback interface"})
