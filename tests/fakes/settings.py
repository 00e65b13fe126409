"""Settings by version, without files."""

from dataclasses import dataclass, field

from marketmaker.adapters.memory import DeployedOnly
from marketmaker.domain.accounts import AccountSettings
from marketmaker.ports import SettingsText, Unknown


@dataclass(frozen=True, kw_only=True)
class FakeVersions(DeployedOnly):
    """The deployed file and what else is `known`; what is neither was never kept. `asked` lists every look."""

    known: dict[str, AccountSettings | Unknown] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def read(self, version: str) -> AccountSettings | Unknown:
        """Return what is known of a version."""
        self.asked.append(version)
        return self.known[version] if version in self.known else super().read(version)


def versions_of(settings: AccountSettings) -> FakeVersions:
    """Return the versions of a deployment that nothing was ever applied to."""
    deployed = SettingsText(version=settings.config_hash, text=f"the file {settings.config_hash}")
    return FakeVersions(deployed=deployed, settings=settings)
