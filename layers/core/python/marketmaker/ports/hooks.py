"""What delivers alerts to hooks: where their secrets are kept, and who speaks their languages."""

from dataclasses import dataclass
from typing import Protocol

from marketmaker.domain.hooks import HookKind, HookSecret, HookSettings
from marketmaker.ports.messages import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message of an alert topic, as a human reads it: an alert of ours, an alarm, or a text that somebody sent.

    `delivery` is the message's own id, equal whenever it is delivered again; `alarm` names the alarm it is about, and
    `resolves` is the severity of what is over.
    """

    delivery: str
    deployment: str
    told_at: str
    severity: Severity
    what: str
    text: str
    resolves: Severity | None = None
    kind: str | None = None
    account: str | None = None
    symbol: str | None = None
    alarm: str | None = None

    @property
    def is_critical(self) -> bool:
        """Tell whether it is bad, or the end of something that was."""
        return Severity.CRITICAL in (self.severity, self.resolves)

    @property
    def title(self) -> str:
        """The first line, which a phone shows while it is locked."""
        where = " ".join(each for each in (self.account, self.symbol) if each)
        level = "RESOLVED" if self.resolves else self.severity.upper()
        return f"[{self.deployment}] {level} {where}{': ' if where else ''}{self.what}"


class HookSecrets(Protocol):
    """Where the secrets of hooks are kept."""

    def read(self, hook: HookSettings) -> HookSecret:
        """Read a hook's secret."""
        ...

    def write(self, hook: HookSettings, secret: HookSecret) -> bool:
        """Keep a hook's secret; True if it had none."""
        ...


class HookSender(Protocol):
    """Who writes to hooks."""

    def send(self, kind: HookKind, secret: HookSecret, notice: Notice) -> None:
        """Deliver one notice; returns once the receiver said that it took it."""
        ...
