"""The middle of a market's book over time, for markouts: what the price did after a fill (M8)."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from decimal import Decimal

from marketmaker.simulation.events import Event, Quote

_WORTH_FORGETTING = 4_096
"""Changes that are dropped together: dropping moves all that stay."""


class MidSeries:
    """Remembers each change of the middle while events pass by, until it is told to forget."""

    def __init__(self) -> None:
        self._times_us = array("q")
        self._mids: list[Decimal | None] = []

    def watch(self, events: Iterable[Event]) -> Iterator[Event]:
        """Hand events through, and remember their middles."""
        for event in events:
            if isinstance(event, Quote):
                mid = event.mid
                if not self._mids or self._mids[-1] != mid:
                    self._times_us.append(event.time_us)
                    self._mids.append(mid)
            yield event

    def at(self, time_us: int) -> Decimal | None:
        """Return the middle at a moment; None before the first, after the events that were handed out, or one-sided."""
        index = bisect_right(self._times_us, time_us) - 1
        return self._mids[index] if index >= 0 else None

    def forget(self, before_us: int) -> None:
        """Drop what no question about this moment or a later one needs."""
        unneeded = bisect_right(self._times_us, before_us) - 1
        if unneeded >= _WORTH_FORGETTING:
            del self._times_us[:unneeded], self._mids[:unneeded]
