"""What a risk check does about what it found; whatever the venue or the store does, the rest goes on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from marketmaker.domain.assessment import Assessment
from marketmaker.domain.breaches import Breach
from marketmaker.domain.orders import Order
from marketmaker.domain.responses import Verdict
from marketmaker.domain.state import AccountState, Control, Mode, Restriction
from marketmaker.domain.units import Symbol
from marketmaker.errors import Conflict, Fatal, MarketMakerError, Retryable
from marketmaker.ports import CancelResult, Deadline, HaltRequest, HaltRequests
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import Condition, follow_episodes
from marketmaker.usecases.risk_look import Sight

REQUESTED_BY = "check_risk"


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a running check has done so far."""

    cancelled: int = 0
    failed: list[str] = field(default_factory=list)
    halt_requested: bool = False
    lifted: list[Symbol] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lost_state: bool = False

    def lose_state(self, what: str, error: MarketMakerError) -> None:
        """Remember what the store did not do."""
        self.lost_state = True
        self.problems.append(f"{what}: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One check: with what, of what, and how far it has come."""

    desk: Desk
    deadline: Deadline
    sight: Sight
    progress: Progress


def strengthen(case: Case, verdict: Verdict, control: Control) -> Control:
    """Halt the account or restrict its markets; cancels go on if the store does not take it."""
    store, name, now_ms = case.desk.store, case.desk.settings.name, case.sight.now_ms
    try:
        if verdict.halts:
            reason = f"{_reason(verdict.halts)} ({REQUESTED_BY})"
            return store.strengthen(name, Mode.HALTED, reason=reason, now_ms=now_ms)
        for symbol in case.desk.settings.symbols:
            restriction = verdict.restriction(symbol, case.desk.settings.risk, now_ms)
            if restriction is not None and restriction.exceeds(control.restrictions.get(symbol)):
                control = store.restrict(name, symbol, restriction)
    except (Retryable, Fatal) as error:
        case.progress.lose_state("the mode could not be strengthened", error)
    return control


def cancel(case: Case, orders: Sequence[Order]) -> None:
    """Cancel in one round; what fails is tried again by the next check."""
    if not orders:
        return
    try:
        outcomes = case.desk.venue.cancel(orders, case.deadline)
    except MarketMakerError as error:
        case.progress.failed += [f"{order.venue_id}: {error}" for order in orders]
        return
    case.progress.cancelled = sum(outcome.result is CancelResult.CANCELLED for outcome in outcomes)
    case.progress.failed += [
        f"{outcome.order.venue_id}: {outcome.reason}" for outcome in outcomes if outcome.result is CancelResult.FAILED
    ]


def request_halt(case: Case, verdict: Verdict, halts: HaltRequests) -> None:
    """Ask the halt function to sweep again and to verify; what could be done here is done already."""
    if not verdict.halts:
        return
    name = case.desk.settings.name
    try:
        halts.request(HaltRequest(account=name, reason=_reason(verdict.halts), requested_by=REQUESTED_BY))
        case.progress.halt_requested = True
    except MarketMakerError as error:
        case.progress.problems.append(f"the halt could not be requested, so it is not verified: {error}")


def tell(case: Case, state: AccountState, conditions: Iterable[Condition]) -> None:
    """Follow the episodes of what is and what is over."""
    try:
        follow_episodes(case.desk, conditions, state.episodes)
    except (Retryable, Fatal) as error:
        case.progress.lose_state("alerts could not be noted", error)


def keep_marks(case: Case, assessment: Assessment) -> None:
    """Keep new peaks and the first equities of a day, and tell the other accounts of the portfolio what is held."""
    store, name = case.desk.store, case.desk.settings.name
    try:
        if assessment.new_peaks:
            store.raise_peaks(name, assessment.new_peaks)
        if assessment.new_days:
            store.keep_days(name, assessment.new_days)
        if case.desk.settings.portfolio is not None:
            store.tell_exposure(assessment.exposure)
    except (Retryable, Fatal) as error:
        case.progress.lose_state("the peak equity could not be kept", error)


def relax(case: Case, control: Control, milder: Mapping[Symbol, Restriction | None]) -> Control:
    """Lift restrictions, or leave milder ones, while nothing but this has changed since the state was read."""
    store, name = case.desk.store, case.desk.settings.name
    try:
        for symbol, left in milder.items():
            control = store.lift(name, symbol, epoch=control.epoch)
            if left is None:
                case.progress.lifted.append(symbol)
            else:
                control = store.restrict(name, symbol, left)
    except Conflict as error:
        case.progress.problems.append(f"lifting is left to the next check: {error}")
    except (Retryable, Fatal) as error:
        case.progress.lose_state("a restriction could not be lifted", error)
    return control


def _reason(breaches: Iterable[Breach]) -> str:
    return "; ".join(map(str, breaches))
