"""Every fill is booked once, however often it is listed (R14); none is missed at a page's edge or being late (R15)."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from infra.local.exchange.venue import Venue
from marketmaker.adapters.ccxt_venue.binance import orders
from marketmaker.adapters.dynamodb import DynamoDbStore
from marketmaker.domain.orders import Side
from marketmaker.domain.state import MarketState
from marketmaker.usecases import settle
from tests.builders import SYMBOL, market_settings
from tests.faults.partitions import ledger_rows
from tests.faults.world import CREATE, TRADES, World, Worlds, usual_settings

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
LOT = "0.0005"
PAGE = 3


def fill(world: World, fills: int, price: str = "1899.5") -> None:
    for _ in range(fills):
        world.trade(Side.SELL, price, LOT)


def booked(world: World) -> list[str]:
    return [row["row"] for row in ledger_rows(world.address.tables, world.account, SYMBOL) if "fill" in row["row"]]


def assert_booked(world: World, fills: int) -> None:
    """Require one row a trade id in the table itself, and sums that are the exchange's own."""
    rows = booked(world)
    assert (len(rows), len(set(rows))) == (fills, fills)
    world.assert_books_agree()


@pytest.fixture
def wide(worlds: Worlds) -> World:
    """A world whose orders are large enough for a thousand fills, and rest already."""
    world = worlds.new(usual_settings(market_settings(order_size_base="1")))
    world.tick()
    return world


@pytest.mark.row("R14", "R15")
@pytest.mark.parametrize("is_listed_twice", [False, True], ids=["listed once", "listed twice"])
@pytest.mark.parametrize("fills", [1, 90, 91, 99, 100, 101, 1_000])
def test_so_many_fills_in_one_tick_are_as_many_rows(wide: World, fills: int, is_listed_twice: bool) -> None:
    fill(wide, fills)
    if is_listed_twice:
        wide.arm(fault="duplicated_fills")
    assert wide.tick().counts()["fills"] == fills
    assert_booked(wide, fills)
    wide.clear_faults()
    wide.skip(61)
    assert wide.cold_tick().counts()["fills"] == 0
    assert_booked(wide, fills)
    assert wide.sides() == ONE_A_SIDE


@pytest.mark.row("R14")
def test_a_tick_that_is_delivered_twice_books_once(wide: World) -> None:
    fill(wide, 5)
    wide.tick()
    asked = wide.requests(TRADES)
    wide.restart()
    assert wide.work(wide.slot_ms).outcome == "slot_done"
    assert wide.requests(TRADES) == asked
    assert_booked(wide, 5)


@pytest.mark.row("R14")
@pytest.mark.parametrize("is_cold", [False, True], ids=["one process", "a new process each tick"])
def test_a_list_that_repeats_itself_tick_after_tick_is_booked_once(wide: World, is_cold: bool) -> None:
    wide.arm(fault="duplicated_fills")
    for number in range(1, 6):
        fill(wide, 2)
        (wide.cold_tick if is_cold else wide.tick)()
        assert_booked(wide, 2 * number)


@pytest.mark.row("R14", "R15")
def test_what_was_booked_by_a_tick_that_could_not_finish_is_not_booked_again(
    wide: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(wide, 7)
    monkeypatch.setattr(settle, "FILLS_A_TRANSACTION", 3)
    book, transactions = DynamoDbStore.book, count(1)

    def give_up_after_two(*args: Any) -> MarketState:
        if next(transactions) > 2:
            raise KeyboardInterrupt
        return book(*args)

    monkeypatch.setattr(DynamoDbStore, "book", give_up_after_two)
    with pytest.raises(KeyboardInterrupt):
        wide.tick()
    monkeypatch.undo()
    assert len(booked(wide)) == 6
    wide.skip(11)
    assert wide.cold_tick().counts()["fills"] == 1
    assert_booked(wide, 7)


@pytest.mark.row("R15")
@pytest.mark.parametrize("is_listed_twice", [False, True], ids=["listed once", "listed twice"])
@pytest.mark.parametrize("fills", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1])
def test_the_sum_is_the_venues_own_at_every_page_boundary(
    wide: World, fills: int, is_listed_twice: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "TRADES_A_PAGE", PAGE)
    if is_listed_twice:
        wide.arm(fault="duplicated_fills")
    fill(wide, fills)
    wide.tick()
    assert_booked(wide, fills)
    fill(wide, PAGE)
    wide.tick()
    assert_booked(wide, fills + PAGE)


@pytest.mark.row("R15")
def test_fills_of_the_same_moment_on_both_sides_are_all_booked(wide: World) -> None:
    for _ in range(20):
        wide.trade(Side.SELL, "1899.5", LOT)
        wide.trade(Side.BUY, "1900.5", LOT)
    assert len({trade["time"] for trade in wide.exchange()["trades"]}) == 1
    wide.tick()
    assert_booked(wide, 40)


@pytest.mark.row("R15")
@pytest.mark.parametrize("lag_s", [12, 47])
def test_a_fill_that_is_listed_late_stops_the_quotes_until_it_is_booked(wide: World, lag_s: int) -> None:
    wide.arm(fault="late_fills", lag_s=lag_s)
    sent, inventory = wide.requests(CREATE), wide.state().inventory
    fill(wide, 3)
    for _ in range(lag_s // 5):
        report = wide.tick()
        assert report.summary()["markets"][0]["no_quotes"] == "booking_unfinished"
        assert (wide.requests(CREATE), wide.state().inventory) == (sent, inventory)
    wide.tick(2)
    assert_booked(wide, 3)
    assert wide.sides() == ONE_A_SIDE


def hide(world: World, trade_id: int) -> Callable[[], None]:
    """Let the exchange leave one trade out of its list; returns what puts it back."""
    venue: Venue = world.served.venue
    trades = venue.listing.engine.account.trades
    (position,) = [index for index, trade in enumerate(trades) if trade.trade_id == trade_id]
    hidden = trades.pop(position)
    return lambda: trades.insert(position, hidden)


@pytest.mark.row("R15")
@pytest.mark.parametrize("late_id", [1, 2, 3])
@pytest.mark.parametrize("ticks", [1, 9])
def test_a_fill_that_is_listed_after_its_successors_is_found(wide: World, late_id: int, ticks: int) -> None:
    fill(wide, 3)
    show = hide(wide, late_id)
    sent = wide.requests(CREATE)
    wide.tick(ticks)
    assert len(booked(wide)) == 2
    assert wide.requests(CREATE) == sent
    show()
    wide.tick(2)
    assert_booked(wide, 3)
    assert wide.sides() == ONE_A_SIDE
