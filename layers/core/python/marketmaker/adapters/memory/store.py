"""The store in memory: the same promises as the real one, kept by the same contract suite.

A tick costs it microseconds, and what it keeps beside the ledger does not grow with the ticks: values are frozen, so
reading hands them out as they are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice, takewhile
from threading import RLock
from typing import Self

from marketmaker.adapters.memory.ledger import MarketLedger, fill_id
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.inventory import FillRow, FundingRow, LedgerRow, OpeningRow, TransferRow
from marketmaker.domain.metering import Hour
from marketmaker.domain.state import (
    AccountState,
    ActiveSettings,
    Control,
    Episode,
    Lease,
    MarketState,
    Mode,
    Refreshed,
    Restriction,
)
from marketmaker.domain.units import AccountName, Asset, Symbol, TradeId
from marketmaker.errors import Conflict, LeaseLost
from marketmaker.ports import ClaimRefusal

MOST_ROWS = 90
"""Ledger rows of one `book`, as in the real table's transactions."""


@dataclass(slots=True)
class _Partition:
    control: Control
    markets: dict[Symbol, MarketState] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    ledgers: defaultdict[Symbol, MarketLedger] = field(default_factory=lambda: defaultdict(MarketLedger))
    settings: dict[str, str] = field(default_factory=dict)
    hours: defaultdict[Symbol, dict[int, Hour]] = field(default_factory=lambda: defaultdict(dict))


