"""The two tables' shape, and their creation where CloudFormation does not do it: the local demo and the tests."""

from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeDefinitionTypeDef, KeySchemaElementTypeDef

STATE_KEY = ("account", "item")
LEDGER_KEY = ("market", "row")
TIME_INDEX = "by_time"


def key_schema(hash_key: str, range_key: str) -> "list[KeySchemaElementTypeDef]":
    """Describe a table's or an index's key."""
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def key_types(hash_key: str, range_key: str) -> "list[AttributeDefinitionTypeDef]":
    """Describe the types of a table's key: text."""
    return [{"AttributeName": hash_key, "AttributeType": "S"}, {"AttributeName": range_key, "AttributeType": "S"}]


def create_tables(*, state_table: str, ledger_table: str, region: str, endpoint: str | None = None) -> None:
    """Create both tables, billed on demand, and wait until they answer.

    `by_time` is a global index: a local one would limit a market's whole ledger to 10 GB.
    """
    client = boto3.client("dynamodb", region_name=region, endpoint_url=endpoint)
    client.create_table(
        TableName=state_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=key_schema(*STATE_KEY),
        AttributeDefinitions=key_types(*STATE_KEY),
    )
    client.create_table(
        TableName=ledger_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=key_schema(*LEDGER_KEY),
        AttributeDefinitions=[*key_types(*LEDGER_KEY), {"AttributeName": "time_ms", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": TIME_INDEX,
                "KeySchema": key_schema(LEDGER_KEY[0], "time_ms"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for table in (state_table, ledger_table):
        client.get_waiter("table_exists").wait(TableName=table)
