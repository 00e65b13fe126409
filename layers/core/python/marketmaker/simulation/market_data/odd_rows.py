"""What becomes of rows that are readable but not usable: counted and skipped, within reason."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from marketmaker.simulation.market_data.tables import RecordingError, Table

MOST_BACK_US = 1_000_000
MOST_IN_A_ROW = 1_000


class Oddity(StrEnum):
    """Why a row was skipped."""

    CROSSED = "crossed"
    LOCKED = "locked"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    ZERO_SIZE = "zero_size"
    UNSORTED_LEVELS = "unsorted_levels"
    UNKNOWN_SIDE = "unknown_side"
    IMPOSSIBLE = "impossible"


class OddRowError(ValueError):
    """A readable row that is of no use; the reader goes on behind it."""

    def __init__(self, oddity: Oddity, text: str) -> None:
        super().__init__(text)
        self.oddity = oddity


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The times that are asked for (µs UTC); None is open, and `to_us` is the first moment outside."""

    from_us: int | None = None
    to_us: int | None = None

    def __post_init__(self) -> None:
        if self.from_us is not None and self.to_us is not None and self.to_us <= self.from_us:
            raise RecordingError(f"to_us {self.to_us}; allowed: after from_us {self.from_us}")

    def __contains__(self, time_us: int) -> bool:
        return (self.from_us is None or time_us >= self.from_us) and (self.to_us is None or time_us < self.to_us)


class OddRows:
    """Counts the odd rows of a window by their kind; without `counts`, the first of them is an error."""

    def __init__(self, counts: Counter[str] | None, window: Window) -> None:
        self._counts = counts
        self._window = window
        self._last_line = 0
        self._in_a_row = 0
        self._skipped = 0
        self._kinds: dict[Oddity, None] = {}

    def of_one_file(self) -> "OddRows":
        """Count into the same numbers, with lines of its own."""
        return OddRows(self._counts, self._window)

    def skip(self, table: Table, time_us: int, error: OddRowError) -> None:
        """Count the row that was just read, unless nothing but odd rows comes."""
        if self._counts is None:
            raise error
        self._skipped += 1
        self._kinds[error.oddity] = None
        self._in_a_row = self._in_a_row + 1 if table.line == self._last_line + 1 else 1
        self._last_line = table.line
        if self._in_a_row >= MOST_IN_A_ROW:
            raise ValueError(f"{self._in_a_row} rows in a row are of no use; the last: {error.oddity}, {error}")
        if time_us in self._window:
            self._counts[error.oddity.value] += 1

    def refuse_if_all(self, table: Table) -> None:
        """Raise at the end of a file that held rows and none of use."""
        if self._skipped and self._skipped == table.row_count:
            raise ValueError(f"none of its {self._skipped} rows is of use: {', '.join(self._kinds)}")


def refuse_repeated(before_us: int, now_us: int) -> NoReturn:
    """Refuse a row that is no later than the one before: the same, a little earlier, or far too early."""
    if now_us == before_us:
        raise OddRowError(Oddity.DUPLICATE, f"the same row came before, at {now_us} too")
    text = f"local_timestamp goes back from {before_us} to {now_us}"
    if before_us - now_us > MOST_BACK_US:
        raise ValueError(f"{text}; allowed: by {MOST_BACK_US} at most")
    raise OddRowError(Oddity.OUT_OF_ORDER, text)
