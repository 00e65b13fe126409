"""An invocation that sleeps past its lease, on the real DynamoDB engine: nothing of it lands when it wakes (R25)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from marketmaker.adapters.dynamodb import DynamoDbStore, TableClient
from marketmaker.domain.inventory import LedgerRow
from marketmaker.domain.orders import Side
from marketmaker.domain.state import AccountState, Control, MarketState, Refreshed
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickOutcome, TickReport
from tests.builders import SYMBOL, account_settings
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import Faults
from tests.tables import table_settings

pytest_plugins = ["tests.dynamodb_local"]

PAUSE_MS = 30_000
INTERVAL_MS = 5_000


class SleepyStore(DynamoDbStore):
    """The real store; what is due just before a call happens then."""

    def __init__(self, client: TableClient, faults: Faults, owner: str | None = None) -> None:
        super().__init__(client, owner)
        self._faults = faults

    def under(self, owner: str) -> "SleepyStore":
        return SleepyStore(self._client, self._faults, owner)

    def open_market(
        self, account: AccountName, opened: MarketState, row: LedgerRow, foreign: Mapping[Asset, Decimal]
    ) -> MarketState:
        self._faults.meet("open_market")
        return super().open_market(account, opened, row, foreign)

    def save_market(self, account: AccountName, market: MarketState) -> MarketState:
        self._faults.meet("save_market")
        return super().save_market(account, market)

    def book(self, account: AccountName, market: MarketState, rows: Sequence[LedgerRow]) -> MarketState:
        self._faults.meet("book")
        return super().book(account, market, rows)

    def read_control(self, account: AccountName) -> Control:
        self._faults.meet("read_control")
        return super().read_control(account)

    def release(self, account: AccountName, *, owner: str, refreshed: Refreshed) -> None:
        self._faults.meet("release")
        super().release(account, owner=owner, refreshed=refreshed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """All that can be seen of an account."""

    state: AccountState
    ledger: Sequence[LedgerRow]
    live: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Account:
    """One account on the real engine, with invocations that each have a connection of their own."""

    at: Bench
    endpoint: str
    faults: Faults

    def invocation(self) -> Desk:
        client = TableClient(table_settings(self.endpoint))
        return replace(self.at.desk, store=SleepyStore(client, self.faults))

    def tick(self, owner: str) -> TickReport:
        slot_ms = self.at.clock.now_ms()
        return replace_quotes(Tick(account=self.at.account, slot_ms=slot_ms), self.invocation(), owner=owner)

    def left(self) -> Left:
        store = DynamoDbStore(TableClient(table_settings(self.endpoint)))
        return Left(
            state=store.read_account(self.at.account),
            ledger=store.ledger(self.at.account, Symbol(SYMBOL)),
            live=frozenset(each.venue_id for each in self.at.venue.live()),
        )


@pytest.fixture
def world(dynamodb_local: str, account: AccountName) -> Account:
    at = bench(replace(account_settings(), name=account))
    return Account(at=at, endpoint=dynamodb_local, faults=Faults())


def quoting(world: Account) -> None:
    assert world.tick("first").outcome is TickOutcome.DONE
    world.at.clock.advance(INTERVAL_MS)


def filled(world: Account) -> None:
    quoting(world)
    world.at.venue.fill(next(each for each in world.at.venue.live() if each.side is Side.BUY))


def moved(world: Account) -> None:
    quoting(world)
    world.at.venue.quote(SYMBOL, "1909.9", "1910.1")


BEFORE = {
    "open_market": lambda _: None,
    "book": filled,
    "save_market": moved,
    "read_control": moved,
    "release": moved,
}


@pytest.mark.parametrize("is_still_working", [True, False], ids=["the next works on", "the next is done"])
@pytest.mark.parametrize("call", BEFORE)
def test_nothing_of_a_paused_invocation_lands_at_any_of_its_writes(
    world: Account, call: str, is_still_working: bool
) -> None:  # R25
    BEFORE[call](world)
    left: list[Left] = []

    def sleep() -> None:
        world.at.clock.advance(PAUSE_MS)
        assert world.tick("next").outcome is TickOutcome.DONE
        if is_still_working:
            now_ms = world.at.clock.now_ms()
            store = world.invocation().store
            store.claim(world.at.account, slot_ms=now_ms + 1, owner="next", now_ms=now_ms, lease_ms=PAUSE_MS)
        left.append(world.left())

    world.faults.before(call, sleep)
    report = world.tick("paused")
    assert [world.left()] == left
    assert len(left[0].live) == 2
    assert report.outcome is (TickOutcome.DONE if call == "release" else TickOutcome.LEASE_LOST)
    assert left[0].state.markets[Symbol(SYMBOL)].inventory.base == world.at.venue.totals[Asset("PAXG")]
