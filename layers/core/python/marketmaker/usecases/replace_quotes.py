"""One tick of an account: claim → observe → book → value → plan → act → record (architecture, "One tick").

Duplicate, late and overlapping ticks change nothing; whatever the venue answers, a tick returns normally. Only a defect
raises. Then, and when the store does not answer, the lease is left to expire: no other tick may start while a request
of this one can still be alive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeIs

from marketmaker.domain.quoting import NoQuotesReason, Quotes
from marketmaker.domain.risk import BreachKind
from marketmaker.domain.state import BookMark, Control, MarketState, Mode
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.errors import AccountRefused, Conflict, Refused, Retryable, StateUnreachable
from marketmaker.ports import CancelResult, ClaimRefusal, Deadline, PlaceOutcome, Rejected, RejectionKind
from marketmaker.usecases.act import ActedMarket, PlannedMarket, act
from marketmaker.usecases.decide import DecidedMarket, compare_ledger, decide_market, prepare_all
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import ACCOUNT_REFUSED, VENUE_UNREACHABLE, Condition, follow_episodes
from marketmaker.usecases.observe import observe
from marketmaker.usecases.reports import MarketReport, TickOutcome, TickReport

UNREACHABLE_TICKS_UNTIL_ALERT = 3
FULL_RECORD_EVERY = 60
"""Every so many slots a quiet tick writes its full record too."""

_ALERTED: Mapping[NoQuotesReason, str] = {
    NoQuotesReason.PRICE_OUTSIDE_BAND: BreachKind.PRICE_BAND,
    NoQuotesReason.LEDGER_DIFFERS: "ledger_difference",
    NoQuotesReason.BOOK_STALE: BreachKind.STALE_BOOK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One scheduled moment of an account: the identity of the work."""

    account: AccountName
    slot_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refreshed:
    """What the release writes back to the control item."""

    book_marks: Mapping[Symbol, BookMark]
    differing: Mapping[Asset, int]
    unreachable_ticks: int


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
    return _finish(desk, replace(report, lag_ms=max(0, lag_ms)))


def _claim_and_work(desk: Desk, tick: Tick, owner: str, now_ms: int) -> TickReport:
    clocks = desk.settings.clocks
    deadline = Deadline(at_ms=now_ms + clocks.function_timeout_ms, clock=desk.clock)
    try:
        claim = desk.store.claim(
            tick.account, slot_ms=tick.slot_ms, owner=owner, now_ms=now_ms, lease_ms=clocks.lease_ms
        )
        if isinstance(claim, ClaimRefusal):
            return _report(desk, tick, TickOutcome(claim.value))
        report, refreshed = _work_or_halt(desk, tick, claim, deadline)
        desk.store.release(
            tick.account,
            owner=owner,
            book_marks=refreshed.book_marks,
            differing=refreshed.differing,
            unreachable_ticks=refreshed.unreachable_ticks,
        )
    except Retryable as error:
        return _report(desk, tick, TickOutcome.STATE_UNREACHABLE, detail=str(error))
    return report


def _work_or_halt(desk: Desk, tick: Tick, control: Control, deadline: Deadline) -> tuple[TickReport, _Refreshed]:
    try:
        return _work(desk, tick, control, deadline)
    except AccountRefused as error:
        return _refuse(desk, tick, str(error)), _unchanged(control)


def _work(desk: Desk, tick: Tick, control: Control, deadline: Deadline) -> tuple[TickReport, _Refreshed]:
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
    markets = _carry_out(desk, decided, control, tick.slot_ms, deadline)
    follow_episodes(desk, _conditions(markets), seen.state.episodes)
    report = _report(desk, tick, TickOutcome.DONE, markets=markets)
    report = replace(report, strays_cancelled=sum(each.result is CancelResult.CANCELLED for each in stray_cancels))
    refused = [each.reason for market in markets for each in market.places if _is_fatal(each)]
    if refused:
        report = replace(_refuse(desk, tick, refused[0]), markets=markets, strays_cancelled=report.strays_cancelled)
    return report, _Refreshed(book_marks=seen.marks, differing=differing, unreachable_ticks=0)


