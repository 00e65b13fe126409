"""Deposits and withdrawals that an operator tells of: booked once, no gain and no loss, explained again (S2b, R6)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.accounts import RiskSettings
from marketmaker.domain.inventory import Transfer, TransferRow, book_transfer
from marketmaker.domain.quoting import NoQuotesReason
from marketmaker.errors import Conflict, Refused, Retryable
from marketmaker.ports import Deadline
from marketmaker.usecases.transfer import TransferRequest, book_a_transfer
from tests import strategies
from tests.builders import ACCOUNT, PAXG, SYMBOL, USDT, account_settings, instrument, market_settings
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.venue import BOOKS
from tests.unit.usecases.test_perpetuals import SOL, USDC, perp, reason

D = Decimal
MORE = TransferRequest(
    account=ACCOUNT, symbol=SYMBOL, asset=USDT, amount=D(500), reason="more", requested_by="operator", id="1"
)


def told(at: Bench, **changes: Any) -> Decimal:
    deadline = Deadline(at_ms=at.clock.now_ms() + 10_000, clock=at.clock)
    return book_a_transfer(replace(MORE, **changes), at.desk, deadline).held


def rows(at: Bench) -> list[TransferRow]:
    return [row for row in at.store.ledger(at.account, SYMBOL) if isinstance(row, TransferRow)]


def dedicated() -> Bench:
    at = bench(replace(account_settings(), dedicated=True))
    at.tick()
    return at


def test_a_deposit_that_is_told_is_explained_again() -> None:  # S2b
    at = dedicated()
    at.venue.totals[USDT] += 500
    assert reason(only_market(at.tick(3))) is NoQuotesReason.LEDGER_DIFFERS
    told(at)
    at.tick()
    assert len(at.venue.live(SYMBOL)) == 2
    assert at.state().inventory.deposited_quote == 29_000
    (row,) = rows(at)
    assert (row.transfer.amount, row.quote_change, row.realised_quote) == (D(500), D(500), D(0))
    assert row.transfer.reason == "more (operator)"


def test_base_that_comes_is_bought_at_the_middle_of_the_book_and_base_that_goes_is_sold_there() -> None:
    at = dedicated()
    at.venue.quote(SYMBOL, "1949.9", "1950.1")
    at.venue.totals[PAXG] -= 1
    assert told(at, asset=PAXG, amount=D(-1)) == 4
    inventory = at.state().inventory
    assert (inventory.base, inventory.realised_quote, inventory.deposited_quote) == (D(4), D(50), D(26_550))
    at.venue.totals[PAXG] += 2
    assert told(at, asset=PAXG, amount=D(2), id="2", price_quote=D(1960)) == 6
    assert at.state().inventory.cost_basis_quote == 4 * 1_900 + 2 * 1_960
    at.tick(3)
    assert len(at.venue.live(SYMBOL)) == 2


@given(inventory=strategies.inventories, amount=strategies.amounts, price=strategies.prices, is_quote=st.booleans())
def test_no_transfer_is_a_gain_or_a_loss(inventory: Any, amount: Decimal, price: Decimal, is_quote: bool) -> None:
    asset, worth = (USDT, D(1)) if is_quote else (PAXG, price)
    transfer = Transfer(id="1", time_ms=1, asset=asset, amount=amount, price_quote=worth, reason="")
    after, row = book_transfer(inventory, transfer, instrument())
    assert after.pnl_quote(price) == pytest.approx(inventory.pnl_quote(price), rel=D("1e-18"), abs=D("1e-9"))
    assert after.deposited_quote == pytest.approx(
        inventory.deposited_quote + amount * worth, rel=D("1e-18"), abs=D("1e-18")
    )
    assert (after.base - inventory.base, after.quote - inventory.quote) == (row.base_change, row.quote_change)


def test_a_withdrawal_is_no_drawdown() -> None:  # R6
    at = bench(replace(account_settings(), risk=RiskSettings(max_drawdown_share=D("0.001"))))
    at.tick()
    at.check()
    at.venue.totals[USDT] -= 9_000
    told(at, amount=D(-9_000))
    at.tick()
    assert at.check().answers == ()


def test_what_no_market_gets_is_foreign() -> None:  # S2a
    at = bench(replace(account_settings(), dedicated=True), totals={PAXG: "5", USDT: "19000"})
    at.tick()
    at.venue.totals[USDT] += 500
    assert told(at, symbol=None) == 500
    at.tick(3)
    assert len(at.venue.live(SYMBOL)) == 2
    assert at.state().inventory.deposited_quote == 28_500
    at.venue.totals[USDT] -= 500
    assert told(at, symbol=None, amount=D(-500)) == 0
    with pytest.raises(Refused, match="only 0 is no market's"):
        told(at, symbol=None, amount=D(-1))
    with pytest.raises(Refused, match="asset: USDC is not allowed"):
        told(at, symbol=None, asset=USDC)


def test_a_transfer_that_is_told_twice_is_booked_once() -> None:
    at = dedicated()
    told(at)
    with pytest.raises(Refused, match="id: 1 is booked already"):
        told(at)
    assert len(rows(at)) == 1
    assert at.state().inventory.deposited_quote == 29_000


def test_a_tick_that_writes_in_between_loses_nothing() -> None:
    at = dedicated()
    at.store.faults.fail_once("book", Conflict("a tick was first"))
    told(at)
    assert len(rows(at)) == 1


def test_ticks_that_write_again_and_again_are_told_of() -> None:
    at = dedicated()
    at.store.faults.fail_always("book", Conflict("a tick was first"))
    with pytest.raises(Conflict, match="changed 10 times"):
        told(at)


def test_collateral_of_a_perpetual_comes_and_goes() -> None:
    at = perp()
    at.tick()
    at.venue.totals[USDC] += 100
    assert told(at, symbol=SOL, asset=USDC, amount=D(100)) == 1_100
    at.tick(3)
    assert len(at.venue.live(SOL)) == 4
    with pytest.raises(Refused, match="asset: SOL is not allowed: USDC in SOL/USDC:USDC"):
        told(at, symbol=SOL, asset="SOL", id="2")
    with pytest.raises(Refused, match="the market has 1100"):
        told(at, symbol=SOL, asset=USDC, amount=D(-1_101), id="3")


def test_what_cannot_be_booked_is_refused_and_changes_nothing() -> None:
    at = dedicated()
    before = at.state()
    for changes, said in (
        ({"amount": D(0)}, "amount: 0 is not allowed"),
        ({"symbol": SOL}, "symbol: SOL/USDC:USDC is not allowed: one of PAXG/USDT"),
        ({"asset": USDC}, "asset: USDC is not allowed: PAXG or USDT in PAXG/USDT"),
        ({"amount": D(-19_001)}, "amount: -19001 is not allowed: the market has 19000"),
    ):
        with pytest.raises(Refused, match=said):
            told(at, **changes)
    assert at.state() == before


def test_base_is_not_booked_without_a_price() -> None:  # R7
    at = dedicated()
    at.venue.faults.fail_always(BOOKS, Retryable("503"))
    with pytest.raises(Retryable, match="has no book to price the transfer by"):
        told(at, asset=PAXG)
    told(at, asset=PAXG, price_quote=D(1_900))
    assert len(rows(at)) == 1


def test_a_market_that_has_not_opened_takes_none() -> None:
    at = bench(account_settings(market_settings()))
    with pytest.raises(Refused, match="has not opened"):
        told(at)
