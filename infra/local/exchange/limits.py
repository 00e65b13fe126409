"""Counts that start anew with each aligned span of time."""


class Window:
    """A count with a limit, in spans aligned to the clock."""

    def __init__(self, span_ms: int, limit: int) -> None:
        self._span_ms = span_ms
        self._limit = limit
        self._index = -1
        self.used = 0

    def use(self, amount: int, now_ms: int) -> bool:
        """Count an amount; tell whether the window's limit still holds."""
        index = now_ms // self._span_ms
        if index != self._index:
            self._index, self.used = index, 0
        self.used += amount
        return self.used <= self._limit

    def seconds_left(self, now_ms: int) -> int:
        """Return how long the window still lasts."""
        return -(-(self._span_ms - now_ms % self._span_ms) // 1000)
