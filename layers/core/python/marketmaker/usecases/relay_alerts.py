"""Deliver the messages of the alert topics to one hook (S12, R27).

Every hook has a function of its own, so one that fails keeps no other from being told, and what is tried again is its
own delivery alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from marketmaker.domain.hooks import HookSettings
from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import HookSecrets, HookSender, Notice, Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayDesk:
    """One hook with what delivers to it; `own_alarms` is what the names of its function's own alarms start with."""

    hook: HookSettings
    own_alarms: str
    secrets: HookSecrets
    sender: HookSender
    telemetry: Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayReport:
    """What became of an event's messages, by their ids."""

    delivered: tuple[str, ...]
    left_out: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Describe it in plain values."""
        return {"delivered": list(self.delivered), "left_out": list(self.left_out)}


def relay_alerts(notices: Iterable[Notice], desk: RelayDesk) -> RelayReport:
    """Deliver every notice that the hook wants; whoever invoked this tries a failure again.

    The alarms of the hook's own function are left out: the hook that they are about is the one that would not tell.

    Raises:
        Retryable, Refused, Fatal: the first failure, once all were tried.
    """
    delivered: list[str] = []
    left_out: list[str] = []
    failures: list[MarketMakerError] = []
    for notice in notices:
        if not _is_for(notice, desk):
            left_out.append(notice.delivery)
            continue
        try:
            desk.sender.send(desk.hook.kind, desk.secrets.read(desk.hook), notice)
        except (Retryable, Refused, Fatal) as error:
            failures.append(error)
            _record(desk, "alert_not_relayed", notice, reason=str(error))
        else:
            delivered.append(notice.delivery)
            _record(desk, "alert_relayed", notice)
    if failures:
        raise failures[0]
    return RelayReport(delivered=tuple(delivered), left_out=tuple(left_out))


def _is_for(notice: Notice, desk: RelayDesk) -> bool:
    is_own = notice.alarm is not None and notice.alarm.startswith(desk.own_alarms)
    return not is_own and desk.hook.wants(notice.account, notice.symbol, is_critical=notice.is_critical)


def _record(desk: RelayDesk, event: str, notice: Notice, **more: str) -> None:
    told = {"hook": desk.hook.name, "delivery": notice.delivery, "title": notice.title, "told_at": notice.told_at}
    desk.telemetry.record(event, {**told, **more})
