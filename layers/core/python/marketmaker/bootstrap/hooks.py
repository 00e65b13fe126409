"""What delivers alerts to hooks: a hook's own function, and an operator's commands; no venue and no table."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from marketmaker.adapters.alert_events import read_alert_event
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.hooks import HttpHookSender, SecretsHookStore
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.bootstrap.environment import SERVICE, Environment, plain_values
from marketmaker.bootstrap.secrets import secrets
from marketmaker.config import Deployment, Stage, load_deployment
from marketmaker.domain.hooks import HOOK_FIELDS, HookField, HookSettings
from marketmaker.errors import ConfigError, MarketMakerError, Refused
from marketmaker.usecases.hooks import HookDesk, HookStanding, SecretState, set_hook, standing_of, try_hook
from marketmaker.usecases.relay_alerts import RelayDesk, RelayReport, relay_alerts

__all__ = [
    "HOOK_FIELDS",
    "HookDesk",
    "HookField",
    "HookSettings",
    "HookStanding",
    "MarketMakerError",
    "Refused",
    "SecretState",
    "alert_relay",
    "open_hook_desk",
    "pick_hook",
    "plain_values",
    "set_hook",
    "standing_of",
    "try_hook",
]


@cache
def alert_relay() -> Callable[[Mapping[str, Any]], RelayReport]:
    """Connect `relay_alerts` to the hook that `MM_HOOK` names, once a process; its call takes an event of SNS."""
    deployment = load_deployment(Environment.read(os.environ).deployment_file)
    hook = pick_hook(deployment.hooks, os.environ.get("MM_HOOK"), asked_by="MM_HOOK")
    desk = RelayDesk(
        hook=hook,
        own_alarms=f"{deployment.function_name('relay_alerts', hook.name)}-",
        secrets=_store(deployment),
        sender=HttpHookSender(SystemClock()),
        telemetry=PowertoolsTelemetry(service=SERVICE, deployment=deployment.name),
    )

    def relay(event: Mapping[str, Any]) -> RelayReport:
        notices = read_alert_event(event, deployment=deployment.name, stack_name=deployment.stack_name)
        return relay_alerts(notices, desk)

    return relay


def open_hook_desk(deployment_file: str) -> HookDesk:
    """Prepare a deployment's hooks for an operator; nothing is asked yet."""
    deployment = load_deployment(deployment_file)
    return HookDesk(
        deployment=deployment.name,
        is_local=deployment.stage is Stage.LOCAL,
        hooks=deployment.hooks,
        secrets=_store(deployment),
        sender=HttpHookSender(SystemClock()),
    )


def pick_hook(hooks: Mapping[Any, HookSettings], name: str | None, *, asked_by: str) -> HookSettings:
    """Return the hook of this name.

    Raises:
        ConfigError: the deployment file knows none of this name.
    """
    if name is None or name not in hooks:
        known = f"one of {', '.join(hooks)}" if hooks else "the file has no [alerts.hooks.NAME]"
        raise ConfigError(f"{asked_by}: {name or 'nothing'} is not allowed: {known}")
    return hooks[name]


def _store(deployment: Deployment) -> SecretsHookStore:
    return SecretsHookStore(
        secrets(deployment),
        deployment.hook_secret_name,
        deployment=deployment.name,
        is_local=deployment.stage is Stage.LOCAL,
    )
