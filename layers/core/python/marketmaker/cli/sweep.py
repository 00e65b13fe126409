"""`mm sweep`: a grid of settings over a recorded market, ranked, and each told from noise.

`--json` prints one object: symbol, from_ms, to_ms, note, preset, set, varied (values by key), by, blocks, block_ms,
seed, compared, least_p, in_sample, points, tested_from_ms, tested (points alike, on the part kept back), wall_seconds.
A point has rank, values, is_file, verdict, difference (mean_block_quote, standard_error_block_quote, p and p_holm; null
for the file's own), block_pnl_quote, and those figures of `mm backtest --json` that do not depend on the machine. The
same in, the same out, but for wall_seconds.
"""

from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from marketmaker.bootstrap.sweeps import (
    BacktestOptions,
    ConfigError,
    Figure,
    MarketFiles,
    QueueModel,
    SweepDone,
    SweepOptions,
    read_variation,
    sweep,
)
from marketmaker.cli.accounts import DEFAULT_FILE, DeploymentFile, Json, one_line_errors, print_json
from marketmaker.cli.backtest import (
    BookFile,
    Cadence,
    Candles,
    Capital,
    Chosen,
    From,
    LatencyMs,
    OpeningBase,
    PresetName,
    Queue,
    Quotes,
    Set,
    To,
    Trades,
)
from marketmaker.cli.moments import moment_ms
from marketmaker.cli.pages import require_writable
from marketmaker.cli.style import errors, now_ms
from marketmaker.cli.sweep_page import write_sweep_page
from marketmaker.cli.sweep_table import show_sweep
from marketmaker.domain.sweeps import Ranked, least_p
from marketmaker.domain.units import from_statistic

_PICTURES = {"symbol", "from_ms", "to_ms", "fill_list", "samples"}
DEFAULT_PAGE = Path("out/sweep.html")

Vary = Annotated[
    list[str],
    typer.Option("--vary", metavar="KEY=V1,V2", help="Values of a key to try, or KEY=[V1, V2] as in the file."),
]
Blocks = Annotated[int, typer.Option("--blocks", help="Blocks of time that the runs are compared by.")]
By = Annotated[Figure, typer.Option("--by", help="The figure to rank by.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Runs side by side; one a core without.")]
SeedOfDraws = Annotated[int, typer.Option("--seed", help="Of the sign flips drawn where blocks are more than 16.")]
TestFrom = Annotated[
    str | None, typer.Option("--test-from", metavar="WHEN", help="Keep what comes after back, and test the best on it.")
]
Html = Annotated[Path | None, typer.Option("--html", help=f"The page with the heat map; {DEFAULT_PAGE} without.")]


def run_sweep(
    market: Chosen,
    vary: Vary,
    deployment: DeploymentFile = DEFAULT_FILE,
    quotes: Quotes = None,
    trades: Trades = None,
    book: BookFile = None,
    candles: Candles = None,
    from_: From = None,
    to: To = None,
    test_from: TestFrom = None,
    cadence_s: Cadence = None,
    latency_ms: LatencyMs = 10,
    queue: Queue = QueueModel.RISK_AVERSE,
    preset: PresetName = None,
    changes: Set = None,
    opening_base: OpeningBase = None,
    capital: Capital = 100_000,
    blocks: Blocks = 12,
    by: By = Figure.TOTAL_PNL,
    workers: Workers = None,
    seed: SeedOfDraws = 0,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Try every combination of settings over a recording, rank them, and say what is noise.

    The file's own settings, with --preset and --set, are always one of them,
    and what all others are compared with, block by block of time. What is
    best here is best on this recording: --test-from tests it on another part.
    """
    with one_line_errors():
        try:
            files = MarketFiles(quotes=quotes, trades=trades, book=book, candles=candles)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        of = BacktestOptions(
            deployment=deployment,
            market=market,
            files=files,
            preset=preset,
            changes=tuple(changes or ()),
            from_ms=_moment("--from", from_),
            to_ms=_moment("--to", to),
            cadence_s=cadence_s,
            latency_ms=latency_ms,
            queue=queue,
            capital_quote=Decimal(str(capital)),
            opening_base=None if opening_base is None else Decimal(str(opening_base)),
        )
        options = SweepOptions(
            backtest=of,
            variations=tuple(map(read_variation, vary)),
            by=by,
            blocks=blocks,
            seed=seed,
            workers=workers,
            test_from_ms=_moment("--test-from", test_from),
        )
        page = html or (None if as_json else DEFAULT_PAGE)
        if page is not None:
            require_writable(page)
        done = _run(options)
        if page is not None:
            write_sweep_page(page, options, done.swept)
    if as_json:
        print_json([document(options, done)], {})
    else:
        show_sweep(options, done.swept, page)


def _moment(option: str, text: str | None) -> int | None:
    return None if text is None else moment_ms(option, text, now_ms())


def _run(options: SweepOptions) -> SweepDone:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(f"sweeping {escape(options.backtest.market)}", total=None)
        return sweep(options, lambda runs, of: progress.update(task, completed=runs, total=of))


def document(options: SweepOptions, done: SweepDone) -> dict[str, Any]:
    """Describe a sweep in plain values."""
    swept, file = done.swept, done.swept.file.result
    return {
        "symbol": file.symbol,
        "from_ms": file.from_ms,
        "to_ms": file.to_ms,
        "note": swept.file.note,
        "preset": options.backtest.preset,
        "set": list(options.backtest.changes),
        "varied": {each.key: list(each.values) for each in options.variations},
        "by": options.by,
        "blocks": options.blocks,
        "block_ms": (file.to_ms - file.from_ms) // options.blocks,
        "seed": options.seed,
        "compared": swept.compared,
        "least_p": least_p(options.blocks),
        "in_sample": True,
        "points": [_point(each) for each in swept.ranked],
        "tested": [_point(each) for each in swept.tested],
        "tested_from_ms": options.test_from_ms,
        "wall_seconds": round(done.wall_seconds, 3),
    }


def _point(ranked: Ranked) -> dict[str, Any]:
    trial, result, difference = ranked.trial, ranked.trial.result, ranked.difference
    figures = {each.name: getattr(result, each.name) for each in fields(result) if each.name not in _PICTURES}
    return {
        "rank": ranked.rank,
        "values": dict(trial.point.values),
        "is_file": trial.point.is_file,
        "verdict": difference and difference.verdict,
        "difference": difference
        and {
            "mean_block_quote": from_statistic(difference.mean_quote),
            "standard_error_block_quote": from_statistic(difference.standard_error_quote),
            "p": difference.p,
            "p_holm": difference.p_holm,
        },
        "block_pnl_quote": list(trial.block_pnl_quote),
        **figures,
    }
