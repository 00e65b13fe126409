"""Our ticks and the guide's loop every five seconds on the same market, each at an exchange of its own.

A shared exchange would not do: the loop's cancel-all takes our orders down as well. The same seed makes the same
market, and both work it at the same moments of its time.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.exchange import CANCEL_ROUTES, CREATE_ROUTE, Exchange

CYCLES = 12
INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A quoting program: one cycle of it, which returns how many ms it took, and the exchange it works at."""

    cycle: Callable[[], float]
    exchange: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What one program did in all its cycles."""

    wall_ms: tuple[float, ...]
    calls: Counter[str]

    @property
    def calls_a_cycle(self) -> float:
        """REST calls of all kinds."""
        return self.calls.total() / len(self.wall_ms)

    @property
    def orders_a_minute(self) -> float:
        """Orders sent."""
        return self._a_minute(self.calls[CREATE_ROUTE])

    @property
    def cancels_a_minute(self) -> float:
        """Cancel requests sent; one of the guide's takes down both orders."""
        return self._a_minute(sum(self.calls[route] for route in CANCEL_ROUTES))

    def _a_minute(self, count: int) -> float:
        return count / (len(self.wall_ms) * INTERVAL_S) * 60


def work_side_by_side(workers: tuple[Worker, ...], advance: Callable[[], None]) -> list[Worked]:
    """Run every worker's cycles at the same moments of market time; `advance` is called after each moment."""
    start = time.time() + 0.5
    lags_s = [_lag_s(worker.exchange, workers[0].exchange) for worker in workers]
    before = [worker.exchange.request_counts() for worker in workers]
    walls: list[list[float]] = [[] for _ in workers]
    moments = [
        (start + lag_s + INTERVAL_S * cycle, number) for cycle in range(CYCLES) for number, lag_s in enumerate(lags_s)
    ]
    for moment, number in sorted(moments):
        time.sleep(max(0.0, moment - time.time()))
        walls[number].append(workers[number].cycle())
        advance()
    return [
        Worked(wall_ms=tuple(wall), calls=worker.exchange.request_counts() - counted)
        for worker, wall, counted in zip(workers, walls, before, strict=True)
    ]


def _lag_s(exchange: Exchange, first: Exchange) -> float:
    """Return how far one exchange's market is behind another's."""
    ours, theirs = first.state(), exchange.state()
    ahead_us = (ours["market_time_us"] - ours["time_ms"] * 1000) - (theirs["market_time_us"] - theirs["time_ms"] * 1000)
    return float(ahead_us / 1e6)
