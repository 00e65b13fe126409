"""Klines of a market's trades: nothing lost, nothing twice, bounded, still where nothing traded."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Trade
from marketmaker.simulation.klines import KEPT, Candle, KlineSeries, MarketKlines

D = Decimal


def trade(second: float, price: str | int = 1900, size: str = "0.1", side: Side = Side.BUY) -> Trade:
    return Trade(time_us=int(second * 1_000_000), taker_side=side, price=D(price), size_base=D(size))


def series(*trades: Trade, kept: int = 3_600) -> KlineSeries:
    recorded = KlineSeries(1_000, kept)
    for each in trades:
        recorded.record(each.time_us // 1_000, each)
    return recorded


def seconds(candles: list[Candle]) -> list[int]:
    return [each.start_ms // 1_000 for each in candles]


def test_a_kline_holds_its_intervals_trades() -> None:
    (candle,) = series(
        trade(5, 1900, "0.1"), trade(5.2, 1903, "0.2", Side.SELL), trade(5.5, 1899), trade(5.999, 1901)
    ).between(5_000, 5_000)
    assert (candle.open, candle.high, candle.low, candle.close) == tuple(map(D, (1900, 1903, 1899, 1901)))
    assert (candle.base, candle.count) == (D("0.5"), 4)
    assert candle.quote == D("190") + D("380.6") + D("189.9") + D("190.1")
    assert (candle.taker_buy_base, candle.taker_buy_quote) == (D("0.3"), D("570"))


def test_intervals_without_trades_stand_at_the_last_close() -> None:
    found = series(trade(5, 1900), trade(8, 1905)).between(4_000, 10_000)
    assert seconds(found) == [5, 6, 7, 8, 9, 10]
    assert [each.close for each in found] == [1900, 1900, 1900, 1905, 1905, 1905]
    assert [each.count for each in found] == [1, 0, 0, 1, 0, 0]
    assert {each.base for each in found if not each.count} == {0}


def test_nothing_is_listed_before_the_first_trade_nor_beyond_the_range() -> None:
    recorded = series(trade(5), trade(50))
    assert series().between(0, 9_000) == []
    assert series().first_ms is None
    assert recorded.first_ms == 5_000
    assert recorded.between(0, 4_000) == []
    assert seconds(recorded.between(6_000, 7_000)) == [6, 7]
    assert recorded.between(8_000, 7_000) == []


def test_only_the_newest_are_kept() -> None:  # R24
    recorded = series(*(trade(second) for second in range(100)), kept=10)
    assert recorded.first_ms == 90_000
    assert seconds(recorded.between(0, 99_000)) == list(range(90, 100))
    recorded.record(500_000, trade(500))
    assert recorded.first_ms == 500_000


def test_an_hour_of_seconds_and_a_day_of_minutes_are_kept() -> None:  # R24
    klines = MarketKlines(lambda time_us: time_us // 1_000)
    for second in range(0, 2 * 86_400, 7):
        klines.record(trade(second))
    assert {interval: len(each._candles) for interval, each in klines.series.items()} == {
        1_000: -(-KEPT[1_000] // 7),
        60_000: KEPT[60_000],
    }


def test_klines_are_of_the_wall_clock_not_of_market_time() -> None:
    klines = MarketKlines(lambda time_us: time_us // 50_000)
    for second in (0, 49, 50):
        klines.record(trade(second))
    assert [each.count for each in klines.series[1_000].between(0, 1_000)] == [2, 1]


@given(
    traded=st.lists(st.tuples(st.integers(0, 120_000), st.integers(1, 50), st.integers(1, 50)), max_size=60),
    start=st.integers(0, 120),
    length=st.integers(0, 130),
)
def test_a_range_holds_every_trade_of_it_once_without_a_hole(
    traded: list[tuple[int, int, int]], start: int, length: int
) -> None:
    trades = [
        Trade(time_us=ms * 1_000, taker_side=Side.BUY, price=D(price), size_base=D(size))
        for ms, price, size in sorted(traded)
    ]
    found = series(*trades).between(start * 1_000, (start + length) * 1_000)
    within = [each for each in trades if start <= each.time_us // 1_000_000 <= start + length]
    assert sum(each.base for each in found) == sum(each.size_base for each in within)
    assert sum(each.count for each in found) == len(within)
    assert all(after.start_ms - before.start_ms == 1_000 for before, after in pairwise(found))
    assert all(each.low <= min(each.open, each.close) <= max(each.open, each.close) <= each.high for each in found)
    assert all(before.close == after.open for before, after in pairwise(found) if not after.count)
