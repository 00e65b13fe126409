"""The page of `mm sweep`: a heat map of what settings earned, each with what blocks of time say of it."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from marketmaker.bootstrap.sweeps import SweepOptions, Swept
from marketmaker.cli.pages import label, page, paragraph, picture, section, write_page
from marketmaker.cli.style import moment, share
from marketmaker.cli.sweep_table import (
    FILE,
    difference_text,
    markout_text,
    remarks,
    short,
    signed,
    tested_remark,
    value_text,
)
from marketmaker.domain.sweeps import MARKOUT_S, Figure, Ranked, Variation, Verdict

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Picture

_MOST_BARS = 30
_COLOURS = {Verdict.BETTER: "#2b6cb0", Verdict.WORSE: "#c53030", Verdict.NOISE: "#a0aec0"}
_ROW_PX, _FRAME_PX = 64, 180


def write_sweep_page(path: Path, options: SweepOptions, swept: Swept) -> None:
    """Write the page.

    Raises:
        ConfigError: it cannot be written.
    """
    result = swept.file.result
    about = f"{result.symbol}, {moment(result.from_ms)} to {moment(result.to_ms)}; {swept.file.note}"
    sections = [paragraph(about), *map(paragraph, remarks(options, swept))]
    if len(options.variations) > 1:
        first, second, *others = options.variations
        sections.append(_map_section(first, second, [each.key for each in others], swept))
    sections.append(_bars_section(swept.ranked))
    sections.append(section(f"All runs, by {options.by}", _table(options, swept.ranked)))
    if swept.tested:
        tested = paragraph(tested_remark(swept.tested))
        sections.append(section("On the part kept back", tested, _table(options, swept.tested)))
    write_page(path, page(f"Sweep of {options.backtest.market}", sections))


def _map_section(first: Variation, second: Variation, others: Sequence[str], swept: Swept) -> str:
    said = [paragraph("Gain after fees in quote currency: blue is more than the file's own made, red is less.")]
    if others:
        said.append(paragraph(f"Each cell is the best over {', '.join(others)}."))
    if not swept.file.point.values:
        said.append(paragraph(f"The file's own settings are no cell: {signed(swept.file.result.total_pnl_quote)}."))
    return section(f"{first.key} and {second.key}", *said, picture(heat_map(first, second, swept), "map"))


def heat_map(first: Variation, second: Variation, swept: Swept) -> "Picture":
    """Draw the gain over two keys; where there are others, that of the best ranked of each cell."""
    from plotly.graph_objects import Figure as Picture
    from plotly.graph_objects import Heatmap

    best: dict[tuple[str | None, str | None], Ranked] = {}
    for each in swept.ranked:
        point = each.trial.point
        best.setdefault((point.value(first.key), point.value(second.key)), each)
    cells = [[best[row, column] for column in second.values] for row in first.values]
    drawn = Heatmap(
        x=[label(each) for each in second.values],
        y=[label(each) for each in first.values],
        z=[[float(each.trial.result.total_pnl_quote) for each in row] for row in cells],
        text=[[_cell_text(each) for each in row] for row in cells],
        texttemplate="%{text}",
        hovertemplate=f"{label(first.key)} %{{y}}<br>{label(second.key)} %{{x}}<br>%{{text}}<extra></extra>",
        colorscale="RdBu",
        zmid=float(swept.file.result.total_pnl_quote),
        colorbar={"title": {"text": "gain"}},
    )
    picture = Picture(drawn)
    picture.update_layout(template="plotly_white", height=_FRAME_PX + _ROW_PX * len(first.values), margin={"t": 24})
    picture.update_xaxes(type="category", title=label(second.key))
    picture.update_yaxes(type="category", title=label(first.key))
    return picture


def _cell_text(ranked: Ranked) -> str:
    verdict = FILE if ranked.difference is None else ranked.difference.verdict.value
    return f"{signed(ranked.trial.result.total_pnl_quote)}<br>{verdict}"


def _bars_section(ranked: Sequence[Ranked]) -> str:
    compared = [each for each in ranked if each.difference is not None]
    shown = compared[:_MOST_BARS]
    which = "" if len(shown) == len(compared) else f" The best ranked {len(shown)} of {len(compared)}."
    said = paragraph(f"Mean difference of a block of time, with its standard error; zero is the file's own.{which}")
    return section("Against the file", said, picture(differences(shown), "differences"))


def differences(ranked: Sequence[Ranked]) -> "Picture":
    """Draw how each point differs from the file's own, with standard errors."""
    from plotly.graph_objects import Bar
    from plotly.graph_objects import Figure as Picture

    picture = Picture()
    for verdict, colour in _COLOURS.items():
        found = [(each.trial, each.difference) for each in ranked if each.difference]
        of = [(trial, each) for trial, each in found if each.verdict is verdict]
        picture.add_trace(
            Bar(
                x=[each.mean_quote for _, each in of],
                y=[label(trial.point.label) for trial, _ in of],
                error_x={"type": "data", "array": [each.standard_error_quote for _, each in of], "color": "#4a5568"},
                customdata=[signed(trial.result.total_pnl_quote) for trial, _ in of],
                hovertemplate="%{y}<br>%{x:.5g} a block, gain %{customdata}<extra></extra>",
                marker_color=colour,
                name=verdict.value,
                orientation="h",
            )
        )
    order = [label(each.trial.point.label) for each in reversed(ranked)]
    picture.update_layout(template="plotly_white", height=_FRAME_PX + 26 * len(ranked), margin={"t": 24})
    picture.update_xaxes(title="quote currency a block, against the file")
    picture.update_yaxes(type="category", categoryorder="array", categoryarray=order, automargin=True)
    return picture


def _table(options: SweepOptions, ranked: Sequence[Ranked]) -> str:
    keys = [each.key for each in options.variations]
    by = options.by if options.by is not Figure.TOTAL_PNL else None
    figures = ["fills", "cancelled", "max held", "max fall", f"markout {MARKOUT_S} s, bps"]
    names = ["#", *keys, *([by.value] if by else []), "gain", "against the file", "p, corrected", "verdict", *figures]
    lines = [_row("th", names)]
    for each in ranked:
        result, difference = each.trial.result, each.difference
        cells = [
            str(each.rank),
            *(value_text(each.trial, key) for key in keys),
            *([short(by.of(result))] if by else []),
            signed(result.total_pnl_quote),
            difference_text(difference),
            "–" if difference is None else f"{difference.p_holm:.3g}",
            FILE if difference is None else difference.verdict.value,
            str(result.fills),
            share(result.cancel_ratio),
            short(result.inventory_max_abs_base),
            short(result.max_drawdown_quote),
            markout_text(result),
        ]
        lines.append(_row("td", cells))
    return "\n".join(('<div style="overflow-x: auto; white-space: nowrap">', "<table>", *lines, "</table>", "</div>"))


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(each)}</{tag}>' for each in cells)}</tr>"
