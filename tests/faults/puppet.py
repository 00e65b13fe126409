"""Another process that works ticks of a world, stops where it is told to, and goes on or dies there.

It is forked from a server process that has imported everything and runs no thread, so it starts cold: no cache, no
connection, no metadata. When it dies, it ends at once, in the middle of whatever its threads do.
"""

import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import pytest

from marketmaker.ports import Accepted
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickReport
from tests.faults.clock import WorldClock
from tests.faults.desks import Address, opened
from tests.faults.tap import Letter, Phase, Point, Tap

_DEAD = 9
_PATIENCE_S = 60.0
"""A puppet that says nothing for so long hangs: a defect."""

_starting_or_ending = Lock()
"""Processes of one parent learn of each other's end when one starts: only one thread at a time may look."""

type Stops = Mapping[Point, Phase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A tick to be worked, and where to stop in it."""

    slot_ms: int
    owner: str
    stops: Stops = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The puppet stands at a point; what it sends there is in the letter."""

    point: Point
    phase: Phase
    letter: Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A tick has ended; `wanted` are the client ids of the orders that its plan leaves at the venue."""

    outcome: str
    detail: str
    counts: Mapping[str, int]
    wanted: frozenset[str]
    points: tuple[Point, ...]

    @property
    def is_quiet(self) -> bool:
        """Tell whether the tick changed nothing: no order was sent, cancelled or booked."""
        changed = ("orders_placed", "orders_cancelled", "protective_cancels", "cancels_failed", "creates_unknown")
        return not any(self.counts.get(name) for name in (*changed, "creates_rejected", "fills", "strays_cancelled"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The tick raised, which only a defect does."""

    trace: str


type Event = Stopped | Worked | Failed


def prepare_puppets(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the server that puppets are forked from import everything once."""
    patch.setenv("PYTHONPATH", os.pathsep.join([str(root), str(root / "layers/core/python")]))
    _context().set_forkserver_preload(["pytest", "tests.faults.preloaded"])


def _context() -> ForkServerContext:
    return multiprocessing.get_context("forkserver")


class Puppet:
    """A process for a world's ticks; use it as a context, at whose end it is dead."""

    def __init__(self, address: Address) -> None:
        context = _context()
        self._wire, theirs = context.Pipe()
        self._process = context.Process(target=_perform, args=(address, theirs), daemon=True)
        with _starting_or_ending:
            self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()
        self._process.kill()
        self._join()

    def start(self, work: Work) -> None:
        """Let it work a tick."""
        self._wire.send(work)

    def event(self) -> Event:
        """Wait until it stops, or ends the tick."""
        assert self._wire.poll(_PATIENCE_S), "the puppet hangs"
        event: Event = self._wire.recv()
        return event

    def go(self) -> None:
        """Let it go on from where it stopped."""
        self._wire.send("go")

    def die(self) -> None:
        """Let it end where it stopped, and wait until it has."""
        self._wire.send("die")
        self._join()
        assert self._process.exitcode == _DEAD

    def _join(self) -> None:
        with _starting_or_ending:
            self._process.join(_PATIENCE_S)

    def work(self, work: Work) -> Event:
        """Let it work a tick until it stops or ends."""
        self.start(work)
        return self.event()

    def finish(self, work: Work) -> Worked:
        """Let it work a tick to its end; whatever it raises is a failure here."""
        return worked(self.work(work))


def worked(event: Event) -> Worked:
    """Require a tick that ended."""
    assert not isinstance(event, Failed), event.trace
    assert isinstance(event, Worked), f"stopped at {event.point}"
    return event


class _Strings:
    """What moves the puppet, seen from inside."""

    def __init__(self, wire: Connection) -> None:
        self._wire = wire
        self._lock = Lock()
        self.stops: Stops = {}

    def meet(self, point: Point, phase: Phase, letter: Letter) -> None:
        """Stop here if told to, until told to go on or to die."""
        if self.stops.get(point) is not phase:
            return
        with self._lock:
            self._wire.send(Stopped(point=point, phase=phase, letter=letter))
            if self._wire.recv() == "die":
                os._exit(_DEAD)


def _perform(address: Address, wire: Connection) -> None:
    """Work ticks until the wire is closed."""
    assert threading.active_count() == 1, "forked beside threads"
    assert "tests.faults.preloaded" in sys.modules, "forked from a server that imported nothing"
    strings = _Strings(wire)
    tap = Tap(strings.meet)
    with pytest.MonkeyPatch.context() as patch:
        tap.open(patch)
        with opened(address, WorldClock(address.clock)) as desk:
            while True:
                try:
                    work: Work = wire.recv()
                except EOFError:
                    os._exit(0)
                strings.stops = work.stops
                tap.clear()
                tick = Tick(account=address.settings.name, slot_ms=work.slot_ms)
                try:
                    told: Event = _told(replace_quotes(tick, desk, owner=work.owner), tap.points)
                except Exception:  # noqa: BLE001 - the test is told
                    told = Failed(trace=traceback.format_exc())
                wire.send(told)


def _told(report: TickReport, points: Iterable[Point]) -> Worked:
    kept = [order.client_id for market in report.markets for order in market.plan.keep]
    placed = [each.order.client_id for market in report.markets for each in market.places if isinstance(each, Accepted)]
    return Worked(
        outcome=report.outcome.value,
        detail=report.detail,
        counts=dict(report.counts()),
        wanted=frozenset(each for each in (*kept, *placed) if each is not None),
        points=tuple(points),
    )
