"""What `mm` prints of an account and of a halt."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.markup import escape
from rich.table import Table

from marketmaker.bootstrap.terminal import HaltReport
from marketmaker.cli.accounts import console, errors
from marketmaker.domain.units import plain


def print_account(account: Mapping[str, Any]) -> None:
    """Print how an account stands."""
    age = account["last_tick_age_s"]
    mode = account["mode"]
    if mode != "quoting":
        mode = f"[red]{mode}[/red] ({escape(account['mode_reason'])})"
    last = "never" if age is None else f"{max(age, 0):.0f} s ago"
    console.print(f"[bold]{escape(account['account'])}[/bold]  {mode}  last tick {last}")
    if account["venue_problem"]:
        console.print(f"  [red]the venue cannot be read:[/red] {escape(account['venue_problem'])}")
    for episode in account["episodes"]:
        console.print(f"  [red]alert:[/red] {escape(episode)}")
    for each in account["restrictions"]:
        text = f"{each['symbol']} {each['mode']} for {each['age_s']:.0f} s: {each['reason']}"
        console.print(f"  [red]restricted:[/red] {escape(text)}")
    for each in account["drawdowns"]:
        share = "unknown" if each["drawdown_share"] is None else f"{each['drawdown_share']:.2%}"
        peak = _figure(each["peak_equity_quote"])
        console.print(f"  {escape(each['asset'])}: peak equity {peak}, drawdown {share}")
    for market in account["markets"]:
        _print_market(market)


def _print_market(market: Mapping[str, Any]) -> None:
    """Print a market in lines of at most 80 columns, however wide the terminal is."""
    if not market["opened"]:
        console.print(f"  {market['symbol']}  not opened: its first tick will do it")
        return
    ratio = "unknown" if market["ratio"] is None else f"{market['ratio']:.1%}"
    table = Table.grid(padding=(0, 3))
    table.add_column(min_width=10)
    for _ in range(4):
        table.add_column()
    names = ("base", "quote", "mark", "average_cost_quote", "realised_quote", "unrealised_quote", "fees_quote")
    base, quote, mark, cost, realised, unrealised, fees = (_figure(market[name]) for name in names)
    table.add_row("  holds", f"base {base}", f"quote {quote}", f"ratio {ratio}")
    table.add_row("  price", f"mark {mark}", f"average cost {cost}")
    table.add_row("  PnL", f"realised {realised}", f"unrealised {unrealised}", f"fees {fees}")
    console.print(f"  {market['symbol']}")
    console.print(table, soft_wrap=False)
    orders = ", ".join(f"{side} {plain(size)} @ {plain(price)}" for side, price, size in market["orders"])
    console.print(f"  orders at the last tick: {orders or 'none'}")
    if market["unresolved"]:
        console.print(f"  [red]orders whose fate is unknown:[/red] {', '.join(market['unresolved'])}")


def print_halt(report: HaltReport, *, quiet: bool) -> None:
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


def _figure(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"
