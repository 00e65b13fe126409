"""What `mm` needs: the desks of all accounts, for an operator whose alerts find their topics by name."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from marketmaker.adapters.ccxt_venue import CcxtVenue, wants_password
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.halt_function import HaltFunctions
from marketmaker.adapters.secrets import SecretsKeyStore
from marketmaker.adapters.standby_schedules import StandbySchedules, SwitchedOff
from marketmaker.adapters.terminal import NamedTopicAlerts, OperatorTelemetry
from marketmaker.bootstrap.alerts import make_alerts
from marketmaker.bootstrap.desks import build_desk
from marketmaker.bootstrap.environment import BOTO3, Environment, plain_values, set_decimal_context
from marketmaker.bootstrap.secrets import secrets
from marketmaker.bootstrap.venues import login_with
from marketmaker.config import Deployment, KeyPurpose, Stage, load_deployment, standby_alarms
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.keys import KEY_PURPOSES, VenueKey, entered_key
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError, MarketMakerError, Refused
from marketmaker.ports import Alerts, Clock, Deadline, HaltRequest, Severity, Telemetry, Unknown, Venue
from marketmaker.usecases.ask_halt import Halted, ask_halt
from marketmaker.usecases.close import CloseReport, CloseRequest, close_positions
from marketmaker.usecases.compliance import MarketCompliance, read_compliance
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.fills import FillTotals, MarketFills, read_fills
from marketmaker.usecases.halt import HaltReport
from marketmaker.usecases.keys import KeptKey, KeyDesk, KeyReport, KeyVerdict, check_keys, set_key
from marketmaker.usecases.listed_orders import ListedOrder, OrderStanding
from marketmaker.usecases.operate import ResumeRequest, resume
from marketmaker.usecases.standing import describe
from marketmaker.usecases.standing_report import (
    AccountStanding,
    ControlStanding,
    InventoryStanding,
    MarketStanding,
    RestrictedMarket,
    Touch,
)
from marketmaker.usecases.takeover import Fence, TakeoverReport, TakeoverRequest, take_over
from marketmaker.usecases.transfer import TransferReport, TransferRequest, book_a_transfer
from marketmaker.usecases.tune import TunedMarket, tune_market

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient

__all__ = [
    "AccountStanding",
    "Clock",
    "CloseReport",
    "CloseRequest",
    "ConfigError",
    "ControlStanding",
    "Deadline",
    "Deployment",
    "Desk",
    "Fence",
    "FillTotals",
    "HaltFunctions",
    "HaltReport",
    "HaltRequest",
    "Halted",
    "InventoryStanding",
    "KeptKey",
    "KeyDesk",
    "KeyReport",
    "KeyVerdict",
    "ListedOrder",
    "MarketCompliance",
    "MarketFills",
    "MarketMakerError",
    "MarketStanding",
    "OrderStanding",
    "Refused",
    "RestrictedMarket",
    "ResumeRequest",
    "TakeoverReport",
    "TakeoverRequest",
    "Touch",
    "TransferReport",
    "TransferRequest",
    "TunedMarket",
    "Unknown",
    "ask_halt",
    "book_a_transfer",
    "check_keys",
    "close_positions",
    "describe",
    "entered_key",
    "load_deployment",
    "open_desks",
    "open_halts",
    "open_key_desks",
    "open_standby",
    "plain_values",
    "read_compliance",
    "read_fills",
    "resume",
    "set_key",
    "system_clock",
    "take_over",
    "tune_market",
]

KEY, SECRET, PASSWORD = "MM_API_KEY", "MM_API_SECRET", "MM_API_PASSWORD"
_ONCE = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
"""For what an operator's command does last: it must not wait long for what it does not depend on."""


def open_desks(
    deployment_file: str,
    account: str | None,
    key: KeyPurpose,
    warn: Callable[[str], None],
    *,
    symbol: str | None = None,
) -> Mapping[AccountName, Callable[[], Desk]]:
    """Prepare the desks of one account, or of all, for an operator; building one can only fail its own account.

    A symbol leaves the accounts out that have no such market. `warn` is told in one line of every alert that could not
    be sent.
    """
    environment, deployment, accounts = _operated(deployment_file, account)
    accounts = accounts if symbol is None else _with_market(accounts, symbol)
    telemetry = OperatorTelemetry(warn)
    alerts = _operator_alerts(environment, deployment, telemetry)

    def open_desk(settings: AccountSettings) -> Desk:
        return replace(build_desk(environment, deployment, settings, key, telemetry), alerts=alerts)

    return {each.name: partial(open_desk, each) for each in accounts}


def system_clock() -> Clock:
    """Return the time of this machine."""
    return SystemClock()


