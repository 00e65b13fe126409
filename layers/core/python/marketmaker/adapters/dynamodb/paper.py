"""Paper accounts in the state table: an account is one item, which only its own version lets be written."""

from dataclasses import dataclass
from uuid import uuid4

import msgspec

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.client import Put, TableClient
from marketmaker.adapters.dynamodb.failures import ConditionFailed
from marketmaker.adapters.dynamodb.models import PaperItem
from marketmaker.adapters.paper_venue import PaperAccount, StoredAccount
from marketmaker.domain.units import AccountName
from marketmaker.errors import Conflict, Fatal


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoDbPaperStore:
    """Keeps each account's paper in its own partition, beside its control item and its markets."""

    client: TableClient

    def load(self, account: AccountName) -> StoredAccount | None:
        """Read an account consistently.

        Raises:
            Fatal: it was written by a release that this one cannot read.
        """
        raw = self.client.get(self.client.settings.state_table, (account, keys.PAPER))
        if not raw:
            return None
        item = PaperItem.from_raw_data(raw)
        try:
            content = msgspec.json.decode(item.content, type=PaperAccount)
        except msgspec.MsgspecError as error:
            raise Fatal(f"the paper account of {account} cannot be read by this release: {error}") from error
        return StoredAccount(account=content, version=item.version)

    def save(self, account: AccountName, content: PaperAccount, *, version: int) -> None:
        """Write an account if it is still at this version, 0 for one that does not exist.

        A request whose answer was lost is sent again by botocore: a stored item with this call's own `write_id` says
        that it succeeded.
        """
        text = msgspec.json.encode(content).decode()
        item = PaperItem(account, keys.PAPER, version=version + 1, write_id=uuid4().hex, content=text)
        unchanged = PaperItem.version == version if version else PaperItem.version.does_not_exist()
        try:
            self.client.put(Put(table=self.client.settings.state_table, item=item, condition=unchanged))
        except ConditionFailed as failed:
            if failed.stored.get("write_id") != item.serialize()["write_id"]:
                raise Conflict(f"the paper account of {account} is not at version {version} any more") from failed
