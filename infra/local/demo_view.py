"""The demo's live view: our quotes against the market, inventory, PnL, and what happened to our orders."""

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
_EVENTS_SHOWN = 8


@dataclass(slots=True)
class Progress:
    """What the demo has counted so far."""

    seconds: float
    elapsed_s: float = 0.0
    ticks: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    events: list[str] = field(default_factory=list)

    def add(self, tick: Mapping[str, Any]) -> None:
        """Count one tick's result and write it up."""
        self.ticks += tick["outcome"] == "done"
        market = tick["markets"][0] if tick["markets"] else {}
        for name in COUNTS:
            self.counts[name] += market.get(name, 0)
        done = [f"{market[name]} {name.removeprefix('orders_')}" for name in COUNTS if market.get(name)]
        wanted = market.get("quotes", [])
        quotes = "  ".join(f"{side} {_number(size)} @ {_number(price)}" for side, price, size in wanted)
        reason = market.get("no_quotes") or (tick["outcome"] if tick["outcome"] != "done" else "")
        line = f"{self.elapsed_s:5.1f} s  {quotes or reason}  [{', '.join(done) or 'quiet'}]"
        self.events = [*self.events, line][-_EVENTS_SHOWN:]


def render(title: str, progress: Progress, exchange: Mapping[str, Any], stage: str) -> RenderableType:
    """Draw one frame from the exchange's own state and the ticks' results."""
    bar = ProgressBar(total=progress.seconds, completed=min(progress.elapsed_s, progress.seconds), width=60)
    return Panel(
        Group(
            Text(stage, style="bold"),
            bar,
            Text(),
            _ladder(exchange),
            Text(),
            _figures(progress, exchange),
            Text(),
            Text("\n".join(progress.events), style="dim"),
        ),
        title=title,
        width=100,
    )


def _ladder(exchange: Mapping[str, Any]) -> Table:
    """Show the market's best prices and our orders, highest price first."""
    rows = [
        (Decimal(exchange["market_ask"]), "market ask", "red"),
        (Decimal(exchange["market_bid"]), "market bid", "green"),
    ]
    for order in exchange["open_orders"]:
        side = order["side"].lower()
        left = Decimal(order["origQty"]) - Decimal(order["executedQty"])
        rows.append((Decimal(order["price"]), f"our {side} {_number(left)}", "bold cyan"))
    table = Table(show_header=False, box=None, padding=(0, 2))
    for price, what, style in sorted(rows, reverse=True):
        table.add_row(Text(f"{price:,.2f}", style=style), Text(what, style=style))
    return table


def _figures(progress: Progress, exchange: Mapping[str, Any]) -> Table:
    base, quote = exchange["symbol"].split("/")
    mid = (Decimal(exchange["market_bid"]) + Decimal(exchange["market_ask"])) / 2
    held = {asset: Decimal(exchange["balances"][asset]["total"]) for asset in (base, quote)}
    first = {asset: Decimal(exchange["initial_balances"][asset]) for asset in (base, quote)}
    equity = held[quote] + held[base] * mid
    gained = held[quote] - first[quote] + (held[base] - first[base]) * mid
    table = Table(box=None, padding=(0, 2))
    for name in ("inventory", "ratio", "PnL of trading", "placed", "kept", "cancelled", "fills", "two-sided"):
        table.add_column(name, justify="right")
    counts = progress.counts
    table.add_row(
        f"{_number(held[base])} {base}",
        f"{held[base] * mid / equity:.1%}",
        f"{gained:+.4f} {quote}",
        *(str(counts[name]) for name in ("orders_placed", "orders_kept", "orders_cancelled", "fills")),
        f"{exchange['two_sided_uptime'] or 0:.0%}",
    )
    return table


def _number(value: Any) -> str:  # noqa: ANN401 - text or Decimal
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
