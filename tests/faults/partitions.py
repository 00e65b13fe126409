"""The items of a world as the tables really hold them: read raw, and copied for a copy of the world."""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.conditions import Key

from tests.tables import LEDGER_TABLE, PRICES_TABLE, REGION, STATE_TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_MOST_PUTS = 25


@cache
def _tables(endpoint: str) -> "DynamoDBServiceResource":
    return boto3.resource("dynamodb", region_name=REGION, endpoint_url=endpoint)


def rows(endpoint: str, table: str, partition: str) -> list[dict[str, Any]]:
    """Read a partition, consistently and to its last page."""
    name = "account" if table == STATE_TABLE else "market"
    query: dict[str, Any] = {"KeyConditionExpression": Key(name).eq(partition), "ConsistentRead": True}
    found: list[dict[str, Any]] = []
    while True:
        page = _tables(endpoint).Table(table).query(**query)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def ledger_rows(endpoint: str, account: str, symbol: str) -> list[dict[str, Any]]:
    """Read a market's ledger."""
    return rows(endpoint, LEDGER_TABLE, f"{account}#{symbol}")


def copy_partitions(endpoint: str, renamed: Mapping[tuple[str, str], str]) -> None:
    """Copy partitions, each (table, partition) to the name it is mapped to."""
    puts: dict[str, list[dict[str, Any]]] = {}
    for (table, partition), copied in renamed.items():
        name = "account" if table == STATE_TABLE else "market"
        puts.setdefault(table, []).extend({**row, name: copied} for row in rows(endpoint, table, partition))
    _put(endpoint, [(table, row) for table, all_rows in puts.items() for row in all_rows])


def world_partitions(old: tuple[str, str], new: tuple[str, str], symbols: Iterable[str]) -> dict[tuple[str, str], str]:
    """Name the partitions of an account at a venue, (account, venue), and what they are in a copy."""
    (account, venue), (new_account, new_venue) = old, new
    names = {(STATE_TABLE, account): new_account}
    for symbol in symbols:
        names[LEDGER_TABLE, f"{account}#{symbol}"] = f"{new_account}#{symbol}"
        names[PRICES_TABLE, f"{venue}#{symbol}"] = f"{new_venue}#{symbol}"
    return names


def _put(endpoint: str, items: list[tuple[str, dict[str, Any]]]) -> None:
    for some in batched(items, _MOST_PUTS, strict=False):
        requests: dict[str, list[Any]] = {}
        for table, item in some:
            requests.setdefault(table, []).append({"PutRequest": {"Item": item}})
        answer = _tables(endpoint).batch_write_item(RequestItems=requests)
        assert not answer.get("UnprocessedItems"), answer
