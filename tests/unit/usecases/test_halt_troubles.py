"""A halt while the venue limits or hides, and while tables hang: what can be cancelled is (R5, R10, R34)."""

from concurrent.futures import Executor, Future
from typing import Any

from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode, Refreshed
from marketmaker.errors import AccountRefused, RateLimited, Retryable
from marketmaker.ports import HaltRequest, RateLimit
from marketmaker.usecases.halt import HaltReport, halt
from tests.builders import ACCOUNT, foreign_order, order
from tests.fakes.desk import Bench, bench

REQUEST = HaltRequest(account=ACCOUNT, reason="drill", requested_by="operator")


def quoting() -> Bench:
    at = bench()
    at.tick()
    return at


def stop(at: Bench, in_ms: int = 60_000) -> HaltReport:
    return halt(REQUEST, at.desk, at.deadline(in_ms))


def limit(at: Bench, for_ms: int, *, is_ban: bool = False) -> None:
    """Let the venue refuse every list of orders for so long."""
    until_ms = at.clock.now_ms() + for_ms
    at.venue.limit = RateLimit(blocked_until_ms=until_ms, is_ban=is_ban)
    at.venue.faults.fail_always("open_orders", RateLimited("wait", until_ms=until_ms, is_ban=is_ban))


def lift_limit_after(at: Bench, for_ms: int) -> None:
    """Let the lists work again once so much time has passed."""
    until_ms, advance = at.clock.now_ms() + for_ms, at.clock.advance

    def move(by_ms: int) -> None:
        advance(by_ms)
        if at.clock.now_ms() >= until_ms and "open_orders" in at.venue.faults.lasting:
            at.venue.faults.heal("open_orders")

    at.clock.advance = move  # type: ignore[method-assign]


def test_orders_that_cannot_be_listed_are_cancelled_by_what_the_state_knows() -> None:  # R34
    at = quoting()
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    report = stop(at, in_ms=10_000)
    assert at.venue.live() == ()
    assert (report.first_sweep_s, report.orders_cancelled) == (0.0, 2)
    assert report.verified_s is None


def test_blind_cancels_leave_foreign_orders_alone() -> None:  # R4
    at = quoting()
    by_hand = at.venue.add_order(foreign_order())
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    stop(at, in_ms=10_000)
    assert at.venue.live() == (by_hand,)


def test_order_that_was_cancelled_blind_is_not_cancelled_again() -> None:
    at = quoting()
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    stop(at, in_ms=10_000)
    assert len(at.venue.received("cancel")) == 1


def test_order_listed_once_is_cancelled_blind_when_its_cancel_failed_and_lists_fail_too() -> None:
    at = bench()
    at.venue.add_order(order(Side.BUY, "1899.4", level=1))
    at.venue.fail_next_cancels(1)
    at.venue.faults.before("open_orders", lambda: at.venue.faults.fail_always("cancel", Retryable("429")))
    at.venue.faults.before("open_orders", lambda: at.venue.faults.heal("cancel"))
    at.venue.faults.before("cancel", lambda: None)
    at.venue.faults.before("cancel", lambda: at.venue.faults.fail_always("open_orders", Retryable("503")))
    stop(at, in_ms=20_000)
    assert at.venue.live() == ()


def test_lists_that_must_wait_do_not_keep_the_cancels_waiting() -> None:  # R10
    at = quoting()
    limit(at, 30_000)
    lift_limit_after(at, 30_000)
    report = stop(at)
    assert (report.first_sweep_s, report.orders_cancelled) == (0.0, 2)
    assert report.verified_s == 30.0


