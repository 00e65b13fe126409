"""`mm halt`, `mm close` and `mm resume`: stop accounts, leave positions, and let accounts quote again."""

import getpass
import os
from typing import Annotated, Any

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import (
    CloseReport,
    CloseRequest,
    Desk,
    HaltReport,
    HaltRequest,
    ResumeRequest,
    close_positions,
    halt,
    resume,
)
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Market,
    deadline_in,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.style import console, errors
from marketmaker.domain.state import Control
from marketmaker.domain.units import Symbol, plain

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded and sent with the alert.")]
Timeout = Annotated[float, typer.Option("--timeout-s", min=1, help="Stop trying, unverified, after so many seconds.")]


def halt_accounts(
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    timeout_s: Timeout = 60,
    as_json: Json = False,
) -> None:
    """Stop: cancel every own order, verify that none is left; stays until `mm resume`."""
    operator = operator_name()

    def stop(desk: Desk) -> HaltReport:
        request = HaltRequest(account=desk.settings.name, reason=reason, requested_by=operator)
        return halt(request, desk, deadline_in(desk.clock, timeout_s))

    worked = work_all(open_accounts(deployment, account), stop)
    if as_json:
        print_json([report.summary() for report in worked.results.values()], worked.failures)
    for report in worked.results.values():
        _print_halt(report, quiet=as_json)
    print_failures(worked.failures, "NOT HALTED: ")
    worked.finish(failed=any(report.verified_s is None for report in worked.results.values()))


def close_accounts(
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    timeout_s: Timeout = 60,
    as_json: Json = False,
) -> None:
    """Close positions of perpetuals: quoting stops, the ticks leave them within the slippage bound.

    The account only reduces from then on, until `mm resume`.
    """
    operator = operator_name()

    def leave(desk: Desk) -> CloseReport:
        wanted = None if symbol is None else Symbol(symbol)
        request = CloseRequest(account=desk.settings.name, reason=reason, requested_by=operator, symbol=wanted)
        return close_positions(request, desk, deadline_in(desk.clock, timeout_s))

    worked = work_all(open_accounts(deployment, account, symbol=symbol), leave)
    reports = worked.results.values()
    if as_json:
        print_json([_described(each) for each in reports], worked.failures)
    for each in reports:
        _print_close(each, quiet=as_json)
    print_failures(worked.failures, "NOT CLOSED: ")
    worked.finish(failed=not all(each.is_flat for each in reports))


def resume_accounts(
    reason: Reason, deployment: DeploymentFile = DEFAULT_FILE, account: Account = None, as_json: Json = False
) -> None:
    """Lift a halt: the next tick quotes again."""
    operator = operator_name()

    def lift(desk: Desk) -> Control:
        return resume(ResumeRequest(account=desk.settings.name, reason=reason, requested_by=operator), desk)

    worked = work_all(open_accounts(deployment, account), lift)
    lifted = worked.results.values()
    if as_json:
        described = [{"account": each.account, "mode": each.mode.label, "epoch": each.epoch} for each in lifted]
        print_json(described, worked.failures)
    else:
        for each in lifted:
            console.print(escape(f"{each.account}: {each.mode.label}, epoch {each.epoch}"))
    print_failures(worked.failures, "NOT RESUMED: ")
    worked.finish()


def _described(report: CloseReport) -> dict[str, Any]:
    return {"account": report.account, "positions": report.positions, "seconds": report.seconds}


def _print_close(report: CloseReport, *, quiet: bool) -> None:
    """Print what is left of each position; quietly only what a human must see to."""
    for symbol, left in report.positions.items():
        if left:
            text = f"{report.account} {symbol}: NOT CLOSED, {plain(left)} left; do ticks run? see `mm status`"
            errors.print(f"[red]{escape(text)}[/red]")
        elif not quiet:
            console.print(escape(f"{report.account} {symbol}: closed"))


def _print_halt(report: HaltReport, *, quiet: bool) -> None:
    """Print what a halt did; quietly only what a human must see to."""
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


def operator_name() -> str:
    """Name who asks; a container's user without a name must still be able to halt."""
    try:
        return os.environ.get("MM_OPERATOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown operator"
