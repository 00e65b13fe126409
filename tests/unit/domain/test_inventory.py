"""The ledger's arithmetic: gross cost basis, signed fees, and one identity that holds to the last digit (R17)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.inventory import FillRow, Inventory, OpeningRow, book_fill, open_inventory
from marketmaker.domain.orders import Fee, Fill, Side
from marketmaker.domain.units import ZERO, ClientOrderId
from tests.builders import BNB, PAXG, SLOT_MS, USDT, fee, fill, instrument, inventory, opening_row

INSTRUMENT = instrument()
MAKER_REBATE = Decimal("0.0001")
ROUNDING = Decimal("1e-18")

prices = st.decimals(min_value="0.00000001", max_value="100000", places=8)
sizes = st.decimals(min_value="0.00000001", max_value="10000", places=8)
fee_amounts = st.decimals(min_value="-10", max_value="10", places=8)
fees = st.none() | st.builds(Fee, amount=fee_amounts, asset=st.sampled_from([USDT, PAXG, BNB]))
openings = st.builds(
    opening_row,
    base=st.just(ZERO) | sizes,
    quote=st.decimals(min_value="0", max_value="1000000", places=8),
    cost_quote=prices,
)


def fills(charged: st.SearchStrategy[Fee | None], side: st.SearchStrategy[Side]) -> st.SearchStrategy[list[Fill]]:
    return st.lists(st.builds(fill, side, prices, sizes, charged=charged), max_size=12)


any_fills = fills(fees, st.sampled_from(Side))


def book_all(held: Inventory, each_fill: Sequence[Fill]) -> tuple[Inventory, list[FillRow]]:
    rows = []
    for each in each_fill:
        held, row = book_fill(held, each, INSTRUMENT)
        rows.append(row)
    return held, rows


def maker_fee(price: str, size: str, rate: Decimal) -> Fee:
    return Fee(amount=Decimal(price) * Decimal(size) * rate, asset=USDT)


def rebated(side: Side, price: str, size: str = "1") -> Fill:
    return fill(side, price, size, charged=maker_fee(price, size, -MAKER_REBATE))


# R17: the identity


@given(opening=openings, traded=any_fills, mark=prices)
def test_the_ledger_balances_to_the_last_digit(opening: OpeningRow, traded: list[Fill], mark: Decimal) -> None:  # R17
    held, _ = book_all(open_inventory(opening), traded)
    gained = held.quote + held.base * mark - held.deposited_quote
    assert gained == held.realised_quote + (held.base * mark - held.cost_basis_quote) - held.fees_quote
    assert held.pnl_quote(mark) == gained
    assert held.equity_quote(mark) == held.deposited_quote + held.pnl_quote(mark)


@given(opening=openings, traded=any_fills)
def test_the_rows_add_up_to_the_inventory(opening: OpeningRow, traded: list[Fill]) -> None:
    start = open_inventory(opening)
    held, rows = book_all(start, traded)
    assert held.base == start.base + sum(row.base_change for row in rows)
    assert held.quote == start.quote + sum(row.quote_change for row in rows)
    assert held.realised_quote == sum(row.realised_quote for row in rows)
    assert held.fees_quote == sum(row.fee_quote or ZERO for row in rows)


@given(opening=openings, traded=any_fills)
def test_every_fee_is_priced_kept_in_its_asset_or_counted_as_missing(opening: OpeningRow, traded: list[Fill]) -> None:
    held, rows = book_all(open_inventory(opening), traded)  # R16
    third = [each.fee.amount for each in traded if each.fee is not None and each.fee.asset == BNB]
    assert held.unpriced_fees == ((Fee(amount=sum(third, ZERO), asset=BNB),) if third else ())
    assert held.fills_without_fee == sum(each.fee is None for each in traded)
    assert sum(row.fee_quote is None for row in rows) == len(third) + held.fills_without_fee


@given(opening=openings, traded=any_fills, price=prices)
def test_a_flat_inventory_has_no_cost_left(opening: OpeningRow, traded: list[Fill], price: Decimal) -> None:
    held, _ = book_all(open_inventory(opening), traded)
    if held.base:
        side = Side.SELL if held.base > ZERO else Side.BUY
        held, _ = book_fill(held, fill(side, price, abs(held.base), charged=fee("0.07")), INSTRUMENT)
        assert (held.base, held.cost_basis_quote, held.fees_in_basis_quote) == (ZERO, ZERO, ZERO)
        assert held.average_cost_quote is None
        assert held.quote - held.deposited_quote == held.realised_quote - held.fees_quote


@given(traded=fills(st.none(), st.sampled_from(Side)))
def test_average_cost_without_fees_lies_between_the_fill_prices(traded: list[Fill]) -> None:
    held, _ = book_all(Inventory(), traded)
    if held.average_cost_quote is not None:
        slack = len(traded) * ROUNDING / abs(held.base)
        traded_prices = [each.price for each in traded]
        assert min(traded_prices) - slack <= held.average_cost_quote <= max(traded_prices) + slack


@given(opening=openings, traded=fills(fees, st.just(Side.BUY)))
def test_buying_more_realises_nothing(opening: OpeningRow, traded: list[Fill]) -> None:
    spent_in_base = [
        each for each in traded if each.fee and each.fee.asset == PAXG and each.fee.amount > each.size_base
    ]
    if not spent_in_base:
        held, _ = book_all(open_inventory(opening), traded)
        assert held.realised_quote == ZERO


@given(held_size=sizes, cost=prices, price=prices, share=st.decimals("0.01", "0.99", places=2))
def test_a_partial_sale_leaves_the_average_cost_of_the_rest(
    held_size: Decimal, cost: Decimal, price: Decimal, share: Decimal
) -> None:  # R13
    sold = held_size * share
    held, row = book_fill(inventory(base=held_size, cost_quote=cost), fill(Side.SELL, price, sold), INSTRUMENT)
    assert held.base == held_size - sold
    assert abs(held.cost_basis_quote - held.base * cost) <= ROUNDING
    assert abs(row.realised_quote - sold * (price - cost)) <= ROUNDING


def test_thirds_are_rounded_once_and_the_last_third_takes_what_is_left() -> None:
    held = inventory(base="3", quote="0", cost_quote="0.333333333333333333")
    for left in ("2", "1", "0"):
        held, _ = book_fill(held, fill(Side.SELL, "1", "1"), INSTRUMENT)
        assert held.base == Decimal(left)
    assert held.cost_basis_quote == ZERO
    assert held.realised_quote == held.quote - held.deposited_quote


def test_selling_everything_leaves_no_cost_however_many_digits_the_cost_has() -> None:
    held, _ = book_fill(
        inventory(base="1", cost_quote="0.1234567890123456789012"), fill(Side.SELL, "1", "1"), INSTRUMENT
    )
    assert held.cost_basis_quote == ZERO
    assert held.realised_quote == Decimal("0.8765432109876543210988")


def test_a_fill_across_zero_closes_what_is_held_and_opens_the_rest_at_its_own_price() -> None:
    held, row = book_fill(inventory(base="1", cost_quote="100"), fill(Side.SELL, "110", "3"), INSTRUMENT)
    assert (held.base, held.cost_basis_quote) == (Decimal(-2), Decimal(-220))
    assert held.average_cost_quote == 110
    assert row.realised_quote == 10
    held, row = book_fill(held, fill(Side.BUY, "105", "5"), INSTRUMENT)
    assert (held.base, row.realised_quote) == (Decimal(3), Decimal(10))
    assert held.average_cost_quote == 105


def test_a_fill_across_zero_leaves_only_its_opening_share_of_the_fee_in_the_basis() -> None:
    held, _ = book_fill(
        inventory(base="1", cost_quote="100"), fill(Side.SELL, "110", "4", charged=fee("0.4")), INSTRUMENT
    )
    assert held.fees_in_basis_quote == Decimal("0.3")
    assert held.fees_quote == Decimal("0.4")
    assert held.average_cost_quote == Decimal("109.9")  # short: net proceeds a unit


# S2b, S18, M1–M3, P9: the golden numbers


def test_opening_deposits_the_quote_and_the_base_at_its_cost() -> None:
    held = open_inventory(opening_row(base="10", quote="100000", cost_quote="1900"))
    assert held == Inventory(
        base=Decimal(10),
        quote=Decimal(100_000),
        deposited_quote=Decimal(119_000),
        cost_basis_quote=Decimal(19_000),
        opened_ms=SLOT_MS,
    )
    assert held.pnl_quote(Decimal(1900)) == ZERO


def test_ten_bought_at_1900_and_marked_at_1800_have_lost_1000() -> None:  # S18
    held, _ = book_fill(inventory(base="0", quote="19000"), fill(Side.BUY, "1900", "10"), INSTRUMENT)
    assert held.unrealised_quote(Decimal(1800)) == -1000
    assert held.pnl_quote(Decimal(1800)) == -1000


def test_a_rebate_lowers_the_cost_raises_the_proceeds_and_makes_the_round_trip_earn() -> None:  # M1
    held, bought = book_fill(inventory(base="0", quote="1000"), rebated(Side.BUY, "100"), INSTRUMENT)
    assert held.average_cost_quote == Decimal("99.99")
    assert bought.quote_change == Decimal("-99.99")
    held, sold = book_fill(held, rebated(Side.SELL, "100.01"), INSTRUMENT)
    assert sold.quote_change == Decimal("100.020001")
    assert held.pnl_quote(Decimal("100.01")) == Decimal("0.030001")
    assert held.quote == Decimal("1000.030001")


def test_the_taker_who_sold_at_100_received_99_975() -> None:  # M1
    taken = fill(Side.SELL, "100", "1", charged=maker_fee("100", "1", Decimal("0.00025")), is_maker=False)
    _, row = book_fill(inventory(base="1", cost_quote="100"), taken, INSTRUMENT)
    assert row.quote_change == Decimal("99.975")


def test_a_second_rebated_fill_at_99_80_brings_the_average_cost_to_99_89() -> None:  # M3
    held, _ = book_all(inventory(base="0"), [rebated(Side.BUY, "100"), rebated(Side.BUY, "99.80")])
    assert held.average_cost_quote == Decimal("99.89001")


def test_selling_at_99_81_what_cost_99_99_net_locks_in_the_loss_of_chasing() -> None:  # M2
    held, _ = book_all(inventory(base="0"), [rebated(Side.BUY, "100"), rebated(Side.SELL, "99.81")])
    assert held.pnl_quote(Decimal("99.81")) == Decimal("-0.170019")


@pytest.mark.parametrize(("sold_at", "earned"), [("100", "0.1"), ("99.99", "0.0990")])
def test_a_tenth_bought_at_99_and_sold_a_dollar_higher_earns_ten_cents(sold_at: str, earned: str) -> None:  # P9
    held, _ = book_all(inventory(base="0"), [fill(Side.BUY, "99", "0.1"), fill(Side.SELL, sold_at, "0.1")])
    assert (held.base, held.realised_quote) == (ZERO, Decimal(earned))


@pytest.mark.parametrize(("rate", "earned"), [("0.0001", "0.62"), ("0.001", "-2.80")])
def test_the_simple_spread_pays_at_one_basis_point_and_loses_at_ten(rate: str, earned: str) -> None:  # S1
    traded = [
        fill(Side.BUY, "1899.5", "1", charged=maker_fee("1899.5", "1", Decimal(rate))),
        fill(Side.SELL, "1900.5", "1", charged=maker_fee("1900.5", "1", Decimal(rate))),
    ]
    held, _ = book_all(inventory(base="0"), traded)
    assert held.pnl_quote(Decimal(1900)) == Decimal(earned)


# R16: fee assets


def test_a_fee_in_base_reduces_what_is_received_and_is_priced_at_the_fill() -> None:  # R16
    held, row = book_fill(
        inventory(base="0", quote="2000"), fill(Side.BUY, "1900", "1", charged=fee("0.001", PAXG)), INSTRUMENT
    )
    assert (held.base, held.quote, held.fees_quote) == (Decimal("0.999"), Decimal(100), Decimal("1.9"))
    assert row.fee_quote == Decimal("1.9")
    assert held.average_cost_quote == Decimal(1900) / Decimal("0.999")


def test_a_sale_with_a_fee_in_base_gives_up_more_than_it_sold() -> None:  # R16
    held, row = book_fill(inventory(base="2"), fill(Side.SELL, "1900", "1", charged=fee("0.001", PAXG)), INSTRUMENT)
    assert held.base == Decimal("0.999")
    assert row.quote_change == 1900


def test_a_fee_that_eats_all_the_base_received_leaves_the_holding_as_it_was() -> None:
    start = inventory(base="2")
    held, row = book_fill(start, fill(Side.BUY, "1900", "0.001", charged=fee("0.001", PAXG)), INSTRUMENT)
    assert (row.base_change, held.base, held.cost_basis_quote) == (ZERO, start.base, start.cost_basis_quote)
    assert held.fees_quote == Decimal("1.9")


def test_fees_in_third_assets_are_kept_by_asset_and_never_dropped() -> None:  # R16
    held, rows = book_all(
        inventory(),
        [
            fill(Side.BUY, charged=fee("0.001", BNB)),
            fill(Side.SELL, charged=fee("0.002", BNB)),
            fill(Side.BUY, charged=fee("0.5", "ABC")),
        ],
    )
    assert held.unpriced_fees == (fee("0.5", "ABC"), fee("0.003", BNB))
    assert held.fees_quote == ZERO
    assert [row.fee_quote for row in rows] == [None, None, None]


def test_a_missing_fee_is_unknown_and_not_zero() -> None:  # R16
    held, row = book_fill(inventory(), fill(Side.BUY, charged=None), INSTRUMENT)
    assert row.fee_quote is None
    assert held.fills_without_fee == 1


def test_a_row_names_its_fill_and_its_order() -> None:
    traded = fill(Side.BUY)
    _, row = book_fill(inventory(), traded, INSTRUMENT, ClientOrderId("mmabc000000000b00"))
    assert (row.fill, row.client_id) == (traded, "mmabc000000000b00")


def test_a_partial_fill_and_the_rest_book_as_one_fill_of_the_whole() -> None:  # R13
    start = inventory()
    whole, _ = book_fill(start, fill(Side.BUY, "1900", "0.1", charged=fee("0.019")), INSTRUMENT)
    parts, _ = book_all(
        start,
        [
            fill(Side.BUY, "1900", "0.04", charged=fee("0.0076")),
            fill(Side.BUY, "1900", "0.06", charged=fee("0.0114")),
        ],
    )
    assert parts == whole


# S2: the ratio


def test_the_ratio_is_the_share_of_capital_held_in_base() -> None:  # S2
    held = inventory(base="5", quote="19000")
    assert held.ratio(Decimal(1900)) == Decimal(9500) / Decimal(28500)
    assert replace(held, base=ZERO).ratio(Decimal(1900)) == ZERO
    assert replace(held, quote=ZERO).ratio(Decimal(1900)) == 1


def test_without_capital_there_is_no_ratio() -> None:
    assert inventory(base="0", quote="0").ratio(Decimal(1900)) is None
    assert inventory(base="0", quote="-1").ratio(Decimal(1900)) is None


# How long what is held has been held (M3, M7)


def test_the_age_of_what_is_held_is_weighted_by_size() -> None:
    held = open_inventory(opening_row(base="1", time_ms=SLOT_MS))
    held, _ = book_fill(held, fill(Side.BUY, size_base="3", time_ms=SLOT_MS + 4_000), INSTRUMENT)
    assert held.opened_ms == SLOT_MS + 3_000
    held, _ = book_fill(held, fill(Side.SELL, size_base="2", time_ms=SLOT_MS + 9_000), INSTRUMENT)
    assert held.opened_ms == SLOT_MS + 3_000, "selling part of it makes the rest neither younger nor older"


def test_what_crosses_zero_was_opened_then() -> None:
    held = open_inventory(opening_row(base="1", time_ms=SLOT_MS))
    flat, _ = book_fill(held, fill(Side.SELL, size_base="1", time_ms=SLOT_MS + 1_000), INSTRUMENT)
    assert flat.opened_ms is None
    short, _ = book_fill(held, fill(Side.SELL, size_base="3", time_ms=SLOT_MS + 1_000), INSTRUMENT)
    assert short.opened_ms == SLOT_MS + 1_000
    assert open_inventory(opening_row(base="0")).opened_ms is None


def test_an_age_that_is_unknown_stays_so_until_nothing_is_held() -> None:
    held = replace(open_inventory(opening_row(base="1")), opened_ms=None)
    held, _ = book_fill(held, fill(Side.BUY, size_base="3"), INSTRUMENT)
    assert held.opened_ms is None
    held, _ = book_fill(held, fill(Side.SELL, size_base="5", time_ms=SLOT_MS + 7), INSTRUMENT)
    assert held.opened_ms == SLOT_MS + 7
