"""`mm backtest`: the live use case over a recorded market.

`--json` prints one object: symbol, from_ms, to_ms, config_hash, note, ticks, orders_placed, orders_kept,
orders_cancelled, protective_cancels, fills, volume_quote, fees_quote, funding_quote, realised_pnl_quote,
unrealised_pnl_quote, total_pnl_quote, inventory_final_base, inventory_max_abs_base, cancel_ratio,
order_success_ratio, two_sided_uptime, max_drawdown_quote, edge_at_fill_bps, markout_bps (by seconds), no_quotes and
skipped_rows (by reason), events, wall_seconds, events_per_second, rss_mb.
"""

from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress

from marketmaker.bootstrap.backtests import (
    Backtested,
    BacktestOptions,
    BacktestResult,
    ConfigError,
    MarketFiles,
    Preset,
    QueueModel,
    backtest,
    played_account,
)
from marketmaker.cli.accounts import DEFAULT_FILE, DeploymentFile, Json, one_line_errors, print_json
from marketmaker.cli.moments import moment_ms
from marketmaker.cli.own_memory import peak_rss_mb
from marketmaker.cli.pages import require_writable, write_page
from marketmaker.cli.style import UNKNOWN, bps, console, errors, figure, gain, moment, now_ms, share, show, table

_PICTURES = {"fill_list", "samples"}
DEFAULT_PAGE = Path("out/backtest.html")

Chosen = Annotated[str, typer.Option("--market", "-m", metavar="VENUE:SYMBOL", help="Whose settings of the file.")]
Quotes = Annotated[Path | None, typer.Option("--quotes", help="Quotes, in Tardis's layout, gzipped or plain.")]
Trades = Annotated[Path | None, typer.Option("--trades", help="Trades, likewise, or a zip of Binance's archive.")]
BookFile = Annotated[Path | None, typer.Option("--book", help="Book snapshots, in Tardis's layout.")]
Candles = Annotated[Path | None, typer.Option("--candles", help="Candles instead of all that: coarse, and says so.")]
From = Annotated[str | None, typer.Option("--from", metavar="WHEN", help="Not before: a time in UTC.")]
To = Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Before: a time in UTC.")]
Cadence = Annotated[int | None, typer.Option("--cadence-s", help="Seconds between ticks; as in the file without.")]
LatencyMs = Annotated[int, typer.Option("--latency-ms", min=0, help="Each way, to the venue and back.")]
Queue = Annotated[QueueModel, typer.Option("--queue", help="Who leaves a queue that shrinks without a trade.")]
WholeFills = Annotated[bool, typer.Option("--whole-fills", help="Fill all of an order at once, as simpler simulators.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the market.")]
FundingRate = Annotated[
    float, typer.Option("--funding-rate", help="What longs pay every 8 h on a perpetual, as a share.")
]
PresetName = Annotated[Preset | None, typer.Option("--preset", help="Put over the market's models.")]
OpeningBase = Annotated[
    float | None, typer.Option("--opening-base", min=0, help="Held at the start; else the middle of the band.")
]
Capital = Annotated[float, typer.Option("--capital", min=1, help="In quote currency, part of it in base at the start.")]
Html = Annotated[Path | None, typer.Option("--html", help=f"The page with pictures; without, {DEFAULT_PAGE}.")]
Seed = Annotated[int, typer.Option("--seed", help="Nothing in a run is drawn: the same in, the same out.")]


