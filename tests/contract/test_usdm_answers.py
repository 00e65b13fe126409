"""USDⓈ-M answers that are wrong somewhere: true or unknown, never a flat position, never no orders (R7)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import NewOrder, Side
from marketmaker.domain.positions import FundingRate, MarginMode, Position
from marketmaker.domain.units import Asset, ClientOrderId
from marketmaker.errors import AccountRefused, Refused, Retryable, Unresolved
from marketmaker.ports import Accepted, CancelResult, OutcomeUnknown, Rejected, RejectionKind, Unknown
from tests.builders import SLOT_MS
from tests.contract.canned import CannedExchange, always, canned
from tests.contract.canned_usdm import (
    BALANCE,
    BOOK,
    CANCEL,
    CREATE,
    DAY,
    INCOME,
    INFO,
    KLINES,
    LAST_PRICE,
    LEVERAGE,
    LOOKUP,
    MARGIN_TYPE,
    MINUTE_MS,
    NEVER_HELD,
    NEXT_FUNDING_MS,
    OPEN_ORDERS,
    ORDER,
    PAYMENT,
    POSITION,
    POSITIONS,
    PREMIUM,
    PUBLIC_TRADES,
    SOL,
    TIME,
    TRADES,
    TRUE_ANSWERS,
)
from tests.contract.test_ccxt_answers import GARBAGE, Read, changed, mistakes, told, without_fees

D = Decimal
CLIENT_ID = ClientOrderId(ORDER["clientOrderId"])
NEW = NewOrder(client_id=CLIENT_ID, symbol=SOL, side=Side.BUY, price=D(99), size_base=D(1))
CROSS_TEN = Perpetual(leverage=D(10), margin_mode=MarginMode.CROSS)


def observed(at: CannedExchange) -> Any:
    return at.venue.observe([SOL], [SOL], at.deadline())


def read_metadata(at: CannedExchange) -> Any:
    at.venue.fetch_metadata([SOL], at.deadline())
    return at.venue.instrument(SOL)


def read_position(at: CannedExchange) -> Any:
    return observed(at).positions.get(SOL, Unknown(reason="left out"))


READS: dict[str, Read] = {
    BALANCE: lambda at: observed(at).balances,
    BOOK: lambda at: at.venue.read_books([SOL], at.deadline())[SOL],
    INFO: read_metadata,
    KLINES: lambda at: at.venue.fetch_klines(SOL, MINUTE_MS, MINUTE_MS + 120_000, at.deadline(), interval_ms=60_000),
    OPEN_ORDERS: lambda at: at.venue.open_orders(at.deadline()),
    LAST_PRICE: lambda at: observed(at).last_prices[SOL],
    TIME: lambda at: at.venue.time_ms(at.deadline()),
    DAY: lambda at: at.venue.fetch_day_volume([SOL], at.deadline()),
    PUBLIC_TRADES: lambda at: at.venue.public_trades({SOL: 7}, at.deadline())[SOL],
    TRADES: lambda at: at.venue.fills_since(SOL, 0, at.deadline()),
    LOOKUP: lambda at: at.venue.find_order(SOL, CLIENT_ID, by_client_id=True, deadline=at.deadline()),
    POSITIONS: read_position,
    PREMIUM: lambda at: observed(at).funding_rates[SOL],
    INCOME: lambda at: at.venue.funding_since(SOL, 0, at.deadline()),
}
LISTS = {OPEN_ORDERS, TRADES, KLINES, PUBLIC_TRADES, INCOME}
"""Routes on which an empty list is an answer."""


@pytest.fixture(scope="module")
def served() -> Iterator[CannedExchange]:
    with canned("binanceusdm", TRUE_ANSWERS) as exchange:
        yield exchange


@pytest.fixture
def at(served: CannedExchange) -> CannedExchange:
    served.reset()
    served.venue.fetch_metadata([SOL], served.deadline())
    served.received.clear()
    return served


def assert_true_or_unknown(at: CannedExchange, route: str, answer: Any, truth: Any) -> None:
    at.answers[route] = always(answer)
    found = told(READS[route], at)
    if found is not None and route == TRADES:
        assert all(each.fee in {None, true.fee} for each, true in zip(found, truth, strict=True))
        found, truth = without_fees(found), without_fees(truth)
    assert found is None or found == truth


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
    assert [each.amount_quote for each in READS[INCOME](at)] == [D("-0.02"), D("0.01")]


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
    for code in (-1121, -2013, -2015, -1003, -4061, 200):
        at.answers[route] = always({"code": code, "msg": "Invalid symbol."})
        assert told(READS[route], at) is None


@pytest.mark.parametrize("rows", [[], [{**POSITION, "symbol": "BTCUSDC"}]], ids=["none", "another's"])
def test_a_position_that_is_left_out_is_not_flat(at: CannedExchange, rows: list[Any]) -> None:  # R7
    at.answers[POSITIONS] = always(rows)
    assert SOL not in observed(at).positions


@pytest.mark.parametrize(
    "change",
    [
        {"entryPrice": "0.0"},
        {"markPrice": "0.00000000"},
        {"positionAmt": "2.00", "markPrice": "-1"},
        {"liquidationPrice": "-1"},
    ],
)
def test_what_is_held_without_an_entry_or_a_mark_is_unknown(at: CannedExchange, change: dict[str, str]) -> None:  # R7
    at.answers[POSITIONS] = always([{**POSITION, **change}])
    assert isinstance(read_position(at), Unknown)


def test_a_market_that_was_never_held_is_flat_at_the_mark_that_is_published(at: CannedExchange) -> None:  # S17
    at.answers[POSITIONS] = always([NEVER_HELD])
    flat = read_position(at)
    assert isinstance(flat, Position)
    assert (flat.size_base, flat.entry_price, flat.mark_price, flat.liquidation_price) == (D(0), None, D(100), None)
    assert (flat.leverage, flat.margin_mode) == (D(10), MarginMode.CROSS)
    at.answers[PREMIUM] = always({}, status=503)
    assert isinstance(read_position(at), Unknown), "flat, but without any mark"


def test_the_funding_of_another_market_is_unknown(at: CannedExchange) -> None:  # R7, R33
    at.answers[PREMIUM] = always({**TRUE_ANSWERS[PREMIUM], "symbol": "BTCUSDC"})
    assert isinstance(observed(at).funding_rates[SOL], Unknown)


def test_one_market_is_asked_for_by_name_and_several_at_once(at: CannedExchange) -> None:
    observed(at)
    at.venue.observe([SOL, SOL], [], at.deadline())
    asked = [params.get("symbol") for route, params in at.received if route == POSITIONS]
    assert asked == ["SOLUSDC", None]


def test_sides_that_are_kept_apart_are_told(at: CannedExchange) -> None:  # R23
    long, short = {**POSITION, "positionSide": "LONG"}, {**POSITION, "positionSide": "SHORT", "positionAmt": "-2.00"}
    both = {**NEVER_HELD, "positionSide": "BOTH"}
    at.answers[POSITIONS] = always([both, long, {**short, "unRealizedProfit": "-1"}])
    hedged = read_position(at)
    assert isinstance(hedged, Position)
    assert (hedged.is_hedged, hedged.size_base, hedged.unrealised_quote) == (True, D(0), D(1))


@pytest.mark.parametrize(("wallet", "available", "free"), [("10", "12.5", 10), ("-3", "0", -3), ("10", "0", 0)])
def test_collateral_is_the_wallet_without_what_is_unrealised(
    at: CannedExchange, wallet: str, available: str, free: int
) -> None:
    at.answers[BALANCE] = always([{"asset": "USDC", "balance": wallet, "availableBalance": available}])
    balance = observed(at).balances[Asset("USDC")]
    assert (balance.total, balance.free) == (D(wallet), D(free))
    assert balance.reserved >= 0


# --- funding ---------------------------------------------------------------------------------------------------------


def paid(time_ms: int, income: str = "-0.01") -> dict[str, Any]:
    return {**PAYMENT, "time": time_ms, "income": income, "tranId": time_ms}


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
def test_funding_is_read_to_its_last_page(at: CannedExchange, count: int) -> None:  # R15, R33
    rows = [paid(1_000 + 2 * n) for n in range(count)]

    def answer(params: dict[str, str]) -> Any:
        since_ms, limit = int(params["startTime"]), int(params["limit"])
        return always([each for each in rows if each["time"] >= since_ms][:limit])(params)

    at.answers[INCOME] = answer
    found = at.venue.funding_since(SOL, 1_000, at.deadline())
    assert [each.time_ms for each in found] == [each["time"] for each in rows]
    assert at.count(INCOME) == count // 1_000 + 1
    assert {params["incomeType"] for route, params in at.received if route == INCOME} == {"FUNDING_FEE"}


def test_a_payment_that_is_listed_twice_is_one(at: CannedExchange) -> None:  # R33
    at.answers[INCOME] = always([paid(9_000), paid(7_000), paid(9_000)])
    assert [each.time_ms for each in at.venue.funding_since(SOL, 0, at.deadline())] == [7_000, 9_000]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([paid(9_000), paid(9_000, "-0.02")], "came twice and differs"),
        ([{**paid(9_000), "asset": "BNB"}], "BNB"),
        ([{**paid(9_000), "incomeType": "COMMISSION"}], "COMMISSION"),
    ],
)
def test_payments_that_cannot_be_told_apart_are_not_booked(
    at: CannedExchange, rows: list[Any], said: str
) -> None:  # R7, R33
    at.answers[INCOME] = always(rows)
    with pytest.raises(Retryable, match=said):
        at.venue.funding_since(SOL, 5_000, at.deadline())


def test_what_was_paid_before_is_no_part_of_it(at: CannedExchange) -> None:  # R33
    at.answers[INCOME] = always([paid(4_999), paid(5_000)])
    assert [each.time_ms for each in at.venue.funding_since(SOL, 5_000, at.deadline())] == [5_000]


def test_a_full_page_that_leads_nowhere_ends_the_read(at: CannedExchange) -> None:  # R15
    at.answers[INCOME] = always([paid(1_000 + n) for n in range(1_000)])
    with pytest.raises(Retryable, match="do not go on after 2000"):
        at.venue.funding_since(SOL, 1_000, at.deadline())
    assert at.count(INCOME) == 2


# --- creates, cancels and leverage -----------------------------------------------------------------------------------


def place(at: CannedExchange, order: NewOrder = NEW) -> Any:
    (outcome,) = at.venue.place([order], at.deadline())
    return outcome


def cancel(at: CannedExchange) -> Any:
    (order, _) = at.venue.open_orders(at.deadline())
    (outcome,) = at.venue.cancel([order], at.deadline())
    return outcome


def sent(at: CannedExchange, route: str) -> dict[str, str]:
    (params,) = [params for each, params in at.received if each == route]
    return params


@pytest.mark.parametrize(
    ("how", "time_in_force", "reduce_only"),
    [
        ({}, "GTX", None),
        ({"post_only": False}, "GTC", None),
        ({"post_only": False, "immediate": True}, "IOC", None),
        ({"post_only": False, "immediate": True, "reduce_only": True}, "IOC", "true"),
        ({"reduce_only": True}, "GTX", "true"),
    ],
)
def test_a_create_says_what_it_may_do_and_dies_on_the_way(
    at: CannedExchange, how: dict[str, bool], time_in_force: str, reduce_only: str | None
) -> None:  # R20, R23
    order = NewOrder(client_id=CLIENT_ID, symbol=SOL, side=Side.BUY, price=D(99), size_base=D(1), **how)
    assert isinstance(place(at, order), Accepted)
    params = sent(at, CREATE)
    assert {name: params[name] for name in ("symbol", "side", "type", "quantity", "price", "newClientOrderId")} == {
        "symbol": "SOLUSDC",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "1",
        "price": "99",
        "newClientOrderId": CLIENT_ID,
    }
    assert (params["timeInForce"], params.get("reduceOnly"), params["newOrderRespType"]) == (
        time_in_force,
        reduce_only,
        "RESULT",
    )
    assert params["recvWindow"] == "2000"


def test_every_signed_request_dies_on_the_way(at: CannedExchange) -> None:  # R5
    for read in READS.values():
        read(at)
    place(at)
    cancel(at)
    at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
    signed = [params for _, params in at.received if "signature" in params]
    assert len({route for route, params in at.received if "signature" in params}) == 10
    assert {(params["recvWindow"], params["timestamp"]) for params in signed} == {("2000", str(SLOT_MS))}


def test_a_create_is_accepted_by_a_true_answer_only(at: CannedExchange) -> None:  # R1, R7
    truth = place(at)
    assert isinstance(truth, Accepted)
    for mistake in mistakes(TRUE_ANSWERS[CREATE]):
        at.answers[CREATE] = always(changed(TRUE_ANSWERS[CREATE], *mistake))
        outcome = place(at)
        assert outcome == truth or isinstance(outcome, OutcomeUnknown)
    for other in ({"clientOrderId": "x"}, {"side": "SELL"}, {"price": "98.99"}, {"origQty": "0.5"}):
        at.answers[CREATE] = always({**TRUE_ANSWERS[CREATE], **other})
        assert isinstance(place(at), OutcomeUnknown)


@pytest.mark.parametrize("status", ["EXPIRED", "EXPIRED_IN_MATCH", "REJECTED", "CANCELED"])
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
    (-5022, RejectionKind.WOULD_TAKE),
    (-2019, RejectionKind.REFUSED),
    (-2022, RejectionKind.REFUSED),
    (-4061, RejectionKind.REFUSED),
    (-4116, RejectionKind.REFUSED),
    (-4014, RejectionKind.OFF_GRID),
    (-4164, RejectionKind.OFF_GRID),
    (-4004, RejectionKind.OFF_GRID),
    (-4023, RejectionKind.OFF_GRID),
    (-1111, RejectionKind.OFF_GRID),
    (-1121, RejectionKind.MARKET_CLOSED),
    (-4108, RejectionKind.MARKET_CLOSED),
    (-4140, RejectionKind.MARKET_CLOSED),
    (-4141, RejectionKind.MARKET_CLOSED),
    (-4087, RejectionKind.REFUSED),
    (-4400, RejectionKind.REFUSED),
    (-4401, RejectionKind.REFUSED),
    (-2015, RejectionKind.FATAL),
    (-4088, RejectionKind.FATAL),
    (-1003, RejectionKind.RETRYABLE),
]


@pytest.mark.parametrize(("code", "kind"), REFUSALS)
def test_a_refusal_is_what_its_code_says(code: int, kind: RejectionKind) -> None:  # R18, R20, R23, R26
    with canned("binanceusdm", TRUE_ANSWERS) as at:
        at.answers[CREATE] = always({"code": code, "msg": "Something."}, status=400)
        outcome = place(at)
        assert isinstance(outcome, Rejected)
        assert outcome.kind is kind
        assert at.count(CREATE) == 1


@pytest.mark.parametrize("status", [200, 500, 503])
@pytest.mark.parametrize("code", [-2019, -2022, -2015, -4014, -4108, -4141, -4400, -5022, -1121, -9999])
def test_an_error_that_may_follow_an_accepted_order_is_no_refusal(at: CannedExchange, status: int, code: int) -> None:
    at.answers[CREATE] = always({"code": code, "msg": "Something."}, status=status)  # R1
    assert isinstance(place(at), OutcomeUnknown)
    assert at.count(CREATE) == 1


@pytest.mark.parametrize(("code", "status"), [(-1000, 400), (-1001, 400), (-1006, 400), (-1007, 408), (-1008, 503)])
def test_a_create_whose_end_the_venue_does_not_know_is_unknown(at: CannedExchange, code: int, status: int) -> None:
    at.answers[CREATE] = always({"code": code, "msg": "Execution status unknown."}, status=status)  # R1
    assert isinstance(place(at), OutcomeUnknown)
    assert at.count(CREATE) == 1


def test_a_restriction_to_reducing_orders_is_no_refusal_of_the_key(at: CannedExchange) -> None:  # R22, R26
    at.answers[OPEN_ORDERS] = always({"code": -4400, "msg": "Only reduceOnly order is allowed."}, status=400)
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())
    at.answers[OPEN_ORDERS] = always({"code": -2015, "msg": "Invalid API-key, IP, or permissions."}, status=400)
    with pytest.raises(AccountRefused):
        at.venue.open_orders(at.deadline())


def test_a_margin_mode_that_is_so_already_is_no_failure(at: CannedExchange) -> None:  # S17
    at.answers[MARGIN_TYPE] = always({"code": -4046, "msg": "No need to change margin type."}, status=400)
    at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
    assert sent(at, MARGIN_TYPE)["marginType"] == "CROSSED"
    assert sent(at, LEVERAGE)["leverage"] == "10"


@pytest.mark.parametrize("code", [-4047, -4048, -4168])
def test_a_margin_mode_that_cannot_be_leaves_the_leverage_alone(at: CannedExchange, code: int) -> None:  # S17
    at.answers[MARGIN_TYPE] = always({"code": code, "msg": "Margin type cannot be changed."}, status=400)
    with pytest.raises(Refused):
        at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
    assert at.count(LEVERAGE) == 0


@pytest.mark.parametrize("code", [-4028, -2028, -4203, -4403])
def test_a_leverage_that_is_not_allowed_is_refused(at: CannedExchange, code: int) -> None:  # S17
    at.answers[LEVERAGE] = always({"code": code, "msg": "Leverage is not valid."}, status=400)
    with pytest.raises(Refused):
        at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())


@pytest.mark.parametrize("route", [LEVERAGE, MARGIN_TYPE])
@pytest.mark.parametrize("body", GARBAGE[:4])
def test_leverage_answered_with_garbage_is_unresolved(at: CannedExchange, route: str, body: str) -> None:  # R7
    at.answers[route] = always(body)
    with pytest.raises(Unresolved):
        at.venue.set_leverage(SOL, CROSS_TEN, at.deadline())
