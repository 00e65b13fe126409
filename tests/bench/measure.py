"""Samples of one case each: a plain request before every tick, and only ticks that were what they are counted as."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle
from typing import Any

from tests.bench.exchange import PING_WEIGHT, Exchange
from tests.bench.figures import BenchFailedError
from tests.bench.naive_loop import CALLS_A_CYCLE, NaiveLoop
from tests.bench.tick import Case, Ticker, TickSample

LEAST_SAMPLES = 30
_WARM_UP = 2
_PAUSE_S = 0.25
"""Between ticks; keeps the orders of replacing ticks within the venue's hundred per ten seconds."""
TICK_WEIGHT = 120
"""Request weight of a tick: 105 of its reads, some of its orders, and what is asked round it."""
_SHIFT_BPS = Decimal("1.5")
"""More than the tolerance of 0.66 bps, less than our half-spread of 2.6 bps: both orders move, none is hit."""


@dataclass(slots=True, kw_only=True)
class Ticks:
    """The ticks of one case, the round trips beside them, and how many ticks turned out to be another case."""

    case: Case
    samples: list[TickSample] = field(default_factory=list)
    round_trips_ms: list[float] = field(default_factory=list)
    set_aside: int = 0


@dataclass(slots=True, kw_only=True)
class Cycles:
    """Cycles of the guide's loop, and the round trips after them."""

    wall_ms: list[float] = field(default_factory=list)
    round_trips_ms: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    weight: int = 0


def still_market() -> Iterator[None]:
    """Leave the market as it is before every tick."""
    while True:
        yield


def moving_market(exchange: Exchange) -> Iterator[None]:
    """Move the market up and down in turns before every tick, so that both orders are off their prices."""
    for shift_bps in cycle((_SHIFT_BPS, -_SHIFT_BPS)):
        exchange.jump(shift_bps)
        yield


def measure_ticks(
    ticker: Ticker, exchange: Exchange, case: Case, market: Iterator[None], samples: int, advance: Callable[[], None]
) -> Ticks:
    """Work ticks until enough were of this case; twice as many attempts must do."""
    ticks = Ticks(case=case)
    other: Mapping[str, Any] = {}
    for attempt in range(2 * samples + _WARM_UP):
        exchange.make_room(TICK_WEIGHT)
        time.sleep(_PAUSE_S)
        next(market)
        round_trip_ms = exchange.round_trip_ms()
        sample = ticker.tick()
        if attempt < _WARM_UP:
            continue
        if sample.case is not case:
            ticks.set_aside, other = ticks.set_aside + 1, sample.result
            continue
        ticks.samples.append(sample)
        ticks.round_trips_ms.append(round_trip_ms)
        advance()
        if len(ticks.samples) == samples:
            break
    if len(ticks.samples) < LEAST_SAMPLES:
        raise BenchFailedError(
            f"{len(ticks.samples)} of {len(ticks.samples) + ticks.set_aside} ticks were {case}, "
            f"at least {LEAST_SAMPLES} are needed; the last other one: {other}"
        )
    return ticks


def measure_loop(loop: NaiveLoop, exchange: Exchange, samples: int, advance: Callable[[], None]) -> Cycles:
    """Run the guide's loop back to back, without its sleep; every cycle must make its six calls."""
    cycles = Cycles()
    exchange.await_fresh_order_window()
    for _ in range(_WARM_UP):
        loop.cycle()
    before = exchange.request_counts()
    for _ in range(samples):
        cycles.wall_ms.append(loop.timed_cycle_ms())
        advance()
    cycles.calls = exchange.request_counts() - before
    expected = Counter({route: calls * samples for route, calls in CALLS_A_CYCLE.items()})
    if cycles.calls != expected:
        raise BenchFailedError(f"the guide's loop made {dict(cycles.calls)}, not {dict(expected)}")
    cycles.round_trips_ms = [exchange.round_trip_ms() for _ in range(samples)]
    cycles.weight = _weigh(loop, exchange)
    return cycles


def _weigh(loop: NaiveLoop, exchange: Exchange) -> int:
    """Return the request weight of one more cycle, within one of the venue's minutes."""
    while True:
        before = exchange.used_weight()
        loop.cycle()
        used = exchange.used_weight() - before - PING_WEIGHT
        if used > 0:
            return used
