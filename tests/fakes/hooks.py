"""Hooks without a network: secrets in a dict, and a sender that keeps what it was given."""

from marketmaker.domain.hooks import HookKind, HookName, HookSecret, HookSettings
from marketmaker.errors import Fatal
from marketmaker.ports import Notice


class KeptHookSecrets:
    """Implements `HookSecrets`."""

    def __init__(self) -> None:
        self.kept: dict[HookName, HookSecret] = {}
        self.failures: list[Exception] = []

    def read(self, hook: HookSettings) -> HookSecret:
        """Return a secret, or raise the next failure that a test has put in the way."""
        if self.failures:
            raise self.failures.pop(0)
        if hook.name not in self.kept:
            raise Fatal(f"secret {hook.name} does not exist")
        return self.kept[hook.name]

    def write(self, hook: HookSettings, secret: HookSecret) -> bool:
        """Keep a secret."""
        is_first = hook.name not in self.kept
        self.kept[hook.name] = secret
        return is_first


class RecordingSender:
    """Implements `HookSender` and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[HookKind, HookSecret, Notice]] = []
        self.failures: list[Exception | None] = []

    def send(self, kind: HookKind, secret: HookSecret, notice: Notice) -> None:
        """Keep a notice, or raise the next failure that a test has put in the way; None is none."""
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.sent.append((kind, secret, notice))
