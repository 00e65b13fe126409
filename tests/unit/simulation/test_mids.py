"""The middle of a book over time (M8)."""

from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.mids import MidSeries


def quote(time_us: int, bid: str, ask: str = "") -> Quote:
    asks = (Level(Decimal(ask), Decimal(1)),) if ask else ()
    return Quote(time_us=time_us, bids=(Level(Decimal(bid), Decimal(1)),), asks=asks)


def test_a_middle_stands_until_it_changes() -> None:
    mids = MidSeries()
    trade = Trade(time_us=15, taker_side=Side.BUY, price=Decimal(101), size_base=Decimal(1))
    events: list[Event] = [
        quote(10, "99", "101"),
        trade,
        quote(20, "98", "102"),
        quote(30, "99", "103"),
        quote(40, "99"),
    ]
    assert list(mids.watch(events)) == events
    assert [mids.at(time_us) for time_us in (9, 10, 29, 30, 39, 40)] == [None, 100, 100, 101, 101, None]


def test_what_is_forgotten_is_no_middle_of_any_moment_that_was_asked_to_stay() -> None:
    mids, count = MidSeries(), 10_000
    events = [quote(10 * number, str(100 + number), str(102 + number)) for number in range(count)]
    assert len(list(mids.watch(events))) == count
    for before_us in (0, 5, 35_004, 70_000, 69_000):
        mids.forget(before_us)
        kept_us = range(max(before_us, 70_000 if before_us == 69_000 else 0), 10 * count, 501)
        assert [mids.at(time_us) for time_us in kept_us] == [101 + time_us // 10 for time_us in kept_us]
    assert mids.at(34_000) is None, "it is forgotten"
