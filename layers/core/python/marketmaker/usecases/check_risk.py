"""The independent second look at an account: every limit, once a minute, with a venue key of its own.

A check strengthens first, then cancels, then tells. Only where ticks have stopped does it create orders or write a
market's item, to leave what is being left (`leaving`). Its cancels need neither the lease nor the state (R4, R34).
What it could not see it neither answers nor lifts (R7). Duplicate and overlapping checks change nothing twice.
"""

from dataclasses import replace

from marketmaker.domain.assessment import Assessment, assess
from marketmaker.domain.orders import EXIT_LEVEL, Order, read_level
from marketmaker.domain.responses import Verdict, respond, what_stays
from marketmaker.domain.state import AccountState, Control, Mode
from marketmaker.domain.units import Symbol
from marketmaker.errors import Fatal, Refused, Retryable
from marketmaker.ports import Deadline, HaltRequests, Unknown
from marketmaker.usecases import rate_limits
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import follow_episodes
from marketmaker.usecases.leaving import leave_without_ticks
from marketmaker.usecases.live_settings import in_force
from marketmaker.usecases.observe import read_both
from marketmaker.usecases.risk_alerts import (
    failed_cancels,
    key_refused,
    key_works,
    limit_conditions,
    orders_after_halt,
)
from marketmaker.usecases.risk_answers import Case, Progress, cancel, keep_marks, relax, request_halt, strengthen, tell
from marketmaker.usecases.risk_look import look_at, see_more, sight_of
from marketmaker.usecases.risk_report import RiskOutcome, RiskReport


def check_risk(desk: Desk, halts: HaltRequests, deadline: Deadline, *, owner: str) -> RiskReport:
    """Judge every limit of an account and answer those that broke; whatever venue or store do, it returns.

    `owner` names this invocation in the lease, should it have to leave a position that no tick leaves.
    """
    known_until_ms = rate_limits.learn(desk)
    report = _check(desk, halts, deadline, owner)
    problem = rate_limits.share(desk, known_until_ms)
    if problem is not None:
        report = replace(report, problems=(*report.problems, problem))
    desk.telemetry.record("risk", report.summary())
    desk.telemetry.count(desk.settings.name, report.counts())
    return report


def _check(desk: Desk, halts: HaltRequests, deadline: Deadline, owner: str) -> RiskReport:
    if desk.settings.is_standby and not _has_taken_over(desk):
        return _blind(desk, RiskOutcome.HALTED, "a standby that has not taken over: the orders are its primary's")
    try:
        observation, reading = read_both(desk, deadline, needs_state=False)
    except Fatal as error:
        return _refuse(desk, str(error))
    except (Retryable, Refused) as error:
        return _see_nothing(desk, str(error))
    open_orders = observation.open_orders
    if isinstance(open_orders, Unknown):
        return _see_nothing(desk, open_orders.reason)
    progress = Progress()
    state: AccountState | None = None
    try:
        state = reading.result()
    except (Retryable, Fatal) as error:
        progress.lose_state("the state cannot be read", error)
    if state is not None:
        desk = in_force(desk, state.control)
        observation = see_more(desk, observation, deadline)
    sight = sight_of(desk, observation, open_orders, state)
    case = Case(desk=desk, deadline=deadline, sight=sight, progress=progress)
    if state is None:
        return _check_without_state(case, halts)
    if state.control.mode is Mode.HALTED:
        return _check_halted(case, state)
    report, control = _check_limits(case, state, halts)
    attempts = leave_without_ticks(desk, replace(state, control=control), owner, deadline)
    return replace(report, exit_attempts=len(attempts))


def _check_limits(case: Case, state: AccountState, halts: HaltRequests) -> tuple[RiskReport, Control]:
    assessment, verdict = _judge(case)
    control = strengthen(case, verdict, state.control)
    settings = case.desk.settings
    kept = {
        symbol: what_stays(symbol, stored, verdict, assessment.findings, settings.risk)
        for symbol, stored in state.control.restrictions.items()
    }
    milder = {symbol: left for symbol, left in kept.items() if left != state.control.restrictions[symbol]}
    left = {symbol: each for symbol, each in {**control.restrictions, **milder}.items() if each is not None}
    after = replace(control, restrictions=left)
    stopped = {symbol for symbol in settings.symbols if after.mode_of(symbol) >= Mode.REDUCE_ONLY}
    going = [each for each in case.sight.own if each.symbol in stopped or _must_go(each, verdict)]
    cancel(case, [each for each in going if not _may_stay(case, verdict, control, each)])
    request_halt(case, verdict, halts)
    conditions = limit_conditions(assessment.findings, settings.risk)
    tell(case, state, [*conditions, key_works(), failed_cancels(case.progress.failed), orders_after_halt(0)])
    keep_marks(case, assessment)
    if control.epoch == state.control.epoch:
        control = relax(case, control, milder)
    return _report(case, assessment, verdict, control), control


