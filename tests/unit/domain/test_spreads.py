"""Half-spreads and the floors that nothing undercuts (S1, S2, R36)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance
from marketmaker.domain.spreads import HalfSpreads, simple_half_spreads, with_floors
from tests.builders import both_sides_band, fees, instrument, market_settings
from tests.strategies import prices

FAIR = Decimal(1900)
INSIDE = Decimal("0.35")


def both(width: str) -> HalfSpreads:
    return HalfSpreads(bid=Decimal(width), ask=Decimal(width))


def test_the_simple_spread_is_half_a_dollar_on_both_sides() -> None:  # S1
    assert simple_half_spreads(market_settings(), FAIR, INSIDE) == both("0.5")


def test_a_spread_in_basis_points_follows_the_price() -> None:
    settings = market_settings(half_spread=BpsDistance(bps=Decimal(10)))
    assert simple_half_spreads(settings, FAIR, INSIDE) == both("1.9")


@pytest.mark.parametrize(
    ("ratio", "width"),
    [("0.51", "0.6"), ("0.5", "0.5"), ("0.35", "0.5"), ("0.2", "0.5"), ("0.19", "0.4")],
)
def test_both_sides_widens_above_the_band_and_narrows_below_it(ratio: str, width: str) -> None:  # S2
    settings = market_settings(inventory_band=both_sides_band())
    assert simple_half_spreads(settings, FAIR, Decimal(ratio)) == both(width)


@pytest.mark.parametrize("ratio", ["0", "0.35", "1"])
def test_the_shift_policy_leaves_the_width_alone(ratio: str) -> None:
    assert simple_half_spreads(market_settings(), FAIR, Decimal(ratio)) == both("0.5")


def test_a_fee_of_ten_basis_points_widens_the_simple_spread_to_break_even() -> None:  # S1, R36
    floored = with_floors(both("0.5"), FAIR, fees(maker_bps="10"), instrument())
    assert floored == both("1.9")
    bought, sold = FAIR - floored.bid, FAIR + floored.ask
    assert sold - bought - Decimal("0.001") * (sold + bought) == 0


def test_a_spread_above_break_even_stays_as_configured() -> None:
    assert with_floors(both("0.5"), FAIR, fees(maker_bps="1"), instrument()) == both("0.5")


def test_with_a_rebate_the_tick_is_the_only_floor() -> None:  # M1
    assert fees(maker_bps="-1").break_even_half_spread(FAIR) == 0
    assert with_floors(both("0"), FAIR, fees(maker_bps="-1"), instrument(tick_size="0.01")) == both("0.01")


def test_each_side_is_floored_by_itself() -> None:
    uneven = HalfSpreads(bid=Decimal("0.1"), ask=Decimal(3))
    floored = with_floors(uneven, FAIR, fees(maker_bps="10"), instrument())
    assert floored == HalfSpreads(bid=Decimal("1.9"), ask=Decimal(3))


@given(
    fair=prices,
    bid=st.decimals("0", "1000", places=8),
    ask=st.decimals("0", "1000", places=8),
    maker_bps=st.integers(-10, 100),
    tick=st.sampled_from(["0.00000001", "0.01", "5"]),
)
def test_floors_are_never_undercut_and_never_narrow(
    fair: Decimal, bid: Decimal, ask: Decimal, maker_bps: int, tick: str
) -> None:  # R36
    floored = with_floors(HalfSpreads(bid=bid, ask=ask), fair, fees(maker_bps=maker_bps), instrument(tick_size=tick))
    break_even = fair * maker_bps / 10_000
    for wanted, width in ((bid, floored.bid), (ask, floored.ask)):
        assert width >= max(wanted, Decimal(tick), break_even)
        assert width in {wanted, Decimal(tick), break_even}


@given(fair=prices, width=st.decimals("0", "1000", places=8), maker_bps=st.integers(-10, 100))
def test_a_round_trip_at_the_floored_width_never_loses_to_fees(fair: Decimal, width: Decimal, maker_bps: int) -> None:
    floored = with_floors(HalfSpreads(bid=width, ask=width), fair, fees(maker_bps=maker_bps), instrument())  # R36
    sold, bought = fair + floored.ask, fair - floored.bid
    assert sold - bought >= (sold + bought) * maker_bps / 10_000
