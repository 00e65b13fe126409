"""Each stage between the fair price and the grid, by the numbers of the guides (S2, P1, P3, M2–M4, M7, M8, R32)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.domain.deciding import Situation, decide
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.inventory import book_fill
from marketmaker.domain.ladder import geometric_multiples, linear_multiples
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BidOnlyBand,
    BreakEven,
    Carry,
    Glft,
    Ladder,
    Placement,
    PositionSkew,
    Ramp,
    Regime,
    ReservationPrice,
    RunGuard,
    SizeSkew,
    SkewEffect,
    TouchRule,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.pipeline import compute_quotes
from marketmaker.domain.quoting import MarketView, Quotes, SkipReason
from marketmaker.domain.replacing import CancelReason
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ONE, ZERO, VenueOrderId
from tests.builders import (
    SLOT_MS,
    TAG,
    USDT,
    absolute_band,
    book,
    fee,
    fees,
    fill,
    instrument,
    inventory,
    market_settings,
    market_view,
    order,
)
from tests.quoting_cases import levels

D = Decimal
LOW, HIGH = D("0.2"), D("0.5")


def quoted(view: MarketView, settings: MarketSettings, **rules: Any) -> Quotes:
    desired = compute_quotes(view, settings, instrument(**rules), SLOT_MS)
    assert isinstance(desired, Quotes), desired
    return desired


def prices(desired: Quotes, side: Side) -> list[Decimal]:
    return [each.price for each in levels(desired, side)]


def nearest(desired: Quotes) -> tuple[Decimal, Decimal]:
    return desired.stages[-1].bid, desired.stages[-1].ask


def stage(desired: Quotes, name: str) -> tuple[Decimal, Decimal]:
    (found,) = (each for each in desired.stages if each.name == name)
    return found.bid, found.ask


def with_settings(**changes: Any) -> MarketSettings:
    return replace(market_settings(), **changes)


def at_a_hundred(**changes: Any) -> MarketSettings:
    """Return the perpetual guide's market: 1 % round 100."""
    settings = market_settings(
        half_spread=BpsDistance(bps=D(100)), price_band=absolute_band("0", "1000"), fee_schedule=fees(maker_bps="0")
    )
    return replace(settings, **changes)


def hundred(base: str = "2.5", **changes: Any) -> MarketView:
    """Return a market at 100 with this much base and 250 of quote currency."""
    view = market_view(
        market_book=book(bids=[("99.99", "5")], asks=[("100.01", "5")]), owned=inventory(base=base, quote="250")
    )
    return replace(view, **changes)


# P1: the ladder


def test_the_guides_ladder_is_99_98_and_101_102() -> None:  # P1
    settings = at_a_hundred(ladder=Ladder(distances=linear_multiples(2, ONE), sizes=(ONE, ONE)))
    desired = quoted(hundred("2"), settings)
    assert prices(desired, Side.BUY) == [99, 98]
    assert prices(desired, Side.SELL) == [101, 102]


def test_levels_may_grow_apart_and_in_size() -> None:
    ladder = Ladder(distances=geometric_multiples(3, D(2)), sizes=linear_multiples(3, D("0.5")))
    desired = quoted(hundred("2"), at_a_hundred(ladder=ladder, order_size_base=D("0.2")))
    assert prices(desired, Side.BUY) == [99, 98, 96]
    assert [each.size_base for each in levels(desired, Side.BUY)] == [D("0.2"), D("0.3"), D("0.4")]


def test_no_order_is_larger_than_the_most_that_one_may_be() -> None:  # S10
    ladder = Ladder(distances=linear_multiples(3, ONE), sizes=linear_multiples(3, ONE))
    settings = at_a_hundred(ladder=ladder, max_order_size_base=D("0.2"))
    desired = quoted(hundred("2"), settings)
    for side in Side:
        assert [each.size_base for each in levels(desired, side)] == [D("0.1"), D("0.2"), D("0.2")]


def test_levels_that_would_share_a_price_stand_a_tick_apart() -> None:
    ladder = Ladder(distances=(ONE, D("1.0001"), D("1.0002")), sizes=(ONE,) * 3)
    desired = quoted(hundred("2"), at_a_hundred(ladder=ladder))
    assert prices(desired, Side.BUY) == [D("99"), D("98.99"), D("98.98")]
    assert prices(desired, Side.SELL) == [D("101"), D("101.01"), D("101.02")]


