"""Order books and the fair price taken from them (M5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import FairPriceModel, SecondPrice
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.units import BPS, TWO, ZERO, Symbol, clamp, plain

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
        return Book(
            symbol=self.symbol,
            bids=_subtract(self.bids, bids),
            asks=_subtract(self.asks, asks),
            update_id=self.update_id,
        )

    def top(self, levels: int) -> "Book":
        """Return the best levels of both sides."""
        if len(self.bids) <= levels and len(self.asks) <= levels:
            return self
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FairPrice:
    """A fair price, and why a second price that should have made it was ignored, if it was."""

    price: Decimal
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFairPrice:
    """Why there is no fair price: its input is missing, or `deviates` too far from the book's middle."""

    detail: str
    deviates: bool = False


def fair_price(
    settings: MarketSettings, book: Book, last: Decimal | None, second: SecondView | None
) -> FairPrice | NoFairPrice:
    """Return the fair price by the named model, each held to its guards (M5).

    The book is two-sided and not crossed. A last trade too far from its middle is no price; a second price that is
    stale, unreadable or too far is ignored, and the middle takes its place.
    """
    bid, ask = book.bids[0].price, book.asks[0].price
    mid = (bid + ask) / TWO
    match settings.fair_price:
        case FairPriceModel.MID:
            return FairPrice(price=mid)
        case FairPriceModel.MICROPRICE:
            return FairPrice(price=microprice(book, 1))
        case FairPriceModel.DEPTH_WEIGHTED:
            return FairPrice(price=microprice(book, settings.depth_levels))
        case FairPriceModel.LAST:
            return _last_trade(settings, last, mid)
        case FairPriceModel.REFERENCE | FairPriceModel.IMPLIED:
            price = _second_price(settings.second_price, second)
            too_far = None if isinstance(price, str) else _too_far(price, mid, settings.max_deviation_bps)
            if isinstance(price, str) or too_far:
                return FairPrice(price=mid, ignored=f"the {settings.fair_price} price is ignored: {too_far or price}")
            return FairPrice(price=price)
        case _:
            assert_never(settings.fair_price)


def own_price(settings: MarketSettings, book: Book, last: Decimal | None) -> Decimal | None:
    """Return the price by the market's own book or last trade, without the guards of quoting; None for neither.

    Limits are judged by it: a last trade that is no fair price may still be outside a band.
    """
    if settings.fair_price is FairPriceModel.LAST:
        return last
    if book.mid is None or book.is_crossed:
        return book.mid
    fair = fair_price(settings, book, None, None)
    return fair.price if isinstance(fair, FairPrice) else None


def microprice(book: Book, levels: int) -> Decimal:
    """Weigh both sides' average prices of so many levels by the other side's size, held inside the best prices.

    With one level it is the size-weighted middle: much on the bid draws the price towards the ask.
    """
    bid_size = bid_value = ask_size = ask_value = ZERO
    for level in book.bids[:levels]:
        bid_size += level.size_base
        bid_value += level.price * level.size_base
    for level in book.asks[:levels]:
        ask_size += level.size_base
        ask_value += level.price * level.size_base
    weighted = (bid_value / bid_size * ask_size + ask_value / ask_size * bid_size) / (bid_size + ask_size)
    return clamp(weighted, book.bids[0].price, book.asks[0].price)


def _last_trade(settings: MarketSettings, last: Decimal | None, mid: Decimal) -> FairPrice | NoFairPrice:
    if last is None:
        return NoFairPrice(detail="the last trade is unknown")
    too_far = _too_far(last, mid, settings.max_deviation_bps)
    return NoFairPrice(detail=f"the last trade at {too_far}", deviates=True) if too_far else FairPrice(price=last)


def _second_price(settings: SecondPrice | None, view: SecondView | None) -> Decimal | str:
    """Return the price that other books make, or what is wrong with it."""
    if settings is None or view is None:
        return "it was not read"
    prices: list[Decimal] = []
    for listing, touch in zip(settings.listings, (view.source, view.rate), strict=False):
        if touch is None:
            return f"{listing.symbol} at {listing.venue} could not be read"
        if touch.age_ms > settings.max_age_ms:
            return f"{listing.symbol} at {listing.venue} stood still for {touch.age_ms} ms"
        prices.append((touch.bid + touch.ask) / TWO)
    if settings.rate is None:
        return prices[0]
    source, rate = prices
    allowed = settings.rate_range
    if allowed is not None and rate not in allowed:
        return f"{settings.rate.symbol} at {rate} is outside {allowed.low} to {allowed.high}"
    return source / rate if settings.divides else source * rate


def _too_far(price: Decimal, mid: Decimal, max_bps: Decimal) -> str:
    deviation_bps = abs(price - mid) / mid / BPS
    if deviation_bps <= max_bps:
        return ""
    return f"{plain(Decimal(f'{price:.12g}'))} is {deviation_bps:.1f} bps from the middle {plain(mid)}"


def _subtract(levels: tuple[BookLevel, ...], own: dict[Decimal, Decimal]) -> tuple[BookLevel, ...]:
    left = (BookLevel(price=level.price, size_base=level.size_base - own.get(level.price, ZERO)) for level in levels)
    return tuple(level for level in left if level.size_base > ZERO)
