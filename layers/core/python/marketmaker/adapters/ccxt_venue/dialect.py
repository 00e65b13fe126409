"""What a venue's dialect is: every request that is made there, as a call to a ccxt client that returns domain values.

A dialect raises `Unresolved` for an answer of which a part is missing, of another type, out of its range, or about
something else than was asked for: nothing becomes zero, and no list becomes shorter (R7).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from marketmaker.adapters.ccxt_venue.public_trades import PublicTrade, TradesRead
from marketmaker.adapters.ccxt_venue.strict import StrictJson
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.positions import FundingPayment, FundingRate, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId
from marketmaker.errors import Refused
from marketmaker.ports import Balance, KeyPermissions, Unknown

BOOK_LEVELS = 20

type Call[T] = Callable[[Any], T]
"""Something to do with a thread's ccxt client: one request."""
type Market = Mapping[str, Any]
"""A market as ccxt unifies it; `info` is the venue's own row."""


class Read(Protocol):
    """Sends a read, and the next one once its answer is known."""

    def __call__[T](self, call: Call[T], /) -> T:
        """Send it."""
        ...


type Ask = Callable[[Sequence[Call[list[PublicTrade]]]], Sequence[list[PublicTrade] | Unknown]]
"""Sends reads of public trades in one parallel round; what fails is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Premium:
    """What is published of a perpetual beside its book: the next funding, and the mark price now."""

    rate: FundingRate
    mark_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class KlinesWanted:
    """The klines of one interval that open in [since, until)."""

    symbol: Symbol
    since_ms: int
    until_ms: int
    interval_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrade:
    """A trade of the login's; where `tells_client_id`, its order had this client id, or none."""

    fill: Fill
    client_id: ClientOrderId | None = None
    tells_client_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How markets are held: positions, as far as they were told, and the funding that is next."""

    positions: Mapping[Symbol, Position | Unknown] = MappingProxyType({})
    rates: Mapping[Symbol, FundingRate | Unknown] = MappingProxyType({})


class Dialect(ABC):
    """How one API is spoken. `strict` makes ccxt's class of it loud, and `options` are what it is configured with.

    Answers tell the used request weight in `used_weight_header`; None is a venue that does not tell.
    """

    strict: ClassVar[type[StrictJson]]
    used_weight_header: ClassVar[str | None] = None
    options: Mapping[str, Any] = MappingProxyType({})
    is_perpetual: bool = False

    # What is public

    @abstractmethod
    def market_id(self, symbol: Symbol) -> str:
        """Name a market as the venue does; a halt cancels by this before any metadata is loaded (R34)."""

    @abstractmethod
    def venue_time(self) -> Call[int]:
        """Ask for the venue's clock."""

    @abstractmethod
    def listed(self, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Market]]:
        """Ask for markets' metadata; what the venue leaves out is left out."""

    @abstractmethod
    def instrument(self, market: Market) -> Instrument:
        """Read the trading rules of a market, just asked for or kept."""

    @abstractmethod
    def book(self, symbol: Symbol) -> Call[Book]:
        """Ask for a market's book."""

    @abstractmethod
    def last_price(self, symbol: Symbol) -> Call[Decimal]:
        """Ask for the price of a market's last trade."""

    @abstractmethod
    def klines(self, read: Read, wanted: KlinesWanted) -> list[Kline]:
        """Read klines, oldest first, to the last page."""

    @abstractmethod
    def day_volumes(self, symbols: Sequence[Symbol]) -> Call[list[DayVolume]]:
        """Ask for the day's volume of these markets, in the same order; one that is missing fails it."""

    @abstractmethod
    def public_trades(self, ask: Ask, from_ids: Mapping[Symbol, int | None]) -> dict[Symbol, TradesRead | Unknown]:
        """Read markets' public trades from ids on; None asks for the newest one's id only."""

    # What is the login's

    @abstractmethod
    def open_orders(self) -> Call[tuple[Order, ...]]:
        """Ask for all open orders of the login; their ids are unique within a symbol only."""

    @abstractmethod
    def balances(self) -> Call[dict[Asset, Balance]]:
        """Ask for the login's balances."""

    @abstractmethod
    def find_order(self, read: Read, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool) -> Order:
        """Look one order up, live or not.

        Raises:
            OrderGone: the venue does not know it.
        """

    @abstractmethod
    def trades_since(self, read: Read, symbol: Symbol, from_id: int) -> list[OwnTrade]:
        """Read the login's trades from an id on, oldest first, to the last page (R15)."""

    @abstractmethod
    def newest_trade_id(self, symbol: Symbol) -> Call[int | None]:
        """Ask for the id of the login's newest trade, None if it never traded."""

    def permissions(self) -> Call[KeyPermissions]:
        """Ask what the login's key may do."""
        return _refuse("the venue does not tell what a key may do")

    # What the login does

    @abstractmethod
    def creation(self, order: NewOrder) -> Call[Order]:
        """Ask for a new order: post-only, immediate-or-cancel, or a plain one that rests until it is cancelled."""

    @abstractmethod
    def cancellation(self, order: Order) -> Call[Order]:
        """Ask for a cancel; the answer says what had been executed."""

    def countdown(self, symbol: Symbol, after_ms: int) -> Call[None]:  # noqa: ARG002 - asked of every venue
        """Ask the venue to cancel everything in a market after so long."""
        return _refuse("the venue has no dead man's switch")

    # Perpetuals

    def positions(self, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Position | Unknown]]:  # noqa: ARG002
        """Ask for the login's positions in these markets; one that was not told is left out.

        One that is flat may come without its mark, which is then zero.
        """
        return _refuse("a spot venue has no positions")

    def premium(self, symbol: Symbol) -> Call[Premium]:
        """Ask what is paid next, and for the mark."""
        return _refuse(f"{symbol} is a spot market: it has no funding")

    def held_calls(self, symbols: Sequence[Symbol]) -> list[Call[Any]]:
        """Return what to ask for to know how these markets are held; nothing of a spot venue, which holds none."""
        if not self.is_perpetual:
            return []
        return [self.positions(symbols), *(self.premium(symbol) for symbol in symbols)]

    def read_held(self, symbols: Sequence[Symbol], answers: Sequence[Any]) -> Held:
        """Read positions and funding rates out of the answers to `held_calls`.

        A market whose position was not told is left out. Where its mark was not told, it is the one that is published.
        """
        if not answers:
            return Held()
        listed, premiums = answers[0], dict(zip(symbols, answers[1:], strict=True))
        told = dict.fromkeys(symbols, listed) if isinstance(listed, Unknown) else listed
        return Held(
            positions={symbol: _marked(position, premiums[symbol]) for symbol, position in told.items()},
            rates={symbol: each if isinstance(each, Unknown) else each.rate for symbol, each in premiums.items()},
        )

    def funding_since(self, read: Read, symbol: Symbol, since_ms: int) -> list[FundingPayment]:  # noqa: ARG002
        """Read funding payments from a moment on, oldest first, to the last page; a spot market has none."""
        return []

    def leverage(self, symbol: Symbol, wanted: Perpetual) -> Call[None]:  # noqa: ARG002 - asked of every venue
        """Tell the venue how a market is to be held; that it is so already is no refusal."""
        return _refuse(f"{symbol} is a spot market: it has no leverage")


def _marked(position: Position | Unknown, told: Premium | Unknown) -> Position | Unknown:
    if isinstance(position, Unknown) or position.mark_price:
        return position
    return told if isinstance(told, Unknown) else replace(position, mark_price=told.mark_price)


def _refuse(why: str) -> Call[Any]:
    def call(_client: Any) -> Any:
        raise Refused(why)

    return call
