"""The bench's results as tables and as JSON."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import ccxt
from rich.console import Console
from rich.table import Table

from tests.bench.backtest import Backtests, backtests_table, describe_backtests
from tests.bench.cadence import CYCLES, INTERVAL_S, Worked
from tests.bench.figures import Timing
from tests.bench.halting import Halted, describe_halt, halt_table
from tests.bench.measure import Cycles, Ticks
from tests.bench.packages import GOAL, Layers, Packages
from tests.bench.paths import Simulated
from tests.bench.quoting_report import describe_models, describe_paths, models_table, paths_table
from tests.bench.tables import new_table, yes_or_no
from tests.bench.tick import Case, TickSample

GOALS = {Case.QUIET: 2.0, Case.REPLACING: 4.0}
"""Case → the most round trips that a tick may take in the median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that was measured."""

    latency_ms: float
    load: tuple[float, float]
    quiet: Ticks
    replacing: Ticks
    guide_limited: Cycles
    guide_unlimited: Cycles
    our_minute: Worked
    guide_minute: Worked
    minute_ticks: list[TickSample]
    packages: Packages
    decision_us: Timing
    models_us: Mapping[str, Timing]
    paths: Sequence[Simulated]
    backtests: Backtests
    halted: Halted


def describe(results: Results) -> dict[str, Any]:
    """Put the results into plain figures; what is printed is taken from here."""
    limited = _loop(results.guide_limited)
    unlimited = _loop(results.guide_unlimited)
    ticks = {each.case.value: _ticks(each) for each in (results.quiet, results.replacing)}
    return {
        "machine": {
            "python": platform.python_version(),
            "ccxt": ccxt.__version__,
            "cores": os.cpu_count(),
            "load_at_start": results.load[0],
            "load_at_end": results.load[1],
        },
        "latency_ms": results.latency_ms,
        "ticks": ticks,
        "guide_back_to_back": {"rate_limiter_on": limited, "rate_limiter_off": unlimited},
        "ours_to_guide": {
            case: {
                "calls": figures["calls_a_tick"] / limited["calls_a_cycle"],
                "weight": figures["weight_a_tick"] / limited["weight_a_cycle"],
                "time_to_limiter_on": figures["wall_ms"]["p50"] / limited["wall_ms"]["p50"],
                "time_to_limiter_off": figures["wall_ms"]["p50"] / unlimited["wall_ms"]["p50"],
            }
            for case, figures in ticks.items()
        },
        "same_market": _same_market(
            _minute(results.our_minute) | _split(results.minute_ticks), _minute(results.guide_minute)
        ),
        "decision_us": asdict(results.decision_us),
        "models_us": describe_models(results.models_us),
        "avellaneda_stoikov": describe_paths(results.paths),
        "cold_starts": _cold_starts(results.packages),
        "halt": describe_halt(results.halted),
        "backtests": describe_backtests(results.backtests),
    }


def _ticks(ticks: Ticks) -> dict[str, Any]:
    wall, round_trip = Timing.of([each.wall_ms for each in ticks.samples]), Timing.of(ticks.round_trips_ms)
    ratio, goal = wall.p50 / round_trip.p50, GOALS[ticks.case]
    return {
        "wall_ms": asdict(wall),
        "round_trip_ms": asdict(round_trip),
        "round_trips": ratio,
        "round_trips_p95": wall.p95 / round_trip.p50,
        "goal_round_trips": goal,
        "goal_met": ratio <= goal,
        "set_aside": ticks.set_aside,
        "calls_a_tick": median(each.calls.total() for each in ticks.samples),
        "weight_a_tick": median(each.weight for each in ticks.samples if each.weight > 0),
        **_split(ticks.samples),
    }


def _split(samples: Sequence[TickSample]) -> dict[str, Any]:
    return {
        "split_ms": _medians([each.split_ms() for each in samples]),
        "port_calls_ms": _medians([each.calls_ms() for each in samples]),
    }


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each name's median over the rows that have it, in the order of the longest row."""
    names = dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row)
    return {name: median(row[name] for row in rows if name in row) for name in names}


def _loop(cycles: Cycles) -> dict[str, Any]:
    wall, round_trip = Timing.of(cycles.wall_ms), Timing.of(cycles.round_trips_ms)
    return {
        "wall_ms": asdict(wall),
        "round_trip_ms": asdict(round_trip),
        "round_trips": wall.p50 / round_trip.p50,
        "calls_a_cycle": cycles.calls.total() / len(cycles.wall_ms),
        "weight_a_cycle": cycles.weight,
    }


def _minute(worked: Worked) -> dict[str, Any]:
    return {
        "calls_a_cycle": worked.calls_a_cycle,
        "orders_a_minute": worked.orders_a_minute,
        "cancels_a_minute": worked.cancels_a_minute,
        "wall_ms_p50": Timing.of(worked.wall_ms).p50,
        "calls": dict(sorted(worked.calls.items())),
    }


def _same_market(ours: dict[str, Any], guide: dict[str, Any]) -> dict[str, Any]:
    ratios = {name: ours[name] / guide[name] for name in guide if not isinstance(guide[name], dict)}
    return {"cycles": CYCLES, "interval_s": INTERVAL_S, "ours": ours, "guide": guide, "ours_to_guide": ratios}


def _cold_starts(packages: Packages) -> dict[str, Any]:
    built, untrimmed = _layers(packages.built), _layers(packages.untrimmed)
    ratios = {name: built[name] / untrimmed[name] for name in built}
    return {
        "samples": len(packages.built.starts),
        "built": built,
        "untrimmed": untrimmed,
        "built_to_untrimmed": ratios,
        "goal": GOAL,
        "goal_met": ratios["ready_ms"] <= GOAL,
        "unzipped_mb_for_lambda": packages.lambda_mb,
    }


