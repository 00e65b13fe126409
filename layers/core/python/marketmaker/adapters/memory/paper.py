"""Paper accounts in memory: for one process, gone with it. Imported by name, for it needs the paper venue's parts."""

from marketmaker.adapters.paper_venue import PaperAccount, StoredAccount
from marketmaker.domain.units import AccountName
from marketmaker.errors import Conflict


class InMemoryPaperStore:
    """Implements `PaperStore`; accounts are values, so keeping one is enough."""

    def __init__(self) -> None:
        self._kept: dict[AccountName, StoredAccount] = {}

    def load(self, account: AccountName) -> StoredAccount | None:
        """Return an account, None if there is none."""
        return self._kept.get(account)

    def save(self, account: AccountName, content: PaperAccount, *, version: int) -> None:
        """Keep an account over the version that was read."""
        kept = self._kept.get(account)
        if (kept.version if kept is not None else 0) != version:
            raise Conflict(f"the paper account of {account} is not at version {version} any more")
        self._kept[account] = StoredAccount(account=content, version=version + 1)
