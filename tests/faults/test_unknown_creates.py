"""A create whose outcome is unknown is looked up, never sent again, and blocks its place until it is resolved (R1)."""

from collections.abc import Callable

import pytest

from marketmaker.domain.orders import Side
from tests.faults.settings import usual_settings
from tests.faults.world import CREATE, LOOKUP, World, Worlds

pytestmark = pytest.mark.row("R1")

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
IN_TIME_S, TOO_LATE_S = 1.0, 3.0
"""When a create arrives whose connection was cut: before and after its own expiry."""


def nobody_answers_lookups(world: World) -> None:
    world.arm(fault="server_error", route=LOOKUP, count=4)


def the_reply_is_lost(world: World) -> None:
    world.arm(fault="lost_reply", route=CREATE)


def both_replies_are_lost(world: World) -> None:
    world.arm(fault="lost_reply", route=CREATE, count=2)


def the_reply_is_lost_and_lookups_fail(world: World) -> None:
    the_reply_is_lost(world)
    nobody_answers_lookups(world)


def the_reply_is_no_json(world: World) -> None:
    world.arm(fault="malformed_reply", route=CREATE, count=2)
    nobody_answers_lookups(world)


def accepted_after_the_first_lookup(world: World) -> None:
    world.arm(fault="delayed_acceptance", delay_s=IN_TIME_S)


def both_accepted_after_the_first_lookup(world: World) -> None:
    world.arm(fault="delayed_acceptance", delay_s=IN_TIME_S, count=2)


ACCEPTED = (
    the_reply_is_lost,
    both_replies_are_lost,
    the_reply_is_lost_and_lookups_fail,
    the_reply_is_no_json,
    accepted_after_the_first_lookup,
    both_accepted_after_the_first_lookup,
)


@pytest.mark.parametrize("trouble", ACCEPTED, ids=lambda each: each.__name__)
@pytest.mark.parametrize("is_opening", [True, False], ids=["opening", "replacing"])
def test_an_accepted_create_is_live_once_three_ticks_later(
    world: World, trouble: Callable[[World], None], is_opening: bool
) -> None:
    if not is_opening:
        world.tick()
        world.jump(2)
    sent = world.requests(CREATE)
    trouble(world)
    world.tick()
    world.clear_faults()
    for _ in range(3):
        world.tick()
    assert world.sides() == ONE_A_SIDE
    assert world.requests(CREATE) - sent == 2
    assert world.state().unresolved == ()
    world.assert_books_agree()


def test_a_create_that_died_on_its_way_is_replaced_by_one_order(world: World) -> None:
    world.arm(fault="delayed_acceptance", delay_s=TOO_LATE_S, count=2)
    world.tick(3)
    assert world.sides() == ONE_A_SIDE
    assert world.exchange()["orders"]["rejected"] == {"-1021": 2}
    assert (world.requests(CREATE), world.exchange()["orders"]["accepted"]) == (4, 2)


@pytest.mark.parametrize("size", ["0.1", "0.03"], ids=["whole", "in part"])
def test_an_unknown_create_that_fills_before_it_is_found_is_booked_once(world: World, size: str) -> None:
    world.arm(fault="lost_reply", route=CREATE, count=2)
    nobody_answers_lookups(world)
    world.tick()
    world.clear_faults()
    assert len(world.state().unresolved) == 2
    world.trade(Side.SELL, "1899.5", size)
    world.tick(3)
    assert len(world.fills()) == 1
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


def test_an_unknown_create_blocks_its_side_until_it_has_expired(worlds: Worlds) -> None:
    world = worlds.new(usual_settings(interval_ms=1_000))
    world.arm(fault="delayed_acceptance", delay_s=TOO_LATE_S)
    world.tick()
    (blocked,) = {"BUY", "SELL"} - set(world.sides())
    for _ in range(2):
        report = world.tick()
        assert [str(quote.side).upper() for quote in report.markets[0].plan.blocked] == [blocked]
        assert world.requests(CREATE) == 2
    world.tick()
    assert (world.requests(CREATE), world.sides()) == (3, ONE_A_SIDE)


def test_a_blocked_side_is_released_by_the_order_that_arrives(worlds: Worlds) -> None:
    world = worlds.new(usual_settings(interval_ms=1_000))
    world.arm(fault="delayed_acceptance", delay_s=1.5)
    world.tick()
    world.tick()
    assert sum(world.sides().values()) == 1
    world.tick(2)
    assert (world.requests(CREATE), world.sides()) == (2, ONE_A_SIDE)
    assert len(world.working()) == 2


def test_a_halt_finds_an_unknown_create_that_arrives_late(world: World) -> None:
    world.arm(fault="delayed_acceptance", delay_s=IN_TIME_S, count=2)
    world.tick()
    assert world.own_orders() == []
    report = world.halt()
    assert report.verified_s is not None
    assert report.orders_cancelled == 2
    assert world.own_orders() == []


def test_our_own_clock_declares_no_create_dead(worlds: Worlds) -> None:
    """Ours is 4 s ahead of the venue's, as long as two creates live."""
    world = worlds.new(usual_settings(interval_ms=1_000))
    ahead_ms = 4_000
    world.restart(skew_ms=ahead_ms)
    world.arm(fault="delayed_acceptance", delay_s=1.5)
    for _ in range(3):
        assert world.work(world.next_slot() + ahead_ms).outcome == "done"
    assert world.requests(CREATE) == world.exchange()["orders"]["accepted"] == 2
    assert world.sides() == ONE_A_SIDE
