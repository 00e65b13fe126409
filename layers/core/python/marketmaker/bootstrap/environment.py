"""What the environment and the deployment file say, and what every connection shares."""

import decimal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from botocore.config import Config

from marketmaker.config import Deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import PRECISION, AccountName, plain
from marketmaker.errors import ConfigError

SERVICE = "marketmaker"
AWS = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
BOTO3 = Lock()
"""boto3's default session must not make clients in two threads at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the environment says; read once."""

    deployment_file: str
    account: str | None
    topic_critical: str | None
    topic_info: str | None
    topic_halt: str | None
    venue_endpoint: str | None
    egress_address: str | None = None

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
            egress_address=variables.get("MM_EGRESS_ADDRESS"),
        )


def pick_account(deployment: Deployment, name: str | None) -> AccountSettings:
    """Return the named account, or the only one there is."""
    if name is None and len(deployment.accounts) == 1:
        return next(iter(deployment.accounts.values()))
    if name is None or AccountName(name) not in deployment.accounts:
        raise ConfigError(f"account (MM_ACCOUNT): {name} is not allowed: one of {', '.join(deployment.accounts)}")
    return deployment.accounts[AccountName(name)]


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
