"""Reading a market's files once for what they say about it: grids, span, volume."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

from marketmaker.domain.units import ZERO
from marketmaker.simulation.market_data.candles import read_candles
from marketmaker.simulation.market_data.files import MarketDescription, MarketFiles
from marketmaker.simulation.market_data.numbers import MarketNumbers, Numbers
from marketmaker.simulation.market_data.odd_rows import OddRows
from marketmaker.simulation.market_data.quotes import book_columns
from marketmaker.simulation.market_data.stamps import check_us
from marketmaker.simulation.market_data.tables import FileKind, RecordingError, open_table
from marketmaker.simulation.market_data.trades import read_trades, symbol_of_trades
from marketmaker.simulation.statistics import DAY_US

_SMALLEST_NOTIONAL = Decimal("1E-8")
_SAMPLED_ROWS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one file says."""

    path: Path
    symbol: str
    first_us: int
    last_us: int
    volume_base: Decimal = ZERO
    volume_quote: Decimal = ZERO
    interval_us: int | None = None


def describe(files: MarketFiles, odd: OddRows, numbers: MarketNumbers, half_spread_bps: Decimal) -> MarketDescription:
    """Read the trades once, and of the books the first rows and the last; the lot keeps notionals at 8 decimals."""
    seen = list(_seen(files, odd, numbers))
    _refuse_strangers(seen)
    first = seen[0]
    tick = numbers.prices.grid
    days = Decimal(max(1, first.last_us - first.first_us)) / DAY_US
    return MarketDescription(
        symbol=first.symbol,
        tick_size=tick,
        lot_size=max(numbers.sizes.grid, _SMALLEST_NOTIONAL / tick),
        first_us=min(each.first_us for each in seen),
        last_us=max(each.last_us for each in seen),
        daily_volume_base=first.volume_base / days,
        daily_volume_quote=first.volume_quote / days,
        source=files.source,
        half_spread_bps=half_spread_bps,
        interval_us=first.interval_us,
    )


def _seen(files: MarketFiles, odd: OddRows, numbers: MarketNumbers) -> Iterator[_Seen]:
    """Look at what has volumes first."""
    if files.candles is not None:
        yield _seen_in_candles(files.candles, odd, numbers)
    if files.trades is not None:
        yield _seen_in_trades(files.trades, odd, numbers)
    if files.quotes is not None:
        yield _seen_in_book(files.quotes, FileKind.QUOTES, numbers)
    if files.book is not None:
        yield _seen_in_book(files.book, FileKind.BOOK, numbers)


def _refuse_strangers(seen: list[_Seen]) -> None:
    """Files of one market are of one symbol and have some time in common."""
    first = seen[0]
    for other in seen[1:]:
        if other.symbol != first.symbol:
            raise RecordingError(f"{other.path} is of {other.symbol}, {first.path} of {first.symbol}")
        if other.first_us > first.last_us or other.last_us < first.first_us:
            spans = [f"{each.path} lasts from {each.first_us} to {each.last_us} µs" for each in (other, first)]
            raise RecordingError(f"no time in common: {', '.join(spans)}")


def _seen_in_trades(path: Path, odd: OddRows, numbers: MarketNumbers) -> _Seen:
    symbol = symbol_of_trades(path)
    first_us: int | None = None
    last_us = 0
    base = quote = ZERO
    for trade in read_trades(path, odd, numbers):
        if first_us is None:
            first_us = trade.time_us
        last_us = trade.time_us
        base += trade.size_base
        quote += trade.size_base * trade.price
    if symbol is None or first_us is None:
        raise RecordingError(f"{path} holds no trade")
    return _Seen(path=path, symbol=symbol, first_us=first_us, last_us=last_us, volume_base=base, volume_quote=quote)


def _seen_in_candles(path: Path, odd: OddRows, numbers: MarketNumbers) -> _Seen:
    starts_us: list[int] = []
    base = quote = ZERO
    for candle in read_candles(path, odd, numbers):
        starts_us.append(candle.start_us)
        base += candle.size_base
        quote += candle.size_base * sum(candle.path, ZERO) / len(candle.path)
    if not starts_us[1:]:
        raise RecordingError(f"{path} holds fewer than two candles, which do not tell how long they are")
    interval_us = min(after - before for before, after in pairwise(starts_us))
    return _Seen(
        path=path,
        symbol=path.name.partition(".")[0].removesuffix("_candles"),
        first_us=starts_us[0],
        last_us=starts_us[-1] + interval_us - 1,
        volume_base=base,
        volume_quote=quote,
        interval_us=interval_us,
    )


def _seen_in_book(path: Path, kind: FileKind, numbers: MarketNumbers) -> _Seen:
    """Sample the decimals; of what comes after, only the last row's time is read."""
    with open_table(path, kind) as table:
        columns = list(table.columns)
        stamp_at = columns.index("local_timestamp")
        grids = [
            (columns.index(name), numbers.prices if name.endswith("price") else numbers.sizes)
            for name in book_columns(table, kind)
        ]
        first_us: int | None = None
        last: list[str] = []
        for last in islice(table.rows(), _SAMPLED_ROWS):
            if first_us is None:
                first_us = check_us(int(last[stamp_at]))
            _learn_grids(last, grids)
        if first_us is None or table.symbol is None:
            raise ValueError(f"the file holds no {kind}")
        last = table.last_row() or last
        return _Seen(path=path, symbol=table.symbol, first_us=first_us, last_us=int(last[stamp_at]))


def _learn_grids(row: list[str], grids: list[tuple[int, Numbers]]) -> None:
    for at, numbers in grids:
        if row[at]:
            numbers[row[at]]
