"""One tick of an account: claim → observe → book → value → plan → act → record (architecture, "One tick").

Duplicate, late and overlapping ticks change nothing; whatever the venue answers, a tick returns normally. Only a defect
raises. Then, and when the store does not answer, the lease is left to expire: no other tick may start while a request
of this one can still be alive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeIs

from marketmaker.domain.exits import MAX_REPEATS
from marketmaker.domain.inventory import FillRow
from marketmaker.domain.metering import Standing
from marketmaker.domain.state import BookMark, Control, MarketState, Mode, Refreshed
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import AccountRefused, Conflict, LeaseLost, Refused, Retryable, StateUnreachable
from marketmaker.ports import CancelResult, ClaimRefusal, Deadline, PlaceOutcome, Rejected, RejectionKind
from marketmaker.usecases import live_settings, rate_limits
from marketmaker.usecases.act import ClaimedSlot, PlannedMarket, act
from marketmaker.usecases.dead_man import arm_switch, switch_condition
from marketmaker.usecases.decide import DecidedMarket, compare_ledger, decide_market, prepare_all
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import (
    ACCOUNT_REFUSED,
    EXITS_REPEATED,
    VENUE_UNREACHABLE,
    Condition,
    follow_episodes,
)
from marketmaker.usecases.metering import meter
from marketmaker.usecases.observe import observe
from marketmaker.usecases.reports import MarketReport, TickOutcome, TickReport
from marketmaker.usecases.reprice import Worked, reprice
from marketmaker.usecases.tick_alerts import is_unreadable, market_conditions

UNREACHABLE_TICKS_UNTIL_ALERT = 3
FULL_RECORD_EVERY = 60
"""Every so many slots a quiet tick writes its full record too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One scheduled moment of an account: the identity of the work."""

    account: AccountName
    slot_ms: int


def replace_quotes(tick: Tick, desk: Desk, *, owner: str) -> TickReport:
    """Work one tick; `owner` names this invocation in the lease.

    Raises:
        Fatal: the store itself refuses us (missing table or permission).
    """
    now_ms = desk.clock.now_ms()
    lag_ms = now_ms - tick.slot_ms
    if lag_ms > desk.settings.clocks.tick_max_age_ms:
        report = _report(desk, tick, TickOutcome.STALE, detail=f"{lag_ms} ms old")
    else:
        report = _claim_and_work(desk, tick, owner, now_ms)
    return _finish(desk, replace(report, lag_ms=lag_ms) if lag_ms > 0 else report)


def _claim_and_work(desk: Desk, tick: Tick, owner: str, now_ms: int) -> TickReport:
    clocks = desk.settings.clocks
    deadline = Deadline(at_ms=now_ms + clocks.function_timeout_ms, clock=desk.clock)
    try:
        claim = desk.store.claim(
            tick.account, slot_ms=tick.slot_ms, owner=owner, now_ms=now_ms, lease_ms=clocks.lease_ms
        )
        if isinstance(claim, ClaimRefusal):
            return _report(desk, tick, TickOutcome(claim.value))
        if desk.settings.is_standby and not claim.armed_ms:
            desk.store.release(tick.account, owner=owner, refreshed=_unchanged(claim))
            return _report(desk, tick, TickOutcome.HALTED, detail="a standby that has not taken over: `mm takeover`")
        live_settings.keep_deployed(desk, claim)
        report = work_claimed(desk, tick, claim, owner, deadline)
    except LeaseLost as error:
        return _report(desk, tick, TickOutcome.LEASE_LOST, detail=str(error))
    except Retryable as error:
        return _report(desk, tick, TickOutcome.STATE_UNREACHABLE, detail=str(error))
    return report


def work_claimed(desk: Desk, tick: Tick, claim: Control, owner: str, deadline: Deadline) -> TickReport:
    """Work what was claimed, by the settings in force, and give the lease back.

    Raises:
        LeaseLost: another claimed meanwhile.
        Retryable: the store did not answer; the lease is left to expire.
    """
    desk = live_settings.in_force(replace(desk, store=desk.store.under(owner)), claim)
    report, refreshed = _work_or_halt(desk, tick, claim, deadline)
    desk.store.release(tick.account, owner=owner, refreshed=rate_limits.keep(desk, claim, refreshed))
    return report


def _work_or_halt(desk: Desk, tick: Tick, control: Control, deadline: Deadline) -> tuple[TickReport, Refreshed]:
    blocked = rate_limits.hand_over(desk, control)
    if blocked is not None:
        report, refreshed = _unreachable(desk, tick, control, blocked)
        return replace(report, outcome=TickOutcome.RATE_LIMITED), refreshed
    try:
        return _work(desk, tick, control, deadline)
    except AccountRefused as error:
        return _refuse(desk, tick, str(error)), _unchanged(control)


def _work(desk: Desk, tick: Tick, control: Control, deadline: Deadline) -> tuple[TickReport, Refreshed]:
    try:
        seen = observe(desk, control, deadline)
    except StateUnreachable:
        raise
    except (Retryable, Refused) as error:
        return _unreachable(desk, tick, control, str(error))
    prepared = prepare_all(desk, seen, deadline)
    differing, differences = compare_ledger(desk, seen, prepared, control)
    decided = [decide_market(desk, seen, each, control, differences) for each in prepared]
    open_markets = {each.settings.symbol for each in prepared if each.market is not None}
    strays = [order for order in desk.own(seen.open_orders) if order.symbol not in open_markets]
    stray_cancels = desk.venue.cancel(strays, deadline) if strays else ()
    not_armed = arm_switch(desk, decided, deadline)
    slot = ClaimedSlot(slot_ms=tick.slot_ms, control=control, deadline=deadline, unguarded=not_armed is not None)
    markets, standing = _carry_out(desk, decided, seen.marks, slot)
    first_looks = [each for each in markets if each.situation.only is None]
    unreadable_ticks = control.unreachable_ticks + 1 if any(map(is_unreadable, first_looks)) else 0
    is_lasting = unreadable_ticks >= UNREACHABLE_TICKS_UNTIL_ALERT
    conditions = [*market_conditions(first_looks, is_lasting=is_lasting), live_settings.rejection(desk, control)]
    conditions.append(switch_condition(not_armed))
    follow_episodes(desk, conditions, seen.state.episodes)
    report = _report(desk, tick, TickOutcome.DONE, markets=markets)
    if stray_cancels:
        report = replace(report, strays_cancelled=sum(each.result is CancelResult.CANCELLED for each in stray_cancels))
    repeated = [each for each in markets if each.decision.exits is not None and each.decision.exits.is_exhausted]
    if repeated:
        _halt_after_exits(desk, repeated[0])
    refused = [each.reason for market in markets for each in market.places if _is_fatal(each)]
    if refused:
        report = replace(_refuse(desk, tick, refused[0]), markets=markets, strays_cancelled=report.strays_cancelled)
    refreshed = Refreshed(
        book_marks=seen.marks,
        differing=differing,
        unreachable_ticks=unreadable_ticks,
        meters=meter(desk, control, markets, standing),
    )
    return report, refreshed


def _carry_out(
    desk: Desk, decided: Sequence[DecidedMarket], marks: Mapping[Symbol, BookMark], slot: ClaimedSlot
) -> tuple[tuple[MarketReport, ...], dict[Symbol, Standing | None]]:
    """Act on the markets that have opened, once more where the venue refused a post-only create; write what changed.

    Returns every decision's report, and what stands now on both sides of each market.
    """
    decided = [_keep_exit(desk, each) for each in decided]
    planned = [
        (each, PlannedMarket(number=each.prepared.settings.number, market=market, plan=each.decision.plan))
        for each in decided
        if (market := each.prepared.market) is not None
    ]
    acted = act(desk, [plan for _, plan in planned], slot)
    first = [Worked(decided=each, acted=done) for (each, _), done in zip(planned, acted, strict=True)]
    again = reprice(desk, first, marks, slot)
    last = {each.symbol: each for each in (*first, *again)}
    for each in last.values():
        if each.acted.market != each.decided.prepared.stored:
            _save(desk, each.acted.market)
    reports = {each.symbol: _market_report(each, booked=each.decided.prepared.booked) for each in first}
    all_reports = (
        *(reports.get(each.prepared.settings.symbol) or _unopened_report(each) for each in decided),
        *(_market_report(each, booked=()) for each in again),
    )
    return all_reports, {symbol: Standing.of(each.acted.market.working) for symbol, each in last.items()}


def _keep_exit(desk: Desk, each: DecidedMarket) -> DecidedMarket:
    """Write down what changed of a market's exits, before the first order of one is sent (S9, P5).

    What could not be written is not begun: the cancels of this tick go on, the exit is the next tick's.
    """
    exits, market = each.decision.exits, each.prepared.market
    if exits is None or market is None:
        return each
    changed = replace(market, exits=exits)
    if exits.current is None:
        return replace(each, prepared=replace(each.prepared, market=changed))
    try:
        saved = desk.store.save_market(desk.settings.name, changed)
    except LeaseLost:
        raise
    except Conflict:
        return replace(each, decision=replace(each.decision, plan=replace(each.decision.plan, place=())))
    return replace(each, prepared=replace(each.prepared, market=saved, stored=saved))


def _unopened_report(each: DecidedMarket) -> MarketReport:
    return MarketReport(situation=each.situation, decision=each.decision)


def _market_report(each: Worked, *, booked: tuple[FillRow, ...]) -> MarketReport:
    return MarketReport(
        situation=each.decided.situation,
        decision=each.decided.decision,
        booked=booked,
        cancels=each.acted.cancels,
        places=each.acted.places,
        held_back=each.acted.held_back,
    )


def _save(desk: Desk, market: MarketState) -> None:
    """Write a market's item; losing to another writer is harmless: the next tick adopts its live orders.

    But an unknown create would be forgotten: that is a defect, and the lease outlives the request (R1).
    """
    try:
        desk.store.save_market(desk.settings.name, market)
    except LeaseLost:
        raise
    except Conflict:
        if market.unresolved:
            raise


def _unreachable(desk: Desk, tick: Tick, control: Control, reason: str) -> tuple[TickReport, Refreshed]:
    ticks = control.unreachable_ticks + 1
    if ticks >= UNREACHABLE_TICKS_UNTIL_ALERT:
        condition = Condition(
            kind=VENUE_UNREACHABLE,
            symbol=None,
            text=f"the venue cannot be read: {reason}. No new orders until it answers",
        )
        follow_episodes(desk, [condition], None)
    report = _report(desk, tick, TickOutcome.VENUE_UNREACHABLE, detail=reason)
    return report, replace(_unchanged(control), unreachable_ticks=ticks)


def _refuse(desk: Desk, tick: Tick, reason: str) -> TickReport:
    """Halt the account: the venue refuses it, and every further request would be refused too."""
    text = f"the venue refuses the account: {reason}"
    desk.store.strengthen(desk.settings.name, Mode.HALTED, reason=text, now_ms=desk.clock.now_ms())
    advice = "halted; run `mm keys check`, look at open orders by hand, then `mm resume`"
    follow_episodes(
        desk, [Condition(kind=ACCOUNT_REFUSED, symbol=None, text=f"{text}.{desk.seen_from()} {advice}")], None
    )
    return _report(desk, tick, TickOutcome.ACCOUNT_REFUSED, detail=text)


def _halt_after_exits(desk: Desk, market: MarketReport) -> None:
    """Halt the account: a market that was left again and again is no market to go back to without a human (P5)."""
    text = f"{market.symbol} had to be left {MAX_REPEATS + 2} times in a row, each within an hour of the last"
    desk.store.strengthen(desk.settings.name, Mode.HALTED, reason=text, now_ms=desk.clock.now_ms())
    advice = "halted; look at the market and its stop, then `mm resume`"
    follow_episodes(desk, [Condition(kind=EXITS_REPEATED, symbol=market.symbol, text=f"{text}. {advice}")], None)


def _is_fatal(outcome: PlaceOutcome) -> TypeIs[Rejected]:
    return isinstance(outcome, Rejected) and outcome.kind is RejectionKind.FATAL


def _unchanged(control: Control) -> Refreshed:
    return Refreshed(
        book_marks=control.book_marks,
        differing=control.differing,
        unreachable_ticks=control.unreachable_ticks,
    )


def _report(
    desk: Desk, tick: Tick, outcome: TickOutcome, *, detail: str = "", markets: tuple[MarketReport, ...] = ()
) -> TickReport:
    return TickReport(
        account=tick.account,
        slot_ms=tick.slot_ms,
        outcome=outcome,
        config_hash=desk.settings.config_hash,
        detail=detail,
        markets=markets,
    )


def _finish(desk: Desk, report: TickReport) -> TickReport:
    in_full = report.slot_ms // desk.settings.clocks.interval_ms % FULL_RECORD_EVERY == 0
    desk.telemetry.record_lazily("tick", lambda: report.record(in_full=in_full))
    desk.telemetry.count(desk.settings.name, {f"ticks_{report.outcome}": 1, **report.counts()})
    return report
