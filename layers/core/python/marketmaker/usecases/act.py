"""Carry a tick's plans out: one round of cancels, the mode read again, one round of creates, unknown ones looked up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from marketmaker.domain.exits import ExitStyle
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


_IMMEDIATE = frozenset({ExitStyle.IMMEDIATE, ExitStyle.MARKET})


class HeldBack(StrEnum):
    """Why none of a market's planned creates was sent."""

    CANCEL_FAILED = "cancel_failed"
    FILLED_MEANWHILE = "filled_meanwhile"
    COOLING_DOWN = "cooling_down"
    MODE_CHANGED = "mode_changed"
    SWITCH_NOT_ARMED = "switch_not_armed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedSlot:
    """The slot that is worked, the control as it was claimed, and when everything must have ended.

    One that is `unguarded` has no dead man's switch where it should have: it places exits and no quotes.
    """

    slot_ms: int
    control: Control
    deadline: Deadline
    unguarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMarket:
    """A market with what is to be done in it; `attempt` tells the creates of one tick's two looks apart (R19)."""

    number: int
    market: MarketState
    plan: Plan
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedMarket:
    """A market after the act; `cancels` pairs each outcome with whether a guard forced it.

    `places` are the outcomes of the planned creates, unless they were `held_back`.
    """

    market: MarketState
    cancels: tuple[tuple[CancelOutcome, bool], ...]
    places: tuple[PlaceOutcome, ...]
    held_back: HeldBack | None = None


def act(desk: Desk, planned: Sequence[PlannedMarket], slot: ClaimedSlot) -> tuple[ActedMarket, ...]:
    """Cancel for all markets at once, then create where every cancel is certain and nothing filled meanwhile."""
    if not any(each.plan.cancel or each.plan.place for each in planned):
        return tuple(ActedMarket(market=each.market, cancels=(), places=()) for each in planned)
    cancels = _cancel_round(desk, planned, slot.deadline)
    now_ms = desk.clock.now_ms()
    held_back = [_why_held_back(each, outcomes, now_ms) for each, outcomes in zip(planned, cancels, strict=True)]
    if slot.unguarded:
        held_back = [
            why or (HeldBack.SWITCH_NOT_ARMED if any(quote.style is None for quote in each.plan.place) else None)
            for each, why in zip(planned, held_back, strict=True)
        ]
    if any(each.plan.place and why is None for each, why in zip(planned, held_back, strict=True)) and not _may_create(
        desk, slot.control
    ):
        held_back = [why or HeldBack.MODE_CHANGED for why in held_back]
    places = _place_round(desk, planned, held_back, slot)
    now_ms = desk.clock.now_ms()
    return tuple(
        ActedMarket(
            market=_after(each.market, outcomes, placed, now_ms),
            cancels=tuple(
                (outcome, cancel.reason.is_protective)
                for outcome, cancel in zip(outcomes, each.plan.cancel, strict=True)
            ),
            places=tuple(placed),
            held_back=why if each.plan.place else None,
        )
        for each, outcomes, placed, why in zip(planned, cancels, places, held_back, strict=True)
    )


def _may_create(desk: Desk, control: Control) -> bool:
    """Read mode, epoch and lease again: they may have changed since the claim (R5, R25)."""
    owner = "" if control.lease is None else control.lease.owner
    return desk.store.read_control(desk.settings.name).may_create(control.epoch, owner, desk.clock.now_ms())


def _cancel_round(desk: Desk, planned: Sequence[PlannedMarket], deadline: Deadline) -> list[list[CancelOutcome]]:
    orders = [cancel.order for each in planned for cancel in each.plan.cancel]
    outcomes = iter(desk.venue.cancel(orders, deadline) if orders else ())
    return [[next(outcomes) for _ in each.plan.cancel] for each in planned]


def _why_held_back(each: PlannedMarket, outcomes: Sequence[CancelOutcome], now_ms: int) -> HeldBack | None:
    """Nothing new is placed after a cancel that failed or met a fill, nor while cooling down (S4)."""
    booked = {order.venue_id: order.executed_base for order in each.market.working}
    if any(outcome.result is CancelResult.FAILED for outcome in outcomes):
        return HeldBack.CANCEL_FAILED
    if not all(
        outcome.result is CancelResult.CANCELLED and outcome.executed_base == booked.get(outcome.order.venue_id, ZERO)
        for outcome in outcomes
    ):
        return HeldBack.FILLED_MEANWHILE
    return HeldBack.COOLING_DOWN if now_ms < each.market.not_before_ms else None


def _new_order(desk: Desk, each: PlannedMarket, quote: Quote, slot_ms: int) -> NewOrder:
    identity = OrderIdentity(
        tag=desk.settings.tag,
        market_number=each.number,
        slot_ms=slot_ms,
        side=quote.side,
        level=quote.level,
        attempt=each.attempt,
    )
    return NewOrder(
        client_id=identity.encode_number() if desk.settings.numbers_orders else identity.encode(),
        symbol=each.market.symbol,
        side=quote.side,
        price=quote.price,
        size_base=quote.size_base,
        post_only=quote.style is None and desk.settings.market(each.market.symbol).post_only,
        immediate=quote.style in _IMMEDIATE,
        reduce_only=quote.style is not None,
    )


def _place_round(
    desk: Desk,
    planned: Sequence[PlannedMarket],
    held_back: Sequence[HeldBack | None],
    slot: ClaimedSlot,
) -> list[list[PlaceOutcome]]:
    wanted = [
        [] if why else [_new_order(desk, each, quote, slot.slot_ms) for quote in each.plan.place]
        for each, why in zip(planned, held_back, strict=True)
    ]
    orders = [order for each in wanted for order in each]
    sent = desk.venue.place(orders, slot.deadline) if orders else ()
    outcomes = iter([_looked_up(desk, each, slot.deadline) for each in sent])
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
