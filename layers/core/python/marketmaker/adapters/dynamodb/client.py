"""Requests to the three tables: consistent reads, conditional writes, failures in our own words."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from typing import Any, assert_never

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection import Connection
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.adapters.dynamodb.failures import RawItem, as_told, met_transaction
from marketmaker.errors import Retryable

STATE_KEY = ("account", "item")
LEDGER_KEY = ("market", "row")
PRICES_KEY = ("market", "row")
"""Partition and sort key of each table, both text."""
MOST_KEYS = 100
"""Items that one batch may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Write a whole item of one table if the condition holds."""

    table: str
    item: Model
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Change attributes of one item, creating it if it does not exist, if the condition holds."""

    table: str
    key: tuple[str, str]
    actions: Sequence[Action]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Leave one item as it is, but let its transaction fail unless the condition holds."""

    table: str
    key: tuple[str, str]
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove one item if the condition holds; for transactions."""

    table: str
    key: tuple[str, str]
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """Where the tables are, and how long one request may take: at most `attempts` · (connect + read).

    A write that meets a transaction on the same item is sent again after each of `conflict_pauses_s`.
    """

    state_table: str
    ledger_table: str
    prices_table: str
    region: str
    endpoint: str | None = None
    connect_timeout_s: float = 1.0
    read_timeout_s: float = 1.5
    attempts: int = 2
    conflict_pauses_s: tuple[float, ...] = (0.02, 0.05, 0.1)