def test_scarce_funds_go_to_the_nearest_levels() -> None:
    ladder = Ladder(distances=linear_multiples(3, ONE), sizes=(ONE,) * 3)
    desired = quoted(hundred("2", available_quote=D("15")), at_a_hundred(ladder=ladder))
    assert [(each.level, each.size_base) for each in levels(desired, Side.BUY)] == [(0, D("0.1")), (1, D("0.0520"))]
    assert [(each.side, each.reason) for each in desired.skipped] == [(Side.BUY, SkipReason.BELOW_MIN_SIZE)]


# S2, P3, P4, M7: inventory


def test_the_text_of_the_guide_moves_the_bid_alone() -> None:  # S2
    policy = BidOnlyBand(
        min_ratio=LOW,
        max_ratio=HIGH,
        half_spread_below=QuoteDistance(quote=D("0.2")),
        half_spread_above=QuoteDistance(quote=D("1.0")),
    )
    settings = replace(
        market_settings(fee_schedule=fees(maker_bps="0"), assumed_volatility="1e-9"), inventory_band=policy
    )
    assert nearest(quoted(market_view(owned=inventory(base="20")), settings)) == (D("1899.0"), D("1900.5"))
    assert nearest(quoted(market_view(owned=inventory(base="1")), settings)) == (D("1899.8"), D("1900.5"))
    assert nearest(quoted(market_view(), settings)) == (D("1899.5"), D("1900.5"))


def test_an_inventory_policy_undercuts_no_floor() -> None:  # R36
    policy = BidOnlyBand(
        min_ratio=LOW,
        max_ratio=HIGH,
        half_spread_below=QuoteDistance(quote=D("0.01")),
        half_spread_above=QuoteDistance(quote=D("0.02")),
    )
    for base in ("20", "1"):
        desired = quoted(market_view(owned=inventory(base=base)), with_settings(inventory_band=policy))
        assert stage(desired, "inventory")[0] == 1900 - desired.floor
        assert stage(desired, "inventory")[1] == D("1900.5")


def position(**changes: Any) -> PositionSkew:
    """Return the position skew of P3's example."""
    policy = PositionSkew(
        min_ratio=LOW,
        max_ratio=HIGH,
        target_base=ZERO,
        threshold_base=D(2),
        max_base=D(5),
        skew=D("0.5"),
        effect=SkewEffect.SHIFT,
        ramp=Ramp.NONE,
    )
    return replace(policy, **changes)


def test_a_position_beyond_its_threshold_shifts_both_quotes_and_widens_literally() -> None:  # P3
    assert nearest(quoted(hundred(), at_a_hundred(inventory_band=position()))) == (D("98.5"), D("100.5"))
    literal = at_a_hundred(inventory_band=position(effect=SkewEffect.WIDEN))
    assert nearest(quoted(hundred(), literal)) == (D("98.5"), D("101.5"))
    assert nearest(quoted(hundred("2"), at_a_hundred(inventory_band=position()))) == (D(99), D(101))


def test_no_bid_takes_the_position_past_its_limit() -> None:  # P4
    ladder = Ladder(distances=linear_multiples(3, ONE), sizes=(ONE,) * 3)
    settings = at_a_hundred(inventory_band=position(max_base=D("2.75")), ladder=ladder, order_size_base=D("0.1"))
    desired = quoted(hundred(), settings, min_notional_quote="0")
    assert sum(each.size_base for each in levels(desired, Side.BUY)) == D("0.25")
    assert sum(each.size_base for each in levels(desired, Side.SELL)) == D("0.3")


def test_the_reservation_price_of_the_model_moves_the_quotes_within_its_bound() -> None:
    statistics = Statistics(until_ms=SLOT_MS, sigma=1e-4, intensity=1.0, decay=5_000.0)
    policy = ReservationPrice(min_ratio=LOW, max_ratio=HIGH, max_shift_share=D("0.5"))
    for model in (
        AvellanedaStoikov(gamma=D("0.01"), horizon_ms=60_000, decay=None),
        Glft(gamma=D("0.01"), intensity=None, decay=None),
    ):
        settings = with_settings(half_spread=model, inventory_band=policy)
        balanced = quoted(replace(market_view(), statistics=statistics), settings)
        long = quoted(replace(market_view(owned=inventory(base="20")), statistics=statistics), settings)
        drop = stage(balanced, "inventory")[0] - stage(long, "inventory")[0]
        assert ZERO < drop <= balanced.half_spread
        assert long.reducing_side is Side.SELL


