"""Recorded markets: Tardis's normalised CSV files of quotes and trades, read as one stream of events.

`PREFIX_quotes.csv.gz` and `PREFIX_trades.csv.gz` are merged by `local_timestamp` (µs UTC), trades ahead of quotes at
equal stamps. Without a quotes file the book is *assumed*: after each trade one level a side, `half_spread_bps` round
its price, of its size.
"""

import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, DecimalException
from heapq import merge
from itertools import islice
from pathlib import Path

from marketmaker.domain.orders import Side
from marketmaker.domain.units import BPS, ONE, ZERO, ceil_to_tick, floor_to_tick
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.statistics import DAY_US

DEFAULT_HALF_SPREAD_BPS = Decimal(5)
_SMALLEST_NOTIONAL = Decimal("1E-8")
_SAMPLED_ROWS = 5_000
_QUOTE_COLUMNS = ("symbol", "local_timestamp", "bid_price", "bid_amount", "ask_price", "ask_amount")
_TRADE_COLUMNS = ("symbol", "local_timestamp", "side", "price", "amount")


class RecordingError(ValueError):
    """A recording that cannot be used; names the file and, for a bad row, its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMarket:
    """What a recording says about its market: grids from its decimals, volume from its trades."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    first_us: int
    daily_volume_base: Decimal
    daily_volume_quote: Decimal


class Recording:
    """The two files of one recorded market, by their common path prefix."""

    def __init__(self, prefix: Path, *, half_spread_bps: Decimal = DEFAULT_HALF_SPREAD_BPS) -> None:
        self._quotes = prefix.with_name(prefix.name + "_quotes.csv.gz")
        self._trades = prefix.with_name(prefix.name + "_trades.csv.gz")
        self._half_spread_bps = half_spread_bps
        if not self._trades.is_file():
            raise RecordingError(f"{self._trades} does not exist; a recording is named without _trades.csv.gz")

    @property
    def has_quotes(self) -> bool:
        """Whether the book was recorded; otherwise it is assumed round the trades."""
        return self._quotes.is_file()

    def describe(self) -> RecordedMarket:
        """Read the trades once for the market's grids and volume; the lot keeps notionals at 8 decimals."""
        rows = list(_rows(self._trades, _TRADE_COLUMNS, tuple))
        if not rows:
            raise RecordingError(f"{self._trades} holds no trade")
        trades = list(_rows(self._trades, _TRADE_COLUMNS, _trade))
        prices, sizes = [row[3] for row in rows], [row[4] for row in rows]
        first_us = trades[0].time_us
        if self.has_quotes:
            quotes = list(islice(_rows(self._quotes, _QUOTE_COLUMNS, tuple), _SAMPLED_ROWS))
            prices += [text for row in quotes for text in (row[2], row[4])]
            first_us = min(first_us, *(int(row[1]) for row in quotes[:1]))
        tick = _grid(prices)
        days = Decimal(max(1, trades[-1].time_us - trades[0].time_us)) / DAY_US
        return RecordedMarket(
            symbol=rows[0][0],
            tick_size=tick,
            lot_size=max(_grid(sizes), _SMALLEST_NOTIONAL / tick),
            first_us=first_us,
            daily_volume_base=sum((trade.size_base for trade in trades), ZERO) / days,
            daily_volume_quote=sum((trade.price * trade.size_base for trade in trades), ZERO) / days,
        )

    def events(self, *, from_us: int = 0) -> Iterator[Event]:
        """Yield the market from a moment on; the book that stood then comes first, stamped with that moment."""
        standing: Quote | None = None
        events = self._events()
        for event in events:
            if event.time_us >= from_us:
                if standing is not None:
                    yield replace(standing, time_us=from_us)
                yield event
                break
            if isinstance(event, Quote):
                standing = event
        yield from events

    def _events(self) -> Iterator[Event]:
        trades = _rows(self._trades, _TRADE_COLUMNS, _trade)
        if not self.has_quotes:
            return _with_assumed_book(trades, self.describe().tick_size, self._half_spread_bps * BPS)
        return merge(trades, _rows(self._quotes, _QUOTE_COLUMNS, _quote), key=_moment)


def _moment(event: Event) -> int:
    return event.time_us


def _with_assumed_book(trades: Iterator[Trade], tick: Decimal, half_spread: Decimal) -> Iterator[Event]:
    for trade in trades:
        yield trade
        bid = floor_to_tick(trade.price * (ONE - half_spread), tick)
        ask = max(bid + tick, ceil_to_tick(trade.price * (ONE + half_spread), tick))
        yield Quote(
            time_us=trade.time_us,
            bids=(Level(bid, trade.size_base),) if bid > ZERO else (),
            asks=(Level(ask, trade.size_base),),
        )


def _rows[Row](path: Path, columns: Sequence[str], parse: Callable[[tuple[str, ...]], Row]) -> Iterator[Row]:
    """Parse the named columns of each row; the first thing wrong raises with file and line."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        try:
            yield from map(parse, _picked(lines, columns))
        except (ValueError, DecimalException, EOFError, OSError, csv.Error) as error:
            raise RecordingError(f"{path}:{lines.line_num}: {str(error) or type(error).__name__}") from error


def _picked(lines: Iterator[list[str]], columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the named columns; the second of them is the time, which must not go back."""
    header = next(lines, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise ValueError(f"columns {missing} are missing")
    indexes = [header.index(column) for column in columns]
    before = 0
    for row in lines:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} fields where the header has {len(header)}")
        fields = tuple([row[index] for index in indexes])
        now = int(fields[1])
        if now < before:
            raise ValueError(f"local_timestamp goes back from {before} to {now}")
        before = now
        yield fields


def _quote(fields: tuple[str, ...]) -> Quote:
    _, time_us, bid_price, bid_size, ask_price, ask_size = fields
    return Quote(time_us=int(time_us), bids=_levels(bid_price, bid_size), asks=_levels(ask_price, ask_size))


def _levels(price: str, size: str) -> tuple[Level, ...]:
    """Read one side's best level; a blank pair is an empty side."""
    return (Level(_number(price), _number(size)),) if price or size else ()


def _trade(fields: tuple[str, ...]) -> Trade:
    _, time_us, side, price, size = fields
    return Trade(time_us=int(time_us), taker_side=Side(side), price=_number(price), size_base=_number(size))


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text} is not a price or size")
    return value


def _grid(texts: Sequence[str]) -> Decimal:
    """Return the smallest step that the decimals of these numbers need."""
    decimals = max(len(text.partition(".")[2].rstrip("0")) for text in texts)
    return ONE.scaleb(-decimals)
