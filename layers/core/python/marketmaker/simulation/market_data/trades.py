"""Recorded trades, of either layout."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import NoReturn

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Trade, trusted_trade
from marketmaker.simulation.market_data.numbers import MarketNumbers
from marketmaker.simulation.market_data.odd_rows import Oddity, OddRowError, OddRows, refuse_repeated
from marketmaker.simulation.market_data.stamps import check_us, us_per_unit
from marketmaker.simulation.market_data.tables import FileKind, Table, open_table

_COLUMNS = ("local_timestamp", "side", "price", "amount", "id")
_TAKER_SIDES = {"buy": Side.BUY, "sell": Side.SELL, "unknown": None}
_SIDES_BY_BUYER_IS_MAKER = {"True": Side.SELL, "False": Side.BUY, "true": Side.SELL, "false": Side.BUY}
_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How a file says time and side; a file without ids has their column nowhere."""

    pick: Callable[[list[str]], tuple[str, ...]]
    has_ids: bool
    sides: Mapping[str, Side | None]
    us_per_stamp: int


class _RecentTrades:
    """The last trades with an id, at least 1,000 of them, so memory is bounded."""

    def __init__(self) -> None:
        self._now: set[tuple[str, ...]] = set()
        self._before: set[tuple[str, ...]] = set()

    def is_known(self, trade: tuple[str, ...]) -> bool:
        """Tell whether a trade came before, and remember it."""
        if trade in self._now or trade in self._before:
            return True
        if len(self._now) >= _REMEMBERED:
            self._before, self._now = self._now, set()
        self._now.add(trade)
        return False


def read_trades(path: Path, odd: OddRows, numbers: MarketNumbers, from_us: int | None = None) -> Iterator[Trade]:
    """Yield the usable trades of a file in order; those long before `from_us` are passed over."""
    with open_table(path, FileKind.TRADES) as table:
        rows = table.rows()
        first = next(rows, None)
        if first is None:
            return
        layout, rows = _layout(table, first), chain([first], rows)
        if from_us is not None:
            stamp_at = list(table.columns).index("local_timestamp")
            rows = table.rows_from(rows, stamp_at=stamp_at, first=from_us // layout.us_per_stamp)
        yield from _parsed(table, rows, layout, odd.of_one_file(), numbers)


def symbol_of_trades(path: Path) -> str | None:
    """Read the symbol of a file of trades; None when it holds none."""
    with open_table(path, FileKind.TRADES) as table:
        next(table.rows(), None)
        return table.symbol


def _layout(table: Table, first: list[str]) -> _Layout:
    columns = list(table.columns)
    has_ids = "id" in columns
    pick = itemgetter(*(columns.index(name) for name in (_COLUMNS if has_ids else _COLUMNS[:-1])))
    stamp = int(pick(first)[0])
    if table.is_archive:
        return _Layout(pick=pick, has_ids=True, sides=_SIDES_BY_BUYER_IS_MAKER, us_per_stamp=us_per_unit(stamp))
    check_us(stamp)
    return _Layout(pick=pick, has_ids=has_ids, sides=_TAKER_SIDES, us_per_stamp=1)


def _parsed(
    table: Table, rows: Iterator[list[str]], layout: _Layout, odd: OddRows, numbers: MarketNumbers
) -> Iterator[Trade]:
    pick, sides, us_per_stamp = layout.pick, layout.sides, layout.us_per_stamp
    prices, sizes, recent = numbers.prices, numbers.sizes, _RecentTrades()
    newest_us = 0
    for row in rows:
        fields = pick(row)
        now_us = int(fields[0]) * us_per_stamp
        try:
            if now_us < newest_us:
                refuse_repeated(newest_us, now_us)
            newest_us = now_us
            if fields[1] not in sides:
                _refuse_side(fields[1], sides)
            side, price, size = sides[fields[1]], prices[fields[2]], sizes[fields[3]]
            is_known = layout.has_ids and fields[4] and recent.is_known(fields[1:])
            if is_known or side is None or not size:
                _refuse_trade(fields, is_known=bool(is_known), side=side)
        except OddRowError as error:
            odd.skip(table, now_us, error)
        else:
            yield trusted_trade(now_us, side, price, size)
    odd.refuse_if_all(table)


def _refuse_side(text: str, sides: Mapping[str, Side | None]) -> NoReturn:
    raise ValueError(f"side {text!r}; allowed: {', '.join(sides)}")


def _refuse_trade(fields: tuple[str, ...], *, is_known: bool, side: Side | None) -> NoReturn:
    if is_known:
        raise OddRowError(Oddity.DUPLICATE, f"trade {fields[4]} came before")
    if side is None:
        raise OddRowError(Oddity.UNKNOWN_SIDE, f"side {fields[1]!r} does not tell the taker")
    raise OddRowError(Oddity.ZERO_SIZE, f"a trade of {fields[3]} at {fields[2]}; allowed: above 0")
