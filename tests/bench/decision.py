"""One decision, pure: from a view that a real tick had to quotes and the plan for the orders that rest."""

import time

from marketmaker.domain.quoting import MarketView, compute_quotes
from marketmaker.domain.replacing import plan_replacement
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.reports import TickReport
from tests.bench.figures import BenchFailedError, Timing
from tests.bench.tick import Ticker

_DECISIONS = 5_000
_WARM_UP = 500
_LOOKS = 10


def time_decision_us(ticker: Ticker) -> Timing:
    """Take the view of a tick that kept both orders, and time deciding on it again and again."""
    report, view = _quiet_view(ticker)
    return Timing.of(_repeat(ticker.desk, report, view)[_WARM_UP:])


def _quiet_view(ticker: Ticker) -> tuple[TickReport, MarketView]:
    for _ in range(_LOOKS):
        report = ticker.report()
        view = report.markets[0].view if report.markets else None
        if view is not None and len(report.markets[0].plan.keep) == 2:
            return report, view
    raise BenchFailedError(f"none of {_LOOKS} ticks kept both orders: there is no view to decide on")


def _repeat(desk: Desk, report: TickReport, view: MarketView) -> list[float]:
    market, settings = report.markets[0], desk.settings.markets[0]
    instrument = desk.venue.instrument(settings.symbol)
    own, now_ms = market.plan.keep, desk.clock.now_ms()
    elapsed_us: list[float] = []
    for _ in range(_DECISIONS + _WARM_UP):
        started = time.perf_counter_ns()
        desired = compute_quotes(view, settings, instrument)
        plan = plan_replacement(
            desired,
            own,
            tag=desk.settings.tag,
            blocked=frozenset(),
            tolerance=settings.tolerance,
            now_ms=now_ms,
        )
        elapsed_us.append((time.perf_counter_ns() - started) / 1000)
        if not plan.is_quiet:
            raise BenchFailedError("the decision on a quiet tick's view is not quiet")
    return elapsed_us
