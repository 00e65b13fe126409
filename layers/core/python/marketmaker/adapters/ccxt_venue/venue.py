"""The `Venue` port over ccxt: Binance spot.

Post-only orders are `LIMIT_MAKER`; every signed request carries `recvWindow`, so that the venue itself lets it die
before the lease does.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.failures import (
    describe,
    is_broken_connection,
    is_refused_key,
    is_wrong_clock,
    read_failure,
    write_failure,
)
from marketmaker.adapters.ccxt_venue.logins import LoginClients, VenueLogin
from marketmaker.adapters.ccxt_venue.public_trades import TradesRead, read_trades
from marketmaker.adapters.ccxt_venue.published import day_volumes, klines_page, next_page_ms
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId, plain
from marketmaker.errors import AccountRefused, MarketMakerError, OrderGone, Refused, Retryable, Unresolved, WouldTake
from marketmaker.ports import (
    Accepted,
    Balance,
    CancelOutcome,
    CancelResult,
    Clock,
    Deadline,
    KeyPermissions,
    Observation,
    OutcomeUnknown,
    PlaceOutcome,
    Rejected,
    RejectionKind,
    Unknown,
)

_BOOK_LEVELS = 20
_TRADES_A_PAGE = 1000
_REMEMBERED_ORDERS = 10_000
_LEAST_BUDGET_MS = 50

type Call[T] = Callable[[Any], T]
"""Something to do with a thread's ccxt client."""


