"""Inventory skew: the right sign, monotone, bounded (S2, P3, R29)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.models import (
    BidOnlyBand,
    InventoryBand,
    PositionSkew,
    Ramp,
    ReservationPrice,
    ShiftBand,
    SizeSkew,
    SkewEffect,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.skew import Holding, Skew, reducing_side, size_factors, skew
from marketmaker.domain.units import ONE, TWO, ZERO
from tests.builders import both_sides_band, shift_band

FAIR = Decimal(1900)
HALF_SPREAD = Decimal("0.5")
EQUITY = Decimal(19_000)
BID_ONLY = BidOnlyBand(
    min_ratio=Decimal("0.2"),
    max_ratio=Decimal("0.5"),
    half_spread_below=QuoteDistance(quote=Decimal("0.2")),
    half_spread_above=QuoteDistance(quote=Decimal(1)),
)
POSITION = PositionSkew(
    min_ratio=Decimal(-1),
    max_ratio=ONE,
    target_base=ONE,
    threshold_base=ONE,
    max_base=Decimal(4),
    skew=Decimal("0.8"),
    effect=SkewEffect.SHIFT,
    ramp=Ramp.LINEAR,
)
RESERVATION = ReservationPrice(min_ratio=Decimal("0.2"), max_ratio=Decimal("0.6"), max_shift_share=Decimal("0.5"))

bases = st.decimals("-50", "50", places=4)
half_spreads = st.decimals("0", "100", places=4)
shifts_per_base = st.decimals("0", "100", places=6)
shares = st.decimals("0", "1", places=3)


def ratio_band(draw: st.DrawFn) -> tuple[Decimal, Decimal]:
    low = draw(st.decimals("0", "0.9", places=3))
    return low, draw(st.decimals(low + Decimal("0.001"), "1", places=3))


@st.composite
def shift_bands(draw: st.DrawFn) -> ShiftBand:
    low, high = ratio_band(draw)
    return shift_band(
        min_ratio=low,
        max_ratio=high,
        max_shift_share=draw(st.decimals("0.001", "1", places=3)),
        ramp_ratio=draw(st.decimals("0.001", "1", places=3)),
    )


@st.composite
def reservation_prices(draw: st.DrawFn) -> ReservationPrice:
    low, high = ratio_band(draw)
    return ReservationPrice(min_ratio=low, max_ratio=high, max_shift_share=draw(shares))


@st.composite
def position_skews(draw: st.DrawFn, effect: SkewEffect = SkewEffect.SHIFT) -> PositionSkew:
    amounts = st.decimals("0", "10", places=3)
    target, threshold = draw(amounts), draw(amounts)
    return PositionSkew(
        min_ratio=Decimal(-1),
        max_ratio=ONE,
        target_base=target,
        threshold_base=threshold,
        max_base=target + threshold + draw(st.decimals("0.001", "10", places=3)),
        skew=draw(shares),
        effect=effect,
        ramp=draw(st.sampled_from(Ramp)),
    )


shifting = st.one_of(shift_bands(), reservation_prices(), position_skews())
policies = st.one_of(shifting, position_skews(SkewEffect.WIDEN), st.just(BID_ONLY), st.just(both_sides_band()))


def holding(base: Decimal | str, *, fair: Decimal = FAIR, equity_quote: Decimal = EQUITY) -> Holding:
    amount = Decimal(base)
    return Holding(ratio=amount * fair / equity_quote, base=amount, fair=fair, equity_quote=equity_quote)


def at_ratio(ratio: str) -> Holding:
    return holding(Decimal(ratio) * EQUITY / FAIR)


def by(policy: InventoryBand, of: Holding) -> Skew:
    return skew(policy, of, HALF_SPREAD, ZERO)


# what holds for every policy


@given(policy=shifting, one=bases, other=bases, half_spread=half_spreads, per_base=shifts_per_base)
def test_more_inventory_never_raises_the_quotes(
    policy: InventoryBand, one: Decimal, other: Decimal, half_spread: Decimal, per_base: Decimal
) -> None:  # R29
    less, more = sorted((one, other))
    richer = skew(policy, holding(more), half_spread, per_base)
    poorer = skew(policy, holding(less), half_spread, per_base)
    assert richer.shift <= poorer.shift


@given(policy=policies, base=bases, half_spread=half_spreads, per_base=shifts_per_base)
def test_a_shift_stays_within_its_share_of_the_half_spread(
    policy: InventoryBand, base: Decimal, half_spread: Decimal, per_base: Decimal
) -> None:  # R29
    match policy:
        case ShiftBand() | ReservationPrice():
            most = policy.max_shift_share
        case PositionSkew():
            most = policy.skew
        case _:
            most = ZERO
    assert abs(skew(policy, holding(base), half_spread, per_base).shift) <= most * half_spread


@given(policy=shifting, base=bases, per_base=shifts_per_base)
def test_a_shift_favours_the_reducing_side(policy: InventoryBand, base: Decimal, per_base: Decimal) -> None:
    shift = skew(policy, holding(base), HALF_SPREAD, per_base).shift
    if shift:
        assert reducing_side(policy, holding(base)) is (Side.SELL if shift < 0 else Side.BUY)


@pytest.mark.parametrize("policy", [shift_band(), both_sides_band(), BID_ONLY], ids=lambda each: type(each).__name__)
def test_nothing_happens_inside_the_band(policy: InventoryBand) -> None:
    for ratio in ("0.2", "0.35", "0.5"):
        assert by(policy, at_ratio(ratio)) == Skew()


# shift, bid_only, both_sides


@pytest.mark.parametrize(
    ("ratio", "shift"),
    [
        ("0", "0.25"),
        ("0.1", "0.25"),
        ("0.15", "0.125"),
        ("0.2", "0"),
        ("0.5", "0"),
        ("0.55", "-0.125"),
        ("0.6", "-0.25"),
        ("1", "-0.25"),
    ],
)
def test_the_shift_ramps_linearly_to_half_the_half_spread(ratio: str, shift: str) -> None:  # S2
    assert by(shift_band(), at_ratio(ratio)) == Skew(shift=Decimal(shift))


def test_bid_only_replaces_the_bids_distance_whatever_the_half_spread_is() -> None:  # S2
    for half_spread in (Decimal("0.1"), Decimal("0.5"), Decimal(3)):
        for ratio, distance in (("0.51", 1), ("0.19", Decimal("0.2"))):
            moved = skew(BID_ONLY, at_ratio(ratio), half_spread, ZERO)
            assert half_spread + moved.widen_bid == distance
            assert (moved.shift, moved.widen_ask) == (ZERO, ZERO)


def test_both_sides_replaces_both_distances() -> None:  # S2
    assert by(both_sides_band(), at_ratio("0.51")) == Skew(widen_bid=Decimal("0.1"), widen_ask=Decimal("0.1"))
    assert by(both_sides_band(), at_ratio("0.19")) == Skew(widen_bid=Decimal("-0.1"), widen_ask=Decimal("-0.1"))


def test_distances_in_basis_points_follow_the_fair_price() -> None:
    policy = replace(BID_ONLY, half_spread_above=BpsDistance(bps=Decimal(10)))
    assert by(policy, at_ratio("0.51")).widen_bid == Decimal("1.4")


# position


@pytest.mark.parametrize(
    ("base", "shift"),
    [
        ("0", "0"),
        ("1", "0"),
        ("2", "0"),
        ("2.5", "-0.1"),
        ("3", "-0.2"),
        ("4", "-0.4"),
        ("9", "-0.4"),
        ("-0.5", "0"),
        ("-2", "0"),
        ("-3", "0.2"),
        ("-4", "0.4"),
    ],
)
def test_the_position_skew_sets_in_beyond_target_and_threshold_and_is_full_at_the_limit(base: str, shift: str) -> None:
    assert by(POSITION, holding(base)) == Skew(shift=Decimal(shift))  # P3


@pytest.mark.parametrize(("base", "shift"), [("2", "0"), ("2.0001", "-0.4"), ("-2.0001", "0.4")])
def test_without_a_ramp_the_position_skew_is_a_step(base: str, shift: str) -> None:  # P3
    assert by(replace(POSITION, ramp=Ramp.NONE), holding(base)) == Skew(shift=Decimal(shift))


def test_without_skew_the_position_is_left_alone() -> None:  # P3
    assert by(replace(POSITION, skew=ZERO), holding("9")) == Skew()


def test_widen_is_the_guides_formula_and_narrows_both_sides_of_a_short() -> None:  # P3
    widen = replace(POSITION, effect=SkewEffect.WIDEN)
    assert by(widen, holding("4")) == Skew(widen_bid=Decimal("0.4"), widen_ask=Decimal("0.4"))
    assert by(widen, holding("-4")) == Skew(widen_bid=Decimal("-0.4"), widen_ask=Decimal("-0.4"))
    assert by(widen, holding("2")) == Skew()


# reservation


def test_quotes_stand_round_the_reservation_price() -> None:
    held = holding("5")  # the target is 0.4 · 19,000 / 1,900 = 4
    assert skew(RESERVATION, held, Decimal(10), Decimal("0.3")) == Skew(shift=Decimal("-0.3"))
    assert skew(RESERVATION, holding("2"), Decimal(10), Decimal("0.3")) == Skew(shift=Decimal("0.6"))
    assert skew(RESERVATION, holding("4"), Decimal(10), Decimal("0.3")) == Skew()
    assert skew(RESERVATION, holding("0"), Decimal(10), Decimal("0.3")) == Skew(shift=Decimal("1.2"))


def test_the_reservation_price_is_kept_within_a_share_of_the_half_spread() -> None:  # R29
    assert skew(RESERVATION, holding("9"), HALF_SPREAD, ONE) == Skew(shift=Decimal("-0.25"))
    assert skew(RESERVATION, holding("0"), HALF_SPREAD, ONE) == Skew(shift=Decimal("0.25"))


# the reducing side and the sizes


@pytest.mark.parametrize("policy", [shift_band(), both_sides_band(), BID_ONLY], ids=lambda each: type(each).__name__)
def test_the_reducing_side_sells_above_the_middle_of_the_band_and_buys_below(policy: InventoryBand) -> None:
    assert reducing_side(policy, at_ratio("0.351")) is Side.SELL
    assert reducing_side(policy, at_ratio("0.35")) is Side.BUY
    assert reducing_side(policy, at_ratio("0.349")) is Side.BUY


@pytest.mark.parametrize(("base", "side"), [("0.1", Side.SELL), ("0", Side.BUY), ("-0.1", Side.BUY)])
def test_a_position_is_reduced_towards_zero(base: str, side: Side) -> None:
    assert reducing_side(POSITION, holding(base)) is side


@pytest.mark.parametrize(
    ("ratio", "bid"),
    [("0", "2"), ("0.25", "2"), ("0.3", "1.5"), ("0.35", "1"), ("0.425", "0.25"), ("0.45", "0"), ("1", "0")],
)
def test_the_bids_size_falls_from_two_to_zero_across_the_range(ratio: str, bid: str) -> None:
    factors = size_factors(SizeSkew(range_ratio=Decimal("0.1")), shift_band(), Decimal(ratio))
    assert factors == (Decimal(bid), 2 - Decimal(bid))


@given(
    band=shift_bands(),
    range_ratio=st.decimals("0.001", "1", places=3),
    one=st.decimals("-1", "3", places=4),
    other=st.decimals("-1", "3", places=4),
)
def test_more_inventory_never_buys_more_and_the_sizes_keep_their_sum(
    band: ShiftBand, range_ratio: Decimal, one: Decimal, other: Decimal
) -> None:
    less, more = (size_factors(SizeSkew(range_ratio=range_ratio), band, each) for each in sorted((one, other)))
    assert more[0] <= less[0]
    for factors in (less, more):
        assert sum(factors) == TWO
        assert min(factors) >= ZERO
