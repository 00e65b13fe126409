"""What `mm run` shows: what is at stake before it starts, each tick, and what came of it; pure, of values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.runs import RunPreview, RunResult, RunView, TradesAt
from marketmaker.cli.style import NONE, UNKNOWN, bps, exact, figure, gain, indented, moment, span, table
from marketmaker.domain.inventory import FillRow, Inventory
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.state import Mode
from marketmaker.domain.units import BPS, plain

_TWO_PLACES = Decimal("0.01")
_PLACE_COLOURS = {TradesAt.PAPER: "green", TradesAt.ENDPOINT: "cyan", TradesAt.LIVE: "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """All that is said before a run starts; `fees_by` says where the fees are from, `notes` what nobody could tell."""

    trades_at: TradesAt
    where: str
    interval_s: int
    duration_s: int
    figures: RunPreview
    fees_by: str
    preset: str | None
    preset_values: Mapping[str, str]
    advice: Sequence[str]
    notes: Sequence[str]


def start_parts(start: RunStart) -> list[RenderableType]:
    """Say where it trades, how wide it quotes after the floors, and what it may lose."""
    figures = start.figures
    rows = table("figure", "value", whole="figure")
    for name, value in _figures(figures, start.fees_by):
        rows.add_row(name, escape(value))
    every = f"a tick every {start.interval_s} s for {span(start.duration_s * 1000)}"
    parts: list[RenderableType] = [f"{_place(start.trades_at)} {escape(f'{figures.symbol} {start.where}; {every}')}"]
    parts.append(rows)
    if start.preset is not None:
        values = ", ".join(f"{key} {value}" for key, value in start.preset_values.items())
        parts.append(escape(f"preset {start.preset}: {values}"))
    parts += [f"[yellow]advice[/yellow] {escape(each)}" for each in start.advice]
    parts += [f"[yellow]note[/yellow] {escape(each)}" for each in start.notes]
    return parts


def _place(trades_at: TradesAt) -> str:
    return f"[{_PLACE_COLOURS[trades_at]}]{trades_at.upper()}[/]"


def _figures(figures: RunPreview, fees_by: str) -> list[tuple[str, str]]:
    wanted, effective, fees = figures.wanted_bps, figures.effective_bps, figures.fees
    half_spread = "measured while it runs" if wanted is None or effective is None else _half_spread(wanted, effective)
    worst = figures.worst_loss_quote
    held = f"{exact(figures.max_base)}, worth {figure(figures.max_notional_quote)}"
    margin = "" if figures.margin_quote is None else f", margin {figure(figures.margin_quote)}"
    return [
        ("price", figure(figures.price)),
        ("half-spread", half_spread),
        ("fees", f"maker {plain(fees.maker_bps)} bps, taker {plain(fees.taker_bps)} bps, {fees_by}"),
        ("fee break-even", f"{_places(figures.fee_break_even_bps)} bps a side"),
        ("cadence risk", f"{_places(figures.cadence_risk_bps)} bps until a quote can follow the price"),
        ("levels a side", str(figures.levels)),
        ("worst-case loss", f"{figure(worst)}: {figures.worst_loss_by}"),
        ("exposure", f"{held}{margin}: {figures.bound_by}"),
    ]


def _half_spread(wanted: Decimal, effective: Decimal) -> str:
    said = f"{_places(wanted)} bps ({plain(wanted * BPS)} of the price)"
    return f"{said}, {_places(effective)} bps after the floors"


def _places(value: Decimal) -> str:
    return plain(value.quantize(_TWO_PLACES))


def run_parts(view: RunView, trades_at: TradesAt) -> list[RenderableType]:
    """Draw a run after a tick: mode, position, gains, quotes against the touch, fills, alerts and the next tick."""
    ends = f"next tick {_clock(view.next_slot_ms)}, ends {_clock(view.ends_ms)}"
    counted = f"{view.ticks} ticks, {view.ticks_skipped} skipped, {view.fills} fills"
    parts: list[RenderableType] = [
        f"{_place(trades_at)} [bold]{escape(view.symbol)}[/bold]  {_mode(view)}  {_clock(view.slot_ms)}  {ends}",
        _holding(view.inventory, view.mark),
        f"touch {exact(view.bid)} / {exact(view.ask)}, middle {exact(view.mark)}; {counted}",
    ]
    if view.said:
        parts.append(f"[yellow]{escape(view.said)}[/yellow]")
    parts.append(indented(_quotes(view)))
    if view.last_fills:
        parts.append(indented(_fills(view.last_fills)))
    return parts + [f"[red]alert[/red] {escape(each.text)}" for each in view.alerts]


def run_line(view: RunView, trades_at: TradesAt) -> str:
    """Write a tick on one line, where there is no terminal to draw on."""
    held, mark = view.inventory, view.mark
    position = UNKNOWN if held is None else plain(held.base)
    pnl = None if held is None or mark is None else held.pnl_quote(mark)
    sides = [_prices(view.quotes, side) for side in Side]
    said = f"; {escape(view.said)}" if view.said else ""
    return (
        f"{moment(view.slot_ms)} {_place(trades_at)} {_mode(view)} position {position} pnl {gain(pnl)} "
        f"quotes {sides[0]} / {sides[1]} touch {exact(view.bid)} / {exact(view.ask)} fills {view.fills}{said}"
    )


def _mode(view: RunView) -> str:
    colour = "green" if view.mode is Mode.QUOTING else "yellow" if view.mode is Mode.REDUCE_ONLY else "red"
    return f"[{colour}]{view.mode.label}[/{colour}], tick {view.outcome}"


def _clock(time_ms: int) -> str:
    return moment(time_ms)[11:]


def _holding(held: Inventory | None, mark: Decimal | None) -> str:
    if held is None:
        return f"position {UNKNOWN}: the market has not opened"
    unrealised = None if mark is None else held.unrealised_quote(mark)
    total = None if mark is None else held.pnl_quote(mark)
    cost = NONE if held.average_cost_quote is None else figure(held.average_cost_quote)
    return (
        f"position {plain(held.base)} at {cost}; unrealised {gain(unrealised)}, realised {gain(held.realised_quote)}, "
        f"fees {figure(held.fees_quote)}, funding {gain(held.funding_quote)}, in all {gain(total)}"
    )


def _quotes(view: RunView) -> RenderableType:
    rows = table("side", "price", "size", "bps from the middle", right="price size")
    for order in sorted(view.quotes, key=lambda each: -each.price):
        away = None if not view.mark else (order.price - view.mark) / view.mark / BPS
        rows.add_row(order.side, plain(order.price), plain(order.remaining_base), bps(away))
    return rows if view.quotes else "no quotes rest"


def _fills(fills: Sequence[FillRow]) -> RenderableType:
    rows = table("fill", "side", "price", "size", "fee", right="price size fee")
    for row in reversed(fills):
        fill = row.fill
        rows.add_row(_clock(fill.time_ms), fill.side, plain(fill.price), plain(fill.size_base), figure(row.fee_quote))
    return rows


def _prices(quotes: Sequence[Order], side: Side) -> str:
    prices = sorted((each.price for each in quotes if each.side is side), reverse=side is Side.BUY)
    return " ".join(map(plain, prices)) or NONE


def result_parts(result: RunResult) -> list[RenderableType]:
    """Say what came of a run, and in red what a human must see to."""
    rows = table("figure", "value", whole="figure")
    for name, value in _results(result):
        rows.add_row(name, value)
    parts: list[RenderableType] = [f"[bold]{escape(result.symbol)}[/bold]  ended: {escape(result.ended_by)}", rows]
    if not result.is_clean:
        left = UNKNOWN if result.orders_left is None else result.orders_left
        parts.append(f"[red]NOT VERIFIED, own orders left: {left}; cancel by hand at the venue[/red]")
    return parts + [f"[red]{escape(each)}[/red]" for each in result.problems]


def _results(result: RunResult) -> list[tuple[str, str]]:
    ticks = f"{result.ticks}, {result.ticks_skipped} skipped, {result.ticks_failed} failed"
    position = NONE if result.position_base is None else plain(result.position_base)
    cost = NONE if result.average_cost_quote is None else figure(result.average_cost_quote)
    matches = {None: UNKNOWN, True: "yes", False: "[red]no[/red]"}[result.ledger_matches_venue]
    verified = UNKNOWN if result.verified_s is None else f"{result.verified_s:.1f} s"
    left = UNKNOWN if result.orders_left is None else str(result.orders_left)
    return [
        ("ticks", ticks),
        ("orders", f"{result.orders_placed} placed, {result.orders_cancelled} cancelled while it ran"),
        ("fills", f"{result.fills}, volume {figure(result.volume_quote)}"),
        ("position", f"{position} at {cost}, marked at {figure(result.mark_price)}"),
        ("realised", gain(result.realised_pnl_quote)),
        ("unrealised", gain(result.unrealised_pnl_quote)),
        ("fees", figure(result.fees_quote)),
        ("funding", gain(result.funding_quote)),
        ("in all", gain(result.total_pnl_quote)),
        ("exits", f"{result.stop_losses} stop losses, {result.take_profits} take profits"),
        ("own orders left", f"{left}, verified after {verified}"),
        ("ledger matches venue", matches),
    ]
