"""Break-even quoting: its price, its bounds, and what is under water (M2, M3)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.break_even import break_even_price, holds_break_even, is_under_water
from marketmaker.domain.inventory import Inventory, book_fill
from marketmaker.domain.models import BreakEven
from marketmaker.domain.orders import Side
from tests.builders import fee, fees, fill, instrument, inventory
from tests.strategies import prices, sizes

NOW_MS = 1_700_000_000_000
SETTINGS = BreakEven(max_age_ms=60_000, max_loss_share=Decimal("0.05"), averages=False)


def held(base: str, price: str, *, rate: str = "0", age_ms: int | None = 0) -> Inventory:
    """Return what one fill at a price and a fee rate leaves."""
    side = Side.BUY if Decimal(base) > 0 else Side.SELL
    charged = fee(abs(Decimal(base)) * Decimal(price) * Decimal(rate))
    booked, _ = book_fill(inventory(base="0"), fill(side, price, base.removeprefix("-"), charged=charged), instrument())
    return replace(booked, opened_ms=None if age_ms is None else NOW_MS - age_ms)


def test_nothing_held_has_no_break_even() -> None:
    flat = inventory(base="0")
    assert break_even_price(flat, fees()) is None
    assert not holds_break_even(SETTINGS, flat, Decimal(100), NOW_MS)
    assert not is_under_water(flat, Decimal(100))


@given(
    side=st.sampled_from(Side),
    price=prices,
    size=sizes,
    bought_bps=st.integers(-10, 100),
    sold_bps=st.integers(-10, 100),
)
def test_trading_back_at_break_even_earns_nothing_and_loses_nothing(
    side: Side, price: Decimal, size: Decimal, bought_bps: int, sold_bps: int
) -> None:
    opening = fill(side, price, size, charged=fee(price * size * bought_bps / 10_000))
    booked, _ = book_fill(inventory(base="0"), opening, instrument())
    back = break_even_price(booked, fees(maker_bps=sold_bps))
    assert back is not None
    closing = fill(side.opposite, back, size, charged=fee(back * size * sold_bps / 10_000))
    closed, _ = book_fill(booked, closing, instrument())
    assert abs(closed.pnl_quote(price)) <= price * size * Decimal("1e-28")


def test_a_maker_fee_lifts_the_ask_of_a_long_above_its_cost_and_sinks_the_bid_of_a_short() -> None:
    long = break_even_price(held("1", "100", rate="0.001"), fees(maker_bps="10"))
    short = break_even_price(held("-1", "100", rate="0.001"), fees(maker_bps="10"))
    assert long is not None
    assert short is not None
    assert long > Decimal("100.2")
    assert short < Decimal("99.81")


@pytest.mark.parametrize(("age_ms", "holds"), [(0, True), (60_000, True), (60_001, False), (-5_000, True)])
def test_break_even_is_held_to_while_the_inventory_is_young(age_ms: int, holds: bool) -> None:
    assert holds_break_even(SETTINGS, held("1", "100", age_ms=age_ms), Decimal(100), NOW_MS) is holds


def test_an_unknown_age_never_counts_as_young() -> None:
    assert not holds_break_even(SETTINGS, held("1", "100", age_ms=None), Decimal(100), NOW_MS)


@pytest.mark.parametrize(
    ("base", "fair", "holds"),
    [
        ("2", "95", True),
        ("2", "94.99", False),
        ("2", "200", True),
        ("-2", "105", True),
        ("-2", "105.01", False),
        ("-2", "50", True),
    ],
)
def test_break_even_lapses_once_too_much_of_the_cost_is_lost(base: str, fair: str, holds: bool) -> None:
    assert holds_break_even(SETTINGS, held(base, "100"), Decimal(fair), NOW_MS) is holds


@pytest.mark.parametrize(
    ("base", "fair", "under"),
    [("1", "99.99", True), ("1", "100", False), ("1", "100.01", False), ("-1", "100.01", True), ("-1", "100", False)],
)
def test_what_is_worth_less_than_it_cost_is_under_water(base: str, fair: str, under: bool) -> None:
    assert is_under_water(held(base, "100"), Decimal(fair)) is under


def test_the_cost_is_net_of_fees_and_rebates() -> None:
    assert is_under_water(held("1", "100", rate="0.001"), Decimal("100.05"))
    assert not is_under_water(held("1", "100", rate="-0.001"), Decimal("99.95"))