def _layers(layers: Layers) -> dict[str, float]:
    return {**_medians([asdict(each) for each in layers.starts]), "unzipped_mb": layers.unzipped_mb}


def render(figures: Mapping[str, Any], console: Console) -> None:
    """Print the tables."""
    for make_table in (
        _tick_table,
        _split_table,
        _loop_table,
        _minute_table,
        _cold_start_table,
        halt_table,
        models_table,
        paths_table,
        backtests_table,
    ):
        console.print(make_table(figures))
    decision = figures["decision_us"]
    console.print(
        f"one decision of the demo's market, {decision['samples']} times: p50 {decision['p50']:.0f} µs, "
        f"p99 {decision['p99']:.0f} µs"
    )
    machine = figures["machine"]
    console.print(
        f"load {machine['load_at_start']:.1f} → {machine['load_at_end']:.1f} on {machine['cores']} cores, "
        f"Python {machine['python']}, ccxt {machine['ccxt']}",
        style="dim",
    )


def _tick_table(figures: Mapping[str, Any]) -> Table:
    title = f"a tick against the venue's round trip, every reply {figures['latency_ms']:.0f} ms late"
    table = new_table(
        title, "case", "samples", "round trip ms", "p50 ms", "p95 ms", "round trips", "at p95", "goal", "met"
    )
    for case, each in figures["ticks"].items():
        wall = each["wall_ms"]
        table.add_row(
            case,
            str(wall["samples"]),
            f"{each['round_trip_ms']['p50']:.1f}",
            f"{wall['p50']:.1f}",
            f"{wall['p95']:.1f}",
            f"{each['round_trips']:.2f}",
            f"{each['round_trips_p95']:.2f}",
            f"≤ {each['goal_round_trips']:.0f}",
            yes_or_no(each["goal_met"]),
        )
    return table


def _split_table(figures: Mapping[str, Any]) -> Table:
    same = figures["same_market"]
    pace = f"every {same['interval_s']:.0f} s, as they come"
    columns = {**figures["ticks"], pace: same["ours"]}
    table = new_table("where a tick's time goes, p50 ms (of the ticks that have it)", "", *columns)
    names = {"venue": "waiting for the venue", "store": "waiting for the store alone", "own": "own work"}
    for name, title in names.items():
        cells = (f"{each['split_ms'][name]:.1f}" for each in columns.values())
        table.add_row(title, *cells, end_section=name == "own")
    for name in dict.fromkeys(name for each in columns.values() for name in each["port_calls_ms"]):
        took = (each["port_calls_ms"].get(name) for each in columns.values())
        table.add_row(name, *("–" if each is None else f"{each:.1f}" for each in took))
    return table


def _loop_table(figures: Mapping[str, Any]) -> Table:
    title = "one cycle against the guide's loop without its pause; ÷ is ours to the guide's"
    columns = ("", "calls", "weight", "p50 ms", "p95 ms", "calls ÷", "weight ÷", "time ÷ on", "÷ off")
    table = new_table(title, *columns)
    for name, each in figures["guide_back_to_back"].items():
        cells = _cycle_cells(each["calls_a_cycle"], each["weight_a_cycle"], each["wall_ms"])
        table.add_row(f"guide, {name.replace('_', ' ')}", *cells)
    for case, each in figures["ticks"].items():
        ratios = figures["ours_to_guide"][case].values()
        cells = _cycle_cells(each["calls_a_tick"], each["weight_a_tick"], each["wall_ms"])
        table.add_row(f"ours, {case}", *cells, *(f"{ratio:.2f}" for ratio in ratios))
    return table


def _cycle_cells(calls: float, weight: float, wall_ms: Mapping[str, float]) -> list[str]:
    return [f"{calls:.0f}", f"{weight:.0f}", f"{wall_ms['p50']:.1f}", f"{wall_ms['p95']:.1f}"]


def _minute_table(figures: Mapping[str, Any]) -> Table:
    same = figures["same_market"]
    title = f"{same['cycles']} cycles every {same['interval_s']:.0f} s on the same market"
    table = new_table(title, "", "ours", "guide", "ours ÷ guide")
    names = {
        "calls_a_cycle": "REST calls a cycle",
        "orders_a_minute": "orders sent a minute",
        "cancels_a_minute": "cancel requests a minute",
        "wall_ms_p50": "a cycle, p50 ms",
    }
    for name, what in names.items():
        ratio = same["ours_to_guide"][name]
        table.add_row(what, f"{same['ours'][name]:.1f}", f"{same['guide'][name]:.1f}", f"{ratio:.2f}")
    return table


def _cold_start_table(figures: Mapping[str, Any]) -> Table:
    starts = figures["cold_starts"]
    goal = f"goal ≤ {starts['goal']:.2f}: {'[green]met[/green]' if starts['goal_met'] else '[red]missed[/red]'}"
    title = f"a cold start of replace_quotes, medians of {starts['samples']} ({goal})"
    table = new_table(title, "", "built layers", "untrimmed, no bytecode", "built ÷ untrimmed")
    names = {
        "import_ms": "import of the handler, ms",
        "ready_ms": "import and init, ms",
        "peak_mb": "peak memory, MB",
        "unzipped_mb": "layers unzipped, MB",
    }
    for name, what in names.items():
        sides = (f"{starts[side][name]:.1f}" for side in ("built", "untrimmed"))
        table.add_row(what, *sides, f"{starts['built_to_untrimmed'][name]:.3f}")
    return table
