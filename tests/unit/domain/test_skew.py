"""Inventory skew: the right sign, monotone, bounded (S2, R29)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.models import InventoryBand, ShiftBand
from marketmaker.domain.orders import Side
from marketmaker.domain.skew import inventory_shift, reducing_side
from tests.builders import both_sides_band, shift_band

HALF_SPREAD = Decimal("0.5")

ratios = st.decimals("-1", "3", places=4)
half_spreads = st.decimals("0", "100", places=4)


@st.composite
def shift_bands(draw: st.DrawFn) -> ShiftBand:
    low = draw(st.decimals("0", "0.9", places=3))
    return shift_band(
        min_ratio=low,
        max_ratio=draw(st.decimals(low + Decimal("0.001"), "1", places=3)),
        max_shift_share=draw(st.decimals("0.001", "1", places=3)),
        ramp_ratio=draw(st.decimals("0.001", "1", places=3)),
    )


@given(band=shift_bands(), one=ratios, other=ratios, half_spread=half_spreads)
def test_more_inventory_never_raises_the_quotes(
    band: ShiftBand, one: Decimal, other: Decimal, half_spread: Decimal
) -> None:  # R29
    less, more = sorted((one, other))
    assert inventory_shift(band, more, half_spread) <= inventory_shift(band, less, half_spread)


@given(band=shift_bands(), ratio=ratios, half_spread=half_spreads)
def test_the_shift_is_bounded_and_against_the_inventory(
    band: ShiftBand, ratio: Decimal, half_spread: Decimal
) -> None:  # R29
    shift = inventory_shift(band, ratio, half_spread)
    assert abs(shift) <= band.max_shift_share * half_spread
    if ratio > band.max_ratio:
        assert shift < 0 or not half_spread
    elif ratio < band.min_ratio:
        assert shift > 0 or not half_spread
    else:
        assert shift == 0


@pytest.mark.parametrize(
    ("ratio", "shift"),
    [
        ("0", "0.25"),
        ("0.1", "0.25"),
        ("0.15", "0.125"),
        ("0.2", "0"),
        ("0.5", "0"),
        ("0.55", "-0.125"),
        ("0.6", "-0.25"),
        ("1", "-0.25"),
    ],
)
def test_the_shift_ramps_linearly_to_half_the_half_spread(ratio: str, shift: str) -> None:  # S2
    assert inventory_shift(shift_band(), Decimal(ratio), HALF_SPREAD) == Decimal(shift)


@given(ratio=ratios)
def test_both_sides_never_shifts(ratio: Decimal) -> None:  # S2: the guide changes widths only
    assert inventory_shift(both_sides_band(), ratio, HALF_SPREAD) == 0


@pytest.mark.parametrize("band", [shift_band(), both_sides_band()], ids=["shift", "both_sides"])
def test_the_reducing_side_sells_above_the_middle_of_the_band_and_buys_below(band: InventoryBand) -> None:
    assert reducing_side(band, Decimal("0.351")) is Side.SELL
    assert reducing_side(band, Decimal("0.35")) is Side.BUY
    assert reducing_side(band, Decimal("0.349")) is Side.BUY


@given(band=shift_bands(), ratio=ratios)
def test_a_shift_favours_the_reducing_side(band: ShiftBand, ratio: Decimal) -> None:
    shift = inventory_shift(band, ratio, HALF_SPREAD)
    if shift:
        assert reducing_side(band, ratio) is (Side.SELL if shift < 0 else Side.BUY)
