"""Replace only what is worth replacing (C2): desired quotes × resting orders → keep, cancel, place.

Cancels come first, those of the side that adds risk before the other; creates follow, the reducing side first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.markets import ReplaceTolerance
from marketmaker.domain.orders import DeploymentTag, Order, Side, read_level
from marketmaker.domain.quoting import NoQuotes, Quote, Quotes
from marketmaker.domain.units import ZERO

_ENDLESS = Decimal("Infinity")

Place = tuple[Side, int]
"""Where an order stands in our quotes: side and level."""


class CancelReason(StrEnum):
    """Why an order goes."""

    PRICE_MOVED = "price_moved"
    BELOW_BREAK_EVEN = "below_break_even"
    SIZE_CHANGED = "size_changed"
    TOO_OLD = "too_old"
    EVERY_TICK = "every_tick"
    CROSSES_OWN_QUOTE = "crosses_own_quote"
    NOT_WANTED = "not_wanted"
    NO_QUOTES = "no_quotes"
    HALT = "halt"

    @property
    def is_protective(self) -> bool:
        """Tell whether a guard forced the cancel; such cancels are counted apart (C2)."""
        return self in {CancelReason.NO_QUOTES, CancelReason.HALT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """An order to be cancelled."""

    order: Order
    reason: CancelReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one tick does in one market, in the order in which it is done."""

    keep: tuple[Order, ...] = ()
    cancel: tuple[Cancel, ...] = ()
    place: tuple[Quote, ...] = ()
    blocked: tuple[Quote, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.cancel and not self.place


def plan_replacement(
    desired: Quotes | NoQuotes,
    own: Sequence[Order],
    *,
    tag: DeploymentTag,
    blocked: frozenset[Place],
    tolerance: ReplaceTolerance | None,
    now_ms: int,
) -> Plan:
    """Decide what to do with each own order and each wanted quote.

    `blocked` names the places of creates whose outcome is still unknown: nothing is placed there (R1). Without a
    tolerance nothing is kept.
    """
    if isinstance(desired, NoQuotes):
        return Plan(cancel=tuple(Cancel(order=order, reason=CancelReason.NO_QUOTES) for order in own))
    wanted = {(quote.side, quote.level): quote for quote in desired.quotes}
    measures = None if tolerance is None else _measures(desired, tolerance, now_ms)
    keep: list[Order] = []
    cancel: list[Cancel] = []
    for order in sorted(own, key=lambda each: each.created_ms):
        place = _place_of(order, tag)
        quote = wanted.get(place)
        reason = _why_cancel(order, quote, measures)
        if reason is None:
            keep.append(order)
            del wanted[place]
        else:
            cancel.append(Cancel(order=order, reason=reason))
    risk_adding = desired.reducing_side.opposite
    return Plan(
        keep=tuple(keep),
        cancel=tuple(sorted(cancel, key=lambda each: each.order.side is not risk_adding)),
        place=_reducing_first(desired, (q for place, q in wanted.items() if place not in blocked)),
        blocked=_reducing_first(desired, (q for place, q in wanted.items() if place in blocked)),
    )


def _place_of(order: Order, tag: DeploymentTag) -> Place:
    """Return the side an order rests on and the level in its id; one whose id cannot be read stands in no place."""
    level = read_level(order.client_id or "", tag)
    return order.side, -1 if level is None else level


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measures:
    """What every order is held to; a side without own quotes crosses nothing."""

    max_distance: Decimal
    size_share: Decimal
    sizes_bind: bool
    created_since_ms: int
    highest_bid: Decimal
    lowest_ask: Decimal
    best_own_bid: Decimal
    best_own_ask: Decimal


def _measures(desired: Quotes, tolerance: ReplaceTolerance, now_ms: int) -> _Measures:
    return _Measures(
        max_distance=tolerance.price_share * desired.half_spread,
        size_share=tolerance.size_share,
        sizes_bind=desired.sizes_bind,
        created_since_ms=now_ms - tolerance.max_age_ms,
        highest_bid=desired.highest_bid,
        lowest_ask=desired.lowest_ask,
        best_own_bid=max((each.price for each in desired.quotes if each.side is Side.BUY), default=-_ENDLESS),
        best_own_ask=min((each.price for each in desired.quotes if each.side is Side.SELL), default=_ENDLESS),
    )


def _why_cancel(order: Order, quote: Quote | None, measures: _Measures | None) -> CancelReason | None:
    if quote is None:
        return CancelReason.NOT_WANTED
    return CancelReason.EVERY_TICK if measures is None else _why_replace(order, quote, measures)


def _why_replace(order: Order, quote: Quote, measures: _Measures) -> CancelReason | None:
    """Return what speaks against an order; it must never trade with an own quote on the other side (S14)."""
    price, is_bid = order.price, order.side is Side.BUY
    if abs(price - quote.price) > measures.max_distance:
        return CancelReason.PRICE_MOVED
    if price > measures.highest_bid if is_bid else price < measures.lowest_ask:
        return CancelReason.BELOW_BREAK_EVEN
    if price >= measures.best_own_ask if is_bid else price <= measures.best_own_bid:
        return CancelReason.CROSSES_OWN_QUOTE
    more = order.remaining_base - quote.size_base
    if abs(more) > measures.size_share * quote.size_base or (measures.sizes_bind and more > ZERO):
        return CancelReason.SIZE_CHANGED
    if order.created_ms < measures.created_since_ms:
        return CancelReason.TOO_OLD
    return None


def _reducing_first(desired: Quotes, quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    return tuple(sorted(quotes, key=lambda quote: (quote.side is not desired.reducing_side, quote.level)))