def run_one(
    market: Chosen,
    deployment: DeploymentFile = DEFAULT_FILE,
    quotes: Quotes = None,
    trades: Trades = None,
    book: BookFile = None,
    candles: Candles = None,
    from_: From = None,
    to: To = None,
    cadence_s: Cadence = None,
    latency_ms: LatencyMs = 10,
    queue: Queue = QueueModel.RISK_AVERSE,
    whole_fills: WholeFills = False,
    preset: PresetName = None,
    changes: Set = None,
    opening_base: OpeningBase = None,
    capital: Capital = 100_000,
    funding_rate: FundingRate = 0,
    seed: Seed = 0,  # noqa: ARG001 - so that a command line that names one keeps its meaning
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Run a market's settings over a recording, with the code that trades, and say what would have come of them.

    An estimate: our orders move nothing in a recording, and places in the
    queue are assumed. Nothing is read from AWS, nothing is written
    but a page of pictures; with --json only where --html says so.
    """
    path = html or (None if as_json else DEFAULT_PAGE)
    with one_line_errors():
        if path is not None:
            require_writable(path)
        try:
            files = MarketFiles(quotes=quotes, trades=trades, book=book, candles=candles)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        options = BacktestOptions(
            deployment=deployment,
            market=market,
            files=files,
            preset=preset,
            changes=tuple(changes or ()),
            from_ms=None if from_ is None else moment_ms("--from", from_, now_ms()),
            to_ms=None if to is None else moment_ms("--to", to, now_ms()),
            cadence_s=cadence_s,
            latency_ms=latency_ms,
            queue=queue,
            whole_fills=whole_fills,
            capital_quote=Decimal(str(capital)),
            funding_rate=Decimal(str(funding_rate)),
            opening_base=None if opening_base is None else Decimal(str(opening_base)),
        )
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task(f"playing {market}", total=None)
            done = backtest(options, lambda slots, of: progress.update(task, completed=slots, total=of))
        if path is not None:
            _write_page(path, options, done)
    if as_json:
        print_json([document(done)], {})
    else:
        _print(done)
        console.print(f"pictures: {escape(str(path))}")


def document(done: Backtested) -> dict[str, Any]:
    """Describe a backtest in plain values."""
    result = {each.name: getattr(done.result, each.name) for each in fields(done.result) if each.name not in _PICTURES}
    return result | {
        "note": done.note,
        "wall_seconds": round(done.wall_seconds, 3),
        "events_per_second": round(done.events_per_second),
        "rss_mb": round(peak_rss_mb(), 1),
    }


def _write_page(path: Path, options: BacktestOptions, done: Backtested) -> None:
    from marketmaker.cli.backtest_report import backtest_page  # what draws is loaded by those who draw

    interval_ms = played_account(options).clocks.interval_ms
    write_page(path, backtest_page(options, done, document(done), interval_ms))


def _print(done: Backtested) -> None:
    result = done.result
    span = f"{moment(result.from_ms)} to {moment(result.to_ms)}"
    console.print(f"[bold]{escape(result.symbol)}[/bold]  {span}, {result.ticks} ticks, {result.fills} fills")
    console.print(
        f"{escape(done.note)}; an estimate: our orders move nothing in it, and places in the queue are assumed"
    )
    rows = table("figure", "value", whole="figure")
    for name, value in _rows(result):
        rows.add_row(name, value)
    show([rows])


def _rows(result: BacktestResult) -> list[tuple[str, str]]:
    markouts = ", ".join(f"{bps(value)} after {after_s} s" for after_s, value in result.markout_bps.items())
    orders = f"{result.orders_placed} placed, {result.orders_kept} kept, {result.orders_cancelled} cancelled"
    return [
        ("gain", f"{gain(result.total_pnl_quote)}, unrealised {gain(result.unrealised_pnl_quote)}"),
        ("fees", figure(result.fees_quote)),
        ("largest fall", figure(result.max_drawdown_quote)),
        ("volume", figure(result.volume_quote)),
        ("inventory", f"{figure(result.inventory_final_base)}, at most {figure(result.inventory_max_abs_base)}"),
        ("orders", f"{orders}, {result.protective_cancels} by a guard"),
        ("cancel ratio", share(result.cancel_ratio)),
        ("order success", share(result.order_success_ratio)),
        ("two-sided", share(result.two_sided_uptime)),
        ("edge at fill, bps", bps(result.edge_at_fill_bps)),
        ("markout, bps", markouts or UNKNOWN),
        ("no quotes", ", ".join(f"{reason} {count}" for reason, count in result.no_quotes.items()) or "never"),
        ("skipped rows", ", ".join(f"{why} {count}" for why, count in result.skipped_rows.items()) or "none"),
    ]
