"""The rolling day of a market: open, high, low, last and volume."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Trade

DAY_US = 86_400_000_000
_BUCKET_US = 60_000_000


@dataclass(slots=True)
class _Minute:
    start_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    base: Decimal = ZERO
    quote: Decimal = ZERO
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummary:
    """Trades of the last 24 h, to the minute."""

    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    volume_base: Decimal
    volume_quote: Decimal
    count: int


class DayStatistics:
    """The last 24 h of trades in buckets of a minute, so memory is bounded."""

    def __init__(self) -> None:
        self._minutes: deque[_Minute] = deque()
        self.last: Trade | None = None

    def record(self, trade: Trade) -> None:
        """Add a trade; times must not go back."""
        self.last = trade
        price = trade.price
        minutes = self._minutes
        start = trade.time_us - trade.time_us % _BUCKET_US
        if not minutes or minutes[-1].start_us != start:
            minutes.append(_Minute(start, price, price, price))
            while minutes[0].start_us <= start - DAY_US:
                minutes.popleft()
        minute = minutes[-1]
        minute.high = max(minute.high, price)
        minute.low = min(minute.low, price)
        minute.base += trade.size_base
        minute.quote += price * trade.size_base
        minute.count += 1

    def summary(self, now_us: int) -> DaySummary | None:
        """Sum up the day that ends now; None when nothing traded in it."""
        minutes = [minute for minute in self._minutes if minute.start_us > now_us - DAY_US]
        if self.last is None or not minutes:
            return None
        return DaySummary(
            open=minutes[0].open,
            high=max(minute.high for minute in minutes),
            low=min(minute.low for minute in minutes),
            last=self.last.price,
            volume_base=sum((minute.base for minute in minutes), ZERO),
            volume_quote=sum((minute.quote for minute in minutes), ZERO),
            count=sum(minute.count for minute in minutes),
        )
