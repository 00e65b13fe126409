"""`--watch`: the same picture again and again, until Ctrl-C."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from typer.core import TyperCommand

from marketmaker.cli.style import console, show

WATCH_EVERY_S = 2.0
_OPTIONS = ("--watch", "-w")


class WatchableCommand(TyperCommand):
    """A command whose `--watch` may go without its seconds."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own context
        """Write the default out where no number follows."""
        written: list[str] = []
        for place, here in enumerate(args):
            following = args[place + 1 : place + 2]
            is_bare = here in _OPTIONS and not (following and following[0][:1].isdigit())
            written += [here, str(WATCH_EVERY_S)] if is_bare else [here]
        return super().parse_args(ctx, written)


def watch(take: Callable[[], Sequence[RenderableType]], every_s: float) -> None:
    """Show what is taken: redrawn in place on a terminal, one after the other elsewhere."""
    if not console.is_terminal:
        repeat(lambda: show(take()), every_s)
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        repeat(lambda: live.update(Group(*take()), refresh=True), every_s)


def repeat(do: Callable[[], None], every_s: float) -> None:
    """Do something again and again, until Ctrl-C."""
    try:
        while True:
            do()
            time.sleep(every_s)
    except KeyboardInterrupt:
        return
