"""Pictures of a backtest: the market with our quotes and fills, the inventory, the gain, and the markouts.

Buys are blue triangles that point up, sells vermilion ones that point down: told apart by those who see no red and no
green too (Okabe and Ito's palette). Long runs are thinned.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from plotly.graph_objects import Bar, Box, Figure, Scatter
from plotly.subplots import make_subplots

from marketmaker.cli.pages import label
from marketmaker.cli.style import UNKNOWN, assets, bps
from marketmaker.cli.thinning import thinned
from marketmaker.domain.backtests import MARKOUTS_S, BacktestFill, BacktestResult, BacktestSample
from marketmaker.domain.orders import Side
from marketmaker.domain.units import BPS, ZERO, Symbol, plain

MOST_POINTS = 4_000
"""Of a line; more are thinned."""
MOST_FILLS = 5_000
"""Of buys and sells together; more are thinned."""

_BLUE, _VERMILION, _SKY, _ORANGE = "#0072B2", "#D55E00", "#56B4E9", "#E69F00"
_GREEN, _PURPLE, _GREY, _INK = "#009E73", "#AA4499", "#7B8794", "#1F2933"
_GRID = "#E4E7EB"
_WHEN = "%{x|%Y-%m-%d %H:%M:%S.%L}"
_AT_FILL = 0
_HORIZONS_S = (_AT_FILL, *MARKOUTS_S)
_QUANTILES = (5, 25, 50, 75, 95)


def is_thinned(result: BacktestResult) -> bool:
    """Say whether the pictures leave points of the run out."""
    return len(result.samples) > MOST_POINTS or len(result.fill_list) > MOST_FILLS


def run_picture(result: BacktestResult) -> Figure:
    """Draw the run on one axis of time: prices with our quotes and fills, the inventory, and where the gain is from."""
    base, quote = (label(asset) for asset in assets(result.symbol))
    samples = result.samples
    rows = (
        (f"price, {quote} per {base}", [*_prices(samples), *_fills(result)]),
        (f"inventory, {base}", [_inventory(samples, base)]),
        (f"gain, {quote}", _gains(samples, quote)),
        (f"without inventory, {quote}", _trading_gains(samples, quote)),
    )
    figure = make_subplots(
        rows=len(rows), cols=1, shared_xaxes=True, row_heights=[0.43, 0.15, 0.21, 0.21], vertical_spacing=0.045
    )
    for row, (title, traces) in enumerate(rows, 1):
        legend = f"legend{row if row > 1 else ''}"
        figure.add_traces(traces, rows=row, cols=1)
        figure.update_traces(legend=legend, row=row, col=1)
        figure.update_yaxes(title_text=title, row=row, col=1)
        top = figure.get_subplot(row, 1).yaxis.domain[1]
        figure.update_layout({legend: {"orientation": "h", "x": 0, "y": top, "yanchor": "bottom"}})
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d %H:%M:%S.%L")
    figure.update_xaxes(title_text="time, UTC", row=len(rows), col=1)
    return _styled(figure, height=1_240)


def markout_picture(result: BacktestResult) -> Figure:
    """Draw how far fills were on our side of the middle, at their moment and after: the means, and how they spread."""
    kinds: Sequence[tuple[str, Side | None, str]] = (
        ("buys", Side.BUY, _BLUE),
        ("sells", Side.SELL, _VERMILION),
        ("all", None, _GREY),
    )
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.12, shared_yaxes=False)
    for name, side, colour in kinds:
        fills = [each for each in result.fill_list if side in {None, each.side}]
        figure.add_trace(_means(fills, f"{name}, {len(fills)}", colour), row=1, col=1)
        figure.add_trace(_spread_of(fills, name, colour), row=1, col=2)
    fee = fee_bps(result)
    if fee is not None:
        line: dict[str, Any] = {"y": float(fee), "line": {"color": _INK, "dash": "dot", "width": 1.5}}
        figure.add_hline(**line, row=1, col=1, showlegend=True, name=f"average fee, {fee:.2f} bps")
        figure.add_hline(**line, row=1, col=2)
    figure.update_yaxes(title_text="mean by size, bps of the mid", row=1, col=1)
    figure.update_yaxes(title_text="of each fill, bps of the mid", row=1, col=2)
    figure.update_xaxes(title_text="after the fill")
    figure.update_layout(
        barmode="group", boxmode="group", legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"}
    )
    return _styled(figure, height=440)


def fee_bps(result: BacktestResult) -> Decimal | None:
    """Return what fills cost on average: a fill earned something where its markout is above that."""
    return result.fees_quote / result.volume_quote / BPS if result.volume_quote else None


def mean_bps(fills: Iterable[BacktestFill], after_s: int) -> Decimal | None:
    """Return the mean edge (after 0 s) or markout of fills, weighed by size; None where none is known."""
    known = [(value, each.size_base) for each in fills if (value := _distance(each, after_s)) is not None]
    total = sum((size for _, size in known), ZERO)
    return sum((value * size for value, size in known), ZERO) / total if total else None


def _distance(fill: BacktestFill, after_s: int) -> Decimal | None:
    return fill.edge_bps if after_s == _AT_FILL else fill.markouts_bps[after_s]


def _prices(samples: Sequence[BacktestSample]) -> list[Any]:
    return [
        _line(samples, lambda each: each.ask, "our nearest ask", {"color": _ORANGE, "width": 1.2, "shape": "hv"}),
        _line(samples, lambda each: each.mid, "mid", {"color": _GREY, "width": 1}),
        _line(samples, lambda each: each.bid, "our nearest bid", {"color": _SKY, "width": 1.2, "shape": "hv"}),
    ]


def _inventory(samples: Sequence[BacktestSample], base: str) -> Any:  # noqa: ANN401 - plotly is untyped
    line = {"color": _BLUE, "width": 1.4, "shape": "hv"}
    return _line(samples, lambda each: each.inventory_base, f"{base} held", line)


def _gains(samples: Sequence[BacktestSample], quote: str) -> list[Any]:
    """Draw the parts as they add up to the total: fees paid below zero."""
    return [
        _spread(samples, quote),
        _fees(samples, quote),
        _line(samples, lambda each: each.inventory_quote, "inventory", {"color": _ORANGE, "width": 2.6}, quote),
        _line(samples, lambda each: each.pnl_quote, "total", {"color": _INK, "width": 1.2}, quote),
    ]


def _trading_gains(samples: Sequence[BacktestSample], quote: str) -> list[Any]:
    """Draw the parts that the market's moves do not hide."""
    left = _line(
        samples, lambda each: each.spread_quote - each.fees_quote, "spread − fees", {"color": _INK, "width": 1.6}, quote
    )
    return [_spread(samples, quote), _fees(samples, quote), left]


