"""The order of an exit's next attempt, within its bound of the live touch (S3, P5)."""

from decimal import Decimal

from marketmaker.domain.exits import Exit, ExitStyle, Marked, exit_side, open_size
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import EXIT_LEVEL, Side
from marketmaker.domain.quoting import MarketView, Quote
from marketmaker.domain.units import BPS, ONE, TWO, ZERO, ceil_to_tick, floor_to_lot, floor_to_tick

_BOUND_SHARE = {ExitStyle.LIMIT: ZERO, ExitStyle.IMMEDIATE: ONE / TWO, ExitStyle.MARKET: ONE}
"""How much of the slippage bound each style uses."""


def exit_quote(
    current: Exit, marked: Marked, view: MarketView, instrument: Instrument, max_slippage_bps: Decimal
) -> Quote | None:
    """Return the order of this attempt; None where what can be used is less than the venue takes."""
    side = exit_side(current, marked.inventory)
    away = max_slippage_bps * BPS * _BOUND_SHARE[current.style]
    size = open_size(current, marked, instrument)
    if side is Side.SELL:
        price = ceil_to_tick(view.book.bids[0].price * (ONE - away), instrument.tick_size)
        usable = view.available_base
    else:
        price = floor_to_tick(view.book.asks[0].price * (ONE + away), instrument.tick_size)
        usable = view.available_quote / price
    size = floor_to_lot(min(size, usable), instrument.lot_size)
    if size < instrument.min_size_base or not size or size * price < instrument.min_notional_quote:
        return None
    return Quote(side=side, level=EXIT_LEVEL, price=price, size_base=size, style=current.style)
