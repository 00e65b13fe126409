"""A run of one market in one process: its slots, its second look, its clean stop, and what it reports."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.domain.state import Mode
from marketmaker.domain.units import Asset
from marketmaker.errors import AccountRefused, Retryable
from marketmaker.ports import Accepted, Deadline
from marketmaker.usecases.reports import TickOutcome
from marketmaker.usecases.run import DURATION_OVER, STOP_TIMEOUT_MS, StopSwitch, run
from marketmaker.usecases.run_report import RunResult, RunView
from tests.builders import PAXG, USDT, account_settings, foreign_order, new_order
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import BALANCES, BOOKS, OPEN_ORDERS, POSITIONS
from tests.unit.usecases.test_perpetuals import BUY, SOL, USDC, market, only, perp

D = Decimal
MINUTE_MS = 60_000


def worked(
    at: Bench, seconds: float, after: Callable[[RunView], object] = lambda _: None, *, switch: StopSwitch | None = None
) -> tuple[RunResult, list[RunView]]:
    """Run for so long; `after` happens after each tick."""
    seen: list[RunView] = []

    def show(view: RunView) -> None:
        seen.append(view)
        after(view)

    return run(at.desk, int(seconds * 1000), switch or StopSwitch(), show), seen


def slots(seen: list[RunView]) -> list[int]:
    return [view.slot_ms for view in seen]


# Slots


def test_slots_are_multiples_of_the_interval_within_the_duration() -> None:
    at = bench()
    at.clock.advance(1_700)
    started_ms = at.clock.now_ms()
    result, seen = worked(at, 20)
    interval_ms = at.desk.settings.clocks.interval_ms
    first_ms = -(-started_ms // interval_ms) * interval_ms
    assert slots(seen) == [first_ms + each * interval_ms for each in range(4)]
    assert (result.ticks, result.ticks_skipped, result.ended_by) == (4, 0, DURATION_OVER)
    assert [view.next_slot_ms - view.slot_ms for view in seen] == [interval_ms] * 4


def test_a_slot_that_begins_now_is_worked() -> None:
    at = bench()
    assert at.clock.now_ms() % 5_000 == 0
    result, seen = worked(at, 5)
    assert (result.ticks, slots(seen)) == (1, [result.started_ms])


def test_a_run_lasts_its_duration_even_after_its_last_slot() -> None:
    at = bench()
    stopping: list[int] = []
    at.venue.faults.before("open_orders", lambda: stopping.append(at.clock.now_ms()))
    result, _ = worked(at, 8)
    assert stopping == [result.started_ms + 8_000]


def test_a_slow_tick_skips_slots_and_never_queues_them() -> None:
    at = bench()
    slow: list[int] = [12_000]
    result, seen = worked(at, 30, lambda _: at.clock.advance(slow.pop()) if slow else None)
    first_ms = seen[0].slot_ms
    assert slots(seen) == [first_ms + each for each in (0, 15_000, 20_000, 25_000)]
    assert result.ticks_failed == 0


def test_slots_that_a_tick_overran_are_counted_as_skipped() -> None:
    at = bench()
    at.venue.faults.before("observe", lambda: at.clock.advance(12_000))
    result, seen = worked(at, 30)
    assert seen[0].next_slot_ms - seen[0].slot_ms == 15_000
    assert (result.ticks, result.ticks_skipped) == (4, 2)


def test_slots_after_the_end_are_not_counted_as_skipped() -> None:
    at = bench()
    at.venue.faults.before("observe", lambda: at.clock.advance(40_000))
    result, _ = worked(at, 10)
    assert (result.ticks, result.ticks_skipped) == (1, 1)


# The second look


def test_the_risk_is_checked_after_the_first_tick_and_every_minute() -> None:
    at = bench()
    result, _ = worked(at, 130)
    checked = [line for name, line in at.telemetry.lines if name == "risk"]
    assert result.risk_checks == len(checked) == 3
    assert {line["outcome"] for line in checked} == {"done"}


def test_a_drawdown_that_the_risk_check_finds_ends_the_run() -> None:
    at = bench()
    crashed: list[bool] = []

    def crash(_: RunView) -> None:
        if not crashed:
            crashed.append(True)
            at.venue.quote(at.desk.settings.symbols[0], "1599.9", "1600.1")

    result, _ = worked(at, 600, crash)
    assert result.ended_by.startswith("halted: ")
    assert "peak equity" in result.ended_by
    assert result.ended_ms < result.started_ms + 100_000
    assert (result.is_clean, at.venue.live()) == (True, ())


# Stops


def test_a_run_leaves_no_order_of_ours_and_every_order_of_others() -> None:
    at = bench()
    at.venue.add_order(foreign_order())
    result, seen = worked(at, 20)
    assert seen[-1].quotes
    assert (result.orders_left, result.is_clean) == (0, True)
    assert [order.client_id for order in at.venue.live()] == [foreign_order().client_id]
    assert at.control.mode is Mode.HALTED


def test_a_switch_ends_the_run_between_ticks() -> None:
    at, switch = bench(), StopSwitch()
    result, seen = worked(at, 3_600, lambda _: switch.stop("Ctrl-C"), switch=switch)
    assert (result.ended_by, len(seen), result.is_clean) == ("Ctrl-C", 1, True)
    assert result.ended_ms - result.started_ms < STOP_TIMEOUT_MS


def test_the_first_reason_to_stop_stays() -> None:
    switch = StopSwitch()
    switch.stop("Ctrl-C")
    switch.stop("SIGTERM")
    assert switch.reason == "Ctrl-C"


def test_a_switch_that_is_set_before_the_first_slot_works_none() -> None:
    at, switch = bench(), StopSwitch(reason="SIGTERM")
    result, seen = worked(at, 3_600, switch=switch)
    assert (seen, result.ticks, result.ended_by) == ([], 0, "SIGTERM")
    assert (result.position_base, result.total_pnl_quote, result.is_clean) == (None, None, True)


def test_a_refused_account_ends_the_run_unverified() -> None:
    at = bench()

    def refuse(_: RunView) -> None:
        for call in ("observe", "open_orders", "cancel"):
            at.venue.faults.fail_always(call, AccountRefused("no such key"))

    result, seen = worked(at, 3_600, refuse)
    assert seen[-1].outcome is TickOutcome.ACCOUNT_REFUSED
    assert result.ended_by.startswith("halted: the venue refuses the account")
    assert (result.is_clean, result.verified_s, result.ledger_matches_venue) == (False, None, None)
    assert any("no such key" in problem for problem in result.problems)


def test_what_fails_in_the_run_itself_still_cancels_and_is_raised() -> None:
    at = bench()

    def fail(_: RunView) -> None:
        assert at.venue.live()
        raise RuntimeError("a broken terminal")

    with pytest.raises(RuntimeError, match="a broken terminal"):
        worked(at, 60, fail)
    assert at.venue.live() == ()


def test_an_outage_at_the_end_is_told_as_unverified() -> None:
    at = bench()
    at.venue.faults.before("open_orders", lambda: at.venue.faults.fail_always("open_orders", Retryable("no answer")))
    result, _ = worked(at, 10)
    assert (result.is_clean, result.verified_s) == (False, None)
    assert any("no answer" in problem for problem in result.problems)


# What is shown


def test_the_view_shows_quotes_touch_and_inventory() -> None:
    at = bench()
    _, seen = worked(at, 10)
    view = seen[-1]
    assert (view.bid, view.ask, view.mark) == (D("1899.9"), D("1900.1"), D(1900))
    assert sorted(order.price for order in view.quotes) == [D("1899.5"), D("1900.5")]
    assert view.inventory is not None
    assert view.inventory.base == at.venue.totals[PAXG]
    assert (view.mode, view.outcome, view.said, view.alerts) == (Mode.QUOTING, TickOutcome.DONE, "", ())


def test_the_view_says_why_nothing_rests() -> None:
    at = bench()
    at.venue.quote(at.desk.settings.symbols[0], "2999.9", "3000.1")
    _, seen = worked(at, 5)
    assert seen[-1].said.startswith("price_outside_band: fair price 3000 is outside")
    assert seen[-1].quotes == ()
    assert seen[-1].alerts


def test_the_view_of_a_market_that_cannot_be_read_knows_nothing() -> None:
    at = bench()
    at.venue.faults.fail_always(BOOKS, Retryable("no book"))
    result, seen = worked(at, 5)
    view = seen[-1]
    assert (view.inventory, view.bid, view.ask, view.mark, view.quotes) == (None, None, None, None, ())
    assert "no fair price" in view.said
    assert (result.position_base, result.mark_price) == (None, None)


def test_the_view_of_a_venue_that_does_not_answer_says_so() -> None:
    at = bench()
    at.venue.faults.fail_always(OPEN_ORDERS, Retryable("no answer"))
    result, seen = worked(at, 5)
    assert (seen[-1].outcome, seen[-1].said) == (TickOutcome.VENUE_UNREACHABLE, "no answer")
    assert (result.ticks_failed, result.ledger_matches_venue) == (1, None)


# What comes of it, on a perpetual


def test_a_round_trip_is_reported_as_the_venue_has_it() -> None:  # P9
    at = perp()
    fills: list[Any] = [lambda: at.venue.fill(only(at, BUY))]
    result, seen = worked(at, 15, lambda _: fills.pop()() if fills else None)
    assert (result.fills, seen[-1].fills, result.volume_quote) == (1, 1, D("9.9"))
    assert (result.position_base, result.average_cost_quote) == (D("0.1"), D(99))
    assert (result.mark_price, result.unrealised_pnl_quote, result.total_pnl_quote) == (D(100), D("0.1"), D("0.1"))
    assert (result.ledger_matches_venue, result.problems) == (True, ())
    assert [row.fill.price for row in seen[-1].last_fills] == [D(99)]


def test_a_fill_between_the_last_tick_and_the_stop_is_booked() -> None:
    at = perp()
    at.venue.faults.before("cancel", lambda: at.venue.fill(only(at, BUY)))
    result, seen = worked(at, 5)
    assert (len(seen), seen[-1].fills, result.fills) == (1, 0, 1)
    assert (result.position_base, result.ledger_matches_venue) == (D("0.1"), True)


def test_a_fill_of_an_order_that_no_tick_wrote_down_is_booked_though_the_halt_could_not() -> None:  # R3
    at = bench()
    order = new_order(level=3)

    def leave_unwritten(view: RunView) -> None:
        (outcome,) = at.venue.place([order], Deadline(at_ms=view.ends_ms, clock=at.clock))
        assert isinstance(outcome, Accepted)
        at.venue.fill(outcome.order)
        at.venue.faults.fail_once("fills_since", Retryable("no answer"))

    result, _ = worked(at, 5, leave_unwritten)
    assert any("the ledger is not settled" in problem for problem in result.problems)
    assert (result.fills, result.ledger_matches_venue) == (1, True)


def test_a_stop_loss_is_counted_once_however_many_ticks_it_takes() -> None:  # P5
    at = perp(market(stop_loss=D("0.5"), cool_down_ms=600_000))
    at.venue.taken_at_most = D("0.02")
    steps: list[Callable[[], object]] = [
        lambda: at.venue.quote(SOL, "90", "90.02"),
        lambda: at.venue.fill(only(at, BUY)),
    ]
    result, seen = worked(at, 60, lambda _: steps.pop()() if steps else None)
    assert sum("exiting" in view.said for view in seen) > 2
    assert (result.stop_losses, result.take_profits, result.position_base) == (1, 0, D(0))


def test_a_take_profit_is_counted_as_one() -> None:  # P5
    at = perp(market(take_profit_quote=D("0.05"), cool_down_ms=600_000))
    steps: list[Callable[[], object]] = [lambda: at.venue.fill(only(at, BUY))]
    result, _ = worked(at, 30, lambda _: steps.pop()() if steps else None)
    assert (result.stop_losses, result.take_profits) == (0, 1)


def test_only_what_is_verified_and_empty_is_clean() -> None:
    result, _ = worked(bench(), 5)
    assert result.is_clean
    assert not replace(result, verified_s=None).is_clean
    assert not replace(result, orders_left=None).is_clean
    assert not replace(result, orders_left=1).is_clean


def test_money_that_others_moved_is_a_difference() -> None:
    at = perp()
    moved: list[bool] = []

    def take(view: RunView) -> None:
        if view.next_slot_ms >= view.ends_ms and not moved:
            moved.append(True)
            at.venue.totals[USDC] -= 5

    result, _ = worked(at, 10, take)
    assert result.ledger_matches_venue is False
    assert any("the ledger explains 1000 USDC, the venue holds 995" in problem for problem in result.problems)
    assert result.is_clean


def test_money_that_came_to_a_shared_account_is_a_difference_too() -> None:
    at = bench(replace(account_settings(), dedicated=False))
    moved: list[bool] = []

    def give(view: RunView) -> None:
        if not moved:
            moved.append(True)
            at.venue.totals[USDT] += 5

    result, _ = worked(at, 10, give)
    assert result.ledger_matches_venue is False


def test_a_difference_that_the_venue_mends_in_time_is_none() -> None:
    at = perp()
    ends: list[int] = []

    def take(view: RunView) -> None:
        if view.next_slot_ms >= view.ends_ms and not ends:
            ends.append(view.ends_ms)
            at.venue.totals[USDC] -= 5
            mend = [lambda: None, lambda: at.venue.totals.update({USDC: D(1000)})]
            for each in mend:
                at.venue.faults.before("observe", each)

    result, _ = worked(at, 10, take)
    assert (result.ledger_matches_venue, result.problems) == (True, ())


@pytest.mark.parametrize("part", [POSITIONS, BALANCES, OPEN_ORDERS])
def test_what_cannot_be_read_at_the_end_is_unknown_and_not_a_match(part: str) -> None:
    at = perp()

    def blind(view: RunView) -> None:
        if view.next_slot_ms >= view.ends_ms:
            at.venue.faults.fail_always(part, Retryable("no answer"))

    result, _ = worked(at, 10, blind)
    assert result.ledger_matches_venue is None
    assert any("could not be compared" in problem for problem in result.problems)
    assert result.is_clean


def test_a_balance_that_is_not_reported_at_the_end_is_unknown() -> None:
    at = perp()
    result, _ = worked(at, 10, lambda _: at.venue.unreported.add(Asset("USDC")))
    assert result.ledger_matches_venue is None
    assert any("no balance of USDC" in problem for problem in result.problems)


def test_a_fill_that_the_venue_does_not_list_is_not_a_match() -> None:
    at = perp()

    def hide(view: RunView) -> None:
        if view.next_slot_ms >= view.ends_ms:
            at.venue.hide_trades()
            at.venue.fill(only(at, BUY))

    result, _ = worked(at, 10, hide)
    assert result.ledger_matches_venue is False
    assert any("does not list" in problem for problem in result.problems)
