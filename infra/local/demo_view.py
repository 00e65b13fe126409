"""The demo's live view: our quotes against the market, inventory, PnL, alerts, and what happened to our orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

COUNTS = ("orders_placed", "orders_kept", "orders_cancelled", "cancelled_unfilled", "protective_cancels", "fills")
WIDTH = 80
"""Of the whole view: a terminal's least."""
_EVENTS_SHOWN = 10
_LADDER_ROWS = 6
"""The market and two of our orders on each side."""
_SIDES = {"b": "buy", "s": "sell"}
_SHOWN = {
    "orders_placed": ("placed", "cyan"),
    "orders_kept": ("kept", "dim"),
    "orders_cancelled": ("cancelled", "yellow"),
    "protective_cancels": ("cancelled for safety", "red"),
    "fills": ("filled", "green"),
}


@dataclass(slots=True)
class Progress:
    """What the demo has seen so far, from the functions' own log records and the alerts that arrived."""

    seconds: float
    elapsed_s: float = 0.0
    ticks: int = 0
    risk_checks: int = 0
    alerts: int = 0
    lags_ms: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    events: list[Text] = field(default_factory=list)
    skewed_ticks: int = 0
    most_held_base: Decimal = Decimal(0)
    flat_after_stop: bool = False

    def add(self, tick: Mapping[str, Any]) -> None:
        """Count one tick's log record, full or brief, and write it up."""
        done = tick["outcome"] == "done"
        self.ticks += done
        self.lags_ms.append(tick["lag_ms"])
        market = _market_of(tick)
        self.skewed_ticks += any(name == "inventory" for name, *_ in market.get("stages", ()))
        for name in COUNTS:
            self.counts[name] += market.get(name, 0)
        reason = market.get("no_quotes") or ("" if done else tick["outcome"])
        line = self._line()
        if reason:
            detail = market.get("detail") or tick.get("detail", "")
            line.append(f"{reason.replace('_', ' ')}{f': {detail}' if detail else ''}  ", style="red")
        for side, _level, price, size, *_style in market.get("quotes", []):
            line.append(f"{_SIDES[side]} {_number(size)} @ {_number(price)}  ")
        happened = [(f"{market[name]} {word}", style) for name, (word, style) in _SHOWN.items() if market.get(name)]
        for index, (text, style) in enumerate(happened):
            line.append(", " if index else "→ ", style="dim").append(text, style=style)
        self._keep(line)

    def alert(self, subject: str, *, critical: bool) -> None:
        """Count an alert and write its subject up."""
        self.alerts += 1
        self._keep(self._line().append(f"alert: {subject}", style="bold red" if critical else "bold green"))

    def _line(self) -> Text:
        return Text(f"{self.elapsed_s:5.1f} s  ", no_wrap=True, overflow="ellipsis")

    def _keep(self, line: Text) -> None:
        self.events = [*self.events, line][-_EVENTS_SHOWN:]


def _market_of(tick: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one market's part of a tick; a brief record has no such part, but says what it kept and why not."""
    if "markets" in tick:
        return tick["markets"][0] if tick["markets"] else {}
    reasons = tuple(tick.get("no_quotes", {}))
    return {"orders_kept": tick["kept"], **({"no_quotes": reasons[0]} if reasons else {})}


def render(title: str, progress: Progress, exchange: Mapping[str, Any], stage: str) -> RenderableType:
    """Draw one frame from the exchange's own state and the ticks' results."""
    rows = [*progress.events, *[Text()] * (_EVENTS_SHOWN - len(progress.events))]
    body = Group(
        _clock(progress, stage), Text(), _ladder(exchange), Text(), _figures(progress, exchange), Text(), *rows
    )
    return Panel(body, title=title, width=WIDTH, padding=(0, 1))


def _clock(progress: Progress, stage: str) -> Table:
    elapsed_s = min(progress.elapsed_s, progress.seconds)
    line = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=progress.seconds, completed=elapsed_s, width=40)
    line.add_row(Text(stage, style="bold"), bar, f"{elapsed_s:3.0f} of {progress.seconds:.0f} s")
    return line