def open_halts(
    deployment_file: str, account: str | None, warn: Callable[[str], None], *, symbol: str | None = None
) -> tuple[Mapping[AccountName, Callable[[], Desk]], HaltFunctions]:
    """Prepare what an operator halts with: desks, and the functions that are asked before them.

    A key in the environment (`MM_API_KEY`, `MM_API_SECRET`) is used in the place of the stored one: Secrets Manager may
    be what does not answer.

    Raises:
        ConfigError: there is such a key, and more than one account that it could be of.
    """
    environment, deployment, accounts = _operated(deployment_file, account)
    accounts = accounts if symbol is None else _with_market(accounts, symbol)
    desks = open_desks(deployment_file, account, "risk", warn, symbol=symbol)
    key = _key_at_hand()
    if key is not None:
        if len(accounts) > 1:
            names = ", ".join(each.name for each in accounts)
            raise ConfigError(f"--account: nothing is not allowed with a key in {KEY}: one of {names}")
        (settings,) = accounts
        login = login_with(environment, deployment, key, settings.venue)
        open_stored = desks[settings.name]
        desks = {settings.name: lambda: replace(open_stored(), venue=CcxtVenue(login, SystemClock()))}

    def connect(timeout_s: float) -> "LambdaClient":
        once = Config(connect_timeout=2, read_timeout=timeout_s, retries={"mode": "standard", "total_max_attempts": 1})
        with BOTO3:
            return boto3.client("lambda", region_name=deployment.region, config=once)

    return desks, HaltFunctions(partial(deployment.function_name, "halt"), connect)


def _key_at_hand() -> VenueKey | None:
    api_key, secret = os.environ.get(KEY), os.environ.get(SECRET)
    if not api_key and not secret:
        return None
    return entered_key({"api_key": api_key, "secret": secret, "password": os.environ.get(PASSWORD)})


def open_standby(
    deployment_file: str, account: str | None, warn: Callable[[str], None]
) -> tuple[Mapping[AccountName, Callable[[], Desk]], StandbySchedules, Callable[[AccountName], Venue | None]]:
    """Prepare what takes over: desks, what switches the standby on, and the venue as the primary's key sees it.

    That is None without a key in the environment (`MM_API_KEY`, `MM_API_SECRET`).

    Raises:
        ConfigError: the file is no standby's, or there is such a key and more than one account.
    """
    environment, deployment, accounts = _operated(deployment_file, account)
    if deployment.standby_of is None:
        raise ConfigError(f"{deployment_file}: standby_of: nothing is not allowed: the name of its primary")
    key = _key_at_hand()
    if key is not None and len(accounts) > 1:
        names = ", ".join(each.name for each in accounts)
        raise ConfigError(f"--account: nothing is not allowed with a key in {KEY}: one of {names}")

    def connect() -> "tuple[EventBridgeSchedulerClient, CloudWatchClient]":
        with BOTO3:
            scheduler = boto3.client("scheduler", region_name=deployment.region, config=_ONCE)
            return scheduler, boto3.client("cloudwatch", region_name=deployment.region, config=_ONCE)

    def primary(name: AccountName) -> Venue | None:
        if key is None:
            return None
        login = login_with(environment, deployment, key, deployment.accounts[name].venue)
        return CcxtVenue(login, SystemClock())

    def switched_off(name: AccountName) -> SwitchedOff:
        return SwitchedOff(
            group=deployment.stack_name,
            schedules=[
                deployment.function_name("check_risk", name),
                deployment.function_name("schedule_ticks"),
            ],
            alarms=[f"{deployment.stack_name}-{each}" for each in standby_alarms(name)],
        )

    desks = open_desks(deployment_file, account, "risk", warn)
    return desks, StandbySchedules(switched_off, connect), primary


def open_key_desks(deployment_file: str, account: str | None) -> Mapping[AccountName, Callable[[], KeyDesk]]:
    """Prepare the key desks of one account, or of all, for an operator."""
    environment, deployment, accounts = _operated(deployment_file, account)
    if deployment.stage is Stage.PAPER:
        raise ConfigError(f"{deployment_file}: stage: paper is not allowed: paper trading uses no keys")
    return {each.name: partial(_key_desk, environment, deployment, each) for each in accounts}


def _operated(deployment_file: str, account: str | None) -> tuple[Environment, Deployment, Sequence[AccountSettings]]:
    environment = Environment.read({**os.environ, "MM_DEPLOYMENT_FILE": deployment_file})
    deployment = load_deployment(deployment_file)
    accounts = list(deployment.accounts.values())
    if not account:
        return environment, deployment, accounts
    if account not in deployment.accounts:
        raise ConfigError(f"--account (MM_ACCOUNT): {account} is not allowed: one of {', '.join(deployment.accounts)}")
    return environment, deployment, [each for each in accounts if each.name == account]


def _with_market(accounts: Sequence[AccountSettings], symbol: str) -> Sequence[AccountSettings]:
    found = [each for each in accounts if symbol in each.symbols]
    if not found:
        known = dict.fromkeys(symbol for each in accounts for symbol in each.symbols)
        raise ConfigError(f"--symbol: {symbol} is not allowed: one of {', '.join(known)}")
    return found


def _operator_alerts(environment: Environment, deployment: Deployment, telemetry: Telemetry) -> Alerts:
    """Send an operator's alerts where those of the functions go: to the topics that carry the deployment's name."""
    if environment.topic_critical and environment.topic_info:
        return make_alerts(environment, deployment, telemetry)

    def connect() -> "tuple[STSClient, SNSClient]":
        with BOTO3:
            sts = boto3.client("sts", region_name=deployment.region, config=_ONCE)
            return sts, boto3.client("sns", region_name=deployment.region, config=_ONCE)

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
        return CcxtVenue(login_with(environment, deployment, key, account.venue), clock)

    keys = SecretsKeyStore(secrets(deployment), names, tags)
    return KeyDesk(
        account=account.name,
        wants_password=wants_password(account.venue),
        keys=keys,
        venue_with=venue_with,
        clock=clock,
        accepts_unverified=account.accepts_unverified_key,
    )
