"""Drawdown from the peak equity: neutral to money that comes and goes, and to foreign holdings (R6)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.drawdown import Equity, Holding, equity_of
from marketmaker.domain.inventory import Inventory, book_fill
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol
from tests.builders import SYMBOL, fee, fill, instrument, inventory

BITCOIN = Symbol("BTC/USDT")
amounts = st.decimals("-100000", "100000", places=8)
capital = st.decimals("1", "100000", places=8)
marks = st.decimals("0.01", "100000", places=4)


def equity(gains: Decimal | str, deposited: Decimal | str = "28500", *markets: Symbol) -> Equity:
    return Equity(markets=markets or (SYMBOL,), deposited_quote=Decimal(deposited), gains_quote=Decimal(gains))


def held(mark: Decimal | str, owned: Inventory | None = None, symbol: Symbol = SYMBOL) -> Holding:
    return Holding(symbol=symbol, inventory=owned or inventory(), mark=Decimal(mark))


def test_equity_is_what_was_deposited_and_what_was_gained() -> None:
    worth = equity_of([held("1920")])
    assert worth == equity("100", "28500")
    assert worth.total_quote == 28_600


def test_equity_of_several_markets_is_their_sum_in_any_order() -> None:
    one, other = held("1920"), held("1890", symbol=BITCOIN)
    both = equity_of([one, other])
    assert both == equity_of([other, one]) == equity("50", "57000", BITCOIN, SYMBOL)


def test_a_loss_is_a_share_of_the_peak_equity() -> None:  # R6
    assert equity("-900", "30000").drawdown_share(equity("0", "30000")) == Decimal("0.03")
    assert equity("-900", "28500").drawdown_share(equity("1500", "28500")) == Decimal("0.08")


def test_without_a_peak_or_at_a_new_one_there_is_no_drawdown() -> None:
    assert equity("-900").drawdown_share(None) == 0
    assert equity("5").drawdown_share(equity("4")) == 0


def test_where_there_was_nothing_to_lose_there_is_no_drawdown() -> None:
    assert equity("-1", "0").drawdown_share(equity("0", "0")) == 0
    assert equity("-9", "5").drawdown_share(equity("-6", "5")) == 0


def test_only_more_gains_are_a_new_peak() -> None:  # R6
    peak = equity("100")
    assert equity("100.01").exceeds(peak)
    assert not equity("100").exceeds(peak)
    assert not equity("99", "90000").exceeds(peak)
    assert equity("-5").exceeds(None)


@pytest.mark.parametrize("markets", [(BITCOIN,), (BITCOIN, SYMBOL)])
def test_other_markets_are_measured_anew(markets: tuple[Symbol, ...]) -> None:  # R6: a wrong base
    assert equity("-5000", "28500", *markets).exceeds(equity("100"))
    assert equity("-5000", "28500", *markets).drawdown_share(equity("100")) == 0


@given(quote=amounts, base=amounts, mark=marks, peak_gains=amounts, deposited=capital)
def test_deposits_and_withdrawals_never_change_the_drawdown(
    quote: Decimal, base: Decimal, mark: Decimal, peak_gains: Decimal, deposited: Decimal
) -> None:  # R6
    before = inventory()
    after = replace(
        before,
        base=before.base + base,
        quote=before.quote + quote,
        deposited_quote=before.deposited_quote + quote + base * mark,
        cost_basis_quote=before.cost_basis_quote + base * mark,
    )
    peak = equity(peak_gains, deposited)
    untouched, moved = equity_of([held(mark, before)]), equity_of([held(mark, after)])
    assert moved.gains_quote == untouched.gains_quote
    assert moved.drawdown_share(peak) == untouched.drawdown_share(peak)
    assert moved.exceeds(peak) == untouched.exceeds(peak)


@given(gains=st.lists(amounts, min_size=1, max_size=20), deposited=capital)
def test_a_peak_never_falls_and_no_drawdown_is_negative(gains: list[Decimal], deposited: Decimal) -> None:  # R6
    peak: Equity | None = None
    for each in gains:
        now = equity(each, deposited)
        assert now.drawdown_share(peak) >= 0
        before, peak = peak, now if now.exceeds(peak) else peak
        assert peak is not None
        assert before is None or peak.gains_quote >= before.gains_quote
    assert peak is not None
    assert peak.gains_quote == max(gains)


@given(marks)
def test_a_trade_at_the_mark_costs_its_fee_and_nothing_else(mark: Decimal) -> None:
    before = inventory()
    after, _ = book_fill(before, fill(Side.BUY, mark, "0.1", charged=fee("0.19")), instrument())
    lost = equity_of([held(mark, before)]).gains_quote - equity_of([held(mark, after)]).gains_quote
    assert lost == Decimal("0.19")
