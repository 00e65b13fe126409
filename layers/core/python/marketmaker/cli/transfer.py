"""`mm transfer`: tell the ledger of money that came or went."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import Desk, TransferReport, TransferRequest, book_a_transfer, system_clock
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    deadline_in,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.stopping import operator_name
from marketmaker.cli.style import console, exact
from marketmaker.domain.units import AccountName, Asset, Symbol

TIMEOUT_S = 15.0

Amount = Annotated[
    str, typer.Argument(help="How much came; what went is below zero, after a `--`: mm transfer -- -500 USDT.")
]
AssetName = Annotated[str, typer.Argument(help="Of which asset, as the venue names it.")]
OfMarket = Annotated[
    str | None, typer.Option("--symbol", "-s", help="The market that gets or gives it; without it, none does.")
]
Price = Annotated[
    str | None, typer.Option("--price", help="What one is worth in the market's quote; its book's middle without it.")
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept with the row.")]
Id = Annotated[str | None, typer.Option("--id", help="Makes it one transfer, however often it is told.")]


def book_transfer(
    amount: Amount,
    asset: AssetName,
    reason: Reason,
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: OfMarket = None,
    price: Price = None,
    transfer_id: Id = None,
    as_json: Json = False,
) -> None:
    """Book a deposit or a withdrawal: no gain, no loss, and the ledger explains the balance again.

    With --symbol the market's capital changes. Without it, what no market owns does:
    on a dedicated account every change of a balance has to be told.
    """
    size, worth = _number("amount", amount), None if price is None else _number("--price", price)
    told = transfer_id or f"{system_clock().now_ms()}-{asset}"

    def book(desk: Desk) -> TransferReport:
        request = TransferRequest(
            account=AccountName(desk.settings.name),
            symbol=None if symbol is None else Symbol(symbol),
            asset=Asset(asset.upper()),
            amount=size,
            reason=reason,
            requested_by=operator_name(),
            id=told,
            price_quote=worth,
        )
        return book_a_transfer(request, desk, deadline_in(desk.clock, TIMEOUT_S))

    desks = open_accounts(deployment, account, symbol=symbol)
    if len(desks) > 1:
        raise typer.BadParameter(f"--account: nothing is not allowed: one of {', '.join(desks)}")
    worked = work_all(desks, book)
    if as_json:
        print_json([_described(each) for each in worked.results.values()], worked.failures)
    else:
        for report in worked.results.values():
            _print(report)
    print_failures(worked.failures, "NOT BOOKED: ")
    worked.finish()


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise typer.BadParameter(f"{name}: {text!r} is not allowed: a number such as 500 or -0.25")
    return number


def _described(report: TransferReport) -> dict[str, object]:
    request = report.request
    return {
        "account": request.account,
        "symbol": request.symbol,
        "asset": request.asset,
        "amount": request.amount,
        "price_quote": report.price_quote,
        "held": report.held,
        "id": request.id,
        "reason": request.reason,
    }


def _print(report: TransferReport) -> None:
    request = report.request
    where = "no market's" if request.symbol is None else request.symbol
    price = "" if report.price_quote is None else f" at {exact(report.price_quote)}"
    console.print(
        f"{escape(request.account)}: {exact(request.amount)} {escape(request.asset)}{price} booked, "
        f"{escape(where)} {exact(report.held)} now; transfer {escape(request.id)}"
    )
