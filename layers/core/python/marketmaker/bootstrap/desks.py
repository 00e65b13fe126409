"""The desk of one account, and what the functions that work it read."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
import msgspec

from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore
from marketmaker.adapters.egress import PublicEgress
from marketmaker.adapters.halt_events import read_halt_event
from marketmaker.adapters.recorded_halts import RecordedHaltRequests
from marketmaker.adapters.sns import SnsHaltRequests
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.bootstrap.alerts import make_alerts
from marketmaker.bootstrap.environment import (
    AWS,
    BOTO3,
    SERVICE,
    Environment,
    pick_account,
    plain_values,
    set_decimal_context,
)
from marketmaker.bootstrap.settings import KeptSettings
from marketmaker.bootstrap.venues import account_venue, reference_venues, tables
from marketmaker.config import Deployment, KeyPurpose, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.errors import ConfigError
from marketmaker.ports import Deadline, HaltRequest, HaltRequests, Telemetry
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes

__all__ = [
    "Desk",
    "Tick",
    "account_desk",
    "build_desk",
    "check_risk",
    "halt",
    "halt_requests",
    "invocation_deadline",
    "plain_values",
    "read_halt_requests",
    "read_tick",
    "replace_quotes",
]

_TELLING_MS = 10_000
"""How long alerts, log lines and metrics may take at worst, after the work of an invocation has ended."""
_TABLES = 3
"""What a tick reads of the tables at once: state, metadata, statistics. Each other venue takes one more, and one that a
late answer to the tick before may still hold."""
_MAX_AHEAD_MS = 300_000
"""A claimed slot refuses every earlier one, so a slot far ahead would stop an account for as long."""


@cache
def account_desk(key: KeyPurpose) -> Desk:
    """Build the desk of the account in the environment, once a process and key.

    Raises:
        ConfigError: the environment or the file is wrong, or a live deployment that is not armed is to trade.
    """
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    if key == "trade" and not deployment.may_quote and deployment.standby_of is None:
        raise ConfigError(
            f"{environment.deployment_file}: armed: false is not allowed: true, for a live deployment to quote"
        )
    telemetry = PowertoolsTelemetry(service=SERVICE, deployment=deployment.name)
    return build_desk(environment, deployment, pick_account(deployment, environment.account), key, telemetry)


@cache
def halt_requests() -> HaltRequests:
    """Connect to the halt topic, once a process."""
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    if not environment.topic_halt:
        return RecordedHaltRequests(PowertoolsTelemetry(service=SERVICE, deployment=deployment.name))
    with BOTO3:
        return SnsHaltRequests(boto3.client("sns", region_name=deployment.region, config=AWS), environment.topic_halt)


def invocation_deadline(desk: Desk, budget_ms: int) -> Deadline:
    """End the work early enough to tell what came of it before the function is stopped: half of it at the latest."""
    return Deadline(at_ms=desk.clock.now_ms() + max(budget_ms - _TELLING_MS, budget_ms // 2), clock=desk.clock)


def read_tick(body: str, desk: Desk) -> Tick:
    """Read a message of the tick queue.

    Raises:
        ValueError: it is no tick, or not one of this account: working it would quote with another's settings.
    """
    try:
        tick = msgspec.json.decode(body, type=Tick)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a tick: {error}") from error
    if tick.account != desk.settings.name:
        raise ValueError(f"account: {tick.account!r} is not allowed: this function works {desk.settings.name}")
    if tick.slot_ms % 1000 or tick.slot_ms > desk.clock.now_ms() + _MAX_AHEAD_MS:
        raise ValueError(
            f"slot_ms: {tick.slot_ms} is not allowed: a whole second, at most {_MAX_AHEAD_MS // 1000} s ahead of now"
        )
    return tick


def read_halt_requests(event: Mapping[str, Any], desk: Desk) -> Sequence[HaltRequest]:
    """Read who wants the desk's account halted: a direct invocation, or messages and alarms of the halt topic.

    Raises:
        ValueError: it is no halt, or one of another account.
    """
    return read_halt_event(event, desk.settings.name, desk.settings.symbols)


def build_desk(
    environment: Environment,
    deployment: Deployment,
    account: AccountSettings,
    key: KeyPurpose,
    telemetry: Telemetry,
) -> Desk:
    """Connect one account's use cases to the venue, the tables and the topics."""
    set_decimal_context()
    kept = tables(deployment)
    store = DynamoDbStore(kept)
    references = reference_venues(environment, deployment, account) if key == "trade" else {}
    return Desk(
        settings=account,
        venue=account_venue(environment, deployment, account, key, telemetry),
        store=store,
        prices=DynamoDbPrices(kept),
        versions=KeptSettings(deployment, account.name, store),
        alerts=make_alerts(environment, deployment, telemetry),
        telemetry=telemetry,
        clock=SystemClock(),
        alongside=ThreadPoolExecutor(_TABLES + 2 * len(references), thread_name_prefix="alongside"),
        references=references,
        egress=None if environment.venue_endpoint else PublicEgress(environment.egress_address),
    )