def _check_without_state(case: Case, halts: HaltRequests) -> RiskReport:
    """Judge what needs no state, and cancel; the store comes last, for it may keep us waiting (R34)."""
    assessment, verdict = _judge(case)
    cancel(case, [order for order in case.sight.own if _must_go(order, verdict)])
    request_halt(case, verdict, halts)
    control = strengthen(case, verdict, Control(account=case.desk.settings.name))
    return _report(case, assessment, verdict, control)


def _check_halted(case: Case, state: AccountState) -> RiskReport:
    """Look only whether orders of ours rest: while the halt may still be at work they are cancelled without a word."""
    own, clocks, settings = case.sight.own, case.desk.settings.clocks, case.desk.settings
    cancel(case, own)
    done_ms = state.control.mode_since_ms + clocks.lease_ms + clocks.request_ttl_ms
    is_overdue = bool(own) and case.sight.now_ms > done_ms
    told = [orders_after_halt(len(own))] if is_overdue or not own else []
    tell(case, state, [key_works(), failed_cancels(case.progress.failed), *told])
    return RiskReport(
        account=settings.name,
        outcome=_outcome(case, RiskOutcome.HALTED),
        config_hash=settings.config_hash,
        restricted=_restricted(case, state.control),
        is_breached=is_overdue,
        own_orders=len(own),
        foreign_orders=case.sight.foreign,
        orders_cancelled=case.progress.cancelled,
        cancels_failed=len(case.progress.failed),
        problems=tuple(case.progress.problems),
    )


def _judge(case: Case) -> tuple[Assessment, Verdict]:
    settings = case.desk.settings
    assessment = assess(look_at(case.desk, case.sight), settings)
    return assessment, respond(assessment.findings, settings.risk)


def _may_stay(case: Case, verdict: Verdict, control: Control, order: Order) -> bool:
    """Tell whether an order leads out of a position that somebody follows: a broken limit does not keep us in (S3)."""
    if verdict.halts or control.mode_of(order.symbol) > Mode.REDUCE_ONLY:
        return False
    is_exit = read_level(order.client_id or "", case.desk.settings.tag) == EXIT_LEVEL
    return is_exit and verdict.cancels(order.symbol) == verdict.stops(order.symbol)


def _must_go(order: Order, verdict: Verdict) -> bool:
    return bool(verdict.halts or verdict.cancels(order.symbol))


def _report(case: Case, assessment: Assessment, verdict: Verdict, control: Control) -> RiskReport:
    settings, progress = case.desk.settings, case.progress
    return RiskReport(
        account=settings.name,
        outcome=_outcome(case, RiskOutcome.DONE),
        config_hash=settings.config_hash,
        answers=verdict.answers,
        unknown=tuple(each.name for each in assessment.findings if each.unknown is not None),
        drawdowns=assessment.drawdowns,
        halt_requested=progress.halt_requested,
        restricted=_restricted(case, control),
        lifted=tuple(progress.lifted),
        own_orders=len(case.sight.own),
        foreign_orders=case.sight.foreign,
        orders_cancelled=progress.cancelled,
        cancels_failed=len(progress.failed),
        is_breached=bool(verdict.answers),
        problems=tuple(progress.problems),
    )


def _outcome(case: Case, outcome: RiskOutcome) -> RiskOutcome:
    return RiskOutcome.STATE_UNREACHABLE if case.progress.lost_state else outcome


def _restricted(case: Case, control: Control) -> tuple[Symbol, ...]:
    return tuple(symbol for symbol in case.desk.settings.symbols if symbol in control.restrictions)


def _has_taken_over(desk: Desk) -> bool:
    """Tell whether a standby's orders are its own; where nobody knows they are looked after (R34)."""
    try:
        return bool(desk.store.read_control(desk.settings.name).armed_ms)
    except (Retryable, Fatal):
        return True


def _see_nothing(desk: Desk, problem: str) -> RiskReport:
    """Say that the venue cannot be read; alerts that nobody sent are sent all the same (R27)."""
    report = _blind(desk, RiskOutcome.VENUE_UNREACHABLE, problem)
    try:
        follow_episodes(desk, (), None)
    except (Retryable, Fatal) as error:
        return replace(report, problems=(problem, f"alerts could not be looked at: {error}"))
    return report


def _blind(desk: Desk, outcome: RiskOutcome, problem: str) -> RiskReport:
    settings = desk.settings
    return RiskReport(account=settings.name, outcome=outcome, config_hash=settings.config_hash, problems=(problem,))


def _refuse(desk: Desk, reason: str) -> RiskReport:
    """Stop all creates until a human acts: without its key there is no second look (R26).

    Not by a halt: ticks of a halted account do nothing, and the halt signs with this very key, so nobody could cancel.
    """
    text = f"the venue refuses the risk key: {reason}"
    report = _blind(desk, RiskOutcome.ACCOUNT_REFUSED, text)
    try:
        desk.store.strengthen(desk.settings.name, Mode.CANCEL_ONLY, reason=text, now_ms=desk.clock.now_ms())
        follow_episodes(desk, [key_refused(text, desk.seen_from())], None)
    except (Retryable, Fatal) as error:
        return replace(report, problems=(text, f"the mode could not be strengthened: {error}"))
    return report
