"""The venue adapter over real ccxt and HTTP against the local exchange."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.ccxt_venue.client import LocalRoute
from marketmaker.adapters.ccxt_venue.parsing import money, parse_fill
from marketmaker.adapters.secrets import VenueKey
from marketmaker.domain.orders import DeploymentTag, Fee, NewOrder, OrderIdentity, Side
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import AccountRefused, ConfigError, Retryable, Unresolved
from marketmaker.ports import (
    Accepted,
    CancelResult,
    Deadline,
    OutcomeUnknown,
    Rejected,
    RejectionKind,
    Unknown,
)
from tests.contract.local_venue import LOGIN, SYMBOL, LocalVenue, served, trade_at

D = Decimal
PAXG = Symbol(SYMBOL)
TAG = DeploymentTag(text="tst")
ORDER = "POST /api/v3/order"


@dataclass
class VenueClock:
    """The exchange's stepped clock as ours, off by `skew_ms`."""

    local: LocalVenue
    skew_ms: int = 0

    def now_ms(self) -> int:
        return self.local.clock() // 1000 + self.skew_ms

    def sleep(self, seconds: float) -> None:
        self.local.skip(seconds)


@dataclass
class Connected:
    """A venue under test with its exchange."""

    local: LocalVenue
    clock: VenueClock
    venue: CcxtVenue

    def deadline(self, ms: int = 8000) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + ms, clock=self.clock)

    def new(self, side: Side, price: str, *, size: str = "0.1", level: int = 0, attempt: int = 0) -> NewOrder:
        identity = OrderIdentity(tag=TAG, market_number=1, slot_ms=5000, side=side, level=level, attempt=attempt)
        return NewOrder(client_id=identity.encode(), symbol=PAXG, side=side, price=D(price), size_base=D(size))

    def place(self, *orders: NewOrder) -> list[object]:
        return list(self.venue.place(orders, self.deadline()))


def login(local: LocalVenue) -> VenueLogin:
    return VenueLogin(
        read_key=lambda: VenueKey(api_key=LOGIN.api_key, secret=LOGIN.api_secret),
        request_timeout_ms=2000,
        request_ttl_ms=2000,
        workers=4,
        endpoint=local.address,
    )


@pytest.fixture
def here() -> Iterator[Connected]:
    events = [trade_at(10, Side.SELL, "1898.5", "0.04"), trade_at(20, Side.SELL, "1898.5", "5")]
    with served(events) as local:
        clock = VenueClock(local)
        venue = CcxtVenue(login(local), clock)
        connected = Connected(local, clock, venue)
        venue.fetch_metadata([PAXG], connected.deadline())
        yield connected
        venue.close()


def test_metadata_is_small_and_loads_without_asking_the_venue(here: Connected) -> None:
    metadata = here.venue.fetch_metadata([PAXG], here.deadline())
    assert len(metadata[0].payload) < 4096
    asked = here.local.state()["requests"]["GET /api/v3/exchangeInfo"]
    cold = CcxtVenue(login(here.local), here.clock)
    assert not cold.knows([PAXG])
    cold.load(metadata)
    assert cold.knows([PAXG])
    assert cold.instrument(PAXG) == here.venue.instrument(PAXG)
    assert cold.instrument(PAXG).tick_size == D("0.01")
    assert here.local.state()["requests"]["GET /api/v3/exchangeInfo"] == asked


def test_a_symbol_the_venue_does_not_list_is_fatal(here: Connected) -> None:
    with pytest.raises(AccountRefused, match="does not list one of NO/THING"):
        here.venue.fetch_metadata([Symbol("NO/THING")], here.deadline())


def test_an_observation_is_exact_and_complete(here: Connected) -> None:
    here.place(here.new(Side.BUY, "1898.5"))
    seen = here.venue.observe([PAXG], [PAXG], here.deadline())
    book = seen.books[PAXG]
    assert isinstance(book, Book)
    assert [(level.price, level.size_base) for level in book.bids] == [
        (D("1899"), D(2)),
        (D("1898.5"), D("0.1")),
        (D("1898"), D(3)),
    ]
    assert not isinstance(seen.open_orders, Unknown)
    assert [order.client_id for order in seen.open_orders] == [here.new(Side.BUY, "1").client_id]
    assert not isinstance(seen.balances, Unknown)
    assert {str(asset): balance.total for asset, balance in seen.balances.items()} == {"PAXG": D(20), "USDT": D(65000)}
    assert isinstance(seen.last_prices[PAXG], Decimal)


def test_orders_rest_post_only_with_our_client_ids(here: Connected) -> None:
    bid, ask = here.place(here.new(Side.BUY, "1898.5"), here.new(Side.SELL, "1901.5"))
    assert isinstance(bid, Accepted)
    assert isinstance(ask, Accepted)
    assert {order.side for order in here.venue.open_orders(here.deadline())} == {Side.BUY, Side.SELL}
    assert bid.order.executed_base == 0
    assert str(bid.order.price) == "1898.5"


