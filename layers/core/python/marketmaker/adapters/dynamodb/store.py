"""The `Store` port on DynamoDB.

A request whose answer was lost is sent again by botocore, so a condition may fail because of our own first success.
`ConditionFailed` therefore carries the stored item: a lease of our owner and slot, or a market item with this call's
own `write_id`, says that the call succeeded. Only `close_episode` cannot tell: its second answer says "none was open".
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice, takewhile

from pynamodb.expressions.condition import Condition

from marketmaker.adapters.dynamodb import control, keys, meters
from marketmaker.adapters.dynamodb.account_items import episode_from, exposure_from, exposure_item
from marketmaker.adapters.dynamodb.client import Put, TableClient, Update
from marketmaker.adapters.dynamodb.control import ControlWrites
from marketmaker.adapters.dynamodb.episode_writes import EpisodeWrites
from marketmaker.adapters.dynamodb.failures import ConditionFailed
from marketmaker.adapters.dynamodb.ledger_items import fill_from, funding_from, opening_from, transfer_from
from marketmaker.adapters.dynamodb.market_items import market_from
from marketmaker.adapters.dynamodb.market_writes import MarketWrites, lease_lost
from marketmaker.adapters.dynamodb.models import (
    ConfigItem,
    ControlItem,
    EpisodeItem,
    ExposureItem,
    FillItem,
    FundingItem,
    LedgerItem,
    MarketItem,
    OpeningItem,
    StateItem,
    TransferItem,
)
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.inventory import FillRow, LedgerRow, OpeningRow
from marketmaker.domain.metering import Hour
from marketmaker.domain.state import (
    AccountState,
    ActiveSettings,
    Control,
    Episode,
    MarketState,
    Mode,
    Refreshed,
    Restriction,
)
from marketmaker.domain.units import AccountName, Asset, Symbol, TradeId
from marketmaker.errors import Conflict, Fatal
from marketmaker.ports import ClaimRefusal

MAX_ROWS = 90
"""Ledger rows of one transaction; the service allows 100 writes."""
FILLS_A_PAGE = 500
"""Ledger rows of one read backwards: some 200 KB."""


class DynamoDbStore:
    """State and ledger of all accounts in two tables. Nothing connects before the first request."""

    def __init__(self, client: TableClient, owner: str | None = None) -> None:
        self._state = client.settings.state_table
        self._ledger = client.settings.ledger_table
        self._client = client
        self._owner = owner
        self._markets = MarketWrites(client=client, owner=owner)
        self._episodes = EpisodeWrites(client=client, owner=owner)

    def under(self, owner: str) -> "DynamoDbStore":
        """Return this store for the owner of a lease; without it no market or episode is written (R25)."""
        return DynamoDbStore(self._client, owner)

    def claim(
        self, account: AccountName, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int
    ) -> Control | ClaimRefusal:
        """Take the lease in one conditional write; `owner` is unique to the invocation (R9)."""
        claim = self._control(account).claim(slot_ms=slot_ms, owner=owner, now_ms=now_ms, lease_ms=lease_ms)
        try:
            return control.read(account, self._client.update(claim))
        except ConditionFailed as failed:
            return control.own_claim_or_refusal(control.read(account, failed.stored), slot_ms, owner)

    def release(self, account: AccountName, *, owner: str, refreshed: Refreshed) -> None:
        """Give the lease back with what the tick refreshed; writes nothing if the lease is another's (R25)."""
        try:
            self._client.update(self._control(account).release(owner=owner, refreshed=refreshed))
        except ConditionFailed:
            return

    def note_block(self, account: AccountName, *, until_ms: int, is_ban: bool) -> None:
        """Note until when the venue wants no requests, unless a later moment is kept."""
        try:
            self._client.update(self._control(account).note_block(until_ms, is_ban=is_ban))
        except ConditionFailed:
            return

    def read_control(self, account: AccountName) -> Control:
        """Read mode, epoch and lease, consistently."""
        return control.read(account, self._client.get(self._state, self._control(account).key))

    def read_account(self, account: AccountName) -> AccountState:
        """Read the account's partition consistently, but for the settings kept in it: their number only grows."""
        own = Control(account=account)
        markets: dict[Symbol, MarketState] = {}
        episodes: dict[str, Episode] = {}
        for raw in self._client.query(self._state, account, StateItem.item >= keys.CONTROL):
            key: str = raw["item"]["S"]
            if key == keys.CONTROL:
                own = control.read(account, raw)
            elif key.startswith(keys.MARKET):
                market = market_from(MarketItem.from_raw_data(raw))
                markets[market.symbol] = market
            elif key.startswith(keys.EPISODE):
                episodes[key.removeprefix(keys.EPISODE)] = episode_from(EpisodeItem.from_raw_data(raw))
        return AccountState(control=own, markets=markets, episodes=episodes)

    def open_market(
        self, account: AccountName, opened: MarketState, row: LedgerRow, foreign: Mapping[Asset, Decimal]
    ) -> MarketState:
        """Write a market's first item, its opening row and its assets' foreign amounts in one transaction."""
        writes = self._control(account)
        first = MarketItem.version.does_not_exist()
        opening = self._markets.row(account, opened.symbol, row)
        if not foreign:
            return self._markets.write(account, opened, first, opening)
        try:
            self._client.update(writes.make_foreign(self._owner))
        except ConditionFailed as failed:
            raise lease_lost(account) from failed
        return self._markets.write(account, opened, first, opening, lease=writes.set_foreign(foreign, self._owner))

    def save_market(self, account: AccountName, market: MarketState) -> MarketState:
        """Write a market's item if its version is unchanged."""
        return self._markets.write(account, market, MarketItem.version == market.version)

    def book(self, account: AccountName, market: MarketState, rows: Sequence[LedgerRow]) -> MarketState:
        """Write at most 90 new ledger rows and the market item in one transaction (R14)."""
        if len(rows) > MAX_ROWS:
            raise ValueError(f"{len(rows)} ledger rows in one transaction; allowed: at most {MAX_ROWS}")
        if len({keys.row_key(row) for row in rows}) < len(rows):
            raise ValueError(f"the same ledger row is given twice for {market.symbol}")
        puts = [self._markets.row(account, market.symbol, row) for row in rows]
        return self._markets.write(account, market, MarketItem.version == market.version, *puts)

    def known_fills(self, account: AccountName, symbol: Symbol, from_id: int) -> frozenset[TradeId]:
        """Return the trade ids at or above an id that the ledger already has."""
        within = LedgerItem.row.between(keys.fill_key(from_id), keys.LAST_FILL)
        rows = self._client.query(self._ledger, keys.ledger_partition(account, symbol), within, only=["row"])
        return frozenset(keys.trade_id(raw["row"]["S"]) for raw in rows)

    def opening(self, account: AccountName, symbol: Symbol) -> OpeningRow | None:
        """Read a market's opening row, None before it opened."""
        raw = self._client.get(self._ledger, (keys.ledger_partition(account, symbol), keys.OPENING))
        return opening_from(OpeningItem.from_raw_data(raw), symbol) if raw else None

    def ledger(self, account: AccountName, symbol: Symbol) -> Sequence[LedgerRow]:
        """Read a market's ledger: the opening, fills by trade id, funding by time, transfers by id."""
        opening: list[LedgerRow] = []
        fills: list[LedgerRow] = []
        funding: list[LedgerRow] = []
        transfers: list[LedgerRow] = []
        for raw in self._client.query(self._ledger, keys.ledger_partition(account, symbol)):
            key: str = raw["row"]["S"]
            if key == keys.OPENING:
                opening.append(opening_from(OpeningItem.from_raw_data(raw), symbol))
            elif key.startswith(keys.FILL):
                fills.append(fill_from(FillItem.from_raw_data(raw), symbol))
            elif key.startswith(keys.FUNDING):
                funding.append(funding_from(FundingItem.from_raw_data(raw), symbol))
            elif key.startswith(keys.TRANSFER):
                transfers.append(transfer_from(TransferItem.from_raw_data(raw)))
            else:
                raise Fatal(f"ledger row {key!r} of {account} {symbol} is of a kind this release does not know")
        return opening + fills + funding + transfers

    def set_foreign(self, account: AccountName, foreign: Mapping[Asset, Decimal]) -> None:
        """Note how much of these assets is not the markets' (S2a)."""
        writes = self._control(account)
        self._client.update(writes.make_foreign(None))
        self._client.update(writes.set_foreign(foreign, None))

    def recent_fills(
        self, account: AccountName, symbol: Symbol, *, since_ms: int | None, limit: int
    ) -> Sequence[FillRow]:
        """Read at most so many fills, newest trade id first, back to the first that is older than a moment."""
        within = LedgerItem.row.between(keys.fill_key(0), keys.LAST_FILL)
        page = min(limit, FILLS_A_PAGE)
        newest = self._client.backwards(self._ledger, keys.ledger_partition(account, symbol), within, page)
        rows = (fill_from(FillItem.from_raw_data(raw), symbol) for raw in newest)
        young = takewhile(lambda row: since_ms is None or row.fill.time_ms >= since_ms, rows)
        return list(islice(young, limit))

    def strengthen(self, account: AccountName, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise the mode to at least this one without the lease; a new epoch if it changed."""
        if mode is Mode.QUOTING:
            return self.read_control(account)
        weaker = ControlItem.mode.does_not_exist() | (ControlItem.mode < int(mode))
        try:
            return self._set_mode(account, mode, reason, now_ms, weaker)
        except ConditionFailed as failed:
            return control.read(account, failed.stored)

    def resume(self, account: AccountName, *, reason: str, now_ms: int) -> Control:
        """Return to quoting, with a new epoch: an operator's act.

        Raises:
            Conflict: the mode changed since it was read; a halt that came in between stands.
        """
        seen = self.read_control(account)
        if seen.mode is Mode.QUOTING:
            return seen
        try:
            return self._set_mode(account, Mode.QUOTING, reason, now_ms, ControlItem.epoch == seen.epoch)
        except ConditionFailed as failed:
            now = control.read(account, failed.stored)
        if now.mode is Mode.QUOTING:
            return now
        raise Conflict(f"{account} became {now.mode.label} while it was resumed: {now.mode_reason}")

    def restrict(self, account: AccountName, symbol: Symbol, restriction: Restriction) -> Control:
        """Restrict a market at least so much; a new epoch if that changed anything."""
        writes = self._control(account)
        self._client.update(writes.make_restrictions())
        try:
            return control.read(account, self._client.update(writes.restrict(symbol, restriction)))
        except ConditionFailed as failed:
            return control.read(account, failed.stored)

    def lift(self, account: AccountName, symbol: Symbol, *, epoch: int) -> Control:
        """Lift a market's restriction, with a new epoch; nothing changes where there is none.

        Raises:
            Conflict: mode or restrictions changed since the epoch was read; the market stays restricted.
        """
        try:
            return control.read(account, self._client.update(self._control(account).lift(symbol, epoch=epoch)))
        except ConditionFailed as failed:
            now = control.read(account, failed.stored)
        if symbol not in now.restrictions:
            return now
        raise Conflict(f"{account} is in epoch {now.epoch}, no longer in {epoch}: {symbol} stays restricted")

    def arm(self, account: AccountName, *, now_ms: int) -> Control:
        """Note that a standby has taken the account over; a new epoch unless it had before."""
        try:
            return control.read(account, self._client.update(self._control(account).arm(now_ms)))
        except ConditionFailed as failed:
            return control.read(account, failed.stored)

    def stop_market(self, account: AccountName, symbol: Symbol, *, reason: str, now_ms: int) -> Control:
        """Stop one market until it is resumed; a new epoch unless it is stopped already."""
        writes = self._control(account)
        self._client.update(writes.make_stops())
        stop = Restriction(mode=Mode.HALTED, reason=reason, since_ms=now_ms)
        try:
            return control.read(account, self._client.update(writes.stop(symbol, stop)))
        except ConditionFailed as failed:
            return control.read(account, failed.stored)

    def resume_market(self, account: AccountName, symbol: Symbol, *, reason: str, now_ms: int) -> Control:
        """End an operator's stop of a market, with a new epoch.

        Raises:
            Conflict: mode or restrictions changed since they were read; the market stays stopped.
        """
        seen = self.read_control(account)
        if symbol not in seen.stops or seen.stops[symbol].mode is Mode.QUOTING:
            return seen
        lifted = Restriction(mode=Mode.QUOTING, reason=reason, since_ms=now_ms)
        try:
            return control.read(
                account, self._client.update(self._control(account).end_stop(symbol, lifted, epoch=seen.epoch))
            )
        except ConditionFailed as failed:
            now = control.read(account, failed.stored)
        if now.stops.get(symbol) == lifted:
            return now
        raise Conflict(f"{account} changed while {symbol} was resumed: it stays stopped; try again")

    def save_settings(self, account: AccountName, version: str, text: str) -> None:
        """Keep the text of a deployment file by its hash; a kept version stays as it is."""
        item = ConfigItem(account, keys.CONFIG + version, text=text)
        try:
            self._client.put(Put(table=self._state, item=item, condition=ConfigItem.text.does_not_exist()))
        except ConditionFailed:
            return

    def settings(self, account: AccountName, version: str) -> str | None:
        """Read a kept version's text, None if nobody kept it."""
        raw = self._client.get(self._state, (account, keys.CONFIG + version))
        return ConfigItem.from_raw_data(raw).text if raw else None

    def note_deployed(self, account: AccountName, version: str) -> None:
        """Note the hash of the file that ticks are deployed with."""
        self._client.update(self._control(account).note_deployed(version))

    def activate_settings(self, account: AccountName, active: ActiveSettings, *, epoch: int) -> Control:
        """Let kept settings rule, with a new epoch.

        Raises:
            Conflict: mode, restrictions or settings changed since the epoch was read; the settings stay as they are.
        """
        try:
            return control.read(account, self._client.update(self._control(account).activate(active, epoch=epoch)))
        except ConditionFailed as failed:
            now = control.read(account, failed.stored)
        if now.settings == active:
            return now
        raise Conflict(f"{account} is in epoch {now.epoch}, no longer in {epoch}: its settings stay as they are")

    def raise_peaks(self, account: AccountName, peaks: Mapping[Asset, Equity]) -> None:
        """Keep each equity that exceeds the peak kept so far; a peak never falls (R6)."""
        writes = self._control(account)
        self._client.update(writes.make_peaks())
        for asset, equity in peaks.items():
            try:
                self._client.update(writes.raise_peak(asset, equity))
            except ConditionFailed:
                continue

    def keep_days(self, account: AccountName, days: Mapping[Asset, DayStart]) -> None:
        """Keep each start of a day, unless one of the same day and markets, or of a later day, is kept."""
        writes = self._control(account)
        self._client.update(writes.make_days())
        for asset, start in days.items():
            try:
                self._client.update(writes.keep_day(asset, start))
            except ConditionFailed:
                continue

    def tell_exposure(self, exposure: Exposure) -> None:
        """Tell the other accounts of the portfolio what this one holds; never replaces newer by older."""
        older = ExposureItem.time_ms.does_not_exist() | (ExposureItem.time_ms <= exposure.time_ms)
        try:
            self._client.put(Put(table=self._state, item=exposure_item(exposure), condition=older))
        except ConditionFailed:
            return

    def exposures(self) -> Mapping[AccountName, Exposure]:
        """Read what every account told last."""
        rows = self._client.query(self._state, keys.PORTFOLIO)
        told = [exposure_from(ExposureItem.from_raw_data(raw)) for raw in rows]
        return {each.account: each for each in told}

    def keep_hour(self, account: AccountName, symbol: Symbol, hour: Hour) -> None:
        """Keep what was counted in an hour; written twice it is the same."""
        key = account, meters.day_key(symbol, hour.start_ms)
        self._client.update(Update(table=self._state, key=key, actions=[meters.hour_action(hour)]))

    def hours(self, account: AccountName, symbol: Symbol, *, from_ms: int, to_ms: int) -> Sequence[Hour]:
        """Read what was counted in the kept hours that begin in [from, to), oldest first."""
        within = StateItem.item.between(meters.day_key(symbol, from_ms), meters.day_key(symbol, to_ms))
        kept = (hour for raw in self._client.query(self._state, account, within) for hour in meters.hours_from(raw))
        return [hour for hour in kept if from_ms <= hour.start_ms < to_ms]

    def clear_peaks(self, account: AccountName) -> None:
        """Forget the account's peaks and starts of days: the next check starts new ones."""
        self._client.update(self._control(account).clear_peaks())

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int, is_critical: bool = True) -> bool:
        """Start an alert episode, not told yet; False if there is one."""
        return self._episodes.open(account, key, Episode(text=text, since_ms=now_ms, is_critical=is_critical))

    def change_episode(self, account: AccountName, key: str, episode: Episode) -> bool:
        """Write an episode if it is still the one that was read; False if it is not."""
        return self._episodes.change(account, key, episode)

    def close_episode(self, account: AccountName, key: str) -> bool:
        """Forget an alert episode; False if there was none."""
        return self._episodes.close(account, key)

    def _control(self, account: AccountName) -> ControlWrites:
        return ControlWrites(table=self._state, account=account)

    def _set_mode(self, account: AccountName, mode: Mode, reason: str, now_ms: int, condition: Condition) -> Control:
        change = self._control(account).set_mode(mode, reason=reason, now_ms=now_ms, condition=condition)
        return control.read(account, self._client.update(change))
