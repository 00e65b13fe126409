"""Time, and how much of it an invocation has left; and what could not be read."""

from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Time, passed in."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The moment by which an invocation must have finished; every call gets what is left of it."""

    at_ms: int
    clock: Clock

    def remaining_ms(self) -> int:
        """Milliseconds left, never negative."""
        return max(0, self.at_ms - self.clock.now_ms())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that could not be read, and why; never zero, never empty (R7)."""

    reason: str
