"""Composition root: the only reader of the environment, and the only place where ports meet adapters.

| variable | meaning |
|---|---|
| `MM_DEPLOYMENT_FILE` | the deployment file; a relative path starts at `LAMBDA_TASK_ROOT` where that is set |
| `MM_ACCOUNT` | the account this function works |
| `MM_TOPIC_CRITICAL`, `MM_TOPIC_INFO` | alert topics; without them alerts are log lines; `mm` finds them by name |
| `MM_TOPIC_HALT` | where `check_risk` asks for a halt; without it that is a log line only |
| `MM_TICK_QUEUES` | JSON, account → queue URL, for `schedule_ticks` |
| `MM_VENUE_ENDPOINT` | the local exchange, on this machine only; needed in the local stage, allowed in every other |
| `AWS_ENDPOINT_URL`, `AWS_REGION` | as boto3 reads them |
"""

import decimal
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin, wants_password
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient, TableSettings
from marketmaker.adapters.halt_events import read_halt_event
from marketmaker.adapters.recorded_alerts import RecordedAlerts
from marketmaker.adapters.recorded_halts import RecordedHaltRequests
from marketmaker.adapters.secrets import SecretsKeyStore, read_venue_key
from marketmaker.adapters.sns import SnsAlerts, SnsHaltRequests
from marketmaker.adapters.sqs import SqsTickQueue
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.adapters.terminal import NamedTopicAlerts, OperatorTelemetry
from marketmaker.config import Deployment, KeyPurpose, Stage, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.keys import KEY_PURPOSES, VenueKey, entered_key
from marketmaker.domain.units import PRECISION, AccountName, plain
from marketmaker.errors import ConfigError, MarketMakerError, Refused
from marketmaker.ports import Alerts, Deadline, HaltRequest, HaltRequests, Severity, Telemetry, Venue
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.fetch_prices import PriceDesk, PricesReport, PublishedMarkets, fetch_prices
from marketmaker.usecases.halt import HaltReport, halt
from marketmaker.usecases.keys import KeptKey, KeyDesk, KeyReport, KeyVerdict, check_keys, set_key
from marketmaker.usecases.operate import ResumeRequest, describe, resume
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickReport
from marketmaker.usecases.schedule_ticks import ScheduleReport, schedule_ticks

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient

__all__ = [
    "ConfigError",
    "Deadline",
    "Desk",
    "Environment",
    "HaltReport",
    "HaltRequest",
    "KeptKey",
    "KeyDesk",
    "KeyReport",
    "KeyVerdict",
    "MarketMakerError",
    "Refused",
    "ResumeRequest",
    "Tick",
    "TickReport",
    "account_desk",
    "check_keys",
    "check_risk",
    "describe",
    "entered_key",
    "halt",
    "halt_requests",
    "load_deployment",
    "open_desks",
    "open_key_desks",
    "plain_values",
    "price_fetcher",
    "read_halt_requests",
    "read_tick",
    "replace_quotes",
    "resume",
    "set_key",
    "tick_scheduler",
]

_AWS = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
_AWS_ONCE = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
"""For what an operator's command does last: it must not wait long for what it does not depend on."""
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
    topic_halt: str | None
    venue_endpoint: str | None

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """Read it from environment variables."""
        deployment_file = variables.get("MM_DEPLOYMENT_FILE")
        if not deployment_file:
            raise ConfigError("MM_DEPLOYMENT_FILE: nothing is not allowed: the path of a deployment file")
        return cls(
            deployment_file=str(Path(variables.get("LAMBDA_TASK_ROOT", ""), deployment_file)),
            account=variables.get("MM_ACCOUNT"),
            topic_critical=variables.get("MM_TOPIC_CRITICAL"),
            topic_info=variables.get("MM_TOPIC_INFO"),
            topic_halt=variables.get("MM_TOPIC_HALT"),
            venue_endpoint=variables.get("MM_VENUE_ENDPOINT"),
        )


@cache
def account_desk(key: KeyPurpose) -> Desk:
    """Build the desk of the account in the environment, once a process and key.

    Raises:
        ConfigError: the environment or the file is wrong, or a live deployment that is not armed is to trade.
    """
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    if key == "trade" and not deployment.may_quote:
        raise ConfigError(
            f"{environment.deployment_file}: armed: false is not allowed: true, for a live deployment to quote"
        )
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


