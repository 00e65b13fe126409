"""Composition root: the only reader of the environment, and the only place where ports meet adapters.

| variable | meaning |
|---|---|
| `MM_DEPLOYMENT_FILE` | the deployment file |
| `MM_ACCOUNT` | the account this function works |
| `MM_TOPIC_CRITICAL`, `MM_TOPIC_INFO` | alert topics; without them alerts are log lines only |
| `MM_TICK_QUEUES` | JSON, account → queue URL, for `schedule_ticks` |
| `MM_VENUE_ENDPOINT` | the local exchange, on this machine only |
| `AWS_ENDPOINT_URL`, `AWS_REGION` | as boto3 reads them |
"""

import decimal
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import DynamoDbStore
from marketmaker.adapters.recorded_alerts import RecordedAlerts
from marketmaker.adapters.secrets import VenueKey, read_venue_key
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.adapters.sqs import SqsTickQueue
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.config import Deployment, KeyPurpose, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import PRECISION, AccountName, plain
from marketmaker.errors import ConfigError, MarketMakerError
from marketmaker.ports import Alerts, Deadline, Severity, Telemetry
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import HaltReport, HaltRequest, halt
from marketmaker.usecases.operate import ResumeRequest, describe, resume
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickReport
from marketmaker.usecases.schedule_ticks import ScheduleReport, schedule_ticks

__all__ = [
    "ConfigError",
    "Deadline",
    "Desk",
    "Environment",
    "HaltReport",
    "HaltRequest",
    "MarketMakerError",
    "ResumeRequest",
    "Tick",
    "TickReport",
    "account_desk",
    "describe",
    "halt",
    "load_deployment",
    "open_desks",
    "plain_values",
    "read_tick",
    "replace_quotes",
    "resume",
    "tick_scheduler",
]

_AWS = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
_BOTO3 = Lock()
"""boto3's default session must not make clients in two threads at once."""
_MAX_AHEAD_MS = 300_000
"""A claimed slot refuses every earlier one, so a slot far ahead would stop an account for as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the environment says; read once."""

    deployment_file: str
    account: str | None
    topic_critical: str | None
    topic_info: str | None
    venue_endpoint: str | None

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """Read it from environment variables."""
        deployment_file = variables.get("MM_DEPLOYMENT_FILE")
        if not deployment_file:
            raise ConfigError("MM_DEPLOYMENT_FILE: nothing is not allowed: the path of a deployment file")
        return cls(
            deployment_file=deployment_file,
            account=variables.get("MM_ACCOUNT"),
            topic_critical=variables.get("MM_TOPIC_CRITICAL"),
            topic_info=variables.get("MM_TOPIC_INFO"),
            venue_endpoint=variables.get("MM_VENUE_ENDPOINT"),
        )


@cache
def account_desk(key: KeyPurpose) -> Desk:
    """Build the desk of the account in the environment, once a process and key."""
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    telemetry = PowertoolsTelemetry(service="marketmaker", deployment=deployment.name)
    return build_desk(environment, deployment, pick_account(deployment, environment.account), key, telemetry)


@cache
def tick_scheduler() -> Callable[[], ScheduleReport]:
    """Connect `schedule_ticks` to every account's queue, once a process."""
    deployment = load_deployment(Environment.read(os.environ).deployment_file)
    try:
        urls = msgspec.json.decode(os.environ.get("MM_TICK_QUEUES", ""), type=dict[AccountName, str])
    except msgspec.MsgspecError as error:
        raise ConfigError(f"MM_TICK_QUEUES: not JSON of account → queue URL: {error}") from error
    missing = [account for account in deployment.accounts if account not in urls]
    if missing:
        raise ConfigError(f"MM_TICK_QUEUES: no queue for {', '.join(missing)}; every account needs one")
    queue = SqsTickQueue(boto3.client("sqs", region_name=deployment.region, config=_AWS), urls)
    clocks = {name: account.clocks for name, account in deployment.accounts.items()}
    return partial(schedule_ticks, clocks, queue, SystemClock())


