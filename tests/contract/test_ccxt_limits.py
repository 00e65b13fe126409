"""What the adapter sends while the venue's request limit is used up, and what it learns of it (R10)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.adapters.ccxt_venue.rate_budget import Answer, RateBudget
from marketmaker.domain.orders import NewOrder, Side
from marketmaker.domain.units import ClientOrderId, VenueOrderId
from marketmaker.errors import RateLimited, Retryable
from marketmaker.ports import CancelResult, Observation, RateLimit, Rejected, RejectionKind, Unknown
from tests.builders import SLOT_MS, SYMBOL
from tests.contract.canned import (
    BOOK,
    CANCEL,
    CREATE,
    OPEN_ORDERS,
    ORDER,
    TIME,
    TRADES,
    TRUE_ANSWERS,
    CannedExchange,
    Reply,
    always,
    canned,
)
from tests.fakes.clock import ManualClock

MINUTE_END_MS = 1_700_000_040_000
NEW = NewOrder(
    client_id=ClientOrderId(ORDER["clientOrderId"]),
    symbol=SYMBOL,
    side=Side.BUY,
    price=Decimal("1898.5"),
    size_base=Decimal("0.1"),
)
OLD = NEW.resting(VenueOrderId(str(ORDER["orderId"])), SLOT_MS)
REFUSAL = {"code": -1003, "msg": "Too many requests."}


@pytest.fixture
def at() -> Iterator[CannedExchange]:
    with canned() as exchange:
        exchange.venue.fetch_metadata([SYMBOL], exchange.deadline())
        exchange.received.clear()
        yield exchange


def read(at: CannedExchange) -> object:
    return at.venue.fills_since(SYMBOL, 0, at.deadline())


def place(at: CannedExchange) -> object:
    (outcome,) = at.venue.place([NEW], at.deadline())
    return outcome


def cancel(at: CannedExchange) -> CancelResult:
    (outcome,) = at.venue.cancel([OLD], at.deadline())
    return outcome.result


def refuse(at: CannedExchange, route: str, status: int, **headers: str) -> None:
    at.answers[route] = always(REFUSAL, status=status, **headers)


def used(at: CannedExchange, weight: int | str, route: str = BOOK, *, status: int = 200) -> None:
    """Let the venue tell a used weight once."""
    body = TRUE_ANSWERS[route] if status == 200 else {"code": -1121, "msg": "Invalid symbol."}
    at.answers[route] = always(body, status=status, X_MBX_USED_WEIGHT_1M=str(weight))
    at.venue.read_books([SYMBOL], at.deadline())
    at.answers[route] = always(TRUE_ANSWERS[route])
    at.received.clear()


def limited(at: CannedExchange) -> RateLimited:
    """Return why nothing is read, without anything having been sent."""
    before = len(at.received)
    with pytest.raises(RateLimited) as caught:
        read(at)
    assert len(at.received) == before
    return caught.value


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [({"Retry_After": "7"}, 7), ({}, 60), ({"Retry_After": "soon"}, 60), ({"Retry_After": "0"}, 0)],
)
def test_a_refusal_blocks_reads_and_creates_as_long_as_it_says(
    at: CannedExchange, headers: dict[str, str], wait_s: int
) -> None:
    refuse(at, TRADES, 429, **headers)
    with pytest.raises(RateLimited, match="Too many requests") as caught:
        read(at)
    assert (caught.value.until_ms, caught.value.is_ban) == (SLOT_MS + 1000 * wait_s, False)
    assert at.count(TRADES) == 1
    at.answers[TRADES] = always([])
    if wait_s:
        at.clock.advance(1000 * wait_s - 1)
        assert at.venue.rate_limit() == RateLimit(blocked_until_ms=SLOT_MS + 1000 * wait_s)
        assert limited(at).until_ms == SLOT_MS + 1000 * wait_s
        outcome = place(at)
        assert isinstance(outcome, Rejected)
        assert outcome.kind is RejectionKind.RETRYABLE
        assert at.count(CREATE) == 0
        assert cancel(at) is CancelResult.CANCELLED
        at.clock.advance(1)
    assert at.venue.rate_limit() == RateLimit()
    assert read(at) == []


@pytest.mark.parametrize(("headers", "wait_s"), [({"Retry_After": "300"}, 300), ({}, 120)])
def test_a_ban_stops_cancels_too(at: CannedExchange, headers: dict[str, str], wait_s: int) -> None:
    refuse(at, TRADES, 418, **headers)
    with pytest.raises(RateLimited) as caught:
        read(at)
    assert (caught.value.until_ms, caught.value.is_ban) == (SLOT_MS + 1000 * wait_s, True)
    assert at.venue.rate_limit() == RateLimit(blocked_until_ms=SLOT_MS + 1000 * wait_s, is_ban=True)
    assert limited(at).is_ban
    assert cancel(at) is CancelResult.FAILED
    assert at.count(CANCEL) == 0
    at.clock.advance(1000 * wait_s)
    assert cancel(at) is CancelResult.CANCELLED


@pytest.mark.parametrize("status", [429, 418])
def test_a_refused_create_certainly_did_not_happen_and_blocks(at: CannedExchange, status: int) -> None:
    refuse(at, CREATE, status, Retry_After="30")
    outcome = place(at)
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE
    assert at.venue.rate_limit() == RateLimit(blocked_until_ms=SLOT_MS + 30_000, is_ban=status == 418)
    assert at.count(CREATE) == 1


def test_a_refused_cancel_is_still_sent_again_by_the_next_tick(at: CannedExchange) -> None:
    refuse(at, CANCEL, 429)
    assert [cancel(at), cancel(at)] == [CancelResult.FAILED] * 2
    assert at.count(CANCEL) == 2


def test_a_cancel_may_measure_the_clock_while_reads_are_blocked(at: CannedExchange) -> None:  # R8
    at.venue.block_until(SLOT_MS + 60_000)
    at.answers[CANCEL] = lambda params: (
        Reply(status=400, body='{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}')
        if at.count(CANCEL) == 1
        else always(TRUE_ANSWERS[CANCEL])(params)
    )
    assert cancel(at) is CancelResult.CANCELLED
    assert at.count(TIME) == 1


def test_the_rest_of_a_minutes_weight_is_for_cancels(at: CannedExchange) -> None:
    used(at, 5_100)
    assert at.venue.rate_limit().used_share == 0.85
    read(at)
    used(at, 5_101)
    assert limited(at).until_ms == MINUTE_END_MS
    assert "85% of this minute's weight is used" in str(limited(at))
    assert at.venue.rate_limit().blocked_until_ms == 0
    outcome = place(at)
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE
    assert at.count(CREATE) == 0
    assert cancel(at) is CancelResult.CANCELLED
    at.clock.set(MINUTE_END_MS - 1)
    limited(at)
    at.clock.set(MINUTE_END_MS)
    assert at.venue.rate_limit() == RateLimit()
    read(at)


def test_a_sweep_may_list_the_orders_that_it_cancels(at: CannedExchange) -> None:  # R34
    used(at, 5_940)
    limited(at)
    assert len(at.venue.open_orders(at.deadline())) == 2
    used_up = always(TRUE_ANSWERS[OPEN_ORDERS], X_MBX_USED_WEIGHT_1M="5941")
    at.answers[OPEN_ORDERS] = used_up
    at.venue.open_orders(at.deadline())
    with pytest.raises(RateLimited, match="99% of this minute's weight"):
        at.venue.open_orders(at.deadline())
    assert cancel(at) is CancelResult.CANCELLED


def test_a_sweep_waits_as_long_as_the_venue_asks_for(at: CannedExchange) -> None:
    at.venue.block_until(SLOT_MS + 60_000)
    with pytest.raises(RateLimited):
        at.venue.open_orders(at.deadline())
    assert at.received == []


def test_what_is_limited_is_unknown_in_an_observation(at: CannedExchange) -> None:  # R7
    used(at, 6_000)
    seen: Observation = at.venue.observe([SYMBOL], [SYMBOL], at.deadline())
    for part in (seen.open_orders, seen.balances, seen.books[SYMBOL], seen.last_prices[SYMBOL]):
        assert isinstance(part, Unknown)
        assert "100% of this minute's weight" in part.reason
    assert at.received == []


def test_an_answer_that_came_late_does_not_lower_what_is_used(at: CannedExchange) -> None:
    used(at, 3_000)
    used(at, 2_000)
    assert at.venue.rate_limit().used_share == 0.5
    at.clock.set(MINUTE_END_MS)
    used(at, 600)
    assert at.venue.rate_limit().used_share == 0.1


def test_a_refusal_tells_the_used_weight_too(at: CannedExchange) -> None:
    used(at, 4_500, status=400)
    assert at.venue.rate_limit().used_share == 0.75


@pytest.mark.parametrize("weight", ["", "many", "-1", "5e3"])
def test_an_odd_weight_tells_nothing(at: CannedExchange, weight: str) -> None:
    used(at, weight)
    assert at.venue.rate_limit() == RateLimit()


def test_an_answer_from_before_the_minute_tells_nothing_of_it(at: CannedExchange) -> None:
    at.clock.set(MINUTE_END_MS - 1)

    def cross_into_the_next_minute(_params: dict[str, str]) -> Reply:
        at.clock.set(MINUTE_END_MS)
        return always(TRUE_ANSWERS[BOOK], X_MBX_USED_WEIGHT_1M="5900")({})

    at.answers[BOOK] = cross_into_the_next_minute
    at.venue.read_books([SYMBOL], at.deadline())
    assert at.venue.rate_limit() == RateLimit()


def test_a_shorter_block_shortens_none(at: CannedExchange) -> None:
    at.venue.block_until(SLOT_MS + 60_000)
    at.venue.block_until(SLOT_MS + 30_000, is_ban=True)
    at.venue.block_until(SLOT_MS + 10_000)
    assert at.venue.rate_limit() == RateLimit(blocked_until_ms=SLOT_MS + 60_000, is_ban=True)
    at.clock.advance(30_000)
    assert at.venue.rate_limit() == RateLimit(blocked_until_ms=SLOT_MS + 60_000)
    assert cancel(at) is CancelResult.CANCELLED


@pytest.mark.parametrize(("venue", "share"), [("binance", 0.1), ("binanceus", 0.5)])
def test_each_venue_has_its_own_limit(at: CannedExchange, venue: str, share: float) -> None:
    other = at.connect(venue)
    at.answers[BOOK] = always(TRUE_ANSWERS[BOOK], X_MBX_USED_WEIGHT_1M="600")
    other.read_books([SYMBOL], at.deadline())
    assert other.rate_limit().used_share == share
    other.close()


def test_a_limit_is_left_to_the_next_tick() -> None:
    assert issubclass(RateLimited, Retryable)


def test_threads_share_one_budget() -> None:
    clock = ManualClock(SLOT_MS)
    budget = RateBudget(clock, 6_000, "X-MBX-USED-WEIGHT-1M")

    def tell(weight: int) -> None:
        budget.note(Answer(status=200, headers={"X-MBX-USED-WEIGHT-1M": str(weight)}), clock.now_ms())
        budget.block_until(SLOT_MS + weight, is_ban=bool(weight % 2))

    with ThreadPoolExecutor(8) as threads:
        done: list[Callable[[], Any]] = [threads.submit(tell, weight).result for weight in range(1, 3_001)]
        assert [each() for each in done] == [None] * 3_000
    assert budget.rate_limit() == RateLimit(blocked_until_ms=SLOT_MS + 3_000, is_ban=True, used_share=0.5)
