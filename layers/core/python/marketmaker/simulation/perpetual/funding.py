"""Funding: when it is paid, at what rate, and what was paid."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.units import ONE

EIGHT_HOURS_US = 8 * 3_600_000_000
KEPT_RATES = 1_000
"""Past rates that can still be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """What was charged at one funding time."""

    time_us: int
    rate: Decimal
    mark: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """What one funding time brought an account: `received_quote` is negative when it paid."""

    payment_id: int
    time_us: int
    rate: Decimal
    mark: Decimal
    position_base: Decimal
    received_quote: Decimal


class FundingSchedule:
    """The funding times of one market, at every multiple of the interval; `rate` may be set while it runs.

    `left` is how many more it hands out; None is no end.
    """

    def __init__(
        self, *, rate: Decimal, interval_us: int = EIGHT_HOURS_US, start_us: int = 0, left: int | None = None
    ) -> None:
        if interval_us <= 0:
            raise ValueError(f"a funding interval of {interval_us} µs; allowed: above 0")
        self.interval_us = interval_us
        self.next_us = start_us - start_us % interval_us + interval_us
        self.past: deque[FundingRate] = deque(maxlen=KEPT_RATES)
        self.left = left
        self._rate = rate
        self.rate = rate

    @property
    def rate(self) -> Decimal:
        """What longs pay at the next funding time, as a fraction of the notional."""
        return self._rate

    @rate.setter
    def rate(self, rate: Decimal) -> None:
        if not abs(rate) < ONE:
            raise ValueError(f"a funding rate of {rate}; allowed: a fraction between -1 and 1")
        self._rate = rate

    def due(self, now_us: int) -> Iterator[int]:
        """Hand out each funding time up to and including a moment, once."""
        while self.next_us <= now_us and self.left != 0:
            self.left = None if self.left is None else self.left - 1
            due_us, self.next_us = self.next_us, self.next_us + self.interval_us
            yield due_us
