"""Orders filled one after the other on the same side: a market that runs one over (R32)."""

from collections.abc import Iterable
from dataclasses import dataclass

from marketmaker.domain.models import RunGuard
from marketmaker.domain.orders import Fill, Side
from marketmaker.domain.units import VenueOrderId

MAX_RUN = 20
"""Orders of a run that are kept; a guard cannot ask for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSideRun:
    """The newest orders that filled on one side since one filled on the other: each with its last fill's time."""

    side: Side
    orders: tuple[tuple[VenueOrderId, int], ...]

    def is_active(self, guard: RunGuard, now_ms: int) -> bool:
        """Tell whether so many orders of the run filled within the guard's time."""
        return sum(time_ms > now_ms - guard.within_ms for _, time_ms in self.orders) >= guard.orders


def follow_run(run: SameSideRun | None, fills: Iterable[Fill]) -> SameSideRun | None:
    """Continue a run with fills, oldest first; one on the other side starts another."""
    for fill in fills:
        before = () if run is None or run.side is not fill.side else run.orders
        others = tuple(each for each in before if each[0] != fill.venue_order_id)
        run = SameSideRun(side=fill.side, orders=(*others, (fill.venue_order_id, fill.time_ms))[-MAX_RUN:])
    return run
