"""`make demo`: the whole stack on this machine for about 90 s, with a breach and a halt, and the proof of its books.

On a perpetual (`MARKET=perp`) a stop loss takes the breach's place.

Real parts: the template that `cdk deploy` sends, deployed to ministack; the functions in processes of their own, their
layers, roles, queue and schedules; unmodified ccxt over HTTP to the local exchange. What ministack lacks is bridged
(infra/local/bridges).
"""

import json
import os
import shlex
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from infra.local.assembly import DeployError
from infra.local.aws import ROOT
from infra.local.demo_perpetual import play_perpetual
from infra.local.demo_script import Script, play
from infra.local.demo_summary import judge, summarise
from infra.local.demo_view import Progress, render
from infra.local.processes import ProcessFailedError
from infra.local.stack import LocalStack, Market, local_stack
from infra.local.subscriber import Alert
from infra.local.synthesis import synthesize
from marketmaker.errors import ConfigError

DEPLOYMENT_FILE = ROOT / "infra" / "deployments" / "local.toml"
MARKETS = {"spot": DEPLOYMENT_FILE, "perp": ROOT / "infra" / "deployments" / "local-perp.toml"}
RECORDINGS = ROOT / "infra" / "local" / "recordings"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEAST_S = 40

console = Console(highlight=False)


class Stopped(BaseException):
    """A signal ends the demo; like an interrupt it passes every handler of errors."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def pick_file(data: str | None, kind: str = "spot") -> Path:
    """Return the deployment file of a kind of market, or the one made for a recording: its name starts that's."""
    if kind not in MARKETS:
        raise ConfigError(f"MARKET: {kind} is not allowed: one of {', '.join(MARKETS)}")
    if data is None:
        return MARKETS[kind]
    if kind != "spot":
        raise ConfigError(f"MARKET: {kind} is not allowed with DATA: recordings are played as spot")
    recording = Path(data).name.replace("-", "_")
    files = sorted(RECORDINGS.glob("*.toml"))
    for file in files:
        if recording.startswith(file.stem):
            return file
    allowed = ", ".join(file.stem for file in files)
    raise ConfigError(f"DATA: {data} is not allowed: a prefix starting with one of {allowed}")


def run(market: Market, seconds: float, out: Path, *, keep: bool, kind: str = "spot") -> dict[str, Any]:
    """Run the demo and return its summary; with `keep` the stack goes on quoting until a signal ends it."""
    file = pick_file(market.data, kind)
    out.mkdir(parents=True, exist_ok=True)
    for log in out.glob("*.log"):
        log.unlink()
    with tempfile.TemporaryDirectory(prefix="marketmaker-") as directory:
        _say("synthesizing the stack, and building its layers where they are missing")
        assembly = synthesize(file, Path(directory))
        _say("starting ministack and the local exchange")
        with local_stack(assembly, file, market, out, say=_say, on_alert=_print_alert) as stack:
            summary = _play(stack, market, seconds)
            _conclude(summary, out)
            if keep:
                _keep(stack)
    return summary


def _play(stack: LocalStack, market: Market, seconds: float) -> dict[str, Any]:
    source = Path(market.data).name if market.data else f"generated, seed {market.seed}"
    progress = Progress(seconds=seconds)
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def show(what: str) -> None:
            live.update(render(f"{stack.symbol} · {source}", progress, stack.exchange(), what), refresh=True)

        script = Script(stack=stack, progress=progress, show=show)
        before_halt = play(script) if stack.account.markets[0].perpetual is None else play_perpetual(script)
    summary, totals = summarise(script, before_halt)
    for difference in totals.differences:
        console.print(f"[red]ledger:[/red] {escape(difference)}", soft_wrap=True)
    return summary


def _conclude(summary: Mapping[str, Any], out: Path) -> None:
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    table = Table("figure", "value", title="summary")
    for name, value in summary.items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    console.print(table)
    written = os.path.relpath(out / "summary.json")
    console.print(f"written to {escape(written)}; the functions' logs are beside it", soft_wrap=True)
    for problem in judge(summary):
        console.print(f"[red]failed:[/red] {problem}")


def _keep(stack: LocalStack) -> None:
    """Quote on, and say how a second terminal reaches the stack."""
    stack.mm("resume", "--reason", "left running")
    told = "left running and quoting; Ctrl-C ends it. In a second terminal, in this directory:"
    console.print(f"\n{told}\n", soft_wrap=True)
    for name, value in stack.environment.items():
        console.print(f"  export {name}={shlex.quote(value)}", markup=False, soft_wrap=True)
    console.print("  .venv/bin/mm status\n")
    while True:
        stack.bridges.check()
        time.sleep(1)


def _say(text: str) -> None:
    console.print(escape(text), soft_wrap=True)


def _print_alert(alert: Alert) -> None:
    """Print one of the functions' alerts as it arrives; what alarms say is counted apart."""
    if "kind" in alert.attributes:
        style = "red" if alert.attributes["severity"] == "critical" else "green"
        console.print(f"[{style}]alert:[/{style}] {escape(alert.message)}", soft_wrap=True)


def main(
    data: Annotated[str | None, typer.Option(help="A recording: PREFIX of PREFIX_quotes.csv.gz and _trades.")] = None,
    seconds: Annotated[float, typer.Option(help="How long to quote.", min=LEAST_S)] = 90,
    seed: Annotated[int, typer.Option(help="Seed of the generated market.")] = 1,
    start_s: Annotated[float, typer.Option(help="Where in the recording to start.", min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Where summary.json and the logs go.")] = ROOT / "out" / "demo",
    kind: Annotated[str, typer.Option("--market", help="What is quoted: spot or perp.")] = "spot",
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")] = False,
) -> None:
    """Run the stack on this machine in real time, break a limit, halt it, and check every fill, fee and balance."""
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    try:
        summary = run(Market(data=data, seed=seed, start_s=start_s), seconds, out, keep=keep, kind=kind)
    except (ConfigError, DeployError, ProcessFailedError, BotoCoreError, ClientError, OSError) as error:
        console.print(f"[red]demo failed:[/red] {escape(' '.join(str(error).split()))}", soft_wrap=True)
        raise typer.Exit(1) from error
    except Stopped as stopped:
        console.print("interrupted; every process is stopped")
        raise typer.Exit(128 + stopped.number) from stopped
    if judge(summary):
        raise typer.Exit(1)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once: a second Ctrl-C must not interrupt the ending of the processes."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


if __name__ == "__main__":
    typer.run(main)
