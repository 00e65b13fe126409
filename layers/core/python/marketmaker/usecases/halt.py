"""Stop an account or one market, and verify that nothing of ours is left.

Set the flag → sweep → wait until nothing of ours can still arrive → sweep → two empty reads.

Nothing here needs the lease, the ledger or a working store: if the flag cannot be written the cancels run anyway, and
the flag is tried again (S11, R4, R5, R34).
"""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from marketmaker.domain.state import Control, Mode
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Fatal, MarketMakerError, Retryable
from marketmaker.ports import Alert, Deadline, HaltRequest, Severity
from marketmaker.usecases import rate_limits
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import HALT_DELIVERY, deliver, tell_once
from marketmaker.usecases.live_settings import in_force
from marketmaker.usecases.settle import settle
from marketmaker.usecases.sweeper import POLL_MS, Sweeper

FLAG_WAIT_S = 1.0
"""How long the first cancels wait for the flag: tables that hang must not keep orders on the venue."""
UNFLAGGED_SWEEP_MS = 2_000
"""While the flag cannot be set ticks may go on creating, so the sweeps go on too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltReport:
    """What a halt did. `verified_s` is None while own orders may still be live: that needs a human.

    `emptied_s` is after how long two reads in a row showed none of ours; without the flag it proves nothing for later.
    """

    account: AccountName
    symbol: Symbol | None = None
    flag_set: bool
    first_sweep_s: float | None
    emptied_s: float | None = None
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
class _Halt:
    """A running halt: with what, for whom, and what it knows so far."""

    request: HaltRequest
    desk: Desk
    deadline: Deadline
    sweeper: Sweeper
    started_ms: int
    flag_set: bool = False
    lease_owner: str | None = None
    known_until_ms: int = 0
    first_sweep_ms: int | None = None
    verified_ms: int | None = None
    ledger_settled: bool = False
    setting: Future[Control] | None = None

    def set_flag(self, wait_s: float | None = None) -> None:
        """Set the flag beside everything else, and wait so long for it; what was begun is not begun again."""
        if self.setting is None:
            self.setting = self.desk.alongside.submit(self._write_flag)
        try:
            control = self.setting.result(wait_s)
        except TimeoutError:
            self.sweeper.note("the halt flag is not written yet: the tables do not answer")
            return
        except (Retryable, Fatal) as error:
            self.sweeper.note(f"the halt flag could not be written: {error}")
            self.setting = None
            return
        self.flag_set = True
        self.lease_owner = None if control.lease is None else control.lease.owner
        self.known_until_ms = control.blocked_until_ms
        if control.blocked_until_ms > self.desk.clock.now_ms():
            self.desk.venue.block_until(control.blocked_until_ms, is_ban=control.is_banned)

    def _write_flag(self) -> Control:
        request, store, now_ms = self.request, self.desk.store, self.desk.clock.now_ms()
        reason = f"{request.reason} ({request.requested_by})"
        if request.symbol is None:
            return store.strengthen(request.account, Mode.HALTED, reason=reason, now_ms=now_ms)
        return store.stop_market(request.account, request.symbol, reason=reason, now_ms=now_ms)


def halt(request: HaltRequest, desk: Desk, deadline: Deadline) -> HaltReport:
    """Stop an account or one market and verify that none of our orders is left; foreign orders are not touched.

    A message delivered twice sweeps twice, sets nothing anew, and is told once.
    """
    sweeper = Sweeper(desk=desk, deadline=deadline, symbol=request.symbol)
    work = _Halt(request=request, desk=desk, deadline=deadline, sweeper=sweeper, started_ms=desk.clock.now_ms())
    work.set_flag(FLAG_WAIT_S)
    while work.first_sweep_ms is None and not sweeper.refused and deadline.remaining_ms() > 0:
        _sweep(work)
        if work.first_sweep_ms is None:
            sweeper.pause()
            if not work.flag_set:
                work.set_flag(0)
    _wait_until_quiet(work)
    sweeper.start_counting()
    while work.flag_set and not sweeper.refused and not sweeper.is_empty and deadline.remaining_ms() > 0:
        sweeper.pause()
        _sweep(work)
    if work.flag_set and sweeper.is_empty:
        work.verified_ms = desk.clock.now_ms()
        _settle_ledger(work)
    problem = rate_limits.share(desk, work.known_until_ms)
    if problem is not None:
        sweeper.note(problem)
    report = _report(work)
    desk.telemetry.record("halt", {**report.summary(), "reason": request.reason, "requested_by": request.requested_by})
    if report.verified_s is None or request.delivery is None:
        deliver(desk, _alert(request, report))
    else:
        tell_once(desk, f"{HALT_DELIVERY}{request.delivery}", _alert(request, report))
    return report


def _sweep(work: _Halt) -> None:
    if work.sweeper.sweep() and work.first_sweep_ms is None:
        work.first_sweep_ms = work.desk.clock.now_ms()


def _wait_until_quiet(work: _Halt) -> None:
    """Wait until no request of ours can still reach the venue: the lease is free or expired, and the TTL has passed.

    With the flag set no tick can claim; one that had claimed can still be sending until its lease ends. What could not
    be cancelled is tried again meanwhile, and without the flag everything is.
    """
    desk, sweeper = work.desk, work.sweeper
    quiet_ms = swept_ms = desk.clock.now_ms()
    quiet_ms += desk.settings.clocks.request_ttl_ms
    while work.deadline.remaining_ms() > 0 and not (work.flag_set and sweeper.refused):
        now_ms = desk.clock.now_ms()
        if not work.flag_set:
            work.set_flag(0)
            quiet_ms = desk.clock.now_ms() + desk.settings.clocks.request_ttl_ms
        elif now_ms >= quiet_ms and _lease_is_over(work):
            return
        if sweeper.is_due or (not work.flag_set and now_ms >= swept_ms + UNFLAGGED_SWEEP_MS):
            _sweep(work)
            swept_ms = desk.clock.now_ms()
        desk.clock.sleep(POLL_MS / 1000)


def _lease_is_over(work: _Halt) -> bool:
    """Tell whether nobody may be creating orders by what was true before the flag.

    Without the store, any lease has ended after its full length. Of a market that is stopped another tick may hold the
    lease by now: it knows the stop.
    """
    desk, now_ms = work.desk, work.desk.clock.now_ms()
    try:
        lease = desk.store.read_control(desk.settings.name).lease
    except (Retryable, Fatal):
        return now_ms >= work.started_ms + desk.settings.clocks.lease_ms
    return lease is None or lease.expires_ms <= now_ms or lease.owner != work.lease_owner


def _settle_ledger(work: _Halt) -> None:
    """Book what filled before the stop; best effort, after the verification (R34)."""
    desk, deadline = work.desk, work.deadline
    try:
        state = desk.store.read_account(desk.settings.name)
        desk = in_force(desk, state.control)
        desk.ensure_metadata(deadline)
        missing = []
        for settings in desk.settings.markets:
            if settings.symbol in state.markets and work.request.symbol in {None, settings.symbol}:
                market = state.markets[settings.symbol]
                settled = settle(desk, settings, market, (), deadline, read_trades=True)
                desk.store.save_market(desk.settings.name, settled.market)
                missing += [settled.missing] if settled.missing else []
    except MarketMakerError as error:
        work.sweeper.note(f"the ledger is not settled: {error}")
        return
    for text in missing:
        work.sweeper.note(text)
    work.ledger_settled = not missing


def _report(work: _Halt) -> HaltReport:
    sweeper = work.sweeper
    return HaltReport(
        account=work.request.account,
        symbol=work.request.symbol,
        flag_set=work.flag_set,
        first_sweep_s=_seconds(work.first_sweep_ms, work.started_ms),
        emptied_s=_seconds(sweeper.emptied_ms, work.started_ms),
        verified_s=_seconds(work.verified_ms, work.started_ms),
        orders_cancelled=sweeper.cancelled,
        orders_left=sweeper.own_left,
        foreign_orders=sweeper.foreign,
        ledger_settled=work.ledger_settled,
        problems=tuple(sweeper.problems),
    )


def _seconds(moment_ms: int | None, started_ms: int) -> float | None:
    return None if moment_ms is None else (moment_ms - started_ms) / 1000


def _alert(request: HaltRequest, report: HaltReport) -> Alert:
    """Say what happened, what was done and what to do, the details last: a phone shows the beginning."""
    what = request.account if request.symbol is None else f"{request.account} {request.symbol}"
    why = f"{what} halted by {request.requested_by}: {request.reason}."
    if report.verified_s is not None:
        lift = "mm resume" if request.symbol is None else f"mm resume --market {request.symbol}"
        done = (
            f"{report.orders_cancelled} orders cancelled, none left after {report.verified_s:.1f} s. `{lift}` lifts it"
        )
    elif report.emptied_s is not None:
        done = (
            f"NOT VERIFIED: none of our orders rested after {report.emptied_s:.1f} s, but the halt flag is not set, so "
            f"ticks may quote again. Disable the trade key at the venue. {'; '.join(report.problems)}"
        )
    else:
        left = "unknown" if report.orders_left is None else str(report.orders_left)
        done = f"NOT VERIFIED, own orders left: {left}. Cancel by hand at the venue. {'; '.join(report.problems)}"
    return Alert(
        account=request.account,
        kind="halt",
        severity=Severity.CRITICAL,
        text=f"{why} {done}",
        symbol=request.symbol,
    )
