"""A recorded day played back: how long it takes, what of it is deciding, and how memory grows with it.

A quarter, a half and the whole of the day, each by `mm backtest` in its own process, so the most memory of each is its
own; then a quarter once more in this process, its decisions timed. The price band is as wide as the day, so the market
is quoted to its end. Without the recording a generated day of the same cadence takes its place, and the figures say so.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from rich.table import Table

from infra.local.aws import ROOT
from marketmaker.bootstrap.backtests import BacktestOptions, MarketFiles, backtest
from marketmaker.domain import deciding
from marketmaker.domain.deciding import Decision, Situation
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.orders import DeploymentTag
from marketmaker.usecases import decide
from tests.bench.figures import BenchFailedError
from tests.bench.tables import new_table, yes_or_no
from tests.recorded import START_US, write_walk

GOAL_S = 3.0
"""The most that the day may take."""
CADENCE_S = 5
SHARES = (4, 2, 1)
"""Played are a quarter, a half and the whole of the day."""
RUNS = len(SHARES) + 1
_DAY_S = 86_400
_MM = Path(sys.executable).parent / "mm"
_RECORDED = ROOT.parent / "shared" / "data" / "gemini_ethusd_2021-07-01"
_RECORDED_FILE = ROOT / "infra" / "local" / "recordings" / "gemini_ethusd.toml"
_RECORDED_START_S = 1_625_097_600
_GENERATED_FILE = ROOT / "infra" / "deployments" / "local.toml"
_WIDE = "price_band={ bps = 9000 }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day to be played, by whose settings, and what it is."""

    name: str
    prefix: Path
    deployment: Path
    market: str
    start_s: int

    def files(self) -> tuple[Path, Path]:
        """Return its quotes and its trades."""
        return Path(f"{self.prefix}_quotes.csv.gz"), Path(f"{self.prefix}_trades.csv.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedDay:
    """One run over a share of the day; `rss_mb` is the most memory of its process."""

    hours: int
    wall_s: float
    ticks: int
    events: int
    orders: int
    fills: int
    rss_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtests:
    """The day's runs, the shortest first, and what share of a run is deciding."""

    day: str
    runs: Sequence[PlayedDay]
    deciding_share: float
    decision_us: float


def play_backtests(advance: Callable[[], None]) -> Backtests:
    """Play the recorded day, or a generated one where the recording is not here; four runs."""
    with TemporaryDirectory(prefix="marketmaker-") as temporary:
        day = _day(Path(temporary))
        runs = []
        for share in SHARES:
            runs.append(_play(day, _DAY_S // share))
            advance()
        deciding_s, decisions, wall_s = _time_decisions(day, _DAY_S // SHARES[0])
        advance()
    return Backtests(
        day=day.name, runs=runs, deciding_share=deciding_s / wall_s, decision_us=deciding_s / decisions * 1e6
    )


def describe_backtests(played: Backtests) -> dict[str, Any]:
    """Put the runs into plain figures, beside their goals."""
    first, whole = played.runs[0], played.runs[-1]
    return {
        "day": played.day,
        "cadence_s": CADENCE_S,
        "runs": [_described(each) for each in played.runs],
        "deciding_share": played.deciding_share,
        "decision_us": played.decision_us,
        "goal_s": GOAL_S,
        "goal_met": whole.wall_s <= GOAL_S,
        "kb_a_tick": (whole.rss_mb - first.rss_mb) * 1024 / (whole.ticks - first.ticks),
    }


def backtests_table(figures: Mapping[str, Any]) -> Table:
    """Show each run, with the share of deciding and whether the goals are met."""
    each_day = figures["backtests"]
    title = (
        f"mm backtest over {each_day['day']}, a tick every {each_day['cadence_s']} s; {each_day['deciding_share']:.0%} "
        f"of it are decisions of {each_day['decision_us']:.0f} µs\n"
        f"the day in {each_day['goal_s']:.0f} s: {yes_or_no(each_day['goal_met'])}; "
        f"memory grows by {each_day['kb_a_tick']:.1f} KB a tick: fills are kept, and samples of two days"
    )
    table = new_table(title, "hours", "wall s", "ticks", "ticks/s", "events/s", "µs a tick", "orders", "fills", "MB")
    for run in each_day["runs"]:
        speeds = (f"{run[name]:,.0f}" for name in ("ticks_a_second", "events_a_second", "us_a_tick"))
        counts = (f"{run[name]:,}" for name in ("orders", "fills"))
        row = (str(run["hours"]), f"{run['wall_s']:.2f}", f"{run['ticks']:,}", *speeds, *counts)
        table.add_row(*row, f"{run['rss_mb']:.0f}")
    return table


def _described(run: PlayedDay) -> dict[str, Any]:
    return asdict(run) | {
        "ticks_a_second": run.ticks / run.wall_s,
        "events_a_second": run.events / run.wall_s,
        "us_a_tick": run.wall_s / run.ticks * 1e6,
    }


def _day(temporary: Path) -> Day:
    if _RECORDED.parent.is_dir():
        return Day(
            name=_RECORDED.name,
            prefix=_RECORDED,
            deployment=_RECORDED_FILE,
            market="binance:ETH/USD",
            start_s=_RECORDED_START_S,
        )
    return Day(
        name=f"a generated day, as {_RECORDED.parent} is not here",
        prefix=write_walk(temporary / "walk", _DAY_S),
        deployment=_GENERATED_FILE,
        market="binance:PAXG/USDT",
        start_s=START_US // 1_000_000,
    )


def _play(day: Day, seconds: int) -> PlayedDay:
    quotes, trades = day.files()
    end = datetime.fromtimestamp(day.start_s + seconds, UTC).isoformat()
    command: list[str | Path] = [_MM, "backtest", "--deployment", day.deployment, "--market", day.market]
    command += ["--quotes", quotes, "--trades", trades, "--to", end, "--cadence-s", str(CADENCE_S), "--set", _WIDE]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MM_")}
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailedError(f"mm backtest ended with {done.returncode}: {done.stderr.strip()}")
    (found,) = json.loads(done.stdout)
    return PlayedDay(
        hours=seconds // 3_600,
        wall_s=found["wall_seconds"],
        ticks=found["ticks"],
        events=found["events"],
        orders=found["orders_placed"],
        fills=found["fills"],
        rss_mb=found["rss_mb"],
    )


def _time_decisions(day: Day, seconds: int) -> tuple[float, int, float]:
    """Return what deciding took of a run, how many decisions it made, and what all of it took."""
    quotes, trades = day.files()
    options = BacktestOptions(
        deployment=str(day.deployment),
        market=day.market,
        files=MarketFiles(quotes=quotes, trades=trades),
        changes=(_WIDE,),
        to_ms=(day.start_s + seconds) * 1_000,
        cadence_s=CADENCE_S,
    )
    with _timed_decisions() as took_s:
        wall_s = backtest(options).wall_seconds
    return sum(took_s), len(took_s), wall_s


@contextmanager
def _timed_decisions() -> Iterator[list[float]]:
    """Time every decision of the ticks that are worked meanwhile."""
    untimed, took_s = deciding.decide, list[float]()

    def timed(situation: Situation, settings: MarketSettings, tag: DeploymentTag) -> Decision:
        started_s = time.perf_counter()
        decision = untimed(situation, settings, tag)
        took_s.append(time.perf_counter() - started_s)
        return decision

    with patch.object(decide, "decide", timed):
        yield took_s
