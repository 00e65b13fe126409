"""Klines of a market's trades, as a venue lists them to everybody."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Trade

KEPT = {1_000: 3_600, 60_000: 1_440}
"""Interval in ms → how many of it are kept: an hour of seconds, a day of minutes."""


@dataclass(slots=True, kw_only=True)
class Candle:
    """What traded in one interval."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    base: Decimal = ZERO
    quote: Decimal = ZERO
    taker_buy_base: Decimal = ZERO
    taker_buy_quote: Decimal = ZERO
    count: int = 0

    def add(self, trade: Trade) -> None:
        """Count one more trade."""
        notional = trade.price * trade.size_base
        self.high, self.low, self.close = max(self.high, trade.price), min(self.low, trade.price), trade.price
        self.base += trade.size_base
        self.quote += notional
        self.count += 1
        if trade.taker_side is Side.BUY:
            self.taker_buy_base += trade.size_base
            self.taker_buy_quote += notional


class KlineSeries:
    """The newest klines of one interval, so memory is bounded; an interval without trades stands at the last close."""

    def __init__(self, interval_ms: int, kept: int) -> None:
        self.interval_ms = interval_ms
        self._kept = kept
        self._candles: dict[int, Candle] = {}

    @property
    def first_ms(self) -> int | None:
        """The start of the oldest kept kline; None before the first trade."""
        return next(iter(self._candles), None)

    def record(self, time_ms: int, trade: Trade) -> None:
        """Add a trade; times must not go back."""
        start_ms = time_ms - time_ms % self.interval_ms
        candle = self._candles.get(start_ms)
        if candle is None:
            price = trade.price
            candle = self._candles[start_ms] = Candle(start_ms=start_ms, open=price, high=price, low=price, close=price)
            while (oldest_ms := next(iter(self._candles))) <= start_ms - self._kept * self.interval_ms:
                del self._candles[oldest_ms]
        candle.add(trade)

    def between(self, from_ms: int, to_ms: int) -> list[Candle]:
        """List the klines that start in [from, to], whole intervals both; there are none before the first kept one."""
        last: Candle | None = None
        found: list[Candle] = []
        for candle in self._candles.values():
            if candle.start_ms > to_ms:
                break
            if last is not None:
                found += self._still(last, max(from_ms, last.start_ms + self.interval_ms), candle.start_ms)
            if candle.start_ms >= from_ms:
                found.append(candle)
            last = candle
        if last is not None:
            found += self._still(last, max(from_ms, last.start_ms + self.interval_ms), to_ms + self.interval_ms)
        return found

    def _still(self, last: Candle, from_ms: int, until_ms: int) -> list[Candle]:
        price = last.close
        starts = range(from_ms, until_ms, self.interval_ms)
        return [Candle(start_ms=each, open=price, high=price, low=price, close=price) for each in starts]


class MarketKlines:
    """A market's klines by interval, in times of the clock that `wall_ms` maps market time to."""

    def __init__(self, wall_ms: Callable[[int], int]) -> None:
        self._wall_ms = wall_ms
        self.series = {interval_ms: KlineSeries(interval_ms, kept) for interval_ms, kept in KEPT.items()}

    def record(self, trade: Trade) -> None:
        """Add a trade."""
        time_ms = self._wall_ms(trade.time_us)
        for series in self.series.values():
            series.record(time_ms, trade)
