"""Lost answers, missing tables, an unreachable endpoint: what the store makes of them on the real engine."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from urllib3 import HTTPResponse

from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient
from marketmaker.adapters.dynamodb.client import Check, Put, Update
from marketmaker.domain.drawdown import Equity
from marketmaker.domain.inventory import Inventory, OpeningRow
from marketmaker.domain.state import ActiveSettings, Control, MarketState, Mode, Refreshed, Restriction, TradeCursor
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.errors import Conflict, Fatal, Retryable
from tests.integration.test_store_concurrency import GOLD, fill_row, opened
from tests.tables import PRICES_TABLE, STATE_TABLE, local_prices, local_store, table_settings, use_fake_credentials

pytest_plugins = ["tests.dynamodb_local"]


@pytest.fixture(scope="module")
def store(dynamodb_local: str) -> DynamoDbStore:
    return local_store(dynamodb_local)


@contextmanager
def losing(store: DynamoDbStore | DynamoDbPrices, operation: str, answers: int = 1) -> Iterator[None]:
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


@contextmanager
def meeting_transactions(store: DynamoDbStore, operation: str, times: int) -> Iterator[list[str]]:
    """Answer this operation so often as if another transaction had the same item; yields what was sent."""
    session = store._client.connection.client._endpoint.http_session
    send, sent = session.send, list[str]()
    code = "TransactionCanceledException" if operation == "TransactWriteItems" else "TransactionConflictException"
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict", "Message": "ongoing"}]
    refusal = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "CancellationReasons": reasons}

    def meet(request: AWSPreparedRequest) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        sent.append((target.decode() if isinstance(target, bytes) else target).rpartition(".")[2])
        if sent[-1] != operation or sent.count(operation) > times:
            return send(request)
        raw = HTTPResponse(body=BytesIO(json.dumps(refusal).encode()), preload_content=False)
        return AWSResponse(request.url, 400, HTTPHeaders(), raw)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "send", meet)
        yield sent


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


def test_fenced_save_whose_answer_was_lost_is_saved_once_even_if_the_lease_ended_with_it(
    store: DynamoDbStore, account: AccountName, monkeypatch: pytest.MonkeyPatch
) -> None:  # R25
    market = opened(store, account)
    claim(store, account)
    transact = store._client.transact

    def lose(*writes: Put | Update | Check) -> None:
        transact(*writes)
        store.release(account, owner="a", refreshed=Refreshed(book_marks={}, differing={}, unreachable_ticks=0))
        transact(*writes)

    monkeypatch.setattr(store._client, "transact", lose)
    saved = store.under("a").save_market(account, replace(market, not_before_ms=5))
    assert saved.version == 2
    assert store.read_account(account).markets == {GOLD: saved}


def test_halt_that_meets_the_transaction_of_a_tick_is_set_after_a_pause(
    store: DynamoDbStore, account: AccountName
) -> None:  # R5
    with meeting_transactions(store, "UpdateItem", times=3) as sent:
        assert store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1).epoch == 1
    assert sent == ["UpdateItem"] * 4
    assert store.read_control(account).mode is Mode.HALTED


def test_booking_that_meets_another_transaction_is_booked_after_a_pause(
    store: DynamoDbStore, account: AccountName
) -> None:  # R14
    market = opened(store, account)
    claim(store, account)
    with meeting_transactions(store, "TransactWriteItems", times=3) as sent:
        booked = store.under("a").book(account, market, [fill_row(1)])
    assert sent == ["TransactWriteItems"] * 4
    assert store.read_account(account).markets == {GOLD: booked}


def test_transactions_that_never_end_are_told(store: DynamoDbStore, account: AccountName) -> None:
    market = opened(store, account)
    with (
        meeting_transactions(store, "UpdateItem", times=4),
        pytest.raises(Retryable, match="TransactionConflictException"),
    ):
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1)
    with (
        meeting_transactions(store, "TransactWriteItems", times=4),
        pytest.raises(Conflict, match="another write to the same items is under way"),
    ):
        store.book(account, market, [fill_row(1)])
    assert store.read_account(account).markets == {GOLD: market}


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
    store.restrict(account, GOLD, Restriction(mode=Mode.REDUCE_ONLY, reason="weak", since_ms=1))
    with losing(store, "UpdateItem", answers=2), pytest.raises(Retryable):
        store.restrict(account, GOLD, Restriction(mode=Mode.CANCEL_ONLY, reason="breach", since_ms=2))
    with losing(store, "UpdateItem"):
        control = store.restrict(account, GOLD, Restriction(mode=Mode.CANCEL_ONLY, reason="breach", since_ms=2))
    assert (control.epoch, control.mode_of(GOLD)) == (2, Mode.CANCEL_ONLY)
    with losing(store, "UpdateItem"):
        lifted = store.lift(account, GOLD, epoch=control.epoch)
    assert (lifted.epoch, lifted.restrictions) == (3, {})
    assert store.read_control(account) == lifted


def test_settings_whose_answers_were_lost_are_kept_and_rule_in_one_epoch(
    store: DynamoDbStore, account: AccountName
) -> None:  # R28
    active = ActiveSettings(version="v1", base="v0", previous="v0", since_ms=5, reason="narrower")
    with losing(store, "PutItem"):
        store.save_settings(account, "v1", "text")
    assert store.settings(account, "v1") == "text"
    with losing(store, "UpdateItem"):
        control = store.activate_settings(account, active, epoch=0)
    assert (control.epoch, control.settings) == (1, active)
    assert store.read_control(account) == control


def test_settings_kept_for_ever_cost_a_tick_nothing(
    store: DynamoDbStore, account: AccountName, monkeypatch: pytest.MonkeyPatch
) -> None:  # R24
    opened(store, account)
    for number in range(5):
        store.save_settings(account, f"v{number}", "x" * 300_000)  # more than a page of 1 MB
    asked: list[str] = []
    dispatch = store._client.connection.dispatch

    def note(operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        asked.append(operation)
        return dispatch(operation, kwargs)

    monkeypatch.setattr(store._client.connection, "dispatch", note)
    assert store.read_account(account).markets.keys() == {GOLD}
    assert asked == ["Query"]


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


def test_triangle_whose_answers_were_lost_opens_and_ends_for_us(
    dynamodb_local: str, account: AccountName
) -> None:  # R27
    prices = local_prices(dynamodb_local)

    def mark(now_ms: int, *, is_open: bool) -> bool:
        return prices.mark_triangle("binance", GOLD, account, is_open=is_open, now_ms=now_ms)

    for start_ms, is_open in ((1, True), (3, False)):
        with losing(prices, "PutItem"):
            assert mark(start_ms, is_open=is_open)
        assert not mark(start_ms + 1, is_open=is_open)


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
