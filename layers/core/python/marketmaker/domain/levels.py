"""From the nearest prices to the quotes of every level: on the venue's grid, and of a size that may rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.distances import PriceRange
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import Quote, SkippedSide, SkipReason
from marketmaker.domain.skew import size_factors
from marketmaker.domain.stages import Context, Draft
from marketmaker.domain.units import ONE, ZERO, ceil_to_tick, floor_to_lot, floor_to_tick


@dataclass(slots=True, kw_only=True)
class Room:
    """What a side's orders may still use: base, and for bids quote currency; None is no bound."""

    base: Decimal | None = None
    quote: Decimal | None = None

    def cut(self, size: Decimal, price: Decimal) -> Decimal:
        """Return the part of a size that there is room for."""
        if self.base is not None and size > self.base:
            size = self.base
        if self.quote is not None and size * price > self.quote:
            size = self.quote / price
        return max(ZERO, size)

    def take(self, size: Decimal, price: Decimal) -> None:
        """Use it."""
        if self.base is not None:
            self.base -= size
        if self.quote is not None:
            self.quote -= size * price


def lay_bids(draft: Draft, context: Context) -> list[Decimal]:
    """Return each level's bid: rounded down, a tick off the best ask at least, and off the level before (S5)."""
    tick = context.instrument.tick_size
    limit = floor_to_tick(context.view.book.asks[0].price - tick, tick)
    prices: list[Decimal] = []
    for behind in _behind_nearest(draft.bid_half, context):
        prices.append(min(floor_to_tick(draft.bid - behind, tick), limit))
        limit = prices[-1] - tick
    return prices


def lay_asks(draft: Draft, context: Context) -> list[Decimal]:
    """Return each level's ask: rounded up, a tick off the best bid at least, and off the level before (S5)."""
    tick = context.instrument.tick_size
    limit = ceil_to_tick(context.view.book.bids[0].price + tick, tick)
    prices: list[Decimal] = []
    for behind in _behind_nearest(draft.ask_half, context):
        prices.append(max(ceil_to_tick(draft.ask + behind, tick), limit))
        limit = prices[-1] + tick
    return prices


def size_quotes(
    draft: Draft, context: Context, allowed: PriceRange
) -> tuple[tuple[Quote, ...], tuple[SkippedSide, ...]]:
    """Lay both sides' levels and give each its size; a side that is paused or cut short is told of."""
    settings, view = context.settings, context.view
    bid_factor = ask_factor = context.width.size_factor
    if settings.size_skew is not None:
        by_bid, by_ask = size_factors(settings.size_skew, settings.inventory_band, context.holding.ratio)
        bid_factor, ask_factor = bid_factor * by_bid, ask_factor * by_ask
    buying, selling = Room(quote=view.available_quote), Room(base=view.available_base)
    policy = settings.inventory_band
    if isinstance(policy, PositionSkew):
        buying.base = policy.max_base - view.inventory.base
        selling.base = min(view.available_base, policy.max_base + view.inventory.base)
    bids, asks = lay_bids(draft, context), lay_asks(draft, context)
    draft.bid, draft.ask = bids[0], asks[0]
    quotes: list[Quote] = []
    skipped: list[SkippedSide] = []
    for laid in (
        _Side(side=Side.BUY, prices=bids, factor=bid_factor, room=buying),
        _Side(side=Side.SELL, prices=asks, factor=ask_factor, room=selling),
    ):
        reason = draft.paused.get(laid.side) or _fill_side(quotes, laid, context, allowed)
        if reason is not None:
            skipped.append(SkippedSide(side=laid.side, reason=reason))
    return tuple(quotes), tuple(skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    side: Side
    prices: Sequence[Decimal]
    factor: Decimal
    room: Room


def _fill_side(quotes: list[Quote], laid: _Side, context: Context, allowed: PriceRange) -> SkipReason | None:
    """Add a side's quotes, nearest first; returns why the first that the venue or the band forbids is none (S3, R18).

    A level that is too small is skipped and the next is tried: sizes may grow with the distance.
    """
    instrument, settings = context.instrument, context.settings
    size, most = settings.order_size_base * laid.factor, settings.max_order_size_base
    refused: SkipReason | None = None
    for level, (price, part) in enumerate(zip(laid.prices, settings.ladder.sizes, strict=True)):
        reason: SkipReason | None = None
        rounded = ZERO
        if price not in allowed or price <= ZERO:
            reason = SkipReason.OUTSIDE_BAND
        else:
            wanted = size * part if most is None else min(size * part, most)
            rounded = floor_to_lot(laid.room.cut(wanted, price), instrument.lot_size)
            if rounded < instrument.min_size_base or not rounded:
                reason = SkipReason.BELOW_MIN_SIZE
            elif rounded * price < instrument.min_notional_quote:
                reason = SkipReason.BELOW_MIN_NOTIONAL
        if reason is None:
            laid.room.take(rounded, price)
            quotes.append(Quote(side=laid.side, level=level, price=price, size_base=rounded))
        elif refused is None:
            refused = reason
    return refused


def _behind_nearest(half_spread: Decimal, context: Context) -> list[Decimal]:
    """Return how far each level stands behind the nearest one."""
    unit = half_spread * context.width.spacing_factor
    return [unit * (each - ONE) for each in context.settings.ladder.distances]
