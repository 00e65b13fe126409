"""Alerts as episodes: one message when a condition starts, one when it ends."""

from collections.abc import Iterable
from dataclasses import dataclass

from marketmaker.domain.units import Symbol
from marketmaker.ports import Alert, Severity
from marketmaker.usecases.desk import Desk

VENUE_UNREACHABLE = "venue_unreachable"
ACCOUNT_REFUSED = "account_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something a human should know while it lasts; `text` is None when it does not hold."""

    kind: str
    symbol: Symbol | None
    text: str | None

    @property
    def key(self) -> str:
        """The episode's name in the store."""
        return f"{self.kind}#{self.symbol}" if self.symbol else self.kind


def follow_episodes(desk: Desk, conditions: Iterable[Condition], open_now: frozenset[str]) -> None:
    """Open an episode for each condition that starts and close the one that ended, with one alert each."""
    account = desk.settings.name
    for condition in conditions:
        key = condition.key
        if condition.text is not None and key not in open_now:
            if desk.store.open_episode(account, key, text=condition.text, now_ms=desk.clock.now_ms()):
                _send(desk, condition, Severity.CRITICAL, condition.text)
        elif condition.text is None and key in open_now and desk.store.close_episode(account, key):
            _send(desk, condition, Severity.INFO, f"{condition.kind} is over; quoting goes on by itself")


def _send(desk: Desk, condition: Condition, severity: Severity, text: str) -> None:
    where = f"{desk.settings.name} {condition.symbol}" if condition.symbol else desk.settings.name
    desk.alerts.send(
        Alert(
            account=desk.settings.name,
            kind=condition.kind,
            severity=severity,
            text=f"{where}: {text}",
            symbol=condition.symbol,
        )
    )
