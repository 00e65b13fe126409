"""Ticks of the real handler in this process, each with its wall time, its split, its requests and its own summary."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from functions.replace_quotes import handler as function
from infra.local.function_process import Context
from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.bootstrap.desks import Desk, Tick, account_desk, replace_quotes
from marketmaker.ports import Store, Venue
from marketmaker.usecases.reports import TickReport
from tests.bench.exchange import CANCEL_ROUTES, CREATE_ROUTE, PING_WEIGHT, TRADES_ROUTE, Exchange

_AT_HAND = frozenset({"knows", "load", "instrument", "close"})
"""What the venue's adapter answers without a request."""
_QUIET = Counter({"orders_kept": 2})
_REPLACING = Counter({"orders_placed": 2, "orders_cancelled": 2, "cancelled_unfilled": 2})


class Case(StrEnum):
    """What a tick turned out to be."""

    QUIET = "quiet"
    REPLACING = "replacing"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One call of a port."""

    port: str
    name: str
    start_s: float
    end_s: float

    @property
    def elapsed_ms(self) -> float:
        """How long it took."""
        return (self.end_s - self.start_s) * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSample:
    """One tick as measured; its request weight is negative where the venue's minute turned meanwhile."""

    wall_ms: float
    spans: tuple[Span, ...]
    calls: Counter[str]
    weight: int
    result: Mapping[str, Any]

    @property
    def case(self) -> Case:
        """Judge by the tick's own summary and the exchange's counters; a tick that read trades is neither case."""
        if self.result["outcome"] != "done" or self.calls[TRADES_ROUTE]:
            return Case.OTHER
        market = self.result["markets"][0]
        counts = Counter({name: value for name, value in market.items() if isinstance(value, int) and value})
        writes = self.calls[CREATE_ROUTE], sum(self.calls[route] for route in CANCEL_ROUTES)
        if counts == _QUIET and writes == (0, 0):
            return Case.QUIET
        return Case.REPLACING if counts == _REPLACING and writes == (2, 2) else Case.OTHER

    def split_ms(self) -> dict[str, float]:
        """Split the wall time: waiting for the venue, for the store alone, and for nobody (our own work)."""
        venue = covered_ms([span for span in self.spans if span.port == "venue"])
        both = covered_ms(self.spans)
        return {"venue": venue, "store": both - venue, "own": self.wall_ms - both}

    def calls_ms(self) -> dict[str, float]:
        """Return how long each kind of port call took, in the order in which they started."""
        total: dict[str, float] = {}
        for span in sorted(self.spans, key=lambda each: each.start_s):
            name = f"{span.port} {span.name}"
            total[name] = total.get(name, 0.0) + span.elapsed_ms
        return total


def covered_ms(spans: Sequence[Span]) -> float:
    """Return the time covered by spans that may overlap."""
    covered, until = 0.0, 0.0
    for span in sorted(spans, key=lambda each: each.start_s):
        covered += max(0.0, span.end_s - max(span.start_s, until))
        until = max(until, span.end_s)
    return covered * 1000


class TimedPort:
    """A port that notes when each of its requests started and ended."""

    def __init__(self, name: str, port: object, spans: list[Span]) -> None:
        self._name = name
        self._port = port
        self._spans = spans

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name in _AT_HAND:
            return method

        def timed(*args: Any, **kwargs: Any) -> Any:
            start_s = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self._spans.append(Span(port=self._name, name=name, start_s=start_s, end_s=time.perf_counter()))

        return timed


class Ticker:
    """Sends ticks of one account to the real handler."""

    def __init__(self, desk: Desk, exchange: Exchange, spans: list[Span]) -> None:
        self.desk = desk
        self._exchange = exchange
        self._spans = spans
        self._slot_ms = 0

    def tick(self) -> TickSample:
        """Work one tick and measure it; what is counted and judged is read outside the measured time."""
        body = json.dumps({"account": self.desk.settings.name, "slot_ms": self._next_slot_ms()})
        event = {"Records": [{"body": body}]}
        context = Context(self.desk.settings.clocks.function_timeout_ms)
        weight_before, before = self._exchange.used_weight(), self._exchange.request_counts()
        self._spans.clear()
        started = time.perf_counter()
        result = function.handler(event, context)
        wall_ms = (time.perf_counter() - started) * 1000
        calls = self._exchange.request_counts() - before
        return TickSample(
            wall_ms=wall_ms,
            spans=tuple(self._spans),
            calls=calls,
            weight=self._exchange.used_weight() - weight_before - PING_WEIGHT,
            result=result["ticks"][0],
        )

    def report(self) -> TickReport:
        """Work one tick and return its whole report, with the view that it decided on."""
        tick = Tick(account=self.desk.settings.name, slot_ms=self._next_slot_ms())
        return replace_quotes(tick, self.desk, owner="bench")

    def _next_slot_ms(self) -> int:
        """Return a slot never used: slots are whole seconds, so fast ticks run a little ahead of the clock."""
        self._slot_ms = max(self._slot_ms + 1000, int(time.time()) * 1000)
        return self._slot_ms


@contextmanager
def ticking(exchange: Exchange, log: Path) -> Iterator[Ticker]:
    """Build the account's desk from the environment, its ports timed; what the function prints goes to `log`."""
    spans: list[Span] = []
    with log.open("w", encoding="utf-8") as lines, redirect_stdout(lines):
        built = account_desk("trade")
        desk = replace(
            built,
            venue=cast("Venue", TimedPort("venue", built.venue, spans)),
            store=cast("Store", TimedPort("store", built.store, spans)),
        )
        try:
            with patch.object(function, "account_desk", lambda _key: desk):
                yield Ticker(desk, exchange, spans)
        finally:
            cast("CcxtVenue", built.venue).close()
            built.alongside.shutdown()
