"""What an operator does about hooks: keep a secret, see which are usable, and send one message to try it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from marketmaker.domain.hooks import HookName, HookSecret, HookSettings, entered_hook
from marketmaker.errors import Fatal, MarketMakerError
from marketmaker.ports import HookSecrets, HookSender, Notice, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDesk:
    """A deployment's hooks, where their secrets are kept, and who writes to them; `is_local` is the local stage."""

    deployment: str
    is_local: bool
    hooks: Mapping[HookName, HookSettings]
    secrets: HookSecrets
    sender: HookSender


class SecretState(StrEnum):
    """Whether a hook can be written to, as far as its secret tells."""

    STORED = "stored"
    UNUSABLE = "unusable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStanding:
    """A hook, and what is known of its secret; `problem` says why it is not stored well."""

    hook: HookSettings
    state: SecretState
    problem: str | None = None

    def summary(self) -> dict[str, Any]:
        """Describe it in plain values."""
        return {
            "hook": self.hook.name,
            "kind": self.hook.kind,
            "severity": "info" if self.hook.hears_info else "critical",
            "accounts": list(self.hook.accounts),
            "markets": list(self.hook.symbols),
            "secret": self.state,
            "problem": self.problem,
        }


def standing_of(hook: HookSettings, desk: HookDesk) -> HookStanding:
    """Look at a hook's secret, and write to nobody."""
    try:
        desk.secrets.read(hook)
    except Fatal as error:
        return HookStanding(hook=hook, state=SecretState.UNUSABLE, problem=str(error))
    except MarketMakerError as error:
        return HookStanding(hook=hook, state=SecretState.UNKNOWN, problem=str(error))
    return HookStanding(hook=hook, state=SecretState.STORED)


def set_hook(hook: HookSettings, fields: Mapping[str, object], desk: HookDesk) -> bool:
    """Keep what a human filled in as a hook's secret; True if it had none.

    Raises:
        Refused: a field is missing or unusable; nothing is changed.
        Retryable, Fatal: it cannot be written.
    """
    secret: HookSecret = entered_hook(hook.kind, fields, is_local=desk.is_local)
    return desk.secrets.write(hook, secret)


def try_hook(hook: HookSettings, desk: HookDesk, *, sent_by: str, now: str) -> None:
    """Send one message to a hook; `now` is the time as people read it.

    Raises:
        Retryable, Refused, Fatal: it did not arrive, and why.
    """
    notice = Notice(
        delivery=f"test-{now}",
        deployment=desk.deployment,
        told_at=now,
        severity=Severity.INFO,
        what="test message",
        text=f"Sent by {sent_by} with `mm hooks test {hook.name}`. Alerts of this deployment will look like this one.",
        kind="test",
    )
    desk.sender.send(hook.kind, desk.secrets.read(hook), notice)
