"""What survives between invocations: state, ledger, prices and keys."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.inventory import FillRow, LedgerRow, OpeningRow
from marketmaker.domain.keys import KeyPurpose, VenueKey
from marketmaker.domain.klines import DayVolume, Kline, KlineMinute
from marketmaker.domain.metering import Hour
from marketmaker.domain.regime import Variances
from marketmaker.domain.state import (
    AccountState,
    ActiveSettings,
    Control,
    Episode,
    MarketState,
    Mode,
    Refreshed,
    Restriction,
    VenueMetadata,
)
from marketmaker.domain.units import AccountName, Asset, Symbol, TradeId


class KeyStore(Protocol):
    """Where an account's venue keys are kept."""

    def read(self, purpose: KeyPurpose) -> VenueKey:
        """Read a key; `Fatal` if it is missing or malformed."""
        ...

    def write(self, purpose: KeyPurpose, key: VenueKey) -> bool:
        """Keep a key from now on; True if there was none."""
        ...


class ClaimRefusal(StrEnum):
    """Why a tick may not run."""

    LEASE_TAKEN = "lease_taken"
    SLOT_DONE = "slot_done"
    HALTED = "halted"


class Store(Protocol):
    """State and ledger. Every write is conditional; a lost race raises `Conflict`."""

    def under(self, owner: str) -> "Store":
        """Return this store for the owner of a lease (R25).

        What it writes of markets and episodes raises `LeaseLost` once another holds the lease, or nobody does.
        """
        ...

    def claim(
        self, account: AccountName, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int
    ) -> Control | ClaimRefusal:
        """Take the lease in one write: lease free or expired, slot newer than the last, mode not halted."""
        ...

    def release(self, account: AccountName, *, owner: str, refreshed: Refreshed) -> None:
        """Give the lease back with what the tick refreshed; does nothing if the lease is no longer ours."""
        ...

    def note_block(self, account: AccountName, *, until_ms: int, is_ban: bool) -> None:
        """Note until when the venue wants no requests, without the lease, unless a later moment is kept."""
        ...

    def read_control(self, account: AccountName) -> Control:
        """Read mode, epoch and lease, consistently."""
        ...

    def read_account(self, account: AccountName) -> AccountState:
        """Read the account's whole partition, consistently."""
        ...

    def open_market(
        self, account: AccountName, opened: MarketState, row: LedgerRow, foreign: Mapping[Asset, Decimal]
    ) -> MarketState:
        """Write a market's first item and opening row once, and these assets' `foreign` amounts to the control item."""
        ...

    def save_market(self, account: AccountName, market: MarketState) -> MarketState:
        """Write a market's item if its version is unchanged; returns it with the new version."""
        ...

    def book(self, account: AccountName, market: MarketState, rows: Sequence[LedgerRow]) -> MarketState:
        """Write at most 90 new ledger rows and the market item in one transaction."""
        ...

    def known_fills(self, account: AccountName, symbol: Symbol, from_id: int) -> frozenset[TradeId]:
        """Return the trade ids at or above an id that the ledger already has."""
        ...

    def opening(self, account: AccountName, symbol: Symbol) -> OpeningRow | None:
        """Read a market's opening row, None before it opened; costs the same however long the ledger is."""
        ...

    def ledger(self, account: AccountName, symbol: Symbol) -> Sequence[LedgerRow]:
        """Read a market's ledger: the opening, fills by trade id, funding by time, transfers by id."""
        ...

    def set_foreign(self, account: AccountName, foreign: Mapping[Asset, Decimal]) -> None:
        """Note how much of these assets the login holds beyond its markets (S2a)."""
        ...

    def recent_fills(
        self, account: AccountName, symbol: Symbol, *, since_ms: int | None, limit: int
    ) -> Sequence[FillRow]:
        """Read at most so many fills, newest trade id first, back to the first that is older than a moment."""
        ...

    def strengthen(self, account: AccountName, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise the mode to at least this one without the lease; a new epoch if it changed."""
        ...

    def resume(self, account: AccountName, *, reason: str, now_ms: int) -> Control:
        """Return to quoting, with a new epoch: an operator's act; `Conflict` if the mode changed meanwhile."""
        ...

    def restrict(self, account: AccountName, symbol: Symbol, restriction: Restriction) -> Control:
        """Restrict a market at least so much, without the lease; a new epoch if that changed anything."""
        ...

    def lift(self, account: AccountName, symbol: Symbol, *, epoch: int) -> Control:
        """Lift a market's restriction, with a new epoch; `Conflict` if the epoch is not the one that was read."""
        ...

    def arm(self, account: AccountName, *, now_ms: int) -> Control:
        """Note that a standby has taken the account over, with a new epoch unless it had before."""
        ...

    def stop_market(self, account: AccountName, symbol: Symbol, *, reason: str, now_ms: int) -> Control:
        """Stop one market until it is resumed, without the lease; a new epoch unless it is stopped already."""
        ...

    def resume_market(self, account: AccountName, symbol: Symbol, *, reason: str, now_ms: int) -> Control:
        """End an operator's stop of a market, with a new epoch; `Conflict` if anything changed meanwhile."""
        ...

    def save_settings(self, account: AccountName, version: str, text: str) -> None:
        """Keep the text of a deployment file by its hash, for ever; a kept version stays as it is."""
        ...

    def settings(self, account: AccountName, version: str) -> str | None:
        """Read a kept version's text, None if nobody kept it."""
        ...

    def note_deployed(self, account: AccountName, version: str) -> None:
        """Note the hash of the file that ticks are deployed with."""
        ...

    def activate_settings(self, account: AccountName, active: ActiveSettings, *, epoch: int) -> Control:
        """Let kept settings rule, with a new epoch; `Conflict` if the epoch is not the one that was read."""
        ...

    def raise_peaks(self, account: AccountName, peaks: Mapping[Asset, Equity]) -> None:
        """Keep each equity that exceeds the peak kept so far; a peak never falls (R6)."""
        ...

    def keep_days(self, account: AccountName, days: Mapping[Asset, DayStart]) -> None:
        """Keep each start of a day, unless one of the same day and markets, or of a later day, is kept."""
        ...

    def tell_exposure(self, exposure: Exposure) -> None:
        """Tell the other accounts of the portfolio what this one holds; never replaces newer by older."""
        ...

    def exposures(self) -> Mapping[AccountName, Exposure]:
        """Read what every account told last."""
        ...

    def keep_hour(self, account: AccountName, symbol: Symbol, hour: Hour) -> None:
        """Keep what was counted in an hour; written twice it is the same."""
        ...

    def hours(self, account: AccountName, symbol: Symbol, *, from_ms: int, to_ms: int) -> Sequence[Hour]:
        """Read what was counted in the kept hours that begin in [from, to), oldest first."""
        ...

    def clear_peaks(self, account: AccountName) -> None:
        """Forget the peaks and the starts of days: re-arming after a loss, an operator's act."""
        ...

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int, is_critical: bool = True) -> bool:
        """Start an alert episode, not told yet; False if there is one, though it may have ended."""
        ...

    def change_episode(self, account: AccountName, key: str, episode: Episode) -> bool:
        """Write an episode if it is still the one that was read, by start and version; False if it is not."""
        ...

    def close_episode(self, account: AccountName, key: str) -> bool:
        """Forget an alert episode; False if there was none."""
        ...


