"""`mm halt`, `mm close` and `mm resume`: stop accounts, leave positions, and let accounts quote again."""

import getpass
import os
from functools import partial
from typing import Annotated, Any

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import (
    CloseReport,
    CloseRequest,
    Desk,
    Halted,
    HaltReport,
    HaltRequest,
    ResumeRequest,
    ask_halt,
    close_positions,
    open_halts,
    resume,
    system_clock,
)
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Market,
    deadline_in,
    one_line_errors,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.style import console, errors
from marketmaker.domain.state import Control
from marketmaker.domain.units import AccountName, Symbol, plain

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded and sent with the alert.")]
OneMarket = Annotated[
    str | None,
    typer.Option("--market", "-m", "--symbol", "-s", help="This market alone, as the deployment file writes it."),
]
Everything = Annotated[bool, typer.Option("--all", help="Every account, whatever MM_ACCOUNT says.")]
Direct = Annotated[bool, typer.Option("--direct", help="From this machine at once, without asking the halt function.")]
Timeout = Annotated[float, typer.Option("--timeout-s", min=1, help="Stop trying, unverified, after so many seconds.")]


def halt_accounts(
    context: typer.Context,
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: OneMarket = None,
    everything: Everything = False,
    direct: Direct = False,
    timeout_s: Timeout = 60,
    as_json: Json = False,
) -> None:
    """Stop: cancel every own order, verify that none is left; stays until `mm resume`.

    Without an account or a market, every account stops. The account's own halt function
    is asked first; what it cannot do is done from this machine, with the stored key or
    the one in MM_API_KEY and MM_API_SECRET.
    """
    operator = operator_name()
    account = _chosen(context, account, symbol, everything=everything)
    with one_line_errors():
        desks, functions = open_halts(deployment, account, lambda text: errors.print(escape(text)), symbol=symbol)

    def stop(name: AccountName) -> Halted:
        request = HaltRequest(
            account=name, reason=reason, requested_by=operator, symbol=None if symbol is None else Symbol(symbol)
        )
        deadline = deadline_in(system_clock(), timeout_s)
        asked = None if direct else functions
        return ask_halt(request, desks[name], asked, deadline, lambda text: errors.print(escape(f"{name}: {text}")))

    worked = work_all({name: partial(AccountName, name) for name in desks}, stop)
    halted = worked.results.values()
    if as_json:
        print_json([{**each.report.summary(), "is_direct": each.is_direct} for each in halted], worked.failures)
    for each in halted:
        _print_halt(each, quiet=as_json)
    print_failures(worked.failures, "NOT HALTED: ")
    worked.finish(failed=any(each.report.verified_s is None for each in halted))


def _chosen(context: typer.Context, account: str | None, symbol: str | None, *, everything: bool) -> str | None:
    """Return the account that is meant, None for all; `--all` outdoes an account that the environment names."""
    if not everything:
        return account
    source = context.get_parameter_source("account")
    if (source is not None and source.name == "COMMANDLINE") or symbol is not None:
        raise typer.BadParameter("--all is not allowed with --account or --market: one of the three")
    return None


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
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: OneMarket = None,
    as_json: Json = False,
) -> None:
    """Lift a halt: the next tick quotes again.

    A market that was stopped alone is lifted alone, with --market.
    """
    operator = operator_name()
    market = None if symbol is None else Symbol(symbol)

    def lift(desk: Desk) -> Control:
        name = desk.settings.name
        return resume(ResumeRequest(account=name, reason=reason, requested_by=operator, symbol=market), desk)

    worked = work_all(open_accounts(deployment, account, symbol=symbol), lift)
    lifted = worked.results.values()
    if as_json:
        print_json([_lifted(each, market) for each in lifted], worked.failures)
    else:
        for each in lifted:
            said = _lifted(each, market)
            what = each.account if market is None else f"{each.account} {market}"
            console.print(escape(f"{what}: {said['mode']}, epoch {each.epoch}"))
    print_failures(worked.failures, "NOT RESUMED: ")
    worked.finish()


def _lifted(control: Control, market: Symbol | None) -> dict[str, Any]:
    if market is None:
        return {"account": control.account, "mode": control.mode.label, "epoch": control.epoch}
    mode = control.mode_of(market).label
    return {"account": control.account, "symbol": market, "mode": mode, "epoch": control.epoch}


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


def _print_halt(halted: Halted, *, quiet: bool) -> None:
    """Print what a halt did; quietly only what a human must see to."""
    report = halted.report
    what = report.account if report.symbol is None else f"{report.account} {report.symbol}"
    for problem in report.problems:
        errors.print(f"[red]{escape(what)}:[/red] {escape(problem)}")
    if report.verified_s is None:
        errors.print(f"[red]{escape(f'{what}: NOT VERIFIED, {_unverified(report)}')}[/red]")
    elif not quiet:
        how = "" if halted.is_direct else " by its function"
        console.print(
            f"{escape(what)}: halted{how}, {report.orders_cancelled} orders cancelled, first sweep after "
            f"{report.first_sweep_s:.2f} s, none left after {report.verified_s:.2f} s"
        )


def _unverified(report: HaltReport) -> str:
    if report.emptied_s is not None:
        return (
            f"no own order rested after {report.emptied_s:.2f} s, but the halt flag is not set: ticks may quote again; "
            "disable the trade key at the venue"
        )
    left = "unknown" if report.orders_left is None else report.orders_left
    return f"own orders left: {left}; cancel by hand at the venue"


def operator_name() -> str:
    """Name who asks; a container's user without a name must still be able to halt."""
    try:
        return os.environ.get("MM_OPERATOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown operator"
