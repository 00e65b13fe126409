"""Lost answers, missing tables, an unreachable endpoint: what the store makes of them on the real engine."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError

from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient
from marketmaker.domain.drawdown import Equity
from marketmaker.domain.inventory import Inventory, OpeningRow
from marketmaker.domain.state import Control, MarketState, Mode, TradeCursor
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.errors import Conflict, Fatal, Retryable
from tests.integration.test_store_concurrency import GOLD, fill_row, opened
from tests.tables import PRICES_TABLE, STATE_TABLE, local_prices, local_store, table_settings, use_fake_credentials

pytest_plugins = ["tests.dynamodb_local"]


@pytest.fixture(scope="module")
def store(dynamodb_local: str) -> DynamoDbStore:
    return local_store(dynamodb_local)


@contextmanager
def losing(store: DynamoDbStore, operation: str, answers: int = 1) -> Iterator[None]:
    """Let the service do the work and lose its next answers to this operation on the way back."""
    session = store._client.connection.client._endpoint.http_session
    send, left = session.send, answers

    def lose(request: AWSPreparedRequest) -> AWSResponse:
        nonlocal left
        answer = send(request)
        target = request.headers["X-Amz-Target"]
        if not left or operation not in (target.decode() if isinstance(target, bytes) else target):
            return answer
        left -= 1
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "send", lose)
        yield
    assert not left, "no answer was lost"


def claim(store: DynamoDbStore, account: AccountName) -> object:
    return store.claim(account, slot_ms=5_000, owner="a", now_ms=0, lease_ms=10_000)


def test_claim_whose_answer_was_lost_is_ours(store: DynamoDbStore, account: AccountName) -> None:
    with losing(store, "UpdateItem"):
        control = claim(store, account)
    assert isinstance(control, Control)
    assert control == store.read_control(account)


def test_saved_market_whose_answer_was_lost_is_saved_once(store: DynamoDbStore, account: AccountName) -> None:
    market = opened(store, account)
    with losing(store, "PutItem"):
        saved = store.save_market(account, replace(market, not_before_ms=5))
    assert saved.version == 2
    assert store.read_account(account).markets == {GOLD: saved}


def test_booking_whose_answer_was_lost_is_booked_once(store: DynamoDbStore, account: AccountName) -> None:  # R14
    market = opened(store, account)
    with losing(store, "TransactWriteItems"):
        booked = store.book(account, market, [fill_row(1), fill_row(2)])
    assert booked.version == 2
    assert list(store.ledger(account, GOLD))[1:] == [fill_row(1), fill_row(2)]


def test_opening_whose_answer_was_lost_is_opened_once(store: DynamoDbStore, account: AccountName) -> None:
    row = OpeningRow(symbol=GOLD, time_ms=0, base=Decimal(1), quote=Decimal(2), cost_quote=Decimal(3))
    market = MarketState(
        symbol=GOLD, version=0, inventory=Inventory(), reference_price=Decimal(1), cursor=TradeCursor()
    )
    with losing(store, "TransactWriteItems"):
        written = store.open_market(account, market, row, {Asset("USDT"): Decimal(7)})
    assert store.read_account(account).markets == {GOLD: written}
    assert store.ledger(account, GOLD) == [row]


def test_mode_change_whose_answer_was_lost_is_one_epoch(store: DynamoDbStore, account: AccountName) -> None:
    with losing(store, "UpdateItem"):
        assert store.strengthen(account, Mode.HALTED, reason="breach", now_ms=1).epoch == 1
    with losing(store, "UpdateItem"):
        assert store.resume(account, reason="checked", now_ms=2).epoch == 2


def test_restriction_whose_answer_was_lost_is_set_and_lifted_in_one_epoch_each(
    store: DynamoDbStore, account: AccountName
) -> None:
    store.restrict(account, GOLD, Mode.REDUCE_ONLY, reason="weak", now_ms=1)
    with losing(store, "UpdateItem", answers=2), pytest.raises(Retryable):
        store.restrict(account, GOLD, Mode.CANCEL_ONLY, reason="breach", now_ms=2)
    with losing(store, "UpdateItem"):
        control = store.restrict(account, GOLD, Mode.CANCEL_ONLY, reason="breach", now_ms=2)
    assert (control.epoch, control.mode_of(GOLD)) == (2, Mode.CANCEL_ONLY)
    with losing(store, "UpdateItem"):
        lifted = store.lift(account, GOLD, epoch=control.epoch)
    assert (lifted.epoch, lifted.restrictions) == (3, {})
    assert store.read_control(account) == lifted


def test_peak_whose_answer_was_lost_is_kept_once(store: DynamoDbStore, account: AccountName) -> None:  # R6
    peak = Equity(markets=(GOLD,), deposited_quote=Decimal(9), gains_quote=Decimal(1))
    with losing(store, "UpdateItem"):
        store.raise_peaks(account, {Asset("USDT"): peak})
    assert store.read_control(account).peaks == {"USDT": peak}


def test_halt_during_a_resume_stands(
    store: DynamoDbStore, account: AccountName, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.strengthen(account, Mode.CANCEL_ONLY, reason="risk", now_ms=1)
    seen = store.read_control(account)
    halted = store.strengthen(account, Mode.HALTED, reason="operator", now_ms=2)
    monkeypatch.setattr(store, "read_control", lambda _: seen)
    with pytest.raises(Conflict, match="became halted while it was resumed: operator"):
        store.resume(account, reason="checked", now_ms=3)
    monkeypatch.undo()
    assert store.read_control(account) == halted


def test_episode_whose_answer_was_lost_is_opened_by_us(store: DynamoDbStore, account: AccountName) -> None:  # R27
    with losing(store, "PutItem"):
        assert store.open_episode(account, "stale", text="stale", now_ms=1)
    assert not store.open_episode(account, "stale", text="stale", now_ms=2)


def test_claim_whose_every_answer_is_lost_is_retryable_and_then_ours(
    store: DynamoDbStore, account: AccountName
) -> None:
    with losing(store, "UpdateItem", answers=2), pytest.raises(Retryable, match=f"UpdateItem on table {STATE_TABLE}"):
        claim(store, account)
    assert isinstance(claim(store, account), Control)


def test_missing_tables_are_fatal_and_named(dynamodb_local: str, account: AccountName) -> None:
    settings = table_settings(dynamodb_local)
    client = TableClient(
        replace(settings, state_table="gone-state", ledger_table="gone-ledger", prices_table="gone-prices")
    )
    lost, prices = DynamoDbStore(client), DynamoDbPrices(client)
    market = MarketState(
        symbol=GOLD, version=1, inventory=Inventory(), reference_price=Decimal(1), cursor=TradeCursor()
    )
    with pytest.raises(Fatal, match="gone-state"):
        lost.read_control(account)
    with pytest.raises(Fatal, match="gone-state"):
        lost.read_account(account)
    with pytest.raises(Fatal, match="gone-ledger"):
        lost.ledger(account, GOLD)
    with pytest.raises(Fatal, match="gone-ledger and gone-state"):
        lost.book(account, market, [fill_row(1)])
    with pytest.raises(Fatal, match="BatchGetItem on table gone-prices"):
        prices.metadata("binance", [GOLD])
    with pytest.raises(Fatal, match="Query on table gone-prices"):
        prices.last_kline_ms("binance", GOLD)


def test_unreachable_endpoint_is_retryable(account: AccountName, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_credentials(monkeypatch)
    with socket.socket() as unused:  # bound, never listening: every connection is refused
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        client = TableClient(replace(table_settings(endpoint), attempts=1))
        away = DynamoDbStore(client)
        with pytest.raises(Retryable, match="GetItem"):
            away.read_control(account)
        with pytest.raises(Retryable, match="Query"):
            away.ledger(account, Symbol("BTC/USDT"))
        with pytest.raises(Retryable, match="BatchGetItem"):
            DynamoDbPrices(client).metadata("binance", [GOLD])


def test_items_left_for_later_are_not_taken_for_missing(
    dynamodb_local: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # R7
    prices = local_prices(dynamodb_local)
    answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {PRICES_TABLE: {"Keys": []}}}
    monkeypatch.setattr(prices._client.connection, "dispatch", lambda *_: answer)
    with pytest.raises(Retryable, match="left some of 1 items for later"):
        prices.metadata("binance", [GOLD])


def test_every_read_is_consistent_and_known_fills_read_keys_only(
    store: DynamoDbStore, account: AccountName, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = DynamoDbPrices(store._client)
    bodies: list[dict[str, Any]] = []
    session = store._client.connection.client._endpoint.http_session
    send = session.send

    def note(request: AWSPreparedRequest) -> AWSResponse:
        assert isinstance(request.body, bytes)
        bodies.append(json.loads(request.body))
        return send(request)

    monkeypatch.setattr(session, "send", note)
    store.read_control(account)
    store.read_account(account)
    store.ledger(account, GOLD)
    store.known_fills(account, GOLD, 0)
    prices.klines(account, GOLD, 0, 1)
    prices.last_kline_ms(account, GOLD)
    prices.metadata(account, [GOLD])
    bodies[-1] = bodies[-1]["RequestItems"][PRICES_TABLE]
    assert [body["ConsistentRead"] for body in bodies] == [True] * 7
    assert ["ProjectionExpression" in body for body in bodies] == [False, False, False, True, False, True, False]
