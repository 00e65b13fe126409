"""What delivers alerts to hooks: a function for each, which hears the alert topics and reads one secret."""

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.accounts import Services
from infra.functions import AsyncRules, Function, FunctionSpec
from marketmaker.config import HookSettings

RELAY_TIMEOUT = Duration.seconds(20)
"""A read of the secret and one POST, each with time-outs of its own."""
RELAY_RETRIES = 2
RELAY_MAX_AGE = Duration.minutes(15)
"""Long enough for a robot that takes twenty messages a minute, too short for news that mislead."""


class Relay(Construct):
    """`relay_alerts` for one hook, which so fails and is tried again on its own; no hook waits for another.

    Its subscriptions have no filter: a filter on attributes loses messages without any, as those of alarms. The
    function leaves out what is not for its hook, of the info topic too, where the ends of critical alerts come. It is
    not on the network with the one address: what breaks that way out is among what it tells of.
    """

    def __init__(self, scope: Construct, construct_id: str, *, hook: HookSettings, services: Services) -> None:
        super().__init__(scope, construct_id)
        self.hook = hook
        self._deployment = services.home.deployment
        rules = AsyncRules(max_age=RELAY_MAX_AGE, retries=RELAY_RETRIES, undelivered=services.undelivered)
        spec = FunctionSpec(
            name="relay_alerts",
            hook=hook,
            timeout=RELAY_TIMEOUT,
            environment={"MM_HOOK": hook.name},
            calls_venue=False,
            rules=rules,
        )
        self.function = Function(self, spec=spec, home=services.home)
        self.function.allow(self._secret())
        alerting = services.alerting
        for topic in (alerting.critical, alerting.info):
            topic.add_subscription(
                subscriptions.LambdaSubscription(self.function.function, dead_letter_queue=services.undelivered)
            )

    def _secret(self) -> iam.PolicyStatement:
        """Allow reading the hook's secret, whose ARN ends with six characters of the service's own.

        It is encrypted with the key of Secrets Manager itself, which wants no statement.
        """
        secret = cdk.Stack.of(self).format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{self._deployment.hook_secret_name(self.hook.name)}-??????",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        return iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret])
