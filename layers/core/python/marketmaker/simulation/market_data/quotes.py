"""Recorded books: quotes of the touch, snapshots of many levels, and both together."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Level, Quote, is_better, trusted_quote
from marketmaker.simulation.market_data.numbers import MarketNumbers
from marketmaker.simulation.market_data.odd_rows import Oddity, OddRowError, OddRows, refuse_repeated
from marketmaker.simulation.market_data.tables import FileKind, Table, open_table

type _Levels = tuple[Level, ...]


def read_quotes(path: Path, odd: OddRows, numbers: MarketNumbers, from_us: int | None = None) -> Iterator[Quote]:
    """Yield the usable quotes of a file in order, one level a side; a blank side is an empty side.

    Those long before `from_us` are passed over.
    """
    return _books(path, FileKind.QUOTES, odd, numbers, from_us)


def read_snapshots(path: Path, odd: OddRows, numbers: MarketNumbers, from_us: int | None = None) -> Iterator[Quote]:
    """Yield the usable snapshots of a file in order, as many levels a side as it has columns for.

    Those long before `from_us` are passed over.
    """
    return _books(path, FileKind.BOOK, odd, numbers, from_us)


def with_depth(quotes: Iterator[Quote], snapshots: Iterator[Quote]) -> Iterator[Quote]:
    """Merge quotes and snapshots; behind each quote's touch stands what the last snapshot showed beyond it."""
    deep: Quote | None = None
    ahead = next(snapshots, None)
    for quote in quotes:
        while ahead is not None and ahead.time_us <= quote.time_us:
            yield ahead
            deep, ahead = ahead, next(snapshots, None)
        yield quote if deep is None else _deepened(quote, deep)
    if ahead is not None:
        yield ahead
        yield from snapshots


def book_columns(table: Table, kind: FileKind) -> list[str]:
    """Name the columns of prices and sizes, all bids first, down to the last level that has them all."""
    if kind is FileKind.QUOTES:
        return ["bid_price", "bid_amount", "ask_price", "ask_amount"]
    levels: list[tuple[list[str], list[str]]] = []
    while True:
        bids, asks = ([f"{side}[{len(levels)}].{what}" for what in ("price", "amount")] for side in ("bids", "asks"))
        if not set(bids + asks) <= set(table.columns):
            break
        levels.append((bids, asks))
    return [name for side in zip(*levels, strict=True) for pair in side for name in pair]


def _deepened(quote: Quote, deep: Quote) -> Quote:
    return trusted_quote(
        quote.time_us,
        _extended(Side.BUY, quote.bids, deep.bids),
        _extended(Side.SELL, quote.asks, deep.asks),
    )


def _extended(side: Side, touch: _Levels, deep: _Levels) -> _Levels:
    """Add the levels beyond the touch; a side that a quote shows empty stays empty."""
    if not touch:
        return touch
    price = touch[0].price
    return (*touch, *(level for level in deep if is_better(side, price, level.price)))


def _books(path: Path, kind: FileKind, odd: OddRows, numbers: MarketNumbers, from_us: int | None) -> Iterator[Quote]:
    with open_table(path, kind) as table:
        rows = table.rows()
        if from_us is not None:
            rows = table.rows_from(rows, stamp_at=list(table.columns).index("local_timestamp"), first=from_us)
        yield from _parsed(table, kind, rows, odd.of_one_file(), numbers)


def _parsed(
    table: Table, kind: FileKind, rows: Iterator[list[str]], odd: OddRows, numbers: MarketNumbers
) -> Iterator[Quote]:
    names = book_columns(table, kind)
    pick = itemgetter(*map(list(table.columns).index, ("local_timestamp", *names)))
    bid_side, ask_side = slice(1, 1 + len(names) // 2), slice(1 + len(names) // 2, None)
    read_side = _touch if kind is FileKind.QUOTES else _ladder
    bids: _Levels = ()
    asks: _Levels = ()
    before = bid_fields = ask_fields = ("",) * len(names)
    newest_us = 0
    for row in rows:
        fields = pick(row)
        now_us = int(fields[0])
        try:
            if now_us < newest_us or fields == before:
                refuse_repeated(newest_us, now_us)
            newest_us, before = now_us, fields
            # Most rows change one side; the levels of the other one are made once.
            if (new := fields[bid_side]) != bid_fields:
                bids, bid_fields = read_side(Side.BUY, new, numbers), new
            if (new := fields[ask_side]) != ask_fields:
                asks, ask_fields = read_side(Side.SELL, new, numbers), new
            if bids and asks and bids[0][0] >= asks[0][0]:
                _refuse_crossed(bids[0].price, asks[0].price)
        except OddRowError as error:
            odd.skip(table, now_us, error)
        else:
            yield trusted_quote(now_us, bids, asks)
    odd.refuse_if_all(table)


def _touch(_side: Side, fields: tuple[str, ...], numbers: MarketNumbers) -> _Levels:
    """Read the one level of a side; blank, it is empty."""
    price, size = fields
    if not price and not size:
        return ()
    level = Level(numbers.prices[price], numbers.sizes[size])
    if not level[1]:
        raise OddRowError(Oddity.ZERO_SIZE, f"a level of {size} at {price}; allowed: above 0")
    return (level,)


def _ladder(side: Side, fields: tuple[str, ...], numbers: MarketNumbers) -> _Levels:
    """Read the levels of a side; a thin book leaves the last ones blank."""
    levels = [level for at in range(0, len(fields), 2) for level in _touch(side, fields[at : at + 2], numbers)]
    if not all(is_better(side, one.price, other.price) for one, other in pairwise(levels)):
        raise OddRowError(Oddity.UNSORTED_LEVELS, f"{side} levels are not best first, one a price")
    return tuple(levels)


def _refuse_crossed(bid: Decimal, ask: Decimal) -> None:
    if bid == ask:
        raise OddRowError(Oddity.LOCKED, f"the book is locked at {bid}")
    raise OddRowError(Oddity.CROSSED, f"the book is crossed: bid {bid}, ask {ask}")
