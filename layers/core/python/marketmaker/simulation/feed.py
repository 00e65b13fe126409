"""A market's events in time, with a price jump that can be set while they run."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import BPS, ONE, ceil_to_tick, floor_to_tick
from marketmaker.simulation.events import Event, Level, Quote, merge_levels


class MarketFeed:
    """The events of one market up to a moment, each exactly once.

    `factor` scales every price from a `jump` on. Bids and the trades that hit them are floored to the tick, asks and
    the trades that lift them ceiled, so quotes and trades still meet; sizes stay as they are.
    """

    def __init__(self, events: Iterable[Event], *, tick_size: Decimal) -> None:
        self._events = iter(events)
        self._tick_size = tick_size
        self._ahead = next(self._events, None)
        self._shown: Quote | None = None
        self._restated: Quote | None = None
        self.factor = ONE

    @property
    def is_ended(self) -> bool:
        """Whether the last event has been handed out; the book stands still from then on."""
        return self._ahead is None and self._restated is None

    def until(self, now_us: int) -> Iterator[Event]:
        """Hand out what happened up to and including `now_us`."""
        if self._restated is not None:
            restated, self._restated = self._restated, None
            yield restated
        while (event := self._ahead) is not None and event.time_us <= now_us:
            self._ahead = next(self._events, None)
            if isinstance(event, Quote):
                self._shown = event
            yield event if self.factor == ONE else self._scaled(event)

    def jump(self, shift_bps: Decimal, now_us: int) -> None:
        """Move the market by `shift_bps` from `now_us` on, the standing book included; jumps compound."""
        factor = self.factor * (ONE + shift_bps * BPS)
        if not factor > 0:
            raise ValueError(f"shift_bps {shift_bps} leaves no price; allowed: above -10000")
        self.factor = factor
        if self._shown is not None:
            self._restated = self._scaled_quote(replace(self._shown, time_us=now_us))

    def _scaled(self, event: Event) -> Event:
        if isinstance(event, Quote):
            return self._scaled_quote(event)
        return replace(event, price=self._price(event.taker_side.opposite, event.price))

    def _scaled_quote(self, quote: Quote) -> Quote:
        return replace(
            quote,
            bids=merge_levels(Side.BUY, (Level(self._price(Side.BUY, p), size) for p, size in quote.bids)),
            asks=merge_levels(Side.SELL, (Level(self._price(Side.SELL, p), size) for p, size in quote.asks)),
        )

    def _price(self, side: Side, price: Decimal) -> Decimal:
        scaled = price * self.factor
        if side is Side.SELL:
            return max(2 * self._tick_size, ceil_to_tick(scaled, self._tick_size))
        return max(self._tick_size, floor_to_tick(scaled, self._tick_size))
