"""What a market does: quotes and trades, as a recording or a generator brings them."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO


class Level(NamedTuple):
    """A price and the base size shown there."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The displayed book from `time_us` (µs UTC) on, best levels first; an empty side shows nothing."""

    time_us: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def __post_init__(self) -> None:
        for side, levels in ((Side.BUY, self.bids), (Side.SELL, self.asks)):
            for price, size in levels:
                if size <= ZERO or price <= ZERO:
                    raise ValueError(f"a level of {size} at {price}; allowed: above 0")
            for before, after in pairwise(levels):
                if not is_better(side, before[0], after[0]):
                    raise ValueError(f"{side} levels {before[0]}, {after[0]}; allowed: best first, one a price")
        if self.bids and self.asks and self.bids[0].price >= self.asks[0].price:
            raise ValueError(f"the book is crossed: bid {self.bids[0].price}, ask {self.asks[0].price}")

    @property
    def mid(self) -> Decimal | None:
        """The middle of the touch; None while a side is empty."""
        return (self.bids[0].price + self.asks[0].price) / 2 if self.bids and self.asks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade between others at `time_us` (µs UTC); `taker_side` is who crossed the spread."""

    time_us: int
    taker_side: Side
    price: Decimal
    size_base: Decimal

    def __post_init__(self) -> None:
        if self.price <= ZERO or self.size_base <= ZERO:
            raise ValueError(f"a trade of {self.size_base} at {self.price}; allowed: above 0")


Event = Quote | Trade
_put = object.__setattr__


def trusted_quote(time_us: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> Quote:
    """Build a quote whose levels the caller has checked; a recorded day holds too many to check each twice."""
    quote = Quote.__new__(Quote)
    _put(quote, "time_us", time_us)
    _put(quote, "bids", bids)
    _put(quote, "asks", asks)
    return quote


def trusted_trade(time_us: int, taker_side: Side, price: Decimal, size_base: Decimal) -> Trade:
    """Build a trade whose price and size the caller has checked."""
    trade = Trade.__new__(Trade)
    _put(trade, "time_us", time_us)
    _put(trade, "taker_side", taker_side)
    _put(trade, "price", price)
    _put(trade, "size_base", size_base)
    return trade


def is_better(side: Side, price: Decimal, other: Decimal) -> bool:
    """Tell whether a resting price is ahead of another on its side: higher for a bid, lower for an ask."""
    return price > other if side is Side.BUY else price < other


def merge_levels(side: Side, levels: Iterable[Level]) -> tuple[Level, ...]:
    """Sum the sizes at each price and sort best first."""
    sizes: dict[Decimal, Decimal] = {}
    for price, size in levels:
        sizes[price] = sizes.get(price, ZERO) + size
    return tuple(Level(price, sizes[price]) for price in sorted(sizes, reverse=side is Side.BUY))
