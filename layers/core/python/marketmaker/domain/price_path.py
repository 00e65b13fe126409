"""A price sampled at equal intervals, in stretches without a hole: what volatility is measured on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from marketmaker.domain.klines import Kline
from marketmaker.domain.statistics import Unfit

MOST_SILENT_MS = 120_000
"""For how long a price without news stands; what is silent for longer is a hole, across which nothing is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePath:
    """Prices at equal intervals, oldest first, one sequence a stretch."""

    interval_ms: int
    stretches: tuple[tuple[float, ...], ...]

    @property
    def intervals(self) -> int:
        """How many intervals were seen from their start to their end."""
        return sum(len(stretch) - 1 for stretch in self.stretches)


def path_of_klines(klines: Sequence[Kline]) -> PricePath | Unfit:
    """Return the closes of klines, oldest first; intervals that the venue leaves out stand at the last close."""
    intervals_ms = {kline.interval_ms for kline in klines}
    if len(intervals_ms) != 1:
        return Unfit(reason="no klines" if not klines else "klines of several intervals")
    (interval_ms,) = intervals_ms
    closes = ((kline.open_ms // interval_ms, float(kline.close)) for kline in klines)
    return PricePath(interval_ms=interval_ms, stretches=tuple(_stretches(closes, interval_ms)))


def path_of_prices(prices: Iterable[tuple[int, float]], interval_ms: int) -> PricePath | Unfit:
    """Return the last price of each interval, of prices with their times in ms, oldest first."""
    closes = {time_ms // interval_ms: price for time_ms, price in prices}
    if not closes:
        return Unfit(reason="no prices")
    return PricePath(interval_ms=interval_ms, stretches=tuple(_stretches(closes.items(), interval_ms)))


def _stretches(closes: Iterable[tuple[int, float]], interval_ms: int) -> Iterator[tuple[float, ...]]:
    """Fill silent intervals with the close before them, and start anew after each hole."""
    stretch: list[float] = []
    last = 0
    for number, close in closes:
        silent = number - last - 1
        if stretch and silent * interval_ms > MOST_SILENT_MS:
            yield tuple(stretch)
            stretch = []
        if silent:
            stretch += stretch[-1:] * silent
        stretch.append(close)
        last = number
    yield tuple(stretch)