def open_desks(deployment_file: str, account: str | None, key: KeyPurpose) -> Mapping[AccountName, Callable[[], Desk]]:
    """Prepare the desks of one account, or of all, for an operator; building one can only fail its own account."""
    environment = Environment.read({**os.environ, "MM_DEPLOYMENT_FILE": deployment_file})
    deployment = load_deployment(deployment_file)
    accounts = [pick_account(deployment, account)] if account else deployment.accounts.values()
    return {
        each.name: partial(build_desk, environment, deployment, each, key, OperatorTelemetry()) for each in accounts
    }


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


def pick_account(deployment: Deployment, name: str | None) -> AccountSettings:
    """Return the named account, or the only one there is."""
    if name is None and len(deployment.accounts) == 1:
        return next(iter(deployment.accounts.values()))
    if name is None or AccountName(name) not in deployment.accounts:
        raise ConfigError(f"account (MM_ACCOUNT): {name} is not allowed: one of {', '.join(deployment.accounts)}")
    return deployment.accounts[AccountName(name)]


def build_desk(
    environment: Environment,
    deployment: Deployment,
    account: AccountSettings,
    key: KeyPurpose,
    telemetry: Telemetry,
) -> Desk:
    """Connect one account's use cases to the venue, the tables and the topics."""
    set_decimal_context()
    clock = SystemClock()
    login = VenueLogin(
        read_key=_key_reader(deployment, account, key),
        request_timeout_ms=account.clocks.request_timeout_ms,
        request_ttl_ms=account.clocks.request_ttl_ms,
        endpoint=environment.venue_endpoint,
    )
    return Desk(
        settings=account,
        venue=CcxtVenue(login, clock),
        store=DynamoDbStore(
            state_table=deployment.state_table, ledger_table=deployment.ledger_table, region=deployment.region
        ),
        alerts=_alerts(environment, deployment, telemetry),
        telemetry=telemetry,
        clock=clock,
        alongside=ThreadPoolExecutor(max_workers=1, thread_name_prefix="state"),
    )


class OperatorTelemetry:
    """Records nothing: a terminal shows what was done, and log lines among its output would break `--json`."""

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Leave it to the output."""

    def count(self, account: AccountName, counts: Mapping[str, float]) -> None:
        """Leave it to the functions."""

    def flush(self) -> None:
        """Nothing waits."""


def set_decimal_context() -> None:
    """Set the one Decimal context, for this thread and those that start later."""
    decimal.DefaultContext.prec = PRECISION
    decimal.setcontext(decimal.DefaultContext)


def plain_values(value: object) -> Any:  # noqa: ANN401 - JSON is untyped
    """Turn a report into JSON values; Decimals become exact text, never with an exponent (R18)."""
    return _with_plain_decimals(msgspec.to_builtins(value, str_keys=True, builtin_types=(decimal.Decimal,)))


def _with_plain_decimals(value: object) -> object:
    match value:
        case decimal.Decimal():
            return plain(value)
        case dict():
            return {key: _with_plain_decimals(each) for key, each in value.items()}
        case list() | tuple():
            return [_with_plain_decimals(each) for each in value]
        case _:
            return value


def _alerts(environment: Environment, deployment: Deployment, telemetry: Telemetry) -> Alerts:
    if not environment.topic_critical or not environment.topic_info:
        return RecordedAlerts(telemetry)
    topics = {Severity.CRITICAL: environment.topic_critical, Severity.INFO: environment.topic_info}
    with _BOTO3:
        return SnsAlerts(boto3.client("sns", region_name=deployment.region, config=_AWS), topics)


def _key_reader(deployment: Deployment, account: AccountSettings, key: KeyPurpose) -> Callable[[], VenueKey]:
    """Say how the venue key is read: at once for quoting, which must not claim a tick without it.

    What stops an account reads its key when the venue is asked: the halt flag needs none.
    """
    try:
        with _BOTO3:
            secrets = boto3.client("secretsmanager", region_name=deployment.region, config=_AWS)
    except BotoCoreError as error:
        raise as_failure(error, "the AWS settings of this environment") from error
    except ValueError as error:
        raise ConfigError(f"AWS_ENDPOINT_URL: {error}") from error
    name = deployment.secret_name(account.name, key)
    if key == "trade":
        venue_key = read_venue_key(secrets, name)
        return lambda: venue_key
    return partial(read_venue_key, secrets, name)
