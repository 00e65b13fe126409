"""One account's functions and tick queue; their roles reach no other account's partitions or keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.alerting import Alerting
from infra.checks import acknowledge
from infra.functions import EVERY_MINUTE, AsyncRules, Function, FunctionHome, FunctionSpec
from infra.queues import DeadLetters, TickQueue
from infra.storage import Storage, within
from marketmaker.config import AccountFunction, AccountSettings, KeyPurpose, Stage

PORTFOLIO = "#portfolio"
"""The partition of the state table in which accounts tell each other what they hold."""
CHECK_TIMEOUT = Duration.seconds(30)
HALT_TIMEOUT = Duration.seconds(120)
HALT_RETRIES = 2
HALT_MAX_AGE = Duration.minutes(15)
"""Long enough for three attempts of two minutes with Lambda's pauses, too short to halt what was resumed meanwhile."""
TICKS_AT_ONCE = 2
"""The least that Lambda allows; the lease, not this, keeps ticks apart."""
_QUEUE_ACTIONS = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the functions of all accounts use together."""

    home: FunctionHome
    storage: Storage
    alerting: Alerting
    undelivered: DeadLetters


class Account(Construct):
    """`replace_quotes` behind its queue, `check_risk`, and `halt` behind the halt topic."""

    def __init__(self, scope: Construct, construct_id: str, *, account: AccountSettings, services: Services) -> None:
        super().__init__(scope, construct_id)
        self.settings = account
        self._services = services
        self.ticks = TickQueue(self, "Ticks", deployment=services.home.deployment, account=account)
        self.replace_quotes = self._replace_quotes()
        self.check_risk = self._check_risk()
        self.halt = self._halt()

    def _replace_quotes(self) -> Function:
        timeout = Duration.millis(self.settings.clocks.function_timeout_ms)
        function = self._function("replace_quotes", timeout)
        queue = self.ticks.queue
        function.allow(
            *self._reads_and_alerts("trade"),
            self._state("ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
            self._ledger(),
            iam.PolicyStatement(actions=list(_QUEUE_ACTIONS), resources=[queue.queue_arn]),
        )
        mapping = lambda_.EventSourceMapping(
            self,
            "TicksToFunction",
            target=function.function,
            event_source_arn=queue.queue_arn,
            batch_size=1,
            max_concurrency=TICKS_AT_ONCE,
        )
        acknowledge(
            mapping, {"Serverless-LambdaEventSourceMappingDestination": "the tick queue has a dead-letter queue"}
        )
        return function

    def _check_risk(self) -> Function:
        topic = self._services.alerting.halt
        function = self._function("check_risk", CHECK_TIMEOUT, told={"MM_TOPIC_HALT": topic.topic_arn})
        function.allow(
            *self._reads_and_alerts("risk", topic),
            self._state("ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
            self._ledger(),
        )
        if self.settings.portfolio is not None:
            function.allow(within(self._services.storage.state, ["PutItem", "Query"], PORTFOLIO))
        return function

    def _halt(self) -> Function:
        """Make the function that stops the account; it takes every message of the topic and leaves out others' own.

        A filter of the subscription would lose messages without attributes: those of alarms, and a human's in a hurry.
        """
        rules = AsyncRules(max_age=HALT_MAX_AGE, retries=HALT_RETRIES, undelivered=self._services.undelivered)
        function = self._function("halt", HALT_TIMEOUT, rules=rules)
        function.allow(*self._reads_and_alerts("risk"), self._state("PutItem", "UpdateItem"), self._ledger())
        self._services.alerting.halt.add_subscription(
            subscriptions.LambdaSubscription(function.function, dead_letter_queue=self._services.undelivered)
        )
        return function

    def _function(
        self,
        name: AccountFunction,
        timeout: Duration,
        *,
        told: Mapping[str, str] = MappingProxyType({}),
        rules: AsyncRules = EVERY_MINUTE,
    ) -> Function:
        alerting = self._services.alerting
        own = {
            "MM_ACCOUNT": self.settings.name,
            "MM_TOPIC_CRITICAL": alerting.critical.topic_arn,
            "MM_TOPIC_INFO": alerting.info.topic_arn,
        }
        spec = FunctionSpec(
            name=name,
            account=self.settings,
            timeout=timeout,
            environment={**own, **told},
            calls_venue=True,
            rules=rules,
        )
        return Function(self, spec=spec, home=self._services.home)

    def _reads_and_alerts(self, purpose: KeyPurpose, *topics: sns.Topic) -> list[iam.PolicyStatement]:
        """Allow what all three do: read their partition, the venue's metadata and a key, and publish.

        Other venues are those whose books the account's markets may be priced by.
        """
        alerting, prices = self._services.alerting, self._services.storage.prices
        venues = sorted(self.settings.venues)
        return [
            self._state("GetItem", "Query"),
            within(prices, ["BatchGetItem"], *(f"{venue}#*" for venue in venues)),
            *self._key(purpose),
            *alerting.publish_to(alerting.critical, alerting.info, *topics),
        ]

    def _state(self, *actions: str) -> iam.PolicyStatement:
        return within(self._services.storage.state, actions, self.settings.name)

    def _ledger(self) -> iam.PolicyStatement:
        return within(self._services.storage.ledger, ["PutItem", "Query"], f"{self.settings.name}#*")

    def _key(self, purpose: KeyPurpose) -> list[iam.PolicyStatement]:
        """Allow reading one venue key, whose ARN ends with six characters of the service's own; paper has none."""
        deployment = self._services.home.deployment
        if deployment.stage is Stage.PAPER:
            return []
        secret = cdk.Stack.of(self).format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{deployment.secret_name(self.settings.name, purpose)}-??????",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        return [iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret])]
