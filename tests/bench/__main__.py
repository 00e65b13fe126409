"""`make bench`: ticks against the venue's round trip and the guide's loop, decisions, cold starts, a halt, backtests.

Real parts as in the demo: the real handler (in this process), unmodified ccxt over HTTP to local exchanges in processes
of their own, DynamoDB on ministack. Every API reply is 20 ms late. What is measured is compared only with what was
measured beside it; nothing is asserted about time, so a busy machine cannot fail this.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import ccxt
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from infra.local.aws import ROOT, ministack, variables
from infra.local.exchange.binance.login import Login
from infra.local.processes import ProcessFailedError
from infra.local.stack import API_KEY, SECRET
from marketmaker.errors import MarketMakerError
from tests.bench.backtest import RUNS, play_backtests
from tests.bench.cadence import CYCLES, INTERVAL_S, Worked, Worker, work_side_by_side
from tests.bench.decision import time_decision_us, time_models_us
from tests.bench.exchange import Exchange, exchange_process
from tests.bench.figures import BenchFailedError
from tests.bench.halting import ORDERS, measure_halt
from tests.bench.measure import TICK_WEIGHT, measure_loop, measure_ticks, moving_market, still_market
from tests.bench.naive_loop import NaiveLoop
from tests.bench.packages import COLD_STARTS, measure_packages
from tests.bench.paths import PATHS, simulate_paths
from tests.bench.report import Results, describe, render
from tests.bench.tick import Case, Ticker, TickSample, ticking
from tests.e2e.stage import REGION, open_stage

LATENCY_S = 0.02
SEED = 1
FEES = ("--seed", str(SEED), "--maker-fee", "0.0001", "--taker-fee", "0.001")
LOGIN = Login(api_key=API_KEY, api_secret=SECRET)
SAMPLES = 36
OUT = ROOT / "out"
LOGS = OUT / "bench"
console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 110, highlight=False)


@contextmanager
def phase(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Say what is being measured, and show how far it is."""
    console.print(title)
    columns = (TextColumn("  "), BarColumn(bar_width=60), MofNCompleteColumn())
    progress = Progress(
        *columns,
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task(title, total=total)

        def advance() -> None:
            progress.update(task, advance=1)
            progress.refresh()

        yield advance


@contextmanager
def bench() -> Iterator[tuple[Ticker, Exchange, Exchange]]:
    """Start everything: our desk at one exchange, a second exchange with the same market for the guide's loop."""
    LOGS.mkdir(parents=True, exist_ok=True)
    console.print("starting ministack and two local exchanges")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="marketmaker-")))
        aws = stack.enter_context(ministack(region=REGION, log=LOGS / "ministack.log", data=directory))
        here = stack.enter_context(open_stage(aws, LOGS, name="bench", exchange_options=FEES))
        stack.enter_context(variables({**here.environment, "MM_ACCOUNT": here.account.name}))
        second = stack.enter_context(exchange_process(here.account.markets[0], SEED, LOGS / "second_exchange.log"))
        ours, theirs = (stack.enter_context(closing(Exchange(each))) for each in (here.endpoint, second))
        ticker = stack.enter_context(ticking(ours, LOGS / "replace_quotes.log"))
        for exchange in (ours, theirs):
            exchange.delay_every_reply(LATENCY_S)
        yield ticker, ours, theirs


def run() -> Results:
    """Measure everything; the order spreads the request weight over the minutes in which the venue counts it."""
    load = os.getloadavg()[0]
    with bench() as (ticker, ours, theirs):
        loops = [
            NaiveLoop(theirs.endpoint, ticker.desk.settings.symbols[0], LOGIN, limits_rate=limits)
            for limits in (True, False)
        ]
        with phase("cold starts from the built layers and from untrimmed ones", 2 * COLD_STARTS) as advance:
            packages = measure_packages(advance)
        with phase("quiet ticks", SAMPLES) as advance:
            quiet = measure_ticks(ticker, ours, Case.QUIET, still_market(), SAMPLES, advance)
        with phase(f"{CYCLES} cycles every 5 s on the same market, ours and the guide's", 2 * CYCLES) as advance:
            our_minute, guide_minute, minute_ticks = work_a_minute(ticker, loops[0], ours, theirs, advance)
        with phase("replacing ticks", SAMPLES) as advance:
            replacing = measure_ticks(ticker, ours, Case.REPLACING, moving_market(ours), SAMPLES, advance)
        with phase("the guide's loop back to back, its rate limiter on and off", 2 * SAMPLES) as advance:
            limited, unlimited = [measure_loop(loop, theirs, SAMPLES, advance) for loop in loops]
        with phase("a halt with a hundred resting orders", ORDERS) as advance:
            halted = measure_halt(ours, LOGIN, advance)
        with phase("a day of a recording played back, and parts of it", RUNS) as advance:
            backtests = play_backtests(advance)
        console.print(f"one decision, by each model; {PATHS:,} paths of Avellaneda and Stoikov's maker, four times")
        return Results(
            latency_ms=LATENCY_S * 1000,
            load=(load, os.getloadavg()[0]),
            quiet=quiet,
            replacing=replacing,
            guide_limited=limited,
            guide_unlimited=unlimited,
            our_minute=our_minute,
            guide_minute=guide_minute,
            minute_ticks=minute_ticks,
            packages=packages,
            decision_us=time_decision_us(ticker),
            models_us=time_models_us(),
            paths=simulate_paths(),
            backtests=backtests,
            halted=halted,
        )


def work_a_minute(
    ticker: Ticker, loop: NaiveLoop, ours: Exchange, theirs: Exchange, advance: Callable[[], None]
) -> tuple[Worked, Worked, list[TickSample]]:
    """Compare our ticks, whatever they turn out to be, with the guide's loop at its own pace."""
    ticks: list[TickSample] = []

    def tick_ms() -> float:
        ticks.append(ticker.tick())
        return ticks[-1].wall_ms

    loop.cycle()
    left_s = 60 - time.time() % 60
    ours.make_room(min(CYCLES, int(left_s / INTERVAL_S) + 1) * TICK_WEIGHT)
    workers = Worker(cycle=tick_ms, exchange=ours), Worker(cycle=loop.timed_cycle_ms, exchange=theirs)
    our_minute, guide_minute = work_side_by_side(workers, advance)
    if any(each.result["outcome"] != "done" for each in ticks):
        raise BenchFailedError(f"a tick was not done: {[each.result['outcome'] for each in ticks]}")
    return our_minute, guide_minute, ticks


def main() -> int:
    """Run the bench; whether the goals are met does not change the exit code, what did not run does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    started = time.monotonic()
    try:
        figures = describe(run())
    except (BenchFailedError, ProcessFailedError, MarketMakerError, ccxt.BaseError, OSError) as error:
        console.print(f"[red]bench failed:[/red] {type(error).__name__}: {escape(str(error))}", soft_wrap=True)
        console.print(f"the processes' logs are in {os.path.relpath(LOGS)}")
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; every process is stopped")
        return 130
    render(figures, console)
    file = OUT / "bench.json"
    file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    console.print(f"{time.monotonic() - started:.0f} s; written to {os.path.relpath(file)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
