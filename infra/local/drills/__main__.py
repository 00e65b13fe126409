"""Run the drills: `python -m infra.local.drills`, which is what `mm drill` does in a checkout."""

import json
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.local.assembly import DeployError
from infra.local.aws import ROOT
from infra.local.drills.protections import DRILLS, PROTECTIONS, check_names
from infra.local.drills.running import Choice, run_drills
from infra.local.drills.verdicts import COLUMNS, Verdict, all_held
from infra.local.processes import ProcessFailedError
from marketmaker.errors import ConfigError

OUT = ROOT / "out" / "drills"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Stopped(BaseException):
    """A signal ends the drills; like an interrupt it passes every handler of errors."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and the progress to standard error.")] = False,
    without: Annotated[list[str] | None, typer.Option(help=f"Switch off: {', '.join(PROTECTIONS)}.")] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Do this alone: {', '.join(DRILLS)}.")] = None,
    data: Annotated[str | None, typer.Option(help="The recorded crash: PREFIX of PREFIX_trades.csv.gz.")] = None,
    out: Annotated[Path, typer.Option(help="Where the logs go.")] = OUT,
) -> None:
    """Let go wrong what can, on this machine, and say whether all that had to hold held."""
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    said = errors if as_json else console

    def say(text: str) -> None:
        said.print(escape(text))

    verdicts: list[Verdict] = []
    try:
        choice = Choice(data=data, without=without or (), only=only or ())
        check_names(choice.without, choice.only)
        for verdict in run_drills(choice, out, say=say):
            verdicts.append(verdict)
            _tell(said, verdict)
    except ConfigError as error:
        errors.print(f"[red]error:[/red] {escape(str(error))}")
        raise typer.Exit(2) from error
    except (DeployError, ProcessFailedError, BotoCoreError, ClientError, OSError) as error:
        errors.print(f"[red]drill failed:[/red] {escape(' '.join(str(error).split()))}")
        raise typer.Exit(2) from error
    except Stopped as stopped:
        errors.print("interrupted; every process is stopped")
        raise typer.Exit(128 + stopped.number) from stopped
    if as_json:
        typer.echo(json.dumps({"drills": [each.summary() for each in verdicts]}, indent=2))
    else:
        _print(verdicts)
    if not all_held(verdicts):
        raise typer.Exit(1)


def _tell(said: Console, verdict: Verdict) -> None:
    for failure in verdict.failures:
        said.print(f"  [red]failed:[/red] {escape(failure)}")
    if verdict.held:
        said.print("  [green]held[/green]")


def _print(verdicts: list[Verdict]) -> None:
    table = Table(*COLUMNS)
    for verdict in verdicts:
        table.add_row(*verdict.cells())
    console.print(table, soft_wrap=False)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once: a second Ctrl-C must not interrupt the ending of the processes."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


if __name__ == "__main__":
    typer.run(main)
