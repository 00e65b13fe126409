"""`mm takeover`: a standby in another region takes over from a primary that does not answer, or shows that it can."""

from typing import Annotated

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import (
    ConfigError,
    Desk,
    Fence,
    TakeoverReport,
    TakeoverRequest,
    open_standby,
    take_over,
)
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    deadline_in,
    one_line_errors,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.stopping import Reason, Timeout, operator_name
from marketmaker.cli.style import console, errors

Drill = Annotated[bool, typer.Option("--drill", help="All but the arming; nothing is written.")]
PrimaryKey = Annotated[
    str | None,
    typer.Option("--primary-key", help="The id of the primary's trade key, once you have disabled it at the venue."),
]


def take_over_accounts(
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    primary_key: PrimaryKey = None,
    drill: Drill = False,
    timeout_s: Timeout = 300,
    as_json: Json = False,
) -> None:
    """Take over: cancel with this standby's key, fence the primary off, wait, rebuild from the venue, quote.

    Disable the primary's trade key at the venue first, and name its id. With that key in
    MM_API_KEY and MM_API_SECRET the venue itself is asked until it refuses it. The drill
    cancels the account's orders too; a primary that runs places new ones.
    """
    operator = operator_name()
    with one_line_errors():
        desks, schedules, primary_of = open_standby(deployment, account, lambda text: errors.print(escape(text)))
        if primary_key is not None and len(desks) > 1:
            raise ConfigError(f"--account: nothing is not allowed with --primary-key: one of {', '.join(desks)}")

    def work(desk: Desk) -> TakeoverReport:
        name = desk.settings.name
        fence = Fence(confirmed_key=primary_key, primary=primary_of(name))
        request = TakeoverRequest(account=name, reason=reason, requested_by=operator, fence=fence, is_drill=drill)
        deadline = deadline_in(desk.clock, timeout_s)
        return take_over(request, desk, schedules, deadline, lambda step: errors.print(escape(f"{name}: {step} …")))

    worked = work_all(desks, work)
    reports = worked.results.values()
    if as_json:
        print_json([each.summary() for each in reports], worked.failures)
    for each in reports:
        _print(each, quiet=as_json)
    print_failures(worked.failures, "NOT TAKEN OVER: ")
    worked.finish(failed=not all(each.is_done for each in reports))


def _print(report: TakeoverReport, *, quiet: bool) -> None:
    """Print the steps with their seconds; quietly only what a human must see to."""
    for problem in report.problems:
        errors.print(f"[red]{escape(report.account)}:[/red] {escape(problem)}")
    if not report.is_done:
        errors.print(f"[red]{escape(report.account)}: NOT TAKEN OVER, nothing is armed[/red]")
    if quiet:
        return
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in report.steps.items())
    console.print(escape(f"{report.account}: {steps or 'nothing was done'}; fence {report.fence}"))
    if report.is_done:
        end = "drill done, nothing is armed" if report.is_drill else "armed, quotes from the next minute on"
        console.print(escape(f"{report.account}: {end}; {report.orders_cancelled} orders cancelled"))
