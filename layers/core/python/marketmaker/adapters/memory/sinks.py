"""Where decisions, counts and alerts go in a backtest: they are counted, and kept only where asked for."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marketmaker.domain.units import AccountName
from marketmaker.ports import Alert


@dataclass(slots=True, kw_only=True)
class CountingTelemetry:
    """Implements `Telemetry`: sums by metric and lines by event; `records` holds every line if `keeps_records`.

    A gauge such as `lag_ms` is summed like everything else.
    """

    keeps_records: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    records: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Count one line, and keep it where asked for."""
        self.events[event] += 1
        if self.keeps_records:
            self.records.append((event, fields))

    def record_lazily(self, event: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Count one line, and have it described only where it is kept."""
        self.record(event, describe() if self.keeps_records else {})

    def count(self, account: AccountName | None, counts: Mapping[str, float]) -> None:  # noqa: ARG002 - one account
        """Add to the sums, which one account alone fills."""
        for name, count in counts.items():
            if count:
                self.counts[name] += int(count)

    def flush(self) -> None:
        """Nothing waits to be written."""


@dataclass(slots=True)
class CountingAlerts:
    """Implements `Alerts`: how many of each kind; an episode's end counts as one too."""

    kinds: Counter[str] = field(default_factory=Counter)

    def send(self, alert: Alert) -> None:
        """Count one alert."""
        self.kinds[alert.kind] += 1
