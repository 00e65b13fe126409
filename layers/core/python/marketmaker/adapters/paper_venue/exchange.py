"""A stored account brought to life: one matching engine a market over one wallet, until it is stored again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from marketmaker.adapters.ccxt_venue import Hole, PublicTrade, TradesRead
from marketmaker.adapters.paper_venue.account import PaperAccount, PaperMarket, PaperOrder, PaperTrade
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import NewOrder, Order, Side
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.units import Symbol
from marketmaker.simulation.account import Account, FeeRates, Numbering
from marketmaker.simulation.events import Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderRequest, OrderType, Rejection, TimeInForce
from marketmaker.simulation.wallet import Wallet

BOOK_LEVELS = 20


class PaperExchange:
    """Plays the market to an account's orders, takes new ones and cancels; `account()` is what to store.

    `now_us` is the moment at which everything here happens; only public trades have their own, earlier ones.
    """

    def __init__(self, account: PaperAccount, now_us: int) -> None:
        self.before = account
        self.is_fenced = False
        self.holes: list[tuple[Symbol, Hole]] = []
        self._now_us = now_us
        self._wallet = Wallet(account.totals)
        self._numbering = Numbering(next_order=account.next_order_id, next_trade=account.next_trade_id)
        self._markets = dict(account.markets)
        self._next_public_id = dict(account.next_public_id)
        self._engines: dict[Symbol, Engine] = {}
        for order in account.resting:
            self._engine(order.symbol).account.restore(_restored(order))

    def list_market(self, instrument: Instrument, fees: FeeRates) -> None:
        """Let orders be placed in a market, by its newest rules."""
        symbol = instrument.symbol
        known = self._markets.get(symbol)
        self._markets[symbol] = (
            PaperMarket(instrument=instrument, fees=fees)
            if known is None
            else replace(known, instrument=instrument, fees=fees)
        )

    def next_public_id(self, symbol: Symbol) -> int | None:
        """Return the next public trade that a market's orders have not met; None while none rests there."""
        return self._next_public_id.get(symbol) if symbol in self.before.quoted else None

    def play(self, symbol: Symbol, read: TradesRead) -> None:
        """Let a market's public trades meet the resting orders, and remember what was never seen."""
        self._next_public_id[symbol] = read.next_id
        if read.holes:
            market = self._markets[symbol]
            self._markets[symbol] = replace(market, holes=market.holes + len(read.holes))
            self.holes += [(symbol, hole) for hole in read.holes]
        for trade in read.trades:
            self._engine(symbol).play(_trade(trade))

    def show(self, book: Book) -> None:
        """Let the market's book of now meet the resting orders; while the account stands still, only be seen.

        Raises:
            ValueError: it is crossed or not in order.
        """
        quote = Quote(time_us=self._now_us, bids=_levels(book.bids), asks=_levels(book.asks))
        engine = self._engine(book.symbol)
        if self.before.stands_still:
            engine.book.show(quote)
        else:
            engine.play(quote)

    def with_own_orders(self, book: Book) -> Book:
        """Return a book that was shown, less what the account took of it, with its own orders in it."""
        depth = self._engine(book.symbol).depth(BOOK_LEVELS)
        return replace(book, bids=_book_levels(depth.bids), asks=_book_levels(depth.asks))

    @property
    def resting(self) -> int:
        """How many orders rest in all markets."""
        return sum(len(engine.account.open_orders(side)) for engine in self._engines.values() for side in Side)

    def submit(self, order: NewOrder) -> PaperOrder | Rejection:
        """Take an order, or say why not."""
        request = OrderRequest(
            client_id=order.client_id,
            side=order.side,
            type=OrderType.LIMIT_MAKER if order.post_only else OrderType.LIMIT,
            size_base=order.size_base,
            price=order.price,
            time_in_force=TimeInForce.IOC if order.immediate else TimeInForce.GTC,
        )
        outcome = self._engine(order.symbol).submit(request, self._now_us)
        return outcome if isinstance(outcome, Rejection) else _stored(order.symbol, outcome)

    def cancel(self, order: Order) -> PaperOrder | None:
        """Take an order out; None when it does not rest (any more)."""
        engine = self._engines.get(order.symbol)
        if engine is None or not order.venue_id.isdecimal():
            return None
        cancelled = engine.cancel(int(order.venue_id), self._now_us)
        return None if cancelled is None else _stored(order.symbol, cancelled)

    def acknowledge(self, symbol: Symbol, from_id: int) -> None:
        """Note that a reader has every trade of a market before this one, if any of them is still kept for it."""
        market = self._markets.get(symbol)
        kept = (each.trade_id for each in self.before.trades if each.symbol == symbol and self.before.is_unread(each))
        if market is not None and any(trade_id < from_id for trade_id in kept):
            self._markets[symbol] = replace(market, read_from=from_id)

    def fence(self) -> None:
        """Have the account written even if nothing changes: a write that is still on its way can then not land."""
        self.is_fenced = True

    def account(self) -> PaperAccount:
        """Return the account as it now is."""
        orders = sorted(
            (
                _stored(symbol, order)
                for symbol, engine in self._engines.items()
                for order in engine.account.orders.values()
            ),
            key=lambda order: order.order_id,
        )
        trades = sorted(
            (trade for symbol, engine in self._engines.items() for trade in _merged(symbol, engine.account.trades)),
            key=lambda trade: trade.trade_id,
        )
        markets = dict(self._markets)
        for trade in trades:
            markets[trade.symbol] = replace(markets[trade.symbol], newest_trade_id=trade.trade_id)
        finished = sorted((each for each in orders if not each.status.is_open), key=lambda order: order.updated_us)
        return PaperAccount(
            totals={asset: self._wallet.total(asset) for asset in self._wallet.assets},
            next_order_id=self._numbering.next_order,
            next_trade_id=self._numbering.next_trade,
            markets=markets,
            next_public_id=dict(self._next_public_id),
            resting=tuple(each for each in orders if each.status.is_open),
            finished=(*self.before.finished, *finished),
            trades=(*self.before.trades, *trades),
        ).pruned(self._now_us)

    def _engine(self, symbol: Symbol) -> Engine:
        engine = self._engines.get(symbol)
        if engine is None:
            market = self._markets[symbol]
            account = Account(
                instrument=market.instrument, fees=market.fees, wallet=self._wallet, numbering=self._numbering
            )
            feed = MarketFeed((), tick_size=market.instrument.tick_size)
            engine = self._engines[symbol] = Engine(account=account, feed=feed)
        return engine


