"""The three tables, and statements that let a role into some of their partitions."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks import acknowledge
from infra.stage import is_on_aws
from marketmaker.config import Deployment

EXPIRES_BY = "expires_s"
TIME_INDEX = "by_time"


class Storage(Construct):
    """State, ledger and prices, billed on demand; kept, protected and recoverable outside the local stage.

    They are encrypted with DynamoDB's own key. They hold no secret, and a key of ours that somebody disables would keep
    a halt from writing its flag.
    """

    def __init__(self, scope: Construct, construct_id: str, *, deployment: Deployment) -> None:
        super().__init__(scope, construct_id)
        self._keeps = is_on_aws(deployment)
        self.state = self._table("State", deployment.state_table, ("account", "item"))
        self.ledger = self._table("Ledger", deployment.ledger_table, ("market", "row"))
        self.ledger.add_global_secondary_index(
            index_name=TIME_INDEX,
            partition_key=_text("market"),
            sort_key=dynamodb.Attribute(name="time_ms", type=dynamodb.AttributeType.NUMBER),
        )
        self.prices = self._table("Prices", deployment.prices_table, ("market", "row"), expires_by=EXPIRES_BY)
        if not self._keeps:
            acknowledge(self, {"AwsSolutions-DDB3": "the local stage is thrown away with its data"})

    def _table(
        self, construct_id: str, name: str, key: tuple[str, str], *, expires_by: str | None = None
    ) -> dynamodb.Table:
        partition, sort = key
        return dynamodb.Table(
            self,
            construct_id,
            table_name=name,
            partition_key=_text(partition),
            sort_key=_text(sort),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=expires_by,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self._keeps
            ),
            deletion_protection=self._keeps,
            removal_policy=RemovalPolicy.RETAIN if self._keeps else RemovalPolicy.DESTROY,
        )


def within(table: dynamodb.Table, actions: Sequence[str], *partitions: str) -> iam.PolicyStatement:
    """Allow actions on items of these partitions only, where `*` stands for any text.

    Every item of a batch or a transaction must be in one of them. `ForAllValues` also holds where a request names no
    partition at all, so a scan must never be among the actions.
    """
    return iam.PolicyStatement(
        actions=[f"dynamodb:{action}" for action in actions],
        resources=[table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}},
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
