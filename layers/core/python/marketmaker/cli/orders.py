"""`mm orders`: the open orders at the venue, and what the state knows of them."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.terminal import AccountStanding, ListedOrder, Unknown, describe
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
from marketmaker.cli.documents import order_documents
from marketmaker.cli.style import NONE, bps, clock_time, exact, show, span, standing, table

TIMEOUT_S = 10.0
_COLUMNS = (
    "symbol",
    "side",
    "price",
    "left",
    "size",
    "executed",
    "bps",
    "level",
    "slot",
    "age",
    "client id",
    "state",
)

All = Annotated[bool, typer.Option("--all", help="The login's other orders too, which are never touched.")]


def list_orders(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    show_all: All = False,
    as_json: Json = False,
) -> None:
    """List our open orders at the venue, measured against the best prices of others.

    bps is the distance from the best price that others quote on the same
    side: + behind it, − in front of it. An order's state is working, orphan
    (ours, but unknown to the state), gone (in the state, not live any more),
    unresolved (sent, no answer yet), unchecked (state or venue could not be
    read) or foreign (not ours).
    """
    desks = open_accounts(deployment, account, symbol)
    worked = work_all(desks, lambda desk: describe(desk, deadline_in(desk.clock, TIMEOUT_S)))
    listed = {name: (each, _wanted(each, symbol, show_all=show_all)) for name, each in worked.results.items()}
    if as_json:
        print_json([_document(*each) for each in listed.values()], worked.failures)
    else:
        for each in listed.values():
            show(_parts(*each))
    print_failures(worked.failures)
    worked.finish(failed=not all(each.is_complete for each in worked.results.values()))


def _wanted(account: AccountStanding, symbol: str | None, *, show_all: bool) -> Sequence[ListedOrder]:
    foreign = () if isinstance(account.foreign, Unknown) or not show_all else account.foreign
    return [each for each in (*account.own, *foreign) if symbol in {None, each.symbol}]


def _document(account: AccountStanding, wanted: Sequence[ListedOrder]) -> object:
    return {
        "account": account.account,
        "state_problem": account.state_problem,
        "venue_problem": account.venue_problem,
        "orders": order_documents(wanted),
    }


def _parts(account: AccountStanding, wanted: Sequence[ListedOrder]) -> list[RenderableType]:
    name = f"[bold]{escape(account.account)}[/bold]"
    parts: list[RenderableType] = [name if wanted else f"{name}  no orders"]
    if account.state_problem:
        parts.append(f"  [red]the state cannot be read:[/red] {escape(account.state_problem)}")
    if account.venue_problem:
        parts[0] = name
        parts.append(f"  [red]the venue cannot be read:[/red] {escape(account.venue_problem)}")
    if not wanted:
        return parts
    shown = table(*_COLUMNS, right="price left size executed bps level age", is_dense=True)
    for order in wanted:
        shown.add_row(
            escape(order.symbol),
            order.side,
            exact(order.price),
            exact(order.remaining_base),
            exact(order.size_base),
            exact(order.executed_base),
            bps(order.distance_bps),
            NONE if order.level is None else str(order.level),
            NONE if order.slot_ms is None else clock_time(order.slot_ms, account.time_ms),
            span(account.time_ms - order.since_ms),
            escape(order.client_id or NONE),
            standing(order),
        )
    return [*parts, shown]