@cache
def price_fetcher() -> Callable[[int], PricesReport]:
    """Connect `fetch_prices` to the venues of all accounts, with no key, and to the prices table, once a process.

    Its call gets the milliseconds that the invocation has left; the metrics are written when it returns.
    """
    set_decimal_context()
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    clock, telemetry = SystemClock(), PowertoolsTelemetry(service="marketmaker", deployment=deployment.name)
    login = _login(environment, deployment, None)
    desk = PriceDesk(
        venues=tuple(
            PublishedMarkets(name=venue, venue=CcxtVenue(login, clock), symbols=deployment.symbols_at(venue))
            for venue in deployment.venues
        ),
        prices=DynamoDbPrices(_tables(deployment)),
        telemetry=telemetry,
        clock=clock,
        alongside=ThreadPoolExecutor(max_workers=login.workers, thread_name_prefix="prices"),
    )

    def fetch(budget_ms: int) -> PricesReport:
        report = fetch_prices(desk, Deadline(at_ms=clock.now_ms() + budget_ms, clock=clock))
        telemetry.flush()
        return report

    return fetch


@cache
def halt_requests() -> HaltRequests:
    """Connect to the halt topic, once a process."""
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    if not environment.topic_halt:
        return RecordedHaltRequests(PowertoolsTelemetry(service="marketmaker", deployment=deployment.name))
    with _BOTO3:
        return SnsHaltRequests(boto3.client("sns", region_name=deployment.region, config=_AWS), environment.topic_halt)


def open_desks(
    deployment_file: str, account: str | None, key: KeyPurpose, warn: Callable[[str], None]
) -> Mapping[AccountName, Callable[[], Desk]]:
    """Prepare the desks of one account, or of all, for an operator; building one can only fail its own account.

    `warn` is told in one line of every alert that could not be sent.
    """
    environment, deployment, accounts = _operated(deployment_file, account)
    telemetry = OperatorTelemetry(warn)
    alerts = _operator_alerts(environment, deployment, telemetry)

    def open_desk(settings: AccountSettings) -> Desk:
        return replace(build_desk(environment, deployment, settings, key, telemetry), alerts=alerts)

    return {each.name: partial(open_desk, each) for each in accounts}


def open_key_desks(deployment_file: str, account: str | None) -> Mapping[AccountName, Callable[[], KeyDesk]]:
    """Prepare the key desks of one account, or of all, for an operator."""
    environment, deployment, accounts = _operated(deployment_file, account)
    if deployment.stage is Stage.PAPER:
        raise ConfigError(f"{deployment_file}: stage: paper is not allowed: paper trading uses no keys")
    return {each.name: partial(_key_desk, environment, deployment, each) for each in accounts}


def _operated(deployment_file: str, account: str | None) -> tuple[Environment, Deployment, Sequence[AccountSettings]]:
    environment = Environment.read({**os.environ, "MM_DEPLOYMENT_FILE": deployment_file})
    deployment = load_deployment(deployment_file)
    accounts = [pick_account(deployment, account)] if account else list(deployment.accounts.values())
    return environment, deployment, accounts


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
    return read_halt_event(event, desk.settings.name)


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
    tables = _tables(deployment)
    return Desk(
        settings=account,
        venue=_paper_venue(_login(environment, deployment, None), deployment, account, tables, telemetry)
        if deployment.stage is Stage.PAPER
        else CcxtVenue(_keyed_login(environment, deployment, account, key), clock),
        store=DynamoDbStore(tables),
        prices=DynamoDbPrices(tables),
        alerts=_alerts(environment, deployment, telemetry),
        telemetry=telemetry,
        clock=clock,
        alongside=ThreadPoolExecutor(max_workers=2, thread_name_prefix="tables"),
    )


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


