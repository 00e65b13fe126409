"""Events come once, in time, and move with a price jump."""

from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed

D = Decimal
TICK = D("0.1")


def quote(time_us: int, bid: str = "100", ask: str = "101") -> Quote:
    return Quote(time_us=time_us, bids=(Level(D(bid), D(1)),), asks=(Level(D(ask), D(1)),))


def trade(time_us: int, side: Side, price: str) -> Trade:
    return Trade(time_us=time_us, taker_side=side, price=D(price), size_base=D(1))


def test_events_are_handed_out_once_up_to_the_moment() -> None:
    feed = MarketFeed([quote(1), quote(2), quote(3)], tick_size=TICK)
    assert [event.time_us for event in feed.until(2)] == [1, 2]
    assert [event.time_us for event in feed.until(2)] == []
    assert not feed.is_ended
    assert [event.time_us for event in feed.until(9)] == [3]
    assert feed.is_ended


def test_a_jump_restates_the_book_and_scales_what_follows() -> None:
    events: list[Event] = [quote(1), trade(5, Side.SELL, "100"), trade(6, Side.BUY, "101"), quote(7)]
    feed = MarketFeed(events, tick_size=TICK)
    list(feed.until(1))
    feed.jump(D(-55), 3)
    assert not feed.is_ended
    restated, sold, bought, after = list(feed.until(9))
    assert restated == Quote(time_us=3, bids=(Level(D("99.4"), D(1)),), asks=(Level(D("100.5"), D(1)),))
    assert isinstance(sold, Trade)
    assert isinstance(bought, Trade)
    assert (sold.price, bought.price) == (D("99.4"), D("100.5"))
    assert isinstance(after, Quote)
    assert after.bids == restated.bids


def test_a_jump_before_the_first_quote_waits_for_it() -> None:
    feed = MarketFeed([quote(5)], tick_size=TICK)
    feed.jump(D(100), 1)
    assert list(feed.until(4)) == []
    assert next(iter(feed.until(5))) == quote(5, "101", "102.1")


def test_jumps_compound_and_bids_never_reach_zero() -> None:
    feed = MarketFeed([quote(1)], tick_size=TICK)
    feed.jump(D(-9999), 1)
    feed.jump(D(-9999), 1)
    shown = next(iter(feed.until(1)))
    assert isinstance(shown, Quote)
    assert shown.bids[0].price == TICK
    assert shown.asks[0].price == 2 * TICK


def test_a_jump_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above -10000"):
        MarketFeed([], tick_size=TICK).jump(D(-10000), 0)
