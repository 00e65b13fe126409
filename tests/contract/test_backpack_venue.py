"""Backpack behind the `Venue` port: unmodified ccxt over HTTP against the local exchange, SOL at 100."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.ccxt_venue.backpack import history
from marketmaker.adapters.ccxt_venue.client import new_client, shared_transport
from marketmaker.adapters.ccxt_venue.public_trades import Hole, TradesRead
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fee, NewOrder, OrderIdentity, Side
from marketmaker.domain.positions import MarginMode, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol
from marketmaker.errors import AccountRefused, ConfigError, Refused, Retryable
from marketmaker.ports import (
    Accepted,
    CancelResult,
    Observation,
    OutcomeUnknown,
    Rejected,
    RejectionKind,
    Unknown,
)
from tests.contract.connected import TAG, Connected
from tests.contract.local_venue import LocalVenue, trade_at
from tests.contract.perpetual_dialects import BACKPACK_SPOKEN as SPOKEN
from tests.contract.perpetual_venue import HOUR_S, book

D = Decimal
SOL = Symbol("SOL/USDC:USDC")
USDC = Asset("USDC")
BUY, SELL = Side.BUY, Side.SELL
ORDER_ROUTE = "POST /api/v1/order"


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    market = [trade_at(10, SELL, "98.9", "5"), trade_at(20, BUY, "101.1", "5"), book(3500), book(100_000)]
    with SPOKEN.served(market) as venue:
        yield venue


@pytest.fixture
def at(local: LocalVenue) -> Iterator[Connected[CcxtVenue]]:
    found = SPOKEN.connected(local)
    yield found
    found.venue.close()


def new(at: Connected[CcxtVenue], side: Side, price: str, size: str = "1", *, level: int = 0, **how: Any) -> NewOrder:
    slot_ms = at.clock.now_ms() // 1000 * 1000
    identity = OrderIdentity(tag=TAG, market_number=1, slot_ms=slot_ms, side=side, level=level)
    order = NewOrder(
        client_id=identity.encode_number(), symbol=SOL, side=side, price=D(price), size_base=D(size), post_only=True
    )
    return replace(order, **how)


def place(at: Connected[CcxtVenue], order: NewOrder) -> Any:
    (outcome,) = at.place(order)
    return outcome


def take(at: Connected[CcxtVenue], side: Side, price: str, size: str, **how: Any) -> Any:
    return place(at, new(at, side, price, size, post_only=False, immediate=True, level=how.pop("level", 1), **how))


def observe(at: Connected[CcxtVenue]) -> Observation:
    return at.venue.observe([SOL], [SOL], at.deadline())


def position(at: Connected[CcxtVenue]) -> Position:
    found = observe(at).positions[SOL]
    assert isinstance(found, Position), found
    return found


def test_its_rules_come_from_its_own_metadata(at: Connected[CcxtVenue]) -> None:  # S5
    rules = at.venue.instrument(SOL)
    assert (rules.base, rules.quote, rules.tick_size, rules.lot_size) == ("SOL", "USDC", D("0.1"), D("0.01"))
    assert (rules.min_size_base, rules.has_post_only, rules.is_trading) == (D("0.01"), True, True)


def test_metadata_is_small_and_loads_without_asking_the_venue(at: Connected[CcxtVenue]) -> None:
    (metadata,) = at.venue.fetch_metadata([SOL], at.deadline())
    assert len(metadata.payload) < 4096
    asked = at.local.state()["requests"]["GET /api/v1/markets"]
    cold = at.another()
    cold.load([metadata])
    assert cold.instrument(SOL) == at.venue.instrument(SOL)
    assert at.local.state()["requests"]["GET /api/v1/markets"] == asked


def test_a_market_that_is_not_listed_is_closed_beside_its_neighbour(at: Connected[CcxtVenue]) -> None:  # R30
    nothing, cold = Symbol("NO/THING:THING"), at.another()
    with pytest.raises(AccountRefused, match="lists none of NO/THING:THING"):
        cold.fetch_metadata([nothing], at.deadline())
    (metadata,) = cold.fetch_metadata([nothing, SOL], at.deadline())
    assert (metadata.symbol, cold.instrument(nothing).is_trading) == (SOL, False)
    seen = cold.observe([nothing, SOL], [], at.deadline())
    assert isinstance(seen.books[nothing], Unknown)
    assert isinstance(seen.books[SOL], Book)


def test_a_halted_market_shows_its_position_and_no_book(at: Connected[CcxtVenue]) -> None:  # R22, R30
    take(at, BUY, "101", "2")
    at.local.arm(fault="delisted_symbol", stage="halted")
    at.venue.fetch_metadata([SOL], at.deadline())
    assert not at.venue.instrument(SOL).is_trading
    assert isinstance(observe(at).books[SOL], Unknown)
    assert position(at).size_base == D(2)


def test_one_round_shows_book_orders_collateral_position_and_funding(at: Connected[CcxtVenue]) -> None:
    seen = observe(at)
    found = seen.books[SOL]
    assert isinstance(found, Book)
    assert (found.bids[0].price, found.asks[0].price) == (D(99), D(101))
    assert seen.open_orders == ()
    assert isinstance(seen.last_prices[SOL], Decimal)
    assert not isinstance(seen.balances, Unknown)
    assert seen.balances[USDC].total == D(1000)
    flat = seen.positions[SOL]
    assert isinstance(flat, Position)
    assert (flat.size_base, flat.entry_price, flat.mark_price, flat.leverage) == (D(0), None, D(100), D(10))
    assert (flat.margin_mode, flat.is_hedged, flat.liquidation_price) == (MarginMode.CROSS, False, None)
    rate = seen.funding_rates[SOL]
    assert not isinstance(rate, Unknown)
    assert (rate.rate, rate.next_ms > at.clock.now_ms()) == (D("0.0001"), True)


def test_an_order_rests_is_found_by_either_id_and_cancelled(at: Connected[CcxtVenue]) -> None:  # R1
    order = new(at, BUY, "99")
    assert isinstance(place(at, order), Accepted)
    (listed,) = at.venue.open_orders(at.deadline())
    assert (listed.symbol, listed.client_id, listed.price, listed.is_live) == (SOL, order.client_id, D(99), True)

    def look_up() -> list[Any]:
        keys = ((order.client_id, True), (listed.venue_id, False))
        return [
            at.venue.find_order(SOL, key, by_client_id=by_client_id, deadline=at.deadline())
            for key, by_client_id in keys
        ]

    assert [(each.venue_id, each.is_live) for each in look_up()] == [(listed.venue_id, True)] * 2
    (cancelled,) = at.venue.cancel([listed], at.deadline())
    assert (cancelled.result, cancelled.executed_base) == (CancelResult.CANCELLED, D(0))
    assert at.venue.open_orders(at.deadline()) == ()
    assert [(each.venue_id, each.is_live) for each in look_up()] == [(listed.venue_id, False)] * 2
    (again,) = at.venue.cancel([listed], at.deadline())
    assert again.result is CancelResult.GONE
    unknown = new(at, SELL, "105", level=3).client_id
    assert at.venue.find_order(SOL, unknown, by_client_id=True, deadline=at.deadline()) is None


def test_a_create_that_filled_before_anybody_looked_is_found_by_its_client_id(at: Connected[CcxtVenue]) -> None:  # R1
    at.local.arm(fault="lost_reply", route=ORDER_ROUTE)
    order = new(at, BUY, "101", "2", post_only=False, immediate=True)
    assert isinstance(place(at, order), OutcomeUnknown)
    found = at.venue.find_order(SOL, order.client_id, by_client_id=True, deadline=at.deadline())
    assert found is not None
    assert (found.is_live, found.executed_base) == (False, D(2))
    assert at.local.state()["orders"]["accepted"] == 1


def test_an_order_is_cancelled_before_any_metadata_is_known(at: Connected[CcxtVenue]) -> None:  # R34
    place(at, new(at, BUY, "99"))
    cold = at.another()
    (listed,) = cold.open_orders(at.deadline())
    assert listed.symbol == SOL
    (outcome,) = cold.cancel([listed], at.deadline())
    assert outcome.result is CancelResult.CANCELLED
    assert cold.open_orders(at.deadline()) == ()


def test_a_post_only_order_that_would_take_is_refused_as_such(at: Connected[CcxtVenue]) -> None:  # R20
    outcome = place(at, new(at, BUY, "101"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE


def test_an_immediate_order_takes_what_is_there_and_rests_with_nothing(at: Connected[CcxtVenue]) -> None:  # P5
    at.venue.set_leverage(SOL, Perpetual(leverage=D(20)), at.deadline())
    outcome = take(at, BUY, "101", "150")
    assert isinstance(outcome, Accepted)
    assert (outcome.order.executed_base, outcome.order.is_live) == (D(100), False)
    assert at.venue.open_orders(at.deadline()) == ()


def test_an_exit_goes_through_a_quote_of_our_own(at: Connected[CcxtVenue]) -> None:  # R22
    take(at, BUY, "101", "2")
    quote = place(at, new(at, BUY, "99.5", "1"))
    assert isinstance(quote, Accepted)
    take(at, SELL, "99", "2", level=2, reduce_only=True)
    assert position(at).size_base == D(0)
    assert at.venue.open_orders(at.deadline()) == (), "the quote ended, not the exit"


@pytest.mark.parametrize(("side", "entry"), [(BUY, "101"), (SELL, "99")])
def test_a_fill_is_a_signed_position_at_its_price_and_a_trade_with_its_fee(
    at: Connected[CcxtVenue], side: Side, entry: str
) -> None:  # R16, R23
    assert at.venue.newest_trade_id(SOL, at.deadline()) is None
    take(at, side, entry, "2")
    place(at, new(at, side, "99" if side is BUY else "101", "3", level=2))
    held = position(at)
    assert (held.size_base, held.entry_price, held.unrealised_quote) == (side.sign * D(2), D(entry), D(-2))
    assert held.liquidation_price is None or held.liquidation_price > 0
    (fill,) = at.venue.fills_since(SOL, 0, at.deadline())
    assert (fill.side, fill.price, fill.size_base, fill.is_maker) == (side, D(entry), D(2), False)
    assert fill.fee == Fee(amount=D(entry) * 2 * D("0.0005"), asset=USDC)
    assert at.venue.newest_trade_id(SOL, at.deadline()) == int(fill.trade_id)
    balances = observe(at).balances
    assert not isinstance(balances, Unknown)
    assert balances[USDC].total == D(1000) - fill.fee.amount, "what is not realised is no part of it"
    assert balances[USDC].reserved > 0


def test_trades_name_their_orders_client_id_without_another_request(at: Connected[CcxtVenue]) -> None:
    order = new(at, BUY, "101", post_only=False, immediate=True)
    place(at, order)
    (fill,) = at.venue.fills_since(SOL, 0, at.deadline())
    assert at.venue.client_id_of(SOL, fill.venue_order_id, at.deadline()) == order.client_id
    assert "GET /api/v1/order" not in at.local.state()["requests"]
    assert at.another().client_id_of(SOL, fill.venue_order_id, at.deadline()) == order.client_id
    assert list(at.venue.fills_since(SOL, int(fill.trade_id) + 1, at.deadline())) == []


def test_trades_are_read_to_their_last_page(at: Connected[CcxtVenue], monkeypatch: pytest.MonkeyPatch) -> None:  # R15
    monkeypatch.setattr(history, "ROWS_A_PAGE", 2)
    for level in range(5):
        take(at, BUY, "101", "0.1", level=level)
    fills = at.venue.fills_since(SOL, 0, at.deadline())
    assert [each.size_base for each in fills] == [D("0.1")] * 5
    third = int(fills[2].trade_id)
    assert [each.trade_id for each in at.venue.fills_since(SOL, third, at.deadline())] == [
        each.trade_id for each in fills[2:]
    ]


def test_an_order_that_only_reduces_neither_opens_nor_turns(at: Connected[CcxtVenue]) -> None:  # R23
    refused = take(at, SELL, "99", "1", reduce_only=True)
    assert isinstance(refused, Rejected)
    assert refused.kind is RejectionKind.REFUSED
    take(at, BUY, "101", "2", level=2)
    take(at, SELL, "99", "5", level=3, reduce_only=True)
    assert position(at).size_base == D(0)


def test_the_accounts_leverage_is_set_and_seen(at: Connected[CcxtVenue]) -> None:  # S17
    at.venue.set_leverage(SOL, Perpetual(leverage=D(3)), at.deadline())
    assert (position(at).leverage, position(at).margin_mode) == (D(3), MarginMode.CROSS)
    with pytest.raises(Refused, match="leverage limit 51"):
        at.venue.set_leverage(SOL, Perpetual(leverage=D(51)), at.deadline())
    with pytest.raises(Refused, match="cross is allowed"):
        at.venue.set_leverage(SOL, Perpetual(leverage=D(3), margin_mode=MarginMode.ISOLATED), at.deadline())
    assert position(at).leverage == D(3)


def test_funding_is_read_from_a_moment_on_to_its_last_page(
    at: Connected[CcxtVenue], monkeypatch: pytest.MonkeyPatch
) -> None:  # R33
    monkeypatch.setattr(history, "ROWS_A_PAGE", 1)
    take(at, BUY, "101", "10")
    at.local.skip(HOUR_S + 1)
    (first,) = at.venue.funding_since(SOL, 0, at.deadline())
    assert first.amount_quote == D("-0.1"), "0.0001 of 10 at 100, paid by the long"
    at.local.skip(2 * HOUR_S)
    assert len(at.venue.funding_since(SOL, 0, at.deadline())) == 3
    assert len(at.venue.funding_since(SOL, first.time_ms + 1, at.deadline())) == 2


@pytest.mark.parametrize("secret", [base64.b64encode(b"x" * 32).decode(), "short", "c2hvcnQ=", "not base64!"])
def test_a_wrong_secret_is_refused(local: LocalVenue, secret: str) -> None:  # R26
    wrong = SPOKEN.connected(local, secret)
    with pytest.raises(AccountRefused) as refusal:
        wrong.venue.open_orders(wrong.deadline())
    assert secret not in str(refusal.value)
    outcome = place(wrong, new(wrong, BUY, "99"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.FATAL
    wrong.venue.close()


@pytest.mark.parametrize("skew_ms", [-60_000, 60_000])
def test_a_request_outside_its_window_is_signed_anew_by_the_venues_clock(
    at: Connected[CcxtVenue], skew_ms: int
) -> None:  # R8
    at.clock.skew_ms = skew_ms
    assert at.venue.open_orders(at.deadline()) == ()
    assert isinstance(place(at, new(at, BUY, "99")), Accepted)


def test_klines_are_of_minutes_and_a_day_has_a_volume(at: Connected[CcxtVenue]) -> None:
    at.local.skip(250)
    now_ms = at.clock.now_ms()
    minute_ms = now_ms // 60_000 * 60_000
    klines = at.venue.fetch_klines(SOL, minute_ms - 300_000, minute_ms, at.deadline(), interval_ms=60_000)
    assert sum(each.volume_base for each in klines) == 10
    assert all(minute_ms - 300_000 <= each.open_ms < minute_ms for each in klines)
    with pytest.raises(Refused, match="no klines of 1000 ms"):
        at.venue.fetch_klines(SOL, now_ms - 120_000, now_ms, at.deadline())
    (volume,) = at.venue.fetch_day_volume([SOL], at.deadline())
    assert volume.volume_quote > 0


def test_public_trades_are_those_of_the_perpetual(at: Connected[CcxtVenue]) -> None:
    at.local.skip(25)
    read = at.venue.public_trades({SOL: 0}, at.deadline())[SOL]
    assert isinstance(read, TradesRead)
    assert [(each.taker_side, each.price) for each in read.trades] == [(SELL, D("98.9")), (BUY, D("101.1"))]
    newest = at.venue.public_trades({SOL: None}, at.deadline())[SOL]
    assert isinstance(newest, TradesRead)
    assert (newest.trades, newest.next_id) == ((), read.next_id)
    assert isinstance(at.venue.public_trades({SOL: read.next_id + 1}, at.deadline())[SOL], Unknown)


def test_public_trades_before_the_newest_page_are_a_hole(
    at: Connected[CcxtVenue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketmaker.adapters.ccxt_venue.backpack.public_trades.PAGE", 1)
    at.local.skip(25)
    read = at.venue.public_trades({SOL: 0}, at.deadline())[SOL]
    assert isinstance(read, TradesRead)
    assert [each.price for each in read.trades] == [D("101.1")]
    assert read.holes == (Hole(from_id=0, to_id=read.trades[0].trade_id),)


def test_it_tells_neither_what_a_key_may_do_nor_has_it_a_switch(at: Connected[CcxtVenue]) -> None:  # R26
    assert isinstance(at.venue.key_permissions(at.deadline()), Unknown)
    with pytest.raises(Refused, match="no dead man's switch"):
        at.venue.arm_switch([SOL], 20_000, at.deadline())


def test_an_order_off_the_grid_or_too_small_puts_the_rules_in_doubt(at: Connected[CcxtVenue]) -> None:  # R18
    for order in (new(at, BUY, "98.95"), new(at, BUY, "99", "1.001"), new(at, BUY, "99", "0.01")):
        outcome = place(at, order)
        assert isinstance(outcome, Rejected)
        assert outcome.kind is RejectionKind.OFF_GRID
        assert at.venue.doubts([SOL])
        at.venue.fetch_metadata([SOL], at.deadline())


def test_an_order_beyond_the_margin_or_of_a_used_id_is_refused(at: Connected[CcxtVenue]) -> None:  # P4, R1
    order = new(at, BUY, "99")
    place(at, order)
    for refused in (new(at, BUY, "99", "200", level=2), order):
        outcome = place(at, refused)
        assert isinstance(outcome, Rejected)
        assert outcome.kind is RejectionKind.REFUSED
    assert len(at.venue.open_orders(at.deadline())) == 1


def test_an_id_that_is_no_number_is_never_sent(at: Connected[CcxtVenue]) -> None:
    outcome = place(at, replace(new(at, BUY, "99"), client_id=ClientOrderId("mmtst010000005b00")))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.REFUSED
    assert ORDER_ROUTE not in at.local.state()["requests"]


def test_too_many_requests_block_reads_and_creates_and_let_cancels_through(at: Connected[CcxtVenue]) -> None:  # R10
    resting = place(at, new(at, BUY, "99"))
    at.local.arm(fault="too_many_requests", retry_after_s=30, count=1)
    with pytest.raises(Retryable):
        at.venue.time_ms(at.deadline())
    assert at.venue.rate_limit().blocked_until_ms > at.clock.now_ms() + 25_000
    assert isinstance(observe(at).positions[SOL], Unknown)
    refused = place(at, new(at, BUY, "98", level=1))
    assert isinstance(refused, Rejected)
    assert refused.kind is RejectionKind.RETRYABLE
    (outcome,) = at.venue.cancel([resting.order], at.deadline())
    assert outcome.result is CancelResult.CANCELLED


def test_nothing_is_claimed_of_a_limit_that_answers_do_not_tell(at: Connected[CcxtVenue]) -> None:  # R10
    for _ in range(20):
        at.venue.time_ms(at.deadline())
    assert at.venue.rate_limit().used_share == 0


def test_a_venue_without_a_test_environment_has_none() -> None:
    with pytest.raises(ConfigError, match="neither a testnet nor a demo"):
        new_client(
            None,
            transport=shared_transport(None, 1),
            request_ttl_ms=2_000,
            now_ms=lambda: 0,
            is_sandbox=True,
            venue="backpack",
        )


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "malformed_reply"},
        {"fault": "truncated_reply"},
        {"fault": "empty_reply"},
        {"fault": "server_error"},
        *({"fault": "wrong_types", "to": to} for to in ("null", "text", "list")),
    ],
    ids=lambda fault: " ".join(fault.values()),
)
def test_a_bad_answer_about_positions_leaves_them_unknown(
    at: Connected[CcxtVenue], fault: dict[str, str]
) -> None:  # R7
    take(at, BUY, "101", "2")
    at.local.arm(**fault, route=SPOKEN.position_route, count=2)
    assert isinstance(observe(at).positions[SOL], Unknown)


def test_an_outage_is_no_flat_position(at: Connected[CcxtVenue]) -> None:  # R7
    at.local.arm(fault="server_error", count=50)
    assert isinstance(observe(at).positions[SOL], Unknown)
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())
