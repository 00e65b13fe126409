"""Binance USDⓈ-M behind the `Venue` port: unmodified ccxt over HTTP against the local exchange, SOL at 100."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin, perpetuals
from marketmaker.adapters.ccxt_venue.dialects import USDM
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fee, NewOrder, OrderIdentity, Side
from marketmaker.domain.positions import MarginMode, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol
from marketmaker.errors import AccountRefused, Refused, Retryable, Unresolved
from marketmaker.ports import Accepted, CancelResult, Observation, Rejected, RejectionKind, Unknown
from tests.contract.connected import TAG, Connected, VenueClock
from tests.contract.local_venue import LocalVenue, trade_at
from tests.contract.perpetual_venue import HOUR_S, book, served_perpetual
from tests.contract.test_local_usdm import KEY, usdm

D = Decimal
SOL = Symbol("SOL/USDC:USDC")
USDC = Asset("USDC")
BUY, SELL = Side.BUY, Side.SELL


def connected(local: LocalVenue, secret: str = KEY[1]) -> Connected[CcxtVenue]:
    clock = VenueClock(local)
    login = VenueLogin(
        read_key=lambda: VenueKey(api_key=KEY[0], secret=secret),
        request_timeout_ms=2000,
        request_ttl_ms=2000,
        endpoint=local.address,
        venue="binanceusdm",
    )
    found = Connected(local=local, clock=clock, connect=lambda: CcxtVenue(login, clock))
    found.venue.fetch_metadata([SOL], found.deadline())
    return found


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    market = [trade_at(10, SELL, "98.9", "5"), trade_at(20, BUY, "101.1", "5"), book(3500), book(100_000)]
    with served_perpetual(BINANCE_USDM, UsdmListing, KEY, usdm, market) as venue:
        yield venue


@pytest.fixture
def at(local: LocalVenue) -> Connected[CcxtVenue]:
    return connected(local)


def new(side: Side, price: str, size: str = "1", *, level: int = 0, **how: Any) -> NewOrder:
    identity = OrderIdentity(tag=TAG, market_number=1, slot_ms=5000, side=side, level=level)
    order = NewOrder(client_id=identity.encode(), symbol=SOL, side=side, price=D(price), size_base=D(size))
    return replace(order, **how)


def place(at: Connected[CcxtVenue], order: NewOrder) -> Any:
    (outcome,) = at.place(order)
    return outcome


def observe(at: Connected[CcxtVenue]) -> Observation:
    return at.venue.observe([SOL], [SOL], at.deadline())


def position(at: Connected[CcxtVenue]) -> Position:
    found = observe(at).positions[SOL]
    assert isinstance(found, Position), found
    return found


def test_its_rules_come_from_its_own_metadata(at: Connected[CcxtVenue]) -> None:  # S5
    rules = at.venue.instrument(SOL)
    assert (rules.base, rules.quote, rules.tick_size, rules.lot_size) == ("SOL", "USDC", D("0.1"), D("0.01"))
    assert (rules.min_notional_quote, rules.has_post_only, rules.is_trading) == (D(5), True, True)


def test_one_round_shows_book_orders_collateral_position_and_funding(at: Connected[CcxtVenue]) -> None:
    seen = observe(at)
    assert isinstance(seen.books[SOL], Book)
    assert (seen.open_orders, seen.last_prices[SOL]) == ((), D(100)) or isinstance(seen.last_prices[SOL], Decimal)
    assert not isinstance(seen.balances, Unknown)
    assert seen.balances[USDC].total == D(1000)
    flat = seen.positions[SOL]
    assert isinstance(flat, Position)
    assert (flat.size_base, flat.entry_price, flat.mark_price, flat.leverage) == (D(0), None, D(100), D(10))
    assert (flat.margin_mode, flat.is_hedged, flat.liquidation_price) == (MarginMode.CROSS, False, None)
    rate = seen.funding_rates[SOL]
    assert not isinstance(rate, Unknown)
    assert (rate.rate, rate.next_ms > at.clock.now_ms()) == (D("0.0001"), True)


def test_an_order_rests_is_found_by_either_id_and_cancelled(at: Connected[CcxtVenue]) -> None:
    order = new(BUY, "99")
    outcome = place(at, order)
    assert isinstance(outcome, Accepted)
    (listed,) = at.venue.open_orders(at.deadline())
    assert (listed.symbol, listed.client_id, listed.price, listed.is_live) == (SOL, order.client_id, D(99), True)
    for key, by_client_id in ((order.client_id, True), (listed.venue_id, False)):
        found = at.venue.find_order(SOL, key, by_client_id=by_client_id, deadline=at.deadline())
        assert found is not None
        assert found.venue_id == listed.venue_id
    (cancelled,) = at.venue.cancel([listed], at.deadline())
    assert (cancelled.result, cancelled.executed_base) == (CancelResult.CANCELLED, D(0))
    assert at.venue.open_orders(at.deadline()) == ()
    (again,) = at.venue.cancel([listed], at.deadline())
    assert again.result is CancelResult.GONE
    unknown = ClientOrderId("mm-nobody")
    assert at.venue.find_order(SOL, unknown, by_client_id=True, deadline=at.deadline()) is None


def test_an_order_is_cancelled_before_any_metadata_is_known(at: Connected[CcxtVenue]) -> None:  # R34
    place(at, new(BUY, "99"))
    cold = at.another()
    (listed,) = cold.open_orders(at.deadline())
    (outcome,) = cold.cancel([listed], at.deadline())
    assert outcome.result is CancelResult.CANCELLED
    assert cold.open_orders(at.deadline()) == ()


def test_a_post_only_order_that_would_take_is_refused_as_such(at: Connected[CcxtVenue]) -> None:  # R20
    outcome = place(at, new(BUY, "101"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE


def test_an_immediate_order_takes_what_is_there_and_rests_with_nothing(at: Connected[CcxtVenue]) -> None:  # P5
    at.venue.set_leverage(SOL, Perpetual(leverage=D(20)), at.deadline())
    outcome = place(at, new(BUY, "101", "150", post_only=False, immediate=True))
    assert isinstance(outcome, Accepted)
    assert (outcome.order.executed_base, outcome.order.is_live) == (D(100), False)
    assert at.venue.open_orders(at.deadline()) == ()


@pytest.mark.parametrize(("side", "entry"), [(BUY, "101"), (SELL, "99")])
def test_a_fill_is_a_signed_position_at_its_price_and_a_trade_with_its_fee(
    at: Connected[CcxtVenue], side: Side, entry: str
) -> None:
    place(at, new(side, entry, "2", post_only=False, immediate=True))
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
    assert balances[USDC].free + balances[USDC].reserved == balances[USDC].total


def test_an_order_that_only_reduces_neither_opens_nor_turns(at: Connected[CcxtVenue]) -> None:  # R23
    reducing: dict[str, Any] = {"post_only": False, "immediate": True, "reduce_only": True}
    refused = place(at, new(SELL, "99", **reducing))
    assert isinstance(refused, Rejected)
    assert refused.kind is RejectionKind.REFUSED
    place(at, new(BUY, "101", "2", post_only=False, immediate=True))
    place(at, new(SELL, "99", "5", level=1, **reducing))
    assert position(at).size_base == D(0)


def test_leverage_and_margin_are_set_and_seen(at: Connected[CcxtVenue]) -> None:  # S17
    at.venue.set_leverage(SOL, Perpetual(leverage=D(3)), at.deadline())
    assert (position(at).leverage, position(at).margin_mode) == (D(3), MarginMode.CROSS)
    at.venue.set_leverage(SOL, Perpetual(leverage=D(4), margin_mode=MarginMode.ISOLATED), at.deadline())
    assert (position(at).leverage, position(at).margin_mode) == (D(4), MarginMode.ISOLATED)


@pytest.mark.parametrize(("leverage", "said"), [("51", "-4028"), ("1.5", "a whole number is allowed")])
def test_a_leverage_that_cannot_be_is_refused(at: Connected[CcxtVenue], leverage: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        at.venue.set_leverage(SOL, Perpetual(leverage=D(leverage)), at.deadline())


def test_funding_is_read_from_a_moment_on(at: Connected[CcxtVenue]) -> None:  # R33
    place(at, new(BUY, "101", "10", post_only=False, immediate=True))
    at.local.skip(HOUR_S + 1)
    (first,) = at.venue.funding_since(SOL, 0, at.deadline())
    assert first.amount_quote == D("-0.1"), "0.0001 of 10 at 100, paid by the long"
    at.local.skip(HOUR_S)
    (second,) = at.venue.funding_since(SOL, first.time_ms + 1, at.deadline())
    assert second.time_ms > first.time_ms


def test_funding_is_read_to_its_last_page(at: Connected[CcxtVenue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perpetuals, "INCOME_A_PAGE", 1)
    place(at, new(BUY, "101", "10", post_only=False, immediate=True))
    at.local.skip(3 * HOUR_S + 1)
    assert len(at.venue.funding_since(SOL, 0, at.deadline())) == 3


def test_a_wrong_secret_is_refused(local: LocalVenue) -> None:
    at = connected(local, secret="wrong")
    with pytest.raises(AccountRefused):
        at.venue.open_orders(at.deadline())


def test_a_request_that_is_too_old_is_refused_for_its_clock_and_signed_anew(at: Connected[CcxtVenue]) -> None:  # R8
    at.clock.skew_ms = -60_000
    assert at.venue.open_orders(at.deadline()) == ()


def test_klines_are_of_minutes_and_a_day_has_a_volume(at: Connected[CcxtVenue]) -> None:
    at.local.skip(130)
    now_ms = at.clock.now_ms()
    assert at.venue.fetch_klines(SOL, now_ms - 120_000, now_ms, at.deadline(), interval_ms=60_000) != []
    with pytest.raises(Refused, match="no klines of 1000 ms"):
        at.venue.fetch_klines(SOL, now_ms - 120_000, now_ms, at.deadline())
    (volume,) = at.venue.fetch_day_volume([SOL], at.deadline())
    assert volume.volume_quote > 0


def test_it_does_not_tell_what_a_key_may_do(at: Connected[CcxtVenue]) -> None:  # R26
    assert isinstance(at.venue.key_permissions(at.deadline()), Unknown)


# What is malformed is unknown, never flat

ROW = {
    "symbol": "SOLUSDC",
    "positionAmt": "2",
    "entryPrice": "99",
    "markPrice": "100",
    "unRealizedProfit": "2",
    "liquidationPrice": "0",
    "leverage": "10",
    "marginType": "cross",
    "positionSide": "BOTH",
}


class Answering:
    """A client whose every route gives one answer."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Callable[..., object]:
        return lambda *_: self._answer


