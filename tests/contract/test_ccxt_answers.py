"""Answers that are wrong somewhere: what is read of them is true or unknown, never something else (R7, R15)."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.orders import Fill, NewOrder, Order, Side
from marketmaker.domain.units import ClientOrderId
from marketmaker.errors import Retryable
from marketmaker.ports import Accepted, CancelResult, OutcomeUnknown, Unknown
from tests.builders import SLOT_MS, SYMBOL
from tests.contract.canned import (
    ACCOUNT,
    BOOK,
    CANCEL,
    CREATE,
    DAY,
    INFO,
    KLINES,
    LAST_PRICE,
    LOOKUP,
    OPEN_ORDERS,
    ORDER,
    PERMISSIONS,
    PUBLIC_TRADES,
    TIME,
    TRADE,
    TRADES,
    TRUE_ANSWERS,
    Answer,
    CannedExchange,
    Reply,
    always,
    canned,
)

type Path = tuple[str | int, ...]
type Read = Callable[[CannedExchange], Any]

CLIENT_ID = ClientOrderId(ORDER["clientOrderId"])
NEW = NewOrder(client_id=CLIENT_ID, symbol=SYMBOL, side=Side.BUY, price=Decimal("1898.5"), size_base=Decimal("0.1"))
DROPPED = object()


def read_metadata(at: CannedExchange) -> Any:
    at.venue.fetch_metadata([SYMBOL], at.deadline())
    return at.venue.instrument(SYMBOL)


READS: dict[str, Read] = {
    ACCOUNT: lambda at: at.venue.observe([], [], at.deadline()).balances,
    BOOK: lambda at: at.venue.read_books([SYMBOL], at.deadline())[SYMBOL],
    INFO: read_metadata,
    KLINES: lambda at: at.venue.fetch_klines(SYMBOL, SLOT_MS, SLOT_MS + 2_000, at.deadline()),
    OPEN_ORDERS: lambda at: at.venue.open_orders(at.deadline()),
    LAST_PRICE: lambda at: at.venue.observe([], [SYMBOL], at.deadline()).last_prices[SYMBOL],
    TIME: lambda at: at.venue.time_ms(at.deadline()),
    DAY: lambda at: at.venue.fetch_day_volume([SYMBOL], at.deadline()),
    PUBLIC_TRADES: lambda at: at.venue.public_trades({SYMBOL: 7}, at.deadline())[SYMBOL],
    TRADES: lambda at: at.venue.fills_since(SYMBOL, 0, at.deadline()),
    PERMISSIONS: lambda at: at.venue.key_permissions(at.deadline()),
    LOOKUP: lambda at: at.venue.find_order(SYMBOL, CLIENT_ID, by_client_id=True, deadline=at.deadline()),
}
LISTS = {OPEN_ORDERS, TRADES, KLINES, PUBLIC_TRADES}
"""Routes on which an empty list is an answer."""


@pytest.fixture(scope="module")
def served() -> Iterator[CannedExchange]:
    with canned() as exchange:
        yield exchange


@pytest.fixture
def at(served: CannedExchange) -> CannedExchange:
    served.reset()
    served.venue.fetch_metadata([SYMBOL], served.deadline())
    return served


def paths(answer: Any, here: Path = ()) -> Iterator[Path]:
    """Name every part of an answer, the whole one first."""
    yield here
    inside = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    yield from chain.from_iterable(paths(part, (*here, name)) for name, part in inside)


def part_of(answer: Any, path: Path) -> Any:
    for step in path:
        answer = answer[step]
    return answer


def wrong(part: Any, *, is_key: bool) -> list[Any]:
    """Return what may stand there by mistake, but for what could be another true answer."""
    number = float(part) if isinstance(part, str) and part.replace(".", "").isdecimal() else 0
    others: list[Any] = ["", None, {}, [part], {"value": part}]
    others += [] if isinstance(part, list) else [[]]
    others += [] if isinstance(part, bool) else [True]
    others += [number, 1.5] if not isinstance(part, int) else [float(part) + 0.5]
    others += [DROPPED] if is_key else []
    return [other for other in others if other != part]


def changed(answer: Any, path: Path, other: Any) -> Any:
    if not path:
        return other
    answer = copy.deepcopy(answer)
    holder = part_of(answer, path[:-1])
    if other is DROPPED:
        del holder[path[-1]]
    else:
        holder[path[-1]] = other
    return answer


def mistakes(answer: Any) -> list[tuple[Path, Any]]:
    return [
        (path, other)
        for path in paths(answer)
        for other in wrong(part_of(answer, path), is_key=bool(path) and isinstance(path[-1], str))
    ]


def told(read: Read, at: CannedExchange) -> Any:
    """Return what was read, None if it could not be."""
    try:
        found = read(at)
    except Retryable:
        return None
    assert found is not None, "an unreadable answer says that there is nothing"
    return None if isinstance(found, Unknown) else found


def without_fees(found: Any) -> Any:
    """Leave fees out: one that is not told is unknown, which is no mistake (R16)."""
    return [replace(each, fee=None) if isinstance(each, Fill) else each for each in found]


def assert_true_or_unknown(at: CannedExchange, route: str, answer: Any, truth: Any) -> None:
    at.answers[route] = always(answer)
    found = told(READS[route], at)
    if found is not None and route == TRADES:
        assert all(each.fee in {None, true.fee} for each, true in zip(found, truth, strict=True))
        found, truth = without_fees(found), without_fees(truth)
    assert found is None or found == truth


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


GARBAGE = [
    "<html>maintenance</html>",
    "",
    "null",
    '{"bids": [',
    "{}",
    "[]",
    '"ok"',
    "[1]",
    "[null]",
    "[[]]",
    "[{}]",
    "7",
]


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("route", READS)
def test_an_answer_that_is_no_answer_is_unknown_on_every_route(at: CannedExchange, route: str, body: str) -> None:  # R7
    at.answers[route] = always(body)
    if body == "[]" and route in LISTS:
        return
    assert told(READS[route], at) is None


@pytest.mark.parametrize("route", READS)
def test_an_error_within_a_good_answer_is_unknown(at: CannedExchange, route: str) -> None:  # R7
    for code in (-1121, -2013, -2015, -1003, 200):
        at.answers[route] = always({"code": code, "msg": "Invalid symbol."})
        assert told(READS[route], at) is None


def test_a_list_with_a_row_twice_is_unknown(at: CannedExchange) -> None:  # R7
    for route in (OPEN_ORDERS, PUBLIC_TRADES):
        at.answers[route] = always(TRUE_ANSWERS[route] * 2)
        assert told(READS[route], at) is None
    balances = TRUE_ANSWERS[ACCOUNT]["balances"]
    at.answers[ACCOUNT] = always({"balances": balances * 2})
    assert told(READS[ACCOUNT], at) is None


@pytest.mark.parametrize(
    ("route", "path", "value"),
    [
        (BOOK, ("bids", 0, 0), "1898.4"),
        (BOOK, ("asks", 1, 0), "1900.5"),
        (BOOK, ("bids", 0, 0), "1898.50000000"),
        (BOOK, ("bids", 0, 0), "-1"),
        (BOOK, ("bids", 0, 1), "0"),
        (BOOK, ("asks", 0, 1), "NaN"),
        (ACCOUNT, ("balances", 0, "free"), "-0.1"),
        (LAST_PRICE, ("price",), "0"),
        (OPEN_ORDERS, (0, "executedQty"), "0.2"),
        (OPEN_ORDERS, (0, "status"), "RESTING"),
        (OPEN_ORDERS, (0, "side"), "LONG"),
        (OPEN_ORDERS, (0, "orderId"), "x1"),
        (TRADES, (0, "symbol"), "BTCUSDT"),
        (TRADES, (0, "qty"), "0"),
        (TRADES, (0, "commission"), "free"),
        (LOOKUP, ("clientOrderId",), "mmtst010000005s00"),
        (INFO, ("symbols", 0, "filters", 0, "tickSize"), "0"),
        (INFO, ("symbols", 0, "filters", 1, "filterType"), "LOT"),
        (INFO, ("symbols",), []),
    ],
)
def test_a_value_out_of_its_range_is_unknown(at: CannedExchange, route: str, path: Path, value: object) -> None:  # R7
    at.answers[route] = always(changed(TRUE_ANSWERS[route], path, value))
    assert told(READS[route], at) is None


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"])
def test_a_finished_order_is_not_live(at: CannedExchange, status: str) -> None:
    at.answers[LOOKUP] = always({**ORDER, "status": status})
    order = READS[LOOKUP](at)
    assert isinstance(order, Order)
    assert not order.is_live


def place(at: CannedExchange) -> Any:
    (outcome,) = at.venue.place([NEW], at.deadline())
    return outcome


def cancel(at: CannedExchange) -> Any:
    (order, _) = at.venue.open_orders(at.deadline())
    (outcome,) = at.venue.cancel([order], at.deadline())
    return outcome


def test_a_create_is_accepted_by_a_true_answer_only(at: CannedExchange) -> None:  # R1, R7
    truth = place(at)
    assert isinstance(truth, Accepted)
    for mistake in mistakes(TRUE_ANSWERS[CREATE]):
        at.answers[CREATE] = always(changed(TRUE_ANSWERS[CREATE], *mistake))
        outcome = place(at)
        assert outcome == truth or isinstance(outcome, OutcomeUnknown)
    for other in ({"clientOrderId": "x"}, {"side": "SELL"}, {"price": "1898.49"}, {"origQty": "0.2"}):
        at.answers[CREATE] = always({**TRUE_ANSWERS[CREATE], **other})
        assert isinstance(place(at), OutcomeUnknown)


@pytest.mark.parametrize("body", GARBAGE)
def test_a_write_answered_with_garbage_is_unknown(at: CannedExchange, body: str) -> None:  # R1, R7
    at.answers |= {CREATE: always(body), CANCEL: always(body)}
    assert isinstance(place(at), OutcomeUnknown)
    assert cancel(at).result is CancelResult.FAILED


@pytest.mark.parametrize("status", [200, 500, 503])
@pytest.mark.parametrize("code", [-2010, -9999, -1013, -2015, -1121])
def test_an_error_that_may_follow_an_accepted_order_is_no_refusal(at: CannedExchange, status: int, code: int) -> None:
    at.answers[CREATE] = always({"code": code, "msg": "Something."}, status=status)  # R1
    assert isinstance(place(at), OutcomeUnknown)
    assert at.count(CREATE) == 1


def test_a_cancel_is_done_by_a_true_answer_only(at: CannedExchange) -> None:  # R7, R13
    truth = cancel(at)
    assert (truth.result, truth.executed_base) == (CancelResult.CANCELLED, Decimal("0.04"))
    for mistake in mistakes(TRUE_ANSWERS[CANCEL]):
        at.answers[CANCEL] = always(changed(TRUE_ANSWERS[CANCEL], *mistake))
        outcome = cancel(at)
        assert outcome == truth or outcome.result is CancelResult.FAILED
    for other in ({"status": "NEW"}, {"orderId": 7}):
        at.answers[CANCEL] = always({**TRUE_ANSWERS[CANCEL], **other})
        assert cancel(at).result is CancelResult.FAILED


# --- paging ----------------------------------------------------------------------------------------------------------


def trade(trade_id: int, **fields: object) -> dict[str, Any]:
    return {**TRADE, "id": trade_id, "qty": "0.00010000", "time": SLOT_MS, **fields}


def listing(trades: list[dict[str, Any]], *, overlap: int = 0) -> Answer:
    """Answer as the venue does, all trades at one time; pages may begin before the id that was asked for."""

    def answer(params: dict[str, str]) -> Reply:
        from_id, limit = int(params["fromId"]) - overlap, int(params["limit"])
        return Reply(body=json.dumps([each for each in trades if each["id"] >= from_id][:limit]))

    return answer


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 1999, 2000, 2001])
def test_trades_of_one_moment_are_read_to_the_last_page(at: CannedExchange, count: int) -> None:  # R15
    at.answers[TRADES] = listing([trade(each) for each in range(5, 5 + count)])
    found = at.venue.fills_since(SYMBOL, 0, at.deadline())
    assert [int(fill.trade_id) for fill in found] == list(range(5, 5 + count))
    assert sum(fill.size_base for fill in found) == Decimal("0.0001") * count
    assert at.count(TRADES) == count // 1000 + 1


@pytest.mark.parametrize("count", [999, 1000, 1001])
def test_trades_that_pages_share_are_counted_once(at: CannedExchange, count: int) -> None:  # R15
    at.answers[TRADES] = listing([trade(each) for each in range(count)], overlap=7)
    found = at.venue.fills_since(SYMBOL, 0, at.deadline())
    assert sum(fill.size_base for fill in found) == Decimal("0.0001") * count


@given(
    ids=st.lists(st.integers(0, 40), max_size=40),
    twice=st.lists(st.integers(0, 40), max_size=10),
    from_id=st.integers(0, 20),
    data=st.data(),
)
def test_trades_in_any_order_and_repeated_sum_to_the_venues_own(
    served: CannedExchange, ids: list[int], twice: list[int], from_id: int, data: st.DataObject
) -> None:  # R15
    served.reset()
    rows = [trade(each, qty=f"0.0{each + 1:03}") for each in sorted({*ids})]
    rows += [row for row in rows if row["id"] in twice]
    served.answers[TRADES] = always(data.draw(st.permutations(rows)))
    found = served.venue.fills_since(SYMBOL, from_id, served.deadline())
    wanted = sorted({each for each in ids if each >= from_id})
    assert [int(fill.trade_id) for fill in found] == wanted
    assert [fill.size_base for fill in found] == [Decimal(each + 1) / 10_000 for each in wanted]


def test_a_trade_that_two_answers_tell_differently_is_unknown(at: CannedExchange) -> None:  # R7, R15
    at.answers[TRADES] = always([trade(1), trade(1, qty="0.2")])
    with pytest.raises(Retryable, match=r"trade 1 of PAXG/USDT came twice and differs"):
        at.venue.fills_since(SYMBOL, 0, at.deadline())


def test_a_full_page_that_leads_nowhere_ends_the_read(at: CannedExchange) -> None:  # R15
    at.answers[TRADES] = always([trade(each) for each in range(1000)])
    with pytest.raises(Retryable, match="do not go on after 999"):
        at.venue.fills_since(SYMBOL, 0, at.deadline())
    assert at.count(TRADES) == 2


def test_the_newest_trade_is_the_one_with_the_highest_id(at: CannedExchange) -> None:
    at.answers[TRADES] = always([trade(9), trade(3)])
    assert at.venue.newest_trade_id(SYMBOL, at.deadline()) == 9
    at.answers[TRADES] = always([])
    assert at.venue.newest_trade_id(SYMBOL, at.deadline()) is None
