"""Writes of alert episodes: each opened and closed once, and within a tick fenced by its lease (R25, R27)."""

from dataclasses import dataclass, replace

from pynamodb.expressions.condition import Condition

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.account_items import episode_item
from marketmaker.adapters.dynamodb.client import Check, Delete, Put, TableClient
from marketmaker.adapters.dynamodb.control import ControlWrites
from marketmaker.adapters.dynamodb.failures import ConditionFailed
from marketmaker.adapters.dynamodb.market_writes import LEASE_PLACE, lease_lost
from marketmaker.adapters.dynamodb.models import EpisodeItem
from marketmaker.domain.state import Episode
from marketmaker.domain.units import AccountName


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeWrites:
    """Writes episodes; where there is an `owner`, only while nobody else holds the account's lease."""

    client: TableClient
    owner: str | None = None

    def open(self, account: AccountName, key: str, episode: Episode) -> bool:
        """Start an episode; False if there is one.

        Raises:
            LeaseLost: another holds the lease, or nobody does.
        """
        return self._put(account, episode_item(account, key, episode), EpisodeItem.opened_ms.does_not_exist())

    def change(self, account: AccountName, key: str, episode: Episode) -> bool:
        """Write an episode if its start and version are unchanged; False if they are not.

        Raises:
            LeaseLost: another holds the lease, or nobody does.
        """
        version = EpisodeItem.version == episode.version
        if not episode.version:
            version |= EpisodeItem.version.does_not_exist()
        item = episode_item(account, key, replace(episode, version=episode.version + 1))
        return self._put(account, item, (EpisodeItem.opened_ms == episode.since_ms) & version)

    def _put(self, account: AccountName, episode: EpisodeItem, condition: Condition) -> bool:
        """Write an item; an answer that was lost shows as a refusal by the very item that was to be written."""
        put = Put(table=self._table, item=episode, condition=condition)
        try:
            if self.owner is None:
                self.client.put(put)
            else:
                self.client.transact(put, self._held(account))
        except ConditionFailed as failed:
            if LEASE_PLACE in failed.failed:
                raise lease_lost(account) from failed
            return failed.stored == episode.serialize()
        return True

    def close(self, account: AccountName, key: str) -> bool:
        """End an episode; False if none was open.

        Raises:
            LeaseLost: another holds the lease, or nobody does.
        """
        place = account, keys.EPISODE + key
        if self.owner is None:
            return bool(self.client.delete(self._table, place))
        delete = Delete(table=self._table, key=place, condition=EpisodeItem.opened_ms.exists())
        try:
            self.client.transact(delete, self._held(account))
        except ConditionFailed as failed:
            if LEASE_PLACE in failed.failed:
                raise lease_lost(account) from failed
            return False
        return True

    @property
    def _table(self) -> str:
        return self.client.settings.state_table

    def _held(self, account: AccountName) -> Check:
        return ControlWrites(table=self._table, account=account).held_by(self.owner or "")
