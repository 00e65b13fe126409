"""What an operator asks for: to let a halted account quote again."""

from dataclasses import dataclass

from marketmaker.domain.risk import BreachKind
from marketmaker.domain.state import Control
from marketmaker.domain.units import AccountName
from marketmaker.ports import Alert, Severity
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import ACCOUNT_REFUSED, HALT_DELIVERY, RISK_KEY_REFUSED, deliver

_ENDED_BY_RESUMING = {ACCOUNT_REFUSED, RISK_KEY_REFUSED, BreachKind.DRAWDOWN}
"""Episodes that stand for something a human has looked at before resuming; the next one is told anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """Who lets an account quote again, and why."""

    account: AccountName
    reason: str
    requested_by: str


def resume(request: ResumeRequest, desk: Desk) -> Control:
    """Lift a halt: a manual act with a reason, recorded (S11).

    After a drawdown it is the re-arming too: the next check starts a new peak (R6).
    """
    reason = f"{request.reason} ({request.requested_by})"
    episodes = desk.store.read_account(request.account).episodes
    if BreachKind.DRAWDOWN in episodes:
        desk.store.clear_peaks(request.account)
    control = desk.store.resume(request.account, reason=reason, now_ms=desk.clock.now_ms())
    for key in sorted(episodes):
        if key in _ENDED_BY_RESUMING or key.startswith(HALT_DELIVERY):
            desk.store.close_episode(request.account, key)
    desk.telemetry.record("resume", {"account": request.account, "reason": reason, "epoch": control.epoch})
    text = f"{request.account} resumed by {request.requested_by}: {request.reason}. Quoting starts again"
    deliver(desk, Alert(account=request.account, kind="resume", severity=Severity.INFO, text=text))
    return control
