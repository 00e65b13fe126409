"""Writes of a market's item with its ledger rows: all or nothing, once, and fenced by the lease (R14, R25)."""

from dataclasses import dataclass, replace
from uuid import uuid4

from pynamodb.expressions.condition import Condition

from marketmaker.adapters.dynamodb.client import Check, Put, TableClient, Update
from marketmaker.adapters.dynamodb.control import ControlWrites
from marketmaker.adapters.dynamodb.failures import ConditionFailed
from marketmaker.adapters.dynamodb.ledger_items import ledger_item
from marketmaker.adapters.dynamodb.market_items import market_item
from marketmaker.adapters.dynamodb.models import LedgerItem
from marketmaker.domain.inventory import LedgerRow
from marketmaker.domain.state import MarketState
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Conflict, LeaseLost

LEASE_PLACE = 1
"""Where a transaction has what requires the lease: after the first item, whose stored form it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWrites:
    """Writes markets; where there is an `owner`, only while nobody else holds the account's lease."""

    client: TableClient
    owner: str | None = None

    def write(
        self,
        account: AccountName,
        market: MarketState,
        condition: Condition,
        *rows: Put,
        lease: Check | Update | None = None,
    ) -> MarketState:
        """Write a market's item with its rows, and what `lease` does to the control item or requires of it.

        Raises:
            LeaseLost: another holds the lease, or nobody does.
            Conflict: the condition does not hold, or a row exists.
        """
        state = self.client.settings.state_table
        if lease is None and self.owner is not None:
            lease = ControlWrites(table=state, account=account).held_by(self.owner)
        written = replace(market, version=market.version + 1)
        item = market_item(account, written, write_id=uuid4().hex)
        put = Put(table=state, item=item, condition=condition)
        others = rows if lease is None else (lease, *rows)
        try:
            if others:
                self.client.transact(put, *others)
            else:
                self.client.put(put)
        except ConditionFailed as failed:
            if failed.stored.get("write_id") == item.serialize()["write_id"]:
                return written
            if lease is not None and LEASE_PLACE in failed.failed:
                raise lease_lost(account) from failed
            raise Conflict(
                f"{account} {market.symbol} is not at version {market.version} any more, or a ledger row exists"
            ) from failed
        return written

    def row(self, account: AccountName, symbol: Symbol, row: LedgerRow) -> Put:
        """Write a ledger row that does not exist yet."""
        item = ledger_item(account, symbol, row)
        return Put(table=self.client.settings.ledger_table, item=item, condition=LedgerItem.row.does_not_exist())


def lease_lost(account: AccountName) -> LeaseLost:
    """Say that a write came too late."""
    return LeaseLost(f"the lease of {account} is another's or nobody's; nothing was written")
