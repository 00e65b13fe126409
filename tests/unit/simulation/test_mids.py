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
