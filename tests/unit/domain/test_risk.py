"""Limits are values: a typed breach with the figures, or None (S2b, S3)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.markets import PriceRange
from marketmaker.domain.risk import LedgerDifference, PriceBandBreach, check_ledger, check_price_band
from tests.builders import PAXG

ALLOWED = PriceRange(low=Decimal(1800), high=Decimal(2000))
DUST = Decimal("1e-8")

holdings = st.decimals("0", "100000", places=9)


@pytest.mark.parametrize("fair", ["1800", "1900", "2000"])
def test_a_price_inside_the_band_or_at_its_ends_is_no_breach(fair: str) -> None:  # S3
    assert check_price_band(Decimal(fair), ALLOWED) is None


@pytest.mark.parametrize("fair", ["1799.99", "2000.01", "0"])
def test_a_price_outside_the_band_is_a_breach_with_its_figures(fair: str) -> None:  # S3
    assert check_price_band(Decimal(fair), ALLOWED) == PriceBandBreach(fair=Decimal(fair), allowed=ALLOWED)


def test_a_band_breach_reads_as_a_sentence() -> None:
    breach = PriceBandBreach(fair=Decimal("1799.990"), allowed=ALLOWED)
    assert str(breach) == "fair price 1799.99 is outside [1800, 2000]"


@given(ledger=holdings, foreign=holdings, venue=holdings)
def test_a_dedicated_account_explains_every_change_of_its_total(
    ledger: Decimal, foreign: Decimal, venue: Decimal
) -> None:  # S2b
    difference = check_ledger(PAXG, ledger=ledger, foreign=foreign, venue=venue, dedicated=True)
    assert (difference is None) == (abs(ledger + foreign - venue) <= DUST)
    if difference is not None:
        assert difference == LedgerDifference(asset=PAXG, ledger=ledger + foreign, venue=venue)


@given(ledger=holdings, foreign=holdings, venue=holdings)
def test_a_shared_account_lacks_only_what_the_ledger_itself_claims(
    ledger: Decimal, foreign: Decimal, venue: Decimal
) -> None:  # S2b
    difference = check_ledger(PAXG, ledger=ledger, foreign=foreign, venue=venue, dedicated=False)
    assert (difference is None) == (venue >= ledger - DUST)
    if difference is not None:
        assert difference == LedgerDifference(asset=PAXG, ledger=ledger, venue=venue)


@pytest.mark.parametrize(("venue", "differs"), [("15", False), ("12", True), ("10", True), ("18", True), ("9.9", True)])
def test_on_a_dedicated_account_a_change_of_foreign_holdings_differs(venue: str, differs: bool) -> None:
    found = check_ledger(PAXG, ledger=Decimal(10), foreign=Decimal(5), venue=Decimal(venue), dedicated=True)
    assert (found is not None) is differs


@pytest.mark.parametrize(
    ("venue", "differs"), [("15", False), ("12", False), ("10", False), ("18", False), ("9.9", True)]
)
def test_on_a_shared_account_foreign_holdings_may_come_and_go(venue: str, differs: bool) -> None:
    found = check_ledger(PAXG, ledger=Decimal(10), foreign=Decimal(5), venue=Decimal(venue), dedicated=False)
    assert (found is not None) is differs


@pytest.mark.parametrize("dedicated", [True, False])
def test_a_difference_in_the_eighth_decimal_is_rounding(dedicated: bool) -> None:
    at_dust, beyond = Decimal("0.99999999"), Decimal("0.999999989")
    assert check_ledger(PAXG, ledger=Decimal(1), foreign=Decimal(0), venue=at_dust, dedicated=dedicated) is None
    assert check_ledger(PAXG, ledger=Decimal(1), foreign=Decimal(0), venue=beyond, dedicated=dedicated) is not None


def test_a_ledger_difference_reads_as_a_sentence() -> None:
    difference = LedgerDifference(asset=PAXG, ledger=Decimal("10.50"), venue=Decimal("1E+1"))
    assert str(difference) == "the ledger explains 10.5 PAXG, the venue holds 10"