def told(*rows: object) -> Position | Unknown | None:
    return perpetuals.positions(USDM, [SOL])(Answering(list(rows))).get(SOL)


@pytest.mark.parametrize(
    "change",
    [
        {"positionAmt": None},
        {"positionAmt": ""},
        {"positionAmt": 2},
        {"positionAmt": "NaN"},
        {"markPrice": "0"},
        {"markPrice": None},
        {"unRealizedProfit": None},
        {"leverage": "0"},
        {"marginType": "both"},
        {"marginType": None},
        {"positionSide": None},
        {"entryPrice": "-1"},
        {"liquidationPrice": None},
    ],
)
def test_a_position_that_makes_no_sense_is_unknown(change: dict[str, object]) -> None:  # R7
    assert isinstance(told({**ROW, **change}), Unknown)


def test_a_position_that_comes_twice_is_unknown_and_one_a_side_is_hedged() -> None:  # R7, R23
    assert isinstance(told(ROW, ROW), Unknown)
    hedged = told({**ROW, "positionSide": "LONG"}, {**ROW, "positionSide": "SHORT", "positionAmt": "-1"})
    assert isinstance(hedged, Position)
    assert (hedged.is_hedged, hedged.size_base) == (True, D(1))


def test_a_position_that_is_not_listed_is_left_out() -> None:  # R7
    assert told({**ROW, "symbol": "BTCUSDC"}) is None


