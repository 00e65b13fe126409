"""`mm drill`: let go wrong what can, on this machine; the drills are the checkout's, beside its local stack."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from marketmaker.cli.style import errors

DRILLS = (
    "price_crash",
    "venue_outage",
    "frozen_book",
    "killed_functions",
    "revoked_key",
    "lost_alert",
    "clock_skew",
)
PROTECTIONS = (
    "stop_loss",
    "dead_man_switch",
    "stale_data",
    "check_risk",
    "risk_key",
    "price_band",
    "alert_retry",
    "clock_offset",
)
MODULE = "infra.local.drills"


def run_drills(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and what goes on to standard error.")] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="PROTECTION", help=f"Switch off one of: {', '.join(PROTECTIONS)}. Its drill must fail."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"Drill this alone: {', '.join(DRILLS)}.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="PREFIX", help="The recorded crash, of PREFIX_trades.csv.gz; else one is generated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the logs go; else out/drills of the checkout.")
    ] = None,
) -> None:
    """Drill a crash, an outage, dead functions and more on the local stack; all must hold.

    It takes about three minutes, and `make setup` before. Exit code 1: something did not hold. `--json` prints
    {"drills": [{name, detected_s, acted_s, orders_left, loss_quote, bound_quote, held, note, failures}]}.
    """
    root = checkout_of(Path(__file__))
    if root is None:
        errors.print("[red]error:[/red] mm drill: run it from a checkout: the local stack it drills is not installed")
        raise typer.Exit(2)
    options = ["--json"] if as_json else []
    options += [
        part for name, value in (("--data", data), ("--out", out)) if value for part in (name, str(value.absolute()))
    ]
    options += [part for name in without or () for part in ("--without", name)]
    options += [part for name in only or () for part in ("--only", name)]
    os.chdir(root)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", MODULE, *options])  # noqa: S606 - our own module  # nosec B606


def checkout_of(module: Path) -> Path | None:
    """Return the checkout that this module lies in, None where it was installed without one."""
    roots = (each for each in module.resolve().parents if (each / Path(*MODULE.split("."))).is_dir())
    return next(roots, None)
