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
        self._quoted: dict[Side, Sequence[Level]] = {Side.BUY: (), Side.SELL: ()}
        self._whole: dict[Side, tuple[Level, ...]] = {Side.BUY: (), Side.SELL: ()}
        self._levels = dict(self._whole)
        self.revision = 0

    def show(self, quote: Quote) -> None:
        """Replace the book by a quote."""
        is_changed = False
        for side, quoted in ((Side.BUY, quote.bids), (Side.SELL, quote.asks)):
            if quoted is not self._quoted[side]:  # most quotes change one side and carry the other on as it was
                self._quoted[side], self._whole[side] = quoted, self._whole_lots(quoted)
            if self._whole[side] != self._levels[side]:
                self._levels[side] = self._whole[side]
                is_changed = True
        self.revision += is_changed

    def levels(self, side: Side) -> tuple[Level, ...]:
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
        shown = (Level(step.price, left),) if left > ZERO else ()
        self._levels[side] = (*levels[:index], *shown, *levels[index + 1 :])
        self.revision += 1

    def is_reached(self, side: Side, limit: Decimal) -> bool:
        """Tell whether the other side shows a price at or through the limit of an order on this one."""
        others = self._levels[side.opposite]
        return bool(others) and not is_better(side, others[0].price, limit)

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

    def _whole_lots(self, levels: Sequence[Level]) -> tuple[Level, ...]:
        lot = self._lot_size
        off_grid = [size for _, size in levels if size % lot]
        if not off_grid:
            return tuple(levels)
        return tuple(Level(price, floor_to_lot(size, lot)) for price, size in levels if size >= lot)
