"""The closed forms of Avellaneda–Stoikov and of Guéant, Lehalle and Fernandez-Tapia, beyond their published numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.reservation import avellaneda_stoikov, glft

scales = st.floats(0.01, 100)


def test_a_lot_size_is_only_a_unit_of_the_avellaneda_stoikov_quotes() -> None:
    whole = avellaneda_stoikov(gamma=0.1, sigma=2, decay=1.5, horizon_s=1)
    tenths = avellaneda_stoikov(gamma=1.0, sigma=2, decay=1.5, horizon_s=1, size=0.1)
    assert tenths[0] == pytest.approx(whole[0])
    assert tenths[1] * 0.1 == pytest.approx(whole[1])


def test_a_lot_size_is_only_a_unit_of_the_glft_quotes() -> None:
    whole = glft(gamma=0.01, sigma=0.3, intensity=0.9, decay=0.3)
    tenths = glft(gamma=0.1, sigma=0.3, intensity=0.9, decay=0.3, size=0.1)
    assert tenths[0] == pytest.approx(whole[0])
    assert tenths[1] * 0.1 == pytest.approx(whole[1])


def test_without_time_or_risk_the_half_spread_is_one_over_k() -> None:
    half, shift = avellaneda_stoikov(gamma=1e-12, sigma=2, decay=1.5, horizon_s=0)
    assert half == pytest.approx(1 / 1.5)
    assert shift == 0


@given(sigma=scales, gamma=st.floats(1e-6, 10), decay=scales, more=st.floats(1.01, 10))
def test_more_volatility_widens_and_leans_more(sigma: float, gamma: float, decay: float, more: float) -> None:
    calm = avellaneda_stoikov(gamma=gamma, sigma=sigma, decay=decay, horizon_s=60)
    wild = avellaneda_stoikov(gamma=gamma, sigma=sigma * more, decay=decay, horizon_s=60)
    assert wild[0] > calm[0]
    assert wild[1] > calm[1]
    calm = glft(gamma=gamma, sigma=sigma, intensity=1, decay=decay)
    wild = glft(gamma=gamma, sigma=sigma * more, intensity=1, decay=decay)
    assert wild[0] > calm[0]
    assert wild[1] > calm[1]


@given(gamma=st.floats(1e-6, 10), decay=scales, more=st.floats(1.01, 10))
def test_rarer_orders_make_inventory_weigh_more(gamma: float, decay: float, more: float) -> None:
    often = glft(gamma=gamma, sigma=1, intensity=more, decay=decay)
    seldom = glft(gamma=gamma, sigma=1, intensity=1, decay=decay)
    assert seldom[1] > often[1]


def test_a_tiny_risk_aversion_does_not_lose_the_half_spread_to_rounding() -> None:
    half, shift = glft(gamma=1e-300, sigma=0.3, intensity=0.9, decay=0.3)
    assert half == pytest.approx(1 / 0.3)
    assert 0 < shift < 1e-100
