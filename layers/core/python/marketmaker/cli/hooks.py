"""`mm hooks`: secrets of hooks go from a prompt or standard input into Secrets Manager; nothing of one is printed."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from marketmaker.bootstrap.hooks import (
    HOOK_FIELDS,
    HookSettings,
    HookStanding,
    Refused,
    SecretState,
    open_hook_desk,
    pick_hook,
    set_hook,
    standing_of,
    try_hook,
)
from marketmaker.cli.accounts import DEFAULT_FILE, DeploymentFile, Json, one_line_errors, print_json
from marketmaker.cli.stopping import operator_name
from marketmaker.cli.style import console, errors, show, table

app = typer.Typer(help="Store the secrets of hooks, and try them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The hook, as [alerts.hooks.NAME] of the deployment file names it.")]


@app.command(name="set", epilog="Example: mm hooks set desk")
def set_command(name: Name, deployment: DeploymentFile = DEFAULT_FILE) -> None:
    """Store a hook's secret in Secrets Manager: its address, and what signs its messages.

    Asks for what the hook's kind needs; or reads it from standard input: mm hooks set desk < hook.json, with the text
    {"url": "…", "secret": "…"}, for Telegram {"url": "the bot's token", "chat_id": "…"}.
    """
    with one_line_errors():
        desk = open_hook_desk(deployment)
        hook = pick_hook(desk.hooks, name, asked_by="NAME")
        is_first = set_hook(hook, _enter(hook), desk)
    console.print(f"{escape(name)}: stored, {'its first secret' if is_first else 'in place of the one before'}")


@app.command(name="list", epilog="Example: mm hooks list --json")
def list_command(deployment: DeploymentFile = DEFAULT_FILE, as_json: Json = False) -> None:
    """List the deployment's hooks, what each is told, and whether its secret is stored."""
    with one_line_errors():
        desk = open_hook_desk(deployment)
    found = [standing_of(hook, desk) for hook in desk.hooks.values()]
    if as_json:
        print_json([each.summary() for each in found], {})
    else:
        _print(found)
    if any(each.state is not SecretState.STORED for each in found):
        raise typer.Exit(1)


@app.command(name="test", epilog="Example: mm hooks test desk")
def try_command(name: Name, deployment: DeploymentFile = DEFAULT_FILE) -> None:
    """Send one message to a hook from this machine, with its stored secret, and say whether it was taken."""
    with one_line_errors():
        desk = open_hook_desk(deployment)
        hook = pick_hook(desk.hooks, name, asked_by="NAME")
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        try_hook(hook, desk, sent_by=operator_name(), now=now)
    console.print(f"{escape(name)}: the {hook.kind} hook took a test message; look whether it is there")


def _enter(hook: HookSettings) -> dict[str, object]:
    if sys.stdin.isatty():
        return _ask(hook)
    try:
        fields = json.load(sys.stdin)
    except ValueError:
        fields = None  # the error itself would carry the secret's text
    if not isinstance(fields, dict):
        names = ", ".join(f'"{each.name}": "…"' for each in HOOK_FIELDS[hook.kind])
        raise Refused(f"standard input is not one JSON object: {{{names}}}")
    return fields


def _ask(hook: HookSettings) -> dict[str, object]:
    """Ask on the terminal; nothing that is typed is shown."""
    try:
        return {
            each.name: typer.prompt(
                f"{hook.name} ({hook.kind}): {each.asks} (not shown)",
                default=None if each.is_required else "",
                show_default=False,
                hide_input=True,
                err=True,
            )
            for each in HOOK_FIELDS[hook.kind]
        }
    except typer.Abort as error:
        raise Refused("the prompt was left: nothing was stored") from error


def _print(found: list[HookStanding]) -> None:
    """Print a table of the hooks, and below it what is wrong with a secret."""
    if not found:
        console.print("no hooks: the file has no \\[alerts.hooks.NAME]")
        return
    shown = table("hook", "kind", "severity", "accounts", "markets", "secret")
    for each in found:
        told = each.summary()
        accounts, markets = (", ".join(told[name]) or "all" for name in ("accounts", "markets"))
        shown.add_row(told["hook"], told["kind"], told["severity"], accounts, markets, told["secret"])
    show([shown])
    for each in found:
        if each.problem is not None:
            colour = "red" if each.state is SecretState.UNUSABLE else "yellow"
            errors.print(f"{each.hook.name}: [{colour}]{escape(' '.join(each.problem.split()))}[/{colour}]")
