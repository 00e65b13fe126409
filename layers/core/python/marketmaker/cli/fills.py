"""`mm fills`: what was traded, from the ledger."""

import csv
import sys
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.terminal import ConfigError, Desk, FillTotals, MarketFills, plain_values, read_fills
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Market,
    one_line_errors,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.documents import fill_document, fills_document
from marketmaker.cli.moments import moment_ms
from marketmaker.cli.style import (
    NONE,
    UNKNOWN,
    assets,
    counted,
    errors,
    exact,
    figure,
    gain,
    moment,
    now_ms,
    show,
    table,
)
from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import Fee

_COLUMNS = ("time", "side", "price", "size", "notional", "fee", "role", "realised", "order", "trade")
_CSV_COLUMNS = (
    "account",
    "symbol",
    "time",
    "side",
    "price",
    "size_base",
    "notional_quote",
    "fee",
    "fee_asset",
    "role",
    "realised_quote",
    "client_id",
    "trade_id",
)

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Not before: 90m, 24h or 7d ago, 2026-11-01 or 2026-11-01T08:30 UTC."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many of each market, the newest.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, exact and with milliseconds.")]


def list_fills(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List what was traded, newest last, with a total a market; from the ledger, without asking the venue.

    A fee above zero was paid, one below zero is a rebate, and one that
    the venue did not tell is unknown. What is realised is before fees.
    """
    with one_line_errors():
        since_ms = None if since is None else moment_ms("--since", since, now_ms())
        if as_json and as_csv:
            raise ConfigError("--csv: beside --json is not allowed: one of the two")
    desks = open_accounts(deployment, account, symbol)

    def read(desk: Desk) -> tuple[MarketFills, ...]:
        wanted = [each for each in desk.settings.symbols if symbol in {None, each}]
        return read_fills(desk, wanted, since_ms=since_ms, limit=limit)

    worked = work_all(desks, read)
    found = [market for markets in worked.results.values() for market in markets]
    if as_json:
        print_json([fills_document(each) for each in found], worked.failures)
    elif as_csv:
        _write_csv(found, limit)
    else:
        for each in found:
            show(_parts(each, since_ms, limit))
    print_failures(worked.failures)
    worked.finish()


def _parts(market: MarketFills, since_ms: int | None, limit: int) -> list[RenderableType]:
    name = f"[bold]{escape(market.account)} {escape(market.symbol)}[/bold]"
    when = "" if since_ms is None else f" since {moment(since_ms)}"
    if not market.rows:
        return [f"{name}  no fills{when}"]
    shown = table(*_COLUMNS, right="price size notional fee realised trade", whole="time side", is_dense=True)
    for row in market.rows:
        fill = row.fill
        shown.add_row(
            moment(fill.time_ms),
            fill.side,
            exact(fill.price),
            exact(fill.size_base),
            figure(fill.notional_quote),
            _fee(fill.fee),
            _role(row),
            gain(row.realised_quote),
            escape(row.client_id or NONE),
            escape(fill.trade_id),
        )
    lines = [f"{name}  {counted(len(market.rows), 'fill')}{when}"]
    if market.is_cut:
        lines.append(f"  [yellow]{_cut(limit)}[/yellow]")
    return [*lines, shown, _total(market.totals, market)]


def _total(totals: FillTotals, market: MarketFills) -> str:
    base, quote = assets(market.symbol)
    fees = [f"{figure(each.amount)} {escape(each.asset)}" for each in totals.fees]
    if totals.fills_without_fee:
        fees.append(f"[yellow]{UNKNOWN} of {counted(totals.fills_without_fee, 'fill')}[/yellow]")
    return (
        f"  total: bought {exact(totals.bought_base)} {base} for {figure(totals.bought_quote)} {quote}, "
        f"sold {exact(totals.sold_base)} for {figure(totals.sold_quote)}, net {exact(totals.net_base)} {base}, "
        f"fees {' and '.join(fees)}, realised {gain(totals.realised_quote)} {quote}"
    )


def _write_csv(found: Iterable[MarketFills], limit: int) -> None:
    written = csv.DictWriter(sys.stdout, _CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    written.writeheader()
    for market in found:
        for row in market.rows:
            fields = {"account": market.account, "symbol": market.symbol, **plain_values(fill_document(row))}
            fields |= {"time": moment(row.fill.time_ms, to_ms=True), "role": _role(row)}
            written.writerow(fields | ({} if row.fill.fee else {"fee": UNKNOWN}))
        if market.is_cut:
            errors.print(f"[yellow]{escape(market.account)} {escape(market.symbol)}:[/yellow] {_cut(limit)}")


def _cut(limit: int) -> str:
    return f"only the newest {limit}; older ones with a greater --limit"


def _fee(fee: Fee | None) -> str:
    return f"[yellow]{UNKNOWN}[/yellow]" if fee is None else f"{exact(fee.amount)} {escape(fee.asset)}"


def _role(row: FillRow) -> str:
    return "maker" if row.fill.is_maker else "taker"