def _carry_out(
    desk: Desk, decided: Sequence[DecidedMarket], control: Control, slot_ms: int, deadline: Deadline
) -> tuple[MarketReport, ...]:
    """Act on the markets that have opened, write what changed, and report on all."""
    planned = {
        each.prepared.settings.symbol: PlannedMarket(
            number=each.prepared.settings.number, market=each.prepared.market, plan=each.decision.plan
        )
        for each in decided
        if each.prepared.market is not None
    }
    acted = dict(zip(planned, act(desk, list(planned.values()), control, slot_ms, deadline), strict=True))
    for each in decided:
        done = acted.get(each.prepared.settings.symbol)
        if done is not None and done.market != each.prepared.stored:
            _save(desk, done.market)
    return tuple(_market_report(each, acted.get(each.prepared.settings.symbol)) for each in decided)


def _market_report(each: DecidedMarket, acted: ActedMarket | None) -> MarketReport:
    report = MarketReport(situation=each.situation, decision=each.decision)
    if acted is None:
        return report
    return replace(
        report,
        booked=each.prepared.booked,
        cancels=acted.cancels,
        places=acted.places,
        held_back=acted.held_back,
    )


def _save(desk: Desk, market: MarketState) -> None:
    """Write a market's item; losing to another writer is harmless: the next tick adopts its live orders.

    But an unknown create would be forgotten: that is a defect, and the lease outlives the request (R1).
    """
    try:
        desk.store.save_market(desk.settings.name, market)
    except Conflict:
        if market.unresolved:
            raise


def _unreachable(desk: Desk, tick: Tick, control: Control, reason: str) -> tuple[TickReport, _Refreshed]:
    ticks = control.unreachable_ticks + 1
    if ticks == UNREACHABLE_TICKS_UNTIL_ALERT:
        condition = Condition(
            kind=VENUE_UNREACHABLE,
            symbol=None,
            text=f"the venue cannot be read: {reason}. No new orders until it answers",
        )
        follow_episodes(desk, [condition], frozenset())
    report = _report(desk, tick, TickOutcome.VENUE_UNREACHABLE, detail=reason)
    return report, replace(_unchanged(control), unreachable_ticks=ticks)


def _refuse(desk: Desk, tick: Tick, reason: str) -> TickReport:
    """Halt the account: the venue refuses it, and every further request would be refused too."""
    text = f"the venue refuses the account: {reason}"
    desk.store.strengthen(desk.settings.name, Mode.HALTED, reason=text, now_ms=desk.clock.now_ms())
    advice = "halted; run `mm keys check`, look at open orders by hand, then `mm resume`"
    follow_episodes(desk, [Condition(kind=ACCOUNT_REFUSED, symbol=None, text=f"{text}. {advice}")], frozenset())
    return _report(desk, tick, TickOutcome.ACCOUNT_REFUSED, detail=text)


def _conditions(markets: Sequence[MarketReport]) -> list[Condition]:
    """Say which alerted conditions hold and which are over: one is over once its market passes every guard again."""
    conditions = [Condition(kind=kind, symbol=None, text=None) for kind in (VENUE_UNREACHABLE, ACCOUNT_REFUSED)]
    for market in markets:
        if isinstance(market.desired, Quotes):
            conditions += [Condition(kind=kind, symbol=market.symbol, text=None) for kind in _ALERTED.values()]
        elif market.desired.reason in _ALERTED:
            text = f"{market.desired.detail}. Our orders are cancelled, none placed until it is over"
            conditions.append(Condition(kind=_ALERTED[market.desired.reason], symbol=market.symbol, text=text))
    return conditions


def _is_fatal(outcome: PlaceOutcome) -> TypeIs[Rejected]:
    return isinstance(outcome, Rejected) and outcome.kind is RejectionKind.FATAL


def _unchanged(control: Control) -> _Refreshed:
    return _Refreshed(
        book_marks=control.book_marks, differing=control.differing, unreachable_ticks=control.unreachable_ticks
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
    desk.telemetry.record("tick", report.record(in_full=in_full))
    desk.telemetry.count(desk.settings.name, {f"ticks_{report.outcome}": 1, **report.counts()})
    return report
