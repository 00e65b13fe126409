"""The market's own trades, numbered, as a venue lists them to everybody."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from marketmaker.simulation.events import Trade

KEPT = 20_000


class Tape:
    """The newest trades; numbers start at 0 and have no gaps, so memory is bounded and a number names one trade."""

    def __init__(self) -> None:
        self._trades: deque[Trade] = deque(maxlen=KEPT)
        self.next_id = 0

    def record(self, trade: Trade) -> None:
        """Add a trade."""
        self._trades.append(trade)
        self.next_id += 1

    def since(self, from_id: int, limit: int) -> Sequence[tuple[int, Trade]]:
        """Return at most `limit` kept trades from a number on, oldest first."""
        first = self.next_id - len(self._trades)
        start = max(from_id, first)
        return list(enumerate(islice(self._trades, start - first, start - first + limit), start))
