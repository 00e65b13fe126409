"""Alerts as episodes: one message when a condition starts, one when it ends, and reminders while it is critical."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from marketmaker.domain.state import Episode
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
UNTOLD_MS = 10_000
"""After this long without having been sent an alert is anyone's to send: sending one takes less."""


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


def follow_episodes(desk: Desk, conditions: Iterable[Condition], known: Mapping[str, Episode] | None) -> None:
    """Open an episode for each condition that starts and end the one that is over, with one alert each (R27).

    The `known` ones are the account's, read anew if they are not given. An alert is written before it is sent: one that
    nobody sent, because a function was killed or the topic did not answer, is sent by whoever sees it next.
    """
    if known is None:
        known = desk.store.read_account(desk.settings.name).episodes
    for key, episode in known.items():
        _catch_up(desk, key, episode)
    for condition in conditions:
        open_now = known.get(condition.key)
        if condition.text is not None and open_now is None:
            _start(desk, condition, condition.text)
        elif condition.text is None and open_now is not None and open_now.ended is None:
            _end(desk, condition, open_now)


def tell_once(desk: Desk, key: str, alert: Alert) -> None:
    """Send an alert that must be sent once under this key; in doubt it is sent again."""
    account, now_ms = alert.account, desk.clock.now_ms()
    is_critical = alert.severity is Severity.CRITICAL
    try:
        opened = desk.store.open_episode(account, key, text=alert.text, now_ms=now_ms, is_critical=is_critical)
        episode = Episode(text=alert.text, since_ms=now_ms, is_critical=is_critical)
        kept = episode if opened else desk.store.read_account(account).episodes.get(key, episode)
    except (Retryable, Fatal):
        deliver(desk, alert)
        return
    if kept.told_ms is None and deliver(desk, alert):
        with suppress(Retryable, Fatal):
            desk.store.change_episode(account, key, replace(kept, told_ms=now_ms))


def deliver(desk: Desk, alert: Alert) -> bool:
    """Send one alert; a failure is recorded and never stops what the alert is about."""
    try:
        desk.alerts.send(alert)
    except (Retryable, Refused, Fatal) as error:
        fields = {"account": alert.account, "kind": alert.kind, "text": alert.text, "reason": str(error)}
        desk.telemetry.record("alert_failed", fields)
        return False
    return True


def _start(desk: Desk, condition: Condition, text: str) -> None:
    account, key, now_ms = desk.settings.name, condition.key, desk.clock.now_ms()
    is_critical = condition.severity is Severity.CRITICAL
    if desk.store.open_episode(account, key, text=text, now_ms=now_ms, is_critical=is_critical):
        _tell(desk, key, Episode(text=text, since_ms=now_ms, is_critical=is_critical))


def _end(desk: Desk, condition: Condition, episode: Episode) -> None:
    """End an episode; one whose start is just being sent ends the next time."""
    if episode.told_ms is None and not _is_overdue(desk, episode):
        return
    ended = replace(episode, ended=f"{condition.kind} is over; {condition.outlook}", tried_ms=desk.clock.now_ms())
    if desk.store.change_episode(desk.settings.name, condition.key, ended):
        _tell_end(desk, condition.key, replace(ended, version=episode.version + 1))


def _catch_up(desk: Desk, key: str, episode: Episode) -> None:
    """Send what somebody left unsent, and remind of what lasts; of those who see it at once one does."""
    now_ms = desk.clock.now_ms()
    if episode.ended is not None or episode.told_ms is None:
        if _is_overdue(desk, episode) and desk.store.change_episode(
            desk.settings.name, key, replace(episode, tried_ms=now_ms)
        ):
            taken = replace(episode, version=episode.version + 1)
            (_tell if episode.ended is None else _tell_end)(desk, key, taken)
    elif _is_reminder_due(desk, key, episode) and desk.store.change_episode(
        desk.settings.name, key, replace(episode, told_ms=now_ms)
    ):
        since = datetime.fromtimestamp(episode.since_ms / 1000, UTC).strftime("%d %b %H:%M UTC")
        _send(desk, key, Severity.CRITICAL, f"still, since {since}: {episode.text}")


def _is_overdue(desk: Desk, episode: Episode) -> bool:
    return desk.clock.now_ms() - episode.last_try_ms >= UNTOLD_MS


def _is_reminder_due(desk: Desk, key: str, episode: Episode) -> bool:
    if not episode.is_critical or episode.told_ms is None or key.startswith(HALT_DELIVERY):
        return False
    return desk.clock.now_ms() - episode.told_ms >= desk.settings.remind_every_ms


def _tell(desk: Desk, key: str, episode: Episode) -> None:
    """Send an episode's start and note that it was sent; killed in between, it is sent once more."""
    if _send(desk, key, Severity.CRITICAL if episode.is_critical else Severity.INFO, episode.text):
        desk.store.change_episode(desk.settings.name, key, replace(episode, told_ms=desk.clock.now_ms()))


def _tell_end(desk: Desk, key: str, episode: Episode) -> None:
    """Send that an episode is over, its start too if nobody did, and forget it."""
    severity = Severity.CRITICAL if episode.is_critical else Severity.INFO
    if episode.told_ms is None and not _send(desk, key, severity, episode.text):
        return
    if _send(desk, key, Severity.INFO, episode.ended or "", resolves=severity):
        desk.store.close_episode(desk.settings.name, key)


def _send(desk: Desk, key: str, severity: Severity, text: str, *, resolves: Severity | None = None) -> bool:
    """Send an episode's alert; its key says what it is of."""
    kind, _, symbol = key.partition("#")
    account = desk.settings.name
    if key.startswith(HALT_DELIVERY):
        return deliver(desk, Alert(account=account, kind=kind, severity=severity, text=text))
    where = f"{account} {symbol}" if symbol else account
    alert = Alert(
        account=account,
        kind=kind,
        severity=severity,
        text=f"{where}: {text}",
        symbol=Symbol(symbol) if symbol else None,
        resolves=resolves,
    )
    return deliver(desk, alert)
