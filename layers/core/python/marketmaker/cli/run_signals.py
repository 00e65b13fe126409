"""Signals that end a run: the first asks for its stop, and further ones change nothing but are answered.

No number of them ends it at once: the process would be gone, and its orders would rest at the venue.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from marketmaker.bootstrap.runs import STOP_TIMEOUT_MS, StopSwitch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the end of the machine, and a terminal that is closed."""
_STDERR = 2
_STOPPING = "stopping: the tick under way ends, then own orders are cancelled and that is verified"
_PATIENCE = (
    f"the stop is under way, for {STOP_TIMEOUT_MS // 1000} s at most: own orders may still rest. To kill it now would "
    "leave them; cancel them by hand at the venue then"
)


@contextmanager
def stopped_by_signals(switch: StopSwitch) -> Iterator[None]:
    """Let signals end the run between ticks."""

    def stop(number: int, _: FrameType | None) -> None:
        _say(_STOPPING if switch.reason is None else _PATIENCE)
        switch.stop("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)

    before = {each: signal.signal(each, stop) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _say(text: str) -> None:
    """Write past every buffer: the handler may interrupt a write to one. A terminal that is gone is no reason."""
    with suppress(OSError):
        os.write(_STDERR, f"\n{text}\n".encode())
