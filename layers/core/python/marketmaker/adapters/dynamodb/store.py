"""The `Store` port on DynamoDB.

A request whose answer was lost is sent again by botocore, so a condition may fail because of our own first success.
`ConditionFailed` therefore carries the stored item: a lease of our owner and slot, or a market item with this call's
own `write_id`, says that the call succeeded. Only `close_episode` cannot tell: its second answer says "none was open".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from pynamodb.expressions.condition import Condition

from marketmaker.adapters.dynamodb import control, keys
from marketmaker.adapters.dynamodb.client import ConditionFailed, Put, TableClient, Update
from marketmaker.adapters.dynamodb.control import ControlWrites
from marketmaker.adapters.dynamodb.models import (
    ControlItem,
    EpisodeItem,
    FillItem,
    LedgerItem,
    MarketItem,
    OpeningItem,
)
from marketmaker.adapters.dynamodb.serialisation import (
    fill_from,
    ledger_item,
    market_from,
    market_item,
    opening_from,
)
from marketmaker.domain.drawdown import Equity
from marketmaker.domain.inventory import LedgerRow
from marketmaker.domain.state import AccountState, BookMark, Control, MarketState, Mode, Restriction
from marketmaker.domain.units import AccountName, Asset, Symbol, TradeId
from marketmaker.errors import Conflict, Fatal
from marketmaker.ports import ClaimRefusal

MAX_ROWS = 90
"""Ledger rows of one transaction; the service allows 100 writes."""


class DynamoDbStore:
    """State and ledger of all accounts in two tables. Nothing connects before the first request."""

    def __init__(self, client: TableClient) -> None:
        self._state = client.settings.state_table
        self._ledger = client.settings.ledger_table
        self._client = client

    def claim(
        self, account: AccountName, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int
    ) -> Control | ClaimRefusal:
        """Take the lease in one conditional write; `owner` is unique to the invocation (R9)."""
        claim = self._control(account).claim(slot_ms=slot_ms, owner=owner, now_ms=now_ms, lease_ms=lease_ms)
        try:
            return control.read(account, self._client.update(claim))
        except ConditionFailed as failed:
            return control.own_claim_or_refusal(control.read(account, failed.stored), slot_ms, owner)

    def release(
        self,
        account: AccountName,
        *,
        owner: str,
        book_marks: Mapping[Symbol, BookMark],
        differing: Mapping[Asset, int],
        unreachable_ticks: int,
    ) -> None:
        """Give the lease back with what the tick refreshed; writes nothing if the lease is another's (R25)."""
        release = self._control(account).release(
            owner=owner, book_marks=book_marks, differing=differing, unreachable=unreachable_ticks
        )
        try:
            self._client.update(release)
        except ConditionFailed:
            return

    def read_control(self, account: AccountName) -> Control:
        """Read mode, epoch and lease, consistently."""
        return control.read(account, self._client.get(self._state, self._control(account).key))

    def read_account(self, account: AccountName) -> AccountState:
        """Read the account's whole partition, consistently."""
        own = Control(account=account)
        markets: dict[Symbol, MarketState] = {}
        episodes: set[str] = set()
        for raw in self._client.query(self._state, account):
            key: str = raw["item"]["S"]
            if key == keys.CONTROL:
                own = control.read(account, raw)
            elif key.startswith(keys.MARKET):
                market = market_from(MarketItem.from_raw_data(raw))
                markets[market.symbol] = market
            elif key.startswith(keys.EPISODE):
                episodes.add(key.removeprefix(keys.EPISODE))
        return AccountState(control=own, markets=markets, episodes=frozenset(episodes))

    def open_market(
        self, account: AccountName, opened: MarketState, row: LedgerRow, foreign: Mapping[Asset, Decimal]
    ) -> MarketState:
        """Write a market's first item, its opening row and its assets' foreign amounts in one transaction."""
        writes = self._control(account)
        first = MarketItem.version.does_not_exist()
        opening = self._row_put(account, opened.symbol, row)
        if not foreign:
            return self._write_market(account, opened, first, opening)
        self._client.update(writes.make_foreign())
        return self._write_market(account, opened, first, opening, writes.set_foreign(foreign))

    def save_market(self, account: AccountName, market: MarketState) -> MarketState:
        """Write a market's item if its version is unchanged."""
        return self._write_market(account, market, MarketItem.version == market.version)

    def book(self, account: AccountName, market: MarketState, rows: Sequence[LedgerRow]) -> MarketState:
        """Write at most 90 new ledger rows and the market item in one transaction (R14)."""
        if len(rows) > MAX_ROWS:
            raise ValueError(f"{len(rows)} ledger rows in one transaction; allowed: at most {MAX_ROWS}")
        if len({keys.row_key(row) for row in rows}) < len(rows):
            raise ValueError(f"the same ledger row is given twice for {market.symbol}")
        puts = [self._row_put(account, market.symbol, row) for row in rows]
        return self._write_market(account, market, MarketItem.version == market.version, *puts)

    def known_fills(self, account: AccountName, symbol: Symbol, from_id: int) -> frozenset[TradeId]:
        """Return the trade ids at or above an id that the ledger already has."""
        within = LedgerItem.row.between(keys.fill_key(from_id), keys.LAST_FILL)
        rows = self._client.query(self._ledger, keys.ledger_partition(account, symbol), within, only=["row"])
        return frozenset(keys.trade_id(raw["row"]["S"]) for raw in rows)

    def ledger(self, account: AccountName, symbol: Symbol) -> Sequence[LedgerRow]:
        """Read a market's ledger, opening row first, then fills by trade id."""
        opening: list[LedgerRow] = []
        fills: list[LedgerRow] = []
        for raw in self._client.query(self._ledger, keys.ledger_partition(account, symbol)):
            key: str = raw["row"]["S"]
            if key == keys.OPENING:
                opening.append(opening_from(OpeningItem.from_raw_data(raw), symbol))
            elif key.startswith(keys.FILL):
                fills.append(fill_from(FillItem.from_raw_data(raw), symbol))
            else:
                raise Fatal(f"ledger row {key!r} of {account} {symbol} is of a kind this release does not know")
        return opening + fills

    def strengthen(self, account: AccountName, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise the mode to at least this one without the lease; a new epoch if it changed."""
        if mode is Mode.QUOTING:
            return self.read_control(account)
        weaker = ControlItem.mode.does_not_exist() | (ControlItem.mode < int(mode))
        try:
            return self._set_mode(account, mode, reason, now_ms, weaker)
        except ConditionFailed as failed:
            return control.read(account, failed.stored)

    def resume(self, account: AccountName, *, reason: str, now_ms: int) -> Control:
        """Return to quoting, with a new epoch: an operator's act.

        Raises:
            Conflict: the mode changed since it was read; a halt that came in between stands.
        """
        seen = self.read_control(account)
        if seen.mode is Mode.QUOTING:
            return seen
        try:
            return self._set_mode(account, Mode.QUOTING, reason, now_ms, ControlItem.epoch == seen.epoch)
        except ConditionFailed as failed:
            now = control.read(account, failed.stored)
        if now.mode is Mode.QUOTING:
            return now
        raise Conflict(f"{account} became {now.mode.label} while it was resumed: {now.mode_reason}")

    def restrict(self, account: AccountName, symbol: Symbol, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise a market's restriction to at least this mode; a new epoch if it changed."""
        writes = self._control(account)
        restriction = Restriction(mode=mode, reason=reason, since_ms=now_ms)
        self._client.update(writes.make_restrictions())
        try:
            return control.read(account, self._client.update(writes.restrict(symbol, restriction)))
        except ConditionFailed as failed:
            return control.read(account, failed.stored)

    def lift(self, account: AccountName, symbol: Symbol, *, epoch: int) -> Control:
        """Lift a market's restriction, with a new epoch; nothing changes where there is none.

        Raises:
            Conflict: mode or restrictions changed since the epoch was read; the market stays restricted.
        """
        try:
            return control.read(account, self._client.update(self._control(account).lift(symbol, epoch=epoch)))
        except ConditionFailed as failed:
            now = control.read(account, failed.stored)
        if symbol not in now.restrictions:
            return now
        raise Conflict(f"{account} is in epoch {now.epoch}, no longer in {epoch}: {symbol} stays restricted")

    def raise_peaks(self, account: AccountName, peaks: Mapping[Asset, Equity]) -> None:
        """Keep each equity that exceeds the peak kept so far; a peak never falls (R6)."""
        writes = self._control(account)
        self._client.update(writes.make_peaks())
        for asset, equity in peaks.items():
            try:
                self._client.update(writes.raise_peak(asset, equity))
            except ConditionFailed:
                continue

    def clear_peaks(self, account: AccountName) -> None:
        """Forget the account's peaks: the next check starts new ones."""
        self._client.update(self._control(account).clear_peaks())

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int) -> bool:
        """Start an alert episode; False if it is already open."""
        episode = EpisodeItem(account, keys.EPISODE + key, text=text, opened_ms=now_ms)
        try:
            self._client.put(Put(table=self._state, item=episode, condition=EpisodeItem.opened_ms.does_not_exist()))
        except ConditionFailed as failed:
            return failed.stored == episode.serialize()
        return True

    def close_episode(self, account: AccountName, key: str) -> bool:
        """End an alert episode; False if none was open."""
        return bool(self._client.delete(self._state, (account, keys.EPISODE + key)))

    def _control(self, account: AccountName) -> ControlWrites:
        return ControlWrites(table=self._state, account=account)

    def _set_mode(self, account: AccountName, mode: Mode, reason: str, now_ms: int, condition: Condition) -> Control:
        change = self._control(account).set_mode(mode, reason=reason, now_ms=now_ms, condition=condition)
        return control.read(account, self._client.update(change))

    def _write_market(
        self, account: AccountName, market: MarketState, condition: Condition, *others: Put | Update
    ) -> MarketState:
        written = replace(market, version=market.version + 1)
        item = market_item(account, written, write_id=uuid4().hex)
        put = Put(table=self._state, item=item, condition=condition)
        try:
            if others:
                self._client.transact(put, *others)
            else:
                self._client.put(put)
        except ConditionFailed as failed:
            if failed.stored.get("write_id") == item.serialize()["write_id"]:
                return written
            raise Conflict(
                f"{account} {market.symbol} is not at version {market.version} any more, or a ledger row exists"
            ) from failed
        return written

    def _row_put(self, account: AccountName, symbol: Symbol, row: LedgerRow) -> Put:
        return Put(
            table=self._ledger, item=ledger_item(account, symbol, row), condition=LedgerItem.row.does_not_exist()
        )
