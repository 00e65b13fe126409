"""The three tables, created where no CloudFormation template does it: on ministack and DynamoDB Local."""

from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.literals import KeyTypeType, ScalarAttributeTypeType
    from mypy_boto3_dynamodb.type_defs import AttributeDefinitionTypeDef, KeySchemaElementTypeDef

STATE_KEY = ("account", "item")
LEDGER_KEY = ("market", "row")
PRICES_KEY = ("market", "row")
TIME_INDEX = "by_time"


def create_tables(
    *, state_table: str, ledger_table: str, prices_table: str, region: str, endpoint: str | None = None
) -> None:
    """Create all tables, billed on demand, and wait until they answer.

    `by_time` is a global index: a local one would limit a market's whole ledger to 10 GB.
    """
    client = boto3.client("dynamodb", region_name=region, endpoint_url=endpoint)
    for table, names in ((state_table, STATE_KEY), (prices_table, PRICES_KEY)):
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_key(*names),
            AttributeDefinitions=[_type(name, "S") for name in names],
        )
    client.create_table(
        TableName=ledger_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_key(*LEDGER_KEY),
        AttributeDefinitions=[*(_type(name, "S") for name in LEDGER_KEY), _type("time_ms", "N")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": TIME_INDEX,
                "KeySchema": _key(LEDGER_KEY[0], "time_ms"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for table in (state_table, ledger_table, prices_table):
        client.get_waiter("table_exists").wait(TableName=table)


def _key(hash_key: str, range_key: str) -> "list[KeySchemaElementTypeDef]":
    kinds: tuple[KeyTypeType, KeyTypeType] = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip((hash_key, range_key), kinds, strict=True)]


def _type(name: str, kind: "ScalarAttributeTypeType") -> "AttributeDefinitionTypeDef":
    return {"AttributeName": name, "AttributeType": kind}
