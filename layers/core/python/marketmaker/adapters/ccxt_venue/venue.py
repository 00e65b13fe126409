"""The `Venue` port over ccxt: Binance spot and USDⓈ-M perpetuals, and the public side of those that speak as they do.

Every signed request carries `recvWindow`, so that the venue itself lets it die before the lease does.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from marketmaker.adapters.ccxt_venue import calls, perpetuals
from marketmaker.adapters.ccxt_venue.calls import Call, market_id
from marketmaker.adapters.ccxt_venue.connection import Connection
from marketmaker.adapters.ccxt_venue.listed import KnownMarkets, Market, read_listed
from marketmaker.adapters.ccxt_venue.logins import VenueLogin
from marketmaker.adapters.ccxt_venue.public_trades import TradesRead, read_trades
from marketmaker.adapters.ccxt_venue.published import KlinesWanted, day_volumes, klines_page, next_page_ms
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
        self._markets = KnownMarkets(clock)
        self._connection = Connection(login, clock, self._markets)
        self._dialect = self._connection.dialect
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
        market_ids = {symbol: market_id(symbol) for symbol in symbols}
        asked = partial(read_listed, dialect=self._dialect, market_ids=market_ids)
        try:
            return self._connection.read(asked, deadline)
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
        held_calls = perpetuals.held_calls(self._dialect, symbols)
        orders, balances, *rest = self._connection.ask(
            [calls.open_orders(self._dialect), calls.balances(self._dialect), *market_calls, *held_calls], deadline
        )
        public = rest[: len(market_calls)]
        positions, rates = perpetuals.read_held(symbols, rest[len(market_calls) :])
        return Observation(
            open_orders=orders,
            balances=balances,
            books=dict(zip(symbols, public[: len(symbols)], strict=True)),
            last_prices=dict(zip(last_for, public[len(symbols) :], strict=True)),
            positions=positions,
            funding_rates=rates,
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
        asked = [(symbol, calls.book_of(self._dialect, symbol)) for symbol in symbols]
        prices = [(symbol, calls.last_price_of(self._dialect, symbol)) for symbol in last_for]
        return [_answer_with(self._markets.obstacle(symbol)) or call for symbol, call in (*asked, *prices)]

    def public_trades(
        self, from_ids: Mapping[Symbol, int | None], deadline: Deadline
    ) -> dict[Symbol, TradesRead | Unknown]:
        """Read markets' public trades from ids on, all markets at once; None asks for the newest one's id only."""
        wanted = {symbol: (market_id(symbol), from_id) for symbol, from_id in from_ids.items()}
        route = self._dialect.routes.public_trades
        return read_trades(lambda asked: self._connection.ask(asked, deadline), wanted, route)

    def premiums(self, symbols: Sequence[Symbol], deadline: Deadline) -> dict[Symbol, perpetuals.Premium | Unknown]:
        """Read the next funding and the marks of these perpetuals in one parallel round; they are public."""
        answers = self._connection.ask([perpetuals.premium(self._dialect, symbol) for symbol in symbols], deadline)
        return dict(zip(symbols, answers, strict=True))

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders of the login, our own and foreign ones; whoever asks for them alone means to cancel."""
        return self._connection.read(calls.open_orders(self._dialect), deadline, Need.SWEEP)

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:
        """Read the login's trades from an id on, oldest first, to the last page."""
        try:
            read = partial(self._connection.read, deadline=deadline)
            return calls.all_trades(lambda page: read(page), self._dialect, symbol, from_id)
        except Unresolved as error:
            raise Retryable(str(error)) from error

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:
        """Return the id of the login's newest trade, None if it never traded."""
        page = self._connection.read(calls.trades_page(self._dialect, symbol, {"limit": 1}), deadline)
        return max((int(fill.trade_id) for fill in page), default=None)

    def find_order(
        self, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool, deadline: Deadline
    ) -> Order | None:
        """Look one order up, live or not; None if the venue does not know it."""
        try:
            asked = calls.order_of(self._dialect, symbol, key, by_client_id=by_client_id)
            return self._connection.read(asked, deadline)
        except OrderGone:
            return None

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:
        """Return the client id an order was created with; trades carry only the venue's id."""
        if (symbol, venue_id) not in self._client_ids:
            order = self.find_order(symbol, venue_id, by_client_id=False, deadline=deadline)
            if len(self._client_ids) >= _REMEMBERED_ORDERS:
                self._client_ids.clear()
            if order is None:
                return None
            self._client_ids[symbol, venue_id] = order.client_id
        return self._client_ids[symbol, venue_id]

    def time_ms(self, deadline: Deadline) -> int:
        """Read the venue's own clock."""
        return self._connection.read(calls.venue_time(self._dialect), deadline)

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """Read the klines that open in [since, until), oldest first, to the last page."""
        klines: list[Kline] = []
        next_ms: int | None = since_ms
        while next_ms is not None and next_ms < until_ms:
            wanted = KlinesWanted(symbol=symbol, since_ms=next_ms, until_ms=until_ms, interval_ms=interval_ms)
            page = self._connection.read(klines_page(wanted, market_id(symbol), self._dialect), deadline)
            klines += page
            next_ms = next_page_ms(page)
        return klines

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what these markets traded in the last 24 h, in the same order."""
        market_ids = {symbol: market_id(symbol) for symbol in symbols}
        return self._connection.read(day_volumes(market_ids, self._dialect), deadline)

    def set_leverage(self, symbol: Symbol, wanted: Perpetual, deadline: Deadline) -> None:
        """Tell the venue how a perpetual is to be held; positions tell whether it does."""
        if not self._dialect.is_perpetual:
            raise Refused(f"{symbol} is a spot market: it has no leverage")
        self._connection.write(perpetuals.leverage(self._dialect, symbol, wanted), deadline, Need.QUOTE)

    def arm_switch(self, symbols: Sequence[Symbol], after_ms: int, deadline: Deadline) -> None:
        """Arm each market's dead man's switch, all at once; a cancel's share of the limit is for it too."""
        armed = [calls.countdown(self._dialect, symbol, after_ms) for symbol in symbols]
        self._connection.parallel([partial(self._connection.write, each, deadline, Need.SWEEP) for each in armed])

    def funding_since(self, symbol: Symbol, since_ms: int, deadline: Deadline) -> Sequence[FundingPayment]:
        """Read funding payments from a moment on, oldest first, to the last page; a spot market has none."""
        found: list[FundingPayment] = []
        next_ms: int | None = since_ms if self._dialect.is_perpetual else None
        while next_ms is not None:
            page = self._connection.read(perpetuals.funding_page(self._dialect, symbol, next_ms), deadline)
            found += page.payments
            next_ms = page.payments[-1].time_ms + 1 if page.is_full else None
        return found

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:
        """Read what the login's key may do; `Unknown` where the venue cannot tell."""
        return self._connection.known(calls.permissions(self._dialect), deadline)

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
            answer = self._connection.write(calls.cancellation(self._dialect, order), deadline, Need.CANCEL)
        except OrderGone as error:
            return CancelOutcome(order=order, result=CancelResult.GONE, reason=str(error))
        except MarketMakerError as error:
            return CancelOutcome(order=order, result=CancelResult.FAILED, reason=str(error))
        return CancelOutcome(order=order, result=CancelResult.CANCELLED, executed_base=answer.executed_base)

    def _place_one(self, order: NewOrder, deadline: Deadline) -> PlaceOutcome:
        try:
            return Accepted(order=self._connection.write(calls.creation(self._dialect, order), deadline, Need.QUOTE))
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
