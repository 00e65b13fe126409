"""Order books and the fair price taken from them (M5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.units import TWO, ZERO, Symbol

BOOK_LEVELS = 5
"""Levels a side that a decision may depend on, and that its record keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLevel:
    """One price of a book and the size resting there."""

    price: Decimal
    size_base: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A venue's order book, best prices first; `update_id` is the venue's own version of it."""

    symbol: Symbol
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    update_id: int

    @property
    def best_bid(self) -> Decimal | None:
        """Highest bid, None for an empty side."""
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        """Lowest ask, None for an empty side."""
        return self.asks[0].price if self.asks else None

    @property
    def mid(self) -> Decimal | None:
        """Middle of the best prices, None while a side is empty."""
        return (self.bids[0].price + self.asks[0].price) / TWO if self.bids and self.asks else None

    @property
    def is_crossed(self) -> bool:
        """Tell whether the best prices meet, which no orders explain, our own as little as others' (R11)."""
        return bool(self.bids and self.asks) and self.bids[0].price >= self.asks[0].price

    def without(self, own: Iterable[Order]) -> "Book":
        """Return the book that others made: our own orders must not set our own fair price.

        One that is crossed stays as it is: without the orders that cross it, it would look sound.
        """
        if self.is_crossed:
            return self
        bids: dict[Decimal, Decimal] = {}
        asks: dict[Decimal, Decimal] = {}
        for order in own:
            levels = bids if order.side is Side.BUY else asks
            levels[order.price] = levels.get(order.price, ZERO) + order.remaining_base
        return replace(self, bids=_subtract(self.bids, bids), asks=_subtract(self.asks, asks))

    def top(self, levels: int) -> "Book":
        """Return the best levels of both sides."""
        return replace(self, bids=self.bids[:levels], asks=self.asks[:levels])


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """The best prices of another book, and for how long its update id has stood still."""

    bid: Decimal
    ask: Decimal
    age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondView:
    """What was read of a `SecondPrice`; None is a book that could not be read, is one-sided or crossed, or no rate."""

    source: Touch | None
    rate: Touch | None = None


def fair_price(model: FairPriceModel, book: Book, last: Decimal | None) -> Decimal | None:
    """Return the fair price by the named model; None where its input is missing."""
    match model:
        case FairPriceModel.LAST:
            return last
        case FairPriceModel.MID:
            return book.mid
        case _:
            assert_never(model)


def _subtract(levels: tuple[BookLevel, ...], own: dict[Decimal, Decimal]) -> tuple[BookLevel, ...]:
    left = (BookLevel(price=level.price, size_base=level.size_base - own.get(level.price, ZERO)) for level in levels)
    return tuple(level for level in left if level.size_base > ZERO)
