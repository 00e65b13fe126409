"""`mm keys`: venue keys go from a prompt or standard input into Secrets Manager, and nothing of one is ever printed."""

import json
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import (
    ConfigError,
    KeptKey,
    KeyDesk,
    KeyReport,
    KeyVerdict,
    MarketMakerError,
    Refused,
    check_keys,
    entered_key,
    open_key_desks,
    set_key,
)
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    deadline_in,
    one_line,
    one_line_errors,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.style import console, errors, show, table
from marketmaker.domain.keys import KEY_PURPOSES, KeyPurpose, VenueKey

CHECK_TIMEOUT_S = 20

app = typer.Typer(help="Store venue keys and check them.", no_args_is_help=True)


class Purpose(StrEnum):
    """Which of an account's two keys."""

    TRADE = "trade"
    RISK = "risk"


OneAccount = Annotated[
    str | None, typer.Option("--account", "-a", envvar="MM_ACCOUNT", help="The account; not needed if there is one.")
]
OnePurpose = Annotated[
    Purpose | None,
    typer.Option("--purpose", "-p", help="What quotes (trade), or what checks and halts (risk); both without it."),
]
Check = Annotated[bool, typer.Option("--check/--no-check", help="Ask the venue about the key before it is stored.")]


@app.command(name="set", epilog="Example: mm keys set --account main")
def set_command(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: OneAccount = None,
    purpose: OnePurpose = None,
    check: Check = True,
) -> None:
    """Store an account's venue keys in Secrets Manager.

    Asks for each; or reads one from standard input: mm keys set -a main -p trade < key.json, with the text
    {"api_key": "…", "secret": "…"}. A key that may withdraw is not stored.
    """
    purposes: Sequence[KeyPurpose] = KEY_PURPOSES if purpose is None else (purpose.value,)
    with one_line_errors():
        desk = _open_one(deployment, account)
        entered = {each: _enter(desk, each, is_only=purpose is not None) for each in purposes}
    kept = [each for name, key in entered.items() if (each := _set(desk, name, key, check=check))]
    reports = [each.report for each in kept if each.report is not None]
    _print_reports(reports)
    if not kept:
        raise typer.Exit(2)
    if len(kept) < len(entered) or any(report.verdict is not KeyVerdict.GOOD for report in reports):
        raise typer.Exit(1)


@app.command(name="check", epilog="Example: mm keys check --account main --json")
def check_command(deployment: DeploymentFile = DEFAULT_FILE, account: Account = None, as_json: Json = False) -> None:
    """Check each account's two keys: stored, taken by the venue, and unable to withdraw."""
    with one_line_errors():
        desks = open_key_desks(deployment, account)
    worked = work_all(desks, lambda desk: check_keys(desk, deadline_in(desk.clock, CHECK_TIMEOUT_S)))
    reports = [report for both in worked.results.values() for report in both]
    if as_json:
        print_json([report.summary() for report in reports], worked.failures)
    _print_reports(reports, quiet=as_json)
    print_failures(worked.failures, "")
    are_good = all(report.verdict is KeyVerdict.GOOD for report in reports)
    worked.finish(failed=not are_good, useless=not any(_is_usable(report) for report in reports))


def _open_one(deployment: str, account: str | None) -> KeyDesk:
    desks = open_key_desks(deployment, account)
    if len(desks) > 1:
        raise ConfigError(f"--account: nothing is not allowed: one of {', '.join(desks)}")
    (open_desk,) = desks.values()
    return open_desk()


def _enter(desk: KeyDesk, purpose: KeyPurpose, *, is_only: bool) -> VenueKey:
    if sys.stdin.isatty():
        return _ask(desk, purpose)
    if not is_only:
        raise ConfigError("--purpose: nothing is not allowed: trade or risk, as standard input holds one key")
    try:
        fields = json.load(sys.stdin)
    except ValueError:
        fields = None  # the error itself would carry the key's text
    if not isinstance(fields, dict):
        raise Refused('standard input is not one JSON object: {"api_key": "…", "secret": "…"}')
    return entered_key(fields)


def _ask(desk: KeyDesk, purpose: KeyPurpose) -> VenueKey:
    """Ask on the terminal; the secret is not shown."""
    what = f"{desk.account} {purpose}:"
    try:
        fields = {
            "api_key": typer.prompt(f"{what} API key", err=True),
            "secret": typer.prompt(f"{what} secret (not shown)", hide_input=True, err=True),
        }
        if desk.wants_password:
            fields["password"] = typer.prompt(f"{what} passphrase (not shown)", hide_input=True, err=True)
    except typer.Abort as error:
        raise Refused("the prompt was left: nothing was stored") from error
    return entered_key(fields)


def _set(desk: KeyDesk, purpose: KeyPurpose, key: VenueKey, *, check: bool) -> KeptKey | None:
    name = f"{escape(desk.account)} {purpose}:"
    try:
        kept = set_key(desk, purpose, key, deadline_in(desk.clock, CHECK_TIMEOUT_S) if check else None)
    except MarketMakerError as error:
        errors.print(f"{name} [red]NOT STORED:[/red] {escape(one_line(error))}")
        return None
    console.print(f"{name} stored, {'its first key' if kept.is_first else 'in place of the key before'}")
    _print_lines(name, kept.notes, "yellow")
    return kept


def _is_usable(report: KeyReport) -> bool:
    return report.is_accepted and report.verdict is not KeyVerdict.BAD


def _print_reports(reports: Sequence[KeyReport], *, quiet: bool = False) -> None:
    """Print a table of what was found, and below it what is wrong, unknown, or worth knowing."""
    shown = table("account", "key", "accepted", "trades", "withdraws", "IP-bound", "clock", "verdict", right="clock")
    for report in reports:
        found = report.summary()
        offset_ms = report.clock_offset_ms
        shown.add_row(
            report.account,
            report.purpose,
            _answer(True if report.is_accepted else False if report.problems else None),
            *(_answer(found[name]) for name in ("may_trade", "may_withdraw", "ip_bound")),
            "unknown" if offset_ms is None else f"{offset_ms:+} ms",
            report.verdict,
        )
    if reports and not quiet:
        show([shown])
    for report in reports:
        name = f"{escape(report.account)} {report.purpose}:"
        _print_lines(name, report.problems, "red")
        _print_lines(name, (*report.doubts, *report.notes), "yellow")


def _print_lines(name: str, texts: Iterable[str], colour: str) -> None:
    for text in texts:
        errors.print(f"{name} [{colour}]{escape(text)}[/{colour}]")


def _answer(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
