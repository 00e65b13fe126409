"""One login at one venue: what it answers, and how its creates and cancels can end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.positions import FundingPayment, FundingRate, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId
from marketmaker.ports.time import Deadline, Unknown


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
    """One parallel round of reads; each part is known or `Unknown`. Spot markets have neither position nor funding."""

    open_orders: Sequence[Order] | Unknown
    balances: Mapping[Asset, Balance] | Unknown
    books: Mapping[Symbol, Book | Unknown]
    last_prices: Mapping[Symbol, Decimal | Unknown]
    positions: Mapping[Symbol, Position | Unknown] = field(default_factory=lambda: MappingProxyType({}))
    funding_rates: Mapping[Symbol, FundingRate | Unknown] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The venue took the order; it rests."""

    order: Order


class RejectionKind(StrEnum):
    """Why a create did not happen."""

    WOULD_TAKE = "would_take"
    OFF_GRID = "off_grid"
    MARKET_CLOSED = "market_closed"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How much of the venue's request limit is left to us (R10).

    Until `blocked_until_ms` nothing but cancels is sent, while `is_ban` not even those; 0 is no block. `used_share` is
    the part of this minute's limit that all who share it have used, as far as its answers told.
    """

    blocked_until_ms: int = 0
    is_ban: bool = False
    used_share: float = 0.0


class Venue(Protocol):
    """One login at one venue.

    Every method raises `AccountRefused` when the login itself is refused, and reads raise `RateLimited` while the
    request limit leaves no room for them. An order that is rejected as `OFF_GRID` or `MARKET_CLOSED` puts its market's
    metadata in doubt: it shows no book until the metadata was read anew.
    """

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets' metadata is loaded, none of it before a moment."""
        ...

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether one of these markets' metadata is to be read anew: an order contradicts it, or it is closed."""
        ...

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata instead of asking the venue; none that is older than what is known or in doubt."""
        ...

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Read these markets' metadata from the venue and use it; a market that is not listed is left out, and closed.

        Raises:
            AccountRefused: none of them is listed, nor ever was.
        """
        ...

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a known market's rules."""
        ...

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read books, open orders, balances and wanted last prices in one parallel round.

        Books may be wanted of markets that the login does not work, described or not.
        """
        ...

    def read_books(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Book | Unknown]:
        """Read these markets' books once more, in one parallel round (R19)."""
        ...

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders of the login, our own and foreign ones; it may use what is kept for cancels."""
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

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """Read the klines of a second or a minute that open in [since, until), oldest first.

        The venue leaves out what it does not list.
        """
        ...

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what these markets traded in the last 24 h, in the same order."""
        ...

    def set_leverage(self, symbol: Symbol, wanted: Perpetual, deadline: Deadline) -> None:
        """Tell the venue how a perpetual is to be held (S17); positions tell whether it does.

        Raises:
            Refused: the venue does not hold it so.
        """
        ...

    def arm_switch(self, symbols: Sequence[Symbol], after_ms: int, deadline: Deadline) -> None:
        """Let the venue cancel all orders in these markets, foreign ones too, unless this is said again in time.

        Raises:
            Refused: the venue has no such switch.
            Unresolved: for some market nobody knows whether it is armed.
        """
        ...

    def funding_since(self, symbol: Symbol, since_ms: int, deadline: Deadline) -> Sequence[FundingPayment]:
        """Read a perpetual's funding payments from a moment on, oldest first."""
        ...

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:
        """Read what the login's key may do; `Unknown` where the venue cannot tell."""
        ...

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel in one parallel round; outcomes in the same order."""
        ...

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create orders in one parallel round, post-only unless they say otherwise; outcomes in the same order."""
        ...

    def rate_limit(self) -> RateLimit:
        """Tell what is known of the request limit now."""
        ...

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Respect a block that another invocation was told of."""
        ...
