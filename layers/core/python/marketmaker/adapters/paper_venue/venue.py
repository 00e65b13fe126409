"""The `Venue` port on paper: a venue's public data, our own orders and balances, and no key.

What is assumed is said in the package. The account is one item, written only if its version is unchanged: ticks, risk
checks and halts in processes of their own share it without losing each other's changes. Time is our clock's.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from marketmaker.adapters.paper_venue.account import PaperAccount, open_account
from marketmaker.adapters.paper_venue.exchange import PaperExchange
from marketmaker.adapters.paper_venue.looks import Looks, Seen, tell
from marketmaker.adapters.paper_venue.outcomes import cancel_one, place_one, shown, trouble_with
from marketmaker.adapters.paper_venue.parts import PaperLogin, PaperStore, PublicMarket
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fill, NewOrder, Order
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ClientOrderId, Symbol, VenueOrderId
from marketmaker.errors import Conflict, Refused, Retryable, Unresolved
from marketmaker.ports import (
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
    Telemetry,
    Unknown,
)

ATTEMPTS = 5
"""How often an operation is done anew because another function wrote first."""
_LEAST_BUDGET_MS = 50


class PaperVenue:
    """One paper account. Every operation first lets its markets since the last one meet the orders resting there."""

    def __init__(
        self, login: PaperLogin, *, public: PublicMarket, store: PaperStore, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._login = login
        self._public = public
        self._looks = Looks(login=login, public=public)
        self._store = store
        self._clock = clock
        self._telemetry = telemetry

    # What the venue publishes

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets' metadata is loaded, none of it before a moment."""
        return self._public.knows(symbols, since_ms)

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether one of these markets' metadata is to be read anew."""
        return self._public.doubts(symbols)

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata instead of asking the venue."""
        self._public.load(metadata)

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Read these markets' metadata from the venue and use it."""
        return self._public.fetch_metadata(symbols, deadline)

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a loaded market's rules."""
        return self._public.instrument(symbol)

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """Read the klines that open in [since, until), oldest first."""
        return self._public.fetch_klines(symbol, since_ms, until_ms, deadline, interval_ms=interval_ms)

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what these markets traded in the last 24 h, in the same order."""
        return self._public.fetch_day_volume(symbols, deadline)

    def rate_limit(self) -> RateLimit:
        """Tell what is known of the limit on the public side's requests."""
        return self._public.rate_limit()

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Respect a block that another invocation was told of."""
        self._public.block_until(until_ms, is_ban=is_ban)

    # What the account knows

    def arm_switch(self, symbols: Sequence[Symbol], after_ms: int, deadline: Deadline) -> None:
        """Do nothing: nothing of paper is lost while nobody looks."""

    def set_leverage(self, symbol: Symbol, wanted: Perpetual, deadline: Deadline) -> None:
        """Hold a perpetual so from now on.

        Raises:
            Refused: it is none, or cannot be held so.
        """
        if not self._login.perpetuals([symbol]):
            raise Refused(f"{symbol} is no perpetual of this account: it has no leverage")

        def hold(exchange: PaperExchange) -> None:
            exchange.list_market(self._public.instrument(symbol), self._login.rates(symbol))
            exchange.hold(symbol, wanted)

        self._work(hold, deadline)

    def funding_since(self, symbol: Symbol, since_ms: int, deadline: Deadline) -> Sequence[FundingPayment]:
        """Read a perpetual's payments from a moment on, oldest first; those before it need not be kept any longer."""
        account = self._caught_up(
            deadline, symbol, lambda exchange: exchange.acknowledge_payments(symbol, since_ms * 1000)
        )
        return account.funding(symbol, since_ms)

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:  # noqa: ARG002 - the port's signature
        """Say what a login without a key may do: trade on paper, and nothing from anywhere else."""
        return KeyPermissions(trades=True, withdraws=False, is_ip_bound=True)

    def time_ms(self, deadline: Deadline) -> int:  # noqa: ARG002 - the port's signature
        """Return our clock's time: this venue has no other."""
        return self._clock.now_ms()

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read what is public, let the market catch up with the account, and read that."""
        books: Mapping[Symbol, Book | Unknown] = dict.fromkeys(symbols, Unknown(reason="not read"))
        prices: Mapping[Symbol, Decimal | Unknown] = dict.fromkeys(last_for, Unknown(reason="not read"))

        def look(exchange: PaperExchange) -> Seen:
            nonlocal books, prices
            books, prices = self._public.books(symbols, last_for, deadline)
            premiums = self._looks.premiums(symbols, deadline)
            self._looks.catch_up(exchange, exchange.before.played, deadline)
            tell(exchange, premiums)
            books = {symbol: shown(exchange, book) for symbol, book in books.items()}
            return Seen.of(exchange, premiums)

        try:
            account, seen = self._work(look, deadline)
        except (Retryable, Refused, Unresolved) as error:
            unknown = Unknown(reason=str(error))
            return Observation(open_orders=unknown, balances=unknown, books=books, last_prices=prices)
        return Observation(
            open_orders=account.open_orders(),
            balances=seen.balances,
            books=books,
            last_prices=prices,
            positions=seen.positions,
            funding_rates=seen.funding_rates,
        )

    def read_books(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Book | Unknown]:
        """Read these markets' books once more; the account's orders meet them."""
        return self.observe(symbols, (), deadline).books

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders of the account; there are no foreign ones."""
        return self._caught_up(deadline).open_orders()

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:
        """Read the account's trades from an id on, oldest first; those before it need not be kept any longer."""
        account = self._caught_up(deadline, symbol, lambda exchange: exchange.acknowledge(symbol, from_id))
        return account.fills(symbol, from_id)

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:
        """Return the id of the account's newest trade, None if it never traded."""
        market = self._caught_up(deadline, symbol).markets.get(symbol)
        return None if market is None else market.newest_trade_id

    def find_order(
        self, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool, deadline: Deadline
    ) -> Order | None:
        """Look one order up, live or not; None if the account does not know it.

        A create whose write got no answer may still be on its way. A lookup in vain therefore writes the account anew:
        that write can then never land, and "not found" stays true (R1).
        """

        def fence(exchange: PaperExchange) -> None:
            if by_client_id and exchange.before.find(symbol, key, by_client_id=True) is None:
                exchange.fence()

        return self._caught_up(deadline, symbol, fence).find(symbol, key, by_client_id=by_client_id)

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:
        """Return the client id an order was created with."""
        return self._caught_up(deadline, symbol).client_id_of(symbol, venue_id)

    # What the account does

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel, after what the market did before; outcomes in the same order."""

        def cancel(exchange: PaperExchange) -> list[CancelOutcome]:
            self._looks.catch_up(exchange, exchange.before.played & {order.symbol for order in orders}, deadline)
            return [cancel_one(exchange, order) for order in orders]

        try:
            return self._work(cancel, deadline)[1]
        except (Retryable, Refused, Unresolved) as error:
            return [CancelOutcome(order=each, result=CancelResult.FAILED, reason=str(error)) for each in orders]

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create orders at the book of now; outcomes in the same order."""
        symbols = tuple(dict.fromkeys(order.symbol for order in orders))
        signed_ms = self._clock.now_ms()

        def place(exchange: PaperExchange) -> list[PlaceOutcome]:
            books, _ = self._public.books(symbols, (), deadline)
            premiums = self._looks.premiums(symbols, deadline)
            for symbol in symbols:
                exchange.list_market(self._public.instrument(symbol), self._login.rates(symbol))
            self._looks.catch_up(exchange, symbols, deadline, arriving=True)
            tell(exchange, premiums)
            troubles = {symbol: trouble_with(exchange, book) for symbol, book in books.items()}
            return [place_one(exchange, order, troubles[order.symbol]) for order in orders]

        try:
            outcomes = self._work(place, deadline)[1]
        except Unresolved as error:
            return [OutcomeUnknown(order=each, signed_ms=signed_ms, reason=str(error)) for each in orders]
        except (Retryable, Refused) as error:
            kind = RejectionKind.RETRYABLE if isinstance(error, Retryable) else RejectionKind.REFUSED
            return [Rejected(order=each, kind=kind, reason=str(error)) for each in orders]
        for outcome in outcomes:
            if isinstance(outcome, Rejected) and outcome.kind is RejectionKind.OFF_GRID:
                self._public.doubt(outcome.order.symbol)
        return outcomes

    # How it works

    def _caught_up(
        self,
        deadline: Deadline,
        symbol: Symbol | None = None,
        also: Callable[[PaperExchange], None] = lambda _exchange: None,
    ) -> PaperAccount:
        """Let one market, or all, catch up with the account and return it; a read fails for certain, or not at all."""

        def look(exchange: PaperExchange) -> None:
            also(exchange)
            played = exchange.before.played
            self._looks.catch_up(exchange, played if symbol is None else played & {symbol}, deadline)

        try:
            return self._work(look, deadline)[0]
        except Unresolved as error:
            raise Retryable(str(error)) from error

    def _work[T](self, work: Callable[[PaperExchange], T], deadline: Deadline) -> tuple[PaperAccount, T]:
        """Do something with the account and write what became of it; all of it anew if another function wrote first.

        Raises:
            Retryable: nothing was written.
            Unresolved: the write got no answer.
        """
        for _ in range(ATTEMPTS):
            budget_ms = deadline.remaining_ms()
            if budget_ms < _LEAST_BUDGET_MS:
                raise Retryable(f"no time left: {budget_ms} ms of the invocation's budget")
            now_ms = self._clock.now_ms()
            stored = self._store.load(self._login.account)
            account = open_account(self._login.opening, now_ms) if stored is None else stored.account
            exchange = PaperExchange(account, now_ms * 1000)
            answer = work(exchange)
            after = exchange.account()
            is_changed = stored is None or exchange.is_fenced or after.is_worth_writing(account, now_ms * 1000)
            if not is_changed or self._is_saved(after, 0 if stored is None else stored.version):
                self._say_holes(exchange)
                return after, answer
        raise Retryable(f"the paper account was written by others first, {ATTEMPTS} times")

    def _is_saved(self, account: PaperAccount, version: int) -> bool:
        try:
            self._store.save(self._login.account, account, version=version)
        except Conflict:
            return False
        except Retryable as error:
            raise Unresolved(f"the paper account may have been written: {error}") from error
        return True

    def _say_holes(self, exchange: PaperExchange) -> None:
        account = self._login.account
        for symbol, hole in exchange.holes:
            fields = {"account": account, "symbol": symbol, "from_id": hole.from_id, "to_id": hole.to_id}
            self._telemetry.record("paper_trades_missed", fields)
            self._telemetry.count(account, {"paper_trades_missed": hole.to_id - hole.from_id})
