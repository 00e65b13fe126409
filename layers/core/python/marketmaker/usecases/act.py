"""Carry a tick's plans out: one round of cancels, the mode read again, one round of creates, unknown ones looked up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from marketmaker.domain.orders import NewOrder, Order, OrderIdentity
from marketmaker.domain.quoting import Quote
from marketmaker.domain.replacing import Plan
from marketmaker.domain.state import Control, MarketState, UnresolvedOrder
from marketmaker.domain.units import ZERO
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Accepted, CancelOutcome, CancelResult, Deadline, OutcomeUnknown, PlaceOutcome
from marketmaker.usecases.desk import Desk

COOL_DOWN_MS = 10_000
"""After a failed cycle the next quotes come no sooner than this (S4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMarket:
    """A market with what is to be done in it."""

    number: int
    market: MarketState
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedMarket:
    """A market after the act; `cancels` pairs each outcome with whether a guard forced it."""

    market: MarketState
    cancels: tuple[tuple[CancelOutcome, bool], ...]
    places: tuple[PlaceOutcome, ...]


def act(
    desk: Desk, planned: Sequence[PlannedMarket], control: Control, slot_ms: int, deadline: Deadline
) -> tuple[ActedMarket, ...]:
    """Cancel for all markets at once, then create where every cancel is certain and nothing filled meanwhile."""
    cancels = _cancel_round(desk, planned, deadline)
    wanted = [
        _new_orders(desk, each, slot_ms) if _may_place(each, outcomes, desk.clock.now_ms()) else []
        for each, outcomes in zip(planned, cancels, strict=True)
    ]
    if any(wanted) and not desk.store.read_control(desk.settings.name).may_create(control.epoch):
        wanted = [[] for _ in planned]
    places = _place_round(desk, wanted, deadline)
    now_ms = desk.clock.now_ms()
    return tuple(
        ActedMarket(
            market=_after(each.market, outcomes, placed, now_ms),
            cancels=tuple(
                (outcome, cancel.reason.is_protective)
                for outcome, cancel in zip(outcomes, each.plan.cancel, strict=True)
            ),
            places=tuple(placed),
        )
        for each, outcomes, placed in zip(planned, cancels, places, strict=True)
    )


def _cancel_round(desk: Desk, planned: Sequence[PlannedMarket], deadline: Deadline) -> list[list[CancelOutcome]]:
    orders = [cancel.order for each in planned for cancel in each.plan.cancel]
    outcomes = iter(desk.venue.cancel(orders, deadline) if orders else ())
    return [[next(outcomes) for _ in each.plan.cancel] for each in planned]


def _may_place(each: PlannedMarket, outcomes: Sequence[CancelOutcome], now_ms: int) -> bool:
    """Nothing new is placed after a cancel that failed or met a fill, nor while cooling down (S4)."""
    booked = {order.venue_id: order.executed_base for order in each.market.working}
    clean = all(
        outcome.result is CancelResult.CANCELLED and outcome.executed_base == booked.get(outcome.order.venue_id, ZERO)
        for outcome in outcomes
    )
    return clean and now_ms >= each.market.not_before_ms


def _new_orders(desk: Desk, each: PlannedMarket, slot_ms: int) -> list[NewOrder]:
    return [_new_order(desk, each, quote, slot_ms) for quote in each.plan.place]


def _new_order(desk: Desk, each: PlannedMarket, quote: Quote, slot_ms: int) -> NewOrder:
    identity = OrderIdentity(
        tag=desk.settings.tag, market_number=each.number, slot_ms=slot_ms, side=quote.side, level=quote.level
    )
    return NewOrder(
        client_id=identity.encode(),
        symbol=each.market.symbol,
        side=quote.side,
        price=quote.price,
        size_base=quote.size_base,
    )


def _place_round(desk: Desk, wanted: Sequence[Sequence[NewOrder]], deadline: Deadline) -> list[list[PlaceOutcome]]:
    orders = [order for each in wanted for order in each]
    outcomes = iter([_looked_up(desk, each, deadline) for each in desk.venue.place(orders, deadline)] if orders else ())
    return [[next(outcomes) for _ in each] for each in wanted]


def _looked_up(desk: Desk, outcome: PlaceOutcome, deadline: Deadline) -> PlaceOutcome:
    """Look an unknown create up once in the same tick; not found yet is still unknown (R1)."""
    if not isinstance(outcome, OutcomeUnknown):
        return outcome
    order = outcome.order
    try:
        found = desk.venue.find_order(order.symbol, order.client_id, by_client_id=True, deadline=deadline)
    except MarketMakerError:
        return outcome
    return outcome if found is None else Accepted(order=found)


def _after(
    market: MarketState, cancels: Sequence[CancelOutcome], places: Sequence[PlaceOutcome], now_ms: int
) -> MarketState:
    """Keep what may still be live or still has fills to book; what is certainly finished goes."""
    finished = {outcome.order.venue_id for outcome in cancels if _is_finished(outcome, market.working)}
    accepted = tuple(replace(each.order, executed_base=ZERO) for each in places if isinstance(each, Accepted))
    unresolved = tuple(
        UnresolvedOrder(order=each.order, signed_ms=each.signed_ms)
        for each in places
        if isinstance(each, OutcomeUnknown)
    )
    failed = any(outcome.result is CancelResult.FAILED for outcome in cancels)
    return replace(
        market,
        working=tuple(order for order in market.working if order.venue_id not in finished) + accepted,
        unresolved=market.unresolved + unresolved,
        not_before_ms=now_ms + COOL_DOWN_MS if failed else market.not_before_ms,
    )


def _is_finished(outcome: CancelOutcome, working: Sequence[Order]) -> bool:
    booked = {order.venue_id: order.executed_base for order in working}
    return outcome.result is CancelResult.CANCELLED and outcome.executed_base == booked.get(outcome.order.venue_id)
