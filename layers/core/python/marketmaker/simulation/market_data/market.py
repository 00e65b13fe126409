"""One recorded market: its events within a window of time, merged from its files."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

from marketmaker.domain.units import BPS, ONE, ZERO, ceil_to_tick, floor_to_tick
from marketmaker.simulation.events import Event, Level, Quote, Trade, trusted_quote
from marketmaker.simulation.market_data.candles import candle_trades, read_candles
from marketmaker.simulation.market_data.description import describe
from marketmaker.simulation.market_data.files import MarketDescription, MarketFiles
from marketmaker.simulation.market_data.numbers import MarketNumbers
from marketmaker.simulation.market_data.odd_rows import OddRows, Window
from marketmaker.simulation.market_data.quotes import read_quotes, read_snapshots, with_depth
from marketmaker.simulation.market_data.tables import RecordingError
from marketmaker.simulation.market_data.trades import read_trades

DEFAULT_HALF_SPREAD_BPS = Decimal(5)
_EVERYTHING = Window()


def read_market(
    files: MarketFiles,
    *,
    from_us: int | None = None,
    to_us: int | None = None,
    half_spread_bps: Decimal = DEFAULT_HALF_SPREAD_BPS,
) -> "MarketData":
    """Open the files of one market for the events from one moment up to another, that one excluded.

    Raises:
        RecordingError: a file cannot be used, or holds nothing of that time.
    """
    data = MarketData(files, window=Window(from_us=from_us, to_us=to_us), half_spread_bps=half_spread_bps)
    first_us, last_us = data.described.first_us, data.described.last_us
    if (from_us is not None and from_us > last_us) or (to_us is not None and to_us <= first_us):
        asked = f"from_us {from_us}, to_us {to_us}"
        raise RecordingError(f"{asked}: nothing is left of {data.described.symbol}, {first_us} to {last_us} µs")
    return data


class MarketData:
    """A market's files, to be read as often as wanted; if `is_strict`, what would be skipped is an error."""

    def __init__(
        self,
        files: MarketFiles,
        *,
        window: Window = _EVERYTHING,
        half_spread_bps: Decimal = DEFAULT_HALF_SPREAD_BPS,
        is_strict: bool = False,
    ) -> None:
        self._files = files
        self._window = window
        self._half_spread_bps = half_spread_bps
        self._is_strict = is_strict
        self._numbers = MarketNumbers()
        self._skipped: Counter[str] = Counter()

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many rows of the window were skipped, by kind; it fills while the events are read."""
        return self._skipped

    @cached_property
    def described(self) -> MarketDescription:
        """What the files say about the whole market, whatever the window."""
        odd = OddRows(None if self._is_strict else Counter(), self._window)
        return describe(self._files, odd, self._numbers, self._half_spread_bps)

    def events(self) -> Iterator[Event]:
        """Yield the window's events; the book that stood at its start comes first, stamped with that moment."""
        self._skipped.clear()
        from_us, to_us = self._window.from_us, self._window.to_us
        events = self._merged()
        if from_us is not None:
            events = _from(events, from_us)
        if to_us is None:
            yield from events
            return
        for event in events:
            if event.time_us >= to_us:
                return
            yield event

    def _merged(self) -> Iterator[Event]:
        files, numbers = self._files, self._numbers
        odd = OddRows(None if self._is_strict else self._skipped, self._window)
        if files.candles is not None:
            interval_us = self.described.interval_us or 0
            return self._with_assumed_book(candle_trades(read_candles(files.candles, odd, numbers), interval_us))
        from_us = self._window.from_us
        quotes = read_quotes(files.quotes, odd, numbers, from_us) if files.quotes else iter(())
        books = with_depth(quotes, read_snapshots(files.book, odd, numbers, from_us)) if files.book else quotes
        if files.trades is None:
            return books
        trades = read_trades(files.trades, odd, numbers, from_us)
        if files.quotes is None and files.book is None:
            return self._with_assumed_book(trades)
        return _in_time(trades, books)

    def _with_assumed_book(self, trades: Iterator[Trade]) -> Iterator[Event]:
        tick, half_spread = self.described.tick_size, self._half_spread_bps * BPS
        for trade in trades:
            yield trade
            bid = floor_to_tick(trade.price * (ONE - half_spread), tick)
            ask = max(bid + tick, ceil_to_tick(trade.price * (ONE + half_spread), tick))
            yield trusted_quote(
                trade.time_us,
                (Level(bid, trade.size_base),) if bid > ZERO else (),
                (Level(ask, trade.size_base),),
            )


def _in_time(trades: Iterator[Trade], books: Iterator[Quote]) -> Iterator[Event]:
    """Merge two streams; at equal stamps trades come first."""
    ahead = next(books, None)
    for trade in trades:
        while ahead is not None and ahead.time_us < trade.time_us:
            yield ahead
            ahead = next(books, None)
        yield trade
    if ahead is not None:
        yield ahead
        yield from books


def _from(events: Iterator[Event], from_us: int) -> Iterator[Event]:
    standing: Quote | None = None
    for event in events:
        if event.time_us >= from_us:
            if standing is not None:
                yield replace(standing, time_us=from_us)
            yield event
            break
        if isinstance(event, Quote):
            standing = event
    yield from events
