"""How `mm` writes: the same colours, figures, times and tables in every command.

Red is trouble or a loss, yellow worth knowing, green good, dim what may be left unread. Times are UTC. Amounts are
plain digits; what nobody can know is `unknown`, and what is known not to be there is `none`. No table is wider than
the terminal, or than 100 columns where there is no terminal: cells fold.
"""

import os
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from marketmaker.bootstrap.terminal import ListedOrder, OrderStanding
from marketmaker.domain.units import Asset, Symbol, plain

WIDTH = 100
"""Where no terminal says otherwise."""
UNKNOWN = "unknown"
NONE = "none"
_DECIMALS = Decimal("1e-8")
"""Derived amounts are shown to here; `--json` has all digits."""
_COLOURS = {
    OrderStanding.ORPHAN: "red",
    OrderStanding.UNRESOLVED: "red",
    OrderStanding.GONE: "yellow",
    OrderStanding.UNCHECKED: "yellow",
    OrderStanding.FOREIGN: "dim",
}


def _width() -> int | None:
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH


console = Console(highlight=False, soft_wrap=True, width=_width())
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def show(parts: Iterable[RenderableType]) -> None:
    """Print lines unbroken, so that programs can read them, and tables folded to the width."""
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


def table(*columns: str, right: str = "", whole: str = "", is_dense: bool = False) -> Table:
    """Make a table; `right` names the columns of figures, `whole` those that fold last."""
    gap = 0 if is_dense else 1
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, padding=(0, gap, 0, 0))
    for name in columns:
        justify: JustifyMethod = "right" if name in right.split() else "left"
        made.add_column(name, justify=justify, overflow="fold", no_wrap=name in whole.split())
    return made


def indented(part: RenderableType) -> RenderableType:
    """Move a table below the line that it belongs to."""
    return Padding(part, (0, 0, 0, 2), expand=False)


def exact(value: Decimal | None) -> str:
    """Write an amount with all its digits."""
    return UNKNOWN if value is None else plain(value)


def figure(value: Decimal | None) -> str:
    """Write a derived amount, to 8 decimals."""
    return UNKNOWN if value is None else plain(value.quantize(_DECIMALS) if abs(value) < 10**15 else value)


def gain(value: Decimal | None) -> str:
    """Write a gain or a loss, in its colour."""
    text = figure(value)
    if value is None or text == "0":
        return text
    return f"[green]+{text}[/green]" if value > 0 else f"[red]{text}[/red]"


def counted(number: int, what: str) -> str:
    """Write how many there are."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def share(value: Decimal | None) -> str:
    """Write a share in percent."""
    return UNKNOWN if value is None else f"{value:.1%}"


def bps(value: Decimal | None) -> str:
    """Write a distance in basis points, signed."""
    return UNKNOWN if value is None else f"{value:+.1f}"


def moment(time_ms: int, *, to_ms: bool = False) -> str:
    """Write a moment as ISO 8601, to the second or to the millisecond."""
    text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds" if to_ms else "seconds")
    return text.removesuffix("+00:00") + "Z"


def now_ms() -> int:
    """Return this machine's time, for what has no desk at hand."""
    return int(time.time() * 1000)


def clock_time(time_ms: int, today_ms: int) -> str:
    """Write a moment of today without its date."""
    return moment(time_ms).removeprefix(f"{moment(today_ms)[:10]}T")


def span(milliseconds: int) -> str:
    """Write how long something lasts, in at most two units."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3_600} h"


def standing(order: ListedOrder) -> Text:
    """Write what is known of an order, in its colour."""
    return Text(order.standing, style=_COLOURS.get(order.standing, ""))


def assets(symbol: Symbol) -> tuple[Asset, Asset]:
    """Name a symbol's base and quote asset."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    return Asset(base), Asset(quote)
