"""Half-spreads: how far each quote stands from the fair price, and the floors that nothing undercuts."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.markets import FeeSchedule, Instrument, MarketSettings
from marketmaker.domain.models import BothSidesBand


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfSpreads:
    """Distances from the fair price in quote currency."""

    bid: Decimal
    ask: Decimal


def simple_half_spreads(settings: MarketSettings, fair: Decimal, ratio: Decimal) -> HalfSpreads:
    """Return the configured half-spread on both sides (S1), replaced outside the band under `both_sides` (S2)."""
    distance = settings.half_spread
    band = settings.inventory_band
    if isinstance(band, BothSidesBand):
        if ratio > band.max_ratio:
            distance = band.half_spread_above
        elif ratio < band.min_ratio:
            distance = band.half_spread_below
    width = distance.at(fair)
    return HalfSpreads(bid=width, ask=width)


def with_floors(half_spreads: HalfSpreads, fair: Decimal, fees: FeeSchedule, instrument: Instrument) -> HalfSpreads:
    """Widen to the fee break-even and to one tick: the best prices are never quoted at a loss after fees (R36)."""
    floor = max(fees.break_even_half_spread(fair), instrument.tick_size)
    return HalfSpreads(bid=max(half_spreads.bid, floor), ask=max(half_spreads.ask, floor))