def _spread(samples: Sequence[BacktestSample], quote: str) -> Any:  # noqa: ANN401 - plotly is untyped
    return _line(samples, lambda each: each.spread_quote, "spread earned", {"color": _GREEN, "width": 1.6}, quote)


def _fees(samples: Sequence[BacktestSample], quote: str) -> Any:  # noqa: ANN401 - plotly is untyped
    return _line(samples, lambda each: -each.fees_quote, "fees", {"color": _PURPLE, "width": 1.6, "dash": "dot"}, quote)


def _line(
    samples: Sequence[BacktestSample],
    value_of: Callable[[BacktestSample], Decimal | None],
    name: str,
    line: dict[str, Any],
    unit: str = "",
) -> Any:  # noqa: ANN401 - plotly is untyped
    values = [value_of(each) for each in samples]
    drawn = thinned(values, MOST_POINTS)
    return Scatter(
        x=[samples[index].time_ms for index in drawn],
        y=[_number(values[index]) for index in drawn],
        name=name,
        mode="lines",
        line=line,
        hovertemplate=f"{name} %{{y}} {unit}<br>{_WHEN}<extra></extra>",
    )


def _fills(result: BacktestResult) -> list[Any]:
    kinds = ((Side.BUY, "bought", _BLUE, "triangle-up"), (Side.SELL, "sold", _VERMILION, "triangle-down"))
    traces = []
    for side, name, colour, symbol in kinds:
        ours = [each for each in result.fill_list if each.side is side]
        share = len(ours) * MOST_FILLS // max(MOST_FILLS, len(result.fill_list))
        drawn = [ours[index] for index in thinned([each.price for each in ours], max(8, share))]
        traces.append(
            Scatter(
                x=[each.time_ms for each in drawn],
                y=[_number(each.price) for each in drawn],
                name=f"{name}, {len(ours)}",
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 8, "line": {"color": "#FFFFFF", "width": 0.7}},
                text=[_told(each, name, result.symbol) for each in drawn],
                hovertemplate=f"%{{text}}<br>{_WHEN}<extra></extra>",
            )
        )
    return traces


