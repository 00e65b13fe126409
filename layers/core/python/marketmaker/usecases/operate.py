"""What an operator asks for: to let a halted account quote again, or one market of it."""

from dataclasses import dataclass

from marketmaker.domain.breaches import BreachKind
from marketmaker.domain.state import Control, Mode
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.ports import Alert, Severity
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import ACCOUNT_REFUSED, HALT_DELIVERY, RISK_KEY_REFUSED, deliver

_LOSSES = {BreachKind.DRAWDOWN, BreachKind.DAILY_LOSS}
_ENDED_BY_RESUMING = {ACCOUNT_REFUSED, RISK_KEY_REFUSED, *_LOSSES}
"""Episodes that stand for something a human has looked at before resuming; the next one is told anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """Who lets an account quote again, and why; with a symbol one market that was stopped alone."""

    account: AccountName
    reason: str
    requested_by: str
    symbol: Symbol | None = None


def resume(request: ResumeRequest, desk: Desk) -> Control:
    """Lift a halt: a manual act with a reason, recorded (S11).

    After a loss it is the re-arming too: the next check starts a new peak and a new day (R6).
    """
    if request.symbol is not None:
        return _resume_market(request, request.symbol, desk)
    reason = f"{request.reason} ({request.requested_by})"
    episodes = desk.store.read_account(request.account).episodes
    if _LOSSES & episodes.keys():
        desk.store.clear_peaks(request.account)
    control = desk.store.resume(request.account, reason=reason, now_ms=desk.clock.now_ms())
    for key in sorted(episodes):
        if key in _ENDED_BY_RESUMING or key.startswith(HALT_DELIVERY):
            desk.store.close_episode(request.account, key)
    desk.telemetry.record("resume", {"account": request.account, "reason": reason, "epoch": control.epoch})
    text = f"{request.account} resumed by {request.requested_by}: {request.reason}. Quoting starts again"
    deliver(desk, Alert(account=request.account, kind="resume", severity=Severity.INFO, text=text))
    return control


def _resume_market(request: ResumeRequest, symbol: Symbol, desk: Desk) -> Control:
    """End an operator's stop; what else restricts the market, or halts the account, stays."""
    reason = f"{request.reason} ({request.requested_by})"
    control = desk.store.resume_market(request.account, symbol, reason=reason, now_ms=desk.clock.now_ms())
    said = {"account": request.account, "symbol": symbol, "reason": reason, "epoch": control.epoch}
    desk.telemetry.record("resume", said)
    limit = control.limit_of(symbol)
    after = "Quoting starts again" if limit.mode is Mode.QUOTING else f"It is still {limit.mode.label}: {limit.reason}"
    text = f"{request.account} {symbol} resumed by {request.requested_by}: {request.reason}. {after}"
    deliver(desk, Alert(account=request.account, kind="resume", severity=Severity.INFO, text=text, symbol=symbol))
    return control
