"""`mm tune`: what the guide would change, with the figures that say so (S7); it changes nothing.

`--json` prints a list with one object a market: account, symbol, span_ms, is_cut, mark, floor_quote, advice (kind,
text, key, value) and figures (fills, fills_an_hour, volume_base, volume_quote, maker_share, gross_quote, fees_quote,
unpriced_fills, lowest_base, highest_base, lowest_ratio, highest_ratio, net_quote, net_at_lower_fees, spread_bps).
"""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.terminal import Desk, TunedMarket, tune_market
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
from marketmaker.cli.moments import moment_ms
from marketmaker.cli.style import NONE, UNKNOWN, assets, bps, counted, figure, gain, now_ms, share, show, span, table
from marketmaker.domain.tuning import LOWER_FEES, AdviceKind, spread_of

Since = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="Judge from then on: 90m, 24h or 7d ago, or a time in UTC.")
]
_COLOURS = {AdviceKind.NOTHING: "green", AdviceKind.TOO_LITTLE: "dim"}


def tune_markets(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    since: Since = "24h",
    as_json: Json = False,
) -> None:
    """Say what the guide would change, with the figures: narrower, smaller, or cheaper fees. Changes nothing.

    From the ledger, at the newest price that fetch_prices kept; the venue is not asked. A fee that
    the venue did not tell, or took in another asset, is in no sum.
    """
    with one_line_errors():
        since_ms = moment_ms("--since", since, now_ms())
    desks = open_accounts(deployment, account, symbol)

    def judge(desk: Desk) -> tuple[TunedMarket, ...]:
        wanted = [each for each in desk.settings.symbols if symbol in {None, each}]
        return tuple(tune_market(desk, each, since_ms=since_ms) for each in wanted)

    worked = work_all(desks, judge)
    found = [market for markets in worked.results.values() for market in markets]
    if as_json:
        print_json([_document(each) for each in found], worked.failures)
    else:
        for each in found:
            show(_parts(each))
    print_failures(worked.failures)
    worked.finish()


def _parts(tuned: TunedMarket) -> list[RenderableType]:
    figures, past = tuned.figures, tuned.past
    base, quote = assets(tuned.symbol)
    cut = ", only the newest fills" if tuned.is_cut else ""
    rows = table("figure", "value", whole="figure")
    rows.add_row("fills", f"{counted(figures.fills, 'fill')}, {figure(figures.fills_an_hour)} an hour")
    rows.add_row("volume", f"{figure(figures.volume_base)} {base}, {figure(figures.volume_quote)} {quote}")
    rows.add_row("as maker", share(figures.maker_share) if figures.fills else NONE)
    spread = spread_of(past.fills)
    rows.add_row("sold above bought", f"{bps(spread)} bps" if spread is not None else NONE)
    rows.add_row("gained at the mark, before fees", f"{gain(figures.gross_quote)} {quote}")
    unpriced = f", [yellow]and {UNKNOWN} of {counted(figures.unpriced_fills, 'fill')}[/yellow]"
    rows.add_row("fees", f"{figure(figures.fees_quote)} {quote}{unpriced if figures.unpriced_fills else ''}")
    rows.add_row("after fees", f"{gain(figures.net_quote)} {quote}")
    for by in LOWER_FEES:
        rows.add_row(f"with fees {by:.0%} lower", f"{gain(figures.net_at(by))} {quote}")
    rows.add_row("held", f"{figure(figures.lowest_base)} to {figure(figures.highest_base)} {base}")
    rows.add_row("share of the capital", f"{share(figures.lowest_ratio)} to {share(figures.highest_ratio)}")
    rows.add_row("least half-spread", f"{figure(past.floor)} {quote}: fees and cadence, at {figure(past.mark)}")
    parts: list[RenderableType] = [
        f"[bold]{escape(tuned.account)} {escape(tuned.symbol)}[/bold]  over {span(past.span_ms)}{cut}",
        rows,
    ]
    for each in tuned.advice:
        colour = _COLOURS.get(each.kind, "yellow")
        written = f"  →  {escape(each.key)} = {escape(each.value)}" if each.value else ""
        parts.append(f"  [{colour}]{each.kind}[/{colour}]  {escape(each.text)}{written}")
    return parts


def _document(tuned: TunedMarket) -> dict[str, Any]:
    figures, past = tuned.figures, tuned.past
    lower = {f"{by:.0%}": figures.net_at(by) for by in LOWER_FEES}
    more = {"net_quote": figures.net_quote, "net_at_lower_fees": lower, "spread_bps": spread_of(past.fills)}
    return {
        "account": tuned.account,
        "symbol": tuned.symbol,
        "span_ms": past.span_ms,
        "is_cut": tuned.is_cut,
        "mark": past.mark,
        "floor_quote": past.floor,
        "figures": asdict(figures) | more,
        "advice": [asdict(each) for each in tuned.advice],
    }
