"""Settings that change while a deployment runs: kept versions as functions read them, files as operators want them."""

from collections.abc import Sequence

from marketmaker.config import Deployment, NeedsDeploy, adopt, live_changes, load_deployment, parse_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError, MarketMakerError, Refused
from marketmaker.ports import SettingChange, SettingsText, Store, Unknown
from marketmaker.usecases.apply_settings import (
    OperatorReason,
    PlannedSettings,
    SettingsStanding,
    apply_settings,
    describe_settings,
    plan_settings,
    revert_settings,
)

__all__ = [
    "KeptSettings",
    "OperatorReason",
    "PlannedSettings",
    "SettingsStanding",
    "WantedFile",
    "apply_settings",
    "describe_settings",
    "plan_settings",
    "revert_settings",
]


class KeptSettings:
    """One account's `SettingsVersions`, each read from the store once a process: none of them ever changes."""

    def __init__(self, deployment: Deployment, account: AccountName, store: Store) -> None:
        self._deployment = deployment
        self._account = account
        self._store = store
        self._found: dict[str, AccountSettings | Unknown] = {}

    @property
    def deployed(self) -> SettingsText:
        """The file that this process was deployed with."""
        return SettingsText(version=self._deployment.config_hash, text=self._deployment.text)

    def read(self, version: str) -> AccountSettings | Unknown:
        """Return a version's settings; `Unknown` where they cannot be used in what is deployed."""
        if version == self._deployment.config_hash:
            return self._deployment.accounts[self._account]
        if version not in self._found:
            try:
                text = self._store.settings(self._account, version)
            except MarketMakerError as error:
                return Unknown(reason=f"they cannot be read: {error}")
            if text is None:
                return Unknown(reason="nobody kept them")
            self._found[version] = self._adopted(version, text)
        return self._found[version]

    def _adopted(self, version: str, text: str) -> AccountSettings | Unknown:
        try:
            wanted = parse_deployment(text, file=f"settings {version}")
        except ConfigError as error:
            return Unknown(reason=str(error))
        if wanted.config_hash != version:
            return Unknown(reason=f"this release reads settings {wanted.config_hash} in them")
        adopted = adopt(self._deployment, wanted)
        if isinstance(adopted, NeedsDeploy):
            return Unknown(reason=str(adopted))
        return adopted.accounts[self._account]


class WantedFile:
    """A deployment file that an operator wants in force: `WantedSettings`.

    Raises:
        ConfigError: it cannot be used.
    """

    def __init__(self, file: str) -> None:
        self._wanted = load_deployment(file)
        self._file = file

    @property
    def wanted(self) -> SettingsText:
        """The file."""
        return SettingsText(version=self._wanted.config_hash, text=self._wanted.text)

    def changes_over(
        self, account: AccountName, deployed: SettingsText, in_force: SettingsText
    ) -> Sequence[SettingChange]:
        """Return what it changes of an account's settings in force.

        Raises:
            Refused: it differs from what is deployed in a key that needs a deploy, or that cannot be read.
        """
        adopted = adopt(_parsed(deployed), self._wanted)
        if isinstance(adopted, NeedsDeploy):
            raise Refused(f"{self._file}: {adopted}")
        own = f"accounts.{account}."
        return [each for each in live_changes(_parsed(in_force), adopted) if each.key.startswith(own)]


def _parsed(kept: SettingsText) -> Deployment:
    try:
        parsed = parse_deployment(kept.text, file=f"settings {kept.version}")
    except ConfigError as error:
        raise Refused(f"this release cannot read what is in force: {error}") from error
    if parsed.config_hash != kept.version:
        raise Refused(
            f"this release reads settings {parsed.config_hash} where the deployed one reads {kept.version}: use the "
            "`mm` of the deployed release, or deploy"
        )
    return parsed