def test_sizes_lean_against_the_inventory_until_the_adding_side_is_empty() -> None:
    settings = with_settings(size_skew=SizeSkew(range_ratio=D("0.3")))
    middle = quoted(market_view(owned=inventory(base="5.3846", quote="19000")), settings)
    assert [each.size_base for each in middle.quotes] == pytest.approx([D("0.1"), D("0.1")], abs=D("0.001"))
    long = quoted(market_view(owned=inventory(base="20")), settings)
    assert [(each.side, each.size_base) for each in long.quotes] == [(Side.SELL, D("0.2"))]
    assert [(each.side, each.reason) for each in long.skipped] == [(Side.BUY, SkipReason.BELOW_MIN_SIZE)]


CARRY = Carry(interest=ONE, max_shift_share=D("0.25"), horizon_ms=3_600_000)


def held_for(age_ms: int, base: str = "9") -> MarketView:
    view = market_view(owned=inventory(base=base))
    return replace(view, inventory=replace(view.inventory, opened_ms=SLOT_MS - age_ms))


def test_what_is_held_costs_more_interest_the_longer_it_is_held() -> None:  # M7
    settings = with_settings(carry=CARRY)
    bids = [
        stage(quoted(held_for(age_ms), settings), "inventory")[0] for age_ms in (0, 1_000, 100_000, 10**6, 3_600_000)
    ]
    assert bids == sorted(bids, reverse=True)
    assert bids[0] == D("1899.5")
    assert bids[-1] == pytest.approx(D("1899.5") - D("0.125") * excess(held_for(0)))


def excess(view: MarketView) -> Decimal:
    ratio = view.inventory.ratio(D(1900))
    assert ratio is not None
    return min(ONE, (ratio - D("0.35")) / D("0.15"))


def test_inventory_older_than_its_horizon_is_not_added_to() -> None:  # M7
    settings = with_settings(carry=CARRY)
    old = quoted(held_for(3_600_001), settings)
    assert [(each.side, each.reason) for each in old.skipped] == [(Side.BUY, SkipReason.TOO_OLD)]
    assert [each.side for each in old.quotes] == [Side.SELL]
    assert len(quoted(held_for(3_600_001, base="5"), settings).quotes) == 2, "no more is held than is wanted"


def test_a_short_beyond_its_target_costs_interest_too() -> None:  # M7
    settings = with_settings(carry=CARRY, inventory_band=position(threshold_base=D(10), max_base=D(20)))
    view = market_view(owned=inventory(base="-10", quote="60000"), available_base="10")
    aged = replace(view, inventory=replace(view.inventory, opened_ms=SLOT_MS - 3_600_000))
    assert stage(quoted(aged, settings), "inventory")[0] == D("1899.5") + D("0.125") * D("0.5")
    older = replace(view, inventory=replace(view.inventory, opened_ms=SLOT_MS - 3_600_001))
    assert [(each.side, each.reason) for each in quoted(older, settings).skipped] == [(Side.SELL, SkipReason.TOO_OLD)]
    flat = replace(market_view(owned=inventory(base="0")), inventory=replace(inventory(base="0"), opened_ms=SLOT_MS))
    assert nearest(quoted(flat, settings)) == (D("1899.5"), D("1900.5"))


# R32: a side that is run over


def run_of(side: Side, *ages_ms: int) -> SameSideRun:
    orders = tuple((VenueOrderId(str(number)), SLOT_MS - age_ms) for number, age_ms in enumerate(ages_ms))
    return SameSideRun(side=side, orders=orders)


@pytest.mark.parametrize("side", Side)
def test_a_side_that_is_run_over_stands_wider_or_pauses(side: Side) -> None:  # R32
    view = replace(market_view(), run=run_of(side, 0, 1_000, 59_999))
    wider = with_settings(run_guard=RunGuard(orders=3, within_ms=60_000, widen=D(2)))
    moved = {Side.BUY: (D("1899"), D("1900.5")), Side.SELL: (D("1899.5"), D("1901"))}
    assert nearest(quoted(view, wider)) == moved[side]
    paused = quoted(view, replace(wider, run_guard=RunGuard(orders=3, within_ms=60_000, widen=None)))
    assert [(each.side, each.reason) for each in paused.skipped] == [(side, SkipReason.RUN_OVER)]
    assert [each.side for each in paused.quotes] == [side.opposite]


def test_a_run_that_is_over_or_too_short_changes_nothing() -> None:  # R32
    settings = with_settings(run_guard=RunGuard(orders=3, within_ms=60_000, widen=D(2)))
    for run in (None, run_of(Side.BUY, 0, 1_000), run_of(Side.BUY, 0, 1_000, 60_000)):
        desired = quoted(replace(market_view(), run=run), settings)
        assert nearest(desired) == (D("1899.5"), D("1900.5"))
        assert "run" not in {each.name for each in desired.stages}


