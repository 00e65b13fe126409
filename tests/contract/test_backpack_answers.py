"""Backpack's answers that are wrong somewhere: true or unknown, never a flat position, never no orders (R7)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fill, NewOrder, Order, Side
from marketmaker.domain.positions import FundingRate, MarginMode, Position
from marketmaker.domain.units import Asset, ClientOrderId, VenueOrderId
from marketmaker.errors import AccountRefused, Refused, Retryable, Unresolved
from marketmaker.ports import Accepted, CancelResult, OutcomeUnknown, Rejected, RejectionKind, Unknown
from tests.builders import SLOT_MS
from tests.contract.canned import CannedExchange, always, canned
from tests.contract.canned_backpack import (
    ACCOUNT,
    BALANCE,
    BOOK,
    CANCEL,
    CLIENT_ID,
    COLLATERAL,
    CREATE,
    FUNDING,
    KEY,
    KLINES,
    LEVERAGE,
    LOOKUP,
    MARKETS,
    MARKS,
    MINUTE_MS,
    NEXT_FUNDING_MS,
    OPEN_ORDERS,
    ORDER,
    PAST_ORDER,
    PAST_ORDERS,
    PAYMENT,
    POSITION,
    POSITIONS,
    PUBLIC_TRADES,
    SOL,
    TICKER,
    TIME,
    TRADE,
    TRADES,
    TRUE_ANSWERS,
    written,
)
from tests.contract.test_ccxt_answers import GARBAGE, Read, changed, mistakes, told, without_fees

D = Decimal
VENUE_ID = VenueOrderId(ORDER["id"])
NEW = NewOrder(client_id=CLIENT_ID, symbol=SOL, side=Side.BUY, price=D(99), size_base=D(1))
CROSS_TEN = Perpetual(leverage=D(10), margin_mode=MarginMode.CROSS)
NOT_FOUND = always({"code": "RESOURCE_NOT_FOUND", "message": "Not Found"}, status=404)


def observed(at: CannedExchange) -> Any:
    return at.venue.observe([SOL], [SOL], at.deadline())


def read_metadata(at: CannedExchange) -> Any:
    at.venue.fetch_metadata([SOL], at.deadline())
    return at.venue.instrument(SOL)


def read_position(at: CannedExchange) -> Any:
    return observed(at).positions.get(SOL, Unknown(reason="left out"))


def find(at: CannedExchange, *, by_client_id: bool = True) -> Order | None:
    key = CLIENT_ID if by_client_id else VENUE_ID
    return at.venue.find_order(SOL, key, by_client_id=by_client_id, deadline=at.deadline())


def find_past(at: CannedExchange, *, by_client_id: bool = False) -> Order | None:
    at.answers[LOOKUP] = NOT_FOUND
    return find(at, by_client_id=by_client_id)


def read_ticker(at: CannedExchange) -> Any:
    price = observed(at).last_prices[SOL]
    return price if isinstance(price, Unknown) else (price, at.venue.fetch_day_volume([SOL], at.deadline()))


READS: dict[str, Read] = {
    COLLATERAL: lambda at: observed(at).balances,
    BOOK: lambda at: at.venue.read_books([SOL], at.deadline())[SOL],
    MARKETS: read_metadata,
    KLINES: lambda at: at.venue.fetch_klines(SOL, MINUTE_MS, MINUTE_MS + 120_000, at.deadline(), interval_ms=60_000),
    OPEN_ORDERS: lambda at: at.venue.open_orders(at.deadline()),
    TICKER: read_ticker,
    TIME: lambda at: at.venue.time_ms(at.deadline()),
    PUBLIC_TRADES: lambda at: at.venue.public_trades({SOL: 7}, at.deadline())[SOL],
    TRADES: lambda at: at.venue.fills_since(SOL, 0, at.deadline()),
    LOOKUP: find,
    PAST_ORDERS: find_past,
    POSITIONS: read_position,
    MARKS: lambda at: observed(at).funding_rates[SOL],
    FUNDING: lambda at: at.venue.funding_since(SOL, 0, at.deadline()),
}
LISTS = {OPEN_ORDERS, TRADES, KLINES, PUBLIC_TRADES, FUNDING, PAST_ORDERS, POSITIONS}
"""Routes on which an empty list is an answer."""


@pytest.fixture(scope="module")
def served() -> Iterator[CannedExchange]:
    with canned("backpack", TRUE_ANSWERS, KEY) as exchange:
        yield exchange


@pytest.fixture
def at(served: CannedExchange) -> CannedExchange:
    served.reset()
    served.venue.fetch_metadata([SOL], served.deadline())
    served.received.clear()
    served.headers.clear()
    return served


def without_what_may_be_missing(found: Any) -> Any:
    """Leave out what the venue may leave out too: a fee that is unknown (R16), and the id of an order without one."""
    if isinstance(found, list):
        return [replace(each, client_id=None) if isinstance(each, Order) else each for each in without_fees(found)]
    return found


def assert_true_or_unknown(at: CannedExchange, route: str, answer: Any, truth: Any) -> None:
    at.answers[route] = always(answer)
    found = told(READS[route], at)
    if found is not None and route == TRADES:
        assert all(each.fee in {None, true.fee} for each, true in zip(found, truth, strict=True))
    if found is not None and route == OPEN_ORDERS:
        assert all(each.client_id in {None, true.client_id} for each, true in zip(found, truth, strict=True))
    listed = route in LISTS
    found, truth = (list(each) if listed and isinstance(each, tuple) else each for each in (found, truth))
    if route == PAST_ORDERS:
        found, truth = None if found is None else [found], [truth]
    assert found is None or without_what_may_be_missing(found) == without_what_may_be_missing(truth)


def test_true_answers_are_read_for_what_they_are(at: CannedExchange) -> None:
    seen = observed(at)
    assert seen.positions == {
        SOL: Position(
            symbol=SOL,
            size_base=D(2),
            entry_price=D(99),
            mark_price=D(100),
            unrealised_quote=D(2),
            liquidation_price=D("51.5"),
            leverage=D(10),
            margin_mode=MarginMode.CROSS,
        )
    }
    assert seen.funding_rates == {SOL: FundingRate(symbol=SOL, rate=D("0.0001"), next_ms=NEXT_FUNDING_MS)}
    collateral = seen.balances[Asset("USDC")]
    assert (collateral.total, collateral.free, collateral.reserved) == (D(1000), D(981), D(19))
    assert [each.amount_quote for each in READS[FUNDING](at)] == [D("-0.02"), D("0.01")]
    assert [each.trade_id for each in READS[TRADES](at)] == ["28457", "28458"]
    rules = at.venue.instrument(SOL)
    assert (rules.tick_size, rules.lot_size, rules.min_size_base) == (D("0.01"), D("0.01"), D("0.02"))
    assert (rules.has_post_only, rules.is_trading) == (True, True)
    assert (seen.books[SOL].bids[0].price, seen.books[SOL].asks[0].price) == (D("99.9"), D("100.1"))
    found = find(at)
    assert found is not None
    assert (found.client_id, found.venue_id, found.side, found.remaining_base) == (
        CLIENT_ID,
        VENUE_ID,
        Side.BUY,
        D("0.6"),
    )


@pytest.mark.parametrize("route", READS)
def test_every_part_of_an_answer_is_true_or_makes_it_unknown(at: CannedExchange, route: str) -> None:  # R7
    truth = READS[route](at)
    assert not isinstance(truth, Unknown)
    unknown = 0
    for path, other in mistakes(TRUE_ANSWERS[route]):
        assert_true_or_unknown(at, route, changed(TRUE_ANSWERS[route], path, other), truth)
        unknown += told(READS[route], at) is None
    assert unknown > 5


@given(data=st.data())
def test_an_answer_with_several_mistakes_is_true_or_unknown(served: CannedExchange, data: st.DataObject) -> None:  # R7
    served.reset()
    route = data.draw(st.sampled_from(list(READS)))
    truth = READS[route](served)
    answer = TRUE_ANSWERS[route]
    for _ in range(data.draw(st.integers(2, 3))):
        possible = mistakes(answer)
        if possible:
            answer = changed(answer, *data.draw(st.sampled_from(possible)))
    assert_true_or_unknown(served, route, answer, truth)


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("route", READS)
def test_an_answer_that_is_no_answer_is_unknown_on_every_route(at: CannedExchange, route: str, body: str) -> None:  # R7
    at.answers[route] = always(body)
    if body == "[]" and route in LISTS:
        return
    assert told(READS[route], at) is None


@pytest.mark.parametrize("route", READS)
def test_an_error_within_a_good_answer_is_unknown(at: CannedExchange, route: str) -> None:  # R7
    for code in ("RESOURCE_NOT_FOUND", "INVALID_ORDER", "UNAUTHORIZED", "TOO_MANY_REQUESTS", "INVALID_SYMBOL"):
        at.answers[route] = always({"code": code, "message": "Order not found"})
        assert told(READS[route], at) is None


# --- positions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [[], [{**POSITION, "symbol": "BTC_USDC_PERP"}]], ids=["none", "another's"])
def test_a_market_that_the_list_of_open_positions_leaves_out_is_flat_at_the_published_mark(
    at: CannedExchange, rows: list[Any]
) -> None:
    at.answers[POSITIONS] = always(rows)
    flat = read_position(at)
    assert isinstance(flat, Position)
    assert (flat.size_base, flat.entry_price, flat.mark_price, flat.leverage) == (D(0), None, D(100), D(10))
    at.answers[MARKS] = always({}, status=503)
    assert isinstance(read_position(at), Unknown), "flat, but without any mark"


def test_a_position_of_no_size_is_flat(at: CannedExchange) -> None:
    at.answers[POSITIONS] = always([{**POSITION, "netQuantity": "0", "entryPrice": "0", "estLiquidationPrice": "0"}])
    flat = read_position(at)
    assert (flat.size_base, flat.entry_price, flat.mark_price) == (D(0), None, D(100))


@pytest.mark.parametrize(
    "rows",
    [
        [{**POSITION, "symbol": "BTC_USDC_PERP", "netQuantity": None}],
        [{name: value for name, value in POSITION.items() if name != "symbol"}],
        [{**POSITION, "symbol": ""}],
        [None],
        [[]],
    ],
)
def test_a_list_in_which_a_row_cannot_be_read_tells_nothing(at: CannedExchange, rows: list[Any]) -> None:  # R7
    at.answers[POSITIONS] = always(rows)
    assert isinstance(read_position(at), Unknown)


@pytest.mark.parametrize(
    "change",
    [
        {"entryPrice": "0"},
        {"markPrice": "0"},
        {"markPrice": "-1"},
        {"estLiquidationPrice": "-1"},
        {"pnlUnrealized": None},
        {"netQuantity": "NaN"},
    ],
)
def test_what_is_held_without_an_entry_or_a_mark_is_unknown(at: CannedExchange, change: dict[str, str]) -> None:  # R7
    at.answers[POSITIONS] = always([{**POSITION, **change}])
    assert isinstance(read_position(at), Unknown)


def test_a_position_that_comes_twice_is_unknown(at: CannedExchange) -> None:  # R7
    at.answers[POSITIONS] = always([POSITION, POSITION])
    assert isinstance(read_position(at), Unknown)


@pytest.mark.parametrize(("size", "side"), [("2", 1), ("-2", -1)])
def test_the_sign_of_a_position_is_that_of_its_net_quantity(at: CannedExchange, size: str, side: int) -> None:  # R23
    at.answers[POSITIONS] = always([{**POSITION, "netQuantity": size, "netExposureQuantity": "-9"}])
    assert read_position(at).size_base == D(2) * side


def test_positions_are_asked_for_all_at_once(at: CannedExchange) -> None:
    observed(at)
    assert [params for route, params in at.received if route == POSITIONS] == [{}]


@pytest.mark.parametrize("answer", [{}, {"leverageLimit": None}, {"leverageLimit": "0"}, {"leverageLimit": 10}])
def test_without_the_leverage_nothing_is_opened_and_what_is_held_is_told(at: CannedExchange, answer: Any) -> None:
    at.answers[ACCOUNT] = always(answer)  # S17, R22
    held = read_position(at)
    assert (held.size_base, held.leverage) == (D(2), None)
    at.answers[POSITIONS] = always([])
    assert isinstance(read_position(at), Unknown)


@pytest.mark.parametrize(
    ("balance", "available", "free"),
    [
        ({"totalQuantity": "10"}, "12.5", 10),
        ({"totalQuantity": "-3"}, "0", -3),
        ({"totalQuantity": "10"}, "0", 0),
        ({"totalQuantity": "10", "openOrderQuantity": "4"}, "12.5", 6),
        ({"totalQuantity": "10", "availableQuantity": "0", "lendQuantity": "10"}, "8", 8),
    ],
)
def test_collateral_counts_what_is_lent_and_not_what_is_unrealised(
    at: CannedExchange, balance: dict[str, str], available: str, free: int
) -> None:
    row = {**BALANCE, **balance}
    at.answers[COLLATERAL] = always({"collateral": [row], "netEquityAvailable": available})
    found = observed(at).balances[Asset("USDC")]
    assert (found.total, found.free) == (D(balance["totalQuantity"]), D(free))
    assert found.reserved >= 0


@pytest.mark.parametrize("rows", [[], [BALANCE, BALANCE]])
def test_collateral_without_an_asset_or_with_one_twice_is_unknown(at: CannedExchange, rows: list[Any]) -> None:  # R7
    at.answers[COLLATERAL] = always({"collateral": rows, "netEquityAvailable": "1"})
    assert isinstance(observed(at).balances, Unknown)


def test_what_is_told_of_another_market_is_unknown(at: CannedExchange) -> None:  # R7, R33
    other = {"symbol": "BTC_USDC_PERP"}
    at.answers[MARKS] = always([{**TRUE_ANSWERS[MARKS][0], **other}])
    at.answers[TICKER] = always({**TRUE_ANSWERS[TICKER], **other})
    seen = observed(at)
    assert isinstance(seen.funding_rates[SOL], Unknown)
    assert isinstance(seen.last_prices[SOL], Unknown)
    for route, row in ((TRADES, TRADE), (FUNDING, PAYMENT), (PAST_ORDERS, PAST_ORDER)):
        at.answers[route] = always([{**row, **other}])
        assert told(READS[route], at) is None


# --- pages -----------------------------------------------------------------------------------------------------------


def paged(rows: Sequence[dict[str, Any]]) -> Any:
    """Answer as the venue does: the newest rows first, counted off from the newest."""

    def answer(params: dict[str, str]) -> Any:
        assert params["sortDirection"] == "Desc"
        offset = int(params["offset"])
        return always(list(rows)[offset : offset + int(params["limit"])])(params)

    return answer


def trade(number: int, time_ms: int) -> dict[str, Any]:
    return {**TRADE, "tradeId": number, "timestamp": written(time_ms)}


def ids(fills: Sequence[Fill]) -> list[int]:
    return [int(each.trade_id) for each in fills]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
def test_trades_are_read_to_their_last_page(at: CannedExchange, count: int) -> None:  # R15
    at.answers[TRADES] = paged([trade(n, SLOT_MS + n) for n in reversed(range(count))])
    assert ids(at.venue.fills_since(SOL, 0, at.deadline())) == list(range(count))
    assert {params["fillType"] for route, params in at.received if route == TRADES} == {"User"}


def test_trades_of_one_moment_are_read_in_whatever_order_they_come(at: CannedExchange) -> None:  # R15
    same = [trade(n, SLOT_MS) for n in (3, 1, *range(10, 1_010), 9, 5, 7)]
    older = [trade(2, SLOT_MS - 1), trade(0, SLOT_MS - 2)]
    at.answers[TRADES] = paged([*same, *older])
    assert ids(at.venue.fills_since(SOL, 4, at.deadline())) == [5, 7, 9, *range(10, 1_010)]
    assert at.count(TRADES) == 2


def test_the_newest_trade_of_a_moment_is_that_of_the_highest_number(at: CannedExchange) -> None:  # R15
    at.answers[TRADES] = always([trade(n, SLOT_MS) for n in (3, 9, 5)])
    assert at.venue.newest_trade_id(SOL, at.deadline()) == 9


def test_a_read_ends_at_the_first_moment_before_its_start(at: CannedExchange) -> None:
    at.answers[TRADES] = paged([trade(n, SLOT_MS + n) for n in reversed(range(5_000))])
    assert ids(at.venue.fills_since(SOL, 4_500, at.deadline())) == list(range(4_500, 5_000))
    assert at.count(TRADES) == 1


def test_trades_that_come_between_pages_are_neither_lost_nor_doubled(at: CannedExchange) -> None:  # R14, R15
    rows = [trade(n, SLOT_MS + n) for n in reversed(range(1_500))]

    def answer(params: dict[str, str]) -> Any:
        page = paged(rows)(params)
        rows.insert(0, trade(len(rows), SLOT_MS + len(rows)))
        return page

    at.answers[TRADES] = answer
    assert ids(at.venue.fills_since(SOL, 0, at.deadline())) == list(range(1_500))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([trade(1, SLOT_MS), {**trade(1, SLOT_MS), "price": "98"}], "came twice and differs"),
        ([trade(1, SLOT_MS), trade(2, SLOT_MS + 1)], "another order than was asked for"),
        ([trade(1, SLOT_MS)] * 1_000, "do not go on"),
    ],
)
def test_pages_that_contradict_themselves_are_not_booked(
    at: CannedExchange, rows: list[Any], said: str
) -> None:  # R7, R14, R15
    at.answers[TRADES] = always(rows)
    with pytest.raises(Retryable, match=said):
        at.venue.fills_since(SOL, 0, at.deadline())


def paid(time_ms: int, quantity: str = "-0.01") -> dict[str, Any]:
    return {**PAYMENT, "intervalEndTimestamp": written(time_ms), "quantity": quantity}


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
def test_funding_is_read_to_its_last_page(at: CannedExchange, count: int) -> None:  # R15, R33
    at.answers[FUNDING] = paged([paid(SLOT_MS + 2 * n) for n in reversed(range(count))])
    found = at.venue.funding_since(SOL, SLOT_MS, at.deadline())
    assert [each.time_ms for each in found] == [SLOT_MS + 2 * n for n in range(count)]


def test_what_was_paid_before_is_no_part_of_it_and_what_is_listed_twice_is_one(at: CannedExchange) -> None:  # R33
    at.answers[FUNDING] = always([paid(9_000), paid(9_000), paid(5_000), paid(4_999)])
    assert [each.time_ms for each in at.venue.funding_since(SOL, 5_000, at.deadline())] == [5_000, 9_000]
    at.answers[FUNDING] = always([paid(9_000), paid(9_000, "-0.02")])
    with pytest.raises(Retryable, match="came twice and differs"):
        at.venue.funding_since(SOL, 5_000, at.deadline())


def test_a_kline_without_trades_is_none_and_one_of_the_next_window_is_passed_over(at: CannedExchange) -> None:
    first, second = TRUE_ANSWERS[KLINES]
    empty = {**first, **dict.fromkeys(("open", "high", "low", "close")), "volume": "0"}
    at.answers[KLINES] = always([empty, second])
    (found,) = at.venue.fetch_klines(SOL, MINUTE_MS, MINUTE_MS + 120_000, at.deadline(), interval_ms=60_000)
    assert found.open_ms == MINUTE_MS + 60_000
    assert list(at.venue.fetch_klines(SOL, MINUTE_MS, MINUTE_MS + 60_000, at.deadline(), interval_ms=60_000)) == []


# --- looking orders up -----------------------------------------------------------------------------------------------


def test_an_order_that_does_not_rest_is_found_in_the_history(at: CannedExchange) -> None:  # R1
    for by_client_id in (False, True):
        found = find_past(at, by_client_id=by_client_id)
        assert found is not None
        assert (found.is_live, found.executed_base, found.created_ms) == (False, D(1), SLOT_MS + 500)


def test_an_order_that_is_nowhere_is_none(at: CannedExchange) -> None:  # R1
    at.answers[PAST_ORDERS] = always([])
    assert find_past(at) is None
    assert find_past(at, by_client_id=True) is None
    unnumbered = ClientOrderId("mm-nobody")
    assert at.venue.find_order(SOL, unnumbered, by_client_id=True, deadline=at.deadline()) is None


def test_an_order_of_an_earlier_slot_with_the_same_number_is_another_one(at: CannedExchange) -> None:  # R1
    earlier_ms = SLOT_MS + 500 - (1 << 17) * 1000
    at.answers[PAST_ORDERS] = always([{**PAST_ORDER, "createdAt": written(earlier_ms)}])
    assert find_past(at, by_client_id=True) is None


def test_the_history_is_read_back_to_the_slot_of_the_order(at: CannedExchange) -> None:  # R1, R15
    newer = [
        {**PAST_ORDER, "id": str(n), "clientId": n, "createdAt": written(SLOT_MS + 3_000 + n)}
        for n in reversed(range(1_500))
    ]
    at.answers[PAST_ORDERS] = paged([*newer, PAST_ORDER])
    found = find_past(at, by_client_id=True)
    assert found is not None
    assert found.venue_id == VENUE_ID
    at.received.clear()
    older = [
        {**PAST_ORDER, "id": str(n), "clientId": n, "createdAt": written(SLOT_MS - 100_000 - n)} for n in range(5_000)
    ]
    at.answers[PAST_ORDERS] = paged(older)
    assert find_past(at, by_client_id=True) is None
    assert at.count(PAST_ORDERS) == 1


@pytest.mark.parametrize("code", ["INVALID_SYMBOL", "INVALID_CLIENT_REQUEST", "SERVER_ERROR", "TRADING_PAUSED"])
def test_a_lookup_that_fails_is_not_an_order_that_is_gone(at: CannedExchange, code: str) -> None:  # R1
    at.answers[PAST_ORDERS] = always([])
    at.answers[LOOKUP] = always({"code": code, "message": "Something."}, status=400)
    with pytest.raises((Retryable, Refused), match=code):
        find(at)


@pytest.mark.parametrize("status", [200, 500, 503])
def test_an_order_is_gone_by_a_clear_refusal_only(at: CannedExchange, status: int) -> None:  # R1
    at.answers[PAST_ORDERS] = always([])
    at.answers[LOOKUP] = always({"code": "RESOURCE_NOT_FOUND", "message": "Not Found"}, status=status)
    with pytest.raises(Retryable):
        find(at)


def test_a_missing_list_is_no_order_that_is_gone(at: CannedExchange) -> None:  # R7
    at.answers[OPEN_ORDERS] = NOT_FOUND
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())


def test_another_order_than_was_asked_for_is_unknown(at: CannedExchange) -> None:  # R1
    at.answers[PAST_ORDERS] = always([{**PAST_ORDER, "id": "1"}])
    assert told(READS[PAST_ORDERS], at) is None
    at.answers[LOOKUP] = always({**ORDER, "clientId": 1})
    assert told(READS[LOOKUP], at) is None
    at.answers[OPEN_ORDERS] = always([ORDER, ORDER])
    assert told(READS[OPEN_ORDERS], at) is None


def test_orders_that_wait_for_a_trigger_are_listed_as_live(at: CannedExchange) -> None:  # R4
    waiting = {"status": "TriggerPending", "quantity": None, "triggerQuantity": "3", "executedQuantity": "0"}
    at.answers[OPEN_ORDERS] = always([{**ORDER, **waiting, "orderType": "Market", "price": None, "clientId": None}])
    (order,) = at.venue.open_orders(at.deadline())
    assert (order.is_live, order.size_base, order.price, order.client_id) == (True, D(3), D(0), None)


# --- creates, cancels and leverage -----------------------------------------------------------------------------------


def place(at: CannedExchange, order: NewOrder = NEW) -> Any:
    (outcome,) = at.venue.place([order], at.deadline())
    return outcome


def cancel(at: CannedExchange) -> Any:
    (order, _) = at.venue.open_orders(at.deadline())
    (outcome,) = at.venue.cancel([order], at.deadline())
    return outcome


def sent(at: CannedExchange, route: str) -> dict[str, Any]:
    (params,) = [params for each, params in at.received if each == route]
    return params


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, {"postOnly": True}),
        ({"post_only": False}, {"timeInForce": "GTC", "selfTradePrevention": "RejectMaker"}),
        (
            {"post_only": False, "immediate": True, "reduce_only": True},
            {"timeInForce": "IOC", "selfTradePrevention": "RejectMaker", "reduceOnly": True},
        ),
        ({"reduce_only": True}, {"postOnly": True, "reduceOnly": True}),
    ],
)
def test_a_create_says_what_it_may_do(at: CannedExchange, how: dict[str, bool], said: dict[str, Any]) -> None:
    order = NewOrder(client_id=CLIENT_ID, symbol=SOL, side=Side.BUY, price=D(99), size_base=D(1), **how)  # R20, R22
    assert isinstance(place(at, order), Accepted)
    assert sent(at, CREATE) == {
        "symbol": "SOL_USDC_PERP",
        "side": "Bid",
        "orderType": "Limit",
        "quantity": "1",
        "price": "99",
        "clientId": int(CLIENT_ID),
        **said,
    }


@pytest.mark.parametrize("client_id", ["mmtst010000005b00", str(1 << 32), "-1", ""])
def test_a_create_whose_id_is_no_number_of_32_bits_is_never_sent(at: CannedExchange, client_id: str) -> None:
    outcome = place(at, replace(NEW, client_id=ClientOrderId(client_id)))
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, at.count(CREATE)) == (RejectionKind.REFUSED, 0)


def test_every_signed_request_dies_on_the_way(at: CannedExchange) -> None:  # R5
    for read in READS.values():
        read(at)
    place(at)
    cancel(at)
    at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
    signed = [(route, each) for route, each in at.headers if "X-Signature" in each]
    assert len({route for route, _ in signed}) == 11
    assert {(each["X-Window"], each["X-Timestamp"]) for _, each in signed} == {("2000", str(SLOT_MS))}


def test_a_create_is_accepted_by_a_true_answer_only(at: CannedExchange) -> None:  # R1, R7
    truth = place(at)
    assert isinstance(truth, Accepted)
    for mistake in mistakes(TRUE_ANSWERS[CREATE]):
        at.answers[CREATE] = always(changed(TRUE_ANSWERS[CREATE], *mistake))
        outcome = place(at)
        assert outcome == truth or isinstance(outcome, OutcomeUnknown)
    for other in ({"clientId": 1}, {"side": "Ask"}, {"price": "98.99"}, {"quantity": "0.5"}, {"symbol": "SOL_USDC"}):
        at.answers[CREATE] = always({**TRUE_ANSWERS[CREATE], **other})
        assert isinstance(place(at), OutcomeUnknown)


def test_an_order_that_only_reduces_may_be_made_smaller(at: CannedExchange) -> None:  # R23
    reducing = replace(NEW, reduce_only=True)
    at.answers[CREATE] = always({**TRUE_ANSWERS[CREATE], "quantity": "0.5"})
    outcome = place(at, reducing)
    assert isinstance(outcome, Accepted)
    assert outcome.order.size_base == D("0.5")
    at.answers[CREATE] = always({**TRUE_ANSWERS[CREATE], "quantity": "1.5"})
    assert isinstance(place(at, reducing), OutcomeUnknown)


@pytest.mark.parametrize("status", ["Expired", "Cancelled"])
def test_a_post_only_order_that_was_taken_and_ended_at_once_would_have_taken(at: CannedExchange, status: str) -> None:
    at.answers[CREATE] = always({**TRUE_ANSWERS[CREATE], "status": status})  # R19, R20
    outcome = place(at)
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE


@pytest.mark.parametrize("body", GARBAGE)
def test_a_write_answered_with_garbage_is_unknown(at: CannedExchange, body: str) -> None:  # R1, R7
    at.answers |= {CREATE: always(body), CANCEL: always(body)}
    assert isinstance(place(at), OutcomeUnknown)
    assert cancel(at).result is CancelResult.FAILED


def test_a_cancel_is_done_by_a_true_answer_only(at: CannedExchange) -> None:  # R7, R13
    truth = cancel(at)
    assert (truth.result, truth.executed_base) == (CancelResult.CANCELLED, D("0.4"))
    for mistake in mistakes(TRUE_ANSWERS[CANCEL]):
        at.answers[CANCEL] = always(changed(TRUE_ANSWERS[CANCEL], *mistake))
        outcome = cancel(at)
        assert outcome == truth or outcome.result is CancelResult.FAILED


REFUSALS = [
    ("INVALID_ORDER", "Order would immediately match and take", RejectionKind.WOULD_TAKE),
    ("INVALID_ORDER", "Price decimal too long", RejectionKind.OFF_GRID),
    ("INVALID_ORDER", "Quantity decimal too long", RejectionKind.OFF_GRID),
    ("INVALID_ORDER", "Quantity is below the minimum order size", RejectionKind.OFF_GRID),
    ("INVALID_QUANTITY", "Quantity must be above zero", RejectionKind.OFF_GRID),
    ("INVALID_ORDER", "Duplicate client order id", RejectionKind.REFUSED),
    ("INVALID_ORDER", "Reduce only order not reduced", RejectionKind.REFUSED),
    ("INVALID_PRICE", "Price is too far from the last active price", RejectionKind.REFUSED),
    ("INSUFFICIENT_MARGIN", "Insufficient margin", RejectionKind.REFUSED),
    ("ACCOUNT_LIQUIDATING", "Account is liquidating", RejectionKind.REFUSED),
    ("INVALID_CLIENT_REQUEST", "failed to parse", RejectionKind.REFUSED),
    ("INVALID_SYMBOL", "Invalid symbol", RejectionKind.MARKET_CLOSED),
    ("INVALID_MARKET", "Invalid market", RejectionKind.MARKET_CLOSED),
    ("TRADING_PAUSED", "Trading is paused", RejectionKind.MARKET_CLOSED),
    ("INVALID_CLIENT_REQUEST", "Invalid signature", RejectionKind.FATAL),
    ("INVALID_SIGNATURE", "Invalid signature", RejectionKind.FATAL),
    ("FORBIDDEN", "Forbidden", RejectionKind.FATAL),
    ("UNAUTHORIZED", "Unauthorized", RejectionKind.FATAL),
    ("TOO_MANY_REQUESTS", "Too many", RejectionKind.RETRYABLE),
    ("MAINTENANCE", "System under maintenance", RejectionKind.RETRYABLE),
]


@pytest.mark.parametrize(("code", "message", "kind"), REFUSALS)
def test_a_refusal_is_what_its_code_and_message_say(code: str, message: str, kind: RejectionKind) -> None:
    with canned("backpack", TRUE_ANSWERS, KEY) as at:  # R18, R20, R23, R26
        at.answers[CREATE] = always({"code": code, "message": message}, status=400)
        outcome = place(at)
        assert isinstance(outcome, Rejected)
        assert outcome.kind is kind
        assert at.count(CREATE) == 1


@pytest.mark.parametrize("status", [200, 500, 503])
@pytest.mark.parametrize(("code", "message", "kind"), REFUSALS)
def test_an_error_that_may_follow_an_accepted_order_is_no_refusal(
    status: int, code: str, message: str, kind: RejectionKind
) -> None:  # R1
    with canned("backpack", TRUE_ANSWERS, KEY) as at:
        at.answers[CREATE] = always({"code": code, "message": message}, status=status)
        outcome = place(at)
        certain = kind is RejectionKind.RETRYABLE and code == "TOO_MANY_REQUESTS" and status != 200
        assert isinstance(outcome, Rejected if certain else OutcomeUnknown)
        assert at.count(CREATE) == 1


def test_a_cancel_of_what_does_not_rest_is_gone(at: CannedExchange) -> None:
    for code, message, status in (("INVALID_ORDER", "Order not found", 400), ("RESOURCE_NOT_FOUND", "Not Found", 404)):
        at.answers[CANCEL] = always({"code": code, "message": message}, status=status)
        assert cancel(at).result is CancelResult.GONE


def test_a_request_past_its_window_is_signed_anew_by_the_venues_clock(at: CannedExchange) -> None:  # R8
    at.answers[OPEN_ORDERS] = always({"code": "INVALID_CLIENT_REQUEST", "message": "Request has expired"}, status=400)
    at.answers[TIME] = always(str(SLOT_MS + 9_000))
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())
    assert at.count(OPEN_ORDERS) == 2
    assert [each["X-Timestamp"] for route, each in at.headers if route == OPEN_ORDERS] == [
        str(SLOT_MS),
        str(SLOT_MS + 9_000),
    ]
    at.answers[TIME] = always(str(SLOT_MS))
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())


def test_a_signature_that_is_refused_is_the_keys_matter(at: CannedExchange) -> None:  # R26
    at.answers[OPEN_ORDERS] = always({"code": "INVALID_CLIENT_REQUEST", "message": "Invalid signature"}, status=400)
    with pytest.raises(AccountRefused):
        at.venue.open_orders(at.deadline())


def test_leverage_is_set_by_an_answer_without_a_body(at: CannedExchange) -> None:  # S17
    at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
    assert sent(at, LEVERAGE) == {"leverageLimit": "10"}


@pytest.mark.parametrize("body", [each for each in GARBAGE if each and each[0] not in "{["] + ["{", "<"])
def test_leverage_answered_with_garbage_is_unresolved(at: CannedExchange, body: str) -> None:  # R7
    at.answers[LEVERAGE] = always(body)
    with pytest.raises(Unresolved):
        at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())


def test_margin_of_its_own_is_refused_before_anything_is_sent(at: CannedExchange) -> None:  # S17
    with pytest.raises(Refused, match="cross is allowed"):
        at.venue.set_leverage(SOL, Perpetual(leverage=D(10), margin_mode=MarginMode.ISOLATED), at.deadline())
    assert at.count(LEVERAGE) == 0


def test_a_leverage_that_is_not_allowed_is_refused(at: CannedExchange) -> None:  # S17
    at.answers[LEVERAGE] = always({"code": "INVALID_CLIENT_REQUEST", "message": "leverage limit"}, status=400)
    with pytest.raises(Refused):
        at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
