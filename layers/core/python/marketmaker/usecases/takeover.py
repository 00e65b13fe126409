"""A standby takes an account over from a primary whose region does not answer (S13).

Cancel the account's orders with the standby's own key → fence: the primary's venue key is disabled, by a human at the
venue → wait until nothing that was signed with it can still arrive → verify by two empty reads → rebuild from the
venue → arm. Nothing of the primary is asked. A drill ends before the arming, and writes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from marketmaker.domain.orders import Order
from marketmaker.domain.state import Mode
from marketmaker.domain.units import AccountName
from marketmaker.errors import AccountRefused, MarketMakerError, Refused
from marketmaker.ports import Alert, Deadline, Observation, Severity, Unknown, Venue
from marketmaker.usecases.decide import prepare_all
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import deliver
from marketmaker.usecases.observe import observe
from marketmaker.usecases.sweeper import Sweeper

FENCE_POLL_S = 2.0
_TAGGED = ("mm", 17)
"""How a client order id of this product starts, and how long it is."""


class Schedules(Protocol):
    """What lets a standby's functions run."""

    def enable(self, account: AccountName) -> None:
        """Switch the account's ticks, checks and alarms on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """How it is known that the primary's key is disabled.

    `confirmed_key` is its id, typed by the operator who disabled it. With `primary`, the venue as that key sees it, the
    venue itself is asked until it refuses the key.
    """

    confirmed_key: str | None = None
    primary: Venue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverRequest:
    """Who takes which account over, and why; a drill arms nothing."""

    account: AccountName
    reason: str
    requested_by: str
    fence: Fence
    is_drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverReport:
    """What a takeover did: each step with the seconds from the start to its end, in order, as far as it came."""

    account: AccountName
    is_drill: bool
    is_done: bool
    armed: bool
    fence: str
    steps: Mapping[str, float]
    orders_cancelled: int
    orders_left: int | None
    foreign_orders: int | None
    markets: tuple[str, ...]
    problems: tuple[str, ...]

    def summary(self) -> Mapping[str, Any]:
        """Describe it in plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, kw_only=True)
class _Takeover:
    """A running takeover, and how far it has come."""

    request: TakeoverRequest
    desk: Desk
    deadline: Deadline
    sweeper: Sweeper
    started_ms: int
    fence: str = "not confirmed"
    steps: dict[str, float] = field(default_factory=dict)
    markets: tuple[str, ...] = ()
    armed: bool = False

    def end(self, step: str) -> None:
        """Note that a step has ended."""
        self.steps[step] = (self.desk.clock.now_ms() - self.started_ms) / 1000

    @property
    def is_late(self) -> bool:
        """Tell whether the time is over."""
        return self.deadline.remaining_ms() <= 0


def take_over(
    request: TakeoverRequest, desk: Desk, schedules: Schedules, deadline: Deadline, tell: Callable[[str], None]
) -> TakeoverReport:
    """Take an account over, or show in a drill that it can be; what could not be done ends it, and nothing is armed.

    Raises:
        Refused: the account is no standby's, or has been taken over already.
    """
    _require_standby(desk)
    sweeper = Sweeper(desk=desk, deadline=deadline)
    work = _Takeover(request=request, desk=desk, deadline=deadline, sweeper=sweeper, started_ms=desk.clock.now_ms())
    for step, do in (
        ("cancelled", _cancel),
        ("fenced", _fence),
        ("waited", _wait),
        ("verified", _verify),
        ("rebuilt", _rebuild),
        *(() if request.is_drill else (("armed", lambda each: _arm(each, schedules)),)),
    ):
        tell(step)
        try:
            is_done = do(work)
        except MarketMakerError as error:
            sweeper.note(f"{step}: {error}")
            is_done = False
        if not is_done:
            break
        work.end(step)
    report = _report(work)
    desk.telemetry.record("takeover", {**report.summary(), "reason": request.reason, "by": request.requested_by})
    deliver(desk, _alert(request, report))
    return report


def _require_standby(desk: Desk) -> None:
    name = desk.settings.name
    if not desk.settings.is_standby:
        raise Refused(f"{name} is no standby: its deployment file says no `standby_of`")
    if desk.store.read_control(name).armed_ms:
        raise Refused(f"{name} has been taken over already")


def _cancel(work: _Takeover) -> bool:
    """Cancel at once: whatever the primary does, it quotes no longer than its key works."""
    sweeper = work.sweeper
    while not work.is_late and not sweeper.refused:
        if sweeper.sweep():
            break
        sweeper.pause()
    return sweeper.own_left is not None


def _fence(work: _Takeover) -> bool:
    """Make sure that the primary signs nothing any more; what it places until then is cancelled by the next sweeps."""
    fence = work.request.fence
    if fence.primary is not None:
        return _fenced_by_the_venue(work, fence.primary)
    if fence.confirmed_key:
        work.fence = f"confirmed by {work.request.requested_by} for the key {fence.confirmed_key}, not verified"
        return True
    if work.request.is_drill:
        work.sweeper.note("the fence was left out: nobody confirmed that the primary's key is disabled")
        return True
    work.sweeper.note("the primary's venue key is not confirmed to be disabled")
    return False


