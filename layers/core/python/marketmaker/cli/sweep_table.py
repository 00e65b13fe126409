"""How `mm sweep` writes what it found: the ranked table, and in words what it is worth."""

from collections.abc import Sequence
from decimal import Context, Decimal
from pathlib import Path

from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.sweeps import SweepOptions, Swept
from marketmaker.cli.style import UNKNOWN, bps, console, counted, moment, share, show, table
from marketmaker.domain.backtests import BacktestResult
from marketmaker.domain.sweeps import (
    ALPHA,
    MARKOUT_S,
    Difference,
    Figure,
    Ranked,
    Trial,
    Verdict,
    fewest_blocks,
    least_p,
)
from marketmaker.domain.units import plain

IN_SAMPLE = "in-sample: ranked on the recording that it was picked on, so the best of it looks better than it is"
FILE = "file"
_KEY_WIDTH = 12
_SHOWN, _ROUGH = Context(prec=5), Context(prec=3)
_COLOURS = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.NOISE: "dim"}
_SHOWN_FIGURES = frozenset(
    {
        Figure.TOTAL_PNL,
        Figure.FILLS,
        Figure.CANCEL_RATIO,
        Figure.MARKOUT,
        Figure.MAX_INVENTORY,
        Figure.MAX_DRAWDOWN,
    }
)


def show_sweep(options: SweepOptions, swept: Swept, page: Path | None) -> None:
    """Print a sweep."""
    file = swept.file.result
    when = f"{moment(file.from_ms)} to {moment(file.to_ms)}"
    console.print(f"[bold]{escape(file.symbol)}[/bold]  {when}, {counted(len(swept.ranked), 'run')} by {options.by}")
    console.print(escape(swept.file.note))
    show(_parts(options, swept))
    if page is not None:
        console.print(f"heat map: {escape(str(page))}")


def _parts(options: SweepOptions, swept: Swept) -> list[RenderableType]:
    keys = [each.key for each in options.variations]
    parts: list[RenderableType] = [_table(keys, options.by, swept.ranked)]
    parts += [escape(each) for each in remarks(options, swept)]
    if swept.tested:
        parts += [escape(tested_remark(swept.tested)), _table(keys, options.by, swept.tested)]
    return parts


def remarks(options: SweepOptions, swept: Swept) -> list[str]:
    """Say in words what a sweep's figures are and what they are worth."""
    result = swept.file.result
    block_min = (result.to_ms - result.from_ms) / options.blocks / 60_000
    fixed = [
        *([f"--preset {options.backtest.preset}"] if options.backtest.preset else []),
        *(f"--set {each}" for each in options.backtest.changes),
    ]
    said = [
        f"{IN_SAMPLE}; what it is worth is below" if swept.tested else IN_SAMPLE,
        f"gain after fees, in quote currency; against the file: mean difference of a block ± its standard error, over "
        f"{options.blocks} blocks of {block_min:.1f} min",
        f"better, worse: unlikely to be noise at {ALPHA:.0%}, by flipping the signs of the differences, corrected for "
        f"{counted(swept.compared, 'comparison')}; blocks are taken as independent of each other",
    ]
    if fixed:
        said.append(f"in every run, the file's too: {', '.join(fixed)}")
    if swept.compared * least_p(options.blocks) > ALPHA:
        said.append(
            f"{options.blocks} blocks are too few to tell any of {swept.compared} from noise: --blocks "
            f"{fewest_blocks(swept.compared)} or more, or fewer values"
        )
    return said


def tested_remark(tested: Sequence[Ranked]) -> str:
    """Say on what the best was tested."""
    result = tested[0].trial.result
    when = f"kept back, {moment(result.from_ms)} to {moment(result.to_ms)}"
    if len(tested) == 1:
        return f"{when}: nothing was better than the file, so it runs alone"
    return f"{when}: the best of the search and the file, on a part that nothing was picked on"


def difference_text(difference: Difference | None) -> str:
    """Write a mean difference and its standard error, to three digits."""
    if difference is None:
        return "–"
    mean, error = (
        _ROUGH.create_decimal_from_float(each) for each in (difference.mean_quote, difference.standard_error_quote)
    )
    return f"{signed(mean)} ± {short(error)}"


def short(value: Decimal | None) -> str:
    """Write an amount to five digits."""
    return UNKNOWN if value is None else plain(_SHOWN.create_decimal(value))


def signed(value: Decimal) -> str:
    """Write a gain or a loss to five digits."""
    return f"+{short(value)}" if value > 0 else short(value)


def markout_text(result: BacktestResult) -> str:
    """Write a run's markout."""
    return bps(result.markout_bps[MARKOUT_S])


def value_text(trial: Trial, key: str) -> str:
    """Write a point's value of a key."""
    value = trial.point.value(key)
    return FILE if value is None else value


def _table(keys: list[str], by: Figure, ranked: Sequence[Ranked]) -> RenderableType:
    more = [] if by in _SHOWN_FIGURES else [by.value]
    names = ["#", *keys, *more, "gain", "vs the file", "verdict", "fills", "cancelled", "max held", "max fall"]
    rows = table(*names, f"{MARKOUT_S} s, bps", is_dense=True)
    for key, column in zip(keys, rows.columns[1:], strict=False):
        column.min_width = min(_KEY_WIDTH, max(len(value_text(each.trial, key)) for each in ranked))
    for column in rows.columns:
        if column.header not in {"#", "verdict", *keys}:
            column.justify, column.no_wrap = "right", column.header != f"{MARKOUT_S} s, bps"
    for each in ranked:
        result, verdict = each.trial.result, None if each.difference is None else each.difference.verdict
        colour = "bold" if verdict is None else _COLOURS[verdict]
        rows.add_row(
            str(each.rank),
            *(escape(value_text(each.trial, key)) for key in keys),
            *(short(by.of(result)) for _ in more),
            signed(result.total_pnl_quote),
            difference_text(each.difference),
            f"[{colour}]{verdict or 'file'}[/{colour}]",
            str(result.fills),
            share(result.cancel_ratio),
            short(result.inventory_max_abs_base),
            short(result.max_drawdown_quote),
            markout_text(result),
        )
    return rows
