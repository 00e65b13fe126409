"""A venue in memory: it keeps orders, trades, balances and books, and fails as venues fail when a test says so."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fee, Fill, NewOrder, Order, Side
from marketmaker.domain.positions import FundingPayment, Position
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ONE, ZERO, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId
from marketmaker.errors import AccountRefused, Refused, Retryable
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
    RateLimit,
    Rejected,
    RejectionKind,
    Unknown,
)
from tests.fakes.perpetuals import FakePerpetual

type Action = Callable[[], object]
type Reply = Callable[[NewOrder], PlaceOutcome]

OPEN_ORDERS = "observe.open_orders"
BALANCES = "observe.balances"
BOOKS = "observe.books"
LAST_PRICES = "observe.last_prices"
POSITIONS = "observe.positions"
"""Names of the parts of an observation, for `Faults`: a part that fails is `Unknown`."""
CLOSED_LOOK_MS = 60_000
"""How soon a closed market is to be looked at again."""


class Faults:
    """What happens just before a named call, once or always: an error is raised, or the world changes."""

    def __init__(self) -> None:
        self._once: dict[str, deque[Action]] = {}
        self._always: dict[str, Exception] = {}

    def before(self, call: str, action: Action) -> None:
        """Do something once, just before the next such call that has nothing else to do."""
        self._once.setdefault(call, deque()).append(action)

    def fail_once(self, call: str, error: Exception) -> None:
        """Raise once."""

        def fail() -> None:
            raise error

        self.before(call, fail)

    def fail_always(self, call: str, error: Exception) -> None:
        """Raise until healed."""
        self._always[call] = error

    @property
    def lasting(self) -> frozenset[str]:
        """The calls that fail always."""
        return frozenset(self._always)

    def heal(self, call: str) -> None:
        """End what fails always."""
        del self._always[call]

    def clear(self) -> None:
        """Forget all that was to happen."""
        self._once.clear()
        self._always.clear()

    def meet(self, call: str) -> None:
        """Let what is due happen."""
        if call in self._always:
            raise self._always[call]
        waiting = self._once.get(call)
        if waiting:
            waiting.popleft()()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that the venue received; `keys` are the ids of its orders, or its symbols."""

    method: str
    keys: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Late:
    """A create that is accepted at a later lookup, unless it has expired by then."""

    order: NewOrder
    lookups_left: int
    expires_ms: int