def _ladder(exchange: Mapping[str, Any]) -> Table:
    """Show the market's best prices and our orders, highest price first; never fewer rows, so that nothing jumps."""
    rows: list[tuple[Decimal, str, str, str]] = []
    for side, style in (("ask", "red"), ("bid", "green")):
        if exchange[f"market_{side}"] is not None:
            rows.append((Decimal(exchange[f"market_{side}"]), f"market {side}", "", style))
    for order in exchange["open_orders"]:
        left = Decimal(order["origQty"]) - Decimal(order["executedQty"])
        rows.append((Decimal(order["price"]), f"our {order['side'].lower()}", _number(left), "bold cyan"))
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=12)
    table.add_column(min_width=12)
    table.add_column(justify="right", min_width=8)
    for price, what, size, style in sorted(rows, reverse=True):
        table.add_row(f"{price:,.2f}", what, size, style=style)
    for _ in range(_LADDER_ROWS - len(rows)):
        table.add_row()
    return table


def _figures(progress: Progress, exchange: Mapping[str, Any]) -> Table:
    holding, gain = _of_position(exchange) if "margin" in exchange else _of_spot(exchange)
    uptime, counts = exchange["two_sided_uptime"], progress.counts
    cancelled = counts["orders_cancelled"] + counts["protective_cancels"]
    table = Table.grid(padding=(0, 2))
    for column in range(6):
        table.add_column(style="" if column % 2 else "dim", min_width=9)
    table.add_row(*holding, "two-sided", _share(uptime))
    table.add_row("trading", gain, "fills", str(counts["fills"]), "placed", str(counts["orders_placed"]))
    table.add_row("ticks", str(progress.ticks), "kept", str(counts["orders_kept"]), "cancelled", str(cancelled))
    table.add_row("alerts", str(progress.alerts), "risk checks", str(progress.risk_checks))
    return table


def _of_spot(exchange: Mapping[str, Any]) -> tuple[tuple[str, ...], Text]:
    """Return what is held and what was gained at the mid."""
    base, quote = exchange["symbol"].split("/")
    mid = _mid(exchange)
    held = {asset: Decimal(exchange["balances"][asset]["total"]) for asset in (base, quote)}
    first = {asset: Decimal(exchange["initial_balances"][asset]) for asset in (base, quote)}
    ratio, gain = "unknown", Text("unknown")
    if mid is not None:
        ratio = f"{held[base] * mid / (held[quote] + held[base] * mid):.1%}"
        gain = _gain(held[quote] - first[quote] + (held[base] - first[base]) * mid, quote)
    return ("inventory", f"{_number(held[base])} {base}", "ratio", ratio), gain


def _of_position(exchange: Mapping[str, Any]) -> tuple[tuple[str, ...], Text]:
    """Return the position with its funding, and what was gained at the mark."""
    base, _, rest = exchange["symbol"].partition("/")
    quote, margin = rest.partition(":")[0], exchange["margin"]
    gained = Decimal(margin["margin_balance"]) - Decimal(exchange["initial_balances"][quote])
    position = f"{_number(margin['size'])} {base}"
    return ("position", position, "funding", f"{Decimal(margin['funding']):+.4f}"), _gain(gained, quote)


def _gain(gained: Decimal, quote: str) -> Text:
    return Text(f"{gained:+.4f} {quote}", style="green" if gained >= 0 else "red")


def _mid(exchange: Mapping[str, Any]) -> Decimal | None:
    bid, ask = exchange["market_bid"], exchange["market_ask"]
    return None if bid is None or ask is None else (Decimal(bid) + Decimal(ask)) / 2


def _share(value: float | None) -> str:
    return "not yet" if value is None else f"{value:.0%}"


def _number(value: Any) -> str:  # noqa: ANN401 - text or Decimal
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
