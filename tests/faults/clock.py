"""One clock for everything in a world: exchange, desks, and processes of their own. It moves only when told to."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECOND_US = 1_000_000


class WorldClock:
    """A moment kept in a file that every process of a world reads; `on_move` is called in this process only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_move: list[Callable[[], None]] = []
        with path.open("r+b") as file:
            self._moment = memoryview(mmap.mmap(file.fileno(), 8)).cast("q")

    @classmethod
    def start(cls, path: Path, now_us: int) -> "WorldClock":
        """Make a clock that shows a moment."""
        path.write_bytes(bytes(8))
        clock = cls(path)
        clock.set_us(now_us)
        return clock

    def __call__(self) -> int:
        """Return the moment in µs, as the exchange wants it."""
        return self._moment[0]

    def set_us(self, now_us: int) -> None:
        """Move to a moment."""
        self._moment[0] = now_us
        for call in self.on_move:
            call()

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self.set_us(self() + round(seconds * SECOND_US))


@dataclass(frozen=True, slots=True)
class DeskClock:
    """A desk's view of the clock, off by `skew_ms`; to sleep is to let the world's time pass."""

    world: WorldClock
    skew_ms: int = 0

    def now_ms(self) -> int:
        """Return the moment in ms."""
        return self.world() // 1000 + self.skew_ms

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.world.skip(seconds)
