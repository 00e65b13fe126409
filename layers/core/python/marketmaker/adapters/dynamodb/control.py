"""The conditional writes to an account's control item, and what a refused one means."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.account_items import (
    book_mark_map,
    control_from,
    day_map,
    equity_map,
    restriction_map,
)
from marketmaker.adapters.dynamodb.attributes import DecimalAttribute
from marketmaker.adapters.dynamodb.client import Check, Update
from marketmaker.adapters.dynamodb.failures import RawItem
from marketmaker.adapters.dynamodb.meters import meters_text
from marketmaker.adapters.dynamodb.models import ControlItem
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.state import ActiveSettings, Control, Mode, Refreshed, Restriction
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.ports import ClaimRefusal


def read(account: AccountName, raw: RawItem) -> Control:
    """Read the control item; an account without one is quoting, free and new."""
    return control_from(ControlItem.from_raw_data(raw)) if raw else Control(account=account)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlWrites:
    """Builds the writes to one account's control item."""

    table: str
    account: AccountName

    @property
    def key(self) -> tuple[str, str]:
        """Where the item is."""
        return self.account, keys.CONTROL

    def claim(self, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int) -> Update:
        """Take the lease if it is free or expired, the slot is newer than the last, and the mode is not halted."""
        item = ControlItem
        free = item.lease_owner.does_not_exist() | (item.lease_expires_ms <= now_ms)
        newer = item.last_slot_ms.does_not_exist() | (item.last_slot_ms < slot_ms)
        allowed = item.mode.does_not_exist() | (item.mode != int(Mode.HALTED))
        return Update(
            table=self.table,
            key=self.key,
            actions=[
                item.taken_over_from.set(item.lease_owner | ""),
                item.lease_owner.set(owner),
                item.lease_expires_ms.set(now_ms + lease_ms),
                item.last_slot_ms.set(slot_ms),
                item.mode.set(item.mode | int(Mode.QUOTING)),
                item.epoch.set(item.epoch | 0),
            ],
            condition=free & newer & allowed,
        )

    def held_by(self, owner: str) -> Check:
        """Require that the lease is the owner's; it may have expired, for then nobody else wrote meanwhile."""
        return Check(table=self.table, key=self.key, condition=ControlItem.lease_owner == owner)

    def release(self, *, owner: str, refreshed: Refreshed) -> Update:
        """Drop the lease and write what the tick refreshed, if the lease is the owner's."""
        item = ControlItem
        blocked = self._block(refreshed.blocked_until_ms, is_ban=refreshed.is_banned)
        return Update(
            table=self.table,
            key=self.key,
            actions=[
                item.lease_owner.remove(),
                item.lease_expires_ms.remove(),
                item.book_marks.set([book_mark_map(symbol, mark) for symbol, mark in refreshed.book_marks.items()]),
                item.differing.replace(refreshed.differing),
                item.unreachable_ticks.set(refreshed.unreachable_ticks),
                *(blocked if refreshed.blocked_until_ms else ()),
                *(() if refreshed.meters is None else (item.meters.set(meters_text(refreshed.meters)),)),
            ],
            condition=item.lease_owner == owner,
        )

    def note_block(self, until_ms: int, *, is_ban: bool) -> Update:
        """Note until when the venue wants no requests, if what is kept ends before."""
        kept = ControlItem.blocked_until_ms
        return Update(
            table=self.table,
            key=self.key,
            actions=self._block(until_ms, is_ban=is_ban),
            condition=kept.does_not_exist() | (kept < until_ms),
        )

    def set_mode(self, mode: Mode, *, reason: str, now_ms: int, condition: Condition) -> Update:
        """Change the mode and start a new epoch, if the condition holds."""
        item = ControlItem
        return Update(
            table=self.table,
            key=self.key,
            actions=[
                item.mode.set(int(mode)),
                item.mode_reason.set(reason),
                item.mode_since_ms.set(now_ms),
                item.epoch.add(1),
            ],
            condition=condition,
        )

    def make_foreign(self, owner: str | None) -> Update:
        """Make sure that the map of foreign amounts exists: entries can only be set in one that does."""
        return self._of_owner(owner, [ControlItem.foreign.make()])

    def set_foreign(self, foreign: Mapping[Asset, Decimal], owner: str | None) -> Update:
        """Set these assets' foreign amounts; the others stay."""
        return self._of_owner(owner, [ControlItem.foreign.put(asset, amount) for asset, amount in foreign.items()])

    def make_restrictions(self) -> Update:
        """Make sure that the map of restrictions exists: entries can only be set in one that does."""
        return Update(table=self.table, key=self.key, actions=[ControlItem.restrictions.make()])

    def restrict(self, symbol: Symbol, restriction: Restriction) -> Update:
        """Restrict a market and start a new epoch, if it is not restricted as strongly already."""
        stored, mode, rank = ControlItem.restrictions.entry(symbol), int(restriction.mode), restriction.caution.rank
        is_milder = stored["rank"] < rank
        if rank:
            is_milder |= stored["rank"].does_not_exist()
        return Update(
            table=self.table,
            key=self.key,
            actions=[
                ControlItem.restrictions.put(symbol, restriction_map(restriction)),
                ControlItem.epoch.add(1),
            ],
            condition=stored.does_not_exist() | (stored["mode"] < mode) | ((stored["mode"] == mode) & is_milder),
        )

    def lift(self, symbol: Symbol, *, epoch: int) -> Update:
        """Lift a market's restriction and start a new epoch, if there is one and the epoch is still this."""
        stored = ControlItem.restrictions.entry(symbol)
        return Update(
            table=self.table,
            key=self.key,
            actions=[stored.remove(), ControlItem.epoch.add(1)],
            condition=(ControlItem.epoch == epoch) & stored.exists(),
        )

    def arm(self, now_ms: int) -> Update:
        """Note a takeover and start a new epoch, unless it was noted before."""
        item = ControlItem
        return Update(
            table=self.table,
            key=self.key,
            actions=[item.armed_ms.set(now_ms), item.epoch.add(1)],
            condition=item.armed_ms.does_not_exist() | (item.armed_ms == 0),
        )

    def make_stops(self) -> Update:
        """Make sure that the map of stops exists: entries can only be set in one that does."""
        return Update(table=self.table, key=self.key, actions=[ControlItem.stops.make()])

    def stop(self, symbol: Symbol, stop: Restriction) -> Update:
        """Stop a market and start a new epoch, if it is not stopped already."""
        stored = ControlItem.stops.entry(symbol)
        return self._stopped(symbol, stop, stored.does_not_exist() | (stored["mode"] < int(stop.mode)))

    def end_stop(self, symbol: Symbol, lifted: Restriction, *, epoch: int) -> Update:
        """Write who lifted a market's stop and start a new epoch, if the epoch is still this."""
        return self._stopped(symbol, lifted, ControlItem.epoch == epoch)

    def _stopped(self, symbol: Symbol, stop: Restriction, condition: Condition) -> Update:
        return Update(
            table=self.table,
            key=self.key,
            actions=[ControlItem.stops.put(symbol, restriction_map(stop)), ControlItem.epoch.add(1)],
            condition=condition,
        )

    def note_deployed(self, version: str) -> Update:
        """Note what the ticks are deployed with."""
        return Update(table=self.table, key=self.key, actions=[ControlItem.deployed.set(version)])

    def activate(self, active: ActiveSettings, *, epoch: int) -> Update:
        """Let settings rule and start a new epoch, if the epoch is still this."""
        unchanged = ControlItem.epoch == epoch
        return Update(
            table=self.table,
            key=self.key,
            actions=[ControlItem.settings.set(asdict(active)), ControlItem.epoch.add(1)],
            condition=unchanged if epoch else unchanged | ControlItem.epoch.does_not_exist(),
        )

    def make_peaks(self) -> Update:
        """Make sure that the map of peaks exists: entries can only be set in one that does."""
        return Update(table=self.table, key=self.key, actions=[ControlItem.peaks.make()])

    def raise_peak(self, asset: Asset, equity: Equity) -> Update:
        """Set an asset's peak, if this exceeds the one that is kept; see `Equity.exceeds`."""
        stored, new = ControlItem.peaks.entry(asset), equity_map(equity)
        gains = {DecimalAttribute.attr_type: DecimalAttribute().serialize(equity.gains_quote)}
        return Update(
            table=self.table,
            key=self.key,
            actions=[ControlItem.peaks.put(asset, new)],
            condition=stored.does_not_exist() | (stored["markets"] != new.markets) | (stored["gains_quote"] < gains),
        )

    def make_days(self) -> Update:
        """Make sure that the map of days exists: entries can only be set in one that does."""
        return Update(table=self.table, key=self.key, actions=[ControlItem.days.make()])

    def keep_day(self, asset: Asset, start: DayStart) -> Update:
        """Set an asset's start of a day, if it replaces the one that is kept; see `DayStart.replaces`."""
        stored, new = ControlItem.days.entry(asset), day_map(start)
        is_other = (stored["day"] == start.day) & (stored["markets"] != new.markets)
        return Update(
            table=self.table,
            key=self.key,
            actions=[ControlItem.days.put(asset, new)],
            condition=stored.does_not_exist() | (stored["day"] < start.day) | is_other,
        )

    def clear_peaks(self) -> Update:
        """Forget every peak and every start of a day."""
        return Update(table=self.table, key=self.key, actions=[ControlItem.peaks.remove(), ControlItem.days.remove()])

    def _block(self, until_ms: int, *, is_ban: bool) -> list[Action]:
        return [ControlItem.blocked_until_ms.set(until_ms), ControlItem.is_banned.set(is_ban)]

    def _of_owner(self, owner: str | None, actions: Sequence[Action]) -> Update:
        """Change the item, if the lease is the owner's where there is one."""
        condition = None if owner is None else ControlItem.lease_owner == owner
        return Update(table=self.table, key=self.key, actions=actions, condition=condition)


def own_claim_or_refusal(stored: Control, slot_ms: int, owner: str) -> Control | ClaimRefusal:
    """Say why a claim was refused; a lease that already is this claim's own is its first answer, lost on the way."""
    if stored.mode is Mode.HALTED:
        return ClaimRefusal.HALTED
    if stored.lease is not None and stored.lease.owner == owner and stored.last_slot_ms == slot_ms:
        return stored
    return ClaimRefusal.SLOT_DONE if stored.last_slot_ms >= slot_ms else ClaimRefusal.LEASE_TAKEN
