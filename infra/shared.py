"""The deployment's own functions: one puts ticks into every account's queue, one keeps what the venues publish."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.accounts import Account, Services
from infra.functions import Function, FunctionSpec
from infra.storage import within

SCHEDULE_TIMEOUT = Duration.seconds(20)
FETCH_TIMEOUT = Duration.seconds(50)
"""Both end before the next minute's run begins."""


class SharedFunctions(Construct):
    """`schedule_ticks`, which may send ticks and nothing else, and `fetch_prices`, which has no key."""

    def __init__(self, scope: Construct, construct_id: str, *, accounts: Sequence[Account], services: Services) -> None:
        super().__init__(scope, construct_id)
        self._services = services
        self.schedule_ticks = self._schedule_ticks(accounts)
        self.fetch_prices = self._fetch_prices()

    def _schedule_ticks(self, accounts: Sequence[Account]) -> Function:
        urls = {each.settings.name: each.ticks.queue.queue_url for each in accounts}
        spec = FunctionSpec(
            name="schedule_ticks",
            timeout=SCHEDULE_TIMEOUT,
            environment={"MM_TICK_QUEUES": cdk.Stack.of(self).to_json_string(urls)},
            calls_venue=False,
        )
        function = Function(self, spec=spec, home=self._services.home)
        queues = [each.ticks.queue.queue_arn for each in accounts]
        function.allow(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=queues))
        return function

    def _fetch_prices(self) -> Function:
        """Make the function that keeps prices; it may tell something only where triangles are to be told of."""
        services, deployment = self._services, self._services.home.deployment
        tells = deployment.tells_of_triangles
        told = {"MM_TOPIC_INFO": services.alerting.info.topic_arn} if tells else {}
        spec = FunctionSpec(name="fetch_prices", timeout=FETCH_TIMEOUT, environment=told, calls_venue=True)
        function = Function(self, spec=spec, home=services.home)
        partitions = [f"{venue}#*" for venue in deployment.venues]
        function.allow(
            within(services.storage.prices, ["BatchGetItem", "PutItem", "Query", "UpdateItem"], *partitions),
            *(services.alerting.publish_to(services.alerting.info) if tells else ()),
        )
        return function
