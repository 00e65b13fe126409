"""One decision, pure: from a situation that a real tick had to quotes and the plan for the orders that rest."""

import time

from marketmaker.domain.deciding import Situation, decide
from marketmaker.usecases.desk import Desk
from tests.bench.figures import BenchFailedError, Timing
from tests.bench.tick import Ticker

_DECISIONS = 5_000
_WARM_UP = 500
_LOOKS = 10


def time_decision_us(ticker: Ticker) -> Timing:
    """Take the situation of a tick that kept both orders, and time deciding on it again and again."""
    return Timing.of(_repeat(ticker.desk, _quiet_situation(ticker))[_WARM_UP:])


def _quiet_situation(ticker: Ticker) -> Situation:
    for _ in range(_LOOKS):
        markets = ticker.report().markets
        if markets and len(markets[0].plan.keep) == 2:
            return markets[0].situation
    raise BenchFailedError(f"none of {_LOOKS} ticks kept both orders: there is no situation to decide on")


def _repeat(desk: Desk, situation: Situation) -> list[float]:
    settings = desk.settings.markets[0]
    elapsed_us: list[float] = []
    for _ in range(_DECISIONS + _WARM_UP):
        started = time.perf_counter_ns()
        decision = decide(situation, settings, desk.settings.tag)
        elapsed_us.append((time.perf_counter_ns() - started) / 1000)
        if not decision.plan.is_quiet:
            raise BenchFailedError("the decision on a quiet tick's situation is not quiet")
    return elapsed_us
