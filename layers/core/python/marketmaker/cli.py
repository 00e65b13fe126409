"""`mm`: what an operator does from a terminal."""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from marketmaker.bootstrap import (
    Deadline,
    Desk,
    HaltReport,
    HaltRequest,
    ResumeRequest,
    describe,
    halt,
    load_deployment,
    open_desks,
    plain_values,
    resume,
)
from marketmaker.domain.units import plain
from marketmaker.errors import MarketMakerError

HALT_TIMEOUT_MS = 60_000
STATUS_TIMEOUT_MS = 10_000

app = typer.Typer(
    help="Operate a market maker that runs as scheduled functions.", no_args_is_help=True, add_completion=False
)
config = typer.Typer(help="Look at deployment files.", no_args_is_help=True)
app.add_typer(config, name="config")

Deployment = Annotated[
    str,
    typer.Option("--deployment", "-d", envvar="MM_DEPLOYMENT_FILE", help="The deployment file.", show_envvar=True),
]
Account = Annotated[
    str | None, typer.Option("--account", "-a", envvar="MM_ACCOUNT", help="One account; every account without it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded and sent with the alert.")]

DEFAULT_FILE = "infra/deployments/local.toml"
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@app.command()
def status(deployment: Deployment = DEFAULT_FILE, account: Account = None, as_json: Json = False) -> None:
    """Show each account: mode, last tick, inventory, PnL and working orders."""
    with _one_line_errors():
        desks = open_desks(deployment, account, "risk")
        described = _for_each(desks, lambda desk: describe(desk, _deadline(desk, STATUS_TIMEOUT_MS)))
    if as_json:
        _print_json(described)
        return
    for each in described:
        _print_account(each)


@app.command(name="halt")
def halt_command(
    reason: Reason, deployment: Deployment = DEFAULT_FILE, account: Account = None, as_json: Json = False
) -> None:
    """Stop: cancel every own order, verify that none is left; stays until `mm resume`."""
    with _one_line_errors():
        desks = open_desks(deployment, account, "risk")
        reports = _for_each(desks, lambda desk: _halt(desk, reason))
    if as_json:
        _print_json([report.summary() for report in reports])
    else:
        for report in reports:
            _print_halt(report)
    if any(report.verified_s is None for report in reports):
        raise typer.Exit(1)


@app.command(name="resume")
def resume_command(reason: Reason, deployment: Deployment = DEFAULT_FILE, account: Account = None) -> None:
    """Lift a halt: the next tick quotes again."""
    with _one_line_errors():
        for desk in open_desks(deployment, account, "risk"):
            control = resume(ResumeRequest(account=desk.settings.name, reason=reason, requested_by=_operator()), desk)
            console.print(f"{control.account}: {control.mode.label}, epoch {control.epoch}")


@config.command(name="check")
def check(file: Annotated[str, typer.Argument(help="The deployment file.")] = DEFAULT_FILE) -> None:
    """Check a deployment file; print what it says, or the first thing that is wrong with it."""
    with _one_line_errors():
        loaded = load_deployment(file)
    table = Table(
        "account", "venue", "market", "size", "half-spread", "band", title=f"{loaded.name} · {loaded.config_hash}"
    )
    for account in loaded.accounts.values():
        for market in account.markets:
            table.add_row(
                account.name,
                account.venue,
                market.symbol,
                plain(market.order_size_base),
                _fields(market.half_spread),
                _fields(market.price_band),
            )
    console.print(table)


def main() -> None:
    """Run the command line."""
    app()


def _halt(desk: Desk, reason: str) -> HaltReport:
    request = HaltRequest(account=desk.settings.name, reason=reason, requested_by=_operator())
    return halt(request, desk, _deadline(desk, HALT_TIMEOUT_MS))


def _for_each[T](desks: Sequence[Desk], work: Callable[[Desk], T]) -> list[T]:
    """Work all accounts at once: stopping one must not wait for another."""
    with ThreadPoolExecutor(max_workers=max(1, len(desks))) as pool:
        return list(pool.map(work, desks))


def _deadline(desk: Desk, timeout_ms: int) -> Deadline:
    return Deadline(at_ms=desk.clock.now_ms() + timeout_ms, clock=desk.clock)


def _operator() -> str:
    return os.environ.get("MM_OPERATOR") or getpass.getuser()


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except MarketMakerError as error:
        errors.print(f"[red]{type(error).__name__}:[/red] {error}")
        raise typer.Exit(2) from error


def _print_json(value: object) -> None:
    json.dump(plain_values(value), sys.stdout, indent=2)
    sys.stdout.write("\n")


def _print_account(account: Mapping[str, Any]) -> None:
    age = account["last_tick_age_s"]
    mode = (
        account["mode"] if account["mode"] == "quoting" else f"[red]{account['mode']}[/red] ({account['mode_reason']})"
    )
    console.print(
        f"[bold]{account['account']}[/bold]  {mode}  last tick {'never' if age is None else f'{age:.0f} s ago'}"
    )
    for problem in filter(None, [account["venue_problem"], *account["episodes"]]):
        console.print(f"  [red]{problem}[/red]")
    table = Table(
        "market", "mark", "base", "quote", "ratio", "average cost", "realised", "unrealised", "fees", "orders"
    )
    for market in account["markets"]:
        if not market["opened"]:
            table.add_row(market["symbol"], *["not opened"], *[""] * 8)
            continue
        orders = "\n".join(f"{side} {plain(size)} @ {plain(price)}" for side, price, size in market["orders"])
        names = (
            "mark",
            "base",
            "quote",
            "ratio",
            "average_cost_quote",
            "realised_quote",
            "unrealised_quote",
            "fees_quote",
        )
        table.add_row(market["symbol"], *(_figure(market[name]) for name in names), orders)
    console.print(table)


def _print_halt(report: HaltReport) -> None:
    for problem in report.problems:
        errors.print(f"[red]{report.account}:[/red] {problem}")
    if report.verified_s is None:
        left = "unknown" if report.orders_left is None else report.orders_left
        errors.print(f"[red]{report.account}: NOT VERIFIED, own orders left: {left}; cancel by hand at the venue[/red]")
        return
    console.print(
        f"{report.account}: halted, {report.orders_cancelled} orders cancelled, first sweep after "
        f"{report.first_sweep_s:.2f} s, none left after {report.verified_s:.2f} s"
    )


def _fields(value: object) -> str:
    return ", ".join(f"{name} {plain(getattr(value, name))}" for name in value.__slots__)  # type: ignore[attr-defined]


def _figure(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"


__all__ = ["app", "main"]
