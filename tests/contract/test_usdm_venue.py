"""Binance USDⓈ-M behind the `Venue` port: unmodified ccxt over HTTP against the local exchange, SOL at 100."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.ccxt_venue.binance import perpetuals
from marketmaker.adapters.ccxt_venue.binance.apis import USDM_API
from marketmaker.adapters.ccxt_venue.client import new_client, shared_transport
from marketmaker.adapters.ccxt_venue.public_trades import TradesRead
from marketmaker.adapters.clock import SystemClock
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fee, NewOrder, OrderIdentity, Side
from marketmaker.domain.positions import MarginMode, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol
from marketmaker.errors import AccountRefused, Refused, Retryable, Unresolved
from marketmaker.ports import Accepted, CancelResult, Deadline, Observation, Rejected, RejectionKind, Unknown
from tests.contract.connected import TAG, Connected, VenueClock
from tests.contract.local_venue import LocalVenue, trade_at
from tests.contract.perpetual_venue import HOUR_S, book, served_perpetual
from tests.contract.test_local_exchange_process import exchange
from tests.contract.test_local_usdm import KEY, usdm

D = Decimal
SOL = Symbol("SOL/USDC:USDC")
USDC = Asset("USDC")
BUY, SELL = Side.BUY, Side.SELL


def connected(local: LocalVenue, secret: str = KEY[1], *, is_sandbox: bool = False) -> Connected[CcxtVenue]:
    clock = VenueClock(local)
    login = VenueLogin(
        read_key=lambda: VenueKey(api_key=KEY[0], secret=secret),
        request_timeout_ms=2000,
        request_ttl_ms=2000,
        endpoint=local.address,
        venue="binanceusdm",
        is_sandbox=is_sandbox,
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


def test_metadata_is_small_and_loads_without_asking_the_venue(at: Connected[CcxtVenue]) -> None:
    (metadata,) = at.venue.fetch_metadata([SOL], at.deadline())
    assert len(metadata.payload) < 4096
    asked = at.local.state()["requests"]["GET /fapi/v1/exchangeInfo"]
    cold = at.another()
    cold.load([metadata])
    assert cold.knows([SOL])
    assert cold.instrument(SOL) == at.venue.instrument(SOL)
    assert at.local.state()["requests"]["GET /fapi/v1/exchangeInfo"] == asked


def test_a_market_that_is_not_listed_is_closed_beside_its_neighbour(at: Connected[CcxtVenue]) -> None:  # R30
    nothing, cold = Symbol("NO/THING:THING"), at.another()
    with pytest.raises(AccountRefused, match="lists none of NO/THING:THING"):
        cold.fetch_metadata([nothing], at.deadline())
    (metadata,) = cold.fetch_metadata([nothing, SOL], at.deadline())
    assert (metadata.symbol, cold.instrument(nothing).is_trading) == (SOL, False)
    seen = cold.observe([nothing, SOL], [], at.deadline())
    assert isinstance(seen.books[nothing], Unknown)
    assert isinstance(seen.books[SOL], Book)
    assert nothing not in seen.positions
    assert isinstance(seen.positions[SOL], Position)


def test_a_halted_market_shows_its_position_and_no_book(at: Connected[CcxtVenue]) -> None:  # R22, R30
    place(at, new(BUY, "101", "2", post_only=False, immediate=True))
    at.local.arm(fault="delisted_symbol", stage="halted")
    at.venue.fetch_metadata([SOL], at.deadline())
    assert not at.venue.instrument(SOL).is_trading
    seen = observe(at)
    assert isinstance(seen.books[SOL], Unknown)
    assert position(at).size_base == D(2)


def test_a_block_stops_reads_and_creates_and_lets_cancels_through(at: Connected[CcxtVenue]) -> None:  # R10
    (placed,) = at.place(new(BUY, "99"))
    assert isinstance(placed, Accepted)
    at.venue.block_until(at.clock.now_ms() + 60_000)
    assert isinstance(observe(at).positions[SOL], Unknown)
    refused = place(at, new(BUY, "98", level=1))
    assert isinstance(refused, Rejected)
    assert refused.kind is RejectionKind.RETRYABLE
    (outcome,) = at.venue.cancel([placed.order], at.deadline())
    assert outcome.result is CancelResult.CANCELLED


def test_trades_name_the_order_and_the_order_its_client_id(at: Connected[CcxtVenue]) -> None:
    order = new(BUY, "101", post_only=False, immediate=True)
    place(at, order)
    (fill,) = at.venue.fills_since(SOL, 0, at.deadline())
    assert at.venue.client_id_of(SOL, fill.venue_order_id, at.deadline()) == order.client_id
    assert list(at.venue.fills_since(SOL, int(fill.trade_id) + 1, at.deadline())) == []


def test_one_round_shows_book_orders_collateral_position_and_funding(at: Connected[CcxtVenue]) -> None:
    seen = observe(at)
    assert isinstance(seen.books[SOL], Book)
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


def test_an_order_off_the_grid_or_too_small_puts_the_rules_in_doubt(at: Connected[CcxtVenue]) -> None:  # R18
    for order in (new(BUY, "98.95"), new(BUY, "99", "1.001"), new(BUY, "99", "0.01")):
        outcome = place(at, order)
        assert isinstance(outcome, Rejected)
        assert outcome.kind is RejectionKind.OFF_GRID
        assert at.venue.doubts([SOL])
        at.venue.fetch_metadata([SOL], at.deadline())


def test_an_order_beyond_the_margin_is_refused_and_rests_nowhere(at: Connected[CcxtVenue]) -> None:  # P4
    outcome = place(at, new(BUY, "99", "200"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.REFUSED
    assert "-2019" in outcome.reason
    assert at.venue.open_orders(at.deadline()) == ()


def test_a_login_in_hedge_mode_has_its_orders_refused(at: Connected[CcxtVenue]) -> None:  # R23
    at.local.client.set_position_mode(True, SOL)
    outcome = place(at, new(BUY, "99"))
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, "-4061" in outcome.reason) == (RejectionKind.REFUSED, True)


def test_a_login_in_hedge_mode_is_told_by_its_position_before_any_order(at: Connected[CcxtVenue]) -> None:  # R23
    assert not position(at).is_hedged
    at.local.client.set_position_mode(True, SOL)
    assert (position(at).is_hedged, position(at).size_base) == (True, D(0))


def test_public_trades_are_those_of_the_perpetual(at: Connected[CcxtVenue]) -> None:
    at.local.skip(25)
    read = at.venue.public_trades({SOL: 0}, at.deadline())[SOL]
    assert isinstance(read, TradesRead)
    assert [(each.taker_side, each.price) for each in read.trades] == [(SELL, D("98.9")), (BUY, D("101.1"))]


def test_the_used_weight_is_a_share_of_what_perpetuals_may_use(at: Connected[CcxtVenue]) -> None:  # R10
    at.local.skip(60 - at.clock.now_ms() % 60_000 // 1_000)
    at.venue.time_ms(at.deadline())
    before = at.venue.rate_limit().used_share
    at.venue.open_orders(at.deadline())
    assert round((at.venue.rate_limit().used_share - before) * 2_400) == 40


def test_the_demo_speaks_as_the_venue_does(local: LocalVenue) -> None:  # R20
    demo = connected(local, is_sandbox=True)
    assert demo.venue.open_orders(demo.deadline()) == ()
    outcome = place(demo, new(BUY, "101"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE
    client = new_client(
        None,
        transport=shared_transport(None, 1),
        request_ttl_ms=2_000,
        now_ms=demo.clock.now_ms,
        is_sandbox=True,
        venue="binanceusdm",
    )
    hosts = {urlsplit(url).hostname for name, url in client.urls["api"].items() if name.startswith("fapi")}
    assert hosts == {"demo-fapi.binance.com"}


def test_it_trades_with_an_exchange_that_is_a_process_of_its_own() -> None:  # S17, P5
    market = Symbol("PAXG/USDT:USDT")
    with exchange("--dialect", "binance_usdm", "--symbol", market, "--leverage", "5") as (_, address):
        login = VenueLogin(
            read_key=lambda: VenueKey(api_key="local-key", secret="local-secret"),
            request_timeout_ms=2_000,
            request_ttl_ms=2_000,
            endpoint=address,
            venue="binanceusdm",
        )
        clock = SystemClock()
        venue = CcxtVenue(login, clock)

        def deadline() -> Deadline:
            return Deadline(at_ms=clock.now_ms() + 8_000, clock=clock)

        def held() -> Position:
            found = venue.observe([market], [], deadline()).positions[market]
            assert isinstance(found, Position), found
            return found

        try:
            venue.fetch_metadata([market], deadline())
            assert (held().size_base, held().leverage) == (D(0), D(5))
            venue.set_leverage(market, Perpetual(leverage=D(3)), deadline())
            assert held().leverage == D(3)
            book_now = venue.read_books([market], deadline())[market]
            assert isinstance(book_now, Book)
            tick = venue.instrument(market).tick_size
            above, below = (str(book_now.asks[0].price * share // tick * tick) for share in (D("1.01"), D("0.99")))
            taking: dict[str, Any] = {"symbol": market, "post_only": False, "immediate": True}
            (taken,) = venue.place([new(BUY, above, **taking)], deadline())
            assert isinstance(taken, Accepted)
            assert held().size_base == taken.order.executed_base > 0
            venue.place([new(SELL, below, level=1, reduce_only=True, **taking)], deadline())
            assert held().size_base == 0
            assert len(venue.fills_since(market, 0, deadline())) >= 2
        finally:
            venue.close()


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
    return perpetuals.positions(USDM_API, [SOL])(Answering(list(rows))).get(SOL)


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
        perpetuals.positions(USDM_API, [SOL])(Answering(answer))


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
    paid = {
        "symbol": "SOLUSDC",
        "incomeType": "FUNDING_FEE",
        "income": "-0.1",
        "asset": "USDC",
        "time": 1_700_000_000_000,
    }
    assert len(perpetuals.funding_page(USDM_API, SOL, 0)(Answering([paid])).payments) == 1
    with pytest.raises(Unresolved):
        perpetuals.funding_page(USDM_API, SOL, 0)(Answering([{**paid, **row}]))


def test_an_outage_is_no_flat_position(at: Connected[CcxtVenue]) -> None:  # R7
    at.local.arm(fault="server_error", count=50)
    seen = observe(at)
    assert isinstance(seen.positions[SOL], Unknown)
    with pytest.raises(Retryable):
        at.venue.open_orders(at.deadline())
