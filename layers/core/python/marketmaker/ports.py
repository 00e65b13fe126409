"""What the use cases need from the world; adapters and fakes implement these Protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from marketmaker.domain.inventory import LedgerRow
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


class Venue(Protocol):
    """One login at one venue. Every method raises `AccountRefused` when the login itself is refused."""

    def knows(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether these markets' metadata is loaded."""
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

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel in one parallel round; outcomes in the same order."""
        ...

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create post-only orders in one parallel round; outcomes in the same order."""
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

    def save_metadata(self, account: AccountName, metadata: Sequence[VenueMetadata]) -> None:
        """Keep venue metadata for the next cold start."""
        ...

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int) -> bool:
        """Start an alert episode; False if it is already open."""
        ...

    def close_episode(self, account: AccountName, key: str) -> bool:
        """End an alert episode; False if none was open."""
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

    def count(self, account: AccountName, counts: Mapping[str, float]) -> None:
        """Add to the account's metrics."""
        ...

    def flush(self) -> None:
        """Write the metrics that were counted; once at the end of an invocation."""
        ...
