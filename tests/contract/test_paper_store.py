"""What every `PaperStore` promises: the fake, that of one process, moto's DynamoDB and the real engine answer alike."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from infra.local.tables import create_tables
from marketmaker.adapters.dynamodb import TableClient
from marketmaker.adapters.dynamodb.client import Put
from marketmaker.adapters.dynamodb.models import PaperItem
from marketmaker.adapters.dynamodb.paper import DynamoDbPaperStore
from marketmaker.adapters.memory.paper import InMemoryPaperStore as ProcessPaperStore
from marketmaker.adapters.paper_venue import PaperAccount, PaperStore
from marketmaker.adapters.paper_venue.account import (
    MAX_RESTING,
    MAX_UNREAD_TRADES,
    PaperMarket,
    PaperOrder,
    PaperTrade,
    open_account,
)
from marketmaker.adapters.paper_venue.holdings import (
    MAX_UNREAD_PAYMENTS,
    PAYMENTS_AT_ONCE,
    PaperFunding,
    PaperPayment,
    PaperPosition,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.units import AccountName, Asset, ClientOrderId, Symbol
from marketmaker.errors import Conflict, Fatal, Retryable
from marketmaker.simulation.account import FeeRates
from marketmaker.simulation.orders import OrderStatus
from tests.builders import PAXG, SYMBOL, USDT, instrument
from tests.fakes.paper import InMemoryPaperStore
from tests.integration.test_store_failures import losing
from tests.tables import LEDGER_TABLE, PRICES_TABLE, REGION, STATE_TABLE, local_store, table_settings

pytest_plugins = ["tests.dynamodb_local"]

D = Decimal
SOL = Symbol("SOL/USDC:USDC")
NOW_MS = 1_700_000_000_000
ITEM_BYTES = 400 * 1024


def paper_store(endpoint: str | None) -> DynamoDbPaperStore:
    """Connect a store of its own."""
    return DynamoDbPaperStore(client=TableClient(table_settings(endpoint)))


@pytest.fixture(scope="module")
def moto_store(fake_credentials: None) -> Iterator[PaperStore]:
    with mock_aws():
        create_tables(state_table=STATE_TABLE, ledger_table=LEDGER_TABLE, prices_table=PRICES_TABLE, region=REGION)
        yield paper_store(None)


@pytest.fixture(scope="module")
def engine_store(dynamodb_local: str) -> PaperStore:
    return paper_store(dynamodb_local)


@pytest.fixture(params=["fake", "process", "moto_store", "engine_store"])
def store(request: pytest.FixtureRequest) -> PaperStore:
    made: PaperStore
    match request.param:
        case "fake":
            made = InMemoryPaperStore()
        case "process":
            made = ProcessPaperStore()
        case name:
            made = request.getfixturevalue(name)
    return made


def paper_order(number: int, status: OrderStatus = OrderStatus.PARTIALLY_FILLED) -> PaperOrder:
    return PaperOrder(
        order_id=NOW_MS * 1000 + number,
        client_id=ClientOrderId("mmabc01abcdefgb00"),
        symbol=SYMBOL,
        side=Side.BUY,
        price=D("123456.78901234"),
        size_base=D("1234.56789012"),
        executed_base=D("0.00000001"),
        queue_ahead_base=D("12345678.90123456"),
        created_us=NOW_MS * 1000,
        updated_us=NOW_MS * 1000 + 1,
        status=status,
    )


def paper_trade(number: int) -> PaperTrade:
    return PaperTrade(
        trade_id=NOW_MS * 1000 + number,
        order_id=NOW_MS * 1000 + number,
        client_id=ClientOrderId("mmabc01abcdefgb00"),
        symbol=SYMBOL,
        side=Side.SELL,
        price=D("123456.78901234"),
        size_base=D("1234.56789012"),
        commission=D("-0.00000001"),
        commission_asset=USDT,
        time_us=NOW_MS * 1000,
    )


def opened() -> PaperAccount:
    return open_account({PAXG: D("10.5"), USDT: D("19000.000000000000000001")}, NOW_MS)


def full() -> PaperAccount:
    """An account that holds as much as one ever can: the trades of one look came on top of almost too many."""
    market = PaperMarket(
        instrument=instrument(),
        fees=FeeRates(maker=D("-0.00001"), taker=D("0.001")),
        newest_trade_id=NOW_MS * 1000,
        read_from=NOW_MS * 1000,
        holes=3,
    )
    return replace(
        opened(),
        markets={SYMBOL: market},
        next_public_id={SYMBOL: 4_000_000_000},
        resting=tuple(paper_order(number) for number in range(MAX_RESTING)),
        finished=tuple(paper_order(number, status=OrderStatus.CANCELED) for number in range(200)),
        trades=tuple(paper_trade(number) for number in range(MAX_UNREAD_TRADES + MAX_RESTING)),
        positions={SOL: paper_position()},
        payments=tuple(paper_payment(number) for number in range(MAX_UNREAD_PAYMENTS + PAYMENTS_AT_ONCE)),
    )


def paper_position() -> PaperPosition:
    funding = PaperFunding(rate=D("-0.00012345"), next_us=NOW_MS * 1000, paid_us=NOW_MS * 1000)
    return PaperPosition(
        size_base=D("-1234.56789012"),
        cost_quote=D("-152415787.5323887823456789012345678"),
        leverage=D(50),
        mark=D("123456.78901234"),
        funding=funding,
        payments_read_us=NOW_MS * 1000,
    )


def paper_payment(number: int) -> PaperPayment:
    amount = D("-18817.12345678901234567890123456789")
    return PaperPayment(symbol=SOL, time_us=NOW_MS * 1000 + number, amount_quote=amount)


def test_an_account_that_was_never_written_is_none(store: PaperStore, account: AccountName) -> None:
    assert store.load(account) is None


def test_an_account_comes_back_as_it_was(store: PaperStore, account: AccountName) -> None:
    store.save(account, full(), version=0)

    stored = store.load(account)

    assert stored is not None
    assert stored.account == full()
    assert str(stored.account.totals[USDT]) == "19000.000000000000000001"
    store.save(account, opened(), version=stored.version)
    again = store.load(account)
    assert again is not None
    assert (again.account, again.version) == (opened(), stored.version + 1)


def test_only_the_version_that_was_read_may_be_written_over(store: PaperStore, account: AccountName) -> None:
    store.save(account, opened(), version=0)
    first = store.load(account)
    assert first is not None
    store.save(account, full(), version=first.version)

    for version in (0, first.version, first.version + 7):
        with pytest.raises(Conflict):
            store.save(account, opened(), version=version)

    stored = store.load(account)
    assert stored is not None
    assert stored.account == full()


def test_accounts_are_apart(store: PaperStore, account: AccountName) -> None:
    store.save(account, opened(), version=0)

    assert store.load(AccountName(f"{account}x")) is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.dictionaries(
        st.sampled_from([PAXG, USDT, Asset("BTC")]), st.decimals(min_value=0, max_value=10**15, places=18)
    )
)
def test_balances_survive_digit_for_digit(amounts: dict[Asset, Decimal]) -> None:
    store = InMemoryPaperStore()
    store.save(AccountName("main"), replace(opened(), totals=amounts), version=0)
    stored = store.load(AccountName("main"))
    assert stored is not None
    assert {asset: str(amount) for asset, amount in stored.account.totals.items()} == {
        asset: str(amount) for asset, amount in amounts.items()
    }


def test_the_fullest_account_fits_an_item_with_room_to_spare() -> None:  # R24
    text = msgspec.json.encode(full())

    assert 200_000 < len(text) < 0.8 * ITEM_BYTES


def test_an_item_that_knows_nothing_of_perpetuals_is_read_as_it_is(dynamodb_local: str, account: AccountName) -> None:
    store = paper_store(dynamodb_local)
    spot = replace(full(), positions={}, payments=())
    written = msgspec.json.decode(msgspec.json.encode(spot))
    for name in ("positions", "payments"):
        del written[name]
    for order in (*written["resting"], *written["finished"]):
        del order["reduce_only"]
    text = msgspec.json.encode(written).decode()
    item = PaperItem(account, "paper", version=1, write_id="x", content=text)
    store.client.put(Put(table=STATE_TABLE, item=item, condition=PaperItem.version.does_not_exist()))

    stored = store.load(account)

    assert stored is not None
    assert stored.account == spot


def test_a_write_whose_answer_was_lost_is_written_once(dynamodb_local: str, account: AccountName) -> None:
    beside = local_store(dynamodb_local)
    store = DynamoDbPaperStore(client=beside._client)
    with losing(beside, "PutItem"):
        store.save(account, opened(), version=0)

    stored = store.load(account)
    assert stored is not None
    assert (stored.account, stored.version) == (opened(), 1)
    with losing(beside, "PutItem", answers=2), pytest.raises(Retryable):
        store.save(account, full(), version=1)
    again = store.load(account)
    assert again is not None
    assert again.version == 2


def test_the_account_of_another_release_is_fatal(dynamodb_local: str, account: AccountName) -> None:
    store = paper_store(dynamodb_local)
    item = PaperItem(account, "paper", version=1, write_id="x", content='{"totals": {"PAXG": "ten"}}')
    store.client.put(Put(table=STATE_TABLE, item=item, condition=PaperItem.version.does_not_exist()))

    with pytest.raises(Fatal, match=f"the paper account of {account} cannot be read by this release"):
        store.load(account)


def test_the_state_of_an_account_ignores_its_paper(dynamodb_local: str, account: AccountName) -> None:
    paper_store(dynamodb_local).save(account, full(), version=0)

    state = local_store(dynamodb_local).read_account(account)

    assert state.markets == {}
    assert state.episodes == {}


def test_a_table_that_does_not_answer_is_left_to_the_next_tick(fake_credentials: None, account: AccountName) -> None:
    store = paper_store("http://127.0.0.1:9")

    with pytest.raises(Retryable):
        store.load(account)
    with pytest.raises(Retryable):
        store.save(account, opened(), version=0)
