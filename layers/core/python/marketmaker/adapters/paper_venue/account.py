"""The paper account as it is stored: balances, orders and trades, and how far each market's public trades were played.

It is a value: `PaperExchange` makes the next one of it, and one conditional write of the whole keeps functions that
work it at once from losing each other's change. Everything in it is bounded (R24).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from marketmaker.adapters.paper_venue.holdings import KEPT_PAYMENTS, MAX_UNREAD_PAYMENTS, PaperPayment, PaperPosition
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Fee, Fill, Order, Side
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId
from marketmaker.domain.venues import MarketKind
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
    reduce_only: bool = False

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
    """The whole account; `next_public_id` is the next public trade that each market's orders have not met.

    `totals` of the asset that perpetuals settle in is their collateral, what is unrealised left out.
    """

    totals: Mapping[Asset, Decimal]
    next_order_id: int
    next_trade_id: int
    markets: Mapping[Symbol, PaperMarket] = field(default_factory=dict)
    next_public_id: Mapping[Symbol, int] = field(default_factory=dict)
    resting: tuple[PaperOrder, ...] = ()
    finished: tuple[PaperOrder, ...] = ()
    trades: tuple[PaperTrade, ...] = ()
    positions: Mapping[Symbol, PaperPosition] = field(default_factory=dict)
    payments: tuple[PaperPayment, ...] = ()

    @property
    def quoted(self) -> frozenset[Symbol]:
        """The markets in which orders rest."""
        return frozenset(each.symbol for each in self.resting)

    @property
    def held(self) -> frozenset[Symbol]:
        """The markets in which there is a position."""
        return frozenset(symbol for symbol, each in self.positions.items() if each.size_base)

    @property
    def played(self) -> frozenset[Symbol]:
        """The markets that may change the account: orders rest there, or there is a position."""
        return self.quoted | self.held

    @property
    def collateral_assets(self) -> frozenset[Asset]:
        """What the perpetuals that were ever traded in settle in."""
        return frozenset(self.markets[symbol].instrument.quote for symbol in self.positions)

    @property
    def pays_no_more(self) -> bool:
        """Whether no funding is paid until somebody has read what was."""
        return sum(self.is_unread_payment(each) for each in self.payments) >= MAX_UNREAD_PAYMENTS

    @property
    def stands_still(self) -> bool:
        """Whether nothing may trade until somebody has read what did."""
        return sum(self.is_unread(each) for each in self.trades) >= MAX_UNREAD_TRADES

    def is_unread(self, trade: PaperTrade) -> bool:
        """Tell whether a trade may still be asked for."""
        return trade.trade_id >= self.markets[trade.symbol].read_from

    def is_unread_payment(self, payment: PaperPayment) -> bool:
        """Tell whether a payment may still be asked for."""
        return payment.time_us >= self.positions[payment.symbol].payments_read_us

    def balances(self) -> dict[Asset, Balance]:
        """Return what is free and what the resting orders hold; perpetuals reserve nothing, they need margin."""
        reserved = dict.fromkeys(self.totals, ZERO)
        for each in self.resting:
            if MarketKind.of(each.symbol) is MarketKind.PERPETUAL:
                continue
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

    def funding(self, symbol: Symbol, since_ms: int) -> list[FundingPayment]:
        """Return a market's funding payments from a moment on, oldest first."""
        paid = (each.payment() for each in self.payments if each.symbol == symbol)
        return [each for each in paid if each.time_ms >= since_ms]

    def pruned(self, now_us: int) -> "PaperAccount":
        """Drop what nobody asks for any more: never a trade or a payment that was not read."""
        newest, paid = self.trades[-KEPT_TRADES:], self.payments[-KEPT_PAYMENTS:]
        return replace(
            self,
            finished=tuple(each for each in self.finished if each.updated_us > now_us - FINISHED_US)[-KEPT_FINISHED:],
            trades=tuple(each for each in self.trades[:-KEPT_TRADES] if self.is_unread(each)) + newest,
            payments=tuple(each for each in self.payments[:-KEPT_PAYMENTS] if self.is_unread_payment(each)) + paid,
        )

    def is_worth_writing(self, before: "PaperAccount", now_us: int) -> bool:
        """Tell whether more has changed than what the public market did that meant nothing to the account."""
        moved = (each - before.next_public_id.get(symbol, 0) for symbol, each in self.next_public_id.items())
        return (
            self._without_news(before) != before
            or max(moved, default=0) >= _WORTH_A_WRITE
            or any(
                each.is_news(before.positions[symbol], now_us)
                for symbol, each in self.positions.items()
                if symbol in before.positions
            )
        )

    def _without_news(self, before: "PaperAccount") -> "PaperAccount":
        """Take back how far public trades were played, and what was told of markets."""
        told = {
            symbol: replace(each, mark=before.positions[symbol].mark, funding=before.positions[symbol].funding)
            if symbol in before.positions
            else each
            for symbol, each in self.positions.items()
        }
        return replace(self, next_public_id=before.next_public_id, positions=told)


def open_account(opening: Mapping[Asset, Decimal], now_ms: int) -> PaperAccount:
    """Start an account.

    Its ids start at the clock, in µs: an account opened anew beside an old ledger repeats none of that ledger's ids.
    """
    return PaperAccount(totals=dict(opening), next_order_id=now_ms * 1000, next_trade_id=now_ms * 1000)
