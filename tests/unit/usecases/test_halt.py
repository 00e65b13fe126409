"""A halt: flag, sweep, wait until nothing can still arrive, sweep, two empty reads; it says what it could not do."""

from dataclasses import replace

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Retryable
from marketmaker.ports import HaltRequest, Severity
from marketmaker.usecases.halt import HaltReport, halt
from marketmaker.usecases.metadata import METADATA_RELOAD_MS
from marketmaker.usecases.operate import ResumeRequest, resume
from marketmaker.usecases.reports import TickOutcome
from tests.builders import ACCOUNT, PAXG, SYMBOL, foreign_order, order
from tests.fakes.desk import Bench, bench

REQUEST = HaltRequest(account=ACCOUNT, reason="drill", requested_by="operator")


def quoting() -> Bench:
    at = bench()
    at.tick()
    return at


def stop(at: Bench, in_ms: int = 60_000) -> HaltReport:
    return halt(REQUEST, at.desk, at.deadline(in_ms))


def appear(at: Bench) -> None:
    at.venue.add_order(order(Side.BUY, "1899.4", level=1))


def test_halt_cancels_everything_and_verifies_it() -> None:  # S11
    at = quoting()
    report = stop(at)
    assert at.venue.live() == ()
    assert report == HaltReport(
        account=ACCOUNT,
        flag_set=True,
        first_sweep_s=0.0,
        emptied_s=5.0,
        verified_s=5.0,
        orders_cancelled=2,
        orders_left=0,
        foreign_orders=0,
        ledger_settled=True,
        problems=(),
    )
    assert at.control.mode is Mode.HALTED
    assert at.control.mode_reason == "drill (operator)"
    assert [(each.kind, each.severity) for each in at.alerts.sent] == [("halt", Severity.CRITICAL)]
    assert "2 orders cancelled, none left after 5.0 s" in at.alerts.sent[0].text
    event, fields = at.telemetry.lines[-1]
    assert (event, fields["reason"], fields["orders_cancelled"]) == ("halt", "drill", 2)


def test_flag_is_set_before_the_first_cancel() -> None:  # R5
    at = quoting()
    modes: list[Mode] = []
    at.venue.faults.before("cancel", lambda: modes.append(at.control.mode))
    stop(at)
    assert modes == [Mode.HALTED]


def test_halt_waits_for_the_lease_of_a_running_tick() -> None:  # R5
    at = quoting()
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="tick", now_ms=at.clock.now_ms(), lease_ms=20_000)
    assert stop(at).verified_s == 20.0


def test_order_that_arrives_after_the_first_sweep_is_caught() -> None:  # R5
    at = quoting()
    at.store.faults.before("read_control", lambda: appear(at))
    report = stop(at)
    assert report.orders_cancelled == 3
    assert report.verified_s is not None
    assert at.venue.live() == ()


def test_order_that_arrives_between_the_two_empty_reads_starts_them_again() -> None:  # R5
    at = quoting()
    for _ in range(2):
        at.venue.faults.before("open_orders", lambda: None)
    at.venue.faults.before("open_orders", lambda: appear(at))
    report = stop(at)
    assert report.orders_cancelled == 3
    assert len(at.venue.received("open_orders")) == 5
    assert at.venue.live() == ()


def test_cancel_that_fails_is_tried_again_until_it_works() -> None:
    at = quoting()
    at.venue.fail_next_cancels(3)
    report = stop(at)
    assert at.venue.live() == ()
    assert report.verified_s is not None
    assert len(report.problems) == 2
    assert "could not be cancelled: cancel failed by the test" in report.problems[0]


def test_order_that_filled_meanwhile_is_not_counted_as_cancelled() -> None:
    at = quoting()
    bid = at.venue.only(Side.BUY)
    at.venue.faults.before("cancel", lambda: at.venue.fill(bid))
    assert stop(at).orders_cancelled == 1


