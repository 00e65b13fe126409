"""The interest of inventory: it grows with age and volatility, up to a share of the half-spread (M7)."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.carry import carry_shift, funding_shift, is_too_old
from marketmaker.domain.models import Carry

CARRY = Carry(interest=Decimal("0.5"), max_shift_share=Decimal("0.5"), horizon_ms=3_600_000)
WIDE = Decimal(1_000_000)

shares = st.decimals(-1, 1, places=6)
ages_ms = st.integers(0, 10**10)
sigmas = st.floats(0, 1)
fairs = st.decimals("0.0001", "1000000", places=4)
half_spreads = st.decimals("0.0001", "1000", places=4)


def shift(
    share: Decimal | str = "1",
    age_ms: int = 100_000,
    sigma: float = 0.0001,
    fair: Decimal | str = "2000",
    half_spread: Decimal = WIDE,
) -> Decimal:
    return carry_shift(
        CARRY,
        excess_share=Decimal(share),
        age_ms=age_ms,
        sigma=sigma,
        fair=Decimal(fair),
        half_spread=half_spread,
    )


def test_the_interest_is_volatility_times_the_root_of_the_age() -> None:
    assert shift() == Decimal(-1)  # 0.5 · 0.0001 · √100 · 2000
    assert shift(age_ms=400_000) == Decimal(-2)
    assert shift(sigma=0.0002) == Decimal(-2)
    assert shift("0.25") == Decimal("-0.25")


def test_a_short_pays_by_higher_quotes() -> None:
    assert shift("-1") == Decimal(1)


def test_nothing_is_charged_at_the_target_or_for_what_was_just_bought() -> None:
    assert shift("0") == 0
    assert shift(age_ms=0) == 0
    assert shift(age_ms=-1_000) == 0


def test_the_interest_ends_at_a_share_of_the_half_spread() -> None:
    assert shift(half_spread=Decimal("1.5")) == Decimal("-0.75")
    assert shift("0.5", half_spread=Decimal("1.5")) == Decimal("-0.375")


@pytest.mark.parametrize("sigma", [math.inf, math.nan, 1e308])
def test_an_interest_without_a_number_is_the_largest_allowed(sigma: float) -> None:
    assert shift(sigma=sigma, half_spread=Decimal(1)) == Decimal("-0.5")


@given(share=shares, age_ms=ages_ms, sigma=sigmas, fair=fairs, half_spread=half_spreads)
def test_the_shift_is_bounded_and_against_the_inventory(
    share: Decimal, age_ms: int, sigma: float, fair: Decimal, half_spread: Decimal
) -> None:  # R29
    by = shift(share, age_ms, sigma, fair, half_spread)
    assert abs(by) <= CARRY.max_shift_share * half_spread * abs(share)
    assert by * share <= 0


@given(one=shares, other=shares, age_ms=ages_ms, sigma=sigmas, fair=fairs, half_spread=half_spreads)
def test_more_inventory_never_raises_the_quotes(
    one: Decimal, other: Decimal, age_ms: int, sigma: float, fair: Decimal, half_spread: Decimal
) -> None:  # R29
    less, more = sorted((one, other))
    assert shift(more, age_ms, sigma, fair, half_spread) <= shift(less, age_ms, sigma, fair, half_spread)


@given(share=shares, one=ages_ms, other=ages_ms, sigma=sigmas, fair=fairs, half_spread=half_spreads)
def test_older_inventory_never_weighs_less(
    share: Decimal, one: int, other: int, sigma: float, fair: Decimal, half_spread: Decimal
) -> None:
    younger, older = sorted((one, other))
    assert abs(shift(share, older, sigma, fair, half_spread)) >= abs(shift(share, younger, sigma, fair, half_spread))


@pytest.mark.parametrize(
    ("share", "age_ms", "old"),
    [("0.1", 3_600_000, False), ("0.1", 3_600_001, True), ("-0.1", 3_600_001, True), ("0", 10**9, False)],
)
def test_only_inventory_beyond_its_target_grows_too_old(share: str, age_ms: int, old: bool) -> None:
    assert is_too_old(CARRY, Decimal(share), age_ms) is old


@pytest.mark.parametrize(
    ("rate", "half_spread", "moved"),
    [("0.0001", "1", "-0.01"), ("-0.0001", "1", "0.01"), ("0.01", "1", "-0.5"), ("-0.01", "1", "0.5"), ("0", "1", "0")],
)
def test_longs_who_pay_lower_both_quotes_by_what_they_pay_up_to_a_share_of_the_half_spread(
    rate: str, half_spread: str, moved: str
) -> None:
    assert funding_shift(CARRY, Decimal(rate), Decimal(100), Decimal(half_spread)) == Decimal(moved)


def test_a_funding_rate_that_is_unknown_moves_nothing() -> None:
    assert funding_shift(CARRY, None, Decimal(100), WIDE) == 0
