"""`mm`: what an operator does from a terminal.

Exit codes: 0 done; 1 done in part, or a halt that is not verified; 2 nothing could be done, or the command was wrong.
"""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marketmaker.bootstrap import (
    Deadline,
    Desk,
    HaltReport,
    HaltRequest,
    MarketMakerError,
    ResumeRequest,
    describe,
    halt,
    load_deployment,
    open_desks,
    plain_values,
    resume,
)
from marketmaker.domain.units import AccountName, plain

STATUS_TIMEOUT_S = 10.0

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
Timeout = Annotated[float, typer.Option("--timeout-s", min=1, help="Stop trying, unverified, after so many seconds.")]

DEFAULT_FILE = "infra/deployments/local.toml"
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked[T]:
    """What came of each account: a result, or the error that kept this one account from being worked."""

    results: Mapping[AccountName, T]
    failures: Mapping[AccountName, Exception]

    def finish(self, *, failed: bool = False) -> None:
        """End the command: with a defect's traceback, or with the exit code that fits."""
        for error in self.failures.values():
            if not isinstance(error, MarketMakerError):
                raise error
        if self.failures and not self.results:
            raise typer.Exit(2)
        if self.failures or failed:
            raise typer.Exit(1)


@app.command()
def status(deployment: Deployment = DEFAULT_FILE, account: Account = None, as_json: Json = False) -> None:
    """Show each account: mode, last tick, inventory, PnL and working orders."""
    worked = _for_each(deployment, account, lambda desk: describe(desk, _deadline(desk, STATUS_TIMEOUT_S)))
    if as_json:
        _print_json(worked, lambda described: described)
    else:
        for described in worked.results.values():
            _print_account(described)
    _print_failures(worked.failures, "")
    worked.finish()


@app.command(name="halt")
def halt_command(
    reason: Reason,
    deployment: Deployment = DEFAULT_FILE,
    account: Account = None,
    timeout_s: Timeout = 60,
    as_json: Json = False,
) -> None:
    """Stop: cancel every own order, verify that none is left; stays until `mm resume`."""
    operator = _operator()

    def stop(desk: Desk) -> HaltReport:
        request = HaltRequest(account=desk.settings.name, reason=reason, requested_by=operator)
        return halt(request, desk, _deadline(desk, timeout_s))

    worked = _for_each(deployment, account, stop)
    if as_json:
        _print_json(worked, HaltReport.summary)
    for report in worked.results.values():
        _print_halt(report, quiet=as_json)
    _print_failures(worked.failures, "NOT HALTED: ")
    worked.finish(failed=any(report.verified_s is None for report in worked.results.values()))


@app.command(name="resume")
def resume_command(reason: Reason, deployment: Deployment = DEFAULT_FILE, account: Account = None) -> None:
    """Lift a halt: the next tick quotes again."""
    operator = _operator()

    def lift(desk: Desk) -> str:
        control = resume(ResumeRequest(account=desk.settings.name, reason=reason, requested_by=operator), desk)
        return f"{control.account}: {control.mode.label}, epoch {control.epoch}"

    worked = _for_each(deployment, account, lift)
    for line in worked.results.values():
        console.print(escape(line))
    _print_failures(worked.failures, "NOT RESUMED: ")
    worked.finish()


@config.command(name="check")
def check(
    file: Annotated[str, typer.Argument(envvar="MM_DEPLOYMENT_FILE", help="The deployment file.")] = DEFAULT_FILE,
) -> None:
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
    console.print(table, soft_wrap=False)


def main() -> None:
    """Run the command line."""
    app()


def _for_each[T](deployment: str, account: str | None, work: Callable[[Desk], T]) -> Worked[T]:
    """Work all accounts at once: stopping one must not wait for another, nor fail with it."""
    with _one_line_errors():
        desks = open_desks(deployment, account, "risk")
    results: dict[AccountName, T] = {}
    failures: dict[AccountName, Exception] = {}
    with ThreadPoolExecutor(max_workers=len(desks)) as pool:
        waiting = {name: pool.submit(lambda open_desk: work(open_desk()), desks[name]) for name in desks}
    for name, future in waiting.items():
        try:
            results[name] = future.result()
        except Exception as error:  # noqa: BLE001 - the boundary of an account; `finish` raises a defect again
            failures[name] = error
    return Worked(results=results, failures=failures)