def test_store_that_is_down_delays_no_cancel_and_the_flag_is_retried() -> None:  # R34
    at = quoting()
    for _ in range(3):
        at.store.faults.fail_once("strengthen", Retryable("DynamoDB is down"))
    at.venue.faults.before("cancel", lambda: at.store.faults.fail_once("read_account", Retryable("still down")))
    report = stop(at)
    assert at.venue.received("cancel") != []
    assert report.flag_set
    assert report.verified_s == 5.4
    assert not report.ledger_settled
    assert report.problems == (
        "the halt flag could not be written: DynamoDB is down",
        "the ledger is not settled: still down",
    )


def test_halt_is_not_verified_while_the_flag_is_not_set() -> None:  # R5: the next tick would quote again
    at = quoting()
    at.store.faults.fail_always("strengthen", Fatal("no such table"))
    report = stop(at)
    assert at.venue.live() == ()
    assert not report.flag_set
    assert report.verified_s is None
    assert "NOT VERIFIED" in at.alerts.sent[0].text
    assert "the halt flag could not be written: no such table" in at.alerts.sent[0].text


def test_lease_that_cannot_be_read_is_waited_for_in_full() -> None:  # R5
    at = quoting()
    at.store.faults.fail_always("read_control", Retryable("DynamoDB is down"))
    assert stop(at).verified_s == 20.0


def test_unreadable_open_orders_are_never_taken_for_none() -> None:  # R7
    at = quoting()
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    report = stop(at, in_ms=10_000)
    assert (report.emptied_s, report.verified_s) == (None, None)
    assert report.orders_left is None
    assert report.problems == ("open orders could not be read: 503",)
    assert "own orders left: unknown. Cancel by hand" in at.alerts.sent[0].text


def test_read_that_fails_between_the_two_empty_ones_starts_them_again() -> None:  # R7
    at = quoting()
    for _ in range(2):
        at.venue.faults.before("open_orders", lambda: None)
    at.venue.faults.fail_once("open_orders", Retryable("503"))
    assert stop(at).verified_s == 5.2
    assert len(at.venue.received("open_orders")) == 5


def test_account_that_the_venue_refuses_is_reported_and_not_verified() -> None:  # R26
    at = quoting()
    at.venue.faults.fail_always("cancel", AccountRefused("invalid API key"))
    report = stop(at, in_ms=10_000)
    assert report.verified_s is None
    assert report.orders_left == 2
    assert report.problems == ("orders could not be cancelled: invalid API key",)
    assert "own orders left: 2" in at.alerts.sent[0].text


def test_open_orders_that_may_not_be_read_end_the_halt_at_once_with_the_flag_set() -> None:  # R26, R34
    at = quoting()
    at.venue.faults.fail_always("open_orders", AccountRefused("no such secret"))
    report = stop(at, in_ms=60_000)
    assert at.control.mode is Mode.HALTED
    assert report.verified_s is None
    assert report.orders_left is None
    assert report.problems == ("open orders could not be read: no such secret",)
    assert len(at.venue.received("open_orders")) == 1


def test_deadline_before_the_verification_is_said() -> None:
    at = quoting()
    report = stop(at, in_ms=3_000)
    assert at.venue.live() == ()
    assert report.first_sweep_s == 0.0
    assert report.verified_s is None


def test_no_time_at_all_is_said_and_the_flag_is_set() -> None:
    at = quoting()
    report = stop(at, in_ms=0)
    assert report.flag_set
    assert report.first_sweep_s is None
    assert len(at.venue.live()) == 2


def test_foreign_orders_survive_a_halt() -> None:  # R4
    at = quoting()
    by_hand = at.venue.add_order(foreign_order())
    report = stop(at)
    assert at.venue.live() == (by_hand,)
    assert report.foreign_orders == 1


def test_halt_works_on_an_account_that_never_ticked() -> None:  # R34
    at = bench()
    appear(at)
    report = stop(at)
    assert at.venue.live() == ()
    assert report.verified_s is not None
    assert report.ledger_settled
    assert at.store.ledger(ACCOUNT, SYMBOL) == []


def test_fills_before_the_stop_are_booked_after_the_verification() -> None:  # R34
    at = quoting()
    at.venue.fill(at.venue.only(Side.BUY), "0.05")
    report = stop(at)
    assert report.ledger_settled
    assert [str(row.fill.size_base) for row in at.fills()] == ["0.05"]
    assert at.state().inventory.base == at.venue.totals[PAXG]
    assert at.state().working == ()
    methods = at.venue.methods()
    assert methods.index("fills_since") > len(methods) - 1 - methods[::-1].index("open_orders")


