"""Stop an account: set the flag → sweep → wait until nothing of ours can still arrive → sweep → two empty reads.

Nothing here needs the lease, the ledger or a working store: if the flag cannot be written the cancels run anyway, and
the flag is tried again (S11, R4, R5, R34).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketmaker.domain.orders import Order
from marketmaker.domain.state import Mode
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, MarketMakerError, Retryable
from marketmaker.ports import Alert, CancelResult, Deadline, HaltRequest, Severity
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import HALT_DELIVERY, deliver
from marketmaker.usecases.live_settings import in_force
from marketmaker.usecases.settle import settle

EMPTY_READS = 2
POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltReport:
    """What a halt did. `verified_s` is None while own orders may still be live: that needs a human."""

    account: AccountName
    flag_set: bool
    first_sweep_s: float | None
    verified_s: float | None
    orders_cancelled: int
    orders_left: int | None
    foreign_orders: int | None
    ledger_settled: bool
    problems: tuple[str, ...]

    def summary(self) -> Mapping[str, Any]:
        """Describe the halt in plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What a running halt knows so far."""

    started_ms: int
    flag_set: bool = False
    first_sweep_ms: int | None = None
    verified_ms: int | None = None
    cancelled: int = 0
    own_left: int | None = None
    foreign: int | None = None
    empty_reads: int = 0
    refused: bool = False
    ledger_settled: bool = False
    problems: list[str] | None = None

    def note(self, problem: str) -> None:
        """Remember a problem once."""
        self.problems = self.problems or []
        if problem not in self.problems:
            self.problems.append(problem)


def halt(request: HaltRequest, desk: Desk, deadline: Deadline) -> HaltReport:
    """Stop one account and verify that none of our orders is left; foreign orders are not touched.

    A message delivered twice sweeps twice, sets nothing anew, and is told once.
    """
    progress = _Progress(started_ms=desk.clock.now_ms())
    _set_flag(request, desk, progress)
    while progress.first_sweep_ms is None and not progress.refused and deadline.remaining_ms() > 0:
        _sweep(desk, progress, deadline)
    _wait_until_quiet(request, desk, progress, deadline)
    progress.empty_reads = 0
    while progress.flag_set and _is_open(progress) and deadline.remaining_ms() > 0:
        _sweep(desk, progress, deadline)
    if progress.empty_reads >= EMPTY_READS:
        progress.verified_ms = desk.clock.now_ms()
        _settle_ledger(desk, progress, deadline)
    report = _report(request, progress)
    desk.telemetry.record("halt", {**report.summary(), "reason": request.reason, "requested_by": request.requested_by})
    if report.verified_s is None or _is_first(request, desk):
        deliver(desk, _alert(request, report))
    return report


def _is_first(request: HaltRequest, desk: Desk) -> bool:
    """Tell whether this message was not told before; in doubt it is told again."""
    if request.delivery is None:
        return True
    key, text = f"{HALT_DELIVERY}{request.delivery}", f"{request.reason} ({request.requested_by})"
    try:
        return desk.store.open_episode(request.account, key, text=text, now_ms=desk.clock.now_ms())
    except (Retryable, Fatal):
        return True


def _is_open(progress: _Progress) -> bool:
    """Tell whether the verification may still succeed and has not yet."""
    return not progress.refused and progress.empty_reads < EMPTY_READS


def _set_flag(request: HaltRequest, desk: Desk, progress: _Progress) -> None:
    reason = f"{request.reason} ({request.requested_by})"
    try:
        desk.store.strengthen(request.account, Mode.HALTED, reason=reason, now_ms=desk.clock.now_ms())
        progress.flag_set = True
    except (Retryable, Fatal) as error:
        progress.note(f"the halt flag could not be written: {error}")


def _wait_until_quiet(request: HaltRequest, desk: Desk, progress: _Progress, deadline: Deadline) -> None:
    """Wait until no request of ours can still reach the venue: the lease is free or expired, and the TTL has passed.

    With the flag set no tick can claim; one that had claimed can still be sending until its lease ends.
    """
    quiet_ms = desk.clock.now_ms() + desk.settings.clocks.request_ttl_ms
    while deadline.remaining_ms() > 0:
        if not progress.flag_set:
            _set_flag(request, desk, progress)
            quiet_ms = desk.clock.now_ms() + desk.settings.clocks.request_ttl_ms
        elif desk.clock.now_ms() >= quiet_ms and _lease_is_over(desk, progress):
            return
        desk.clock.sleep(POLL_S)


def _lease_is_over(desk: Desk, progress: _Progress) -> bool:
    """Tell whether nobody may be creating orders; without the store, any lease has ended after its full length."""
    now_ms = desk.clock.now_ms()
    try:
        lease = desk.store.read_control(desk.settings.name).lease
    except (Retryable, Fatal):
        return now_ms >= progress.started_ms + desk.settings.clocks.lease_ms
    return lease is None or lease.expires_ms <= now_ms


def _sweep(desk: Desk, progress: _Progress, deadline: Deadline) -> None:
    """Cancel every own open order; an empty read counts towards the verification."""
    try:
        open_orders = desk.venue.open_orders(deadline)
    except MarketMakerError as error:
        progress.note(f"open orders could not be read: {error}")
        progress.empty_reads = 0
        progress.refused = isinstance(error, Fatal)
        desk.clock.sleep(POLL_S)
        return
    own = desk.own(open_orders)
    progress.own_left, progress.foreign = len(own), len(open_orders) - len(own)
    progress.empty_reads = 0 if own else progress.empty_reads + 1
    if own:
        _cancel(desk, own, progress, deadline)
    if progress.first_sweep_ms is None:
        progress.first_sweep_ms = desk.clock.now_ms()
    elif own:
        desk.clock.sleep(POLL_S)


def _cancel(desk: Desk, own: Sequence[Order], progress: _Progress, deadline: Deadline) -> None:
    try:
        outcomes = desk.venue.cancel(own, deadline)
    except MarketMakerError as error:
        progress.note(f"orders could not be cancelled: {error}")
        return
    for outcome in outcomes:
        if outcome.result is CancelResult.CANCELLED:
            progress.cancelled += 1
        elif outcome.result is CancelResult.FAILED:
            progress.note(f"order {outcome.order.venue_id} could not be cancelled: {outcome.reason}")


def _settle_ledger(desk: Desk, progress: _Progress, deadline: Deadline) -> None:
    """Book what filled before the stop; best effort, after the verification (R34)."""
    try:
        state = desk.store.read_account(desk.settings.name)
        desk = in_force(desk, state.control)
        desk.ensure_metadata(deadline)
        missing = []
        for settings in desk.settings.markets:
            if settings.symbol in state.markets:
                market = state.markets[settings.symbol]
                settled = settle(desk, settings, market, (), deadline, read_trades=True)
                desk.store.save_market(desk.settings.name, settled.market)
                missing += [settled.missing] if settled.missing else []
    except MarketMakerError as error:
        progress.note(f"the ledger is not settled: {error}")
        return
    for text in missing:
        progress.note(text)
    progress.ledger_settled = not missing


def _report(request: HaltRequest, progress: _Progress) -> HaltReport:
    return HaltReport(
        account=request.account,
        flag_set=progress.flag_set,
        first_sweep_s=_seconds(progress.first_sweep_ms, progress.started_ms),
        verified_s=_seconds(progress.verified_ms, progress.started_ms),
        orders_cancelled=progress.cancelled,
        orders_left=progress.own_left,
        foreign_orders=progress.foreign,
        ledger_settled=progress.ledger_settled,
        problems=tuple(progress.problems or ()),
    )


def _seconds(moment_ms: int | None, started_ms: int) -> float | None:
    return None if moment_ms is None else (moment_ms - started_ms) / 1000


def _alert(request: HaltRequest, report: HaltReport) -> Alert:
    why = f"{request.account} halted by {request.requested_by}: {request.reason}."
    if report.verified_s is not None:
        done = f"{report.orders_cancelled} orders cancelled, none left after {report.verified_s:.1f} s."
        return Alert(
            account=request.account,
            kind="halt",
            severity=Severity.CRITICAL,
            text=f"{why} {done} `mm resume` lifts it",
        )
    left = "unknown" if report.orders_left is None else str(report.orders_left)
    return Alert(
        account=request.account,
        kind="halt",
        severity=Severity.CRITICAL,
        text=f"{why} NOT VERIFIED, own orders left: {left}. Cancel by hand at the venue. {'; '.join(report.problems)}",
    )
