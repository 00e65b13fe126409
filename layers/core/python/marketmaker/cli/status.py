"""`mm status`: how every account stands, once or again and again."""

from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from rich.console import RenderableType

from marketmaker.bootstrap.terminal import AccountStanding, Desk, describe
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Worked,
    deadline_in,
    failure_lines,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.documents import account_document
from marketmaker.cli.reports import account_parts
from marketmaker.cli.style import moment, now_ms, show
from marketmaker.cli.watching import WATCH_EVERY_S, repeat, watch
from marketmaker.domain.units import AccountName

TIMEOUT_S = 10.0
_LEAST_S = 0.1

Watch = Annotated[
    float | None,
    typer.Option(
        "--watch",
        "-w",
        min=_LEAST_S,
        metavar="[SECONDS]",
        help=f"Show it again every so many seconds ({WATCH_EVERY_S:g}) until Ctrl-C; with --json one line each time.",
    ),
]


def show_status(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    watch_s: Watch = None,
    as_json: Json = False,
) -> None:
    """Show each account: mode, last tick, alerts, quotes against the touch, inventory and PnL.

    Orders are those at the venue now; `mm orders --help` names their states.
    State and venue are read apart: if one does not answer, the other is shown,
    and what only the first can tell is unknown.
    """
    desks = open_accounts(deployment, account)
    if watch_s is not None:
        _watch(desks, watch_s, as_json=as_json)
        return
    worked = _look(desks)
    if as_json:
        print_json([account_document(each) for each in worked.results.values()], worked.failures)
    else:
        for each in worked.results.values():
            show(account_parts(each))
    print_failures(worked.failures)
    worked.finish(failed=not all(each.is_complete for each in worked.results.values()))


def _look(desks: Mapping[AccountName, Callable[[], Desk]]) -> Worked[AccountStanding]:
    return work_all(desks, lambda desk: describe(desk, deadline_in(desk.clock, TIMEOUT_S)))


def _watch(desks: Mapping[AccountName, Callable[[], Desk]], every_s: float, *, as_json: bool) -> None:
    def take() -> list[RenderableType]:
        worked = _look(desks)
        worked.raise_defects()
        parts: list[RenderableType] = [f"[dim]{moment(now_ms())}, every {every_s:g} s, Ctrl-C ends[/dim]"]
        for each in worked.results.values():
            parts += account_parts(each)
        return parts + failure_lines(worked.failures)

    def write() -> None:
        worked = _look(desks)
        worked.raise_defects()
        documents = [account_document(each) for each in worked.results.values()]
        print_json(documents, worked.failures, on_one_line=True)

    if as_json:
        repeat(write, every_s)
    else:
        watch(take, every_s)
