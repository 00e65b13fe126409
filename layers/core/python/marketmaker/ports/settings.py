"""Settings that change while a deployment runs: versions that were kept, and files that are wanted (R28)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import AccountName
from marketmaker.ports.time import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One key of the deployment file, as written before and after; None where it is not said."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsText:
    """A deployment file's text and the hash that names it."""

    version: str
    text: str


class SettingsVersions(Protocol):
    """One account's settings in every version that was kept, beside the file that this process was deployed with."""

    @property
    def deployed(self) -> SettingsText:
        """The file that this process was deployed with."""
        ...

    def read(self, version: str) -> AccountSettings | Unknown:
        """Return a version's settings; `Unknown` where they cannot be used in what is deployed."""
        ...


class WantedSettings(Protocol):
    """A checked file whose settings an operator wants."""

    @property
    def wanted(self) -> SettingsText:
        """The file."""
        ...

    def changes_over(
        self, account: AccountName, deployed: SettingsText, in_force: SettingsText
    ) -> Sequence[SettingChange]:
        """Return what it changes of an account's settings in force.

        Raises:
            Refused: it differs from what is deployed in a key that needs a deploy, or that cannot be read.
        """
        ...
