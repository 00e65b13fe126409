"""Put the next minute's ticks into the queues, each delayed to its own moment.

The scheduler fires somewhere within its minute, so the slots are counted from the wall clock, one minute ahead: a late
or repeated run sends the same slots, which change nothing twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from marketmaker.domain.accounts import Clocks
from marketmaker.domain.units import AccountName
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Clock, DelayedTick, Telemetry, TickQueue

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleReport:
    """How many ticks were sent for each account, of which minute."""

    minute_ms: int
    sent: Mapping[AccountName, int]


def schedule_ticks(
    accounts: Mapping[AccountName, Clocks], queue: TickQueue, clock: Clock, telemetry: Telemetry
) -> ScheduleReport:
    """Send every account's slots of the next whole minute.

    One account's queue never keeps another's from being filled.

    Raises:
        Retryable, Fatal: a queue did not take all of its ticks; sending them again is harmless.
    """
    minute_ms = (clock.now_ms() // MINUTE_MS + 1) * MINUTE_MS
    sent: dict[AccountName, int] = {}
    failures: list[MarketMakerError] = []
    for account, clocks in accounts.items():
        now_ms = clock.now_ms()
        slots = range(minute_ms, minute_ms + MINUTE_MS, clocks.interval_ms)
        ticks = [DelayedTick(slot_ms=slot_ms, delay_s=_delay_s(slot_ms, now_ms)) for slot_ms in slots]
        try:
            queue.send(account, ticks)
        except MarketMakerError as error:
            failures.append(error)
        else:
            sent[account] = len(ticks)
    telemetry.record("schedule", {"minute": minute_ms, "sent": sent, "failures": [str(each) for each in failures]})
    telemetry.count(None, {"ticks_scheduled": sum(sent.values())})
    if failures:
        raise failures[0]
    return ScheduleReport(minute_ms=minute_ms, sent=sent)


def _delay_s(slot_ms: int, now_ms: int) -> int:
    """Return whole seconds until a slot, rounded up: a tick never arrives before its moment."""
    return max(0, -((now_ms - slot_ms) // 1000))