def test_an_order_that_would_take_is_an_expected_rejection(here: Connected) -> None:
    (outcome,) = here.place(here.new(Side.BUY, "1901.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE
    assert here.venue.open_orders(here.deadline()) == ()


def test_a_refused_order_names_the_venues_reason(here: Connected) -> None:
    outcomes = here.place(here.new(Side.BUY, "1898.5", size="1000"), here.new(Side.SELL, "1901.5", size="0.001"))
    assert [isinstance(each, Rejected) and each.kind for each in outcomes] == [RejectionKind.REFUSED] * 2
    reasons = [each.reason for each in outcomes if isinstance(each, Rejected)]
    assert "insufficient balance" in reasons[0]
    assert "NOTIONAL" in reasons[1]


def test_a_lost_reply_is_unknown_and_the_order_is_found_by_its_client_id(here: Connected) -> None:  # R1
    here.local.arm(fault="lost_reply", route=ORDER)
    order = here.new(Side.BUY, "1898.5")
    (outcome,) = here.place(order)
    assert isinstance(outcome, OutcomeUnknown)
    assert abs(outcome.signed_ms - here.clock.now_ms()) < 2000
    found = here.venue.find_order(PAXG, order.client_id, by_client_id=True, deadline=here.deadline())
    assert found is not None
    assert found.is_live
    assert here.local.state()["requests"][ORDER] == 1


def test_a_create_is_never_sent_again(here: Connected) -> None:  # R1
    for status in (500, 502, 503, 504):
        here.local.arm(fault="server_error", route=ORDER, status=status)
    outcomes = [here.place(here.new(Side.BUY, "1898.5", attempt=n))[0] for n in range(4)]
    assert all(isinstance(each, OutcomeUnknown) for each in outcomes)
    assert here.local.state()["requests"][ORDER] == 4


def test_too_many_requests_is_certainly_not_executed(here: Connected) -> None:
    here.local.arm(fault="too_many_requests", route=ORDER, retry_after_s=1)
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE


def test_a_read_over_a_broken_connection_is_sent_once_more(here: Connected) -> None:
    here.local.arm(fault="lost_reply", route="GET /api/v3/openOrders", count=1)
    assert here.venue.open_orders(here.deadline()) == ()
    here.local.arm(fault="lost_reply", route="GET /api/v3/openOrders", count=2)
    with pytest.raises(Retryable):
        here.venue.open_orders(here.deadline())


def test_a_failed_part_of_an_observation_is_unknown_not_empty(here: Connected) -> None:  # R7
    for route in ("GET /api/v3/openOrders", "GET /api/v3/account", "GET /api/v3/depth"):
        here.local.arm(fault="server_error", route=route, count=2)
    seen = here.venue.observe([PAXG], [], here.deadline())
    assert isinstance(seen.open_orders, Unknown)
    assert isinstance(seen.balances, Unknown)
    assert isinstance(seen.books[PAXG], Unknown)


@pytest.mark.parametrize("skew_ms", [10_000, -10_000])
def test_a_wrong_clock_is_measured_and_the_request_signed_again(here: Connected, skew_ms: int) -> None:  # R8
    here.clock.skew_ms = skew_ms
    assert here.venue.open_orders(here.deadline()) == ()
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Accepted)


def test_a_cancelled_order_says_what_it_executed(here: Connected) -> None:  # R13
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.skip(11)
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.CANCELLED
    assert outcome.executed_base == D("0.04")
    (again,) = here.venue.cancel([placed.order], here.deadline())
    assert again.result is CancelResult.GONE


def test_a_cancel_without_an_answer_has_failed(here: Connected) -> None:
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.arm(fault="lost_reply", route="DELETE /api/v3/order")
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.FAILED


def test_fills_carry_price_size_and_signed_fee(here: Connected) -> None:
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    assert here.venue.newest_trade_id(PAXG, here.deadline()) is None
    here.local.skip(25)
    fills = here.venue.fills_since(PAXG, 0, here.deadline())
    assert [fill.size_base for fill in fills] == [D("0.04"), D("0.06")]
    assert fills[0].fee is not None
    assert fills[0].fee.amount > 0
    assert all(fill.is_maker and fill.venue_order_id == placed.order.venue_id for fill in fills)
    newest = here.venue.newest_trade_id(PAXG, here.deadline())
    assert newest == int(fills[-1].trade_id)
    assert here.venue.fills_since(PAXG, newest, here.deadline()) == [fills[-1]]
    assert here.venue.client_id_of(PAXG, placed.order.venue_id, here.deadline()) == placed.order.client_id


def test_no_request_starts_without_time_left(here: Connected) -> None:
    (outcome,) = here.venue.place([here.new(Side.BUY, "1898.5")], here.deadline(ms=10))
    assert isinstance(outcome, Rejected)
    assert "no time left" in outcome.reason
    assert ORDER not in here.local.state()["requests"]


def test_a_slow_answer_is_cut_at_the_deadline_and_unknown(here: Connected) -> None:
    here.local.arm(fault="latency", delay_s=1, route=ORDER, count=1)
    (outcome,) = here.venue.place([here.new(Side.BUY, "1898.5")], here.deadline(ms=200))
    assert isinstance(outcome, OutcomeUnknown)


def test_a_bad_key_is_fatal_for_the_account(here: Connected) -> None:  # R26
    wrong = CcxtVenue(
        replace(login(here.local), read_key=lambda: VenueKey(api_key="wrong", secret="wrong")), here.clock
    )
    with pytest.raises(AccountRefused, match="AuthenticationError"):
        wrong.open_orders(here.deadline())
    wrong.load(here.venue.fetch_metadata([PAXG], here.deadline()))
    (outcome,) = wrong.place([here.new(Side.BUY, "1898.5")], here.deadline())
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.FATAL


def test_no_error_text_holds_a_secret_or_a_signature(here: Connected) -> None:  # R27
    here.local.arm(fault="latency", delay_s=1, route="GET /api/v3/openOrders", count=2)
    with pytest.raises(Retryable) as caught:
        here.venue.open_orders(here.deadline(ms=150))
    assert "signature" not in str(caught.value)
    assert LOGIN.api_secret not in repr(login(here.local))


def test_requests_are_rerouted_to_this_machine_only() -> None:
    with pytest.raises(ConfigError, match=r"http://192\.0\.2\.1:80 is not allowed"):
        LocalRoute("http://192.0.2.1:80")


def test_open_orders_are_cancelled_without_any_metadata(here: Connected) -> None:  # R34
    here.place(here.new(Side.BUY, "1898.5"), here.new(Side.SELL, "1901.5"))
    cold = CcxtVenue(login(here.local), here.clock)
    outcomes = cold.cancel(cold.open_orders(here.deadline()), here.deadline())
    assert [each.result for each in outcomes] == [CancelResult.CANCELLED] * 2
    assert cold.open_orders(here.deadline()) == ()


GARBAGE = ["<html>maintenance</html>", "", "null", '{"bids": [', "{}", "[]", '"ok"', "[1]"]


@pytest.mark.parametrize("body", GARBAGE)
def test_an_answer_that_is_no_answer_is_unknown_never_empty(here: Connected, body: str) -> None:  # R7
    for route in ("GET /api/v3/account", "GET /api/v3/depth", "GET /api/v3/ticker/price"):
        here.local.arm(fault="malformed_reply", route=route, body=body, count=2)
    seen = here.venue.observe([PAXG], [PAXG], here.deadline())
    assert isinstance(seen.balances, Unknown)
    assert isinstance(seen.books[PAXG], Unknown)
    assert isinstance(seen.last_prices[PAXG], Unknown)


@pytest.mark.parametrize("body", [each for each in GARBAGE if each != "[]"])
def test_open_orders_and_trades_that_cannot_be_read_are_not_none(here: Connected, body: str) -> None:  # R7
    for route in ("GET /api/v3/openOrders", "GET /api/v3/myTrades"):
        here.local.arm(fault="malformed_reply", route=route, body=body, count=2)
    with pytest.raises(Retryable):
        here.venue.open_orders(here.deadline())
    with pytest.raises(Retryable):
        here.venue.fills_since(PAXG, 0, here.deadline())


@pytest.mark.parametrize("body", GARBAGE)
def test_a_create_answered_with_garbage_is_unknown_and_the_order_is_there(here: Connected, body: str) -> None:  # R1
    here.local.arm(fault="malformed_reply", route=ORDER, body=body)
    order = here.new(Side.BUY, "1898.5")
    (outcome,) = here.place(order)
    assert isinstance(outcome, OutcomeUnknown)
    assert here.venue.find_order(PAXG, order.client_id, by_client_id=True, deadline=here.deadline()) is not None


@pytest.mark.parametrize("body", GARBAGE)
def test_a_cancel_answered_with_garbage_has_failed(here: Connected, body: str) -> None:
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.arm(fault="malformed_reply", route="DELETE /api/v3/order", body=body)
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.FAILED


@pytest.mark.parametrize("number", ["NaN", "Infinity", "", "1,5", None, 1.5])
def test_only_finite_text_is_money(number: object) -> None:
    with pytest.raises(Unresolved, match="a price is"):
        money(number, "a price")
    assert str(money("1900.50000000", "a price")) == "1900.5"


def test_a_trade_without_a_fee_has_an_unknown_one(here: Connected) -> None:  # R16
    trade = {"id": "7", "order": "9", "symbol": SYMBOL, "side": "buy", "price": "1", "amount": "2", "timestamp": 3}
    assert parse_fill(trade).fee is None
    fill = parse_fill({**trade, "fee": {"cost": "-0.1", "currency": "BNB"}})
    assert fill.fee == Fee(amount=D("-0.1"), asset=Asset("BNB"))
