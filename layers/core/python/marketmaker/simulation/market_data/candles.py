"""Candles as a coarse market: a few made-up trades each, along the shortest way through its prices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from pathlib import Path

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Trade, trusted_trade
from marketmaker.simulation.market_data.numbers import MarketNumbers
from marketmaker.simulation.market_data.odd_rows import Oddity, OddRowError, OddRows
from marketmaker.simulation.market_data.stamps import us_per_unit
from marketmaker.simulation.market_data.tables import FileKind, Table, open_table

_COLUMNS = ("open_time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Candle:
    """What traded in one interval, and in between it nothing is known of the order."""

    start_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    size_base: Decimal

    @property
    def path(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Its prices in an order that they may have had: the nearer extreme first, the low where both are as near."""
        if self.high - self.open < self.open - self.low:
            return self.open, self.high, self.low, self.close
        return self.open, self.low, self.high, self.close


def read_candles(path: Path, odd: OddRows, numbers: MarketNumbers) -> Iterator[Candle]:
    """Yield the usable candles of a file in order."""
    with open_table(path, FileKind.CANDLES) as table:
        yield from _parsed(table, odd.of_one_file(), numbers)


def candle_trades(candles: Iterable[Candle], interval_us: int) -> Iterator[Trade]:
    """Make four trades of each candle, of equal sizes; a rising price was bought, a falling one sold."""
    offsets_us = (0, interval_us // 3, 2 * interval_us // 3, interval_us - 1)
    before = ZERO
    side = Side.BUY
    for candle in candles:
        size_base = candle.size_base / len(offsets_us)
        for offset_us, price in zip(offsets_us, candle.path, strict=True):
            if price != before:
                side = Side.BUY if price > before else Side.SELL
            before = price
            yield trusted_trade(candle.start_us + offset_us, side, price, size_base)


def _parsed(table: Table, odd: OddRows, numbers: MarketNumbers) -> Iterator[Candle]:
    pick = itemgetter(*map(list(table.columns).index, _COLUMNS))
    prices, sizes = numbers.prices, numbers.sizes
    newest_us = -1
    for row in table.rows():
        stamp, open_, high, low, close, volume = pick(row)
        start_us = int(stamp) * us_per_unit(int(stamp))
        candle = Candle(start_us, prices[open_], prices[high], prices[low], prices[close], sizes[volume])
        try:
            if start_us <= newest_us:
                _refuse_back(newest_us, start_us)
            newest_us = start_us
            _refuse_odd(candle)
        except OddRowError as error:
            odd.skip(table, start_us, error)
        else:
            yield candle
    odd.refuse_if_all(table)


def _refuse_back(before_us: int, start_us: int) -> None:
    if start_us == before_us:
        raise OddRowError(Oddity.DUPLICATE, f"a candle of {start_us} µs came before")
    raise ValueError(f"open_time goes back from {before_us} to {start_us} µs")


def _refuse_odd(candle: Candle) -> None:
    ends = candle.open, candle.close
    if candle.high < max(ends) or candle.low > min(ends):
        text = f"open {ends[0]} and close {ends[1]} are not within low {candle.low} and high {candle.high}"
        raise OddRowError(Oddity.IMPOSSIBLE, text)
    if not candle.size_base:
        raise OddRowError(Oddity.ZERO_SIZE, "nothing traded in the candle")
