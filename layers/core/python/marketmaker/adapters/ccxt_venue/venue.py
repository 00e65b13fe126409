"""The `Venue` port over ccxt, in the dialect of the login's venue.

Every signed request carries its own expiry, so that the venue itself lets it die before the lease does.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from marketmaker.adapters.ccxt_venue.connection import Connection
from marketmaker.adapters.ccxt_venue.dialect import Call, KlinesWanted, Market, Premium, Read
from marketmaker.adapters.ccxt_venue.dialects import DIALECTS
from marketmaker.adapters.ccxt_venue.listed import KnownMarkets
from marketmaker.adapters.ccxt_venue.logins import VenueLogin
from marketmaker.adapters.ccxt_venue.public_trades import TradesRead
from marketmaker.adapters.ccxt_venue.rate_budget import Need
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ClientOrderId, Symbol, VenueOrderId
from marketmaker.errors import (
    AccountRefused,
    MarketClosed,
    MarketMakerError,
    OffGrid,
    OrderGone,
    Refused,
    Retryable,
    Unresolved,
    WouldTake,
)
from marketmaker.ports import (
    Accepted,
    CancelOutcome,
    CancelResult,
    Clock,
    Deadline,
    KeyPermissions,
    Observation,
    OutcomeUnknown,
    PlaceOutcome,
    RateLimit,
    Rejected,
    RejectionKind,
    Unknown,
)

_REMEMBERED_ORDERS = 10_000


class CcxtVenue:
    """One login, or none; safe to use from one tick at a time, parallel inside it."""

    def __init__(self, login: VenueLogin, clock: Clock) -> None:
        self._dialect = DIALECTS[login.venue]
        self._markets = KnownMarkets(clock, self._dialect)
        self._connection = Connection(login, clock, self._markets)
        self._client_ids: dict[tuple[Symbol, VenueOrderId], ClientOrderId | None] = {}

    # What is known of the markets

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets' metadata is loaded, none of it before a moment."""
        return self._markets.knows(symbols, since_ms)

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether one of these markets' metadata is to be read anew: an order contradicts it, or it is closed."""
        return self._markets.doubts(symbols)

    def doubt(self, symbol: Symbol) -> None:
        """Put a market's metadata in doubt."""
        self._markets.doubt(symbol)

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata instead of asking the venue; none that is older than what is known or in doubt."""
        self._markets.load(metadata)

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Read these markets' metadata from the venue and use it; a market that is not listed is left out, and closed.

        Raises:
            AccountRefused: none of them is listed, nor ever was.
        """
        listed = self._listed(symbols, deadline)
        if not listed and not any(self.knows([symbol]) for symbol in symbols):
            raise AccountRefused(f"the venue lists none of {', '.join(symbols)}")
        return self._markets.take(symbols, listed)

    def _listed(self, symbols: Sequence[Symbol], deadline: Deadline) -> dict[Symbol, Market]:
        """Ask for all markets at once; where one that is not listed has that refused, for each alone."""
        try:
            return self._connection.read(self._dialect.listed(symbols), deadline)
        except Refused:
            if len(symbols) == 1:
                return {}
        alone = self._connection.parallel([partial(self._listed, [symbol], deadline) for symbol in symbols])
        return {symbol: market for listed in alone for symbol, market in listed.items()}

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a known market's rules."""
        return self._markets.instrument(symbol)

    # What it reads

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read books, open orders, balances and wanted last prices in one parallel round."""
        market_calls = self._market_calls(symbols, last_for)
        held_calls = self._dialect.held_calls(symbols)
        orders, balances, *rest = self._connection.ask(
            [self._dialect.open_orders(), self._dialect.balances(), *market_calls, *held_calls], deadline
        )
        public = rest[: len(market_calls)]
        held = self._dialect.read_held(symbols, rest[len(market_calls) :])
        return Observation(
            open_orders=orders,
            balances=balances,
            books=dict(zip(symbols, public[: len(symbols)], strict=True)),
            last_prices=dict(zip(last_for, public[len(symbols) :], strict=True)),
            positions=held.positions,
            funding_rates=held.rates,
        )

    def read_books(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Book | Unknown]:
        """Read these markets' books once more, in one parallel round."""
        return self.books(symbols, (), deadline)[0]

    def books(
        self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline
    ) -> tuple[dict[Symbol, Book | Unknown], dict[Symbol, Decimal | Unknown]]:
        """Read books and wanted last prices in one parallel round; what is public needs no key."""
        answers = self._connection.ask(self._market_calls(symbols, last_for), deadline)
        return (
            dict(zip(symbols, answers[: len(symbols)], strict=True)),
            dict(zip(last_for, answers[len(symbols) :], strict=True)),
        )

    def _market_calls(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol]) -> list[Call[Any]]:
        """Ask nothing of a market that is closed or in doubt: a price of it must not be relied on."""
        asked = [(symbol, self._dialect.book(symbol)) for symbol in symbols]
        prices = [(symbol, self._dialect.last_price(symbol)) for symbol in last_for]
        return [_answer_with(self._markets.obstacle(symbol)) or call for symbol, call in (*asked, *prices)]

    def public_trades(
        self, from_ids: Mapping[Symbol, int | None], deadline: Deadline
    ) -> dict[Symbol, TradesRead | Unknown]:
        """Read markets' public trades from ids on, all markets at once; None asks for the newest one's id only."""
        return self._dialect.public_trades(partial(self._connection.ask, deadline=deadline), from_ids)

    def premiums(self, symbols: Sequence[Symbol], deadline: Deadline) -> dict[Symbol, Premium | Unknown]:
        """Read the next funding and the marks of these perpetuals in one parallel round; they are public."""
        answers = self._connection.ask([self._dialect.premium(symbol) for symbol in symbols], deadline)
        return dict(zip(symbols, answers, strict=True))

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders of the login, our own and foreign ones; whoever asks for them alone means to cancel."""
        return self._connection.read(self._dialect.open_orders(), deadline, Need.SWEEP)

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:
        """Read the login's trades from an id on, oldest first, to the last page."""
        try:
            trades = self._dialect.trades_since(self._reading(deadline), symbol, from_id)
        except Unresolved as error:
            raise Retryable(str(error)) from error
        self._remember(symbol, {each.fill.venue_order_id: each.client_id for each in trades if each.tells_client_id})
        return [each.fill for each in trades]

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:
        """Return the id of the login's newest trade, None if it never traded."""
        return self._connection.read(self._dialect.newest_trade_id(symbol), deadline)

    def find_order(
        self, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool, deadline: Deadline
    ) -> Order | None:
        """Look one order up, live or not; None if the venue does not know it."""
        try:
            return self._dialect.find_order(self._reading(deadline), symbol, key, by_client_id=by_client_id)
        except OrderGone:
            return None
        except Unresolved as error:
            raise Retryable(str(error)) from error

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:
        """Return the client id an order was created with; trades carry only the venue's id."""
        if (symbol, venue_id) not in self._client_ids:
            order = self.find_order(symbol, venue_id, by_client_id=False, deadline=deadline)
            if order is None:
                return None
            self._remember(symbol, {venue_id: order.client_id})
        return self._client_ids[symbol, venue_id]

    def _remember(self, symbol: Symbol, client_ids: Mapping[VenueOrderId, ClientOrderId | None]) -> None:
        if len(self._client_ids) + len(client_ids) > _REMEMBERED_ORDERS:
            self._client_ids.clear()
        self._client_ids |= {(symbol, venue_id): client_id for venue_id, client_id in client_ids.items()}

    def _reading(self, deadline: Deadline) -> Read:
        return partial(self._connection.read, deadline=deadline)

    def time_ms(self, deadline: Deadline) -> int:
        """Read the venue's own clock."""
        return self._connection.read(self._dialect.venue_time(), deadline)

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """Read the klines that open in [since, until), oldest first, to the last page."""
        wanted = KlinesWanted(symbol=symbol, since_ms=since_ms, until_ms=until_ms, interval_ms=interval_ms)
        return self._dialect.klines(self._reading(deadline), wanted)

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what these markets traded in the last 24 h, in the same order."""
        return self._connection.read(self._dialect.day_volumes(symbols), deadline)

    def set_leverage(self, symbol: Symbol, wanted: Perpetual, deadline: Deadline) -> None:
        """Tell the venue how a perpetual is to be held; positions tell whether it does."""
        self._connection.write(self._dialect.leverage(symbol, wanted), deadline, Need.QUOTE)

    def arm_switch(self, symbols: Sequence[Symbol], after_ms: int, deadline: Deadline) -> None:
        """Arm each market's dead man's switch, all at once; a cancel's share of the limit is for it too."""
        armed = [self._dialect.countdown(symbol, after_ms) for symbol in symbols]
        self._connection.parallel([partial(self._connection.write, each, deadline, Need.SWEEP) for each in armed])

    def funding_since(self, symbol: Symbol, since_ms: int, deadline: Deadline) -> Sequence[FundingPayment]:
        """Read funding payments from a moment on, oldest first, to the last page; a spot market has none."""
        try:
            return self._dialect.funding_since(self._reading(deadline), symbol, since_ms)
        except Unresolved as error:
            raise Retryable(str(error)) from error

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:
        """Read what the login's key may do; `Unknown` where the venue cannot tell."""
        return self._connection.known(self._dialect.permissions(), deadline)

    # What it does

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel in one parallel round; outcomes in the same order."""
        return self._connection.parallel([partial(self._cancel_one, each, deadline) for each in orders])

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create orders in one parallel round, post-only unless they say otherwise; outcomes in the same order."""
        return self._connection.parallel([partial(self._place_one, each, deadline) for each in orders])

    def rate_limit(self) -> RateLimit:
        """Tell what is known of the request limit now."""
        return self._connection.budget.rate_limit()

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Respect a block that another invocation was told of."""
        self._connection.budget.block_until(until_ms, is_ban=is_ban)

    def close(self) -> None:
        """End the worker threads and close the connections."""
        self._connection.close()

    def _cancel_one(self, order: Order, deadline: Deadline) -> CancelOutcome:
        try:
            answer = self._connection.write(self._dialect.cancellation(order), deadline, Need.CANCEL)
        except OrderGone as error:
            return CancelOutcome(order=order, result=CancelResult.GONE, reason=str(error))
        except MarketMakerError as error:
            return CancelOutcome(order=order, result=CancelResult.FAILED, reason=str(error))
        return CancelOutcome(order=order, result=CancelResult.CANCELLED, executed_base=answer.executed_base)

    def _place_one(self, order: NewOrder, deadline: Deadline) -> PlaceOutcome:
        try:
            return Accepted(order=self._connection.write(self._dialect.creation(order), deadline, Need.QUOTE))
        except Unresolved as error:
            return OutcomeUnknown(order=order, signed_ms=self._connection.signed_ms, reason=str(error))
        except MarketMakerError as error:
            kind = _rejection(error)
            if kind in {RejectionKind.OFF_GRID, RejectionKind.MARKET_CLOSED}:
                self.doubt(order.symbol)
            return Rejected(order=order, kind=kind, reason=str(error))


def _answer_with(obstacle: str | None) -> Call[Any] | None:
    return None if obstacle is None else lambda _: Unknown(reason=obstacle)


def _rejection(error: MarketMakerError) -> RejectionKind:
    match error:
        case WouldTake():
            return RejectionKind.WOULD_TAKE
        case OffGrid():
            return RejectionKind.OFF_GRID
        case MarketClosed():
            return RejectionKind.MARKET_CLOSED
        case Retryable():
            return RejectionKind.RETRYABLE
        case AccountRefused():
            return RejectionKind.FATAL
        case _:
            return RejectionKind.REFUSED