@pytest.mark.parametrize("answer", [{}, None, "", [1], [None]])
def test_an_answer_that_is_no_list_of_positions_is_no_answer(answer: object) -> None:  # R7
    with pytest.raises(Unresolved):
        perpetuals.positions(USDM, [SOL])(Answering(answer))


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
    place(at, new(BUY, "101", "2", post_only=False, immediate=True))
    at.local.arm(**fault, route="GET /fapi/v2/positionRisk", count=2)
    found = observe(at).positions.get(SOL)
    assert found is None or isinstance(found, Unknown)


@pytest.mark.parametrize("row", [{"symbol": "BTCUSDC"}, {"incomeType": "COMMISSION"}, {"income": None}, {"time": 0}])
def test_a_payment_that_makes_no_sense_is_no_payment(row: dict[str, object]) -> None:  # R33
    paid = {"symbol": "SOLUSDC", "incomeType": "FUNDING_FEE", "income": "-0.1", "time": 1_700_000_000_000}
    assert len(perpetuals.funding_page(USDM, SOL, 0)(Answering([paid]))) == 1
    with pytest.raises(Unresolved):
        perpetuals.funding_page(USDM, SOL, 0)(Answering([{**paid, **row}]))


def test_an_outage_is_no_flat_position(at: Connected[CcxtVenue]) -> None:  # R7
    at.local.arm(fault="server_error", count=50)
    seen = observe(at)
    assert isinstance(seen.positions[SOL], Unknown)
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())
