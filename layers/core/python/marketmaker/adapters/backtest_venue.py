"""A recorded market as the `Venue` of a backtest: the matching engine on a virtual clock, a request at a time.

Every round of requests takes its time: it reaches the venue `entry_ms` after it was sent, and its answer is there
`response_ms` later; the clock moves on with it. Requests of one round arrive together. Nothing else fails: outages,
lost replies and rate limits belong to the local exchange.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.adapters.backtest_accounts import PlayedAccount
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fee, Fill, NewOrder, Order, Side
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.pricing import BOOK_LEVELS, Book, BookLevel
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ClientOrderId, Symbol, TradeId, VenueOrderId
from marketmaker.ports import (
    Accepted,
    CancelOutcome,
    CancelResult,
    Deadline,
    KeyPermissions,
    Observation,
    PlaceOutcome,
    RateLimit,
    Rejected,
    RejectionKind,
    Unknown,
)
from marketmaker.simulation.account import Account
from marketmaker.simulation.events import Level
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import (
    AccountOrder,
    AccountTrade,
    OrderRequest,
    OrderType,
    Rejection,
    RejectReason,
    TimeInForce,
)
from marketmaker.simulation.perpetual import PerpetualEngine

_US = 1_000
_REJECTIONS = {
    RejectReason.WOULD_TAKE: RejectionKind.WOULD_TAKE,
    RejectReason.OFF_TICK: RejectionKind.OFF_GRID,
    RejectReason.OFF_LOT: RejectionKind.OFF_GRID,
    RejectReason.BELOW_MIN_NOTIONAL: RejectionKind.OFF_GRID,
}


type PlayedEngine = Engine[Account] | PerpetualEngine
"""The engine of a spot market, or of a perpetual."""


class VirtualClock:
    """Time that moves only when it is told to, and never back."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Return the moment that the run is at."""
        return self._now_ms

    def move_to(self, now_ms: int) -> None:
        """Go on to a moment; an earlier one changes nothing."""
        self._now_ms = max(self._now_ms, now_ms)

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self._now_ms += round(seconds * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long a request takes to the venue, and its answer back, in ms."""

    entry_ms: int = 10
    response_ms: int = 10


class BacktestVenue:
    """Implements `Venue` for the one market of an engine."""

    def __init__(self, engine: PlayedEngine, held: PlayedAccount, clock: VirtualClock, latency: Latency) -> None:
        self.engine = engine
        self._held = held
        self._clock = clock
        self._latency = latency
        self._symbol = engine.instrument.symbol

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:  # noqa: ARG002 - it is given
        """Tell that the market's rules are known."""
        return True

    def doubts(self, symbols: Sequence[Symbol]) -> bool:  # noqa: ARG002
        """Tell that they are not in doubt."""
        return False

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Need nothing of it."""

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:  # noqa: ARG002
        """Publish none."""
        return ()

    def instrument(self, symbol: Symbol) -> Instrument:  # noqa: ARG002
        """Return the market's rules."""
        return self.engine.instrument

    def observe(self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline) -> Observation:
        """Read everything in one round."""
        books = self.read_books(symbols, deadline)
        last = self.engine.day.last
        price: Decimal | Unknown = Unknown(reason="nothing traded yet") if last is None else last.price
        return Observation(
            open_orders=self._open_orders(),
            balances=self._held.balances(),
            books=books,
            last_prices=dict.fromkeys(last_for, price),
            positions=self._held.positions(),
            funding_rates=self._held.funding_rates(),
        )

    def read_books(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Book | Unknown]:  # noqa: ARG002
        """Read the book, our own orders in it; of any other market nothing is known."""
        self._arrive()
        depth = self.engine.depth(BOOK_LEVELS)
        book = Book(
            symbol=self._symbol,
            bids=_levels(depth.bids),
            asks=_levels(depth.asks),
            update_id=depth.update_id,
        )
        self._answer()
        other = Unknown(reason="the recording has no such market")
        return {symbol: book if symbol == self._symbol else other for symbol in symbols}

    def open_orders(self, deadline: Deadline) -> Sequence[Order]:  # noqa: ARG002
        """Read what rests."""
        self._arrive()
        self._answer()
        return self._open_orders()

    def fills_since(self, symbol: Symbol, from_id: int, deadline: Deadline) -> Sequence[Fill]:  # noqa: ARG002
        """Read the account's trades from a number on."""
        self._arrive()
        self._answer()
        return [as_fill(each, symbol) for each in self.engine.account.trades[max(0, from_id - 1) :]]

    def newest_trade_id(self, symbol: Symbol, deadline: Deadline) -> int | None:  # noqa: ARG002
        """Return the number of the account's newest trade."""
        trades = self.engine.account.trades
        return trades[-1].trade_id if trades else None

    def find_order(
        self,
        symbol: Symbol,  # noqa: ARG002
        key: ClientOrderId | VenueOrderId,
        *,
        by_client_id: bool,
        deadline: Deadline,  # noqa: ARG002
    ) -> Order | None:
        """Look one order up."""
        self._arrive()
        account = self.engine.account
        found = account.order_by_client_id(ClientOrderId(key)) if by_client_id else account.orders.get(int(key))
        self._answer()
        return None if found is None else self._order(found)

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId, deadline: Deadline) -> ClientOrderId | None:  # noqa: ARG002
        """Return the client id of an order."""
        order = self.engine.account.orders.get(int(venue_id))
        return None if order is None else order.request.client_id

    def time_ms(self, deadline: Deadline) -> int:  # noqa: ARG002
        """Read the venue's clock, which is ours."""
        return self._clock.now_ms()

    def fetch_klines(
        self,
        symbol: Symbol,  # noqa: ARG002
        since_ms: int,  # noqa: ARG002
        until_ms: int,  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
        *,
        interval_ms: int = 1_000,  # noqa: ARG002
    ) -> Sequence[Kline]:
        """List none: what a run measures, it measures of its own events."""
        return ()

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:  # noqa: ARG002
        """List none."""
        return ()

    def arm_switch(self, symbols: Sequence[Symbol], after_ms: int, deadline: Deadline) -> None:
        """Do nothing: a run loses no tick."""

    def set_leverage(self, symbol: Symbol, wanted: Perpetual, deadline: Deadline) -> None:  # noqa: ARG002
        """Hold the position so."""
        self._arrive()
        self._held.set_leverage(wanted)
        self._answer()

    def funding_since(self, symbol: Symbol, since_ms: int, deadline: Deadline) -> Sequence[FundingPayment]:  # noqa: ARG002
        """Read funding payments."""
        self._arrive()
        self._answer()
        return self._held.funding_since(since_ms)

    def key_permissions(self, deadline: Deadline) -> KeyPermissions | Unknown:  # noqa: ARG002
        """Tell that there is no key."""
        return Unknown(reason="a backtest has no key")

    def cancel(self, orders: Sequence[Order], deadline: Deadline) -> Sequence[CancelOutcome]:  # noqa: ARG002
        """Cancel in one round."""
        if not orders:
            return ()
        now_us = self._arrive()
        outcomes = [self._cancel(order, now_us) for order in orders]
        self._answer()
        return outcomes

    def place(self, orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:  # noqa: ARG002
        """Create in one round."""
        if not orders:
            return ()
        now_us = self._arrive()
        outcomes = [self._place(order, now_us) for order in orders]
        self._answer()
        return outcomes

    def rate_limit(self) -> RateLimit:
        """Tell that there is none."""
        return RateLimit()

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Need nothing of it."""

    def _arrive(self) -> int:
        """Let a round of requests reach the venue, and everything happen that the market did until then."""
        self._clock.move_to(self._clock.now_ms() + self._latency.entry_ms)
        now_us = self._clock.now_ms() * _US
        self.engine.advance(now_us)
        return now_us

    def _answer(self) -> None:
        self._clock.move_to(self._clock.now_ms() + self._latency.response_ms)

    def _open_orders(self) -> list[Order]:
        account = self.engine.account
        return [self._order(each) for side in Side for each in account.open_orders(side)]

    def _order(self, order: AccountOrder) -> Order:
        request = order.request
        return Order(
            venue_id=VenueOrderId(str(order.order_id)),
            client_id=request.client_id,
            symbol=self._symbol,
            side=request.side,
            price=order.limit,
            size_base=request.size_base,
            executed_base=order.executed_base,
            created_ms=order.created_us // _US,
            is_live=order.status.is_open,
        )

    def _cancel(self, order: Order, now_us: int) -> CancelOutcome:
        cancelled = self.engine.cancel(int(order.venue_id), now_us)
        if cancelled is None:
            return CancelOutcome(order=order, result=CancelResult.GONE, reason="the order does not rest")
        return CancelOutcome(order=order, result=CancelResult.CANCELLED, executed_base=cancelled.executed_base)

    def _place(self, order: NewOrder, now_us: int) -> PlaceOutcome:
        request = OrderRequest(
            client_id=order.client_id,
            side=order.side,
            type=OrderType.LIMIT_MAKER if order.post_only else OrderType.LIMIT,
            size_base=order.size_base,
            price=order.price,
            time_in_force=TimeInForce.IOC if order.immediate else TimeInForce.GTC,
            reduce_only=order.reduce_only and bool(self._held.positions()),
        )
        outcome = self.engine.submit(request, now_us)
        if isinstance(outcome, Rejection):
            kind = _REJECTIONS.get(outcome.reason, RejectionKind.REFUSED)
            return Rejected(order=order, kind=kind, reason=outcome.reason.value.replace("_", " "))
        return Accepted(order=self._order(outcome))


def _levels(levels: Sequence[Level]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=price, size_base=size) for price, size in levels)


def as_fill(trade: AccountTrade, symbol: Symbol) -> Fill:
    """Tell a trade of the engine's account as a venue does."""
    return Fill(
        trade_id=TradeId(str(trade.trade_id)),
        venue_order_id=VenueOrderId(str(trade.order_id)),
        symbol=symbol,
        side=trade.side,
        price=trade.price,
        size_base=trade.size_base,
        fee=Fee(amount=trade.commission, asset=trade.commission_asset),
        time_ms=trade.time_us // _US,
        is_maker=trade.is_maker,
    )
