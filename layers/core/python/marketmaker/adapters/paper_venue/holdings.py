"""How a paper account holds a perpetual, as it is stored: the position, what was told of its market, what was paid."""

from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.domain.positions import FundingPayment, FundingRate
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.simulation.perpetual import MarginTerms

OPENING_LEVERAGE = Decimal(20)
"""That of a market which nobody has set: a venue, too, opens with one of its own."""
TERMS = MarginTerms()
HOUR_US = 3_600_000_000
LONGEST_INTERVAL_US = 8 * HOUR_US
SAME_US = 1_000_000
"""Funding times so close are one and the same."""
KEPT_PAYMENTS = 20
MAX_UNREAD_PAYMENTS = 64
"""Payments that nobody has read yet; with so many no more are made until somebody does."""
PAYMENTS_AT_ONCE = 16
"""Funding times of one market that one look makes up for; more that passed unseen are left out."""
_NEAR_US = 60_000_000
"""So long before a funding time, what is told is written down at every look: it is what will be charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFunding:
    """What was told of a market's funding: the rate, when it is next, and what is known of the time between two.

    `paid_us` is the last funding time that has passed, whether or not there was a position to pay for.
    """

    rate: Decimal
    next_us: int
    interval_us: int = LONGEST_INTERVAL_US
    paid_us: int = 0

    @property
    def due_us(self) -> int:
        """The next funding time that has not passed; where the venue names none yet, one interval after the last."""
        return self.next_us if self.next_us > self.paid_us + SAME_US else self.paid_us + self.interval_us

    @classmethod
    def first(cls, rate: FundingRate) -> "PaperFunding":
        """Take in what is told of a market for the first time."""
        return cls(rate=rate.rate, next_us=rate.next_ms * 1000)

    def told(self, rate: FundingRate) -> "PaperFunding":
        """Take in what is told now; the time between two fundings is an hour or more, 8 at most."""
        next_us = rate.next_ms * 1000
        between_us = next_us - self.next_us
        is_known = HOUR_US <= between_us < self.interval_us
        interval_us = between_us if is_known else self.interval_us
        return replace(self, rate=rate.rate, next_us=next_us, interval_us=interval_us)

    def is_over_by(self, rate: FundingRate) -> bool:
        """Tell whether the venue names a later time than the one that is due here: its clock is ahead of ours."""
        is_due = self.next_us > self.paid_us + SAME_US
        return is_due and rate.next_ms * 1000 > self.next_us + SAME_US


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPosition:
    """A market's position: above zero is long, `cost_quote` is what the open part was bought for.

    `payments_read_us` is where its payments were last read from: the reader has everything before.
    """

    size_base: Decimal = ZERO
    cost_quote: Decimal = ZERO
    leverage: Decimal = OPENING_LEVERAGE
    mark: Decimal | None = None
    funding: PaperFunding | None = None
    payments_read_us: int = 0

    def is_news(self, before: "PaperPosition", now_us: int) -> bool:
        """Tell whether what was told of the market must be written down: not every mark and rate of every look."""
        told, known = self.funding, before.funding
        if told is None or known is None:
            return told is not known
        if (told.next_us, told.paid_us) != (known.next_us, known.paid_us):
            return True
        return bool(self.size_base) and self.due_soon(now_us) and (self.mark, told.rate) != (before.mark, known.rate)

    def due_soon(self, now_us: int) -> bool:
        """Tell whether funding is paid within a minute."""
        return self.funding is not None and self.funding.due_us - now_us <= _NEAR_US


NOTHING_HELD = PaperPosition()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPayment:
    """One funding payment: above zero it was received."""

    symbol: Symbol
    time_us: int
    amount_quote: Decimal

    def payment(self) -> FundingPayment:
        """Return it as a venue lists it."""
        return FundingPayment(symbol=self.symbol, time_ms=self.time_us // 1000, amount_quote=self.amount_quote)
