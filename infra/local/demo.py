"""`make demo`: quote one market on this machine for a minute, halt, and prove that the books agree.

Real parts: the functions' handlers in processes of their own, unmodified ccxt over HTTP to the local exchange, DynamoDB
and Secrets Manager on ministack. What is not here yet: the schedules and the queue; this file sends the ticks.
"""

import http.client
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from infra.local.aws import ROOT, ministack, put_keys, variables
from infra.local.demo_view import Progress, render
from infra.local.processes import FunctionProcess, ProcessFailedError, first_line, last_line, running
from infra.local.reconcile import reconcile
from infra.local.tables import create_tables
from marketmaker.config import Deployment, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.errors import ConfigError

DEPLOYMENT_FILE = ROOT / "infra" / "deployments" / "local.toml"
RECORDINGS = ROOT / "infra" / "local" / "recordings"
API_KEY, SECRET = "local-key", "local-secret"
START_TIMEOUT_S = 60.0
TICK_TIMEOUT_S = 15.0
HALT_TIMEOUT_S = 60.0
FRAME_S = 0.25
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

console = Console(highlight=False)


class Stopped(BaseException):
    """A signal ends the demo; like an interrupt it passes every handler of errors."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the demo runs on."""

    deployment: Deployment
    account: AccountSettings
    endpoint: str
    out: Path

    @property
    def symbol(self) -> str:
        """The market that is quoted."""
        return self.account.markets[0].symbol

    def exchange(self) -> dict[str, Any]:
        """Read the exchange's own account of what happened."""
        try:
            with urllib.request.urlopen(f"{self.endpoint}/local/state", timeout=5) as answer:  # noqa: S310 - our own loopback
                state: dict[str, Any] = json.load(answer)
                return state
        except (OSError, http.client.HTTPException, ValueError) as error:
            log = self.out / "exchange.log"
            text = f"the local exchange does not answer ({error}); {log} ends: {last_line(log)}"
            raise ProcessFailedError(text) from error


def pick_file(data: str | None) -> Path:
    """Return the deployment file made for a recording: its name starts the recording's."""
    if data is None:
        return DEPLOYMENT_FILE
    recording = Path(data).name.replace("-", "_")
    files = sorted(RECORDINGS.glob("*.toml"))
    for file in files:
        if recording.startswith(file.stem):
            return file
    allowed = ", ".join(file.stem for file in files)
    raise ConfigError(f"DATA: {data} is not allowed: a prefix starting with one of {allowed}")


@contextmanager
def stage(
    data: str | None, seed: int, start_s: float, out: Path, exchange_options: Sequence[str] = ()
) -> Iterator[Stage]:
    """Start ministack and the exchange, make tables and keys; everything ends with the context."""
    file = pick_file(data)
    deployment = load_deployment(file)
    account = next(iter(deployment.accounts.values()))
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marketmaker-")))
        aws = stack.enter_context(ministack(region=deployment.region, log=out / "ministack.log", data=temporary))
        stack.enter_context(variables(aws))
        create_tables(
            state_table=deployment.state_table, ledger_table=deployment.ledger_table, region=deployment.region
        )
        put_keys(deployment, account.name, api_key=API_KEY, secret=SECRET)
        command = [sys.executable, "-m", "infra.local.exchange", "--port", "0", "--seed", str(seed)]
        command += ["--symbol", account.markets[0].symbol, "--start-s", str(start_s)]
        command += ["--maker-fee", str(account.markets[0].fees.maker_bps * Decimal("0.0001"))]
        command += ["--taker-fee", str(account.markets[0].fees.taker_bps * Decimal("0.0001"))]
        command += [*(["--data", data] if data else []), *exchange_options]
        log = out / "exchange.log"
        exchange = stack.enter_context(running(command, log=log, environment={}, stdout=-1, cwd=ROOT))
        endpoint = first_line(exchange, "listening on ", timeout_s=START_TIMEOUT_S, log=log)
        function = {
            "MM_DEPLOYMENT_FILE": str(file),
            "MM_ACCOUNT": account.name,
            "MM_VENUE_ENDPOINT": endpoint,
        }
        stack.enter_context(variables(function))
        yield Stage(deployment=deployment, account=account, endpoint=endpoint, out=out)


@contextmanager
def function(name: str, out: Path, timeout_s: float) -> Iterator[FunctionProcess]:
    """Run one function in its own process; its log lands in `out`."""
    log = out / f"{name}.log"
    command = [sys.executable, "-m", "infra.local.function_process", f"functions.{name}.handler", str(timeout_s)]
    with running(command, log=log, environment={}, stdin=-1, stdout=-1, cwd=ROOT) as process:
        yield FunctionProcess(process, log)


def quote_for(here: Stage, progress: Progress, show: Callable[[str], None]) -> None:
    """Send a tick at every slot for as long as the demo runs, in real time."""
    interval_s = here.account.clocks.interval_ms / 1000
    timeout_s = here.account.clocks.function_timeout_ms / 1000
    with function("replace_quotes", here.out, timeout_s) as quoting:
        start = (int(time.time() / interval_s) + 1) * interval_s
        for slot in range(int(progress.seconds / interval_s)):
            slot_s = start + slot * interval_s
            _wait_until(slot_s, start, progress, show)
            body = json.dumps({"account": here.account.name, "slot_ms": round(slot_s * 1000)})
            result = quoting.invoke({"Records": [{"body": body}]}, timeout_s=TICK_TIMEOUT_S)
            progress.elapsed_s = time.time() - start
            progress.add(result["ticks"][0])
        _wait_until(start + progress.seconds, start, progress, show)


