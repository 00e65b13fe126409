"""What the use cases need from the world; adapters and fakes implement these Protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from marketmaker.domain.drawdown import Equity
from marketmaker.domain.inventory import LedgerRow
from marketmaker.domain.keys import KeyPurpose, VenueKey
from marketmaker.domain.klines import DayVolume, Kline, KlineMinute
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import AccountState, BookMark, Control, MarketState, Mode, VenueMetadata
from marketmaker.domain.units import AccountName, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId


class Clock(Protocol):
    """Time, passed in."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The moment by which an invocation must have finished; every call gets what is left of it."""

    at_ms: int
    clock: Clock

    def remaining_ms(self) -> int:
        """Milliseconds left, never negative."""
        return max(0, self.at_ms - self.clock.now_ms())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that could not be read, and why; never zero, never empty (R7)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the venue holds of one asset for us."""

    free: Decimal
    reserved: Decimal

    @property
    def total(self) -> Decimal:
        """Free and reserved together."""
        return self.free + self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One parallel round of reads; each part is known or `Unknown`."""

    open_orders: Sequence[Order] | Unknown
    balances: Mapping[Asset, Balance] | Unknown
    books: Mapping[Symbol, Book | Unknown]
    last_prices: Mapping[Symbol, Decimal | Unknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The venue took the order; it rests."""

    order: Order


class RejectionKind(StrEnum):
    """Why a create did not happen."""

    WOULD_TAKE = "would_take"
    REFUSED = "refused"
    RETRYABLE = "retryable"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The order certainly does not exist."""

    order: NewOrder
    kind: RejectionKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """The venue may have taken the order (R1)."""

    order: NewOrder
    signed_ms: int
    reason: str


PlaceOutcome = Accepted | Rejected | OutcomeUnknown


class CancelResult(StrEnum):
    """What became of a cancel."""

    CANCELLED = "cancelled"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOutcome:
    """One cancel's result; `executed_base` is the venue's final figure where it gave one."""

    order: Order
    result: CancelResult
    executed_base: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPermissions:
    """What the venue lets a key do; `is_ip_bound` tells whether it works from listed addresses only."""

    trades: bool
    withdraws: bool
    is_ip_bound: bool


class Venue(Protocol):
    """One login at one venue. Every method raises `AccountRefused` when the login itself is refused."""

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets' metadata is loaded, none of it before a moment."""
        ...

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata instead of asking the venue."""
        ...

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Read these markets' metadata from the venue and use it."""
        ...

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a loaded market's rules."""
        ...

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read books, open orders, balances and wanted last prices in one parallel round."""
        ...

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders of the login, our own and foreign ones."""
        ...

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:
        """Read the login's trades from an id on, oldest first, to the last page."""
        ...

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:
        """Return the id of the login's newest trade, None if it never traded."""
        ...

    def find_order(
        self, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool, deadline: Deadline
    ) -> Order | None:
        """Look one order up, live or not; None if the venue does not know it."""
        ...

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:
        """Return the client id an order was created with; trades carry only the venue's id."""
        ...

    def time_ms(self, deadline: Deadline) -> int:
        """Read the venue's own clock."""
        ...

    def fetch_klines(self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline) -> Sequence[Kline]:
        """Read the klines that open in [since, until), oldest first; the venue leaves out what it does not list."""
        ...

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what these markets traded in the last 24 h, in the same order."""
        ...

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:
        """Read what the login's key may do; `Unknown` where the venue cannot tell."""
        ...

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel in one parallel round; outcomes in the same order."""
        ...

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create post-only orders in one parallel round; outcomes in the same order."""
        ...


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

    def claim(
        self, account: AccountName, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int
    ) -> Control | ClaimRefusal:
        """Take the lease in one write: lease free or expired, slot newer than the last, mode not halted."""
        ...

    def release(
        self,
        account: AccountName,
        *,
        owner: str,
        book_marks: Mapping[Symbol, BookMark],
        differing: Mapping[Asset, int],
        unreachable_ticks: int,
    ) -> None:
        """Give the lease back with what the tick refreshed; does nothing if the lease is no longer ours."""
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

    def ledger(self, account: AccountName, symbol: Symbol) -> Sequence[LedgerRow]:
        """Read a market's ledger, opening row first, then fills by trade id."""
        ...

    def strengthen(self, account: AccountName, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise the mode to at least this one without the lease; a new epoch if it changed."""
        ...

    def resume(self, account: AccountName, *, reason: str, now_ms: int) -> Control:
        """Return to quoting, with a new epoch: an operator's act; `Conflict` if the mode changed meanwhile."""
        ...

    def restrict(self, account: AccountName, symbol: Symbol, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Raise a market's restriction to at least this mode without the lease; a new epoch if it changed."""
        ...

    def lift(self, account: AccountName, symbol: Symbol, *, epoch: int) -> Control:
        """Lift a market's restriction, with a new epoch; `Conflict` if the epoch is not the one that was read."""
        ...

    def raise_peaks(self, account: AccountName, peaks: Mapping[Asset, Equity]) -> None:
        """Keep each equity that exceeds the peak kept so far; a peak never falls (R6)."""
        ...

    def clear_peaks(self, account: AccountName) -> None:
        """Forget the peaks: re-arming after a drawdown, an operator's act."""
        ...

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int) -> bool:
        """Start an alert episode; False if it is already open."""
        ...

    def close_episode(self, account: AccountName, key: str) -> bool:
        """End an alert episode; False if none was open."""
        ...


class Prices(Protocol):
    """What the venues publish, kept for every account: the markets' metadata, klines and the day's volume."""

    def metadata(self, venue: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata]:
        """Read what is kept of these markets' metadata."""
        ...

    def save_metadata(self, venue: str, metadata: Sequence[VenueMetadata]) -> None:
        """Keep metadata; never replaces newer by older."""
        ...

    def day_volume(self, venue: str, symbol: Symbol) -> DayVolume | None:
        """Read the volume of the last 24 h that was kept last."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedTick:
    """A slot, and after how many seconds its tick is to be delivered."""

    slot_ms: int
    delay_s: int


class TickQueue(Protocol):
    """Where ticks wait for their moment; each account has its own queue."""

    def send(self, account: AccountName, ticks: Sequence[DelayedTick]) -> None:
        """Send all ticks; `Retryable` if only some were taken."""
        ...


class Severity(StrEnum):
    """Which topic an alert goes to."""

    CRITICAL = "critical"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A message for a human: what happened, what was done, what to do."""

    account: AccountName
    kind: str
    severity: Severity
    text: str
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltRequest:
    """Who wants an account stopped, and why; `delivery` names the message that brought it, which may come twice."""

    account: AccountName
    reason: str
    requested_by: str
    delivery: str | None = None


class HaltRequests(Protocol):
    """Where a halt is asked for: the account's own halt function stops it and verifies that nothing is left."""

    def request(self, request: HaltRequest) -> None:
        """Ask for a halt."""
        ...


class Alerts(Protocol):
    """Where alerts go."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert."""
        ...


class Telemetry(Protocol):
    """Where decisions and counts go."""

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Write one structured line."""
        ...

    def count(self, account: AccountName | None, counts: Mapping[str, float]) -> None:
        """Add to an account's metrics, or to the deployment's own."""
        ...

    def flush(self) -> None:
        """Write the metrics that were counted; once at the end of an invocation."""
        ...
