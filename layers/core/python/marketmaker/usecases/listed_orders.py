"""The orders of a login told apart: what its state and its venue each say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.orders import Order, Side
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import AccountState, UnresolvedOrder
from marketmaker.domain.units import BPS, ClientOrderId, Symbol, VenueOrderId
from marketmaker.ports import Unknown
from marketmaker.usecases.desk import Desk


class OrderStanding(StrEnum):
    """What state and venue together say of an order.

    working: live and known to the state. orphan: live and ours, but unknown to the state; the next tick adopts or
    cancels it. gone: known to the state, but not live any more. unresolved: its create was sent, and nobody knows yet
    whether it was accepted. unchecked: state or venue could not be read. foreign: not ours, never touched.
    """

    WORKING = "working"
    ORPHAN = "orphan"
    GONE = "gone"
    UNRESOLVED = "unresolved"
    UNCHECKED = "unchecked"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedOrder:
    """One order of a login; of its identity, `level` and `slot_ms` are None for a foreign one.

    `executed_base` is None where nobody knows it now. `distance_bps` is from the best price that others quote on its
    side: positive behind it, negative in front of it, None where that is unknown. `since_ms` is when it was created.
    """

    standing: OrderStanding
    symbol: Symbol
    side: Side
    price: Decimal
    size_base: Decimal
    executed_base: Decimal | None
    distance_bps: Decimal | None
    level: int | None
    slot_ms: int | None
    since_ms: int
    client_id: ClientOrderId | None
    venue_id: VenueOrderId | None

    @property
    def remaining_base(self) -> Decimal | None:
        """What can still be filled; None where nobody knows it."""
        return None if self.executed_base is None else self.size_base - self.executed_base


def list_own(
    desk: Desk,
    state: AccountState | Unknown,
    open_orders: Sequence[Order] | Unknown,
    others: Mapping[Symbol, Book | Unknown],
) -> tuple[ListedOrder, ...]:
    """List our own orders, those at the venue and those of the state, each market's from the highest price down."""
    own = () if isinstance(open_orders, Unknown) else desk.own(open_orders)
    markets = () if isinstance(state, Unknown) else tuple(state.markets.values())
    known = [order for market in markets for order in market.working]
    sent = [each for market in markets for each in market.unresolved]
    live_ids, known_ids = ({(each.symbol, each.venue_id) for each in orders} for orders in (own, known))
    found_ids, sent_ids = {order.client_id for order in own}, {each.order.client_id for each in sent}
    absent = OrderStanding.UNCHECKED if isinstance(open_orders, Unknown) else OrderStanding.GONE

    def standing_of(order: Order) -> OrderStanding:
        if isinstance(state, Unknown):
            return OrderStanding.UNCHECKED
        if (order.symbol, order.venue_id) in known_ids:
            return OrderStanding.WORKING
        return OrderStanding.UNRESOLVED if order.client_id in sent_ids else OrderStanding.ORPHAN

    listed = [_listed(desk, order, standing_of(order), others) for order in own]
    listed += [
        _unseen(desk, order, absent, others) for order in known if (order.symbol, order.venue_id) not in live_ids
    ]
    listed += [_unseen_create(desk, each, others) for each in sent if each.order.client_id not in found_ids]
    return _ordered(listed)


def list_foreign(
    desk: Desk, open_orders: Sequence[Order] | Unknown, others: Mapping[Symbol, Book | Unknown]
) -> tuple[ListedOrder, ...] | Unknown:
    """List the orders that do not carry our tag."""
    if isinstance(open_orders, Unknown):
        return open_orders
    foreign = [order for order in open_orders if desk.identity_of(order) is None]
    return _ordered([_listed(desk, order, OrderStanding.FOREIGN, others) for order in foreign])


def _unseen(desk: Desk, order: Order, standing: OrderStanding, others: Mapping[Symbol, Book | Unknown]) -> ListedOrder:
    return replace(_listed(desk, order, standing, others), executed_base=None)


def _unseen_create(desk: Desk, sent: UnresolvedOrder, others: Mapping[Symbol, Book | Unknown]) -> ListedOrder:
    as_if_accepted = sent.order.resting(VenueOrderId(""), sent.signed_ms)
    return replace(_unseen(desk, as_if_accepted, OrderStanding.UNRESOLVED, others), venue_id=None)


def _listed(desk: Desk, order: Order, standing: OrderStanding, others: Mapping[Symbol, Book | Unknown]) -> ListedOrder:
    identity = desk.identity_of(order)
    return ListedOrder(
        standing=standing,
        symbol=order.symbol,
        side=order.side,
        price=order.price,
        size_base=order.size_base,
        executed_base=order.executed_base,
        distance_bps=_distance_bps(order, others.get(order.symbol)),
        level=None if identity is None else identity.level,
        slot_ms=None if identity is None else identity.slot_ms,
        since_ms=order.created_ms,
        client_id=order.client_id,
        venue_id=order.venue_id,
    )


def _distance_bps(order: Order, others: Book | Unknown | None) -> Decimal | None:
    if not isinstance(others, Book):
        return None
    best = others.best_bid if order.side is Side.BUY else others.best_ask
    return None if best is None else order.side.sign * (best - order.price) / best / BPS


def _ordered(listed: Sequence[ListedOrder]) -> tuple[ListedOrder, ...]:
    return tuple(sorted(listed, key=lambda each: (each.symbol, -each.price, each.since_ms)))