def test_cancel_refused_for_too_many_requests_is_sent_again_when_the_venue_allows() -> None:  # R10
    at = quoting()
    at.venue.fail_next_cancels(2)
    start_ms = at.clock.now_ms()
    sent_ms: list[int] = []

    def note() -> None:
        sent_ms.append(at.clock.now_ms() - start_ms)
        at.venue.limit = RateLimit(blocked_until_ms=start_ms + 22_000)

    for _ in range(3):
        at.venue.faults.before("cancel", note)
    report = stop(at)
    assert at.venue.live() == ()
    assert sent_ms[0] == 0
    assert 22_000 <= sent_ms[1] <= 24_000
    assert report.verified_s is not None


def test_blind_cancel_refused_for_too_many_requests_waits_too() -> None:  # R10
    at = quoting()
    limit(at, 22_000)
    lift_limit_after(at, 40_000)
    at.venue.fail_next_cancels(2)
    report = stop(at)
    assert len(at.venue.received("cancel")) == 2
    assert at.venue.live() == ()
    assert report.verified_s is not None


def test_halt_respects_the_wait_that_another_invocation_was_told() -> None:  # R10
    at = quoting()
    until_ms = at.clock.now_ms() + 30_000
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="tick", now_ms=at.clock.now_ms(), lease_ms=1_000)
    refreshed = Refreshed(book_marks={}, differing={}, unreachable_ticks=0, blocked_until_ms=until_ms, is_banned=True)
    at.store.release(ACCOUNT, owner="tick", refreshed=refreshed)
    stop(at, in_ms=1_000)
    assert at.venue.rate_limit() == RateLimit(blocked_until_ms=until_ms, is_ban=True)


def test_wait_that_is_over_blocks_nothing() -> None:
    at = quoting()
    stop(at)
    assert at.venue.received("block_until") == []


def test_sweeps_go_on_while_the_flag_cannot_be_set() -> None:  # R5: ticks may quote again
    at = quoting()
    at.store.faults.fail_always("strengthen", Retryable("DynamoDB is down"))
    at.venue.faults.before("open_orders", lambda: None)
    at.venue.faults.before("open_orders", lambda: at.venue.add_order(order(Side.BUY, "1899.4", level=1)))
    report = stop(at, in_ms=20_000)
    assert at.venue.live() == ()
    assert (report.orders_cancelled, report.verified_s) == (3, None)
    assert report.emptied_s is not None
    assert "the halt flag is not set" in at.alerts.sent[0].text


def test_neither_state_nor_list_is_said_as_it_is() -> None:  # R7, R34
    at = quoting()
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    at.store.faults.fail_always("read_account", Retryable("DynamoDB is down"))
    report = stop(at, in_ms=10_000)
    assert (report.first_sweep_s, report.orders_left) == (None, None)
    assert report.problems[:2] == (
        "open orders could not be read: 503",
        "no order could be looked up in the state: DynamoDB is down",
    )


def test_refused_key_still_sets_the_flag() -> None:  # R26
    at = quoting()
    for _ in range(3):
        at.store.faults.fail_once("strengthen", Retryable("DynamoDB is down"))
    at.venue.faults.fail_always("open_orders", AccountRefused("no such key"))
    assert stop(at).flag_set
    assert at.control.mode is Mode.HALTED


class _Slow(Executor):
    """Tables that hang: what is submitted ends only when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = _Unhurried()
        self.waiting.append((future, lambda: fn(*args, **kwargs)))
        return future

    def end(self) -> None:
        for future, work in self.waiting:
            future.set_result(work())
        self.waiting.clear()


class _Unhurried(Future[Any]):
    def result(self, timeout: float | None = None) -> Any:
        return super().result(0 if timeout is not None else None)


def test_tables_that_hang_delay_no_cancel() -> None:  # R34
    slow = _Slow()
    at = bench(alongside=slow)
    at.venue.add_order(order(Side.BUY, "1899.4", level=1))
    at.venue.faults.before("cancel", slow.end)
    report = stop(at)
    assert at.venue.live() == ()
    assert (report.first_sweep_s, report.flag_set) == (0.0, True)
    assert report.verified_s is not None
    assert report.problems == ("the halt flag is not written yet: the tables do not answer",)
