"""What a deployment file says about a market, as values."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance, PriceRange, QuoteDistance
from marketmaker.domain.markets import AbsoluteBand, BpsBand, CapitalAmount, CapitalShare
from tests.builders import absolute_band, fees, instrument
from tests.strategies import positive_amounts, prices

FAIR = Decimal(1900)


@pytest.mark.parametrize("size", ["0", "-0.01"])
def test_an_instrument_without_a_grid_cannot_be_built(size: str) -> None:
    with pytest.raises(ValueError, match=f"tick_size of PAXG/USDT is {size}; allowed: above 0"):
        instrument(tick_size=size)
    with pytest.raises(ValueError, match=f"lot_size of PAXG/USDT is {size}; allowed: above 0"):
        instrument(lot_size=size)


def test_a_distance_in_quote_is_the_same_at_every_price() -> None:
    assert QuoteDistance(quote=Decimal("0.5")).at(FAIR) == Decimal("0.5")


def test_a_distance_in_basis_points_grows_with_the_price() -> None:
    assert BpsDistance(bps=Decimal(100)).at(Decimal(100)) == 1
    assert BpsDistance(bps=Decimal(100)).at(FAIR) == 19


@given(amount=positive_amounts, total=positive_amounts)
def test_capital_by_amount_is_never_more_than_there_is(amount: Decimal, total: Decimal) -> None:  # S2a
    given_capital = CapitalAmount(amount=amount).of(total)
    assert given_capital <= total
    assert given_capital in {amount, total}


def test_capital_by_share_is_that_part_of_the_total() -> None:  # S2a
    assert CapitalShare(share=Decimal("0.25")).of(Decimal(1000)) == 250


def test_an_absolute_band_ignores_the_reference_price() -> None:  # S3
    assert absolute_band("1800", "2000").around(Decimal(5)) == PriceRange(low=Decimal(1800), high=Decimal(2000))


def test_a_relative_band_surrounds_the_reference_price() -> None:  # S3
    assert BpsBand(bps=Decimal(500)).around(FAIR) == PriceRange(low=Decimal(1805), high=Decimal(1995))


@given(reference=prices, bps=st.integers(0, 10_000))
def test_the_reference_price_is_inside_its_own_band(reference: Decimal, bps: int) -> None:
    assert reference in BpsBand(bps=Decimal(bps)).around(reference)


def test_the_ends_of_a_range_are_inside() -> None:
    allowed = AbsoluteBand(low=Decimal(1800), high=Decimal(2000)).around(FAIR)
    assert Decimal(1800) in allowed
    assert Decimal(2000) in allowed
    assert Decimal("1799.99") not in allowed
    assert Decimal("2000.01") not in allowed


def test_break_even_is_the_makers_fee_on_the_fair_price_and_never_negative() -> None:  # M1, R36
    assert fees(maker_bps="1").break_even_half_spread(FAIR) == Decimal("0.19")
    assert fees(maker_bps="-1").break_even_half_spread(FAIR) == 0
