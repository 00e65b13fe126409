"""Composition root: the only reader of the environment, and the only place where ports meet adapters.

| variable | meaning |
|---|---|
| `MM_DEPLOYMENT_FILE` | the deployment file |
| `MM_ACCOUNT` | the account this function works |
| `MM_TOPIC_CRITICAL`, `MM_TOPIC_INFO` | alert topics; without them alerts are log lines only |
| `MM_VENUE_ENDPOINT` | the local exchange, on this machine only |
| `AWS_ENDPOINT_URL`, `AWS_REGION` | as boto3 reads them |
"""

import decimal
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import msgspec
from botocore.config import Config

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import DynamoDbStore
from marketmaker.adapters.recorded_alerts import RecordedAlerts
from marketmaker.adapters.secrets import read_venue_key
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.config import Deployment, KeyPurpose, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import PRECISION, AccountName
from marketmaker.errors import ConfigError, MarketMakerError
from marketmaker.ports import Alerts, Deadline, Severity, Telemetry
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import HaltReport, HaltRequest, halt
from marketmaker.usecases.operate import ResumeRequest, describe, resume
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickReport

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
    "replace_quotes",
    "resume",
]

_AWS = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})


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
    return build_desk(environment, deployment, pick_account(deployment, environment.account), key)


def open_desks(deployment_file: str, account: str | None, key: KeyPurpose) -> list[Desk]:
    """Build the desks of one account, or of all, for an operator."""
    environment = Environment.read({**os.environ, "MM_DEPLOYMENT_FILE": deployment_file})
    deployment = load_deployment(deployment_file)
    accounts = [pick_account(deployment, account)] if account else list(deployment.accounts.values())
    return [build_desk(environment, deployment, each, key) for each in accounts]


def pick_account(deployment: Deployment, name: str | None) -> AccountSettings:
    """Return the named account, or the only one there is."""
    if name is None and len(deployment.accounts) == 1:
        return next(iter(deployment.accounts.values()))
    if name is None or AccountName(name) not in deployment.accounts:
        raise ConfigError(f"MM_ACCOUNT: {name} is not allowed: one of {', '.join(deployment.accounts)}")
    return deployment.accounts[AccountName(name)]


def build_desk(environment: Environment, deployment: Deployment, account: AccountSettings, key: KeyPurpose) -> Desk:
    """Connect one account's use cases to the venue, the tables and the topics."""
    set_decimal_context()
    clock = SystemClock()
    telemetry = PowertoolsTelemetry(service="marketmaker", deployment=deployment.name)
    secrets = boto3.client("secretsmanager", region_name=deployment.region, config=_AWS)
    venue_key = read_venue_key(secrets, deployment.secret_name(account.name, key))
    login = VenueLogin(
        api_key=venue_key.api_key,
        secret=venue_key.secret,
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


def set_decimal_context() -> None:
    """Set the one Decimal context, for this thread and those that start later."""
    decimal.DefaultContext.prec = PRECISION
    decimal.setcontext(decimal.DefaultContext)


def plain_values(value: object) -> Any:  # noqa: ANN401 - JSON is untyped
    """Turn a report into JSON values; Decimals become exact text."""
    return msgspec.to_builtins(value, str_keys=True)


def _alerts(environment: Environment, deployment: Deployment, telemetry: Telemetry) -> Alerts:
    if not environment.topic_critical or not environment.topic_info:
        return RecordedAlerts(telemetry)
    topics = {Severity.CRITICAL: environment.topic_critical, Severity.INFO: environment.topic_info}
    return SnsAlerts(boto3.client("sns", region_name=deployment.region, config=_AWS), topics)
