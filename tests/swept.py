"""Runs of a sweep as a test says them: the gain of each block, and whatever figure it is about."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from marketmaker.domain.backtests import BacktestResult, BacktestSample
from marketmaker.domain.sweeps import Point, Trial
from marketmaker.domain.units import ZERO, Symbol

D = Decimal
FILE = Point(is_file=True)


def sample(time_ms: int, pnl: str) -> BacktestSample:
    """Return the run at a moment, of which only the gain is asked."""
    return BacktestSample(
        time_ms=time_ms,
        mid=None,
        bid=None,
        ask=None,
        inventory_base=ZERO,
        pnl_quote=D(pnl),
        spread_quote=ZERO,
        fees_quote=ZERO,
        inventory_quote=ZERO,
    )


def result(**changes: Any) -> BacktestResult:
    """Return a run in which nothing happened, but for the changes."""
    return replace(
        BacktestResult(
            symbol=Symbol("PAXG/USDT"),
            from_ms=0,
            to_ms=1_000,
            config_hash="",
            ticks=100,
            orders_placed=0,
            orders_kept=0,
            orders_cancelled=0,
            protective_cancels=0,
            fills=0,
            volume_quote=ZERO,
            fees_quote=ZERO,
            funding_quote=ZERO,
            realised_pnl_quote=ZERO,
            unrealised_pnl_quote=ZERO,
            total_pnl_quote=ZERO,
            inventory_final_base=ZERO,
            inventory_max_abs_base=ZERO,
            cancel_ratio=None,
            order_success_ratio=None,
            two_sided_uptime=None,
            max_drawdown_quote=ZERO,
            edge_at_fill_bps=None,
            markout_bps={1: None, 10: None, 60: None},
            no_quotes={},
            skipped_rows={},
            events=0,
            fill_list=(),
            samples=(),
        ),
        **changes,
    )


def point(value: str) -> Point:
    """Return a point of one key."""
    return Point(values=(("half_spread.bps", value),))


def trial(at: Point, blocks: Sequence[str | int], **changes: Any) -> Trial:
    """Return a run that gained so much in each block, and their sum as a whole."""
    gains = tuple(map(D, blocks))
    return Trial(point=at, result=result(**{"total_pnl_quote": sum(gains, ZERO), **changes}), block_pnl_quote=gains)