def test_fills_not_listed_yet_are_said_and_booked_after_the_resume() -> None:  # R15, R34
    at = quoting()
    at.venue.hide_trades()
    at.venue.fill(at.venue.only(Side.BUY))
    report = stop(at)
    assert report.verified_s is not None
    assert not report.ledger_settled
    assert report.problems[0].startswith("fills not listed yet: 0.1")
    at.venue.list_trades()
    resume(ResumeRequest(account=ACCOUNT, reason="checked", requested_by="operator"), at.desk)
    assert at.tick(4).outcome is TickOutcome.DONE
    assert at.state().inventory.base == at.venue.totals[PAXG]


@pytest.mark.parametrize("error", [Retryable("DynamoDB is down"), Fatal("no such table")])
def test_halt_works_without_the_prices_table(error: MarketMakerError) -> None:  # R34
    at = quoting()
    at.venue.fill(at.venue.only(Side.BUY), "0.05")
    at.prices.faults.fail_always("metadata", error)
    at.clock.advance(METADATA_RELOAD_MS + 1)
    report = stop(at)
    assert report.verified_s is not None
    assert report.ledger_settled
    assert len(at.fills()) == 1


DELIVERED = replace(REQUEST, delivery="message-1")


def test_message_that_comes_twice_sweeps_twice_and_is_told_once() -> None:  # R25, R27
    at = quoting()
    halt(DELIVERED, at.desk, at.deadline())
    control = at.control
    appear(at)
    report = halt(DELIVERED, at.desk, at.deadline())
    assert at.venue.live() == ()
    assert (report.orders_cancelled, report.flag_set) == (1, True)
    assert at.control == control
    assert at.alerts.kinds() == ["halt"]


@pytest.mark.parametrize("second", [replace(DELIVERED, delivery="message-2"), REQUEST])
def test_new_request_for_a_halted_account_is_told(second: HaltRequest) -> None:
    at = quoting()
    halt(DELIVERED, at.desk, at.deadline())
    since_ms = at.control.mode_since_ms
    halt(second, at.desk, at.deadline())
    assert at.alerts.kinds() == ["halt", "halt"]
    assert at.control.mode_since_ms == since_ms


def test_halt_that_is_not_verified_is_told_every_time_it_is_tried() -> None:  # R27
    at = quoting()
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    for _ in range(2):
        halt(DELIVERED, at.desk, at.deadline(10_000))
    at.venue.faults.heal("open_orders")
    for _ in range(2):
        halt(DELIVERED, at.desk, at.deadline())
    assert ["NOT VERIFIED" in each.text for each in at.alerts.sent] == [True, True, False]


@pytest.mark.parametrize("error", [Retryable("DynamoDB is down"), Fatal("no such table")])
def test_halt_is_told_even_if_nobody_can_note_that_it_was(error: MarketMakerError) -> None:  # R27
    at = quoting()
    at.store.faults.fail_once("open_episode", error)
    halt(DELIVERED, at.desk, at.deadline())
    assert at.alerts.kinds() == ["halt"]


def test_resume_forgets_which_messages_were_told() -> None:  # R24
    at = quoting()
    halt(DELIVERED, at.desk, at.deadline())
    assert at.store.read_account(ACCOUNT).episodes.keys() == {"halt#message-1"}
    resume(ResumeRequest(account=ACCOUNT, reason="checked", requested_by="operator"), at.desk)
    assert at.store.read_account(ACCOUNT).episodes == {}


def test_halted_account_stays_halted() -> None:  # S11
    at = quoting()
    stop(at)
    at.slot_ms = at.clock.now_ms()
    assert {at.tick().outcome for _ in range(3)} == {TickOutcome.HALTED}
    assert at.venue.live() == ()


def test_summary_holds_plain_values() -> None:
    summary = stop(quoting()).summary()
    assert summary["account"] == ACCOUNT
    assert summary["verified_s"] == 5.0
