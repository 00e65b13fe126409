"""The decision by each model, and the simulated paths, as tables and as figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from tests.bench.decision import GOAL_US, LEVELS
from tests.bench.figures import Timing
from tests.bench.paths import PATHS, TOLERANCE, Simulated
from tests.bench.tables import new_table, yes_or_no


def describe_models(timings: Mapping[str, Timing]) -> dict[str, Any]:
    """Put what each model took beside the goal."""
    return {
        "levels": LEVELS,
        "goal": GOAL_US,
        "cases": {name: {**asdict(each), "goal_met": each.p50 <= GOAL_US} for name, each in timings.items()},
    }


def describe_paths(paths: Sequence[Simulated]) -> list[dict[str, Any]]:
    """Put what the simulated makers earned beside its limits."""
    return [_simulated(each) for each in paths]


def models_table(figures: Mapping[str, Any]) -> Table:
    """Show how long a decision takes by each model."""
    models = figures["models_us"]
    title = f"one decision, {models['levels']} levels a side, all orders kept, µs"
    table = new_table(title, "model", "samples", "p50", "p95", "p99", "goal", "met")
    for name, each in models["cases"].items():
        timings = (f"{each[percentile]:.0f}" for percentile in ("p50", "p95", "p99"))
        table.add_row(name, str(each["samples"]), *timings, f"≤ {models['goal']:.0f}", yes_or_no(each["goal_met"]))
    return table


def paths_table(figures: Mapping[str, Any]) -> Table:
    """Show the simulated rows of the paper's tables."""
    rows = figures["avellaneda_stoikov"]
    title = f"Avellaneda and Stoikov's maker on {rows[0]['paths']:,} paths; in brackets the limits"
    table = new_table(
        title, "γ, strategy", "spread", "profit", "its sd", "final q", "its sd", "furthest", "allowed", "met"
    )
    for each in rows:
        profit, profit_sd, q_sd = each["limits"]
        table.add_row(
            f"{each['gamma']}, {each['strategy']}",
            f"{each['spread']:.2f}",
            f"{each['profit']:.2f} ({profit:.2f})",
            f"{each['profit_sd']:.2f} ({profit_sd:.2f})",
            f"{each['final_q']:.2f}",
            f"{each['final_q_sd']:.2f} ({q_sd:.2f})",
            f"{each['deviation']:.2%}",
            f"{each['tolerance']:.1%}",
            yes_or_no(each["within"]),
        )
    return table


def _simulated(simulated: Simulated) -> dict[str, Any]:
    return {
        "gamma": simulated.gamma,
        "strategy": simulated.strategy.value,
        "paths": PATHS,
        **asdict(simulated.outcome),
        "limits": simulated.limits,
        "deviation": simulated.deviation(),
        "tolerance": TOLERANCE,
        "within": simulated.deviation() <= TOLERANCE,
    }
