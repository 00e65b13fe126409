"""Ticks as the queue delivers them, and a process that works them one after another."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.demo import Stage
from infra.local.processes import FunctionProcess


def tick_event(here: Stage, slot_ms: int) -> dict[str, Any]:
    """Return the queue's event for one tick."""
    return {"Records": [{"body": json.dumps({"account": here.account.name, "slot_ms": slot_ms})}]}


@dataclass
class Ticker:
    """Sends a function tick after tick, each with a slot of its own that is due now."""

    here: Stage
    process: FunctionProcess
    last_slot_ms: int = 0

    def tick(self) -> Mapping[str, Any]:
        """Work one tick and return its summary."""
        self.last_slot_ms = max(int(time.time()) * 1000, self.last_slot_ms + 1000)
        result: dict[str, Any] = self.process.invoke(tick_event(self.here, self.last_slot_ms), timeout_s=20)
        summary: Mapping[str, Any] = result["ticks"][0]
        return summary

    def market(self) -> Mapping[str, Any]:
        """Work one tick that must be done and return its only market."""
        summary = self.tick()
        assert summary["outcome"] == "done", summary
        market: Mapping[str, Any] = summary["markets"][0]
        return market


def until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    """Ask again until something holds; a deadline makes "never" a failure."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
