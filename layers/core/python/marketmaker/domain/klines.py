"""What a market traded at in each second or minute, and how much of it in a day (M4, S10)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, pairwise

from marketmaker.domain.units import ZERO, Symbol, plain

MINUTE_MS = 60_000
MOST_CHARACTERS = 24
"""The longest number of a kline: a minute of 60 klines then stays below 10 KB wherever it is stored (R24)."""
_INTERVALS_MS = (1_000, MINUTE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kline:
    """One closed interval of trading: its first, highest, lowest and last price, and the base size traded."""

    open_ms: int
    interval_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume_base: Decimal

    def __post_init__(self) -> None:
        if self.interval_ms not in _INTERVALS_MS:
            raise ValueError(f"interval_ms {self.interval_ms}; allowed: one of {', '.join(map(str, _INTERVALS_MS))}")
        if self.open_ms % self.interval_ms:
            raise ValueError(f"open_ms {self.open_ms}; allowed: a whole number of intervals of {self.interval_ms} ms")
        if not ZERO < self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            prices = ", ".join(f"{name} {getattr(self, name)}" for name in ("open", "high", "low", "close"))
            raise ValueError(f"{prices}; allowed: above 0, the others between low and high")
        if self.volume_base < ZERO:
            raise ValueError(f"volume_base {self.volume_base}; allowed: zero or more")
        for name in ("open", "high", "low", "close", "volume_base"):
            text = plain(getattr(self, name))
            if len(text) > MOST_CHARACTERS:
                raise ValueError(f"{name} {text}; allowed: at most {MOST_CHARACTERS} characters")

    @property
    def end_ms(self) -> int:
        """The moment at which it closed: the opening of the next one."""
        return self.open_ms + self.interval_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineMinute:
    """A minute's klines, oldest first; seconds that the venue does not list are left out."""

    start_ms: int
    klines: tuple[Kline, ...]

    def __post_init__(self) -> None:
        if self.start_ms % MINUTE_MS or not self.klines:
            raise ValueError(f"{len(self.klines)} klines from {self.start_ms}; allowed: one or more, a whole minute")
        if any(minute_of(each.open_ms) != self.start_ms for each in self.klines):
            raise ValueError(f"klines outside the minute {self.start_ms}")
        if len({each.interval_ms for each in self.klines}) > 1:
            raise ValueError(f"klines of several intervals in the minute {self.start_ms}; allowed: one")
        if any(after.open_ms <= before.open_ms for before, after in pairwise(self.klines)):
            raise ValueError(f"klines of the minute {self.start_ms} out of order or twice; allowed: oldest first")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVolume:
    """What a market traded in the 24 h before a moment of the venue's clock (S10)."""

    symbol: Symbol
    time_ms: int
    volume_base: Decimal
    volume_quote: Decimal

    def __post_init__(self) -> None:
        for name in ("volume_base", "volume_quote"):
            if getattr(self, name) < ZERO:
                raise ValueError(f"{name} of {self.symbol} is {getattr(self, name)}; allowed: zero or more")


def minute_of(moment_ms: int) -> int:
    """Return the start of a moment's minute."""
    return moment_ms - moment_ms % MINUTE_MS


def in_minutes(klines: Iterable[Kline]) -> tuple[KlineMinute, ...]:
    """Group klines, oldest first, by their minutes."""
    grouped = groupby(klines, key=lambda kline: minute_of(kline.open_ms))
    return tuple(KlineMinute(start_ms=start_ms, klines=tuple(group)) for start_ms, group in grouped)
