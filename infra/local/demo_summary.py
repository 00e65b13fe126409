"""The demo in figures, and what a run must show."""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from infra.local.aws import variables
from infra.local.demo_script import Script
from infra.local.reconcile import LedgerTotals, reconcile
from infra.local.subscriber import Alert

LAG_SHARE = 0.95
LARGEST_LAG_S = 2.0
DIFFERENT = 1
"""How `mm replay` ends when decisions differ."""
LEAST_ALERTS = 4
"""Breach, recovery, halt and resume."""


def summarise(script: Script, before_halt: Mapping[str, Any]) -> tuple[dict[str, Any], LedgerTotals]:
    """Put a run into figures: from the functions' records, the alerts, the exchange and the ledger table."""
    stack, progress = script.stack, script.progress
    after = stack.exchange()
    with variables(stack.environment):
        totals = reconcile(stack.deployment, stack.account.name, stack.account.markets[0].symbol, after)
    counts, halted = progress.counts, script.halts[0]
    replayed = json.loads(stack.mm("replay", "--json", accepted=frozenset({0, DIFFERENT})))
    placed = counts["orders_placed"]
    tag = f"mm{stack.account.tag.text}"
    summary = {
        "symbol": stack.symbol,
        "ticks": progress.ticks,
        **{name: counts[name] for name in ("orders_placed", "orders_kept", "orders_cancelled")},
        "protective_cancels": counts["protective_cancels"] + sum(each["orders_cancelled"] for each in script.halts),
        "fills": totals.fills,
        "cancel_ratio": counts["cancelled_unfilled"] / placed if placed else None,
        "two_sided_uptime": before_halt["two_sided_uptime"],
        "realised_pnl_quote": str(totals.realised_quote),
        "fees_quote": str(totals.fees_quote),
        "inventory_base": str(totals.base),
        "alerts": len(script.product_alerts()),
        "risk_checks": progress.risk_checks,
        "tick_lag_p95_s": percentile(progress.lags_ms, LAG_SHARE) / 1000,
        "halt_first_sweep_s": halted["first_sweep_s"],
        "halt_verified_s": halted["verified_s"],
        "orders_left_after_halt": sum(order["clientOrderId"].startswith(tag) for order in after["open_orders"]),
        "ledger_matches_venue": not totals.differences,
        "decisions_replayed": len(replayed),
        "decisions_differing": sum(not each["identical"] for each in replayed),
    }
    if stack.account.markets[0].perpetual is not None:
        summary |= {
            "position_most_base": str(progress.most_held_base),
            "position_base": str(Decimal(after["margin"]["size"])),
            "skewed_ticks": progress.skewed_ticks,
            "funding_rows": totals.funding_rows,
            "funding_quote": str(totals.funding_quote),
            "stop_losses": sum(_is_exit(alert) for alert in script.product_alerts()),
            "flat_after_stop": progress.flat_after_stop,
            "leverage": str(Decimal(after["margin"]["leverage"])),
        }
    return summary, totals


def _is_exit(alert: Alert) -> bool:
    return {"kind": "exit", "severity": "critical"}.items() <= dict(alert.attributes).items()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed; infinite without any."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.inf


def judge(summary: Mapping[str, Any]) -> list[str]:
    """Return what a run must show and this one did not."""
    checks = {
        "no tick was done": summary["ticks"] > 0,
        "nothing was filled": summary["fills"] > 0,
        "no order was kept": summary["orders_kept"] > 0,
        f"fewer than {LEAST_ALERTS} alerts arrived": summary["alerts"] >= LEAST_ALERTS,
        "no risk check was done": summary["risk_checks"] > 0,
        f"ticks arrive {LARGEST_LAG_S:.0f} s after their slots or later": summary["tick_lag_p95_s"] < LARGEST_LAG_S,
        "the halt is not verified": summary["halt_verified_s"] is not None,
        "orders are left after the halt": summary["orders_left_after_halt"] == 0,
        "the ledger differs from the venue": summary["ledger_matches_venue"],
        "no decision was made again": summary["decisions_replayed"] > 0,
        "decisions made again differ": summary["decisions_differing"] == 0,
    }
    if "flat_after_stop" in summary:
        checks |= {
            "no position was held": Decimal(summary["position_most_base"]) > 0,
            "the inventory moved no quote": summary["skewed_ticks"] > 0,
            "no funding was booked": summary["funding_rows"] > 0,
            "no stop loss fired": summary["stop_losses"] > 0,
            "the stop loss left a position": summary["flat_after_stop"],
        }
    return [problem for problem, holds in checks.items() if not holds]
