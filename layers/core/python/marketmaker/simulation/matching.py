"""The matching engine: one account's orders against a market's events, by price and time.

Assumptions, all of them:

- The market does not react to us: our orders and fills change no recorded quote or trade.
- Queue: an order waits for the size displayed at its price on arrival. Trades at that price shorten the wait, and it
  is never longer than what is displayed; `queues` says what else may shorten it. Better than the touch, or between
  known levels, nobody is ahead. Beyond the known book the deepest known size is ahead until a quote shows that price.
- A trade through our price fills us at our price, a trade at our price what is left after the queue ahead; several
  orders share a trade's volume once, in price-time order. Sizes are cut to whole lots.
- A quote on the other side at or through our price fills us at our price, up to the size it shows.
- What an account takes is gone from the displayed book until the next quote shows it again.
- An account never trades with itself: its resting orders in the way of its taker, up to the last price it takes,
  expire, as with Binance's EXPIRE_MAKER, unless the taker asks to end there instead; a post-only order in the way of
  its own order is rejected.
- Arrival is immediate: latency belongs to the caller, who passes the moment an order reaches the venue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, floor_to_lot
from marketmaker.simulation.account import Account, TradingAccount
from marketmaker.simulation.book import MarketBook
from marketmaker.simulation.events import Event, Level, Quote, Trade, is_better, merge_levels
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.orders import (
    AccountOrder,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejection,
    RejectReason,
    TimeInForce,
)
from marketmaker.simulation.queues import USUAL_RULES, MatchingRules
from marketmaker.simulation.statistics import DayStatistics
from marketmaker.simulation.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """The book as clients see it: the market's levels and the account's own orders together."""

    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Engine[A: TradingAccount = Account]:
    """One market and one account on it; time moves only when a caller names the moment (`now_us`, market time).

    `watch` is told of every trade of the market.
    """

    def __init__(
        self,
        *,
        account: A,
        feed: MarketFeed,
        watch: Callable[[Trade], None] | None = None,
        rules: MatchingRules = USUAL_RULES,
    ) -> None:
        self.instrument = account.instrument
        self.feed = feed
        self.account = account
        self.book = MarketBook(self.instrument.lot_size)
        self.day = DayStatistics()
        self.tape = Tape()
        self._watch = watch
        self._rules = rules
        self.now_us = 0

    @property
    def update_id(self) -> int:
        """A number that rises with every change of the book, own orders included."""
        return 1 + self.book.revision + self.account.revision

    def advance(self, now_us: int) -> None:
        """Let everything happen that the market did up to a moment; an earlier moment changes nothing."""
        for event in self.feed.until(now_us):
            self.play(event)
        self.now_us = max(self.now_us, now_us)

    def play(self, event: Event) -> None:
        """Let one event happen, whatever the feed brings."""
        self.now_us = max(self.now_us, event.time_us)
        if isinstance(event, Trade):
            self._on_trade(event)
        else:
            self._on_quote(event)

    def jump(self, shift_bps: Decimal, now_us: int) -> None:
        """Move the market's price from now on."""
        self.advance(now_us)
        self.feed.jump(shift_bps, self.now_us)
        self.advance(now_us)

    def submit(self, request: OrderRequest, now_us: int) -> AccountOrder | Rejection:
        """Accept an order that arrives now and trade what it may take, or say why not."""
        self.advance(now_us)
        reason = self._refusal(request)
        if reason is not None:
            self.account.rejected[reason] += 1
            return Rejection(reason=reason)
        order = self.account.accept(request, self.now_us)
        if request.type is not OrderType.LIMIT_MAKER:
            self._take(order)
        if order.status.is_open:
            self._rest_or_expire(order)
        return order

    def cancel(self, order_id: int, now_us: int) -> AccountOrder | None:
        """Take an order out of the book; None when it does not rest there (any more)."""
        self.advance(now_us)
        order = self.account.orders.get(order_id)
        if order is None or not order.status.is_open:
            return None
        self.account.close(order, OrderStatus.CANCELED, self.now_us)
        return order

    def depth(self, limit: int) -> Depth:
        """Return the best levels of both sides, own orders included."""
        bids, asks = self._levels(Side.BUY), self._levels(Side.SELL)
        return Depth(update_id=self.update_id, bids=bids[:limit], asks=asks[:limit])

    def _levels(self, side: Side) -> tuple[Level, ...]:
        """Return the market's levels and our own together."""
        own = [Level(order.limit, order.remaining_base) for order in self.account.open_orders(side)]
        return merge_levels(side, [*self.book.levels(side), *own]) if own else self.book.levels(side)

    def _refusal(self, request: OrderRequest) -> RejectReason | None:
        instrument, account = self.instrument, self.account
        steps = self.book.walk(request.side, request.price, request.size_base)
        wanted = steps if request.price is None else [Level(request.price, request.size_base)]
        previous = account.order_by_client_id(request.client_id)
        if request.price is not None and (request.price <= ZERO or request.price % instrument.tick_size):
            return RejectReason.OFF_TICK
        if request.size_base < instrument.min_size_base or request.size_base % instrument.lot_size:
            return RejectReason.OFF_LOT
        notional = sum((step.price * step.size for step in wanted), ZERO)
        if notional < instrument.min_notional_quote and not request.reduce_only:
            return RejectReason.BELOW_MIN_NOTIONAL
        if previous is not None and previous.status.is_open:
            return RejectReason.DUPLICATE_CLIENT_ID
        unpaid = account.refusal(request, wanted)
        if unpaid is not None:
            return unpaid
        if request.type is OrderType.LIMIT_MAKER and (steps or self._own_in_the_way(request.side, request.price)):
            return RejectReason.WOULD_TAKE
        return None

    def _own_in_the_way(self, side: Side, limit: Decimal | None) -> list[AccountOrder]:
        resting = self.account.open_orders(side.opposite)
        return [order for order in resting if limit is None or not is_better(side, order.limit, limit)]

    def _take(self, order: AccountOrder) -> None:
        request = order.request
        size = self.account.fillable(order)
        steps = self.book.walk(request.side, request.price, size)
        is_whole = sum((step.size for step in steps), ZERO) == size
        in_the_way = self._own_in_the_way(request.side, steps[-1].price if is_whole else request.price)
        ends_early = request.ends_at_own_orders and bool(in_the_way)
        if request.time_in_force is TimeInForce.FOK and (ends_early or not is_whole):
            return
        if ends_early:
            steps = [step for step in steps if is_better(request.side.opposite, step.price, in_the_way[0].limit)]
        for own in () if ends_early else in_the_way:
            self.account.close(own, OrderStatus.EXPIRED_IN_MATCH, self.now_us)
        for step in steps:
            self.book.take(request.side.opposite, step)
            self.account.fill(order, step, is_maker=False, time_us=self.now_us)
        if ends_early and order.status.is_open:
            self.account.close(order, OrderStatus.EXPIRED_IN_MATCH, self.now_us)

    def _rest_or_expire(self, order: AccountOrder) -> None:
        request = order.request
        if request.price is None or request.time_in_force is not TimeInForce.GTC:
            self.account.close(order, OrderStatus.EXPIRED, self.now_us)
        else:
            shown = self._size_ahead(request.side, request.price)
            ahead = self._rules.queue.on_arrival(shown)
            self.account.rest(order, queue_ahead=ahead, queue_shown=shown, time_us=self.now_us)

    def _on_trade(self, trade: Trade) -> None:
        self.day.record(trade)
        self.tape.record(trade)
        if self._watch is not None:
            self._watch(trade)
        side = trade.taker_side.opposite
        left, passed = trade.size_base, ZERO
        for order in tuple(self.account.open_orders(side)):
            if is_better(side, trade.price, order.limit):
                break
            if order.limit != trade.price:
                order.queue_ahead = ZERO
            waits = min(left, max(ZERO, order.queue_ahead - passed))
            passed += waits
            left -= waits
            whole = order.remaining_base if self._rules.fills_whole and left else left
            left -= min(left, self._fill_resting(order, whole))
        for order in self.account.open_orders(side):
            if order.limit == trade.price:
                order.queue_ahead = max(ZERO, order.queue_ahead - passed)
                order.queue_traded += trade.size_base

    def _on_quote(self, quote: Quote) -> None:
        self.book.show(quote)
        for side in (Side.BUY, Side.SELL):
            resting = self.account.open_orders(side)
            if resting and self.book.is_reached(side, resting[0].limit):
                self._meet(side)
            for order in resting:
                shown = self.book.size_ahead(side, order.limit)
                if shown is not None or not self._rules.waits_beyond_book:
                    self._move_up(order, shown or ZERO)

    def _meet(self, side: Side) -> None:
        """Let the other side of the book trade with our orders that it reaches."""
        for order in tuple(self.account.open_orders(side)):
            for step in self.book.walk(side, order.limit, self.account.fillable(order)):
                if self._rules.fills_whole:
                    self._fill_resting(order, order.remaining_base)
                    break
                self.book.take(side.opposite, step)
                self._fill_resting(order, step.size)

    def _size_ahead(self, side: Side, price: Decimal) -> Decimal:
        if self._rules.waits_beyond_book:
            return self.book.size_ahead_assumed(side, price)
        return self.book.size_ahead(side, price) or ZERO

    def _move_up(self, order: AccountOrder, shown: Decimal) -> None:
        """Let an order move up by what left the display at its price without a trade."""
        left = order.queue_shown - order.queue_traded - shown
        if left > ZERO and order.queue_ahead:
            order.queue_ahead = self._rules.queue.on_shrinking(
                ahead=order.queue_ahead, displayed=order.queue_shown - order.queue_traded, left=left
            )
        order.queue_ahead = min(order.queue_ahead, shown)
        order.queue_shown, order.queue_traded = shown, ZERO

    def _fill_resting(self, order: AccountOrder, available: Decimal) -> Decimal:
        size = floor_to_lot(min(available, self.account.fillable(order)), self.instrument.lot_size)
        if size > ZERO:
            self.account.fill(order, Level(order.limit, size), is_maker=True, time_us=self.now_us)
        return size
