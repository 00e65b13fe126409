"""Alerts as episodes: one message when a condition starts, one when it ends."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from marketmaker.domain.units import Symbol
from marketmaker.errors import Fatal, Refused, Retryable
from marketmaker.ports import Alert, Severity
from marketmaker.usecases.desk import Desk

VENUE_UNREACHABLE = "venue_unreachable"
ACCOUNT_REFUSED = "account_refused"
MARKET_UNREADABLE = "market_unreadable"
VENUE_BANNED = "venue_banned"
SECOND_PRICE_IGNORED = "second_price_ignored"
EXITS_REPEATED = "exits_repeated"
RISK_KEY_REFUSED = "risk_key_refused"
HALT_DELIVERY = "halt#"
"""Starts the keys of halt messages that were told; they are kept until the account is resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something a human should know while it lasts; `text` is None when it does not hold.

    `outlook` says what its end means, `severity` whom its start is told.
    """

    kind: str
    symbol: Symbol | None
    text: str | None
    outlook: str = "quoting goes on by itself"
    severity: Severity = Severity.CRITICAL

    @property
    def key(self) -> str:
        """The episode's name in the store."""
        return f"{self.kind}#{self.symbol}" if self.symbol else self.kind


def follow_episodes(desk: Desk, conditions: Iterable[Condition], open_now: Container[str]) -> None:
    """Open an episode for each condition that starts and close the one that ended, with one alert each.

    An episode whose first message could not be delivered stays closed, so that the next tick tries again (R27).
    """
    account = desk.settings.name
    for condition in conditions:
        key = condition.key
        if condition.text is not None and key not in open_now:
            opened = desk.store.open_episode(account, key, text=condition.text, now_ms=desk.clock.now_ms())
            if opened and not _send(desk, condition, condition.severity, condition.text):
                desk.store.close_episode(account, key)
        elif condition.text is None and key in open_now and desk.store.close_episode(account, key):
            _send(desk, condition, Severity.INFO, f"{condition.kind} is over; {condition.outlook}")


def deliver(desk: Desk, alert: Alert) -> bool:
    """Send one alert; a failure is recorded and never stops what the alert is about."""
    try:
        desk.alerts.send(alert)
    except (Retryable, Refused, Fatal) as error:
        fields = {"account": alert.account, "kind": alert.kind, "text": alert.text, "reason": str(error)}
        desk.telemetry.record("alert_failed", fields)
        return False
    return True


def _send(desk: Desk, condition: Condition, severity: Severity, text: str) -> bool:
    where = f"{desk.settings.name} {condition.symbol}" if condition.symbol else desk.settings.name
    alert = Alert(
        account=desk.settings.name,
        kind=condition.kind,
        severity=severity,
        text=f"{where}: {text}",
        symbol=condition.symbol,
    )
    return deliver(desk, alert)
