"""Results of backtests made up for a test."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from marketmaker.domain.backtests import BacktestFill, BacktestResult, BacktestSample
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol


def fill(time_ms: int, side: Side, price: str, size: str = "1", **changes: Any) -> BacktestFill:
    """Return a fill, by default with an edge and two of its three markouts known."""
    markouts = {1: Decimal(-1), 10: None, 60: Decimal(4)}
    return replace(
        BacktestFill(
            time_ms=time_ms,
            side=side,
            price=Decimal(price),
            size_base=Decimal(size),
            fee_quote=Decimal("0.19"),
            is_maker=True,
            mid=Decimal(1900),
            edge_bps=Decimal("2.6"),
            markouts_bps=markouts,
        ),
        **changes,
    )


def sample(time_ms: int, **changes: Any) -> BacktestSample:
    """Return a moment of a run; the parts of its gain add up."""
    return replace(
        BacktestSample(
            time_ms=time_ms,
            mid=Decimal(1900),
            bid=Decimal("1899.5"),
            ask=Decimal("1900.5"),
            inventory_base=Decimal(3),
            pnl_quote=Decimal(6),
            spread_quote=Decimal(4),
            fees_quote=Decimal(1),
            inventory_quote=Decimal(3),
        ),
        **changes,
    )


def result(samples: Sequence[BacktestSample], fills: Sequence[BacktestFill] = (), **changes: Any) -> BacktestResult:
    """Return a run of these samples and fills, every other figure of its own kind."""
    found = BacktestResult(
        symbol=Symbol("PAXG/USDT"),
        from_ms=samples[0].time_ms,
        to_ms=samples[-1].time_ms,
        config_hash="0123456789abcdef",
        ticks=len(samples),
        orders_placed=11,
        orders_kept=12,
        orders_cancelled=13,
        protective_cancels=14,
        fills=len(fills),
        volume_quote=Decimal("3800.1"),
        fees_quote=Decimal("0.38001"),
        funding_quote=Decimal(0),
        realised_pnl_quote=Decimal("1.25"),
        unrealised_pnl_quote=Decimal("2.5"),
        total_pnl_quote=Decimal("3.36999"),
        inventory_final_base=Decimal("3.3"),
        inventory_max_abs_base=Decimal("3.7"),
        cancel_ratio=Decimal("0.9"),
        order_success_ratio=Decimal("0.95"),
        two_sided_uptime=Decimal("0.85"),
        max_drawdown_quote=Decimal("7.75"),
        edge_at_fill_bps=Decimal("2.6"),
        markout_bps={1: Decimal(-1), 10: None, 60: Decimal(4)},
        no_quotes={"stale_book": 21},
        skipped_rows={"crossed": 22},
        events=23,
        fill_list=tuple(fills),
        samples=tuple(samples),
    )
    return replace(found, **changes)
