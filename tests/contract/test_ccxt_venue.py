"""The venue adapter over real ccxt and HTTP against the local exchange."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest
import requests
from requests.adapters import HTTPAdapter

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.ccxt_venue.binance.parsing import parse_fill
from marketmaker.adapters.ccxt_venue.client import LocalRoute
from marketmaker.adapters.ccxt_venue.logins import LoginClients
from marketmaker.adapters.ccxt_venue.parsing import money
from marketmaker.adapters.clock import SystemClock
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.klines import Kline
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import Asset, Symbol, VenueOrderId
from marketmaker.errors import AccountRefused, ConfigError, Refused, Retryable, Unresolved
from marketmaker.ports import (
    Accepted,
    CancelResult,
    OutcomeUnknown,
    Rejected,
    RejectionKind,
    Unknown,
)
from tests.contract.canned import TRADE
from tests.contract.connected import PAXG, Connected, ccxt_connected, login
from tests.contract.local_venue import LOGIN, trade_at

D = Decimal
ORDER = "POST /api/v3/order"


@pytest.fixture
def here() -> Iterator[Connected[CcxtVenue]]:
    events = [trade_at(10, Side.SELL, "1898.5", "0.04"), trade_at(20, Side.SELL, "1898.5", "5")]
    with ccxt_connected(events) as connected:
        yield connected


def test_a_lost_reply_is_unknown_and_the_order_is_found_by_its_client_id(here: Connected[CcxtVenue]) -> None:  # R1
    here.local.arm(fault="lost_reply", route=ORDER)
    order = here.new(Side.BUY, "1898.5")
    (outcome,) = here.place(order)
    assert isinstance(outcome, OutcomeUnknown)
    assert abs(outcome.signed_ms - here.clock.now_ms()) < 2000
    found = here.venue.find_order(PAXG, order.client_id, by_client_id=True, deadline=here.deadline())
    assert found is not None
    assert found.is_live
    assert here.local.state()["requests"][ORDER] == 1


def test_a_create_is_never_sent_again(here: Connected[CcxtVenue]) -> None:  # R1
    for status in (500, 502, 503, 504):
        here.local.arm(fault="server_error", route=ORDER, status=status)
    outcomes = [here.place(here.new(Side.BUY, "1898.5", attempt=n))[0] for n in range(4)]
    assert all(isinstance(each, OutcomeUnknown) for each in outcomes)
    assert here.local.state()["requests"][ORDER] == 4


def test_too_many_requests_is_certainly_not_executed(here: Connected[CcxtVenue]) -> None:
    here.local.arm(fault="too_many_requests", route=ORDER, retry_after_s=1)
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE


def test_a_read_over_a_broken_connection_is_sent_once_more(here: Connected[CcxtVenue]) -> None:
    here.local.arm(fault="lost_reply", route="GET /api/v3/openOrders", count=1)
    assert here.venue.open_orders(here.deadline()) == ()
    here.local.arm(fault="lost_reply", route="GET /api/v3/openOrders", count=2)
    with pytest.raises(Retryable):
        here.venue.open_orders(here.deadline())


def test_a_failed_part_of_an_observation_is_unknown_not_empty(here: Connected[CcxtVenue]) -> None:  # R7
    for route in ("GET /api/v3/openOrders", "GET /api/v3/account", "GET /api/v3/depth"):
        here.local.arm(fault="server_error", route=route, count=2)
    seen = here.venue.observe([PAXG], [], here.deadline())
    assert isinstance(seen.open_orders, Unknown)
    assert isinstance(seen.balances, Unknown)
    assert isinstance(seen.books[PAXG], Unknown)


@pytest.mark.parametrize("skew_ms", [10_000, -10_000])
def test_a_read_with_a_wrong_clock_is_signed_again(here: Connected[CcxtVenue], skew_ms: int) -> None:  # R8
    here.clock.skew_ms = skew_ms
    assert here.venue.open_orders(here.deadline()) == ()
    assert here.local.state()["requests"]["GET /api/v3/openOrders"] == 2
    assert here.venue.open_orders(here.deadline()) == ()
    assert here.local.state()["requests"]["GET /api/v3/openOrders"] == 3


@pytest.mark.parametrize("skew_ms", [10_000, -10_000])
def test_a_create_with_a_wrong_clock_is_signed_again_and_rests_once(
    here: Connected[CcxtVenue], skew_ms: int
) -> None:  # R8
    here.clock.skew_ms = skew_ms
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Accepted)
    assert here.local.state()["requests"][ORDER] == 2
    assert list(here.venue.open_orders(here.deadline())) == [outcome.order]


@pytest.mark.parametrize("skew_ms", [10_000, -10_000])
def test_a_cancel_with_a_wrong_clock_is_signed_again(here: Connected[CcxtVenue], skew_ms: int) -> None:  # R8
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.clock.skew_ms = skew_ms
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.CANCELLED


@pytest.mark.parametrize("offset_s", [10, -10])
def test_a_venue_whose_clock_is_off_is_measured_too(here: Connected[CcxtVenue], offset_s: int) -> None:  # R8
    here.local.arm(fault="clock_skew", offset_s=offset_s)
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Accepted)
    assert len(here.venue.open_orders(here.deadline())) == 1


@pytest.mark.parametrize("offset_s", [10, -10])
def test_a_clock_that_cannot_be_put_right_stops_with_that_reason(
    here: Connected[CcxtVenue], offset_s: int
) -> None:  # R8
    for route in (ORDER, "GET /api/v3/openOrders", "DELETE /api/v3/order"):
        here.local.arm(fault="clock_skew", offset_s=offset_s, route=route)
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE
    assert "Timestamp for this request" in outcome.reason
    assert here.local.state()["requests"][ORDER] == 2
    with pytest.raises(Retryable, match="Timestamp for this request"):
        here.venue.open_orders(here.deadline())
    gone = here.new(Side.BUY, "1898.5").resting(VenueOrderId("7"), here.clock.now_ms())
    (cancelled,) = here.venue.cancel([gone], here.deadline())
    assert cancelled.result is CancelResult.FAILED
    assert "Timestamp for this request" in cancelled.reason


def test_a_clock_that_cannot_be_measured_leaves_the_create_undone(here: Connected[CcxtVenue]) -> None:  # R8
    here.clock.skew_ms = 10_000
    here.local.arm(fault="server_error", route="GET /api/v3/time", count=2)
    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE
    assert here.local.state()["requests"][ORDER] == 1


def test_a_cancel_without_an_answer_has_failed(here: Connected[CcxtVenue]) -> None:
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.arm(fault="lost_reply", route="DELETE /api/v3/order")
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.FAILED


def test_a_slow_answer_is_cut_at_the_deadline_and_unknown(here: Connected[CcxtVenue]) -> None:
    here.venue.open_orders(here.deadline())  # a client's first call builds it, which takes its time
    here.local.arm(fault="latency", delay_s=5, route=ORDER, count=1)
    (outcome,) = here.venue.place([here.new(Side.BUY, "1898.5")], here.deadline(ms=1_500))
    assert isinstance(outcome, OutcomeUnknown)


def test_a_bad_key_is_fatal_for_the_account(here: Connected[CcxtVenue]) -> None:  # R26
    wrong = CcxtVenue(
        replace(login(here.local), read_key=lambda: VenueKey(api_key="wrong", secret="wrong")), here.clock
    )
    with pytest.raises(AccountRefused, match="AuthenticationError"):
        wrong.open_orders(here.deadline())
    wrong.load(here.venue.fetch_metadata([PAXG], here.deadline()))
    (outcome,) = wrong.place([here.new(Side.BUY, "1898.5")], here.deadline())
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.FATAL


def test_no_error_text_holds_a_secret_or_a_signature(here: Connected[CcxtVenue]) -> None:  # R27
    here.local.arm(fault="latency", delay_s=1, route="GET /api/v3/openOrders", count=2)
    with pytest.raises(Retryable) as caught:
        here.venue.open_orders(here.deadline(ms=150))
    assert "signature" not in str(caught.value)
    assert LOGIN.api_secret not in repr(login(here.local))


def test_requests_are_rerouted_to_this_machine_only() -> None:
    with pytest.raises(ConfigError, match=r"http://192\.0\.2\.1:80 is not allowed"):
        LocalRoute("http://192.0.2.1:80")


GARBAGE = ["<html>maintenance</html>", "", "null", '{"bids": [', "{}", "[]", '"ok"', "[1]"]


@pytest.mark.parametrize("body", GARBAGE)
def test_an_answer_that_is_no_answer_is_unknown_never_empty(here: Connected[CcxtVenue], body: str) -> None:  # R7
    for route in ("GET /api/v3/account", "GET /api/v3/depth", "GET /api/v3/ticker/price"):
        here.local.arm(fault="malformed_reply", route=route, body=body, count=2)
    seen = here.venue.observe([PAXG], [PAXG], here.deadline())
    assert isinstance(seen.balances, Unknown)
    assert isinstance(seen.books[PAXG], Unknown)
    assert isinstance(seen.last_prices[PAXG], Unknown)


@pytest.mark.parametrize("body", [each for each in GARBAGE if each != "[]"])
def test_open_orders_and_trades_that_cannot_be_read_are_not_none(here: Connected[CcxtVenue], body: str) -> None:  # R7
    for route in ("GET /api/v3/openOrders", "GET /api/v3/myTrades"):
        here.local.arm(fault="malformed_reply", route=route, body=body, count=2)
    with pytest.raises(Retryable):
        here.venue.open_orders(here.deadline())
    with pytest.raises(Retryable):
        here.venue.fills_since(PAXG, 0, here.deadline())


@pytest.mark.parametrize("body", GARBAGE)
def test_a_create_answered_with_garbage_is_unknown_and_the_order_is_there(
    here: Connected[CcxtVenue], body: str
) -> None:  # R1
    here.local.arm(fault="malformed_reply", route=ORDER, body=body)
    order = here.new(Side.BUY, "1898.5")
    (outcome,) = here.place(order)
    assert isinstance(outcome, OutcomeUnknown)
    assert here.venue.find_order(PAXG, order.client_id, by_client_id=True, deadline=here.deadline()) is not None


@pytest.mark.parametrize("body", GARBAGE)
def test_a_cancel_answered_with_garbage_has_failed(here: Connected[CcxtVenue], body: str) -> None:
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.arm(fault="malformed_reply", route="DELETE /api/v3/order", body=body)
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.FAILED


def klines_of(here: Connected[CcxtVenue], seconds: int = 60) -> list[Kline]:
    now_ms = here.clock.now_ms()
    return list(here.venue.fetch_klines(PAXG, now_ms - 1000 * seconds, now_ms, here.deadline()))


def test_klines_are_exact_seconds_of_the_range_asked_for(here: Connected[CcxtVenue]) -> None:
    here.local.skip(25)
    found = klines_of(here)
    assert {each.interval_ms for each in found} == {1000}
    assert all(after.open_ms == before.end_ms for before, after in pairwise(found))
    traded = [(each.close, each.volume_base) for each in found if each.volume_base]
    assert traded == [(D("1898.5"), D("0.04")), (D("1898.5"), D(5))]
    first, last = found[0], found[-1]
    inside = here.venue.fetch_klines(PAXG, first.end_ms, last.open_ms, here.deadline())
    assert list(inside) == found[1:-1]
    assert here.venue.fetch_klines(PAXG, first.open_ms, first.open_ms, here.deadline()) == []


def test_klines_of_a_minute_are_listed_too(here: Connected[CcxtVenue]) -> None:  # M4
    here.local.skip(200)
    to_ms = here.clock.now_ms() // 60_000 * 60_000
    found = here.venue.fetch_klines(PAXG, to_ms - 180_000, to_ms, here.deadline(), interval_ms=60_000)
    seconds = here.venue.fetch_klines(PAXG, to_ms - 60_000, to_ms, here.deadline())
    assert {each.interval_ms for each in found} == {60_000}
    assert found[-1].end_ms == to_ms
    assert (found[-1].close, found[-1].volume_base) == (seconds[-1].close, sum(each.volume_base for each in seconds))


def test_klines_are_read_to_the_last_page(here: Connected[CcxtVenue]) -> None:  # R15
    here.local.skip(2_100)
    found = klines_of(here, 2_100)
    assert 2_000 < len(found) < 2_100
    assert all(after.open_ms == before.end_ms for before, after in pairwise(found))
    assert here.local.state()["requests"]["GET /api/v3/klines"] == 3


def test_a_market_without_trades_has_no_klines(here: Connected[CcxtVenue]) -> None:
    assert klines_of(here) == []


OPEN_MS = 1_700_000_000_000
KLINE = [OPEN_MS, "1900", "1901.5", "1899", "1900.5", "0.25", OPEN_MS + 999, "475", 3, "0", "0", "0"]


@pytest.mark.parametrize(
    "body",
    [
        *(each for each in GARBAGE if each != "[]"),
        *(json.dumps([changed]) for changed in ([], KLINE[:6], {"open": "1900"}, "1900")),
        *(
            json.dumps([[*KLINE[:index], value, *KLINE[index + 1 :]]])
            for index, value in (
                (0, None),
                (0, True),
                (0, "1700000000000.5"),
                (0, 1_700_000_001_000),
                (1, 1900.0),
                (1, "0"),
                (2, "1898"),
                (4, "NaN"),
                (5, None),
                (5, ""),
                (5, "-1"),
                (6, 1_700_000_059_999),
            )
        ),
        json.dumps([KLINE, KLINE]),
        json.dumps([[OPEN_MS + 60_000, *KLINE[1:6], OPEN_MS + 60_999, *KLINE[7:]]]),
    ],
)
def test_klines_that_cannot_be_read_are_a_failure_never_zero(here: Connected[CcxtVenue], body: str) -> None:  # R7
    here.local.arm(fault="malformed_reply", route="GET /api/v3/klines", body=body, count=2)
    with pytest.raises(Retryable):
        here.venue.fetch_klines(PAXG, OPEN_MS, OPEN_MS + 60_000, here.deadline())


def test_a_kline_that_can_be_read_is_not_a_failure(here: Connected[CcxtVenue]) -> None:
    body = json.dumps([KLINE])
    here.local.arm(fault="malformed_reply", route="GET /api/v3/klines", body=body)
    found = here.venue.fetch_klines(PAXG, OPEN_MS, OPEN_MS + 60_000, here.deadline())
    assert [(each.open_ms, each.high, each.volume_base) for each in found] == [(OPEN_MS, D("1901.5"), D("0.25"))]


def test_the_days_volume_is_exact_and_timed_by_the_venue(here: Connected[CcxtVenue]) -> None:  # S10
    (volume,) = here.venue.fetch_day_volume([PAXG], here.deadline())
    assert volume.symbol == PAXG
    assert 1_999 < volume.volume_base <= 2_000
    assert 3_799_000 < volume.volume_quote <= 3_800_000
    assert abs(volume.time_ms - here.clock.now_ms()) < 2_000
    here.local.arm(fault="malformed_reply", route="GET /api/v3/ticker/24hr", body=json.dumps([DAY]))
    (volume,) = here.venue.fetch_day_volume([PAXG], here.deadline())
    assert (volume.volume_base, volume.volume_quote) == (D("10.5"), D(19_000))
    assert volume.time_ms == DAY["closeTime"]


def test_the_days_volume_of_a_symbol_that_is_not_listed_is_refused(here: Connected[CcxtVenue]) -> None:  # R30
    with pytest.raises(Refused, match="Invalid symbol"):
        here.venue.fetch_day_volume([PAXG, Symbol("NO/THING")], here.deadline())
    with pytest.raises(Refused, match="Invalid symbol"):
        here.venue.fetch_klines(Symbol("NO/THING"), 0, 1000, here.deadline())


DAY = {"symbol": "PAXGUSDT", "volume": "10.5", "quoteVolume": "19000", "closeTime": 1_700_000_000_000}


@pytest.mark.parametrize(
    "body",
    [
        *GARBAGE,
        json.dumps(DAY),
        json.dumps([{**DAY, "symbol": "BTCUSDT"}]),
        *(json.dumps([{name: value for name, value in DAY.items() if name != left_out}]) for left_out in DAY),
        *(json.dumps([{**DAY, "quoteVolume": odd}]) for odd in (19000.5, "NaN", "-1", None)),
    ],
)
def test_a_days_volume_that_cannot_be_read_is_a_failure_never_zero(here: Connected[CcxtVenue], body: str) -> None:  # R7
    here.local.arm(fault="malformed_reply", route="GET /api/v3/ticker/24hr", body=body, count=2)
    with pytest.raises(Retryable):
        here.venue.fetch_day_volume([PAXG], here.deadline())


def test_a_days_volume_that_is_missing_is_named(here: Connected[CcxtVenue]) -> None:  # R7
    body = json.dumps([{**DAY, "symbol": "BTCUSDT"}])
    here.local.arm(fault="malformed_reply", route="GET /api/v3/ticker/24hr", body=body)
    with pytest.raises(Retryable, match="came without PAXG/USDT"):
        here.venue.fetch_day_volume([PAXG], here.deadline())


def test_what_is_public_is_read_without_a_key_and_nothing_else_is(here: Connected[CcxtVenue]) -> None:
    public = CcxtVenue(replace(login(here.local), read_key=None), here.clock)
    here.local.skip(25)
    assert abs(public.time_ms(here.deadline()) - here.clock.now_ms()) < 2_000
    assert len(public.fetch_metadata([PAXG], here.deadline())) == 1
    assert public.fetch_klines(PAXG, here.clock.now_ms() - 10_000, here.clock.now_ms(), here.deadline()) != []
    assert public.fetch_day_volume([PAXG], here.deadline())[0].symbol == PAXG
    with pytest.raises(AccountRefused):
        public.open_orders(here.deadline())
    public.close()


def test_another_venue_of_the_same_dialect_is_read_without_a_key(here: Connected[CcxtVenue]) -> None:  # M5
    abroad = CcxtVenue(replace(login(here.local), read_key=None, venue="binanceus"), here.clock)
    (described,) = abroad.fetch_metadata([PAXG], here.deadline())
    book = abroad.read_books([PAXG], here.deadline())[PAXG]
    assert isinstance(book, Book)
    assert (book.best_bid, book.best_ask) == (D(1899), D(1901))
    assert described.symbol == PAXG
    assert abroad.instrument(PAXG) == here.venue.instrument(PAXG)
    abroad.close()


@pytest.mark.parametrize(("venue", "host"), [("binance", "api.binance.com"), ("binanceus", "api.binance.us")])
def test_every_venue_is_asked_at_its_own_address(venue: str, host: str) -> None:
    asked: list[str] = []

    class Noting(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            asked.append(str(urlsplit(request.url or "").hostname))
            raise requests.ConnectionError

    reads_only = VenueLogin(read_key=None, request_timeout_ms=2000, request_ttl_ms=2000, venue=venue)
    client = LoginClients(reads_only, SystemClock()).mine({})
    client.session.mount("https://", Noting())
    with pytest.raises(ccxt.NetworkError):
        client.publicGetDepth({"symbol": "PAXGUSDT"})
    assert asked == [host]


def test_a_venue_that_is_not_ours_to_use_is_refused(here: Connected[CcxtVenue]) -> None:
    with pytest.raises(ConfigError, match="venue: mtgox is not allowed: one of binance, binanceus"):
        replace(login(here.local), venue="mtgox")


def test_loaded_metadata_is_known_since_its_loading(here: Connected[CcxtVenue]) -> None:  # R28
    loaded_ms = here.clock.now_ms()
    metadata = here.venue.fetch_metadata([PAXG], here.deadline())
    assert here.venue.knows([PAXG], loaded_ms)
    here.local.skip(60)
    later_ms = here.clock.now_ms()
    assert here.venue.knows([PAXG])
    assert not here.venue.knows([PAXG], later_ms)
    assert not here.venue.knows([PAXG, Symbol("BTC/USDT")])
    changed = json.loads(metadata[0].payload) | {"precision": {"price": "0.05", "amount": "0.0001"}}
    here.venue.load([replace(metadata[0], payload=json.dumps(changed))])
    assert here.venue.knows([PAXG], later_ms)
    assert here.venue.instrument(PAXG).tick_size == D("0.05")


def off_grid(here: Connected[CcxtVenue]) -> None:
    """Let the venue refuse an order by a grid that is new."""
    (outcome,) = here.place(here.new(Side.BUY, "1898.51"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.OFF_GRID
    assert "PRICE_FILTER" in outcome.reason


def has_book(here: Connected[CcxtVenue]) -> bool:
    return isinstance(here.venue.read_books([PAXG], here.deadline())[PAXG], Book)


def test_a_refused_grid_puts_its_market_in_doubt_until_the_rules_are_read_anew(
    here: Connected[CcxtVenue],
) -> None:  # R18
    stored = here.venue.fetch_metadata([PAXG], here.deadline())
    here.local.arm(fault="changed_tick_size", tick_size="0.05")
    here.local.skip(1)
    assert not here.venue.doubts([PAXG])
    off_grid(here)
    assert here.venue.doubts([PAXG])
    assert not here.venue.doubts([])
    assert not has_book(here)
    here.venue.load(stored)
    assert here.venue.doubts([PAXG])
    here.venue.fetch_metadata([PAXG], here.deadline())
    assert not here.venue.doubts([PAXG])
    assert here.venue.instrument(PAXG).tick_size == D("0.05")
    assert has_book(here)
    here.venue.load(stored)
    assert here.venue.instrument(PAXG).tick_size == D("0.05")


def test_newer_stored_rules_resolve_a_doubt_too(here: Connected[CcxtVenue]) -> None:  # R18
    here.local.arm(fault="changed_tick_size", tick_size="0.05")
    off_grid(here)
    here.local.skip(1)
    here.venue.load(here.another().fetch_metadata([PAXG], here.deadline()))
    assert not here.venue.doubts([PAXG])
    assert here.venue.instrument(PAXG).tick_size == D("0.05")


def test_a_market_whose_rules_explain_no_refusal_rests(here: Connected[CcxtVenue]) -> None:  # R18
    here.local.arm(fault="changed_tick_size", tick_size="0.05", route=ORDER)
    off_grid(here)
    metadata = here.venue.fetch_metadata([PAXG], here.deadline())
    assert not here.venue.doubts([PAXG])
    assert not has_book(here)
    here.local.skip(599)
    here.venue.load(metadata)
    assert not has_book(here)
    here.local.skip(1)
    assert has_book(here)


def test_an_order_in_a_closed_market_puts_it_in_doubt(here: Connected[CcxtVenue]) -> None:  # R30
    for stage in ("halted", "removed"):
        here.local.arm(fault="delisted_symbol", stage=stage)
        (outcome,) = here.place(here.new(Side.BUY, "1898.5"))
        assert isinstance(outcome, Rejected)
        assert outcome.kind is RejectionKind.MARKET_CLOSED
        assert here.venue.doubts([PAXG])
        here.venue.fetch_metadata([PAXG], here.deadline())
        assert not here.venue.instrument(PAXG).is_trading
        here.clear_faults()
        here.venue.fetch_metadata([PAXG], here.deadline())


def test_a_plain_order_takes_and_its_fill_says_so(here: Connected[CcxtVenue]) -> None:  # R20
    (outcome,) = here.place(replace(here.new(Side.BUY, "1901"), post_only=False))
    assert isinstance(outcome, Accepted)
    assert not outcome.order.is_live
    (fill,) = here.venue.fills_since(PAXG, 0, here.deadline())
    assert not fill.is_maker


def test_metadata_that_is_older_than_what_is_known_is_not_used(here: Connected[CcxtVenue]) -> None:  # R18
    metadata = here.venue.fetch_metadata([PAXG], here.deadline())[0]
    changed = json.dumps(json.loads(metadata.payload) | {"precision": {"price": "0.05", "amount": "0.0001"}})
    here.venue.load([replace(metadata, payload=changed, fetched_ms=metadata.fetched_ms - 1)])
    assert here.venue.instrument(PAXG).tick_size == D("0.01")


@pytest.mark.parametrize("payload", ["", "{}", "[]", '{"symbol": "PAXG/USDT"}'])
def test_stored_metadata_that_cannot_be_read_is_not_used(here: Connected[CcxtVenue], payload: str) -> None:  # R7
    cold = here.another()
    cold.load([VenueMetadata(symbol=PAXG, fetched_ms=here.clock.now_ms(), payload=payload)])
    assert not cold.knows([PAXG])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "", "1,5", None, 1.5])
def test_only_finite_text_is_money(number: object) -> None:
    with pytest.raises(Unresolved, match="a price is"):
        money(number, "a price")
    assert str(money("1900.50000000", "a price")) == "1900.5"


def test_a_trade_without_a_fee_has_an_unknown_one() -> None:  # R16
    told = {**TRADE, "commission": "-0.1", "commissionAsset": "BNB"}
    assert parse_fill(told, lambda _: PAXG).fee == Fee(amount=D("-0.1"), asset=Asset("BNB"))
    for name in ("commission", "commissionAsset"):
        assert parse_fill({key: value for key, value in told.items() if key != name}, lambda _: PAXG).fee is None
