"""A cold start decides as a warm process does: all that a decision needs is at the venue and in the tables (R31)."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import Quotes
from marketmaker.ports import Accepted
from marketmaker.usecases.reports import TickReport
from tests.faults.puppet import Puppet, Stopped, Work
from tests.faults.tap import Phase, Point
from tests.faults.world import CREATE, LOOKUP, World, Worlds

pytestmark = pytest.mark.row("R31")


def decided(report: TickReport) -> dict[str, Any]:
    """Say what a tick saw as its own, wanted and did; the venue numbers the orders of one round as they arrive."""
    (market,) = report.markets
    desired = market.desired
    return {
        "outcome": report.outcome,
        "desired": (desired.fair, desired.quotes, desired.skipped) if isinstance(desired, Quotes) else desired,
        "kept": {order.client_id for order in market.plan.keep},
        "cancelled": {(each.order.client_id, each.reason) for each in market.plan.cancel},
        "placed": {each.order.client_id for each in market.places if isinstance(each, Accepted)},
        "blocked": market.plan.blocked,
        "booked": [(row.fill.trade_id, row.base_change, row.quote_change) for row in market.booked],
        "strays": report.strays_cancelled,
    }


def remembered(world: World) -> dict[str | None, tuple[Decimal, Decimal]]:
    return {order.client_id: (order.price, order.executed_base) for order in world.working()}


def assert_same(worlds: Worlds, warm: World) -> None:
    """Let the warm process and a new one work the same moment."""
    cold = worlds.copy(warm)
    theirs, ours = decided(cold.tick()), decided(warm.tick())
    assert theirs == ours
    assert cold.state().inventory == warm.state().inventory
    assert remembered(cold) == remembered(warm)
    cold.assert_books_agree()


def half_finished(point: str, phase: Phase) -> Callable[[World], None]:
    """Let another process die in a tick, and its lease end."""

    def happen(world: World) -> None:
        with Puppet(world.address) as doomed:
            work = Work(slot_ms=world.next_slot(), owner="doomed", stops={Point(point, 1): phase})
            assert isinstance(doomed.work(work), Stopped)
            doomed.die()
        world.skip(world.settings.clocks.lease_ms / 1000)

    return happen


def orders_rest(world: World) -> None:
    world.tick(2)


def a_position_was_built(world: World) -> None:
    world.tick()
    for price in ("1899.5", "1899.6", "1899.7"):
        world.trade(Side.SELL, price, "0.1")
        world.tick()


def an_order_is_filled_in_part(world: World) -> None:
    world.tick()
    world.trade(Side.BUY, "1900.5", "0.03")


def fills_are_not_booked_yet(world: World) -> None:
    world.tick()
    world.trade(Side.BUY, "1900.5", "0.1")
    world.trade(Side.SELL, "1899.5", "0.1")


def the_price_moved(world: World) -> None:
    world.tick()
    world.jump(2)


def a_create_is_unknown(world: World) -> None:
    world.arm(fault="lost_reply", route=CREATE)
    world.arm(fault="server_error", route=LOOKUP, count=2)
    world.tick()
    world.clear_faults()
    assert len(world.state().unresolved) == 1


def a_cancel_failed(world: World) -> None:
    world.tick()
    world.jump(2)
    world.arm(fault="server_error", route="DELETE /api/v3/order", count=2)
    world.tick()
    world.clear_faults()


def the_venue_was_away(world: World) -> None:
    world.tick()
    world.arm(fault="server_error", count=None)
    world.tick(2)
    world.clear_faults()


def the_market_was_restricted(world: World) -> None:
    world.tick()
    world.jump(600)
    world.check()
    world.jump(-566)


def it_was_halted_and_resumed(world: World) -> None:
    world.tick()
    world.halt()
    world.desk.store.resume(world.account, reason="a test", now_ms=world.desk.clock.now_ms())


def nothing_happened(world: World) -> None:
    """The market has not opened."""


def died_after(prepare: Callable[[World], None], point: str, phase: Phase) -> Callable[[World], None]:
    def happen(world: World) -> None:
        prepare(world)
        half_finished(point, phase)(world)

    happen.__name__ = f"{prepare.__name__}, died {phase} {point}"
    return happen


CANCEL_1, CREATE_BID = "DELETE /api/v3/order orderId=1", "POST /api/v3/order side=BUY"
HISTORIES = (
    nothing_happened,
    orders_rest,
    a_position_was_built,
    an_order_is_filled_in_part,
    fills_are_not_booked_yet,
    the_price_moved,
    a_create_is_unknown,
    a_cancel_failed,
    the_venue_was_away,
    the_market_was_restricted,
    it_was_halted_and_resumed,
    died_after(nothing_happened, CREATE_BID, Phase.AFTER),
    died_after(orders_rest, "Query mm-state", Phase.AFTER),
    died_after(the_price_moved, CANCEL_1, Phase.AFTER),
    died_after(the_price_moved, CREATE_BID, Phase.BEFORE),
    died_after(the_price_moved, CREATE_BID, Phase.AFTER),
    died_after(fills_are_not_booked_yet, "TransactWriteItems", Phase.BEFORE),
    died_after(fills_are_not_booked_yet, "TransactWriteItems", Phase.AFTER),
    died_after(fills_are_not_booked_yet, CREATE_BID, Phase.AFTER),
)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda each: each.__name__)
def test_a_cold_start_decides_as_a_warm_process_does(
    worlds: Worlds, world: World, history: Callable[[World], None]
) -> None:
    history(world)
    for _ in range(2):
        assert_same(worlds, world)


class Kind(StrEnum):
    """What happens before a tick."""

    NOTHING = "nothing"
    PRICE = "price"
    SELL = "sell"
    BUY = "buy"
    LOST_REPLY = "lost reply"
    UNANSWERED = "unanswered"
    FAILED_CANCEL = "failed cancel"
    DIED = "died"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens; `amount` says how much, or where."""

    kind: Kind
    amount: int


steps = st.builds(Step, kind=st.sampled_from(Kind), amount=st.integers(min_value=1, max_value=99))


def happen(world: World, step: Step) -> None:
    match step.kind:
        case Kind.NOTHING:
            pass
        case Kind.PRICE:
            world.jump(step.amount % 9 - 4)
        case Kind.SELL:
            fill(world, "BUY", step.amount)
        case Kind.BUY:
            fill(world, "SELL", step.amount)
        case Kind.LOST_REPLY:
            world.arm(fault="lost_reply", route=CREATE, count=1 + step.amount % 2)
        case Kind.UNANSWERED:
            world.arm(fault="server_error", route=LOOKUP, count=2)
        case Kind.FAILED_CANCEL:
            world.arm(fault="server_error", route="DELETE /api/v3/order")
        case Kind.DIED:
            point = ("Query mm-state", "GET /api/v3/account", "BatchGetItem")[step.amount % 3]
            half_finished(point, list(Phase)[step.amount % len(Phase)])(world)


def fill(world: World, side: str, percent: int) -> None:
    """Trade a part of an own order, if one rests."""
    for order in world.own_orders():
        if order["side"] == side:
            taker = Side.SELL if side == "BUY" else Side.BUY
            world.trade(taker, order["price"], str(percent * 10) + "e-4")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, min_size=3, max_size=6))
def test_a_cold_start_decides_as_a_warm_process_does_whatever_happened(worlds: Worlds, history: list[Step]) -> None:
    world = worlds.new()
    world.tick()
    for step in history:
        happen(world, step)
        world.tick()
    world.clear_faults()
    assert_same(worlds, world)
    assert_same(worlds, world)
    worlds.close()
