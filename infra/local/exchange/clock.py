"""The mapping between this machine's clock and the market's own time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

WallClock = Callable[[], int]
"""Returns this machine's time in µs since the epoch, UTC."""


def wall_us() -> int:
    """Read this machine's clock."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketClock:
    """Market time that starts at `market_start_us` when the wall shows `wall_start_us`, `speed` times as fast."""

    wall_start_us: int
    market_start_us: int
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed {self.speed}; allowed: above 0")

    def market_us(self, wall_us: int) -> int:
        """Return the market's time at a moment of the wall clock."""
        return self.market_start_us + int((wall_us - self.wall_start_us) * self.speed)

    def wall_ms(self, market_us: int) -> int:
        """Return the wall clock's milliseconds at a moment of the market."""
        return self.wall_us(market_us) // 1000

    def wall_us(self, market_us: int) -> int:
        """Return the wall clock at a moment of the market."""
        return self.wall_start_us + int((market_us - self.market_start_us) / self.speed)

    def ahead(self, offset_us: int) -> "MarketClock":
        """Return the clock of a venue that is off by so much, for telling times only."""
        return replace(self, wall_start_us=self.wall_start_us + offset_us)
