"""The settings of a deployment that nothing was ever applied to."""

from dataclasses import dataclass

from marketmaker.domain.accounts import AccountSettings
from marketmaker.ports import SettingsText, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedOnly:
    """Implements `SettingsVersions` with one version: one account's `settings` in the `deployed` file."""

    deployed: SettingsText
    settings: AccountSettings

    def read(self, version: str) -> AccountSettings | Unknown:
        """Return the deployed file's settings; nobody kept others."""
        if version == self.deployed.version:
            return self.settings
        return Unknown(reason=f"nobody kept the settings {version}")
