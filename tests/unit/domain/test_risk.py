"""Limits are values: a typed breach with the figures, or None (S2, S2b, S3)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.breaches import (
    Breach,
    BreachKind,
    InventoryBandBreach,
    LossBreach,
    PriceBandBreach,
    StaleBook,
    TicksStopped,
)
from marketmaker.domain.distances import PriceRange
from marketmaker.domain.models import InventoryBand
from marketmaker.domain.risk import Finding, LedgerDifference, check_inventory_band, check_ledger, check_price_band
from tests.builders import PAXG, SYMBOL, USDT, both_sides_band, shift_band

ALLOWED = PriceRange(low=Decimal(1800), high=Decimal(2000))
DUST = Decimal("1e-8")

holdings = st.decimals("0", "100000", places=9)


@pytest.mark.parametrize("fair", ["1800", "1900", "2000"])
def test_a_price_inside_the_band_or_at_its_ends_is_no_breach(fair: str) -> None:  # S3
    assert check_price_band(SYMBOL, Decimal(fair), ALLOWED) is None


@pytest.mark.parametrize("fair", ["1799.99", "2000.01", "0"])
def test_a_price_outside_the_band_is_a_breach_with_its_figures(fair: str) -> None:  # S3
    breach = PriceBandBreach(symbol=SYMBOL, fair=Decimal(fair), allowed=ALLOWED)
    assert check_price_band(SYMBOL, Decimal(fair), ALLOWED) == breach


def test_a_band_breach_reads_as_a_sentence() -> None:
    breach = PriceBandBreach(symbol=SYMBOL, fair=Decimal("1799.990"), allowed=ALLOWED)
    assert str(breach) == "fair price 1799.99 is outside [1800, 2000]"
    assert (breach.kind, breach.symbol) == (BreachKind.PRICE_BAND, SYMBOL)


@pytest.mark.parametrize("band", [shift_band(), both_sides_band()])
@pytest.mark.parametrize("ratio", ["0.2", "0.35", "0.5"])
def test_a_ratio_inside_the_band_or_at_its_ends_is_no_breach(band: InventoryBand, ratio: str) -> None:  # S2
    assert check_inventory_band(SYMBOL, Decimal(ratio), band) is None


@pytest.mark.parametrize("ratio", ["0.1999", "0.5001", "1.2", "-0.1"])
def test_a_ratio_outside_the_band_is_a_breach_with_its_figures(ratio: str) -> None:  # S2
    assert check_inventory_band(SYMBOL, Decimal(ratio), shift_band()) == InventoryBandBreach(
        symbol=SYMBOL, ratio=Decimal(ratio), min_ratio=Decimal("0.2"), max_ratio=Decimal("0.5")
    )


@pytest.mark.parametrize(
    ("breach", "kind", "symbol", "text"),
    [
        (
            InventoryBandBreach(
                symbol=SYMBOL, ratio=Decimal("0.50009"), min_ratio=Decimal("0.2"), max_ratio=Decimal("0.5")
            ),
            "inventory_band",
            SYMBOL,
            "inventory ratio 50.01% is outside [20.00%, 50.00%]",
        ),
        (
            StaleBook(symbol=SYMBOL, problem="it lacks a side"),
            "stale_book",
            SYMBOL,
            "the book cannot be trusted: it lacks a side",
        ),
        (
            LossBreach(
                kind=BreachKind.DRAWDOWN,
                asset=USDT,
                share=Decimal("0.0512345"),
                max_share=Decimal("0.05"),
                lost_quote=Decimal("1500.000000000000001"),
            ),
            "drawdown",
            None,
            "1500 USDT lost since the peak equity, 5.12% of it; allowed 5.00%",
        ),
        (
            TicksStopped(age_ms=61_999, own_orders=2),
            "ticks_stopped",
            None,
            "no tick for 61 s while 2 of our orders rest",
        ),
        (
            TicksStopped(age_ms=None, own_orders=1),
            "ticks_stopped",
            None,
            "no tick was ever worked while 1 of our orders rest",
        ),
    ],
)
def test_every_breach_names_its_episode_and_reads_as_a_sentence(
    breach: Breach, kind: str, symbol: str | None, text: str
) -> None:
    assert (breach.kind, breach.symbol, str(breach)) == (kind, symbol, text)


def test_what_is_unknown_is_neither_broken_nor_kept() -> None:  # R7
    stale = StaleBook(symbol=SYMBOL, problem="it lacks a side")
    kept, broken, unknown = (
        Finding(kind=BreachKind.STALE_BOOK, symbol=SYMBOL, breach=breach, unknown=why)
        for breach, why in ((None, None), (stale, None), (None, "not read"))
    )
    assert [kept.is_kept, broken.is_kept, unknown.is_kept] == [True, False, False]


def test_findings_are_named_as_their_episodes_are() -> None:
    assert Finding(kind=BreachKind.PRICE_BAND, symbol=SYMBOL).name == "price_band#PAXG/USDT"
    assert Finding(kind=BreachKind.DRAWDOWN, symbol=None).name == "drawdown"


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