class TableClient:
    """One connection for all tables, made on first use."""

    def __init__(self, settings: TableSettings) -> None:
        self.settings = settings
        self._keys = {
            settings.state_table: STATE_KEY,
            settings.ledger_table: LEDGER_KEY,
            settings.prices_table: PRICES_KEY,
        }

    @cached_property
    def connection(self) -> Connection:
        """Return pynamodb's connection, told the tables' keys so that it never asks for them."""
        settings = self.settings
        connection = Connection(
            region=settings.region,
            host=settings.endpoint,
            connect_timeout_seconds=settings.connect_timeout_s,
            read_timeout_seconds=settings.read_timeout_s,
            max_retry_attempts=settings.attempts - 1,
        )
        for table, names in self._keys.items():
            connection.add_meta_table(_described(table, *names))
        return connection

    def get(self, table: str, key: tuple[str, str]) -> RawItem:
        """Read one item consistently; empty if it does not exist."""
        kwargs = self.connection.get_operation_kwargs(table, *key, consistent_read=True)
        return self._item(self._send("GetItem", kwargs, table), "Item")

    def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> list[RawItem]:
        """Read items consistently, in no order; those that do not exist are left out.

        Raises:
            Retryable: the service left some of them for later.
        """
        names = self._keys[table]
        found: list[RawItem] = []
        for some in batched(keys, MOST_KEYS, strict=False):
            wanted = [{name: {"S": value} for name, value in zip(names, key, strict=True)} for key in some]
            request = {"RequestItems": {table: {"Keys": wanted, "ConsistentRead": True}}}
            answer = self._send("BatchGetItem", request, table)
            if answer.get("UnprocessedKeys"):
                raise Retryable(f"BatchGetItem on table {table} left some of {len(some)} items for later")
            found += answer["Responses"].get(table, [])
        return found

    def query(
        self, table: str, partition: str, within: Condition | None = None, only: Sequence[str] | None = None
    ) -> Iterator[RawItem]:
        """Read a partition, or a range of it, consistently and to the last page; `only` names the attributes wanted."""
        start: RawItem | None = None
        while True:
            page = self._query(
                table, partition, range_key_condition=within, attributes_to_get=only, exclusive_start_key=start
            )
            yield from page["Items"]
            start = page.get("LastEvaluatedKey")
            if start is None:
                return

    def last(self, table: str, partition: str, within: Condition, only: Sequence[str]) -> RawItem:
        """Read the wanted attributes of a range's last item, consistently; empty if there is none."""
        page = self._query(
            table, partition, range_key_condition=within, attributes_to_get=only, limit=1, scan_index_forward=False
        )
        items: list[RawItem] = page["Items"]
        return items[0] if items else {}

    def backwards(self, table: str, partition: str, within: Condition, page: int) -> Iterator[RawItem]:
        """Read a range from its last item on, consistently, `page` items a request, as far as they are asked for."""
        start: RawItem | None = None
        while True:
            found = self._query(
                table,
                partition,
                range_key_condition=within,
                limit=page,
                scan_index_forward=False,
                exclusive_start_key=start,
            )
            yield from found["Items"]
            start = found.get("LastEvaluatedKey")
            if start is None:
                return

    def put(self, put: Put) -> None:
        """Write an item; raises `ConditionFailed` with the stored one."""
        self._send("PutItem", self._put_kwargs(put), put.table)

    def update(self, update: Update) -> RawItem:
        """Change an item and return it as it now is; raises `ConditionFailed` with the stored one."""
        kwargs = self._update_kwargs(update)
        return self._item(self._send("UpdateItem", {**kwargs, "ReturnValues": "ALL_NEW"}, update.table), "Attributes")

    def delete(self, table: str, key: tuple[str, str]) -> RawItem:
        """Delete an item and return what it was; empty if it did not exist."""
        kwargs = self.connection.get_operation_kwargs(table, *key, return_values="ALL_OLD")
        return self._item(self._send("DeleteItem", kwargs, table), "Attributes")

    def transact(self, *writes: Put | Update | Check | Delete) -> None:
        """Do all writes or none; raises `ConditionFailed` with what is stored for the first of them."""
        items = [self._transacted(each) for each in writes]
        tables = " and ".join(sorted({each.table for each in writes}))
        self._send("TransactWriteItems", {"TransactItems": items}, tables)

    def _transacted(self, write: Put | Update | Check | Delete) -> dict[str, Any]:
        match write:
            case Put():
                return {"Put": self._put_kwargs(write)}
            case Update():
                return {"Update": self._update_kwargs(write)}
            case Check():
                return {"ConditionCheck": self._key_kwargs(write)}
            case Delete():
                return {"Delete": self._key_kwargs(write)}
            case _:
                assert_never(write)

    def _put_kwargs(self, put: Put) -> dict[str, Any]:
        attributes = put.item.serialize()
        hash_key, range_key = (attributes.pop(name)["S"] for name in self._keys[put.table])
        return self.connection.get_operation_kwargs(
            put.table,
            hash_key,
            range_key,
            key="Item",
            attributes=attributes,
            condition=put.condition,
            return_values_on_condition_failure="ALL_OLD",
        )

    def _update_kwargs(self, update: Update) -> dict[str, Any]:
        return self.connection.get_operation_kwargs(
            update.table,
            *update.key,
            actions=update.actions,
            condition=update.condition,
            return_values_on_condition_failure="ALL_OLD",
        )

    def _key_kwargs(self, write: Check | Delete) -> dict[str, Any]:
        return self.connection.get_operation_kwargs(
            write.table, *write.key, condition=write.condition, return_values_on_condition_failure="ALL_OLD"
        )

    def _query(self, table: str, partition: str, **options: object) -> dict[str, Any]:
        try:
            return self.connection.query(table, partition, consistent_read=True, **options)  # type: ignore[arg-type]
        except PynamoDBException as error:
            if not isinstance(error.cause, BotoCoreError | ClientError):
                raise
            raise as_failure(error.cause, f"Query on table {table}") from error

    def _send(self, operation: str, kwargs: dict[str, Any], tables: str) -> dict[str, Any]:
        """Send a request; one that met a transaction under way changed nothing, and is sent again."""
        doing = f"{operation} on table {tables}"
        pauses_s = iter(self.settings.conflict_pauses_s)
        while True:
            try:
                return self.connection.dispatch(operation, kwargs)
            except (BotoCoreError, ClientError) as error:
                pause_s = next(pauses_s, None) if met_transaction(error) else None
                if pause_s is None:
                    raise as_told(error, doing) from error
            time.sleep(pause_s)

    @staticmethod
    def _item(answer: dict[str, Any], name: str) -> RawItem:
        item: RawItem = answer.get(name, {})
        return item


def _described(table: str, hash_key: str, range_key: str) -> MetaTable:
    return MetaTable(
        {
            "TableName": table,
            "KeySchema": [
                {"AttributeName": hash_key, "KeyType": "HASH"},
                {"AttributeName": range_key, "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in (hash_key, range_key)],
        }
    )
