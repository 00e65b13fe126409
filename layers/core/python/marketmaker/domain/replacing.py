"""Replace only what is worth replacing (C2): desired quotes × resting orders → keep, cancel, place.

Cancels come first, those of the side that adds risk before the other; creates follow, the reducing side first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketmaker.domain.markets import ReplaceTolerance
from marketmaker.domain.orders import DeploymentTag, Order, Side, read_level
from marketmaker.domain.quoting import NoQuotes, Quote, Quotes

Place = tuple[Side, int]
"""Where an order stands in our quotes: side and level."""


class CancelReason(StrEnum):
    """Why an order goes."""

    PRICE_MOVED = "price_moved"
    BELOW_BREAK_EVEN = "below_break_even"
    SIZE_CHANGED = "size_changed"
    TOO_OLD = "too_old"
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
    tolerance: ReplaceTolerance,
    now_ms: int,
) -> Plan:
    """Decide what to do with each own order and each wanted quote.

    `blocked` names the places of creates whose outcome is still unknown: nothing is placed there (R1).
    """
    if isinstance(desired, NoQuotes):
        return Plan(cancel=tuple(Cancel(order=order, reason=CancelReason.NO_QUOTES) for order in own))
    wanted = {(quote.side, quote.level): quote for quote in desired.quotes}
    keep: list[Order] = []
    cancel: list[Cancel] = []
    for order in sorted(own, key=lambda each: each.created_ms):
        place = _place_of(order, tag)
        quote = wanted.get(place)
        reason = CancelReason.NOT_WANTED if quote is None else _why_replace(order, quote, desired, tolerance, now_ms)
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


def _why_replace(
    order: Order, quote: Quote, desired: Quotes, tolerance: ReplaceTolerance, now_ms: int
) -> CancelReason | None:
    if abs(order.price - quote.price) > tolerance.price_share * desired.half_spread:
        return CancelReason.PRICE_MOVED
    if order.price > desired.highest_bid if order.side is Side.BUY else order.price < desired.lowest_ask:
        return CancelReason.BELOW_BREAK_EVEN
    if _crosses(order, desired.quotes):
        return CancelReason.CROSSES_OWN_QUOTE
    if abs(order.remaining_base - quote.size_base) > tolerance.size_share * quote.size_base:
        return CancelReason.SIZE_CHANGED
    if now_ms - order.created_ms > tolerance.max_age_ms:
        return CancelReason.TOO_OLD
    return None


def _crosses(order: Order, quotes: Iterable[Quote]) -> bool:
    """Tell whether an order would trade with one of our own quotes on the other side (S14)."""
    if order.side is Side.BUY:
        return any(quote.price <= order.price for quote in quotes if quote.side is Side.SELL)
    return any(quote.price >= order.price for quote in quotes if quote.side is Side.BUY)


def _reducing_first(desired: Quotes, quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    return tuple(sorted(quotes, key=lambda quote: (quote.side is not desired.reducing_side, quote.level)))