class CcxtVenue:
    """One login at Binance spot; safe to use from one tick at a time, parallel inside it."""

    def __init__(self, login: VenueLogin, clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._clients = LoginClients(login, clock)
        self._workers = ThreadPoolExecutor(max_workers=login.workers, thread_name_prefix="venue")
        self._thread = threading.local()
        self._markets: dict[Symbol, dict[str, Any]] = {}
        self._loaded_ms: dict[Symbol, int] = {}
        self._client_ids: dict[VenueOrderId, ClientOrderId | None] = {}
        self._clock_offset_ms = 0

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets' metadata is loaded, none of it before a moment."""
        return all(symbol in self._markets and self._loaded_ms[symbol] >= since_ms for symbol in symbols)

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata instead of asking the venue."""
        self._loaded_ms = self._loaded_ms | {each.symbol: self._clock.now_ms() for each in metadata}
        self._markets = self._markets | {each.symbol: json.loads(each.payload) for each in metadata}

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Read these markets' metadata from the venue and use it.

        Raises:
            AccountRefused: the venue does not list a symbol.
        """
        try:
            fetched = self._read(lambda client: _fetch_markets(client, symbols), deadline)
        except Refused as error:
            raise AccountRefused(f"the venue does not list one of {', '.join(symbols)}: {error}") from error
        unknown = [symbol for symbol in symbols if symbol not in fetched]
        if unknown:
            raise AccountRefused(f"the venue does not list {', '.join(unknown)}")
        now_ms = self._clock.now_ms()
        metadata = [
            VenueMetadata(symbol=symbol, fetched_ms=now_ms, payload=json.dumps(fetched[symbol], sort_keys=True))
            for symbol in symbols
        ]
        self.load(metadata)
        return metadata

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a loaded market's rules."""
        return parsing.parse_instrument(self._markets[symbol])

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read books, open orders, balances and wanted last prices in one parallel round."""
        reads: list[Call[Any]] = [
            _open_orders,
            _balances,
            *(_book_of(symbol) for symbol in symbols),
            *(_last_price_of(symbol) for symbol in last_for),
        ]
        answers = self._ask(reads, deadline)
        books = answers[2 : 2 + len(symbols)]
        return Observation(
            open_orders=answers[0],
            balances=answers[1],
            books=dict(zip(symbols, books, strict=True)),
            last_prices=dict(zip(last_for, answers[2 + len(symbols) :], strict=True)),
        )

    def books(
        self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline
    ) -> tuple[dict[Symbol, Book | Unknown], dict[Symbol, Decimal | Unknown]]:
        """Read books and wanted last prices in one parallel round; what is public needs no key."""
        reads: list[Call[Any]] = [*map(_book_of, symbols), *map(_last_price_of, last_for)]
        answers = self._ask(reads, deadline)
        return dict(zip(symbols, answers, strict=False)), dict(zip(last_for, answers[len(symbols) :], strict=True))

    def public_trades(
        self, from_ids: Mapping[Symbol, int | None], deadline: Deadline
    ) -> dict[Symbol, TradesRead | Unknown]:
        """Read markets' public trades from ids on, all markets at once; None asks for the newest one's id only."""
        wanted = {symbol: (_market_id(symbol), from_id) for symbol, from_id in from_ids.items()}
        return read_trades(lambda calls: self._ask(calls, deadline), wanted)

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders of the login, our own and foreign ones."""
        return self._read(_open_orders, deadline)

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:
        """Read the login's trades from an id on, oldest first, to the last page."""
        fills: list[Fill] = []
        while True:
            page = self._read(_trades_page(symbol, {"fromId": from_id, "limit": _TRADES_A_PAGE}), deadline)
            fills += page
            if len(page) < _TRADES_A_PAGE:
                return fills
            from_id = int(page[-1].trade_id) + 1

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:
        """Return the id of the login's newest trade, None if it never traded."""
        page = self._read(_trades_page(symbol, {"limit": 1}), deadline)
        return int(page[-1].trade_id) if page else None

    def find_order(
        self, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool, deadline: Deadline
    ) -> Order | None:
        """Look one order up, live or not; None if the venue does not know it."""
        params = {"origClientOrderId": key} if by_client_id else {"orderId": key}
        try:
            return self._read(_order_lookup(symbol, params), deadline)
        except OrderGone:
            return None

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:
        """Return the client id an order was created with; trades carry only the venue's id."""
        if venue_id not in self._client_ids:
            order = self.find_order(symbol, venue_id, by_client_id=False, deadline=deadline)
            if len(self._client_ids) >= _REMEMBERED_ORDERS:
                self._client_ids.clear()
            if order is None:
                return None
            self._client_ids[venue_id] = order.client_id
        return self._client_ids[venue_id]

    def time_ms(self, deadline: Deadline) -> int:
        """Read the venue's own clock."""
        return self._read(lambda client: int(client.fetch_time()), deadline)

    def fetch_klines(self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline) -> Sequence[Kline]:
        """Read the klines that open in [since, until), oldest first, to the last page."""
        klines: list[Kline] = []
        next_ms: int | None = since_ms
        while next_ms is not None and next_ms < until_ms:
            page = self._read(klines_page(symbol, _market_id(symbol), next_ms, until_ms), deadline)
            klines += page
            next_ms = next_page_ms(page)
        return klines

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what these markets traded in the last 24 h, in the same order."""
        return self._read(day_volumes({symbol: _market_id(symbol) for symbol in symbols}), deadline)

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:
        """Read what the login's key may do; `Unknown` where the venue cannot tell."""
        return self._known(lambda client: parsing.parse_permissions(client.sapiGetAccountApiRestrictions()), deadline)

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel in one parallel round; outcomes in the same order."""
        return self._parallel([partial(self._cancel_one, each, deadline) for each in orders])

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create post-only orders in one parallel round; outcomes in the same order."""
        return self._parallel([partial(self._place_one, each, deadline) for each in orders])

    def close(self) -> None:
        """End the worker threads and close the connections."""
        self._workers.shutdown(cancel_futures=True)
        self._clients.close()

    def _cancel_one(self, order: Order, deadline: Deadline) -> CancelOutcome:
        try:
            answer = self._write(_cancellation(order), deadline)
        except OrderGone as error:
            return CancelOutcome(order=order, result=CancelResult.GONE, reason=str(error))
        except MarketMakerError as error:
            return CancelOutcome(order=order, result=CancelResult.FAILED, reason=str(error))
        return CancelOutcome(order=order, result=CancelResult.CANCELLED, executed_base=answer.executed_base)

    def _place_one(self, order: NewOrder, deadline: Deadline) -> PlaceOutcome:
        self._thread.signed_ms = self._signing_ms()
        try:
            return Accepted(order=self._write(_creation(order), deadline))
        except Unresolved as error:
            return OutcomeUnknown(order=order, signed_ms=self._thread.signed_ms, reason=str(error))
        except MarketMakerError as error:
            return Rejected(order=order, kind=_rejection(error), reason=str(error))

    def _ask[T](self, calls: Sequence[Call[T]], deadline: Deadline) -> list[T | Unknown]:
        """Send reads in one parallel round."""
        return self._parallel([partial(self._known, each, deadline) for each in calls])

    def _known[T](self, call: Call[T], deadline: Deadline) -> T | Unknown:
        try:
            return self._read(call, deadline)
        except (Retryable, Refused, Unresolved) as error:
            return Unknown(reason=str(error))

    def _read[T](self, call: Call[T], deadline: Deadline) -> T:
        """Send a read; once more if the connection was broken, or if our clock was wrong and is now measured (R8)."""
        try:
            return self._send(call, deadline)
        except Exception as error:
            if is_wrong_clock(error):
                self._measure_clock(deadline)
            elif not is_broken_connection(error):
                raise read_failure(error) from error
        try:
            return self._send(call, deadline)
        except Exception as error:
            raise read_failure(error) from error

    def _write[T](self, call: Call[T], deadline: Deadline) -> T:
        """Send a create or cancel; nothing whose outcome is unknown is ever sent again, or guessed (R1)."""
        try:
            return self._send(call, deadline)
        except Exception as error:
            if is_wrong_clock(error):
                self._measure_clock(deadline)
            raise write_failure(error) from error

    def _send[T](self, call: Call[T], deadline: Deadline) -> T:
        """Send a request; once more, creates and cancels too, if the key was refused and another one is kept by now.

        A refused key is an answer: what it was to sign did not happen.
        """
        try:
            return self._send_once(call, deadline)
        except Exception as error:
            if not is_refused_key(error) or not self._clients.renew_key(describe(error), deadline):
                raise
        return self._send_once(call, deadline)

    def _send_once[T](self, call: Call[T], deadline: Deadline) -> T:
        client = self._clients.mine(self._markets)
        budget_ms = min(self._login.request_timeout_ms, deadline.remaining_ms())
        if budget_ms < _LEAST_BUDGET_MS:
            raise Retryable(f"no time left: {budget_ms} ms of the invocation's budget")
        client.timeout = budget_ms
        client.options["timeDifference"] = -self._clock_offset_ms
        self._thread.signed_ms = self._signing_ms()
        return call(client)

    def _signing_ms(self) -> int:
        """Return the venue's time, as the request that is signed now carries it."""
        return self._clock.now_ms() + self._clock_offset_ms

    def _measure_clock(self, deadline: Deadline) -> None:
        """Measure the venue's clock against ours, half a round trip allowed for."""
        sent_ms = self._clock.now_ms()
        try:
            venue_ms = self._send(lambda client: int(client.fetch_time()), deadline)
        except Exception as error:
            raise read_failure(error) from error
        self._clock_offset_ms = venue_ms - (sent_ms + self._clock.now_ms()) // 2

    def _parallel[T](self, calls: Sequence[Callable[[], T]]) -> list[T]:
        return [future.result() for future in [self._workers.submit(call) for call in calls]]


def _market_id(symbol: Symbol) -> str:
    """Name a spot market as Binance does; a halt cancels by this before any metadata is loaded (R34)."""
    return symbol.replace("/", "")


def _fetch_markets(client: Any, symbols: Sequence[Symbol]) -> dict[Symbol, dict[str, Any]]:
    ids = [_market_id(symbol) for symbol in symbols]
    markets = client.fetch_markets({"symbols": json.dumps(ids, separators=(",", ":"))})
    return {Symbol(market["symbol"]): market for market in markets}


def _open_orders(client: Any) -> tuple[Order, ...]:
    rows = parsing.expect_list(client.privateGetOpenOrders(), "open orders")
    return tuple(parsing.parse_order(client.parse_order(row)) for row in rows)


def _balances(client: Any) -> dict[Asset, Balance]:
    return parsing.parse_balances(client.privateGetAccount())


def _book_of(symbol: Symbol) -> Call[Book]:
    return lambda client: parsing.parse_book(
        symbol, client.publicGetDepth({"symbol": _market_id(symbol), "limit": _BOOK_LEVELS})
    )


def _last_price_of(symbol: Symbol) -> Call[Decimal]:
    return lambda client: parsing.money(
        client.publicGetTickerPrice({"symbol": _market_id(symbol)})["price"], f"the last price of {symbol}"
    )


def _trades_page(symbol: Symbol, params: Mapping[str, Any]) -> Call[list[Fill]]:
    def call(client: Any) -> list[Fill]:
        rows = parsing.expect_list(client.privateGetMyTrades({"symbol": _market_id(symbol), **params}), "trades")
        fills = [parsing.parse_fill(client.parse_trade(row)) for row in rows]
        return sorted(fills, key=lambda fill: int(fill.trade_id))

    return call


def _order_lookup(symbol: Symbol, params: Mapping[str, Any]) -> Call[Order]:
    return lambda client: parsing.parse_order(
        client.parse_order(client.privateGetOrder({"symbol": _market_id(symbol), **params}))
    )


def _cancellation(order: Order) -> Call[Order]:
    return lambda client: parsing.parse_order(
        client.parse_order(client.privateDeleteOrder({"symbol": _market_id(order.symbol), "orderId": order.venue_id}))
    )


def _creation(order: NewOrder) -> Call[Order]:
    def call(client: Any) -> Order:
        answer = client.create_order(
            order.symbol,
            "limit",
            order.side.value,
            plain(order.size_base),
            plain(order.price),
            {"postOnly": True, "clientOrderId": order.client_id},
        )
        return parsing.parse_order(answer)

    return call


def _rejection(error: MarketMakerError) -> RejectionKind:
    match error:
        case WouldTake():
            return RejectionKind.WOULD_TAKE
        case Retryable():
            return RejectionKind.RETRYABLE
        case AccountRefused():
            return RejectionKind.FATAL
        case _:
            return RejectionKind.REFUSED
