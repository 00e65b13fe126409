"""What a tick adds to the meters of its markets; a finished hour is kept, at the latest with the next tick (S8)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from marketmaker.domain.metering import Counts, Meter, Standing, count_fills
from marketmaker.domain.state import Control
from marketmaker.domain.units import Symbol
from marketmaker.errors import Retryable
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.reports import MarketReport


def meter(
    desk: Desk, control: Control, reports: Sequence[MarketReport], standing: Mapping[Symbol, Standing | None]
) -> dict[Symbol, Meter]:
    """Count what a tick did in each market, and for how long the quotes before it stood.

    Hours that are over are written first: were the tick to die then, the next one writes the same once more.
    """
    now_ms, interval_ms = desk.clock.now_ms(), desk.settings.clocks.interval_ms
    meters: dict[Symbol, Meter] = {}
    for symbol in desk.settings.symbols:
        before = _turned(desk, symbol, control.meters.get(symbol) or Meter.start(now_ms), now_ms)
        did = _did([each for each in reports if each.symbol == symbol])
        meters[symbol] = before.after(did, standing.get(symbol), now_ms=now_ms, interval_ms=interval_ms)
    return meters


def _turned(desk: Desk, symbol: Symbol, running: Meter, now_ms: int) -> Meter:
    """Keep an hour that is over, and begin the next; while it cannot be kept it goes on."""
    if not running.is_over(now_ms):
        return running
    try:
        desk.store.keep_hour(desk.settings.name, symbol, running.hour)
    except Retryable:
        return running
    return running.turn(now_ms)


def _did(reports: Sequence[MarketReport]) -> Counts:
    total = Counts()
    for report in reports:
        if not report.acted:
            continue
        counts = report.counts()
        total += replace(
            count_fills(report.booked),
            placed=counts["orders_placed"],
            rejected=counts["creates_rejected"],
            cancelled=counts["orders_cancelled"],
            cancelled_unfilled=counts["cancelled_unfilled"],
            protective_cancels=counts["protective_cancels"],
        )
    return total