def _wait_until(moment_s: float, start_s: float, progress: Progress, show: Callable[[str], None]) -> None:
    while (left := moment_s - time.time()) > 0:
        progress.elapsed_s = max(0.0, time.time() - start_s)
        show("quoting")
        time.sleep(min(left, FRAME_S))


def summarise(here: Stage, progress: Progress, before_halt: dict[str, Any], halted: dict[str, Any]) -> dict[str, Any]:
    """Put the run into figures, from the ticks' results, the exchange and the ledger table."""
    after = here.exchange()
    totals = reconcile(here.deployment, here.account.name, here.account.markets[0].symbol, after)
    for difference in totals.differences:
        console.print(f"[red]ledger:[/red] {escape(difference)}", soft_wrap=True)
    counts = progress.counts
    placed = counts["orders_placed"]
    tag = f"mm{here.account.tag.text}"
    return {
        "symbol": here.symbol,
        "ticks": progress.ticks,
        **{name: counts[name] for name in ("orders_placed", "orders_kept", "orders_cancelled")},
        "protective_cancels": counts["protective_cancels"] + halted["orders_cancelled"],
        "fills": totals.fills,
        "cancel_ratio": counts["cancelled_unfilled"] / placed if placed else None,
        "two_sided_uptime": before_halt["two_sided_uptime"],
        "realised_pnl_quote": str(totals.realised_quote),
        "fees_quote": str(totals.fees_quote),
        "inventory_base": str(totals.base),
        "halt_first_sweep_s": halted["first_sweep_s"],
        "halt_verified_s": halted["verified_s"],
        "orders_left_after_halt": sum(order["clientOrderId"].startswith(tag) for order in after["open_orders"]),
        "ledger_matches_venue": not totals.differences,
    }


def judge(summary: dict[str, Any]) -> list[str]:
    """Return what a run must show and this one did not."""
    checks = {
        "no tick was done": summary["ticks"] > 0,
        "nothing was filled": summary["fills"] > 0,
        "no order was kept": summary["orders_kept"] > 0,
        "the halt is not verified": summary["halt_verified_s"] is not None,
        "orders are left after the halt": summary["orders_left_after_halt"] == 0,
        "the ledger differs from the venue": summary["ledger_matches_venue"],
    }
    return [problem for problem, holds in checks.items() if not holds]


def run(data: str | None, seconds: float, seed: int, start_s: float, out: Path) -> dict[str, Any]:
    """Run the demo and return its summary."""
    out.mkdir(parents=True, exist_ok=True)
    console.print("starting ministack and the local exchange")
    with stage(data, seed, start_s, out) as here, Live(console=console, transient=True, auto_refresh=False) as live:
        title = f"{here.symbol} · {Path(data).name if data else f'generated, seed {seed}'}"

        progress = Progress(seconds=seconds)

        def show(what: str) -> None:
            live.update(render(title, progress, here.exchange(), what), refresh=True)

        quote_for(here, progress, show)
        before_halt = here.exchange()
        show("halting")
        with function("halt", here.out, HALT_TIMEOUT_S) as halting:
            event = {"reason": "the demo is over", "requested_by": "make demo"}
            halted = halting.invoke(event, timeout_s=HALT_TIMEOUT_S + TICK_TIMEOUT_S)["halt"]
        return summarise(here, progress, before_halt, halted)


def main(
    data: Annotated[str | None, typer.Option(help="A recording: PREFIX of PREFIX_quotes.csv.gz and _trades.")] = None,
    seconds: Annotated[float, typer.Option(help="How long to quote.", min=5)] = 60,
    seed: Annotated[int, typer.Option(help="Seed of the generated market.")] = 1,
    start_s: Annotated[float, typer.Option(help="Where in the recording to start.", min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Where summary.json and the logs go.")] = ROOT / "out" / "demo",
) -> None:
    """Quote a market on this machine in real time, halt it, and check every fill, fee and balance."""
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    try:
        summary = run(data, seconds, seed, start_s, out)
    except (ConfigError, ProcessFailedError, OSError) as error:
        console.print(f"[red]demo failed:[/red] {escape(' '.join(str(error).split()))}", soft_wrap=True)
        raise typer.Exit(1) from error
    except Stopped as stopped:
        console.print("interrupted; every process is stopped")
        raise typer.Exit(128 + stopped.number) from stopped
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    table = Table("figure", "value", title="summary")
    for name, value in summary.items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    console.print(table)
    written = os.path.relpath(out / "summary.json")
    console.print(f"written to {escape(written)}; the functions' logs are beside it", soft_wrap=True)
    problems = judge(summary)
    for problem in problems:
        console.print(f"[red]failed:[/red] {problem}")
    if problems:
        raise typer.Exit(1)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once: a second Ctrl-C must not interrupt the ending of the processes."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


if __name__ == "__main__":
    typer.run(main)
