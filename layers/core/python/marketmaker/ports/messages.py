"""What leaves an invocation: ticks, alerts, halts, and what is recorded of its decisions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from marketmaker.domain.units import AccountName, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedTick:
    """A slot, and after how many seconds its tick is to be delivered."""

    slot_ms: int
    delay_s: int


class TickQueue(Protocol):
    """Where ticks wait for their moment; each account has its own queue."""

    def send(self, account: AccountName, ticks: Sequence[DelayedTick]) -> None:
        """Send all ticks; `Retryable` if only some were taken."""
        ...


class Severity(StrEnum):
    """Which topic an alert goes to."""

    CRITICAL = "critical"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A message for a human: what happened, what was done, what to do; or that it is over.

    `resolves` is the severity of what is over.
    """

    account: AccountName
    kind: str
    severity: Severity
    text: str
    symbol: Symbol | None = None
    resolves: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltRequest:
    """Who wants an account stopped, or one market of it, and why.

    `delivery` names the message that brought it, which may come twice.
    """

    account: AccountName
    reason: str
    requested_by: str
    delivery: str | None = None
    symbol: Symbol | None = None


class HaltRequests(Protocol):
    """Where a halt is asked for: the account's own halt function stops it and verifies that nothing is left."""

    def request(self, request: HaltRequest) -> None:
        """Ask for a halt."""
        ...


class Alerts(Protocol):
    """Where alerts go."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert."""
        ...


class Telemetry(Protocol):
    """Where decisions and counts go."""

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Write one structured line."""
        ...

    def record_lazily(self, event: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Write one structured line whose fields are costly to describe; who keeps no lines does not ask for them."""
        ...

    def count(self, account: AccountName | None, counts: Mapping[str, float]) -> None:
        """Add to an account's metrics, or to the deployment's own."""
        ...

    def flush(self) -> None:
        """Write the metrics that were counted; once at the end of an invocation."""
        ...


class DecisionLog(Protocol):
    """Where the records of an account's ticks can be read again."""

    def read(self, account: AccountName, from_ms: int, to_ms: int) -> Iterable[Mapping[str, Any]]:
        """Read the records of ticks whose slot is in [from, to), full and brief ones, as they were written."""
        ...
