"""Exits while nobody works the ticks: the second look goes on with them itself (R22).

It claims the account as a tick does, so that only one of them creates orders, and works it as if it were restricted to
reducing: nothing is quoted. It claims the millisecond after the last slot, so that ticks still count as stopped, and is
refused where one has come meanwhile. Each claim is an attempt; the next one is an interval later, while there is time.
"""

from dataclasses import replace

from marketmaker.domain.account_limits import stopped_after_ms
from marketmaker.domain.state import AccountState, Control, Mode
from marketmaker.errors import Fatal, LeaseLost, Retryable
from marketmaker.ports import ClaimRefusal, Deadline
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.replace_quotes import Tick, work_claimed
from marketmaker.usecases.reports import TickReport

REASON = "ticks have stopped, the risk check only leaves"


def leave_without_ticks(desk: Desk, state: AccountState, owner: str, deadline: Deadline) -> tuple[TickReport, ...]:
    """Work on exits that are under way, ordered or due, where ticks have stopped; returns each attempt.

    Nothing is done for a deployment that is not armed: it must never place an order.
    """
    if not desk.settings.is_armed or not _have_stopped(desk, state.control) or not _may_leave(desk, state):
        return ()
    attempts: list[TickReport] = []
    while deadline.remaining_ms() > desk.settings.clocks.function_timeout_ms:
        slot_ms = state.control.last_slot_ms + 1 + len(attempts)
        report = _attempt(desk, f"{owner}/{len(attempts)}", slot_ms, deadline)
        if report is None:
            break
        attempts.append(report)
        if not any(each.is_leaving for each in report.markets):
            break
        desk.clock.sleep(desk.settings.clocks.interval_ms / 1000)
    return tuple(attempts)


def _have_stopped(desk: Desk, control: Control) -> bool:
    """Tell whether ticks came and do no more."""
    return 0 < control.last_slot_ms < desk.clock.now_ms() - stopped_after_ms(desk.settings.clocks)


def _may_leave(desk: Desk, state: AccountState) -> bool:
    """Tell whether a market that holds something is being left, should be, or has rules by which it may be."""
    for settings in desk.settings.markets:
        market = state.markets.get(settings.symbol)
        if market is None or not market.inventory.base:
            continue
        is_ordered = state.control.caution_in(settings.symbol).target_base is not None
        if settings.exits.has_rules or is_ordered or market.exits.current is not None:
            return True
    return False


def _attempt(desk: Desk, owner: str, slot_ms: int, deadline: Deadline) -> TickReport | None:
    """Claim the account and work it once; None where a tick has come after all, or it may not be claimed."""
    clocks, name, now_ms = desk.settings.clocks, desk.settings.name, desk.clock.now_ms()
    try:
        claim = desk.store.claim(name, slot_ms=slot_ms, owner=owner, now_ms=now_ms, lease_ms=clocks.lease_ms)
        if isinstance(claim, ClaimRefusal):
            return None
        reducing = replace(claim, mode=max(claim.mode, Mode.REDUCE_ONLY), mode_reason=claim.mode_reason or REASON)
        tick = Tick(account=name, slot_ms=now_ms - now_ms % 1000)
        report = work_claimed(desk, tick, reducing, owner, deadline)
    except (Retryable, LeaseLost, Fatal) as error:
        desk.telemetry.record("leaving_failed", {"account": name, "reason": str(error)})
        return None
    desk.telemetry.record("tick", report.record(in_full=True))
    return report
