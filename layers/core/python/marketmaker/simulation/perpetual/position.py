"""A signed position and what was paid for it."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO


@dataclass(slots=True)
class Position:
    """Above zero is long; `cost_quote` is what the open part was bought for, signed like it.

    The cost is kept instead of the entry price, so no rounding of an average ever makes or loses money.
    """

    size_base: Decimal = ZERO
    cost_quote: Decimal = ZERO

    @property
    def entry_price(self) -> Decimal | None:
        """The average price of the open part; None when flat."""
        return self.cost_quote / self.size_base if self.size_base else None

    def unrealised_quote(self, mark: Decimal) -> Decimal:
        """Return what closing at a price would bring."""
        return self.size_base * mark - self.cost_quote

    def reducible_base(self, side: Side) -> Decimal:
        """Return how much an order on a side can close."""
        return max(ZERO, -side.sign * self.size_base)

    def trade(self, side: Side, price: Decimal, size_base: Decimal) -> Decimal:
        """Take a trade in and return what it realised; the part beyond flat opens the other side at its price."""
        closed = min(size_base, self.reducible_base(side))
        realised = ZERO
        if closed > ZERO:
            is_all = closed == abs(self.size_base)
            released = self.cost_quote if is_all else self.cost_quote * closed / abs(self.size_base)
            realised = -side.sign * closed * price - released
            self.size_base += side.sign * closed
            self.cost_quote -= released
        opened = size_base - closed
        self.size_base += side.sign * opened
        self.cost_quote += side.sign * opened * price
        return realised