# M8: the touch


@pytest.mark.parametrize(
    ("placement", "ticks", "wanted"),
    [
        (Placement.JOIN, 0, ("1899.2", "1900.8")),
        (Placement.IMPROVE, 5, ("1899.25", "1900.75")),
        (Placement.IMPROVE, 100, ("1899.5", "1900.5")),
        (Placement.BACK_OFF, 5, ("1899.15", "1900.85")),
    ],
)
def test_the_nearest_quotes_keep_to_the_touch(placement: Placement, ticks: int, wanted: tuple[str, str]) -> None:  # M8
    view = market_view(market_book=book(bids=[("1899.2", "5")], asks=[("1900.8", "5")]))
    settings = with_settings(
        touch=TouchRule(placement=placement, ticks=ticks),
        ladder=Ladder(distances=linear_multiples(2, ONE), sizes=(ONE, ONE)),
    )
    desired = quoted(view, settings)
    assert nearest(desired) == (D(wanted[0]), D(wanted[1]))
    assert prices(desired, Side.BUY)[1] == D(wanted[0]) - D("0.5"), "the side moves as a whole"


# M2, M3: break-even and averaging


def test_the_ask_rests_at_break_even_and_does_not_chase() -> None:  # M2: 99.99 at a rebate of 0.01 %
    rebate = fees(maker_bps="-1")
    bought = fill(Side.BUY, "100", "1", charged=fee("-0.01", USDT), time_ms=SLOT_MS)
    held, _ = book_fill(inventory(base="0", quote="1000"), bought, instrument())
    view = replace(
        market_view(market_book=book(bids=[("99.79", "5")], asks=[("99.81", "5")]), available_quote="900"),
        inventory=held,
        available_base=ONE,
    )
    settings = market_settings(
        fee_schedule=rebate, half_spread=QuoteDistance(quote=D("0.01")), price_band=absolute_band("0", "1000")
    )
    hold = BreakEven(max_age_ms=60_000, max_loss_share=D("0.05"), averages=True)
    assert nearest(quoted(view, replace(settings, break_even=hold))) == (D("99.79"), D("99.99"))
    chasing = quoted(view, settings)
    assert nearest(chasing)[1] < D("99.9")
    lapsed = replace(settings, break_even=replace(hold, max_loss_share=D("0.001")))
    assert nearest(quoted(view, lapsed)) == nearest(chasing), "refusing to sell below cost is bounded"
    second, _ = book_fill(
        held, fill(Side.BUY, "99.8", "1", charged=fee("-0.00998", USDT), time_ms=SLOT_MS), instrument()
    )
    averaged = replace(view, inventory=second)
    assert nearest(quoted(averaged, replace(settings, break_even=hold)))[1] == D("99.89")  # M3


def test_without_averaging_nothing_is_added_to_what_is_under_water() -> None:  # M3
    rule = BreakEven(max_age_ms=10**12, max_loss_share=ONE, averages=False)
    lost = replace(market_view(owned=inventory(cost_quote="1950")))
    desired = quoted(lost, with_settings(break_even=rule))
    assert [(each.side, each.reason) for each in desired.skipped] == [(Side.BUY, SkipReason.UNDER_WATER)]
    assert len(quoted(market_view(owned=inventory(cost_quote="1850")), with_settings(break_even=rule)).quotes) == 2
    assert len(quoted(lost, with_settings(break_even=replace(rule, averages=True))).quotes) == 2
    flat = quoted(market_view(owned=inventory(base="0")), with_settings(break_even=rule))
    assert "break_even" not in {each.name for each in flat.stages}


def test_a_short_is_not_bought_back_above_what_it_brought() -> None:  # M2
    rule = BreakEven(max_age_ms=10**12, max_loss_share=ONE, averages=False)
    sold, _ = book_fill(
        inventory(base="0", quote="60000"), fill(Side.SELL, "1850", "10", time_ms=SLOT_MS), instrument()
    )
    view = replace(market_view(available_base="10", available_quote="60000"), inventory=sold)
    settings = with_settings(break_even=rule, inventory_band=position(max_base=D(20)))
    desired = quoted(view, settings)
    assert nearest(desired)[0] == D("1849.81"), "1850 / 1.0001, down to the tick"
    assert [(each.side, each.reason) for each in desired.skipped] == [(Side.SELL, SkipReason.UNDER_WATER)]


# M4: the four regimes