def _restored(order: PaperOrder) -> AccountOrder:
    request = OrderRequest(
        client_id=order.client_id,
        side=order.side,
        type=OrderType.LIMIT_MAKER,
        size_base=order.size_base,
        price=order.price,
    )
    return AccountOrder(
        order_id=order.order_id,
        request=request,
        created_us=order.created_us,
        updated_us=order.updated_us,
        status=order.status,
        executed_base=order.executed_base,
        queue_ahead=order.queue_ahead_base,
    )


def _stored(symbol: Symbol, order: AccountOrder) -> PaperOrder:
    return PaperOrder(
        order_id=order.order_id,
        client_id=order.request.client_id,
        symbol=symbol,
        side=order.request.side,
        price=order.limit,
        size_base=order.request.size_base,
        executed_base=order.executed_base,
        queue_ahead_base=order.queue_ahead,
        created_us=order.created_us,
        updated_us=order.updated_us,
        status=order.status,
    )


def _merged(symbol: Symbol, trades: Iterable[AccountTrade]) -> list[PaperTrade]:
    """Sum what each order traded at each price: a large order met by many crumbs stays one row."""
    merged: dict[tuple[int, Decimal, bool], PaperTrade] = {}
    for trade in trades:
        key = trade.order_id, trade.price, trade.is_maker
        first = merged.get(key)
        merged[key] = (
            PaperTrade(
                trade_id=trade.trade_id,
                order_id=trade.order_id,
                client_id=trade.client_id,
                symbol=symbol,
                side=trade.side,
                price=trade.price,
                size_base=trade.size_base,
                commission=trade.commission,
                commission_asset=trade.commission_asset,
                time_us=trade.time_us,
                is_maker=trade.is_maker,
            )
            if first is None
            else replace(
                first,
                size_base=first.size_base + trade.size_base,
                commission=first.commission + trade.commission,
                time_us=trade.time_us,
            )
        )
    return list(merged.values())


def _trade(trade: PublicTrade) -> Trade:
    return Trade(
        time_us=trade.time_ms * 1000, taker_side=trade.taker_side, price=trade.price, size_base=trade.size_base
    )


def _levels(levels: Sequence[BookLevel]) -> tuple[Level, ...]:
    return tuple(Level(level.price, level.size_base) for level in levels)


def _book_levels(levels: Sequence[tuple[Decimal, Decimal]]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=price, size_base=size) for price, size in levels)
