"""Values by the moment that each begins at, for as long as a table would keep them."""

from bisect import bisect_left, insort
from collections.abc import Iterator


class Series[Value]:
    """Keeps what comes first for a moment; what is `kept_ms` older than the newest is forgotten."""

    def __init__(self, kept_ms: int) -> None:
        self._kept_ms = kept_ms
        self._starts: list[int] = []
        self._values: dict[int, Value] = {}

    @property
    def newest_ms(self) -> int | None:
        """The newest moment, None without any."""
        return self._starts[-1] if self._starts else None

    def keep(self, start_ms: int, value: Value) -> None:
        """Keep a value unless there is one."""
        if start_ms in self._values:
            return
        self._values[start_ms] = value
        insort(self._starts, start_ms)
        expired = bisect_left(self._starts, self._starts[-1] - self._kept_ms)
        for each in self._starts[:expired]:
            del self._values[each]
        del self._starts[:expired]

    def between(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, Value]]:
        """Return what begins in [from, to), oldest first."""
        starts = self._starts[bisect_left(self._starts, from_ms) : bisect_left(self._starts, to_ms)]
        return ((each, self._values[each]) for each in starts)