class Prices(Protocol):
    """What the venues publish and what is measured of it, kept for every account."""

    def metadata(self, venue: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata]:
        """Read what is kept of these markets' metadata."""
        ...

    def save_metadata(self, venue: str, metadata: Sequence[VenueMetadata]) -> None:
        """Keep metadata; never replaces newer by older."""
        ...

    def day_volumes(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, DayVolume]:
        """Read these markets' volumes of the last 24 h that were kept last; one without is left out."""
        ...

    def save_day_volume(self, venue: str, volume: DayVolume) -> None:
        """Keep a day's volume; never replaces newer by older."""
        ...

    def last_kline_ms(self, venue: str, symbol: Symbol) -> int | None:
        """Return the start of the newest kept minute, None without any."""
        ...

    def save_klines(self, venue: str, symbol: Symbol, minute: KlineMinute) -> None:
        """Keep a minute's klines for a while; a kept minute stays as it is."""
        ...

    def klines(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Sequence[Kline]:
        """Read the kept klines that open in [from, to), oldest first."""
        ...

    def calibrations(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, Calibration]:
        """Read what was last measured of these markets; one without is left out."""
        ...

    def save_calibration(self, venue: str, symbol: Symbol, calibration: Calibration) -> None:
        """Keep what was measured; never replaces newer by older."""
        ...

    def variances(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Variances:
        """Read the kept variances of the buckets that start in [from, to)."""
        ...

    def save_variances(self, venue: str, symbol: Symbol, variances: Variances) -> None:
        """Keep variances for a while; a kept bucket stays as it is, one that is known to be missing too."""
        ...

    def mark_triangle(self, venue: str, symbol: Symbol, account: AccountName, *, is_open: bool, now_ms: int) -> bool:
        """Note that a triangle's edge stands open, or no more; False if that is already noted."""
        ...
