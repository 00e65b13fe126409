"""`mm compliance`: what a venue's market maker programme asks about, by market and day, and how each point stands (S8).

`--json` prints a list with one object a market: account, symbol, last_day and days (from_ms, to_ms, counts, and of each
cancel_ratio, order_success_ratio, two_sided_uptime, spread_bps, depth_quote, taker_share, maker_fee_bps; null is
unknown) and points (name, wanted, found, and is_met, null where nobody can tell).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.terminal import Desk, MarketCompliance, read_compliance
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Market,
    open_accounts,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.style import UNKNOWN, moment, share, show, table
from marketmaker.domain.compliance import Metered

_FIGURES = "orders cancelled success two-sided spread depth fills taker"
_STANDS: Mapping[bool | None, str] = {
    True: "[green]met[/green]",
    False: "[red]not met[/red]",
    None: f"[yellow]{UNKNOWN}[/yellow]",
}

Days = Annotated[int, typer.Option("--days", min=1, max=400, help="How many UTC days, today included.")]


def show_compliance(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    days: Days = 7,
    as_json: Json = False,
) -> None:
    """Show by market and UTC day how orders fared and how long both sides stood, and what a programme asks about.

    From what ticks counted, without asking the venue. Cancels that a
    guard forced are not in the ratio. What nobody can know is unknown.
    """
    desks = open_accounts(deployment, account, symbol)

    def read(desk: Desk) -> tuple[MarketCompliance, ...]:
        wanted = [each for each in desk.settings.symbols if symbol in {None, each}]
        return read_compliance(desk, wanted, days=days)

    worked = work_all(desks, read)
    found = [market for markets in worked.results.values() for market in markets]
    if as_json:
        print_json([compliance_document(each) for each in found], worked.failures)
    else:
        for each in found:
            show(compliance_parts(each))
    print_failures(worked.failures)
    worked.finish()


def compliance_parts(market: MarketCompliance) -> list[RenderableType]:
    """Write a market's days and points."""
    name = f"[bold]{escape(market.account)} {escape(market.symbol)}[/bold]"
    points = table("point", "stands", "found", "wanted", whole="point stands")
    for point in market.points:
        points.add_row(point.name, _STANDS[point.is_met], point.found, point.wanted)
    if not market.days:
        return [f"{name}  nothing was counted yet", points]
    days = table("UTC day", *_FIGURES.split(), right=_FIGURES, whole="UTC day", is_dense=True)
    for day in market.days:
        days.add_row(moment(day.from_ms)[:10], *_figures(day))
    days.add_row("last 24 h", *_figures(market.last_day))
    return [f"{name}  spread in bps and depth in quote, of the time with both sides", days, points]


def _figures(metered: Metered) -> tuple[str, ...]:
    counts = metered.counts
    return (
        str(counts.placed),
        share(counts.cancel_ratio),
        share(counts.order_success_ratio),
        share(metered.two_sided_uptime),
        UNKNOWN if counts.spread_bps is None else f"{counts.spread_bps:.2f}",
        UNKNOWN if counts.depth_quote is None else f"{counts.depth_quote:.2f}",
        str(counts.fills),
        share(counts.taker_share),
    )


def compliance_document(market: MarketCompliance) -> dict[str, Any]:
    """Describe a market for programs."""
    return {
        "account": market.account,
        "symbol": market.symbol,
        "last_day": _document(market.last_day),
        "days": [_document(each) for each in market.days],
        "points": [asdict(each) for each in market.points],
    }


def _document(metered: Metered) -> dict[str, Any]:
    counts = metered.counts
    return asdict(metered) | {
        "cancel_ratio": counts.cancel_ratio,
        "order_success_ratio": counts.order_success_ratio,
        "two_sided_uptime": metered.two_sided_uptime,
        "spread_bps": counts.spread_bps,
        "depth_quote": counts.depth_quote,
        "taker_share": counts.taker_share,
        "maker_fee_bps": counts.maker_fee_bps,
    }