def _deadline(desk: Desk, timeout_s: float) -> Deadline:
    return Deadline(at_ms=desk.clock.now_ms() + int(timeout_s * 1000), clock=desk.clock)


def _operator() -> str:
    """Name who asks; a container's user without a name must still be able to halt."""
    try:
        return os.environ.get("MM_OPERATOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown operator"


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except MarketMakerError as error:
        errors.print(f"[red]{type(error).__name__}:[/red] {escape(_one_line(error))}")
        raise typer.Exit(2) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _print_failures(failures: Mapping[AccountName, Exception], what: str) -> None:
    for account, error in failures.items():
        errors.print(f"[red]{escape(account)}:[/red] {what}{escape(_one_line(error))}")


def _print_json[T](worked: Worked[T], plainly: Callable[[T], object]) -> None:
    done = [plainly(result) for result in worked.results.values()]
    failed = [{"account": account, "problem": _one_line(error)} for account, error in worked.failures.items()]
    json.dump(plain_values([*done, *failed]), sys.stdout, indent=2)
    sys.stdout.write("\n")


def _print_account(account: Mapping[str, Any]) -> None:
    age = account["last_tick_age_s"]
    mode = account["mode"]
    if mode != "quoting":
        mode = f"[red]{mode}[/red] ({escape(account['mode_reason'])})"
    last = "never" if age is None else f"{max(age, 0):.0f} s ago"
    console.print(f"[bold]{escape(account['account'])}[/bold]  {mode}  last tick {last}")
    if account["venue_problem"]:
        console.print(f"  [red]the venue cannot be read:[/red] {escape(account['venue_problem'])}")
    for episode in account["episodes"]:
        console.print(f"  [red]alert:[/red] {escape(episode)}")
    for market in account["markets"]:
        _print_market(market)


def _print_market(market: Mapping[str, Any]) -> None:
    """Print a market in lines of at most 80 columns, however wide the terminal is."""
    if not market["opened"]:
        console.print(f"  {market['symbol']}  not opened: its first tick will do it")
        return
    ratio = "unknown" if market["ratio"] is None else f"{market['ratio']:.1%}"
    table = Table.grid(padding=(0, 3))
    table.add_column(min_width=10)
    for _ in range(4):
        table.add_column()
    names = ("base", "quote", "mark", "average_cost_quote", "realised_quote", "unrealised_quote", "fees_quote")
    base, quote, mark, cost, realised, unrealised, fees = (_figure(market[name]) for name in names)
    table.add_row("  holds", f"base {base}", f"quote {quote}", f"ratio {ratio}")
    table.add_row("  price", f"mark {mark}", f"average cost {cost}")
    table.add_row("  PnL", f"realised {realised}", f"unrealised {unrealised}", f"fees {fees}")
    console.print(f"  {market['symbol']}")
    console.print(table, soft_wrap=False)
    orders = ", ".join(f"{side} {plain(size)} @ {plain(price)}" for side, price, size in market["orders"])
    console.print(f"  orders at the last tick: {orders or 'none'}")
    if market["unresolved"]:
        console.print(f"  [red]orders whose fate is unknown:[/red] {', '.join(market['unresolved'])}")


def _print_halt(report: HaltReport, *, quiet: bool) -> None:
    for problem in report.problems:
        errors.print(f"[red]{escape(report.account)}:[/red] {escape(problem)}")
    if report.verified_s is None:
        left = "unknown" if report.orders_left is None else report.orders_left
        text = f"{report.account}: NOT VERIFIED, own orders left: {left}; cancel by hand at the venue"
        errors.print(f"[red]{escape(text)}[/red]")
    elif not quiet:
        console.print(
            f"{escape(report.account)}: halted, {report.orders_cancelled} orders cancelled, first sweep after "
            f"{report.first_sweep_s:.2f} s, none left after {report.verified_s:.2f} s"
        )


def _fields(value: object) -> str:
    return ", ".join(f"{name} {plain(getattr(value, name))}" for name in value.__slots__)  # type: ignore[attr-defined]


def _figure(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"


__all__ = ["app", "main"]
