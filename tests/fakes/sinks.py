"""Where alerts, decisions and counts go in a test: into lists."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from marketmaker.domain.units import AccountName
from marketmaker.ports import Alert, EgressAddress, HaltRequest, Unknown


class RecordingAlerts:
    """Implements `Alerts` and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []
        self.failures: list[Exception] = []

    def send(self, alert: Alert) -> None:
        """Keep one alert, or raise the next failure that a test has put in the way."""
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(alert)

    def kinds(self) -> list[str]:
        """Return what was alerted about, in order."""
        return [alert.kind for alert in self.sent]


class RecordingHalts:
    """Implements `HaltRequests` and keeps what was asked for."""

    def __init__(self) -> None:
        self.requested: list[HaltRequest] = []
        self.failures: list[Exception] = []

    def request(self, request: HaltRequest) -> None:
        """Keep one request, or raise the next failure that a test has put in the way."""
        if self.failures:
            raise self.failures.pop(0)
        self.requested.append(request)


class FixedEgress:
    """Implements `Egress` with one answer."""

    def __init__(self, found: EgressAddress | Unknown) -> None:
        self.found = found

    def find(self) -> EgressAddress | Unknown:
        """Return it."""
        return self.found


class RecordingTelemetry:
    """Implements `Telemetry` and keeps lines and sums."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, Any]]] = []
        self.counted: Counter[str] = Counter()
        self.flushes = 0

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Keep one line."""
        self.lines.append((event, fields))

    def record_lazily(self, event: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Keep one line."""
        self.record(event, describe())

    def count(self, account: AccountName | None, counts: Mapping[str, float]) -> None:
        """Add to the sums."""
        for name, count in counts.items():
            self.counted[name] += int(count)

    def flush(self) -> None:
        """Note that the counts were written out."""
        self.flushes += 1
