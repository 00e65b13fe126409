"""Named rounding and number formats (S5, R18)."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.units import ceil_to_tick, clamp, floor_to_lot, floor_to_tick, from_statistic, plain
from tests.strategies import sizes

TICKS = [Decimal(text) for text in ("0.00000001", "0.01", "0.05", "0.5", "3", "1E+1")]

signed_prices = st.decimals(min_value="-1000000", max_value="1000000", places=8)
ticks = st.sampled_from(TICKS)


@given(price=signed_prices, tick=ticks)
def test_a_floored_price_is_the_highest_grid_price_not_above(price: Decimal, tick: Decimal) -> None:
    floored = floor_to_tick(price, tick)
    assert floored <= price < floored + tick
    assert floored % tick == 0


@given(price=signed_prices, tick=ticks)
def test_a_ceiled_price_is_the_lowest_grid_price_not_below(price: Decimal, tick: Decimal) -> None:
    ceiled = ceil_to_tick(price, tick)
    assert ceiled - tick < price <= ceiled
    assert ceiled % tick == 0


@given(price=signed_prices, tick=ticks)
def test_rounding_twice_changes_nothing(price: Decimal, tick: Decimal) -> None:
    assert floor_to_tick(floor_to_tick(price, tick), tick) == floor_to_tick(price, tick)
    assert ceil_to_tick(ceil_to_tick(price, tick), tick) == ceil_to_tick(price, tick)
    assert ceil_to_tick(floor_to_tick(price, tick), tick) == floor_to_tick(price, tick)


@given(price=signed_prices, tick=ticks)
def test_floor_and_ceil_mirror_each_other_at_zero(price: Decimal, tick: Decimal) -> None:
    assert floor_to_tick(-price, tick) == -ceil_to_tick(price, tick)


@given(size=sizes, lot=ticks)
def test_a_size_rounds_down_to_the_lot(size: Decimal, lot: Decimal) -> None:
    floored = floor_to_lot(size, lot)
    assert Decimal(0) <= floored <= size < floored + lot
    assert floored % lot == 0


def test_a_size_below_one_lot_is_zero() -> None:
    assert floor_to_lot(Decimal("0.00009"), Decimal("0.0001")) == 0


def test_a_negative_size_is_an_error_that_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="size -1 is negative; allowed: zero or more"):
        floor_to_lot(Decimal(-1), Decimal("0.1"))


@given(value=signed_prices, ends=st.tuples(signed_prices, signed_prices))
def test_clamp_holds_a_value_inside_and_leaves_one_that_is(value: Decimal, ends: tuple[Decimal, Decimal]) -> None:
    low, high = min(ends), max(ends)
    clamped = clamp(value, low, high)
    assert low <= clamped <= high
    assert clamped == value or not low <= value <= high


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("1900.50", "1900.5"),
        ("1900.00", "1900"),
        ("1900", "1900"),
        ("-0.10", "-0.1"),
        ("0", "0"),
        ("0.000", "0"),
        ("0E+3", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
    ],
)
def test_a_number_is_written_without_exponent_trailing_zeros_or_signed_zero(value: str, text: str) -> None:  # R18
    assert plain(Decimal(value)) == text


@given(value=st.decimals(min_value=-(10**20), max_value=10**20, places=14))
def test_a_written_number_reads_back_exactly(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert set(text) <= set("-0123456789.")


def test_a_statistic_becomes_money_to_twelve_digits_unless_it_is_not_finite() -> None:
    assert from_statistic(1 / 3) == Decimal("0.333333333333")
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="allowed: a finite number"):
            from_statistic(value)
