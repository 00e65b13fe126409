"""The account's side of the market: its orders, reserves, trades, fees and counts."""

from abc import ABC, abstractmethod
from bisect import insort
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ONE, ZERO, Asset, ClientOrderId
from marketmaker.simulation.events import Level
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderRequest, OrderStatus, RejectReason
from marketmaker.simulation.presence import Presence
from marketmaker.simulation.wallet import Wallet

COMMISSION_STEP = Decimal("1E-8")
"""Commissions are cut to this many decimals towards zero, so a reserve always covers them."""
KEPT_FINISHED = 5_000
"""Finished orders that can still be looked up; older ones are forgotten, so a long run needs no more memory."""


class FeeAsset(StrEnum):
    """What a commission is charged in: the asset received (Binance), or always the quote asset."""

    RECEIVED = "received"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRates:
    """Commissions as fractions of what they are charged on; a rebate is negative (M1)."""

    maker: Decimal
    taker: Decimal
    asset: FeeAsset = FeeAsset.RECEIVED

    def __post_init__(self) -> None:
        if not (abs(self.maker) < ONE and abs(self.taker) < ONE):
            raise ValueError(f"fees {self.maker} and {self.taker}; allowed: fractions between -1 and 1")


@dataclass(slots=True)
class OrderCounts:
    """What became of the account's orders, by number."""

    accepted: int = 0
    filled: int = 0
    cancelled: int = 0
    cancelled_unfilled: int = 0
    expired: int = 0


@dataclass(slots=True)
class Numbering:
    """The next numbers of orders and trades; the markets of one login may share one."""

    next_order: int = 1
    next_trade: int = 1

    def number_order(self) -> int:
        """Give out an order's number."""
        self.next_order += 1
        return self.next_order - 1

    def number_trade(self) -> int:
        """Give out a trade's number."""
        self.next_trade += 1
        return self.next_trade - 1


class TradingAccount(ABC):
    """One login's orders and trades on one market; what pays for them is its subclass's matter.

    `revision` rises with every change of its orders. `orders` are those that rest and the last that finished.
    """

    def __init__(self, *, instrument: Instrument, fees: FeeRates, numbering: Numbering | None = None) -> None:
        self.instrument = instrument
        self.fees = fees
        self.orders: dict[int, AccountOrder] = {}
        self.trades: list[AccountTrade] = []
        self.counts = OrderCounts()
        self.rejected: Counter[RejectReason] = Counter()
        self.presence = Presence()
        self.revision = 0
        self._numbering = numbering or Numbering()
        self._open: dict[Side, list[AccountOrder]] = {Side.BUY: [], Side.SELL: []}
        self._finished: deque[AccountOrder] = deque()
        self._by_client_id: dict[ClientOrderId, AccountOrder] = {}

    def open_orders(self, side: Side) -> Sequence[AccountOrder]:
        """Return one side's resting orders in price-time order."""
        return self._open[side]

    def order_by_client_id(self, client_id: ClientOrderId) -> AccountOrder | None:
        """Return the latest order that carried a client id."""
        return self._by_client_id.get(client_id)

    @abstractmethod
    def refusal(self, request: OrderRequest, steps: Sequence[Level]) -> RejectReason | None:
        """Return why the account may not have an order that would trade these steps; None when it may."""

    def fillable(self, order: AccountOrder) -> Decimal:
        """Return how much of an order may trade now."""
        return order.remaining_base

    def accept(self, request: OrderRequest, time_us: int) -> AccountOrder:
        """Register an order; one with a price locks its reserve."""
        number = self._numbering.number_order()
        order = AccountOrder(order_id=number, request=request, created_us=time_us, updated_us=time_us)
        self._remember(order)
        self.counts.accepted += 1
        self.revision += 1
        self._hold(order)
        self._mark(time_us)
        return order

    def restore(self, order: AccountOrder) -> None:
        """Put an order back that rested in an earlier life of the account; its reserve is locked again."""
        self._remember(order)
        self._hold(order)
        insort(self._open[order.request.side], order, key=_priority)

    def rest(self, order: AccountOrder, *, queue_ahead: Decimal, queue_shown: Decimal, time_us: int) -> None:
        """Put an accepted order into the book."""
        order.queue_ahead, order.queue_shown = queue_ahead, queue_shown
        insort(self._open[order.request.side], order, key=_priority)
        self._mark(time_us)

    def fill(self, order: AccountOrder, step: Level, *, is_maker: bool, time_us: int) -> None:
        """Execute part of an order and settle it at once."""
        notional = step.price * step.size
        is_maker = is_maker and not order.is_charged_as_taker
        is_buy = order.request.side is Side.BUY
        instrument = self.instrument
        on_base = is_buy and self.fees.asset is FeeAsset.RECEIVED
        commission = (self._rate(order, is_maker=is_maker) * (step.size if on_base else notional)).quantize(
            COMMISSION_STEP, rounding=ROUND_DOWN
        )
        trade = AccountTrade(
            trade_id=self._numbering.number_trade(),
            order_id=order.order_id,
            client_id=order.request.client_id,
            side=order.request.side,
            price=step.price,
            size_base=step.size,
            notional_quote=notional,
            commission=commission,
            commission_asset=instrument.base if on_base else instrument.quote,
            time_us=time_us,
            is_maker=is_maker,
            is_liquidation=order.is_liquidation,
        )
        self.trades.append(trade)
        order.executed_base += step.size
        order.executed_quote += notional
        self._settle(order, trade)
        order.updated_us = time_us
        order.status = OrderStatus.PARTIALLY_FILLED
        self.revision += 1
        if order.remaining_base == ZERO:
            self.close(order, OrderStatus.FILLED, time_us)

    def close(self, order: AccountOrder, status: OrderStatus, time_us: int) -> None:
        """End an order: filled, cancelled or expired; what it still holds becomes free."""
        order.status, order.updated_us = status, time_us
        self._hold(order)
        resting = self._open[order.request.side]
        if order in resting:
            resting.remove(order)
        self.revision += 1
        match status:
            case OrderStatus.FILLED:
                self.counts.filled += 1
            case OrderStatus.CANCELED:
                self.counts.cancelled += 1
                self.counts.cancelled_unfilled += order.executed_base == ZERO
            case _:
                self.counts.expired += 1
        self._finished.append(order)
        if len(self._finished) > KEPT_FINISHED:
            self._forget(self._finished.popleft())
        self._mark(time_us)

    def _remember(self, order: AccountOrder) -> None:
        self.orders[order.order_id] = order
        self._by_client_id[order.request.client_id] = order

    def _forget(self, order: AccountOrder) -> None:
        del self.orders[order.order_id]
        if self._by_client_id[order.request.client_id] is order:
            del self._by_client_id[order.request.client_id]

    def _rate(self, order: AccountOrder, *, is_maker: bool) -> Decimal:  # noqa: ARG002 - some orders cost more
        return self.fees.maker if is_maker else self.fees.taker

    @abstractmethod
    def _settle(self, order: AccountOrder, trade: AccountTrade) -> None: ...

    @abstractmethod
    def _hold(self, order: AccountOrder) -> None: ...

    def _mark(self, time_us: int) -> None:
        self.presence.mark(time_us, is_two_sided=all(self._open.values()))