class InMemoryStore:
    """Implements `Store`; with `fills_kept` a ledger keeps about so many of its newest fills, for long simulations."""

    def __init__(self, *, fills_kept: int | None = None) -> None:
        self._fills_kept = fills_kept
        self._lock = RLock()
        self._partitions: dict[AccountName, _Partition] = {}
        self._exposures: dict[AccountName, Exposure] = {}
        self._owner: str | None = None

    def under(self, owner: str) -> Self:
        """Return the same store for the owner of a lease."""
        fenced = object.__new__(type(self))  # `copy` takes ten times as long, every tick
        fenced.__dict__.update(self.__dict__, _owner=owner)
        return fenced

    def claim(
        self, account: AccountName, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int
    ) -> Control | ClaimRefusal:
        """Take the lease, or say why not; the owner's own claim is granted again."""
        with self._lock:
            control = self._of(account).control
            if control.mode is Mode.HALTED:
                return ClaimRefusal.HALTED
            if control.lease is not None and control.lease.owner == owner and control.last_slot_ms == slot_ms:
                return control
            if control.last_slot_ms >= slot_ms:
                return ClaimRefusal.SLOT_DONE
            if control.lease is not None and control.lease.expires_ms > now_ms:
                return ClaimRefusal.LEASE_TAKEN
            lease = Lease(owner=owner, expires_ms=now_ms + lease_ms)
            expired = control.lease.owner if control.lease is not None else None
            return self._change(account, lease=lease, last_slot_ms=slot_ms, taken_over_from=expired)

    def release(self, account: AccountName, *, owner: str, refreshed: Refreshed) -> None:
        """Give the lease back if it is the owner's."""
        with self._lock:
            lease = self._of(account).control.lease
            if lease is not None and lease.owner == owner:
                told = {name: getattr(refreshed, name) for name in refreshed.__slots__}
                if not refreshed.blocked_until_ms:
                    del told["blocked_until_ms"], told["is_banned"]
                if refreshed.meters is None:
                    del told["meters"]
                self._change(account, lease=None, **told)

    def note_block(self, account: AccountName, *, until_ms: int, is_ban: bool) -> None:
        """Note until when the venue wants no requests, unless a later moment is kept."""
        with self._lock:
            if self._of(account).control.blocked_until_ms < until_ms:
                self._change(account, blocked_until_ms=until_ms, is_banned=is_ban)

    def read_control(self, account: AccountName) -> Control:
        """Return the account's control."""
        with self._lock:
            return self._of(account).control

    def read_account(self, account: AccountName) -> AccountState:
        """Return a copy of the account's partition."""
        with self._lock:
            own = self._of(account)
            return AccountState(
                control=own.control,
                markets=dict(own.markets),
                episodes=dict(own.episodes),
            )

    def open_market(
        self, account: AccountName, opened: MarketState, row: LedgerRow, foreign: Mapping[Asset, Decimal]
    ) -> MarketState:
        """Write a market's first item, opening row and its assets' foreign amounts, once."""
        with self._lock:
            own = self._of(account)
            self._require_lease(account)
            if opened.symbol in own.markets:
                raise Conflict(f"{account} {opened.symbol} is already open")
            _add_rows(own, opened.symbol, [row])
            self._change(account, foreign={**own.control.foreign, **foreign})
            return self._put(own, opened)

    def save_market(self, account: AccountName, market: MarketState) -> MarketState:
        """Write a market's item if its version is unchanged."""
        return self.book(account, market, ())

    def book(self, account: AccountName, market: MarketState, rows: Sequence[LedgerRow]) -> MarketState:
        """Write new ledger rows and the market item together."""
        if len(rows) > MOST_ROWS:
            raise ValueError(f"{len(rows)} ledger rows in one transaction; allowed: at most {MOST_ROWS}")
        if len({_identity(row) for row in rows}) < len(rows):
            raise ValueError(f"the same ledger row is given twice for {market.symbol}")
        with self._lock:
            own = self._of(account)
            self._require_lease(account)
            stored = own.markets.get(market.symbol)
            if stored is None or stored.version != market.version:
                raise Conflict(f"{account} {market.symbol} is not at version {market.version} any more")
            if rows:
                _add_rows(own, market.symbol, rows)
                if self._fills_kept is not None:
                    own.ledgers[market.symbol].keep_newest(self._fills_kept)
            return self._put(own, market)

    def known_fills(self, account: AccountName, symbol: Symbol, from_id: int) -> frozenset[TradeId]:
        """Return the booked trade ids at or above an id."""
        with self._lock:
            return self._of(account).ledgers[symbol].known_from(from_id)

    def opening(self, account: AccountName, symbol: Symbol) -> OpeningRow | None:
        """Return the opening row."""
        with self._lock:
            return self._of(account).ledgers[symbol].opening

    def ledger(self, account: AccountName, symbol: Symbol) -> Sequence[LedgerRow]:
        """Return the opening row, then the fills by trade id."""
        with self._lock:
            return self._of(account).ledgers[symbol].rows()

    def set_foreign(self, account: AccountName, foreign: Mapping[Asset, Decimal]) -> None:
        """Note how much of these assets is not the markets'."""
        with self._lock:
            self._change(account, foreign={**self._of(account).control.foreign, **foreign})

    def recent_fills(
        self, account: AccountName, symbol: Symbol, *, since_ms: int | None, limit: int
    ) -> Sequence[FillRow]:
        """Return the newest fills, back to the first that is too old."""
        with self._lock:
            newest = self._of(account).ledgers[symbol].newest()
            young = takewhile(lambda row: since_ms is None or row.fill.time_ms >= since_ms, newest)
            return list(islice(young, limit))

    def strengthen(self, account: AccountName, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise the mode; a new epoch if it changed."""
        with self._lock:
            control = self._of(account).control
            return control if control.mode >= mode else self._set_mode(account, mode, reason, now_ms)

    def resume(self, account: AccountName, *, reason: str, now_ms: int) -> Control:
        """Return to quoting; a new epoch if it changed."""
        with self._lock:
            control = self._of(account).control
            return control if control.mode is Mode.QUOTING else self._set_mode(account, Mode.QUOTING, reason, now_ms)

    def restrict(self, account: AccountName, symbol: Symbol, restriction: Restriction) -> Control:
        """Restrict a market at least so much; a new epoch if that changed anything."""
        with self._lock:
            control = self._of(account).control
            if not restriction.exceeds(control.restrictions.get(symbol)):
                return control
            restrictions = {**control.restrictions, symbol: restriction}
            return self._change(account, restrictions=restrictions, epoch=control.epoch + 1)

    def lift(self, account: AccountName, symbol: Symbol, *, epoch: int) -> Control:
        """Lift a market's restriction if the epoch is unchanged."""
        with self._lock:
            control = self._of(account).control
            if symbol not in control.restrictions:
                return control
            if control.epoch != epoch:
                raise Conflict(f"{account} is in epoch {control.epoch}, no longer in {epoch}")
            restrictions = {each: kept for each, kept in control.restrictions.items() if each != symbol}
            return self._change(account, restrictions=restrictions, epoch=epoch + 1)

    def arm(self, account: AccountName, *, now_ms: int) -> Control:
        """Note that the account was taken over."""
        with self._lock:
            control = self._of(account).control
            return control if control.armed_ms else self._change(account, armed_ms=now_ms, epoch=control.epoch + 1)

    def stop_market(self, account: AccountName, symbol: Symbol, *, reason: str, now_ms: int) -> Control:
        """Stop a market; a new epoch unless it is stopped already."""
        return self._set_stop(account, symbol, Restriction(mode=Mode.HALTED, reason=reason, since_ms=now_ms))

    def resume_market(self, account: AccountName, symbol: Symbol, *, reason: str, now_ms: int) -> Control:
        """End a market's stop; a new epoch if there was one."""
        return self._set_stop(account, symbol, Restriction(mode=Mode.QUOTING, reason=reason, since_ms=now_ms))

    def save_settings(self, account: AccountName, version: str, text: str) -> None:
        """Keep a version's text, the first that comes."""
        with self._lock:
            self._of(account).settings.setdefault(version, text)

    def settings(self, account: AccountName, version: str) -> str | None:
        """Return a kept version's text."""
        with self._lock:
            return self._of(account).settings.get(version)

    def note_deployed(self, account: AccountName, version: str) -> None:
        """Note what the ticks are deployed with."""
        with self._lock:
            self._change(account, deployed=version)

    def activate_settings(self, account: AccountName, active: ActiveSettings, *, epoch: int) -> Control:
        """Let settings rule if the epoch is unchanged."""
        with self._lock:
            control = self._of(account).control
            if control.settings == active:
                return control
            if control.epoch != epoch:
                raise Conflict(f"{account} is in epoch {control.epoch}, no longer in {epoch}")
            return self._change(account, settings=active, epoch=epoch + 1)

    def raise_peaks(self, account: AccountName, peaks: Mapping[Asset, Equity]) -> None:
        """Keep what exceeds the peaks."""
        with self._lock:
            kept = self._of(account).control.peaks
            higher = {asset: equity for asset, equity in peaks.items() if equity.exceeds(kept.get(asset))}
            self._change(account, peaks={**kept, **higher})

    def keep_days(self, account: AccountName, days: Mapping[Asset, DayStart]) -> None:
        """Keep what starts a later day, or the same with other markets."""
        with self._lock:
            kept = self._of(account).control.days
            newer = {asset: start for asset, start in days.items() if start.replaces(kept.get(asset))}
            self._change(account, days={**kept, **newer})

    def tell_exposure(self, exposure: Exposure) -> None:
        """Keep what an account holds, never older over newer."""
        with self._lock:
            kept = self._exposures.get(exposure.account)
            if kept is None or kept.time_ms <= exposure.time_ms:
                self._exposures[exposure.account] = exposure

    def exposures(self) -> Mapping[AccountName, Exposure]:
        """Return what every account told last."""
        with self._lock:
            return dict(self._exposures)

    def keep_hour(self, account: AccountName, symbol: Symbol, hour: Hour) -> None:
        """Keep what was counted in an hour."""
        with self._lock:
            self._of(account).hours[symbol][hour.start_ms] = hour

    def hours(self, account: AccountName, symbol: Symbol, *, from_ms: int, to_ms: int) -> Sequence[Hour]:
        """Return the kept hours that begin in [from, to), oldest first."""
        with self._lock:
            kept = self._of(account).hours[symbol]
            return [kept[start_ms] for start_ms in sorted(kept) if from_ms <= start_ms < to_ms]

    def clear_peaks(self, account: AccountName) -> None:
        """Forget the peaks and the starts of days."""
        with self._lock:
            self._change(account, peaks={}, days={})

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int, is_critical: bool = True) -> bool:
        """Start an episode; False if there is one."""
        with self._lock:
            self._require_lease(account)
            episodes = self._of(account).episodes
            episode = Episode(text=text, since_ms=now_ms, is_critical=is_critical)
            return episodes.setdefault(key, episode) == episode

    def change_episode(self, account: AccountName, key: str, episode: Episode) -> bool:
        """Write an episode if its start and version are unchanged."""
        with self._lock:
            self._require_lease(account)
            episodes = self._of(account).episodes
            kept = episodes.get(key)
            if kept is None or (kept.since_ms, kept.version) != (episode.since_ms, episode.version):
                return False
            episodes[key] = replace(episode, version=episode.version + 1)
            return True

    def close_episode(self, account: AccountName, key: str) -> bool:
        """End an episode; False if none was open."""
        with self._lock:
            self._require_lease(account)
            return self._of(account).episodes.pop(key, None) is not None

    def _of(self, account: AccountName) -> _Partition:
        own = self._partitions.get(account)
        if own is None:
            own = self._partitions[account] = _Partition(control=Control(account=account))
        return own

    def _require_lease(self, account: AccountName) -> None:
        lease = self._of(account).control.lease
        if self._owner is not None and (lease is None or lease.owner != self._owner):
            raise LeaseLost(f"the lease of {account} is another's or nobody's")

    def _change(self, account: AccountName, **changes: object) -> Control:
        own = self._of(account)
        own.control = replace(own.control, **changes)  # type: ignore[arg-type]
        return own.control

    def _set_mode(self, account: AccountName, mode: Mode, reason: str, now_ms: int) -> Control:
        epoch = self._of(account).control.epoch + 1
        return self._change(account, mode=mode, epoch=epoch, mode_reason=reason, mode_since_ms=now_ms)

    def _set_stop(self, account: AccountName, symbol: Symbol, stop: Restriction) -> Control:
        with self._lock:
            control = self._of(account).control
            kept = control.stops.get(symbol)
            if (Mode.QUOTING if kept is None else kept.mode) is stop.mode:
                return control
            return self._change(account, stops={**control.stops, symbol: stop}, epoch=control.epoch + 1)

    @staticmethod
    def _put(own: _Partition, market: MarketState) -> MarketState:
        written = replace(market, version=market.version + 1)
        own.markets[market.symbol] = written
        return written


def _add_rows(own: _Partition, symbol: Symbol, rows: Sequence[LedgerRow]) -> None:
    ledger = own.ledgers[symbol]
    if ledger.has_any(rows):
        raise Conflict(f"a ledger row of {symbol} exists")
    ledger.add(rows)


def _identity(row: LedgerRow) -> tuple[type[LedgerRow], int | str]:
    match row:
        case OpeningRow():
            return OpeningRow, 0
        case FundingRow():
            return FundingRow, row.key
        case TransferRow():
            return TransferRow, row.transfer.id
        case FillRow():
            return FillRow, fill_id(row)