def _operator_alerts(environment: Environment, deployment: Deployment, telemetry: Telemetry) -> Alerts:
    """Send an operator's alerts where those of the functions go: to the topics that carry the deployment's name."""
    if environment.topic_critical and environment.topic_info:
        return _alerts(environment, deployment, telemetry)

    def connect() -> "tuple[STSClient, SNSClient]":
        with _BOTO3:
            sts = boto3.client("sts", region_name=deployment.region, config=_AWS_ONCE)
            return sts, boto3.client("sns", region_name=deployment.region, config=_AWS_ONCE)

    topics = {
        Severity.CRITICAL: deployment.topic_name("alerts-critical"),
        Severity.INFO: deployment.topic_name("alerts-info"),
    }
    return NamedTopicAlerts(topics, region=deployment.region, connect=connect)


def _key_desk(environment: Environment, deployment: Deployment, account: AccountSettings) -> KeyDesk:
    set_decimal_context()
    clock = SystemClock()
    names = {purpose: deployment.secret_name(account.name, purpose) for purpose in KEY_PURPOSES}
    tags = {"deployment": deployment.name, "account": account.name}

    def venue_with(key: VenueKey) -> CcxtVenue:
        return CcxtVenue(_login(environment, deployment, lambda: key, key=key), clock)

    keys = SecretsKeyStore(_secrets(deployment), names, tags)
    return KeyDesk(
        account=account.name,
        wants_password=wants_password(account.venue),
        keys=keys,
        venue_with=venue_with,
        clock=clock,
    )


def _login(
    environment: Environment,
    deployment: Deployment,
    read_key: Callable[[], VenueKey] | None,
    *,
    key: VenueKey | None = None,
) -> VenueLogin:
    """Say how the stage reaches its venue: testnet at the venue's testnet, paper and live at the venue itself.

    An endpoint re-routes every stage to this machine, and the client refuses one that is not here; the local stage has
    nowhere else to go.
    """
    if deployment.stage is Stage.LOCAL and not environment.venue_endpoint:
        raise ConfigError(
            "MM_VENUE_ENDPOINT: nothing is not allowed: the address of the local exchange, where the stage is local"
        )
    return VenueLogin(
        read_key=read_key,
        key=key,
        request_timeout_ms=deployment.clocks.request_timeout_ms,
        request_ttl_ms=deployment.clocks.request_ttl_ms,
        endpoint=environment.venue_endpoint or None,
        is_sandbox=deployment.stage is Stage.TESTNET,
    )


def _keyed_login(
    environment: Environment, deployment: Deployment, account: AccountSettings, key: KeyPurpose
) -> VenueLogin:
    """Log an account in with one of its keys.

    Quoting must not claim a tick without its key; what stops an account sets its flag even where it has none.
    """
    read_key = partial(read_venue_key, _secrets(deployment), deployment.secret_name(account.name, key))
    return _login(environment, deployment, read_key, key=read_key() if key == "trade" else None)


def _paper_venue(
    login: VenueLogin, deployment: Deployment, account: AccountSettings, tables: TableClient, telemetry: Telemetry
) -> Venue:
    """Connect an account to its paper; imported here, so that no other stage loads a matching engine."""
    from marketmaker.adapters.dynamodb.paper import DynamoDbPaperStore
    from marketmaker.adapters.paper_venue import PaperLogin, PaperVenue

    clock = SystemClock()
    fees = {market.symbol: market.fees for market in account.markets}
    return PaperVenue(
        PaperLogin(account=account.name, opening=deployment.paper[account.name], fees=fees),
        public=CcxtVenue(login, clock),
        store=DynamoDbPaperStore(client=tables),
        clock=clock,
        telemetry=telemetry,
    )


def _tables(deployment: Deployment) -> TableClient:
    return TableClient(
        TableSettings(
            state_table=deployment.state_table,
            ledger_table=deployment.ledger_table,
            prices_table=deployment.prices_table,
            region=deployment.region,
        )
    )


def _secrets(deployment: Deployment) -> "SecretsManagerClient":
    try:
        with _BOTO3:
            return boto3.client("secretsmanager", region_name=deployment.region, config=_AWS)
    except BotoCoreError as error:
        raise as_failure(error, "the AWS settings of this environment") from error
    except ValueError as error:
        raise ConfigError(f"AWS_ENDPOINT_URL: {error}") from error