class Account(TradingAccount):
    """A spot login: what it sells or spends is reserved in its wallet."""

    def __init__(
        self, *, instrument: Instrument, fees: FeeRates, wallet: Wallet, numbering: Numbering | None = None
    ) -> None:
        super().__init__(instrument=instrument, fees=fees, numbering=numbering)
        self.wallet = wallet

    def refusal(self, request: OrderRequest, steps: Sequence[Level]) -> RejectReason | None:
        """Refuse what the wallet cannot pay for."""
        if self.wallet.free(self.reserve_asset(request.side)) < self.reserve(request.side, steps):
            return RejectReason.INSUFFICIENT_BALANCE
        return None

    def reserve_asset(self, side: Side) -> Asset:
        """Return what an order on a side spends."""
        return self.instrument.quote if side is Side.BUY else self.instrument.base

    def reserve(self, side: Side, steps: Sequence[Level]) -> Decimal:
        """Return what must be free to trade these steps: the base sold, or the quote spent with its highest fee."""
        if side is Side.SELL:
            return sum((step.size for step in steps), ZERO)
        notional = sum((step.price * step.size for step in steps), ZERO)
        fee = max(self.fees.maker, self.fees.taker, ZERO) if self.fees.asset is FeeAsset.QUOTE else ZERO
        return notional * (ONE + fee)

    def _settle(self, order: AccountOrder, trade: AccountTrade) -> None:
        self._hold(order)
        base, quote, sign = self.instrument.base, self.instrument.quote, trade.side.sign
        moves = [(base, sign * trade.size_base), (quote, -sign * trade.notional_quote)]
        for asset, amount in sorted(moves, key=lambda move: -move[1]):
            self.wallet.add(asset, amount)
        self.wallet.add(trade.commission_asset, -trade.commission)

    def _hold(self, order: AccountOrder) -> None:
        request = order.request
        holds = order.status.is_open and request.price is not None
        needed = self.reserve(request.side, [Level(order.limit, order.remaining_base)]) if holds else ZERO
        self.wallet.lock(self.reserve_asset(request.side), needed - order.reserved)
        order.reserved = needed


def _priority(order: AccountOrder) -> tuple[Decimal, int]:
    return (-order.request.side.sign * order.limit, order.order_id)
