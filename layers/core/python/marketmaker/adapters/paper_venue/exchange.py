"""A stored account brought to life: one matching engine a market over one wallet, until it is stored again."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from marketmaker.adapters.ccxt_venue import Hole, Premium, TradesRead
from marketmaker.adapters.paper_venue.account import PaperAccount, PaperMarket, PaperOrder
from marketmaker.adapters.paper_venue.holdings import NOTHING_HELD, PAYMENTS_AT_ONCE, PaperPayment
from marketmaker.adapters.paper_venue.perpetuals import PaperPerpetual
from marketmaker.adapters.paper_venue.rows import merged, quote_of, request_of, restored, stored, trade_of, with_depth
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import NewOrder, Order, Side
from marketmaker.domain.positions import MarginMode, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import ZERO, Asset, Symbol
from marketmaker.domain.venues import MarketKind
from marketmaker.ports import Balance, Unknown
from marketmaker.simulation.account import Account, FeeRates, Numbering
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import Rejection
from marketmaker.simulation.perpetual import Collateral, PerpetualEngine
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
        self._collateral = {asset: _left(account, asset) for asset in account.collateral_assets}
        spendable = {asset: total for asset, total in account.totals.items() if asset not in self._collateral}
        self._wallet = Wallet(spendable)
        self._numbering = Numbering(next_order=account.next_order_id, next_trade=account.next_trade_id)
        self._markets = dict(account.markets)
        self._next_public_id = dict(account.next_public_id)
        self._positions = dict(account.positions)
        self._perpetuals: dict[Symbol, PaperPerpetual] = {}
        self._engines: dict[Symbol, Engine[Account] | PerpetualEngine] = {}
        for order in account.resting:
            self._engine(order.symbol).account.restore(restored(order))
        for symbol in account.held:
            self._engine(symbol)

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
            self._engine(symbol).play(trade_of(trade))

    def let_time_pass(self, symbols: Iterable[Symbol]) -> None:
        """Let funding times pass in these markets, now that all trades before were played."""
        for symbol in symbols:
            if symbol in self._perpetuals:
                self._perpetuals[symbol].advance(self._now_us)

    def tell(self, symbol: Symbol, premium: Premium) -> None:
        """Let a perpetual know its mark and what is paid next; while the account stands still, nothing follows."""
        if symbol not in self._markets:
            return
        if self.before.stands_still:
            self._perpetual(symbol).engine.account.mark = premium.mark_price
        else:
            self._perpetual(symbol).tell(premium)

    def hold(self, symbol: Symbol, wanted: Perpetual) -> None:
        """Set how a listed perpetual is held.

        Raises:
            Refused: it cannot be held so.
        """
        self._perpetual(symbol).hold(wanted)

    def position(self, symbol: Symbol, premium: Premium) -> Position | Unknown:
        """Return a perpetual's position; a market that was never traded in is flat."""
        if symbol in self._markets:
            return self._perpetual(symbol).position(symbol)
        return Position(
            symbol=symbol,
            size_base=NOTHING_HELD.size_base,
            entry_price=None,
            mark_price=premium.mark_price,
            unrealised_quote=NOTHING_HELD.cost_quote,
            leverage=NOTHING_HELD.leverage,
            margin_mode=MarginMode.CROSS,
        )

    def balances(self) -> dict[Asset, Balance]:
        """Return what is free and what is held: by orders on spot, by positions and orders as margin."""
        found = {
            asset: Balance(free=self._wallet.free(asset), reserved=self._wallet.locked(asset))
            for asset in self._wallet.assets
        }
        for asset, each in self._collateral.items():
            free = min(each.balance_quote, each.available_quote)
            found[asset] = Balance(free=free, reserved=each.balance_quote - free)
        return found

    def show(self, book: Book) -> None:
        """Let the market's book of now meet the resting orders; while the account stands still, only be seen.

        Raises:
            ValueError: it is crossed or not in order.
        """
        quote = quote_of(book, self._now_us)
        engine = self._engine(book.symbol)
        if self.before.stands_still:
            engine.book.show(quote)
        else:
            engine.play(quote)

    def with_own_orders(self, book: Book) -> Book:
        """Return a book that was shown, less what the account took of it, with its own orders in it."""
        return with_depth(book, self._engine(book.symbol).depth(BOOK_LEVELS))

    @property
    def resting(self) -> int:
        """How many orders rest in all markets."""
        return sum(len(engine.account.open_orders(side)) for engine in self._engines.values() for side in Side)

    def submit(self, order: NewOrder) -> PaperOrder | Rejection:
        """Take an order, or say why not."""
        outcome = self._engine(order.symbol).submit(request_of(order), self._now_us)
        return outcome if isinstance(outcome, Rejection) else stored(order.symbol, outcome)

    def cancel(self, order: Order) -> PaperOrder | None:
        """Take an order out; None when it does not rest (any more)."""
        engine = self._engines.get(order.symbol)
        if engine is None or not order.venue_id.isdecimal():
            return None
        cancelled = engine.cancel(int(order.venue_id), self._now_us)
        return None if cancelled is None else stored(order.symbol, cancelled)

    def acknowledge(self, symbol: Symbol, from_id: int) -> None:
        """Note that a reader has every trade of a market before this one, if any of them is still kept for it."""
        market = self._markets.get(symbol)
        kept = (each.trade_id for each in self.before.trades if each.symbol == symbol and self.before.is_unread(each))
        if market is not None and any(trade_id < from_id for trade_id in kept):
            self._markets[symbol] = replace(market, read_from=from_id)

    def acknowledge_payments(self, symbol: Symbol, since_us: int) -> None:
        """Note that a reader has every payment of a market before this moment, if any of them is kept for it."""
        unread = (each for each in self.before.payments if each.symbol == symbol)
        if any(each.time_us < since_us and self.before.is_unread_payment(each) for each in unread):
            self._perpetual(symbol).acknowledge(since_us)

    def fence(self) -> None:
        """Have the account written even if nothing changes: a write that is still on its way can then not land."""
        self.is_fenced = True

    def account(self) -> PaperAccount:
        """Return the account as it now is."""
        orders = sorted(
            (
                stored(symbol, order)
                for symbol, engine in self._engines.items()
                for order in engine.account.orders.values()
            ),
            key=lambda order: order.order_id,
        )
        trades = sorted(
            (trade for symbol, engine in self._engines.items() for trade in merged(symbol, engine.account.trades)),
            key=lambda trade: trade.trade_id,
        )
        markets = dict(self._markets)
        for trade in trades:
            markets[trade.symbol] = replace(markets[trade.symbol], newest_trade_id=trade.trade_id)
        finished = sorted((each for each in orders if not each.status.is_open), key=lambda order: order.updated_us)
        return PaperAccount(
            totals={asset: self._total(asset) for asset in (*self._wallet.assets, *self._collateral)},
            next_order_id=self._numbering.next_order,
            next_trade_id=self._numbering.next_trade,
            markets=markets,
            next_public_id=dict(self._next_public_id),
            resting=tuple(each for each in orders if each.status.is_open),
            finished=(*self.before.finished, *finished),
            trades=(*self.before.trades, *trades),
            positions=self._positions | {symbol: each.stored() for symbol, each in self._perpetuals.items()},
            payments=(*self.before.payments, *self._paid()),
        ).pruned(self._now_us)

    def _paid(self) -> list[PaperPayment]:
        """List what funding was paid in this life, oldest first."""
        paid = (payment for symbol, each in self._perpetuals.items() for payment in each.payments(symbol))
        return sorted(paid, key=lambda payment: payment.time_us)

    def _total(self, asset: Asset) -> Decimal:
        collateral = self._collateral.get(asset)
        return self._wallet.total(asset) if collateral is None else collateral.balance_quote

    def _engine(self, symbol: Symbol) -> Engine[Account] | PerpetualEngine:
        if MarketKind.of(symbol) is MarketKind.PERPETUAL:
            return self._perpetual(symbol).engine
        engine = self._engines.get(symbol)
        if engine is None:
            market = self._markets[symbol]
            account = Account(
                instrument=market.instrument, fees=market.fees, wallet=self._wallet, numbering=self._numbering
            )
            feed = MarketFeed((), tick_size=market.instrument.tick_size)
            engine = self._engines[symbol] = Engine(account=account, feed=feed)
        return engine

    def _perpetual(self, symbol: Symbol) -> PaperPerpetual:
        found = self._perpetuals.get(symbol)
        if found is None:
            market, held = self._markets[symbol], self._positions.get(symbol, NOTHING_HELD)
            collateral = self._collateral_of(market.instrument.quote)
            left = 0 if self.before.pays_no_more else PAYMENTS_AT_ONCE
            found = PaperPerpetual(market, held, collateral, numbering=self._numbering, payments_left=left)
            self._perpetuals[symbol] = found
            self._engines[symbol] = found.engine
        return found

    def _collateral_of(self, asset: Asset) -> Collateral:
        """Return what perpetuals that settle in an asset answer with; no spot order spends it from then on."""
        if asset not in self._collateral:
            self._collateral[asset] = _left(self.before, asset)
            self._wallet.lock(asset, self._wallet.free(asset))
        return self._collateral[asset]


def _left(account: PaperAccount, asset: Asset) -> Collateral:
    """Bring collateral to life; while a position stands open, less than nothing may be left of it."""
    collateral = Collateral(ZERO)
    collateral.balance_quote = account.totals.get(asset, ZERO)
    return collateral
