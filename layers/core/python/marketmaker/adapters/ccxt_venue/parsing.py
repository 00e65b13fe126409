"""What every venue's answers are made of → exact values, numbers from text.

A part that is missing, of another type or out of its range raises `Unresolved`, and with it the whole answer: nothing
becomes zero, and no list becomes shorter (R7). The request may have worked all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from marketmaker.domain.markets import Instrument
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.units import ZERO, Asset, Symbol, plain
from marketmaker.errors import Unresolved


def money(value: object, what: str) -> Decimal:
    """Build a finite Decimal from text, without the zeros that venues pad with; anything else is not money."""
    if not isinstance(value, str):
        raise Unresolved(f"{what} is {value!r}; allowed: a number as text")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise Unresolved(f"{what} is {value!r}; allowed: a number as text") from error
    if not number.is_finite():
        raise Unresolved(f"{what} is {value!r}; allowed: a finite number")
    return Decimal(plain(number))


def amount(value: object, what: str) -> Decimal:
    """Read an amount: zero or more."""
    number = money(value, what)
    if number < ZERO:
        raise Unresolved(f"{what} is {value!r}; allowed: 0 or more")
    return number


def positive(value: object, what: str) -> Decimal:
    """Read what cannot be zero, such as a price."""
    number = money(value, what)
    if number <= ZERO:
        raise Unresolved(f"{what} is {value!r}; allowed: above 0")
    return number


def whole(value: object, what: str) -> int:
    """Read a whole number, such as a time, from a number or its digits; ccxt quotes some of them."""
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_digits and not is_number:
        raise Unresolved(f"{what} is {value!r}; allowed: a whole number")
    return int(value)  # type: ignore[call-overload, no-any-return]


def moment(value: object, what: str) -> int:
    """Read a moment in milliseconds; nothing happened at none."""
    time_ms = whole(value, what)
    if not time_ms:
        raise Unresolved(f"{what} is {value!r}; allowed: a moment after 1970 began")
    return time_ms


def text(value: object, what: str) -> str:
    """Read a name or an id."""
    if not isinstance(value, str) or not value:
        raise Unresolved(f"{what} is {value!r}; allowed: a text")
    return value


def flag(value: object, what: str) -> bool:
    """Read a yes or no."""
    if not isinstance(value, bool):
        raise Unresolved(f"{what} is {value!r}; allowed: true or false")
    return value


def expect_list(answer: object, what: str) -> list[Any]:
    """Return a list answer; `{}` and the like are not "nothing"."""
    if not isinstance(answer, list):
        raise Unresolved(f"{what} answered {type(answer).__name__}, not a list")
    return answer


def expect_row(row: object, what: str) -> Mapping[str, Any]:
    """Return a JSON object."""
    if not isinstance(row, dict):
        raise Unresolved(f"{what} is {type(row).__name__}, not an object")
    return row


def expect_unique(keys: Iterable[object], what: str) -> None:
    """Refuse an answer that lists something twice."""
    listed = list(keys)
    if len(set(listed)) != len(listed):
        raise Unresolved(f"{what} came twice in one answer")


def book_side(rows: object, symbol: Symbol) -> tuple[BookLevel, ...]:
    """Read a side of a book, in the order in which it came."""
    return tuple(_level(row, symbol) for row in expect_list(rows, f"a side of the book of {symbol}"))


def ordered_book(symbol: Symbol, bids: Sequence[BookLevel], asks: Sequence[BookLevel], update_id: object) -> Book:
    """Build a book of sides that go from the best price on; one that is not in order is no book."""
    for best_first in (bids, asks[::-1]):
        if any(level.price <= worse.price for level, worse in pairwise(best_first)):
            raise Unresolved(f"the book of {symbol} is not in order")
    return Book(symbol=symbol, bids=tuple(bids), asks=tuple(asks), update_id=whole(update_id, "the book's update id"))


def _level(row: object, symbol: Symbol) -> BookLevel:
    if not isinstance(row, list) or len(row) < 2:
        raise Unresolved(f"a level of {symbol} is {row!r}; allowed: price and size")
    return BookLevel(price=positive(row[0], f"a price of {symbol}"), size_base=positive(row[1], f"a size of {symbol}"))


def unified_instrument(market: Mapping[str, Any], *, min_notional_quote: Decimal, has_post_only: bool) -> Instrument:
    """Read the trading rules of a market that ccxt has unified."""
    precision = expect_row(market.get("precision"), "the market's precision")
    limits = expect_row(market.get("limits"), "the market's limits")
    smallest = expect_row(limits.get("amount"), "a limit").get("min")
    try:
        return Instrument(
            symbol=Symbol(text(market.get("symbol"), "a market's symbol")),
            base=Asset(text(market.get("base"), "a market's base")),
            quote=Asset(text(market.get("quote"), "a market's quote")),
            tick_size=amount(precision.get("price"), "the tick size"),
            lot_size=amount(precision.get("amount"), "the lot size"),
            min_size_base=amount(smallest, "the minimum size"),
            min_notional_quote=min_notional_quote,
            has_post_only=has_post_only,
            is_trading=flag(market.get("active"), "whether a market is active"),
        )
    except ValueError as error:
        raise Unresolved(str(error)) from error