class FakeVenue:
    """Implements `Venue`: one login with post-only orders; `others` are the books that other people make."""

    def __init__(self, clock: Clock, instruments: Sequence[Instrument], totals: Mapping[Asset, Decimal]) -> None:
        self.clock = clock
        self.faults = Faults()
        self.calls: list[Call] = []
        self.totals = dict(totals)
        self.unreported: set[Asset] = set()
        self.orders: dict[VenueOrderId, Order] = {}
        self.last_prices: dict[Symbol, Decimal] = {}
        self.clock_offset_ms = 0
        self.request_ttl_ms = 5_000
        self.is_frozen = False
        self.taken_at_most = Decimal("Infinity")
        self.perpetuals: dict[Symbol, FakePerpetual] = {}
        self.lists_twice = False
        self.trade_fee: Fee | None = None
        self.permissions: KeyPermissions | Unknown = KeyPermissions(trades=True, withdraws=False, is_ip_bound=True)
        self._listed_rules = {each.symbol: each for each in instruments}
        self._instruments = dict(self._listed_rules)
        self._others: dict[Symbol, Book] = {}
        self.klines: dict[Symbol, list[Kline]] = {}
        self.unlisted: set[Symbol] = set()
        self.closed: set[Symbol] = set()
        self.limit = RateLimit()
        self.switches: dict[Symbol, int] = {}
        self._loaded_ms: dict[Symbol, int] = {}
        self._doubted: set[Symbol] = set()
        self._trades: list[Fill] = []
        self._unlisted: set[TradeId] = set()
        self._hides_trades = False
        self._replies: deque[Reply] = deque()
        self._late: list[_Late] = []
        self._cancel_failures = 0
        self._silent_cancels = False
        self._stale_open: tuple[Order, ...] = ()
        self._stale_reads = 0
        self._forgetful_lookups = 0
        self._next_id = 1

    # What a test does to it

    def quote(self, symbol: Symbol, bid: Decimal | str, ask: Decimal | str) -> None:
        """Let others quote these best prices, 5 a side; an empty text leaves the side empty."""
        bids, asks = ((BookLevel(price=Decimal(price), size_base=Decimal(5)),) if price else () for price in (bid, ask))
        update_id = self._others[symbol].update_id + 1 if symbol in self._others else 1
        self._others[symbol] = Book(symbol=symbol, bids=bids, asks=asks, update_id=update_id)
        self.last_prices[symbol] = bids[0].price if bids else ZERO

    def add_order(self, order: Order) -> Order:
        """Put an order on the venue that no `place` of this run made."""
        added = replace(order, venue_id=VenueOrderId(self._new_id()), created_ms=self.time_now_ms())
        self.orders[added.venue_id] = added
        return added

    def fill(
        self,
        order: Order,
        size_base: Decimal | str | None = None,
        *,
        trades: int = 1,
        is_maker: bool = True,
    ) -> list[Fill]:
        """Trade a resting order, wholly or in part, in so many equal trades."""
        resting = self.orders[order.venue_id]
        total = resting.remaining_base if size_base is None else Decimal(size_base)
        if not resting.is_live or total > resting.remaining_base:
            raise ValueError(f"order {order.venue_id} cannot trade {total}")
        return [self._trade(order.venue_id, total / trades, is_maker=is_maker) for _ in range(trades)]

    def hide_trades(self) -> None:
        """List no new trade until `list_trades`: orders say executed, the trade list does not have it yet."""
        self._hides_trades = True

    def list_trades(self) -> None:
        """List what was hidden."""
        self._hides_trades = False
        self._unlisted.clear()

    def lose_next_reply(self) -> None:
        """Accept the next create, but its reply is lost."""

        def reply(order: NewOrder) -> PlaceOutcome:
            self._accept(order)
            return self._unknown(order)

        self._replies.append(reply)

    def lose_next_request(self) -> None:
        """Never receive the next create; its sender cannot know."""
        self._replies.append(self._unknown)

    def accept_next_after(self, lookups: int) -> None:
        """Accept the next create only once it has been looked up in vain so many times, within its time to live."""

        def reply(order: NewOrder) -> PlaceOutcome:
            expires_ms = self.time_now_ms() + self.request_ttl_ms
            self._late.append(_Late(order=order, lookups_left=lookups, expires_ms=expires_ms))
            return self._unknown(order)

        self._replies.append(reply)

    def reject_next(self, kind: RejectionKind, reason: str = "rejected by the test") -> None:
        """Reject the next create."""
        self._replies.append(partial(self._reject, kind=kind, reason=reason))

    def change_rules(self, rules: Instrument) -> None:
        """Let a market's rules be others from now on; whoever knows it has to be told."""
        self._listed_rules[rules.symbol] = rules

    def accept_next(self) -> None:
        """Accept the next create; for one that comes before a fault."""
        self._replies.append(lambda order: Accepted(order=self._accept(order)))

    def fail_next_cancels(self, count: int = 1) -> None:
        """Let single cancels fail with their orders still live."""
        self._cancel_failures = count

    def cancel_without_figures(self) -> None:
        """Answer cancels without the executed amount."""
        self._silent_cancels = True

    def repeat_open_orders(self, reads: int = 1) -> None:
        """Lag: answer so many reads of the open orders with those of now."""
        self._stale_open, self._stale_reads = self.live(), reads

    def forget_lookups(self, count: int) -> None:
        """Lag: know no order at so many lookups."""
        self._forgetful_lookups = count

    def calm(self) -> None:
        """End every trouble; what it has already done remains."""
        self.faults.clear()
        self.list_trades()
        self._replies.clear()
        self._silent_cancels = False
        self._cancel_failures = self._stale_reads = self._forgetful_lookups = 0

    # What a test asks of it

    def live(self, symbol: Symbol | None = None) -> tuple[Order, ...]:
        """Return the orders that rest, oldest first."""
        return tuple(each for each in self.orders.values() if each.is_live and symbol in {None, each.symbol})

    def only(self, side: Side, symbol: Symbol | None = None) -> Order:
        """Return the one own order that rests on a side."""
        (order,) = [each for each in self.live(symbol) if each.side is side and each.client_id is not None]
        return order

    def trades_of(self, symbol: Symbol) -> tuple[Fill, ...]:
        """Return every trade of the login, listed or not."""
        return tuple(each for each in self._trades if each.symbol == symbol)

    def methods(self) -> list[str]:
        """Return the names of the calls received."""
        return [call.method for call in self.calls]

    def received(self, method: str) -> list[Call]:
        """Return the calls of one method."""
        return [call for call in self.calls if call.method == method]

    def time_now_ms(self) -> int:
        """Return the venue's own time."""
        return self.clock.now_ms() + self.clock_offset_ms

    # What it is: a Venue

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether metadata is loaded, none of it before a moment."""
        return all(self._loaded_ms.get(symbol, -1) >= since_ms for symbol in symbols)

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether metadata is to be read anew: it was contradicted, or a market was closed a minute ago."""
        old_ms = self.clock.now_ms() - CLOSED_LOOK_MS
        return not self._doubted.isdisjoint(symbols) or any(
            not rules.is_trading and self._loaded_ms.get(symbol, 0) <= old_ms
            for symbol, rules in self._instruments.items()
            if symbol in symbols
        )

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata, unless it is in doubt; this venue's says nothing but that there is some."""
        self._note("load", [each.symbol for each in metadata])
        for each in metadata:
            if each.symbol not in self._doubted:
                self._loaded_ms[each.symbol] = self.clock.now_ms()

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Describe the listed ones of these markets; the others are closed."""
        self._note("fetch_metadata", symbols)
        if self.unlisted.issuperset(symbols) and not any(symbol in self._loaded_ms for symbol in symbols):
            raise AccountRefused(f"the venue lists none of {', '.join(symbols)}")
        for symbol in self._listed_rules.keys() & set(symbols):
            is_trading = symbol not in self.unlisted | self.closed
            self._instruments[symbol] = replace(self._listed_rules[symbol], is_trading=is_trading)
        self._doubted.difference_update(symbols)
        self._loaded_ms |= dict.fromkeys(symbols, self.clock.now_ms())
        return [
            VenueMetadata(symbol=symbol, fetched_ms=self.clock.now_ms(), payload="{}")
            for symbol in symbols
            if symbol not in self.unlisted
        ]

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a known market's rules."""
        if symbol not in self._loaded_ms:
            raise KeyError(symbol)
        return self._instruments[symbol]

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read everything; a failing part is unknown."""
        self._note("observe", symbols)
        return Observation(
            open_orders=self._known(OPEN_ORDERS, self._listed_open_orders),
            balances=self._known(BALANCES, self._balances),
            books=self._books(symbols),
            last_prices={
                symbol: self._known(LAST_PRICES, partial(self.last_prices.__getitem__, symbol)) for symbol in last_for
            },
            positions={
                symbol: self._known(POSITIONS, partial(self._position, symbol))
                for symbol in self.perpetuals
                if Asset(symbol) not in self.unreported
            },
            funding_rates={
                symbol: each.funding_rate(self.time_now_ms())
                for symbol, each in self.perpetuals.items()
                if each.tells_rate
            },
        )

    def arm_switch(self, symbols: Sequence[Symbol], after_ms: int, deadline: Deadline) -> None:
        """Keep when each market's switch would fire."""
        self._note("arm_switch", symbols)
        self.switches |= dict.fromkeys(symbols, self.time_now_ms() + after_ms)

    def set_leverage(self, symbol: Symbol, wanted: Perpetual, deadline: Deadline) -> None:
        """Hold a perpetual as wanted, where it may be."""
        self._note("set_leverage", [symbol])
        self.perpetuals[symbol].hold(wanted)

    def funding_since(self, symbol: Symbol, since_ms: int, deadline: Deadline) -> Sequence[FundingPayment]:
        """List funding payments."""
        self._note("funding_since", [symbol])
        return self.perpetuals[symbol].since(since_ms)

    def read_books(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Book | Unknown]:
        """Read books once more; a failing one is unknown."""
        self._note("read_books", symbols)
        return self._books(symbols)

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:
        """Read all open orders."""
        self._note("open_orders")
        return self._listed_open_orders()

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:
        """Read the listed trades from an id on."""
        self._note("fills_since", [symbol])
        listed = [each for each in self._listed(symbol) if int(each.trade_id) >= from_id]
        return sorted(listed * 2, key=lambda each: int(each.trade_id)) if self.lists_twice else listed

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:
        """Return the newest listed trade's id."""
        self._note("newest_trade_id", [symbol])
        listed = self._listed(symbol)
        return int(listed[-1].trade_id) if listed else None

    def find_order(
        self, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool, deadline: Deadline
    ) -> Order | None:
        """Look an order up, live or not."""
        self._note("find_order", [key])
        if self._forgetful_lookups:
            self._forgetful_lookups -= 1
            return None
        self._arrive(key)
        for order in reversed(self.orders.values()):
            if order.symbol == symbol and key == (order.client_id if by_client_id else order.venue_id):
                return order
        return None

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:
        """Return an order's client id."""
        self._note("client_id_of", [venue_id])
        return self.orders[venue_id].client_id

    def time_ms(self, deadline: Deadline) -> int:
        """Read the venue's clock."""
        self._note("time_ms")
        return self.time_now_ms()

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """Read the klines that open in [since, until), the one still open too."""
        self._note("fetch_klines", [symbol])
        self._refuse_unlisted([symbol])
        listed = [each for each in self.klines.get(symbol, []) if each.open_ms <= self.time_now_ms()]
        return [each for each in listed if since_ms <= each.open_ms < until_ms and each.interval_ms == interval_ms]

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read the day's volume: one base a market."""
        self._note("fetch_day_volume", symbols)
        self._refuse_unlisted(symbols)
        return [
            DayVolume(symbol=symbol, time_ms=self.time_now_ms(), volume_base=ONE, volume_quote=Decimal(1900))
            for symbol in symbols
        ]

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:
        """Tell what the key may do."""
        self._note("key_permissions")
        return self.permissions

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:
        """Cancel in one round."""
        self._note("cancel", [order.venue_id for order in orders])
        return [self._cancel_one(order) for order in orders]

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        """Create orders in one round."""
        self._note("place", [order.client_id for order in orders])
        return [self._replies.popleft()(order) if self._replies else self._place_one(order) for order in orders]

    def rate_limit(self) -> RateLimit:
        """Tell what the test says; a block that is over is none."""
        is_blocked = self.clock.now_ms() < self.limit.blocked_until_ms
        return self.limit if is_blocked else RateLimit(used_share=self.limit.used_share)

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Note a block."""
        self._note("block_until")
        self.limit = replace(self.limit, blocked_until_ms=until_ms, is_ban=is_ban)

    # How it works

    def _refuse_unlisted(self, symbols: Sequence[Symbol]) -> None:
        if not self.unlisted.isdisjoint(symbols):
            raise Refused("Invalid symbol.")

    def _note(self, method: str, keys: Sequence[str] = ()) -> None:
        self.calls.append(Call(method=method, keys=tuple(keys)))
        self.faults.meet(method)

    def _known[T](self, part: str, read: Callable[[], T]) -> T | Unknown:
        try:
            self.faults.meet(part)
            return read()
        except (Retryable, Refused) as error:
            return Unknown(reason=str(error))

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)

    def _listed_open_orders(self) -> tuple[Order, ...]:
        if self._stale_reads:
            self._stale_reads -= 1
            return self._stale_open
        return self.live()

    def _listed(self, symbol: Symbol) -> list[Fill]:
        return [each for each in self._trades if each.symbol == symbol and each.trade_id not in self._unlisted]

    def _balances(self) -> dict[Asset, Balance]:
        reserved = dict.fromkeys(self.totals, ZERO)
        for order in self.live():
            rules = self._instruments[order.symbol]
            if order.symbol in self.perpetuals:
                reserved[rules.quote] += order.notional_quote / self.perpetuals[order.symbol].leverage
            elif order.side is Side.BUY:
                reserved[rules.quote] += order.notional_quote
            else:
                reserved[rules.base] += order.remaining_base
        return {
            asset: Balance(free=total - reserved[asset], reserved=reserved[asset])
            for asset, total in self.totals.items()
            if asset not in self.unreported
        }

    def _books(self, symbols: Sequence[Symbol]) -> dict[Symbol, Book | Unknown]:
        return {symbol: self._known(BOOKS, partial(self._book, symbol)) for symbol in symbols}

    def _book(self, symbol: Symbol) -> Book:
        """Show what others quote and what rests of this login, as venues do: never one at the other's price.

        A test may move the market past our orders without filling them; they are not shown then.
        """
        if symbol in self._doubted | self.unlisted or symbol not in self._others:
            raise Refused(f"nothing is asked of {symbol} now")
        if not self._instruments[symbol].is_trading:
            raise Refused(f"the venue does not trade {symbol} now")
        others = self._others[symbol]
        if not self.is_frozen:
            others = self._others[symbol] = replace(others, update_id=others.update_id + 1)
        bids = {level.price: level.size_base for level in others.bids}
        asks = {level.price: level.size_base for level in others.asks}
        for order in self.live(symbol):
            side, opposite = (bids, others.best_ask) if order.side is Side.BUY else (asks, others.best_bid)
            if opposite is not None and order.side.sign * (order.price - opposite) >= 0:
                continue
            side[order.price] = side.get(order.price, ZERO) + order.remaining_base
        return replace(
            others,
            bids=tuple(BookLevel(price=price, size_base=bids[price]) for price in sorted(bids, reverse=True)),
            asks=tuple(BookLevel(price=price, size_base=asks[price]) for price in sorted(asks)),
        )

    def _position(self, symbol: Symbol) -> Position:
        book = self._others[symbol]
        mark = book.mid if book.mid is not None else self.last_prices[symbol]
        return self.perpetuals[symbol].position(mark)

    def _trade(self, venue_id: VenueOrderId, size: Decimal, *, is_maker: bool = True) -> Fill:
        order = self.orders[venue_id]
        executed = order.executed_base + size
        self.orders[venue_id] = replace(order, executed_base=executed, is_live=executed < order.size_base)
        fill = Fill(
            trade_id=TradeId(self._new_id()),
            venue_order_id=venue_id,
            symbol=order.symbol,
            side=order.side,
            price=order.price,
            size_base=size,
            fee=self.trade_fee,
            time_ms=self.time_now_ms(),
            is_maker=is_maker,
        )
        self._trades.append(fill)
        if self._hides_trades:
            self._unlisted.add(fill.trade_id)
        rules = self._instruments[order.symbol]
        perpetual = self.perpetuals.get(order.symbol)
        if perpetual is not None:
            self.totals[rules.quote] += perpetual.trade(fill)
        else:
            self.totals[rules.base] += order.side.sign * size
            self.totals[rules.quote] -= order.side.sign * fill.notional_quote
        if fill.fee is not None:
            self.totals[fill.fee.asset] -= fill.fee.amount
        return fill

    def _cancel_one(self, order: Order) -> CancelOutcome:
        resting = self.orders.get(order.venue_id)
        if resting is None or not resting.is_live:
            return CancelOutcome(order=order, result=CancelResult.GONE, reason="unknown order")
        if self._cancel_failures:
            self._cancel_failures -= 1
            return CancelOutcome(order=order, result=CancelResult.FAILED, reason="cancel failed by the test")
        self.orders[order.venue_id] = replace(resting, is_live=False)
        executed = None if self._silent_cancels else resting.executed_base
        return CancelOutcome(order=order, result=CancelResult.CANCELLED, executed_base=executed)

    def _place_one(self, order: NewOrder) -> PlaceOutcome:
        others = self._others[order.symbol]
        touch = others.best_ask if order.side is Side.BUY else others.best_bid
        takes = touch is not None and order.side.sign * (order.price - touch) >= ZERO
        if order.symbol in self.unlisted | self.closed:
            return self._reject(order, kind=RejectionKind.MARKET_CLOSED, reason="market is closed")
        if self._is_off_grid(order):
            return self._reject(order, kind=RejectionKind.OFF_GRID, reason="filter failure")
        if takes and order.post_only:
            return self._reject(order, kind=RejectionKind.WOULD_TAKE, reason="would match at once")
        rules = self._instruments[order.symbol]
        if order.symbol in self.perpetuals:
            return self._take_or_rest(order, takes=takes)
        asset, needed = (
            (rules.quote, order.price * order.size_base) if order.side is Side.BUY else (rules.base, order.size_base)
        )
        if self._balances()[asset].free < needed:
            return self._reject(order, kind=RejectionKind.REFUSED, reason="insufficient balance")
        return self._take_or_rest(order, takes=takes)

    def _take_or_rest(self, order: NewOrder, *, takes: bool) -> PlaceOutcome:
        accepted = self._accept(order)
        if takes and self.taken_at_most > ZERO:
            self._trade(accepted.venue_id, min(accepted.size_base, self.taken_at_most), is_maker=False)
        if order.immediate:
            self.orders[accepted.venue_id] = replace(self.orders[accepted.venue_id], is_live=False)
        return Accepted(order=self.orders[accepted.venue_id])

    def _is_off_grid(self, order: NewOrder) -> bool:
        rules = self._listed_rules[order.symbol]
        return bool(
            order.price % rules.tick_size
            or order.size_base % rules.lot_size
            or order.price * order.size_base < rules.min_notional_quote
        )

    def _reject(self, order: NewOrder, *, kind: RejectionKind, reason: str) -> Rejected:
        if kind in {RejectionKind.OFF_GRID, RejectionKind.MARKET_CLOSED}:
            self._doubted.add(order.symbol)
        return Rejected(order=order, kind=kind, reason=reason)

    def _accept(self, order: NewOrder) -> Order:
        if any(each.client_id == order.client_id for each in self.live()):
            raise AssertionError(f"{order.client_id} was sent twice")
        resting = order.resting(VenueOrderId(self._new_id()), self.time_now_ms())
        self.orders[resting.venue_id] = resting
        return resting

    def _unknown(self, order: NewOrder) -> OutcomeUnknown:
        return OutcomeUnknown(order=order, signed_ms=self.time_now_ms(), reason="no answer in time")

    def _arrive(self, key: str) -> None:
        """Accept a late create when it has been looked up in vain often enough."""
        for late in [each for each in self._late if each.order.client_id == key]:
            if late.lookups_left == 0:
                self._late.remove(late)
                if self.time_now_ms() <= late.expires_ms:
                    self._accept(late.order)
            else:
                late.lookups_left -= 1
