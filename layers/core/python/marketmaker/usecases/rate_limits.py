"""What an account's functions do about the venue's request limit: what one learns all heed, and a ban halts (R10)."""

from dataclasses import replace
from datetime import UTC, datetime

from marketmaker.domain.state import Control, Mode, Refreshed
from marketmaker.errors import Fatal, Retryable
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import VENUE_BANNED, Condition, follow_episodes

KNOWN_WITHIN_S = 1.0
"""How long a check waits for what the others learnt: tables that hang must not keep it from looking (R34)."""


def hand_over(desk: Desk, control: Control) -> str | None:
    """Tell the venue's adapter what an earlier invocation learnt; say why nothing may be asked now, if so."""
    if control.blocked_until_ms:
        desk.venue.block_until(control.blocked_until_ms, is_ban=control.is_banned)
    limit = desk.venue.rate_limit()
    if not limit.blocked_until_ms:
        return None
    what = "banned this address" if limit.is_ban else "refuses more requests"
    return f"the venue {what} until {_utc(limit.blocked_until_ms)}"


def keep(desk: Desk, control: Control, refreshed: Refreshed) -> Refreshed:
    """Keep what this invocation learnt for the next; a new ban halts the account.

    Raises:
        Retryable: the halt could not be written.
    """
    limit = desk.venue.rate_limit()
    is_known = control.is_banned and control.blocked_until_ms > desk.clock.now_ms()
    if limit.is_ban and not is_known:
        _halt(desk, limit.blocked_until_ms)
    return replace(refreshed, blocked_until_ms=limit.blocked_until_ms, is_banned=limit.is_ban)


def learn(desk: Desk) -> int:
    """Tell the venue's adapter what other functions learnt, if the state says so soon; returns until when they know."""
    reading = desk.alongside.submit(desk.store.read_control, desk.settings.name)
    try:
        control = reading.result(KNOWN_WITHIN_S)
    except (TimeoutError, Retryable, Fatal):
        return 0
    hand_over(desk, control)
    return control.blocked_until_ms


def share(desk: Desk, known_until_ms: int) -> str | None:
    """Keep for the others what this function learnt, without the lease; a ban halts. Says what could not be written."""
    limit, name = desk.venue.rate_limit(), desk.settings.name
    if limit.blocked_until_ms <= known_until_ms:
        return None
    try:
        desk.store.note_block(name, until_ms=limit.blocked_until_ms, is_ban=limit.is_ban)
        if limit.is_ban:
            _halt(desk, limit.blocked_until_ms)
    except (Retryable, Fatal) as error:
        return f"the venue's limit could not be noted: {error}"
    return None


def _halt(desk: Desk, until_ms: int) -> None:
    """Halt: sending on would lengthen the ban, and what rests cannot be reached from here before its end."""
    text = f"the venue has banned our address for too many requests, until {_utc(until_ms)}"
    desk.store.strengthen(desk.settings.name, Mode.HALTED, reason=text, now_ms=desk.clock.now_ms())
    advice = "Halted; our orders rest until then: cancel them by hand from elsewhere. Later: `mm halt`, `mm resume`"
    follow_episodes(desk, [Condition(kind=VENUE_BANNED, symbol=None, text=f"{text}. {advice}")], None)


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%H:%M:%S UTC")