def _fenced_by_the_venue(work: _Takeover, primary: Venue) -> bool:
    clock = work.desk.clock
    while not work.is_late:
        try:
            primary.open_orders(work.deadline)
        except AccountRefused:
            work.fence = "verified: the venue refuses the primary's key"
            return True
        except MarketMakerError as error:
            work.sweeper.note(f"the venue did not tell whether it takes the primary's key: {error}")
        else:
            work.sweeper.note("the venue took the primary's key: disable it there")
        work.sweeper.sweep()
        clock.sleep(FENCE_POLL_S)
    return False


def _wait(work: _Takeover) -> bool:
    """Wait out what was signed before the fence, and the venue's own switch: it cancels what is placed meanwhile."""
    clocks, clock = work.desk.settings.clocks, work.desk.clock
    wait_ms = max(work.desk.settings.switch_ms or 0, clocks.lease_ms + clocks.request_ttl_ms)
    if wait_ms > work.deadline.remaining_ms():
        work.sweeper.note(f"no time left to wait {wait_ms / 1000:g} s for what the primary had signed")
        return False
    clock.sleep(wait_ms / 1000)
    return True


def _verify(work: _Takeover) -> bool:
    sweeper = work.sweeper
    sweeper.start_counting()
    while not work.is_late and not sweeper.refused and not sweeper.is_empty:
        sweeper.pause()
        sweeper.sweep()
    return sweeper.is_empty


def _rebuild(work: _Takeover) -> bool:
    """Open the ledger anew from what the venue holds, as a first tick does; a drill only reads it."""
    desk, deadline = work.desk, work.deadline
    desk.ensure_metadata(deadline)
    control = desk.store.read_control(desk.settings.name)
    seen = observe(desk, control, deadline)
    _note_strangers(work, seen.open_orders)
    if work.request.is_drill:
        return _can_be_read(work, seen.observation)
    prepared = prepare_all(desk, seen, deadline)
    unread = [each for each in prepared if each.obstacle is not None]
    for each in unread:
        work.sweeper.note(f"{each.settings.symbol}: {'' if each.obstacle is None else each.obstacle.detail}")
    work.markets = tuple(each.settings.symbol for each in prepared if each.obstacle is None)
    return not unread


def _can_be_read(work: _Takeover, observation: Observation) -> bool:
    parts: dict[str, object] = {"balances": observation.balances}
    parts |= {str(symbol): each for symbol, each in observation.books.items()}
    parts |= {f"the position in {symbol}": each for symbol, each in observation.positions.items()}
    unknown = {name: each.reason for name, each in parts.items() if isinstance(each, Unknown)}
    for name, reason in unknown.items():
        work.sweeper.note(f"{name}: {reason}")
    work.markets = tuple(symbol for symbol in work.desk.settings.symbols if symbol not in unknown)
    return not unknown


def _note_strangers(work: _Takeover, open_orders: Sequence[Order]) -> None:
    """Say where orders of another deployment rest: with a tag of its own a standby cannot cancel its primary's."""
    prefix, length = _TAGGED
    own = {each.venue_id for each in work.desk.own(open_orders)}
    ids = [each.client_id or "" for each in open_orders if each.venue_id not in own]
    tags = sorted(
        {each[len(prefix) : len(prefix) + 3] for each in ids if each.startswith(prefix) and len(each) == length}
    )
    if tags:
        work.sweeper.note(f"orders with the tags {', '.join(tags)} rest: a standby needs its primary's tag")


def _arm(work: _Takeover, schedules: Schedules) -> bool:
    desk, request = work.desk, work.request
    now_ms, reason = desk.clock.now_ms(), f"takeover: {request.reason} ({request.requested_by})"
    schedules.enable(request.account)  # first: without the arming below nothing of it does anything
    desk.store.strengthen(request.account, Mode.HALTED, reason=reason, now_ms=now_ms)  # so that the reason is kept
    desk.store.resume(request.account, reason=reason, now_ms=now_ms)
    desk.store.arm(request.account, now_ms=now_ms)
    work.armed = True
    return True


def _report(work: _Takeover) -> TakeoverReport:
    request, sweeper = work.request, work.sweeper
    return TakeoverReport(
        account=request.account,
        is_drill=request.is_drill,
        is_done=("rebuilt" if request.is_drill else "armed") in work.steps,
        armed=work.armed,
        fence=work.fence,
        steps=work.steps,
        orders_cancelled=sweeper.cancelled,
        orders_left=sweeper.own_left,
        foreign_orders=sweeper.foreign,
        markets=work.markets,
        problems=tuple(sweeper.problems),
    )


def _alert(request: TakeoverRequest, report: TakeoverReport) -> Alert:
    what = "takeover drill" if request.is_drill else "takeover"
    said = f"{request.account}: {what} by {request.requested_by}: {request.reason}."
    if report.is_done:
        last_s = max(report.steps.values())
        end = "it could be armed" if request.is_drill else "it quotes from the next minute on"
        done = f"{report.orders_cancelled} orders cancelled, none left; {end}, {last_s:.1f} s"
        text = f"{said} {done}. Fence: {report.fence}"
    else:
        done = ", ".join(report.steps) or "nothing"
        text = f"{said} NOT DONE, only: {done}. {'; '.join(report.problems)}"
    severity = Severity.INFO if report.is_done and request.is_drill else Severity.CRITICAL
    return Alert(account=request.account, kind="takeover", severity=severity, text=text)
