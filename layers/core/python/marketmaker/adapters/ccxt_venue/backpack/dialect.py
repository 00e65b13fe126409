"""Backpack's dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

from marketmaker.adapters.ccxt_venue.backpack import account, markets, orders
from marketmaker.adapters.ccxt_venue.backpack.public_trades import read_trades
from marketmaker.adapters.ccxt_venue.backpack.strict import StrictBackpack
from marketmaker.adapters.ccxt_venue.backpack.words import market_id
from marketmaker.adapters.ccxt_venue.dialect import (
    Ask,
    Call,
    Dialect,
    Held,
    KlinesWanted,
    Market,
    OwnTrade,
    Premium,
    Read,
)
from marketmaker.adapters.ccxt_venue.public_trades import TradesRead
from marketmaker.adapters.ccxt_venue.strict import StrictJson
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import NewOrder, Order
from marketmaker.domain.positions import FundingPayment, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId
from marketmaker.ports import Balance, Unknown


class Backpack(Dialect):
    """Backpack's perpetuals; `recvWindow` becomes the expiry of every signed request, its `X-Window`."""

    strict: ClassVar[type[StrictJson]] = StrictBackpack
    options = MappingProxyType({"defaultType": "swap"})
    is_perpetual = True

    def market_id(self, symbol: Symbol) -> str:
        """Name a market as the venue does."""
        return market_id(symbol)

    def venue_time(self) -> Call[int]:
        """Ask for the venue's clock."""
        return markets.venue_time

    def listed(self, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Market]]:
        """Ask for markets' metadata."""
        return markets.listed(symbols)

    def instrument(self, market: Market) -> Instrument:
        """Read the trading rules of a market."""
        return markets.parse_instrument(market)

    def book(self, symbol: Symbol) -> Call[Book]:
        """Ask for a market's book."""
        return markets.book(symbol)

    def last_price(self, symbol: Symbol) -> Call[Decimal]:
        """Ask for the price of a market's last trade."""
        return markets.last_price(symbol)

    def klines(self, read: Read, wanted: KlinesWanted) -> list[Kline]:
        """Read klines to the last page."""
        return markets.klines(read, wanted)

    def day_volumes(self, symbols: Sequence[Symbol]) -> Call[list[DayVolume]]:
        """Ask for the day's volume of these markets."""
        return markets.day_volumes(symbols)

    def public_trades(self, ask: Ask, from_ids: Mapping[Symbol, int | None]) -> dict[Symbol, TradesRead | Unknown]:
        """Read the newest of markets' public trades, all markets at once."""
        return read_trades(ask, from_ids)

    def open_orders(self) -> Call[tuple[Order, ...]]:
        """Ask for all open orders of the login."""
        return orders.open_orders

    def balances(self) -> Call[dict[Asset, Balance]]:
        """Ask for the login's collateral."""
        return account.balances

    def find_order(self, read: Read, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool) -> Order:
        """Look one order up."""
        return orders.find_order(read, symbol, key, by_client_id=by_client_id)

    def trades_since(self, read: Read, symbol: Symbol, from_id: int) -> list[OwnTrade]:
        """Read the login's trades from an id on."""
        return orders.trades_since(read, symbol, from_id)

    def newest_trade_id(self, symbol: Symbol) -> Call[int | None]:
        """Ask for the id of the login's newest trade."""
        return orders.newest_trade_id(symbol)

    def creation(self, order: NewOrder) -> Call[Order]:
        """Ask for a new order."""
        return orders.creation(order)

    def cancellation(self, order: Order) -> Call[Order]:
        """Ask for a cancel."""
        return orders.cancellation(order)

    def positions(self, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Position | Unknown]]:
        """Ask for the login's positions."""
        return account.positions(symbols)

    def premium(self, symbol: Symbol) -> Call[Premium]:
        """Ask what is paid next, and for the mark."""
        return markets.premium(symbol)

    def held_calls(self, symbols: Sequence[Symbol]) -> list[Call[Any]]:
        """Ask for the leverage too, which no position tells: it is the account's."""
        return [account.leverage_limit, *super().held_calls(symbols)]

    def read_held(self, symbols: Sequence[Symbol], answers: Sequence[Any]) -> Held:
        """Read positions and funding rates out of the answers to `held_calls`.

        While the leverage cannot be read, what is flat is unknown, so that nothing is opened unverified (S17); what is
        held is told without it, so that closing waits for nothing (R22).
        """
        limit, *rest = answers
        held = super().read_held(symbols, rest)
        return Held(
            positions={symbol: _at_leverage(position, limit) for symbol, position in held.positions.items()},
            rates=held.rates,
        )

    def funding_since(self, read: Read, symbol: Symbol, since_ms: int) -> list[FundingPayment]:
        """Read funding payments from a moment on."""
        return account.funding_since(read, symbol, since_ms)

    def leverage(self, symbol: Symbol, wanted: Perpetual) -> Call[None]:
        """Set the account's leverage."""
        return account.leverage(symbol, wanted)


def _at_leverage(position: Position | Unknown, limit: Decimal | Unknown) -> Position | Unknown:
    if isinstance(position, Unknown):
        return position
    if isinstance(limit, Unknown):
        return position if position.size_base else limit
    return replace(position, leverage=limit)


BACKPACK = Backpack()
