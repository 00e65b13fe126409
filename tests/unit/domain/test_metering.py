"""What ticks count: orders by their fate, volume by its role, and how long both sides stood (S8, C2)."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.inventory import FillRow
from marketmaker.domain.metering import (
    HOUR_MS,
    Counts,
    Hour,
    Meter,
    Standing,
    cancel_ratio,
    count_fills,
    order_success_ratio,
)
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.units import Asset
from tests.builders import fill, order

D = Decimal
NOON_MS = 1_700_049_600_000
TICK_MS = 5_000
STOOD = Standing(spread_bps=D(10), depth_quote=D(200))


def row(side: Side, price: str, size: str, *, is_maker: bool = True, fee_quote: str | None = "0.1") -> FillRow:
    traded = replace(fill(side, price, size), is_maker=is_maker, fee=Fee(amount=D("0.1"), asset=Asset("USDT")))
    return FillRow(
        fill=traded,
        client_id=None,
        base_change=D(0),
        quote_change=D(0),
        realised_quote=D(0),
        fee_quote=None if fee_quote is None else D(fee_quote),
    )


def test_a_ratio_of_nothing_is_unknown() -> None:
    none = Counts()
    assert cancel_ratio(0, 0) is None
    assert order_success_ratio(0, 0) is None
    for name in ("cancel_ratio", "order_success_ratio", "taker_share", "maker_fee_bps", "spread_bps", "depth_quote"):
        assert getattr(none, name) is None
    assert none.two_sided_uptime(0) is None


def test_the_ratios_are_of_what_they_say() -> None:
    counts = Counts(placed=40, rejected=10, cancelled=20, cancelled_unfilled=12, protective_cancels=9)
    assert counts.cancel_ratio == D("0.3")
    assert counts.order_success_ratio == D("0.8")


def test_volume_is_told_apart_by_its_role_and_fees_by_what_is_known() -> None:
    counted = count_fills(
        [
            row(Side.BUY, "2000", "0.5", fee_quote="0.1"),
            row(Side.SELL, "2000", "0.25", fee_quote=None),
            row(Side.SELL, "2000", "0.25", is_maker=False, fee_quote="0.5"),
        ]
    )
    assert counted == Counts(
        fills=3,
        taker_fills=1,
        volume_quote=D(2000),
        taker_volume_quote=D(500),
        maker_fees_quote=D("0.1"),
        maker_fee_volume_quote=D(1000),
    )
    assert counted.taker_share == D("0.25")
    assert counted.maker_fee_bps == D(1)


def test_what_stands_is_the_best_prices_and_the_smaller_side() -> None:
    bids = [order(Side.BUY, "1998", "0.1"), order(Side.BUY, "1990", "0.3", level=1)]
    asks = [order(Side.SELL, "2002", "0.2")]
    assert Standing.of([*bids, *asks]) == Standing(spread_bps=D("20.0000"), depth_quote=D("400.40"))


@pytest.mark.parametrize("left", [[], [order(Side.BUY, "1998", "0.1")], [order(Side.SELL, "2002", "0.1")]])
def test_nothing_stands_where_a_side_is_empty(left: list[object]) -> None:
    assert Standing.of(left) is None  # type: ignore[arg-type]


def test_an_order_that_is_over_stands_no_more() -> None:
    gone = replace(order(Side.SELL, "2002", "0.1"), is_live=False)
    assert Standing.of([order(Side.BUY, "1998", "0.1"), gone]) is None


def test_quotes_stand_until_the_next_tick() -> None:
    meter = Meter.start(NOON_MS).after(Counts(placed=2), STOOD, now_ms=NOON_MS, interval_ms=TICK_MS)
    assert (meter.hour.counts.two_sided_ms, meter.standing) == (0, STOOD)
    later = meter.after(Counts(), None, now_ms=NOON_MS + 6_000, interval_ms=TICK_MS)
    assert later.hour.counts == Counts(
        placed=2, two_sided_ms=6_000, spread_bps_ms=D(60_000), depth_quote_ms=D(1_200_000)
    )
    assert later.hour.counts.spread_bps == 10
    assert later.hour.counts.depth_quote == 200
    assert later.hour.counts.two_sided_uptime(12_000) == D("0.5")
    gone = later.after(Counts(), STOOD, now_ms=NOON_MS + 11_000, interval_ms=TICK_MS)
    assert gone.hour.counts.two_sided_ms == 6_000


def test_nobody_knows_what_stood_while_ticks_stayed_away() -> None:
    meter = Meter.start(NOON_MS).after(Counts(), STOOD, now_ms=NOON_MS, interval_ms=TICK_MS)
    for gap_ms, stood_ms in ((15_000, 15_000), (15_001, 0)):
        after = meter.after(Counts(), STOOD, now_ms=NOON_MS + gap_ms, interval_ms=TICK_MS)
        assert after.hour.counts.two_sided_ms == stood_ms


def test_a_clock_that_runs_back_counts_nothing() -> None:
    meter = Meter.start(NOON_MS).after(Counts(), STOOD, now_ms=NOON_MS, interval_ms=TICK_MS)
    back = meter.after(Counts(), STOOD, now_ms=NOON_MS - 1, interval_ms=TICK_MS)
    assert (back.hour.counts, back.seen_ms) == (Counts(), NOON_MS)


def test_an_hour_ends_on_the_clock_and_what_stood_goes_on() -> None:
    first = Meter.start(NOON_MS + 5).after(Counts(placed=1), STOOD, now_ms=NOON_MS + 5, interval_ms=TICK_MS)
    assert first.hour == Hour(start_ms=NOON_MS, since_ms=NOON_MS + 5, counts=Counts(placed=1))
    assert not first.is_over(NOON_MS + HOUR_MS - 1)
    assert first.is_over(NOON_MS + HOUR_MS)
    turned = first.turn(NOON_MS + HOUR_MS + 2)
    assert turned == Meter(
        hour=Hour(start_ms=NOON_MS + HOUR_MS, since_ms=NOON_MS + HOUR_MS + 2), seen_ms=NOON_MS + 5, standing=STOOD
    )


counted = st.builds(
    Counts,
    **{
        each.name: st.integers(0, 10**6) if each.type == "int" or each.type is int else st.integers(0, 10**6).map(D)
        for each in fields(Counts)
    },
)


@given(counted, counted, counted)
def test_counts_add_up_in_any_order(one: Counts, two: Counts, three: Counts) -> None:
    assert (one + two) + three == one + (two + three) == three + two + one
    assert one + Counts() == one


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_a_ratio_is_a_share(unfilled: int, filled: int, rejected: int) -> None:
    placed = unfilled + filled
    for ratio in (cancel_ratio(unfilled, placed), order_success_ratio(placed, rejected)):
        assert ratio is None or 0 <= ratio <= 1


@given(st.lists(st.tuples(st.integers(1, 20_000), st.booleans()), max_size=30))
def test_both_sides_never_stand_longer_than_time_has_passed(ticks: list[tuple[int, bool]]) -> None:
    meter, now_ms = Meter.start(NOON_MS), NOON_MS
    for gap_ms, stands in ticks:
        now_ms += gap_ms
        meter = meter.after(Counts(), STOOD if stands else None, now_ms=now_ms, interval_ms=TICK_MS)
    assert 0 <= meter.hour.counts.two_sided_ms <= now_ms - NOON_MS
