"""A standby takes over: cancel, fence, wait, verify, rebuild, arm; a drill does all but the last and writes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.state import AccountState, Mode
from marketmaker.domain.units import ClientOrderId
from marketmaker.errors import AccountRefused, Fatal, Refused, Retryable
from marketmaker.ports import Severity
from marketmaker.usecases.reports import TickOutcome
from marketmaker.usecases.risk_report import RiskOutcome
from marketmaker.usecases.takeover import Fence, TakeoverReport, TakeoverRequest, take_over
from tests.builders import ACCOUNT, PAXG, SYMBOL, account_settings, foreign_order, order
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import BALANCES

CONFIRMED = Fence(confirmed_key="abc123")
ORDERS = (order(Side.BUY, "1899.4", level=1), order(Side.SELL, "1900.6", level=1))


class Schedules:
    """Notes what is switched on, or fails."""

    def __init__(self) -> None:
        self.enabled: list[str] = []
        self.failures: list[Exception] = []

    def enable(self, account: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.enabled.append(account)


def standby(**changes: Any) -> Bench:
    """Return a standby whose primary has left two orders on the venue."""
    at = bench(replace(account_settings(dedicated=True), is_standby=True, **changes))
    for each in ORDERS:
        at.venue.add_order(each)
    return at


def run(
    at: Bench,
    *,
    fence: Fence = CONFIRMED,
    drill: bool = False,
    in_ms: int = 300_000,
    schedules: Schedules | None = None,
) -> TakeoverReport:
    request = TakeoverRequest(account=ACCOUNT, reason="Tokyo is down", requested_by="ada", fence=fence, is_drill=drill)
    return take_over(request, at.desk, schedules or Schedules(), at.deadline(in_ms), lambda _: None)


def state(at: Bench) -> AccountState:
    return at.store.read_account(ACCOUNT)


def next_tick(at: Bench) -> Any:
    at.slot_ms = at.clock.now_ms() // 1000 * 1000
    return at.tick()


def test_takeover_cancels_waits_rebuilds_and_arms() -> None:  # S13
    at, schedules = standby(), Schedules()
    report = run(at, schedules=schedules)
    assert (report.is_done, report.armed, report.problems) == (True, True, ())
    assert list(report.steps) == ["cancelled", "fenced", "waited", "verified", "rebuilt", "armed"]
    assert report.steps["cancelled"] == 0.0
    assert report.steps["waited"] == 25.0  # lease of 20 s and 5 s that a request may live
    assert (report.orders_cancelled, report.orders_left, report.markets) == (2, 0, (SYMBOL,))
    assert at.venue.live() == ()
    assert schedules.enabled == [ACCOUNT]
    assert state(at).control.armed_ms == at.clock.now_ms()
    assert state(at).markets[SYMBOL].inventory.base == at.venue.totals[PAXG]
    assert next_tick(at).outcome is TickOutcome.DONE
    assert len(at.venue.live()) == 2


def test_takeover_is_told_with_who_why_and_how_sure_the_fence_is() -> None:
    at = standby()
    run(at)
    (told,) = [each for each in at.alerts.sent if each.kind == "takeover"]
    assert told.severity is Severity.CRITICAL
    assert told.text == (
        "main: takeover by ada: Tokyo is down. 2 orders cancelled, none left; it quotes from the next minute on, "
        "25.0 s. Fence: confirmed by ada for the key abc123, not verified"
    )
    assert at.control.mode_reason == "takeover: Tokyo is down (ada)"
    event, fields = at.telemetry.lines[-1]
    assert (event, fields["reason"], fields["by"]) == ("takeover", "Tokyo is down", "ada")


def test_drill_does_all_but_the_arming_and_writes_nothing() -> None:
    at, schedules = standby(), Schedules()
    before = state(at)
    report = run(at, drill=True, schedules=schedules)
    assert (report.is_done, report.armed) == (True, False)
    assert list(report.steps) == ["cancelled", "fenced", "waited", "verified", "rebuilt"]
    assert at.venue.live() == ()
    assert (state(at), schedules.enabled) == (before, [])
    assert [(each.severity, "could be armed" in each.text) for each in at.alerts.sent] == [(Severity.INFO, True)]
    assert run(at).armed


def test_drill_needs_no_fence_and_says_that_it_had_none() -> None:
    report = run(standby(), fence=Fence(), drill=True)
    assert report.is_done
    assert report.problems == ("the fence was left out: nobody confirmed that the primary's key is disabled",)


def test_nothing_is_armed_without_a_fence() -> None:
    at, schedules = standby(), Schedules()
    report = run(at, fence=Fence(), schedules=schedules)
    assert (report.is_done, report.armed, list(report.steps)) == (False, False, ["cancelled"])
    assert report.problems == ("the primary's venue key is not confirmed to be disabled",)
    assert (state(at).control.armed_ms, schedules.enabled) == (0, [])
    assert "NOT DONE, only: cancelled" in at.alerts.sent[-1].text


def test_fence_is_verified_once_the_venue_refuses_the_primarys_key() -> None:
    at, primary = standby(), bench().venue
    primary.faults.before("open_orders", lambda: None)
    primary.faults.fail_once("open_orders", Retryable("503"))
    primary.faults.before("open_orders", lambda: at.venue.add_order(ORDERS[0]))
    primary.faults.fail_once("open_orders", AccountRefused("invalid key"))
    report = run(at, fence=Fence(primary=primary))
    assert report.armed
    assert report.fence == "verified: the venue refuses the primary's key"
    assert report.steps["fenced"] == 6.0
    assert report.orders_cancelled == 3
    assert report.problems == (
        "the venue took the primary's key: disable it there",
        "the venue did not tell whether it takes the primary's key: 503",
    )


def test_key_that_the_venue_takes_to_the_end_is_no_fence() -> None:
    at = standby()
    report = run(at, fence=Fence(primary=bench().venue, confirmed_key="abc123"), in_ms=20_000)
    assert (report.is_done, report.armed, report.fence) == (False, False, "not confirmed")
    assert list(report.steps) == ["cancelled"]


def test_order_that_the_primary_had_signed_is_cancelled_before_the_verification() -> None:  # R5
    at = standby()
    sleep = at.clock.sleep

    def late(seconds: float) -> None:
        if seconds > 20:
            at.venue.add_order(ORDERS[0])
        sleep(seconds)

    at.clock.sleep = late  # type: ignore[method-assign]
    report = run(at)
    assert report.armed
    assert (report.orders_cancelled, at.venue.live()) == (3, ())


def test_venues_own_switch_is_waited_out() -> None:
    at = standby(venue="binanceusdm")
    assert run(at, drill=True).steps["waited"] == 30.0


@pytest.mark.parametrize(("in_ms", "reached"), [(0, []), (20_000, ["cancelled", "fenced"])])
def test_time_that_is_over_ends_it_with_nothing_armed(in_ms: int, reached: list[str]) -> None:
    report = run(standby(), in_ms=in_ms)
    assert (list(report.steps), report.armed) == (reached, False)


def test_foreign_orders_are_left_alone() -> None:  # R4
    at = standby()
    by_hand = at.venue.add_order(foreign_order())
    report = run(at)
    assert (report.armed, report.foreign_orders) == (True, 1)
    assert by_hand in at.venue.live()


def test_orders_with_another_tag_are_named() -> None:
    at = standby()
    at.venue.add_order(replace(ORDERS[0], client_id=ClientOrderId("mmxyz" + (ORDERS[0].client_id or "")[5:])))
    assert run(at).problems == ("orders with the tags xyz rest: a standby needs its primary's tag",)


def test_refused_key_of_the_standby_ends_it() -> None:  # R26
    at = standby()
    at.venue.faults.fail_always("open_orders", AccountRefused("no such key"))
    report = run(at)
    assert (report.steps, report.armed) == ({}, False)
    assert report.problems == ("open orders could not be read: no such key",)


def test_lists_that_fail_at_first_are_tried_again() -> None:
    at = standby()
    at.venue.faults.fail_once("open_orders", Retryable("503"))
    assert run(at).armed


@pytest.mark.parametrize("drill", [True, False])
def test_balances_that_cannot_be_read_are_never_taken_for_none(drill: bool) -> None:  # R7
    at = standby()
    at.venue.faults.fail_always(BALANCES, Retryable("503"))
    report = run(at, drill=drill)
    assert (report.is_done, report.armed) == (False, False)
    assert any("503" in each for each in report.problems)
    assert list(report.steps)[-1] == "verified"


def test_venue_that_fails_while_it_is_rebuilt_ends_it() -> None:
    at = standby()
    at.venue.faults.fail_always("observe", Retryable("503"))
    report = run(at)
    assert report.problems == ("rebuilt: 503",)
    assert not report.armed


def test_unreadable_open_orders_hide_no_stranger() -> None:
    at = standby()
    at.venue.faults.fail_always("observe.open_orders", Retryable("503"))
    assert not run(at).armed


@pytest.mark.parametrize("error", [Retryable("throttled"), Fatal("no such schedule")])
def test_schedules_that_cannot_be_switched_on_leave_it_disarmed_and_it_can_be_tried_again(error: Exception) -> None:
    at, schedules = standby(), Schedules()
    schedules.failures = [error]
    report = run(at, schedules=schedules)
    assert (report.armed, state(at).control.armed_ms) == (False, 0)
    assert report.problems == (f"armed: {error}",)
    assert run(at, schedules=schedules).armed


def test_halt_of_the_standby_is_lifted_by_the_takeover_with_its_reason() -> None:
    at = standby()
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="kept still", now_ms=1)
    assert run(at).armed
    assert (at.control.mode, at.control.mode_reason) == (Mode.QUOTING, "takeover: Tokyo is down (ada)")


def test_account_is_taken_over_once() -> None:
    at = standby()
    run(at)
    with pytest.raises(Refused, match="main has been taken over already"):
        run(at)


def test_account_that_is_no_standbys_is_refused() -> None:
    at = bench()
    with pytest.raises(Refused, match="main is no standby: its deployment file says no `standby_of`"):
        run(at)


def test_ticks_of_a_standby_do_nothing_before_the_takeover() -> None:
    at = standby()
    report = at.tick()
    assert (report.outcome, report.detail) == (TickOutcome.HALTED, "a standby that has not taken over: `mm takeover`")
    assert at.venue.methods() == []
    assert at.control.lease is None
    assert state(at).markets == {}


def test_checks_of_a_standby_leave_its_primarys_orders_alone_before_the_takeover() -> None:  # R4
    at = standby()
    assert at.check().outcome is RiskOutcome.HALTED
    assert len(at.venue.live()) == 2
    run(at)
    assert at.check().outcome is RiskOutcome.DONE


def test_checks_of_a_standby_whose_state_is_unreadable_look_after_orders() -> None:  # R34
    at = standby()
    at.store.faults.fail_always("read_control", Retryable("DynamoDB is down"))
    assert at.check().outcome is not RiskOutcome.HALTED


def test_empty_reads_before_the_wait_prove_nothing() -> None:  # R5
    at, primary = standby(), bench().venue
    for _ in range(3):
        primary.faults.before("open_orders", lambda: None)
    primary.faults.fail_once("open_orders", AccountRefused("invalid key"))
    sleep = at.clock.sleep

    def late(seconds: float) -> None:
        if seconds > 20:
            at.venue.add_order(ORDERS[0])
        sleep(seconds)

    at.clock.sleep = late  # type: ignore[method-assign]
    assert run(at, fence=Fence(primary=primary)).armed
    assert at.venue.live() == ()
