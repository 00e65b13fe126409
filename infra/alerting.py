"""The topics, the key that encrypts them, and who is told."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.queues import DeadLetters
from infra.stage import is_on_aws
from marketmaker.config import Deployment, TopicName

_KEY_WAITS = cdk.Duration.days(7)
"""Between its deletion and its end."""


class Alerting(Construct):
    """Topics for halts and alerts, encrypted with a key that alarms may use.

    With the key that SNS has of its own, alarms change their state and tell nobody: CloudWatch may not use it. So this
    one names CloudWatch in its policy, as each topic does. It encrypts nothing else.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, deployment: Deployment, undelivered: DeadLetters
    ) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._cloudwatch = iam.ServicePrincipal(
            "cloudwatch.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
        )
        self.key = self._key()
        self.halt = self._topic("Halt", "halt")
        self.critical = self._topic("Critical", "alerts-critical")
        self.info = self._topic("Info", "alerts-info")
        for address in deployment.recipients.email:
            self._subscribe(self.critical, sns.SubscriptionProtocol.EMAIL, address, undelivered)
            self._subscribe(self.info, sns.SubscriptionProtocol.EMAIL, address, undelivered)
        for number in deployment.recipients.sms:
            self._subscribe(self.critical, sns.SubscriptionProtocol.SMS, number, undelivered)

    def publish_to(self, *topics: sns.Topic) -> list[iam.PolicyStatement]:
        """Allow publishing to topics, and what encrypting a message takes."""
        through_sns = {"kms:ViaService": f"sns.{self._deployment.region}.{cdk.Aws.URL_SUFFIX}"}
        return [
            iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn for topic in topics]),
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[self.key.key_arn],
                conditions={"StringEquals": through_sns},
            ),
        ]

    def _subscribe(
        self, topic: sns.Topic, protocol: sns.SubscriptionProtocol, endpoint: str, undelivered: DeadLetters
    ) -> None:
        sns.Subscription(
            topic, endpoint, topic=topic, protocol=protocol, endpoint=endpoint, dead_letter_queue=undelivered
        )

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=self._deployment.stack_name,
            description=f"Encrypts the topics of {self._deployment.stack_name}",
            enable_key_rotation=True,
            pending_window=_KEY_WAITS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsEncrypt",
                principals=[self._cloudwatch],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's own policy this is the key
            )
        )
        return key

    def _topic(self, construct_id: str, name: TopicName) -> sns.Topic:
        topic = sns.Topic(
            self,
            construct_id,
            topic_name=self._deployment.topic_name(name),
            master_key=self.key,
            enforce_ssl=is_on_aws(self._deployment),
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[self._cloudwatch],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
            )
        )
        return topic
