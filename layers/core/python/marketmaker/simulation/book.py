"""The market's displayed book: what can be taken, and what stands ahead of a resting order."""

from collections.abc import Sequence
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, floor_to_lot
from marketmaker.simulation.events import Level, Quote, is_better


class MarketBook:
    """The levels last quoted, less what the account has taken since; the next quote shows them whole again.

    Sizes are cut to whole lots. `revision` rises with every change.
    """

    def __init__(self, lot_size: Decimal) -> None:
        self._lot_size = lot_size
        self._levels: dict[Side, list[Level]] = {Side.BUY: [], Side.SELL: []}
        self.revision = 0

    def show(self, quote: Quote) -> None:
        """Replace the book by a quote."""
        bids, asks = self._whole_lots(quote.bids), self._whole_lots(quote.asks)
        if bids != self._levels[Side.BUY] or asks != self._levels[Side.SELL]:
            self._levels = {Side.BUY: bids, Side.SELL: asks}
            self.revision += 1

    def levels(self, side: Side) -> Sequence[Level]:
        """Return one side, best first."""
        return self._levels[side]

    def walk(self, taker_side: Side, limit: Decimal | None, size: Decimal) -> list[Level]:
        """List what a taker of `size` would trade up to its limit price, level by level."""
        steps: list[Level] = []
        for price, shown in self._levels[taker_side.opposite]:
            if limit is not None and is_better(taker_side, price, limit):
                break
            steps.append(Level(price, min(shown, size)))
            size -= shown
            if size <= ZERO:
                break
        return steps

    def take(self, side: Side, step: Level) -> None:
        """Remove from a side what was traded at one of its prices."""
        levels = self._levels[side]
        index = next(index for index, level in enumerate(levels) if level.price == step.price)
        left = levels[index].size - step.size
        levels[index : index + 1] = [Level(step.price, left)] if left > ZERO else []
        self.revision += 1

    def size_ahead(self, side: Side, price: Decimal) -> Decimal | None:
        """Return the displayed size that an order arriving at a price must wait for; None beyond the known book."""
        levels = self._levels[side]
        if not levels:
            return ZERO
        for level in levels:
            if price == level.price:
                return level.size
            if is_better(side, price, level.price):
                return ZERO
        return None

    def size_ahead_assumed(self, side: Side, price: Decimal) -> Decimal:
        """Return `size_ahead`, taking the deepest known size where the price is beyond the known book."""
        ahead = self.size_ahead(side, price)
        return self._levels[side][-1].size if ahead is None else ahead

    def _whole_lots(self, levels: Sequence[Level]) -> list[Level]:
        lot = self._lot_size
        if not any(level.size % lot for level in levels):
            return list(levels)
        return [Level(price, floor_to_lot(size, lot)) for price, size in levels if size >= lot]
