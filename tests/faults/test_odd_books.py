"""A book that stands still, crosses itself or lacks a side is not quoted; one that is sound again is, at once (R11)."""

from collections.abc import Mapping

import pytest

from marketmaker.ports import Severity
from tests.builders import SYMBOL
from tests.faults.world import ACCOUNT, CREATE, World, Worlds

pytestmark = pytest.mark.row("R11")

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
TICKS_UNTIL_OLD = 6
"""30 s of 5 s."""
ODD: dict[str, tuple[Mapping[str, object], str]] = {
    "locked": ({"fault": "crossed_book", "overlap_ticks": 0}, "book_crossed"),
    "crossed by a tick": ({"fault": "crossed_book", "overlap_ticks": 1}, "book_crossed"),
    "crossed by far": ({"fault": "crossed_book", "overlap_ticks": 5_000}, "book_crossed"),
    "no bids": ({"fault": "one_sided_book", "side": "bids"}, "book_one_sided"),
    "no asks": ({"fault": "one_sided_book", "side": "asks"}, "book_one_sided"),
}


def reason(world: World) -> object:
    return world.tick().summary()["markets"][0].get("no_quotes")


@pytest.mark.parametrize("name", ODD)
def test_quotes_are_pulled_at_once_and_come_back_alone(world: World, name: str) -> None:
    fault, why = ODD[name]
    world.tick()
    sent = world.requests(CREATE)
    world.arm(**fault)
    assert [reason(world) for _ in range(3)] == [why] * 3
    assert (world.own_orders(), world.requests(CREATE)) == ([], sent)
    world.clear_faults()
    world.tick()
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


@pytest.mark.parametrize("name", ODD)
def test_no_market_opens_on_it(world: World, name: str) -> None:
    world.arm(**ODD[name][0])
    world.tick(2)
    assert SYMBOL not in world.stored().markets
    assert world.requests(CREATE) == 0
    world.clear_faults()
    world.tick()
    assert world.sides() == ONE_A_SIDE


@pytest.mark.parametrize("is_cold", [False, True], ids=["one process", "a new process each tick"])
def test_a_book_that_stands_still_for_too_long_is_not_quoted(world: World, is_cold: bool) -> None:
    work = world.cold_tick if is_cold else world.tick
    work()
    world.arm(fault="frozen_book")
    for _ in range(TICKS_UNTIL_OLD):
        work()
        assert world.sides() == ONE_A_SIDE
    work()
    work()
    assert world.own_orders() == []
    world.jump(3)
    sent = world.requests(CREATE)
    for _ in range(6):
        work()
    assert (world.own_orders(), world.requests(CREATE)) == ([], sent)
    assert [(each.kind, each.severity) for each in world.alerts.sent] == [("stale_book", Severity.CRITICAL)]
    world.clear_faults()
    work()
    assert world.sides() == ONE_A_SIDE
    assert [each.severity for each in world.alerts.sent] == [Severity.CRITICAL, Severity.INFO]


def test_the_second_look_pulls_quotes_from_a_book_that_ticks_do_not_see(world: World) -> None:
    world.tick()
    world.arm(fault="frozen_book")
    world.tick()
    world.arm(fault="server_error", route=ACCOUNT, count=None)
    world.skip(31)
    world.check()
    assert world.own_orders() == []
    assert "stale_book" in world.alerts.kinds()


def test_a_book_whose_prices_stand_still_but_whose_number_moves_is_quoted(worlds: Worlds) -> None:
    world = worlds.new()
    world.tick()
    sent = world.requests(CREATE)
    world.tick(3 * TICKS_UNTIL_OLD)
    assert world.sides() == ONE_A_SIDE
    assert (world.requests(CREATE), world.alerts.sent) == (sent, [])
