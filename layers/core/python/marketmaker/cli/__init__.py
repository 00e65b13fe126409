"""`mm`: what an operator does from a terminal.

Exit codes: 0 done; 1 done in part, a halt that is not verified, or keys that are not all proven good; 2 nothing could
be done, or the command was wrong.
"""

import getpass
import os
from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from marketmaker.bootstrap.terminal import (
    Deadline,
    Desk,
    HaltReport,
    HaltRequest,
    ResumeRequest,
    describe,
    halt,
    load_deployment,
    open_desks,
    resume,
)
from marketmaker.cli import keys
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Worked,
    console,
    errors,
    one_line_errors,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.reports import print_account, print_halt
from marketmaker.domain.units import plain

STATUS_TIMEOUT_S = 10.0

app = typer.Typer(
    help="Operate a market maker that runs as scheduled functions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a local may be a key
)
config = typer.Typer(help="Look at deployment files.", no_args_is_help=True)
app.add_typer(config, name="config")
app.add_typer(keys.app, name="keys")

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded and sent with the alert.")]
Timeout = Annotated[float, typer.Option("--timeout-s", min=1, help="Stop trying, unverified, after so many seconds.")]


@app.command()
def status(deployment: DeploymentFile = DEFAULT_FILE, account: Account = None, as_json: Json = False) -> None:
    """Show each account: mode, last tick, inventory, PnL and working orders."""
    worked = _for_each(deployment, account, lambda desk: describe(desk, _deadline(desk, STATUS_TIMEOUT_S)))
    if as_json:
        print_json(worked.results.values(), worked.failures)
    else:
        for described in worked.results.values():
            print_account(described)
    print_failures(worked.failures, "")
    worked.finish()


@app.command(name="halt")
def halt_command(
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
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
        print_json([report.summary() for report in worked.results.values()], worked.failures)
    for report in worked.results.values():
        print_halt(report, quiet=as_json)
    print_failures(worked.failures, "NOT HALTED: ")
    worked.finish(failed=any(report.verified_s is None for report in worked.results.values()))


@app.command(name="resume")
def resume_command(reason: Reason, deployment: DeploymentFile = DEFAULT_FILE, account: Account = None) -> None:
    """Lift a halt: the next tick quotes again."""
    operator = _operator()

    def lift(desk: Desk) -> str:
        control = resume(ResumeRequest(account=desk.settings.name, reason=reason, requested_by=operator), desk)
        return f"{control.account}: {control.mode.label}, epoch {control.epoch}"

    worked = _for_each(deployment, account, lift)
    for line in worked.results.values():
        console.print(escape(line))
    print_failures(worked.failures, "NOT RESUMED: ")
    worked.finish()


@config.command(name="check")
def check(
    file: Annotated[str, typer.Argument(envvar="MM_DEPLOYMENT_FILE", help="The deployment file.")] = DEFAULT_FILE,
) -> None:
    """Check a deployment file; print what it says, or the first thing that is wrong with it."""
    with one_line_errors():
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
    with one_line_errors():
        desks = open_desks(deployment, account, "risk", _warn)
    return work_all(desks, work)


def _warn(text: str) -> None:
    errors.print(escape(text))


def _deadline(desk: Desk, timeout_s: float) -> Deadline:
    return Deadline(at_ms=desk.clock.now_ms() + int(timeout_s * 1000), clock=desk.clock)


def _operator() -> str:
    """Name who asks; a container's user without a name must still be able to halt."""
    try:
        return os.environ.get("MM_OPERATOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown operator"


def _fields(value: object) -> str:
    return ", ".join(f"{name} {plain(getattr(value, name))}" for name in value.__slots__)  # type: ignore[attr-defined]


__all__ = ["app", "main"]
