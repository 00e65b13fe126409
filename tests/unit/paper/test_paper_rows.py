"""What a paper exchange keeps of each trade: crumbs of one order become one row, and the order of trades stays."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marketmaker.adapters.paper_venue.rows import merged
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset, ClientOrderId, Symbol
from marketmaker.simulation.orders import AccountTrade

D = Decimal
SYMBOL = Symbol("SOL/USDT:USDT")
FIRST = AccountTrade(
    trade_id=1,
    order_id=7,
    client_id=ClientOrderId("mm-1"),
    side=Side.BUY,
    price=D("20.00"),
    size_base=D("0.3"),
    notional_quote=D("6.000"),
    commission=D("0.0012"),
    commission_asset=Asset("USDT"),
    time_us=1_000,
    is_maker=True,
)


def trade(number: int, order_id: int, size_base: str = "0.3", price: str = "20.00") -> AccountTrade:
    return replace(
        FIRST, trade_id=number, order_id=order_id, size_base=D(size_base), price=D(price), time_us=1_000 * number
    )


def test_crumbs_of_one_order_at_one_price_become_one_row() -> None:
    (row,) = merged(SYMBOL, [trade(1, 7, "0.3"), trade(2, 7, "0.1"), trade(3, 7, "0.05")])
    assert (row.trade_id, row.order_id, row.symbol) == (1, 7, SYMBOL)
    assert (row.size_base, row.commission, row.time_us) == (D("0.45"), D("0.0036"), 3_000)


def test_another_price_is_another_row() -> None:
    rows = merged(SYMBOL, [trade(1, 7, price="20.00"), trade(2, 7, price="20.01")])
    assert [(row.trade_id, row.price) for row in rows] == [(1, D("20.00")), (2, D("20.01"))]


def test_what_another_order_traded_in_between_parts_the_rows() -> None:
    rows = merged(SYMBOL, [trade(1, 7), trade(2, 8), trade(3, 7)])
    assert [(row.trade_id, row.order_id, row.size_base) for row in rows] == [
        (1, 7, D("0.3")),
        (2, 8, D("0.3")),
        (3, 7, D("0.3")),
    ]


@given(st.lists(st.tuples(st.integers(7, 9), st.sampled_from(["0.1", "0.25"])), max_size=12))
def test_nothing_is_lost_and_time_never_runs_back(orders: list[tuple[int, str]]) -> None:
    trades = [trade(number, order_id, size) for number, (order_id, size) in enumerate(orders, start=1)]
    rows = merged(SYMBOL, trades)
    assert sum((row.size_base for row in rows), D(0)) == sum((each.size_base for each in trades), D(0))
    assert sum((row.commission for row in rows), D(0)) == sum((each.commission for each in trades), D(0))
    assert [row.time_us for row in rows] == sorted(row.time_us for row in rows)
    assert all(one.order_id != next_one.order_id for one, next_one in pairwise(rows))
