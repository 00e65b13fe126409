"""The rolling day forgets what is older than a day."""

from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Trade
from marketmaker.simulation.statistics import DAY_US, DayStatistics

D = Decimal


def trade(time_us: int, price: str, size: str = "1") -> Trade:
    return Trade(time_us=time_us, taker_side=Side.BUY, price=D(price), size_base=D(size))


def test_a_day_sums_up_its_trades() -> None:
    day = DayStatistics()
    for moment, price in ((0, "10"), (1, "12"), (60_000_000, "9"), (120_000_000, "11")):
        day.record(trade(moment, price, "2"))
    summary = day.summary(120_000_000)
    assert summary is not None
    assert (summary.open, summary.high, summary.low, summary.last) == (D(10), D(12), D(9), D(11))
    assert (summary.volume_base, summary.volume_quote, summary.count) == (D(8), D(84), 4)


def test_what_is_older_than_a_day_is_forgotten() -> None:
    day = DayStatistics()
    assert day.summary(0) is None
    day.record(trade(0, "10"))
    day.record(trade(DAY_US, "11"))
    summary = day.summary(DAY_US)
    assert summary is not None
    assert (summary.open, summary.count) == (D(11), 1)
    assert day.summary(3 * DAY_US) is None
