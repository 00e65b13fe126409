"""A kline that no market could have made, or that is not one minute's, cannot be built (M4, S10)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.klines import MINUTE_MS, DayVolume, Kline, KlineMinute, in_minutes, minute_of
from tests import strategies
from tests.builders import SLOT_MS, SYMBOL, kline

D = Decimal
NOON_MS = SLOT_MS - SLOT_MS % MINUTE_MS


def test_a_kline_ends_where_the_next_one_opens() -> None:
    assert kline(NOON_MS).end_ms == NOON_MS + 1_000
    assert kline(NOON_MS, interval_ms=MINUTE_MS).end_ms == NOON_MS + MINUTE_MS


def test_a_kline_of_a_single_price_without_trades_is_one() -> None:
    price = D("1900.1")
    still = replace(kline(), open=price, high=price, low=price, close=price, volume_base=D(0))
    assert still.volume_base == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"interval_ms": 5_000}, "interval_ms 5000; allowed: one of 1000, 60000"),
        ({"open_ms": NOON_MS + 1}, f"open_ms {NOON_MS + 1}; allowed: a whole number of intervals of 1000 ms"),
        ({"interval_ms": MINUTE_MS, "open_ms": NOON_MS + 1_000}, "intervals of 60000 ms"),
        ({"high": D(1899)}, "allowed: above 0, the others between low and high"),
        ({"low": D("1899.6")}, "allowed: above 0, the others between low and high"),
        ({"close": D(2000)}, "close 2000; allowed"),
        ({"open": D(1)}, "open 1, high"),
        ({"low": D(0)}, "low 0, close"),
        ({"volume_base": D(-1)}, "volume_base -1; allowed: zero or more"),
        ({"volume_base": D("1E-23")}, "volume_base 0.00000000000000000000001; allowed: at most 24 characters"),
        ({"high": D("1E+24")}, "high 1000000000000000000000000; allowed: at most 24 characters"),
    ],
)
def test_an_impossible_kline_is_refused_by_name(changes: dict[str, object], said: str) -> None:  # R7, R24
    with pytest.raises(ValueError, match=said):
        replace(kline(NOON_MS), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start_ms", "klines", "said"),
    [
        (NOON_MS, (), "0 klines"),
        (NOON_MS + 1_000, (kline(NOON_MS + 1_000),), "allowed: one or more, a whole minute"),
        (NOON_MS, (kline(NOON_MS + MINUTE_MS),), "outside the minute"),
        (NOON_MS, (kline(NOON_MS - 1_000),), "outside the minute"),
        (NOON_MS, (kline(NOON_MS), kline(NOON_MS)), "out of order or twice"),
        (NOON_MS, (kline(NOON_MS + 1_000), kline(NOON_MS)), "out of order or twice"),
        (NOON_MS, (kline(NOON_MS, interval_ms=MINUTE_MS), kline(NOON_MS + 1_000)), "of several intervals"),
    ],
)
def test_what_is_not_one_minutes_klines_is_refused(start_ms: int, klines: tuple[Kline, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        KlineMinute(start_ms=start_ms, klines=klines)


@given(seconds=st.sets(st.integers(0, 600), max_size=100))
def test_grouping_by_minutes_loses_and_moves_nothing(seconds: set[int]) -> None:
    klines = [kline(NOON_MS + 1000 * second) for second in sorted(seconds)]
    minutes = in_minutes(klines)
    assert [each for minute in minutes for each in minute.klines] == klines
    assert len({minute.start_ms for minute in minutes}) == len(minutes)
    assert all(minute_of(each.open_ms) == minute.start_ms for minute in minutes for each in minute.klines)


@pytest.mark.parametrize("name", ["volume_base", "volume_quote"])
def test_a_negative_volume_is_refused_by_name(name: str) -> None:
    volume = DayVolume(symbol=SYMBOL, time_ms=1, volume_base=D(0), volume_quote=D(0))
    with pytest.raises(ValueError, match=f"{name} of PAXG/USDT is -1; allowed: zero or more"):
        replace(volume, **{name: D(-1)})  # type: ignore[arg-type]


@given(minute=strategies.kline_minutes())
def test_built_minutes_hold_at_most_sixty_klines(minute: KlineMinute) -> None:  # R24
    assert 1 <= len(minute.klines) <= 60
