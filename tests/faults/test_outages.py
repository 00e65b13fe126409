"""A venue fails, pauses or ends a market: nothing new is risked, nothing lost, and quoting goes on alone (R30)."""

from collections.abc import Mapping

import pytest

from infra.local.exchange.venue import Venue
from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode
from marketmaker.ports import Severity
from marketmaker.simulation.events import Trade
from marketmaker.simulation.faults import ArmedFault, DelistedSymbol, DelistingStage
from marketmaker.simulation.orders import AccountOrder
from tests.builders import SYMBOL
from tests.faults.two_markets import SECOND, list_second, two_markets
from tests.faults.world import CREATE, METADATA, World, Worlds

pytestmark = pytest.mark.row("R30")

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
OUTAGES: dict[str, Mapping[str, object]] = {
    "503": {"fault": "server_error"},
    "500": {"fault": "server_error", "status": 500},
    "reset": {"fault": "connection_reset"},
    "lost": {"fault": "lost_reply"},
    "maintenance": {"fault": "maintenance"},
    "a web page": {"fault": "malformed_reply"},
}
STAGES = tuple(stage.value for stage in DelistingStage)
A_CLOSED_LOOK = 13
"""Ticks until a closed market is looked at again."""


@pytest.mark.parametrize("is_cold", [False, True], ids=["one process", "a new process each tick"])
@pytest.mark.parametrize("name", OUTAGES)
def test_a_storm_leaves_everything_as_it_was_and_ends_alone(world: World, name: str, is_cold: bool) -> None:
    work = world.cold_tick if is_cold else world.tick
    world.tick()
    world.trade(Side.SELL, "1899.5", "0.0333")
    world.jump(2)
    market, accepted = world.state(), world.exchange()["orders"]["accepted"]
    world.arm(**OUTAGES[name], count=None)
    for _ in range(6):
        work()
        assert world.sides() == ONE_A_SIDE
    seen = world.exchange()
    assert (world.state(), seen["orders"]["accepted"]) == (market, accepted)
    assert world.control().mode is Mode.QUOTING
    assert [(each.kind, each.severity) for each in world.alerts.sent] == [("venue_unreachable", Severity.CRITICAL)]
    world.clear_faults()
    work()
    work()
    assert world.sides() == ONE_A_SIDE
    assert len(world.fills()) == 1
    assert [each.severity for each in world.alerts.sent] == [Severity.CRITICAL, Severity.INFO]
    world.assert_books_agree()


@pytest.mark.parametrize("after", range(10))
def test_an_outage_that_begins_within_a_tick_doubles_and_loses_nothing(world: World, after: int) -> None:
    world.tick()
    world.trade(Side.SELL, "1899.5", "0.0333")
    world.jump(2)
    world.arm(fault="server_error", count=None, after=after)
    world.tick(2)
    assert all(count == 1 for count in world.places().values())
    world.clear_faults()
    world.tick(4)
    assert world.sides() == ONE_A_SIDE
    assert world.state().unresolved == ()
    world.assert_books_agree()


@pytest.mark.parametrize("rhythm", [2, 3, 5])
def test_a_venue_that_fails_now_and_then_is_quoted_now_and_then(world: World, rhythm: int) -> None:
    for number in range(12):
        for each in range(4):
            world.arm(fault="server_error", after=(number * rhythm + each * rhythm) % 11)
        world.jump((-1) ** number * 2)
        world.tick()
        assert all(count == 1 for count in world.places().values())
        world.clear_faults()
    world.skip(10)
    world.tick(3)
    assert world.sides() == ONE_A_SIDE
    assert world.control().mode is Mode.QUOTING
    world.assert_books_agree()


@pytest.mark.parametrize("is_cold", [False, True], ids=["one process", "a new process each tick"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_market_that_is_not_traded_is_left_alone_until_it_is(worlds: Worlds, stage: str, is_cold: bool) -> None:
    world = worlds.new(metadata=not is_cold or stage == DelistingStage.REMOVED)
    work = world.cold_tick if is_cold else world.tick
    reason = "market_closed" if stage == DelistingStage.HALTED else "observation_failed"
    world.tick()
    world.arm(fault="delisted_symbol", stage=stage)
    world.jump(2)
    for _ in range(3):
        work()
    sent = world.requests(CREATE)
    for _ in range(6):
        report = work()
        assert report.outcome == "done"
        assert report.summary()["markets"][0]["no_quotes"] == reason
    assert (world.own_orders(), world.requests(CREATE)) == ([], sent)
    assert world.control().mode is Mode.QUOTING
    world.assert_books_agree()
    world.clear_faults()
    for _ in range(A_CLOSED_LOOK):
        work()
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


@pytest.mark.parametrize("stage", STAGES)
def test_a_closed_market_is_not_asked_for_its_rules_at_every_tick(world: World, stage: str) -> None:
    world.tick()
    world.arm(fault="delisted_symbol", stage=stage)
    world.jump(2)
    world.tick(3)
    read = world.requests(METADATA)
    world.tick(24)
    assert world.requests(METADATA) - read <= 3


def resting(venue: Venue) -> list[AccountOrder]:
    """Return the login's orders of one market, bids first."""
    return [order for side in Side for order in venue.listing.engine.account.open_orders(side)]


def sides(venue: Venue) -> list[Side]:
    return [order.request.side for order in resting(venue)]


@pytest.mark.parametrize("is_cold", [False, True], ids=["one process", "a new process each tick"])
@pytest.mark.parametrize("stage", DelistingStage)
def test_a_delisted_market_does_not_stop_its_neighbour(worlds: Worlds, stage: DelistingStage, is_cold: bool) -> None:
    world = worlds.new(two_markets(), metadata=False)
    second = list_second(world)
    work = world.cold_tick if is_cold else world.tick
    work()
    assert (sides(world.served.venue), sides(second)) == (list(Side), list(Side))
    second.arm(ArmedFault(fault=DelistedSymbol(stage=stage), count=None))
    cancelled = world.exchange()["orders"]["cancelled"]
    for number in range(8):
        world.jump((-1) ** number * 2)
        assert work().outcome == "done"
        assert sides(world.served.venue) == list(Side)
    assert sides(second) == []
    assert world.exchange()["orders"]["cancelled"] - cancelled == 16
    second.clear_faults()
    for _ in range(A_CLOSED_LOOK):
        work()
    assert (sides(world.served.venue), sides(second)) == (list(Side), list(Side))


def test_a_market_that_was_never_listed_does_not_stop_its_neighbour(worlds: Worlds) -> None:
    world = worlds.new(two_markets(), metadata=False)
    for _ in range(3):
        world.cold_tick()
    assert world.sides() == ONE_A_SIDE
    assert SECOND not in world.stored().markets


def test_two_markets_whose_orders_have_the_same_numbers_are_told_apart(worlds: Worlds) -> None:
    world = worlds.new(two_markets(), metadata=False)
    first, second = world.served.venue, list_second(world)
    world.tick()
    assert {each.order_id for each in resting(first)} == {each.order_id for each in resting(second)}
    for venue, side in ((first, Side.BUY), (second, Side.SELL)):
        venue.catch_up()
        engine = venue.listing.engine
        (order,) = engine.account.open_orders(side)
        size = order.remaining_base
        engine.play(Trade(time_us=engine.now_us, taker_side=side.opposite, price=order.limit, size_base=size))
    world.tick(2)
    assert [row.fill.side for row in world.fills(SYMBOL)] == [Side.BUY]
    assert [row.fill.side for row in world.fills(SECOND)] == [Side.SELL]
    assert (sides(first), sides(second)) == (list(Side), list(Side))
