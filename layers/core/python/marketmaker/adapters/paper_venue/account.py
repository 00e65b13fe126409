"""The paper account as it is stored: balances, orders and trades, and how far each market's public trades were played.

It is a value: `PaperExchange` makes the next one of it, and one conditional write of the whole keeps functions that
work it at once from losing each other's change. Everything in it is bounded (R24).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Fee, Fill, Order, Side
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId
from marketmaker.ports import Balance
from marketmaker.simulation.account import FeeRates
from marketmaker.simulation.orders import OrderStatus

MAX_RESTING = 200
"""Orders that may rest at once; a venue allows as many in one market."""
MAX_UNREAD_TRADES = 500
"""Trades that nobody has read yet; with so many the market stands still for the account until somebody does."""
KEPT_TRADES = 100
KEPT_FINISHED = 200
FINISHED_US = 600_000_000
"""A finished order can be looked up for so long, and as one of the newest so many."""
_WORTH_A_WRITE = 500
"""Public trades that changed nothing are played again rather than written down, up to half a page of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """An accepted order; `queue_ahead_base` is what must still trade at its price before it."""

    order_id: int
    client_id: ClientOrderId
    symbol: Symbol
    side: Side
    price: Decimal
    size_base: Decimal
    executed_base: Decimal
    queue_ahead_base: Decimal
    created_us: int
    updated_us: int
    status: OrderStatus

    @property
    def reserved(self) -> Decimal:
        """What it holds of the asset that it spends."""
        left = self.size_base - self.executed_base
        return left * self.price if self.side is Side.BUY else left

    def order(self) -> Order:
        """Return it as a venue reports it."""
        return Order(
            venue_id=VenueOrderId(str(self.order_id)),
            client_id=self.client_id,
            symbol=self.symbol,
            side=self.side,
            price=self.price,
            size_base=self.size_base,
            executed_base=self.executed_base,
            created_ms=self.created_us // 1000,
            is_live=self.status.is_open,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrade:
    """What one order traded at one price between two looks at the market."""

    trade_id: int
    order_id: int
    client_id: ClientOrderId
    symbol: Symbol
    side: Side
    price: Decimal
    size_base: Decimal
    commission: Decimal
    commission_asset: Asset
    time_us: int
    is_maker: bool = True

    def fill(self) -> Fill:
        """Return it as a venue reports it."""
        return Fill(
            trade_id=TradeId(str(self.trade_id)),
            venue_order_id=VenueOrderId(str(self.order_id)),
            symbol=self.symbol,
            side=self.side,
            price=self.price,
            size_base=self.size_base,
            fee=Fee(amount=self.commission, asset=self.commission_asset),
            time_ms=self.time_us // 1000,
            is_maker=self.is_maker,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperMarket:
    """A market that was traded in: its rules and fees, kept so that a halt needs no metadata (R34).

    `read_from` is where its trades were last read from: the reader has everything before. `holes` counts the gaps in
    the public trades that could not be filled.
    """

    instrument: Instrument
    fees: FeeRates
    newest_trade_id: int | None = None
    read_from: int = 0
    holes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAccount:
    """The whole account; `next_public_id` is the next public trade that each market's orders have not met."""

    totals: Mapping[Asset, Decimal]
    next_order_id: int
    next_trade_id: int
    markets: Mapping[Symbol, PaperMarket] = field(default_factory=dict)
    next_public_id: Mapping[Symbol, int] = field(default_factory=dict)
    resting: tuple[PaperOrder, ...] = ()
    finished: tuple[PaperOrder, ...] = ()
    trades: tuple[PaperTrade, ...] = ()

    @property
    def quoted(self) -> frozenset[Symbol]:
        """The markets in which orders rest."""
        return frozenset(each.symbol for each in self.resting)

    @property
    def stands_still(self) -> bool:
        """Whether nothing may trade until somebody has read what did."""
        return sum(self.is_unread(each) for each in self.trades) >= MAX_UNREAD_TRADES

    def is_unread(self, trade: PaperTrade) -> bool:
        """Tell whether a trade may still be asked for."""
        return trade.trade_id >= self.markets[trade.symbol].read_from

    def balances(self) -> dict[Asset, Balance]:
        """Return what is free and what the resting orders hold."""
        reserved = dict.fromkeys(self.totals, ZERO)
        for each in self.resting:
            instrument = self.markets[each.symbol].instrument
            reserved[instrument.quote if each.side is Side.BUY else instrument.base] += each.reserved
        return {
            asset: Balance(free=total - reserved[asset], reserved=reserved[asset])
            for asset, total in self.totals.items()
        }

    def open_orders(self) -> tuple[Order, ...]:
        """Return the resting orders, oldest first."""
        return tuple(each.order() for each in self.resting)

    def find(self, symbol: Symbol, key: str, *, by_client_id: bool) -> Order | None:
        """Look an order up by either id, live or finished; the latest that carried it."""
        for each in (*reversed(self.resting), *reversed(self.finished)):
            if each.symbol == symbol and key == (each.client_id if by_client_id else str(each.order_id)):
                return each.order()
        return None

    def client_id_of(self, symbol: Symbol, venue_id: VenueOrderId) -> ClientOrderId | None:
        """Return the client id of an order, or of one that is known from its trades only."""
        known: tuple[PaperOrder | PaperTrade, ...] = (*self.resting, *self.finished, *self.trades)
        return next((each.client_id for each in known if (each.symbol, str(each.order_id)) == (symbol, venue_id)), None)

    def fills(self, symbol: Symbol, from_id: int) -> list[Fill]:
        """Return a market's trades from an id on, oldest first."""
        return [each.fill() for each in self.trades if each.symbol == symbol and each.trade_id >= from_id]

    def pruned(self, now_us: int) -> "PaperAccount":
        """Drop what nobody asks for any more: never a trade that was not read."""
        newest = self.trades[-KEPT_TRADES:]
        return replace(
            self,
            finished=tuple(each for each in self.finished if each.updated_us > now_us - FINISHED_US)[-KEPT_FINISHED:],
            trades=tuple(each for each in self.trades[:-KEPT_TRADES] if self.is_unread(each)) + newest,
        )

    def is_worth_writing(self, before: "PaperAccount") -> bool:
        """Tell whether more has changed than how far public trades were played that meant nothing to the account."""
        moved = (each - before.next_public_id.get(symbol, 0) for symbol, each in self.next_public_id.items())
        return replace(self, next_public_id=before.next_public_id) != before or max(moved, default=0) >= _WORTH_A_WRITE


def open_account(opening: Mapping[Asset, Decimal], now_ms: int) -> PaperAccount:
    """Start an account.

    Its ids start at the clock, in µs: an account opened anew beside an old ledger repeats none of that ledger's ids.
    """
    return PaperAccount(totals=dict(opening), next_order_id=now_ms * 1000, next_trade_id=now_ms * 1000)
