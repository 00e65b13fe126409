"""`mm config apply`, `show` and `revert`: change settings while the deployment runs, and tell which ones rule."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from marketmaker.bootstrap.settings import (
    OperatorReason,
    PlannedSettings,
    SettingsStanding,
    WantedFile,
    apply_settings,
    describe_settings,
    plan_settings,
    revert_settings,
)
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    one_line_errors,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.stopping import Reason, operator_name
from marketmaker.cli.style import NONE, UNKNOWN, console, indented, moment, show, table
from marketmaker.domain.units import AccountName

File = Annotated[str, typer.Argument(help="The deployment file whose settings are to rule.")]


def apply_file(file: File, reason: Reason, account: Account = None) -> None:
    """Let a file's settings rule from the next tick on, without a deploy; nothing happens if anything of it is wrong.

    Everything of a market may change but its symbol, number, capital, opening cost, leverage, margin mode and
    triangular check, and so may the risk limits; all else needs a deploy. The next deploy of another file ends it.
    """
    desks = open_accounts(file, account)
    with one_line_errors():
        wanted = WantedFile(file)
    planned = work_all(desks, lambda desk: plan_settings(wanted, desk))
    print_failures(planned.failures, "NOT APPLIED: ")
    planned.finish(useless=bool(planned.failures))
    plans = planned.results
    why = OperatorReason(reason=reason, requested_by=operator_name())
    applied = work_all(desks, lambda desk: apply_settings(plans[desk.settings.name], why, desk))
    _print_plans({name: plans[name] for name in applied.results})
    print_failures(applied.failures, "NOT APPLIED: ")
    applied.finish()


def show_settings(deployment: DeploymentFile = DEFAULT_FILE, account: Account = None, as_json: Json = False) -> None:
    """Show which settings rule each account: the deployed file's, or others that were applied since, when and why."""
    worked = work_all(open_accounts(deployment, account), describe_settings)
    if as_json:
        print_json(map(_document, worked.results.values()), worked.failures)
    else:
        for standing in worked.results.values():
            _print_standing(standing)
    print_failures(worked.failures)
    worked.finish()


def revert_file(reason: Reason, deployment: DeploymentFile = DEFAULT_FILE, account: Account = None) -> None:
    """Let the deployed file rule again, from the next tick on."""
    why = OperatorReason(reason=reason, requested_by=operator_name())
    worked = work_all(open_accounts(deployment, account), lambda desk: revert_settings(why, desk))
    for name, control in worked.results.items():
        text = f"{name}: settings {control.deployed}, those of the deployed file, rule from the next tick on"
        console.print(escape(text))
    print_failures(worked.failures, "NOT REVERTED: ")
    worked.finish()


def _print_plans(plans: Mapping[AccountName, PlannedSettings]) -> None:
    for name, plan in plans.items():
        if plan.is_applied:
            console.print(escape(f"{name}: settings {plan.wanted.version} are in force already"))
            continue
        shown = table("key", "from", "to", whole="from to")
        for each in plan.changes:
            key = each.key.removeprefix(f"accounts.{name}.")
            shown.add_row(escape(key), escape(each.before or NONE), escape(each.after or NONE))
        console.print(escape(f"{name}: settings {plan.wanted.version} rule from the next tick on"))
        show([indented(shown)] if plan.changes else [])


def _print_standing(standing: SettingsStanding) -> None:
    name, applied = standing.account, standing.applied
    if standing.deployed is None:
        console.print(escape(f"{name}: {UNKNOWN}, no tick has run yet"))
        return
    what = f"applied over {standing.deployed}" if standing.is_applied else "the deployed file"
    console.print(f"[bold]{escape(name)}[/bold]  settings {escape(str(standing.in_force))}, {escape(what)}")
    if applied is not None:
        what = "the deployed file" if applied.version == applied.base else applied.version
        text = f"  since {moment(applied.since_ms)} {what}, over {applied.base}: {applied.reason}"
        ended = "" if applied.base == standing.deployed else ", until the deploy of another file"
        console.print(escape(f"{text}{ended}"))
    if standing.rejection is not None:
        console.print(f"  [red]{escape(standing.rejection)}[/red]")


def _document(standing: SettingsStanding) -> dict[str, Any]:
    """Describe it: account, deployed, in_force, is_applied, applied (version, base, since_ms, reason …), rejection."""
    return {**asdict(standing), "is_applied": standing.is_applied}
