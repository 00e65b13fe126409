"""Settings by version, without files."""

from dataclasses import dataclass, field

from marketmaker.domain.accounts import AccountSettings
from marketmaker.ports import SettingsText, Unknown


@dataclass(slots=True, kw_only=True)
class FakeVersions:
    """Implements `SettingsVersions`: what is not among `known` was never kept; `asked` lists every look."""

    deployed: SettingsText
    known: dict[str, AccountSettings | Unknown] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def read(self, version: str) -> AccountSettings | Unknown:
        """Return what is known of a version."""
        self.asked.append(version)
        return self.known.get(version, Unknown(reason=f"nobody kept the settings {version}"))


def versions_of(settings: AccountSettings) -> FakeVersions:
    """Return the versions of a deployment that nothing was ever applied to."""
    deployed = SettingsText(version=settings.config_hash, text=f"the file {settings.config_hash}")
    return FakeVersions(deployed=deployed, known={settings.config_hash: settings})
