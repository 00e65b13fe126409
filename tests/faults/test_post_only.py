"""A post-only refusal is expected and answered by one second look (R19); an order that may take is never sent (R20)."""

from decimal import Decimal
from typing import Any

import pytest

from infra.local.exchange.binance_spot.listing import Listing
from marketmaker.domain.orders import Side
from tests.builders import market_settings
from tests.faults.world import BOOK, CREATE, World, Worlds, usual_settings

ONE_A_SIDE = {"BUY": 1, "SELL": 1}


@pytest.mark.row("R19")
@pytest.mark.parametrize("refused", [1, 2])
@pytest.mark.parametrize("is_opening", [True, False], ids=["opening", "replacing"])
def test_a_refused_create_is_priced_once_more_by_a_new_book(world: World, refused: int, is_opening: bool) -> None:
    if not is_opening:
        world.tick()
        world.jump(2)
    sent, read = world.requests(CREATE), world.requests(BOOK)
    world.arm(fault="post_only_rejection", count=refused)
    counts = world.tick().counts()
    assert (world.requests(CREATE) - sent, world.requests(BOOK) - read) == (2 + refused, 2)
    assert (counts["creates_rejected"], counts["orders_placed"]) == (refused, 2)
    assert world.sides() == ONE_A_SIDE
    assert world.alerts.sent == []
    assert world.tick().counts()["orders_kept"] == 2


@pytest.mark.row("R19")
def test_a_second_refusal_is_left_to_the_next_tick(world: World) -> None:
    world.arm(fault="post_only_rejection", count=None)
    for number in range(1, 4):
        counts = world.tick().counts()
        assert (counts["creates_rejected"], counts["orders_placed"]) == (4, 0)
        assert world.requests(CREATE) == 4 * number
        assert world.requests(BOOK) == 2 * number
    assert world.telemetry.counted["creates_rejected"] == 12
    assert world.alerts.sent == []
    assert world.state().unresolved == ()
    world.clear_faults()
    world.tick()
    assert world.sides() == ONE_A_SIDE


@pytest.mark.row("R19")
def test_the_second_price_is_that_of_the_new_book(world: World) -> None:
    world.tick()
    world.jump(2)
    venue = world.served.venue
    receive = venue.receive
    moved: list[Any] = []

    def move_before_the_creates(request: Any) -> Any:
        if request.route == CREATE and not moved:
            moved.append(request)
            engine = venue.listing.engine
            engine.jump(Decimal(20), engine.now_us)
        return receive(request)

    venue.receive = move_before_the_creates  # type: ignore[method-assign]
    counts = world.tick().counts()
    assert (counts["creates_rejected"], counts["orders_placed"]) == (1, 2)
    prices = {each["side"]: Decimal(each["price"]) for each in world.own_orders()}
    assert prices["SELL"] > Decimal("1903.5")
    world.tick(2)
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


@pytest.fixture
def without_post_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange that lists no LIMIT_MAKER orders."""
    info = Listing.info

    def without(listing: Listing) -> dict[str, object]:
        return {**info(listing), "orderTypes": ["LIMIT", "MARKET"]}

    monkeypatch.setattr(Listing, "info", without)


@pytest.mark.row("R20")
@pytest.mark.parametrize("kept", [True, False], ids=["known", "asked for"])
def test_nothing_is_placed_where_an_order_cannot_be_kept_from_taking(
    without_post_only: None, worlds: Worlds, kept: bool
) -> None:
    world = worlds.new(metadata=kept)
    for _ in range(3):
        (market,) = world.tick().summary()["markets"]
        assert market["no_quotes"] == "post_only_missing"
        assert "post-only" in market["detail"]
    assert world.requests(CREATE) == 0


@pytest.mark.row("R20")
def test_orders_that_may_take_are_sent_only_where_that_is_configured(without_post_only: None, worlds: Worlds) -> None:
    world = worlds.new(usual_settings(market_settings(post_only=False)))
    world.tick()
    assert {each["type"] for each in world.own_orders()} == {"LIMIT"}
    assert world.sides() == ONE_A_SIDE


@pytest.mark.row("R20")
def test_every_order_is_post_only_unless_configured(world: World) -> None:
    world.tick()
    world.jump(2)
    world.tick()
    assert {each["type"] for each in world.own_orders()} == {"LIMIT_MAKER"}


@pytest.mark.row("R20")
@pytest.mark.parametrize("taken", [1, 2])
def test_a_fill_that_is_reported_as_taken_is_counted_and_pays_its_fee(world: World, taken: int) -> None:
    world.arm(fault="taken_fill", count=taken)
    world.tick()
    world.trade(Side.SELL, "1899.5", "0.1")
    world.trade(Side.BUY, "1900.5", "0.1")
    counts = world.tick().counts()
    assert (counts["fills"], counts["taker_fills"]) == (2, taken)
    assert world.telemetry.counted["taker_fills"] == taken
    assert sum(not row.fill.is_maker for row in world.fills()) == taken
    world.assert_books_agree()
