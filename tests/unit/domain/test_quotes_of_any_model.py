"""What holds of the quotes of every combination of models, in whatever market (R18, R29, R36)."""

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from marketmaker.domain.break_even import break_even_price, holds_break_even
from marketmaker.domain.models import Placement, PositionSkew, ReservationPrice, ShiftBand
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.units import TWO, ZERO
from tests.builders import SLOT_MS
from tests.quoting_cases import Case, cases, levels, monotone_policies, odd_statistics


@given(cases())
def test_every_bid_is_below_every_ask_and_each_level_behind_the_one_before(case: Case) -> None:  # S5
    desired, tick = case.desired, case.instrument.tick_size
    assume(isinstance(desired, Quotes))
    assert isinstance(desired, Quotes)
    bids, asks = levels(desired, Side.BUY), levels(desired, Side.SELL)
    prices = [*(each.price for each in reversed(bids)), *(each.price for each in asks)]
    assert all(below + tick <= above for below, above in pairwise(prices))
    assert all(price % tick == 0 for price in prices)
    assert {each.level for each in desired.quotes} <= set(range(case.settings.ladder.levels))


@given(cases())
def test_no_quote_reaches_the_other_sides_best_price(case: Case) -> None:  # R20
    desired, book = case.desired, case.view.book
    if isinstance(desired, Quotes):
        assert all(each.price < book.asks[0].price for each in levels(desired, Side.BUY))
        assert all(each.price > book.bids[0].price for each in levels(desired, Side.SELL))


@given(cases())
def test_every_size_is_one_the_venue_takes_and_all_together_can_be_paid(case: Case) -> None:  # S5, R18, R21
    desired, on = case.desired, case.instrument
    if isinstance(desired, NoQuotes):
        return
    for each in desired.quotes:
        assert each.size_base % on.lot_size == 0
        assert each.size_base >= max(on.min_size_base, on.lot_size)
        assert each.size_base * each.price >= on.min_notional_quote
    assert max((each.size_base for each in desired.quotes), default=ZERO) <= (
        case.settings.max_order_size_base or math.inf
    )  # S10
    bids, asks = levels(desired, Side.BUY), levels(desired, Side.SELL)
    assert sum(each.size_base * each.price for each in bids) <= max(ZERO, case.view.available_quote)
    assert sum(each.size_base for each in asks) <= max(ZERO, case.view.available_base)
    band, base = case.settings.inventory_band, case.view.inventory.base
    if isinstance(band, PositionSkew) and bids:
        assert base + sum(each.size_base for each in bids) <= band.max_base  # P4


@given(cases())
def test_a_side_without_all_of_its_levels_says_why_once(case: Case) -> None:  # R18
    desired = case.desired
    if isinstance(desired, Quotes):
        short = {side for side in Side if len(levels(desired, side)) < case.settings.ladder.levels}
        assert sorted(each.side for each in desired.skipped) == sorted(short)


@given(cases(policy=monotone_policies, extras=False))
def test_the_nearest_quotes_are_never_narrower_than_the_floors(case: Case) -> None:  # R36
    desired = case.desired
    if isinstance(desired, NoQuotes):
        return
    bid, ask = desired.stages[-1].bid, desired.stages[-1].ask
    fee = max(ZERO, case.settings.fees.maker_bps) / 10_000
    assert ask - bid - fee * (ask + bid) >= 0, "a round trip never loses to its fees"
    assert desired.half_spread >= desired.floor >= case.instrument.tick_size
    assert ask - bid >= TWO * desired.floor


@given(cases())
def test_nothing_we_want_to_rest_would_be_cancelled_as_below_break_even(case: Case) -> None:  # R36
    desired = case.desired
    if isinstance(desired, Quotes):
        assert all(each.price <= desired.highest_bid for each in levels(desired, Side.BUY))
        assert all(each.price >= desired.lowest_ask for each in levels(desired, Side.SELL))


@given(cases(statistics=odd_statistics))
def test_no_statistic_whatever_makes_a_price_that_is_none(case: Case) -> None:  # M6
    desired = case.desired
    if isinstance(desired, NoQuotes):
        assert desired.reason in {NoQuotesReason.SPREAD_UNKNOWN, NoQuotesReason.PRICE_DEVIATES}
        assert desired.detail
        return
    for stage in desired.stages:
        assert stage.bid.is_finite()
        assert stage.ask.is_finite()
    assert all(each.price > 0 and each.price.is_finite() for each in desired.quotes)
    assert math.isfinite(float(desired.half_spread))


@given(case=cases(policy=monotone_policies, extras=False), more=st.decimals("0.1", "20", places=2))
def test_more_base_never_raises_a_quote(case: Case, more: Decimal) -> None:  # R29
    held = case.view.inventory
    longer = replace(case, view=replace(case.view, inventory=replace(held, base=held.base + more)))
    before, after = case.desired, longer.desired
    if isinstance(before, Quotes) and isinstance(after, Quotes):
        assert after.stages[-1].bid <= before.stages[-1].bid
        assert after.stages[-1].ask <= before.stages[-1].ask


@given(cases(policy=monotone_policies, extras=False))
def test_inventory_moves_the_quotes_by_its_share_of_the_half_spread_at_most(case: Case) -> None:  # R29
    desired, band = case.desired, case.settings.inventory_band
    if isinstance(desired, NoQuotes):
        return
    floors, leaning = desired.stages[1], desired.stages[2]
    assert (floors.name, leaning.name) == ("floors", "inventory")
    share = band.skew if isinstance(band, PositionSkew) else Decimal(1)
    if isinstance(band, ShiftBand | ReservationPrice):
        share = band.max_shift_share
    moved = abs((leaning.bid + leaning.ask) / TWO - desired.fair)
    assert moved <= share * (floors.ask - floors.bid) / TWO + Decimal("1e-20")


@given(cases())
def test_the_touch_is_joined_improved_or_left_as_the_settings_say(case: Case) -> None:  # M8
    desired, rule, tick = case.desired, case.settings.touch, case.instrument.tick_size
    assume(rule is not None)
    assert rule is not None
    if isinstance(desired, NoQuotes):
        return
    lead = {Placement.JOIN: 0, Placement.IMPROVE: rule.ticks, Placement.BACK_OFF: -rule.ticks}[rule.placement] * tick
    best_bid, best_ask = case.view.book.bids[0].price, case.view.book.asks[0].price
    assert all(each.price <= best_bid + lead for each in levels(desired, Side.BUY))
    assert all(each.price >= best_ask - lead for each in levels(desired, Side.SELL))


@given(cases())
def test_nothing_is_sold_below_break_even_while_it_holds(case: Case) -> None:  # M2
    desired, rule, held = case.desired, case.settings.break_even, case.view.inventory
    if isinstance(desired, NoQuotes) or rule is None or not holds_break_even(rule, held, desired.fair, SLOT_MS):
        return
    price = break_even_price(held, case.settings.fees)
    assert price is not None
    assert all(each.price >= price for each in levels(desired, Side.SELL))


@given(cases())
def test_the_same_view_is_decided_the_same(case: Case) -> None:
    assert case.desired == case.desired