def _told(fill: BacktestFill, what: str, symbol: Symbol) -> str:
    base, quote = (label(asset) for asset in assets(symbol))
    markouts = ", ".join(f"{bps(value)} after {after_s} s" for after_s, value in fill.markouts_bps.items())
    fee = f"fee {plain(fill.fee_quote)} {quote}, as {'maker' if fill.is_maker else 'taker'}"
    return (
        f"{what} {plain(fill.size_base)} {base} at {plain(fill.price)} {quote}<br>{fee}<br>"
        f"edge {bps(fill.edge_bps)} bps, {markouts or UNKNOWN}"
    )


def _means(fills: Sequence[BacktestFill], name: str, colour: str) -> Any:  # noqa: ANN401 - plotly is untyped
    means = [mean_bps(fills, after_s) for after_s in _HORIZONS_S]
    return Bar(
        x=[_after(after_s) for after_s in _HORIZONS_S],
        y=[_number(each) for each in means],
        name=name,
        legendgroup=name,
        marker={"color": colour},
        hovertemplate="%{y:+.2f} bps %{x}<extra>" + name + "</extra>",
    )


def _spread_of(fills: Sequence[BacktestFill], name: str, colour: str) -> Any:  # noqa: ANN401 - plotly is untyped
    ranked = [
        sorted(value for each in fills if (value := _distance(each, after_s)) is not None) for after_s in _HORIZONS_S
    ]
    known = [(after_s, values) for after_s, values in zip(_HORIZONS_S, ranked, strict=True) if values]
    marks = [[_number(values[(len(values) - 1) * share // 100]) for share in _QUANTILES] for _, values in known]
    low, first, middle, third, high = ([row[column] for row in marks] for column in range(len(_QUANTILES)))
    return Box(
        x=[_after(after_s) for after_s, _ in known],
        lowerfence=low,
        q1=first,
        median=middle,
        q3=third,
        upperfence=high,
        name=name,
        marker={"color": colour},
        line={"width": 1.5},
        showlegend=False,
    )


def _after(after_s: int) -> str:
    return "at once" if after_s == _AT_FILL else f"{after_s} s"


def _number(value: Decimal | None) -> float | None:
    """Turn an amount into what a picture is drawn of; it goes nowhere else."""
    return None if value is None else float(value)


def _styled(figure: Figure, height: int) -> Figure:
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 80, "r": 24, "t": 44, "b": 56},
        font={"family": "system-ui, sans-serif", "size": 13, "color": _INK},
        hovermode="closest",
        hoverlabel={"align": "left"},
        dragmode="zoom",
    )
    figure.update_xaxes(gridcolor=_GRID, linecolor=_GREY, ticks="outside", tickcolor=_GREY, zeroline=False)
    figure.update_yaxes(
        gridcolor=_GRID, linecolor=_GREY, zerolinecolor=_GREY, title_standoff=12, automargin=True, exponentformat="none"
    )
    return figure