@pytest.mark.parametrize(
    ("daily", "intraday", "half", "size", "second"),
    [
        ("low", "low", "0.5", "0.1", "1"),
        ("low", "high", "1", "0.15", "2"),
        ("high", "low", "0.5", "0.1", "0.75"),
        ("high", "high", "1", "0.05", "2"),
    ],
)
def test_a_regime_sets_spread_size_and_spacing(
    daily: str, intraday: str, half: str, size: str, second: str
) -> None:  # M4
    regime = Regime(
        narrow=QuoteDistance(quote=D("0.5")),
        wide=QuoteDistance(quote=ONE),
        larger=D("1.5"),
        smaller=D("0.5"),
        compact=D("0.5"),
    )
    levels_of_two = Ladder(distances=linear_multiples(2, ONE), sizes=(ONE, ONE))
    statistics = Statistics(until_ms=SLOT_MS, daily=VolatilityLevel(daily), intraday=VolatilityLevel(intraday))
    settings = with_settings(half_spread=regime, ladder=levels_of_two)
    near, far = levels(quoted(replace(market_view(), statistics=statistics), settings), Side.BUY)
    assert (1900 - near.price, near.size_base, 1900 - far.price) == (D(half), D(size), D(second))


def test_averaging_is_allowed_where_the_regime_says_so() -> None:  # M4: low by day, high within it
    regime = Regime(
        narrow=QuoteDistance(quote=D("0.5")), wide=QuoteDistance(quote=ONE), larger=ONE, smaller=ONE, compact=ONE
    )
    rule = BreakEven(max_age_ms=10**12, max_loss_share=ONE, averages=False)
    settings = with_settings(half_spread=regime, break_even=rule)
    view = market_view(owned=inventory(cost_quote="1950"))
    for intraday, sides in ((VolatilityLevel.HIGH, 2), (VolatilityLevel.LOW, 1)):
        statistics = Statistics(until_ms=SLOT_MS, daily=VolatilityLevel.LOW, intraday=intraday)
        assert len(quoted(replace(view, statistics=statistics), settings).quotes) == sides


# What may keep resting


def test_an_order_below_the_cost_that_is_insisted_on_is_not_kept() -> None:  # M2
    rule = BreakEven(max_age_ms=10**12, max_loss_share=ONE, averages=True)
    held = replace(inventory(cost_quote="1950"), opened_ms=SLOT_MS)
    desired = quoted(replace(market_view(), inventory=held), with_settings(break_even=rule))
    assert desired.lowest_ask == D(1950) / D("0.9999")
    assert desired.highest_bid == D("1899.81")
    short = replace(inventory(base="-5", cost_quote="1850", quote="60000"), opened_ms=SLOT_MS)
    settings = with_settings(break_even=rule, inventory_band=position(threshold_base=D(10), max_base=D(20)))
    covering = quoted(replace(market_view(), inventory=short), settings)
    assert covering.highest_bid == D(1850) / D("1.0001")
    assert covering.lowest_ask == D("1900.19")


def test_no_order_larger_than_the_position_limit_leaves_is_kept() -> None:  # P4
    settings = at_a_hundred(inventory_band=position(max_base=D("2.55")), order_size_base=D("0.1"))
    situation = Situation(now_ms=SLOT_MS, instrument=instrument(min_notional_quote="0"), view=hundred())
    for size, reasons in (("0.05", []), ("0.04", []), ("0.06", [CancelReason.SIZE_CHANGED])):
        live = (order(Side.BUY, "98.5", size),)
        decision = decide(replace(situation, live=live), settings, TAG)
        assert [each.reason for each in decision.plan.cancel] == reasons


def test_a_position_limit_within_the_target_is_no_limit() -> None:  # P4
    with pytest.raises(ValueError, match="max_base 2; allowed: above"):
        position(max_base=D(2))


def test_without_floors_a_quote_stands_where_it_loses_and_an_order_there_is_kept() -> None:  # S1: 0.1 % loses 2.80
    settings = replace(market_settings(half_spread=QuoteDistance(quote=D("0.5"))), fees=fees(maker_bps=10))
    assert levels(quoted(market_view(), settings), Side.BUY)[0].price < D("1898.2")
    desired = quoted(market_view(), replace(settings, has_floors=False))
    assert [each.price for each in desired.quotes] == [D("1899.5"), D("1900.5")]
    assert (desired.floor, desired.highest_bid, desired.lowest_ask) == (ZERO, D(1900), D(1900))
    assert "floors" not in [each.name for each in desired.stages]
