"""What an account traded, and what it comes to."""

from decimal import Decimal

import pytest

from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.errors import Retryable
from marketmaker.usecases.fills import FillTotals, add_up, read_fills
from tests.builders import ACCOUNT, BNB, PAXG, SYMBOL, USDT, fee, fill
from tests.fakes.desk import Bench, bench

ONE_FILL = Decimal("0.02")


def traded(trades: int = 5) -> Bench:
    """Return a desk that has booked so many fills of its bid, a second apart."""
    at = bench()
    at.tick()
    bid = at.venue.only(Side.BUY)
    for _ in range(trades):
        at.clock.advance(1_000)
        at.venue.fill(bid, ONE_FILL)
    at.tick()
    return at


def row(side: Side, price: str, size: str, charged: Fee | None, realised: str = "0") -> FillRow:
    return FillRow(
        fill=fill(side, price, size, charged=charged),
        client_id=None,
        base_change=Decimal(0),
        quote_change=Decimal(0),
        realised_quote=Decimal(realised),
        fee_quote=None,
    )


def test_fills_come_newest_last() -> None:
    at = traded()
    (market,) = read_fills(at.desk, [SYMBOL], since_ms=None, limit=50)
    assert (market.account, market.symbol, market.is_cut) == (ACCOUNT, SYMBOL, False)
    assert list(market.rows) == at.fills()
    assert [each.fill.time_ms for each in market.rows] == sorted(each.fill.time_ms for each in market.rows)


@pytest.mark.parametrize(("limit", "is_cut"), [(1, True), (4, True), (5, False), (6, False)])
def test_limit_keeps_the_newest_and_says_that_there_are_older(limit: int, is_cut: bool) -> None:
    at = traded()
    (market,) = read_fills(at.desk, [SYMBOL], since_ms=None, limit=limit)
    assert list(market.rows) == at.fills()[-limit:]
    assert market.is_cut is is_cut


def test_fills_before_the_moment_are_left_out_and_not_counted_as_cut() -> None:
    at = traded()
    rows = at.fills()
    (market,) = read_fills(at.desk, [SYMBOL], since_ms=rows[3].fill.time_ms, limit=2)
    assert (list(market.rows), market.is_cut) == (rows[3:], False)


def test_each_market_is_read_and_none_else() -> None:
    at = traded()
    other = Symbol("XAUT/USDT")
    assert [each.symbol for each in read_fills(at.desk, [other, SYMBOL], since_ms=None, limit=1)] == [other, SYMBOL]
    assert read_fills(at.desk, [other], since_ms=None, limit=1)[0].rows == ()


def test_venue_is_not_asked() -> None:
    at = traded()
    at.venue.calls.clear()
    read_fills(at.desk, [SYMBOL], since_ms=None, limit=1)
    assert at.venue.calls == []


def test_ledger_that_cannot_be_read_raises() -> None:
    at = traded()
    at.store.faults.fail_once("recent_fills", Retryable("no table"))
    with pytest.raises(Retryable, match="no table"):
        read_fills(at.desk, [SYMBOL], since_ms=None, limit=1)


def test_totals_count_the_shown_fills_alone() -> None:
    at = traded()
    (market,) = read_fills(at.desk, [SYMBOL], since_ms=None, limit=2)
    assert (market.totals.bought_base, market.totals.sold_base) == (ONE_FILL * 2, ZERO)


def test_totals_keep_sides_assets_and_unknown_fees_apart() -> None:  # R16
    totals = add_up(
        [
            row(Side.BUY, "1900", "0.3", fee("0.05", USDT)),
            row(Side.SELL, "1910", "0.1", fee("-0.02", USDT), realised="1"),
            row(Side.SELL, "1890", "0.1", fee("0.0001", BNB), realised="-1.5"),
            row(Side.BUY, "1900", "0.01", fee("0.00001", PAXG)),
            row(Side.BUY, "1900", "0.01", None),
        ]
    )
    assert totals == FillTotals(
        bought_base=Decimal("0.32"),
        bought_quote=Decimal(608),
        sold_base=Decimal("0.2"),
        sold_quote=Decimal(380),
        realised_quote=Decimal("-0.5"),
        fees=(fee("0.0001", BNB), fee("0.00001", PAXG), fee("0.03", USDT)),
        fills_without_fee=1,
    )
    assert totals.net_base == Decimal("0.12")


def test_no_fills_come_to_nothing() -> None:
    totals = add_up([])
    assert (totals.bought_base, totals.net_base, totals.fees, totals.fills_without_fee) == (ZERO, ZERO, (), 0)
