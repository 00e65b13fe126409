"""What `mm replay` and `mm explain` need: recorded decisions, and the settings that made them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3

from marketmaker.adapters.decision_logs import LogFiles, LogGroups
from marketmaker.adapters.dynamodb import DynamoDbStore
from marketmaker.bootstrap.environment import AWS, BOTO3, pick_account, plain_values, set_decimal_context
from marketmaker.bootstrap.venues import tables
from marketmaker.config import Deployment, load_deployment, parse_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import AccountName
from marketmaker.errors import MarketMakerError, Refused
from marketmaker.ports import DecisionLog
from marketmaker.usecases.explain import Explanation, explain
from marketmaker.usecases.records import RecordedDecision, read_decisions
from marketmaker.usecases.replay import ReplayedDecision, replay

__all__ = [
    "DecisionDesk",
    "Explanation",
    "MarketMakerError",
    "RecordedDecision",
    "Refused",
    "ReplayedDecision",
    "explain",
    "open_decisions",
    "plain_values",
    "read_decisions",
    "replay",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDesk:
    """One account's records, and the settings by the hash that is in each of them."""

    account: AccountName
    log: DecisionLog
    settings_of: Callable[[str], AccountSettings]


def open_decisions(
    deployment_file: str, account: str | None, log_paths: Sequence[Path], *, settings_file: Path | None
) -> Sequence[DecisionDesk]:
    """Find the records of one account, or of all: in files where any are named, else in CloudWatch Logs.

    Decisions are made again with the settings that made them, or with those of `settings_file`.
    """
    set_decimal_context()
    deployment = load_deployment(deployment_file)
    accounts = [pick_account(deployment, account)] if account else list(deployment.accounts.values())
    names = [each.name for each in accounts]
    log = LogFiles(log_paths) if log_paths else _log_groups(deployment, names)
    other = None if settings_file is None else load_deployment(settings_file)
    return [
        DecisionDesk(account=name, log=log, settings_of=_SettingsByHash(deployment, name, other).find) for name in names
    ]


def _log_groups(deployment: Deployment, accounts: Sequence[AccountName]) -> LogGroups:
    groups: Mapping[AccountName, str] = {
        name: f"/aws/lambda/{deployment.function_name('replace_quotes', name)}" for name in accounts
    }
    with BOTO3:
        return LogGroups(boto3.client("logs", region_name=deployment.region, config=AWS), groups)


class _SettingsByHash:
    """Finds an account's settings by their hash: in the file at hand, else as a function has kept them."""

    def __init__(self, deployment: Deployment, account: AccountName, other: Deployment | None) -> None:
        self._deployment = deployment
        self._account = account
        self._other = None if other is None else pick_account(other, account)
        self._found = {deployment.config_hash: deployment.accounts[account]}

    def find(self, config_hash: str) -> AccountSettings:
        """Return the settings of a record.

        Raises:
            Refused: nobody has kept them.
        """
        if self._other is not None:
            return self._other
        if config_hash not in self._found:
            self._found[config_hash] = self._kept(config_hash)
        return self._found[config_hash]

    def _kept(self, config_hash: str) -> AccountSettings:
        store = DynamoDbStore(tables(self._deployment))
        text = store.settings(self._account, config_hash)
        if text is None:
            raise Refused(
                f"the settings {config_hash} are neither those of the deployment file nor kept in the state table; "
                "name the file that made these decisions with --deployment"
            )
        kept = parse_deployment(text, file=f"settings {config_hash}")
        return pick_account(kept, self._account)
