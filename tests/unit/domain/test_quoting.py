"""The pipeline from an observation to quotes: golden numbers, guards, and what holds for every market (S1–S5, R36)."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import AbsoluteBand, BpsBand, Instrument, MarketSettings
from marketmaker.domain.models import BothSidesBand, FairPriceModel, InventoryBand
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import (
    MarketView,
    NoQuotes,
    NoQuotesReason,
    Quote,
    Quotes,
    SkippedSide,
    SkipReason,
    compute_quotes,
)
from marketmaker.domain.risk import LedgerDifference
from marketmaker.domain.units import ZERO
from tests.builders import (
    PAXG,
    absolute_band,
    book,
    both_sides_band,
    fees,
    instrument,
    inventory,
    market_settings,
    market_view,
    order,
    quote,
    shift_band,
)

INSTRUMENT = instrument()
LEDGER_DIFFERS = LedgerDifference(asset=PAXG, ledger=Decimal(5), venue=Decimal(4))


def quoted(view: MarketView, settings: MarketSettings | None = None, on: Instrument = INSTRUMENT) -> Quotes:
    """Compute quotes that must not be refused."""
    desired = compute_quotes(view, settings or market_settings(), on)
    assert isinstance(desired, Quotes), desired
    return desired


def refused(view: MarketView, settings: MarketSettings | None = None) -> NoQuotesReason:
    """Compute quotes that must be refused."""
    desired = compute_quotes(view, settings or market_settings(), INSTRUMENT)
    assert isinstance(desired, NoQuotes), desired
    return desired.reason


def by_side(desired: Quotes) -> dict[Side, Quote]:
    return {each.side: each for each in desired.quotes}


def skipped(desired: Quotes) -> dict[Side, SkipReason]:
    return {each.side: each.reason for each in desired.skipped}


def price_pair(desired: Quotes) -> tuple[Decimal, Decimal]:
    """Return the prices both sides would have, quoted or skipped."""
    return desired.stages[-1].bid, desired.stages[-1].ask


# S1, S2: the worked example


def test_the_simple_spread_quotes_a_tenth_at_1899_50_and_1900_50() -> None:  # S1
    assert quoted(market_view()).quotes == (quote(Side.BUY, "1899.5", "0.1"), quote(Side.SELL, "1900.5", "0.1"))


def test_the_last_trade_can_be_the_fair_price() -> None:  # S1, M5
    settings = market_settings(fair_price=FairPriceModel.LAST)
    assert price_pair(quoted(market_view(last_price="1900.2"), settings)) == (Decimal("1899.7"), Decimal("1900.7"))


@pytest.mark.parametrize(("base", "bid", "ask"), [("20", "1899.4", "1900.6"), ("1", "1899.6", "1900.4")])
def test_both_sides_widens_when_long_and_narrows_when_short(base: str, bid: str, ask: str) -> None:  # S2
    settings = market_settings(inventory_band=both_sides_band())
    view = market_view(owned=inventory(base=base))
    assert price_pair(quoted(view, settings)) == (Decimal(bid), Decimal(ask))


def test_a_fee_of_ten_basis_points_widens_the_quotes_to_break_even_and_shows_the_figure() -> None:  # S1, R36
    desired = quoted(market_view(), market_settings(fee_schedule=fees(maker_bps="10")))
    assert price_pair(desired) == (Decimal("1898.1"), Decimal("1901.9"))
    assert desired.half_spread == Decimal("1.9")
    assert [(stage.name, stage.ask - desired.fair) for stage in desired.stages[:2]] == [
        ("half_spread", Decimal("0.5")),
        ("floors", Decimal("1.9")),
    ]


def test_long_inventory_lowers_both_quotes() -> None:  # S2
    assert price_pair(quoted(market_view(owned=inventory(base="20")))) == (Decimal("1899.25"), Decimal("1900.25"))


def test_short_inventory_raises_both_quotes() -> None:  # S2
    assert price_pair(quoted(market_view(owned=inventory(base="0")))) == (Decimal("1899.75"), Decimal("1900.75"))


def test_the_reducing_side_follows_the_inventory() -> None:
    assert quoted(market_view(owned=inventory(base="20"))).reducing_side is Side.SELL
    assert quoted(market_view(owned=inventory(base="1"))).reducing_side is Side.BUY


def test_a_decision_shows_every_stage_it_went_through() -> None:
    desired = quoted(market_view(owned=inventory(base="20")))
    assert [stage.name for stage in desired.stages] == ["half_spread", "floors", "inventory", "grid"]
    assert desired.fair == 1900
    assert desired.ratio == Decimal(38000) / Decimal(57000)


# Guards: no quotes, and why (S3, R11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A view that must be refused, and the reason for it."""

    view: MarketView
    reason: NoQuotesReason


GUARDS = [
    Guard(view=market_view(market_book=book(bids=[])), reason=NoQuotesReason.BOOK_ONE_SIDED),
    Guard(view=market_view(market_book=book(asks=[])), reason=NoQuotesReason.BOOK_ONE_SIDED),
    Guard(
        view=market_view(market_book=book(bids=[("1900.2", "1")], asks=[("1900.1", "1")])),
        reason=NoQuotesReason.BOOK_CROSSED,
    ),
    Guard(
        view=market_view(market_book=book(bids=[("1900.1", "1")], asks=[("1900.1", "1")])),
        reason=NoQuotesReason.BOOK_CROSSED,
    ),
    Guard(view=market_view(book_age_ms=30_001), reason=NoQuotesReason.BOOK_STALE),
    Guard(view=market_view(ledger_difference=LEDGER_DIFFERS), reason=NoQuotesReason.LEDGER_DIFFERS),
    Guard(
        view=market_view(market_book=book(bids=[("1799.8", "1")], asks=[("1799.9", "1")])),
        reason=NoQuotesReason.PRICE_OUTSIDE_BAND,
    ),
    Guard(
        view=market_view(market_book=book(bids=[("2000.1", "1")], asks=[("2000.2", "1")])),
        reason=NoQuotesReason.PRICE_OUTSIDE_BAND,
    ),
    Guard(view=market_view(owned=inventory(base="0", quote="0")), reason=NoQuotesReason.NO_CAPITAL),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.reason)
def test_a_guard_refuses_with_its_reason(guard: Guard) -> None:  # R11
    assert refused(guard.view) is guard.reason


@pytest.mark.parametrize("last_price", [None, "0", "-1"])
def test_without_a_positive_fair_price_there_are_no_quotes(last_price: str | None) -> None:  # R11
    settings = market_settings(fair_price=FairPriceModel.LAST)
    assert refused(market_view(last_price=last_price), settings) is NoQuotesReason.PRICE_UNKNOWN


def test_no_order_of_a_maker_may_take_for_want_of_post_only_unless_the_settings_say_so() -> None:  # R20
    taking = instrument(has_post_only=False)
    refusal = compute_quotes(market_view(), market_settings(), taking)
    assert isinstance(refusal, NoQuotes)
    assert refusal.reason is NoQuotesReason.POST_ONLY_MISSING
    assert quoted(market_view(), market_settings(post_only=False), on=taking).quotes
    assert quoted(market_view(), market_settings(post_only=False)).quotes


def test_a_book_exactly_as_old_as_allowed_still_counts() -> None:
    assert quoted(market_view(book_age_ms=30_000)).quotes


def test_a_relative_band_is_taken_round_the_reference_price_and_not_the_fair_price() -> None:  # S3
    settings = market_settings(price_band=BpsBand(bps=Decimal(100)))
    assert quoted(market_view(reference_price="1890"), settings).quotes
    assert refused(market_view(reference_price="1850"), settings) is NoQuotesReason.PRICE_OUTSIDE_BAND


def test_a_refusal_says_what_was_wrong() -> None:
    for view, detail in (
        (market_view(book_age_ms=31_000), "unchanged for 31000 ms"),
        (market_view(ledger_difference=LEDGER_DIFFERS), "the ledger explains 5 PAXG, the venue holds 4"),
        (
            market_view(market_book=book(bids=[("1900.20", "1")], asks=[("1900.1", "1")])),
            "bid 1900.20 at or above ask 1900.1",
        ),
        (
            market_view(market_book=book(bids=[("1799.8", "1")], asks=[("1799.9", "1")])),
            "fair price 1799.85 is outside [1800, 2000]",
        ),
    ):
        desired = compute_quotes(view, market_settings(), INSTRUMENT)
        assert isinstance(desired, NoQuotes)
        assert desired.detail == detail


# Sides that are skipped, each once and with its reason (R18)


def test_a_side_without_funds_is_skipped() -> None:
    desired = quoted(market_view(available_base="0", available_quote="0"))
    assert desired.skipped == (
        SkippedSide(side=Side.BUY, reason=SkipReason.BELOW_MIN_SIZE),
        SkippedSide(side=Side.SELL, reason=SkipReason.BELOW_MIN_SIZE),
    )
    assert desired.quotes == ()


def test_negative_funds_are_no_funds() -> None:  # R21
    desired = quoted(market_view(available_base="-1", available_quote="-1"))
    assert set(skipped(desired).values()) == {SkipReason.BELOW_MIN_SIZE}


def test_scarce_funds_shrink_the_order_to_what_is_available() -> None:
    desired = by_side(quoted(market_view(available_base="0.03337", available_quote="100")))
    assert desired[Side.SELL].size_base == Decimal("0.0333")
    assert desired[Side.BUY].size_base == Decimal("0.0526")


def test_funds_that_just_pay_for_a_whole_order_quote_a_whole_order() -> None:
    assert by_side(quoted(market_view(available_quote="189.95")))[Side.BUY].size_base == Decimal("0.1")
    assert by_side(quoted(market_view(available_quote="189.94")))[Side.BUY].size_base == Decimal("0.0999")


def test_a_size_below_the_minimum_is_skipped_even_when_it_is_a_whole_lot() -> None:  # R18
    desired = quoted(market_view(available_base="0.004"), on=instrument(min_size_base="0.005"))
    assert skipped(desired) == {Side.SELL: SkipReason.BELOW_MIN_SIZE}


def test_a_notional_below_the_minimum_is_skipped() -> None:  # R18
    desired = quoted(market_view(available_base="0.0026"), on=instrument(min_notional_quote="5"))
    assert skipped(desired) == {Side.SELL: SkipReason.BELOW_MIN_NOTIONAL}


def test_a_quote_that_would_rest_outside_the_band_is_skipped() -> None:  # S3
    near_the_top = market_view(market_book=book(bids=[("1999.7", "1")], asks=[("1999.9", "1")]))
    near_the_bottom = market_view(market_book=book(bids=[("1800.1", "1")], asks=[("1800.3", "1")]))
    assert skipped(quoted(near_the_top)) == {Side.SELL: SkipReason.OUTSIDE_BAND}
    assert skipped(quoted(near_the_bottom)) == {Side.BUY: SkipReason.OUTSIDE_BAND}


def test_a_bid_that_would_fall_to_zero_is_skipped() -> None:
    settings = market_settings(half_spread=QuoteDistance(quote=Decimal(3000)), price_band=absolute_band("0", "10000"))
    assert skipped(quoted(market_view(), settings)) == {Side.BUY: SkipReason.BELOW_MIN_SIZE}


# The grid and the other side's touch (S5)


def test_prices_round_away_from_the_fair_price() -> None:  # S5, R18
    settings = market_settings(half_spread=QuoteDistance(quote=Decimal("0.523456")))
    assert price_pair(quoted(market_view(), settings)) == (Decimal("1899.47"), Decimal("1900.53"))


def test_a_quote_stays_one_tick_off_the_other_sides_best_price() -> None:
    settings = market_settings(fair_price=FairPriceModel.LAST)
    assert price_pair(quoted(market_view(last_price="1905"), settings))[0] == Decimal("1900.09")
    assert price_pair(quoted(market_view(last_price="1895"), settings))[1] == Decimal("1899.91")


def test_an_own_order_alone_at_the_touch_does_not_pull_our_quotes() -> None:
    others = book()
    seen = book(bids=[("1899.99", "0.1"), ("1899.9", "5")])
    own = order(Side.BUY, "1899.99", "0.1")
    assert quoted(market_view(market_book=seen.without([own]))) == quoted(market_view(market_book=others))


# What holds for every market


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A market with everything a decision depends on."""

    view: MarketView
    settings: MarketSettings
    instrument: Instrument

    @property
    def desired(self) -> Quotes | NoQuotes:
        """What is wanted in it."""
        return compute_quotes(self.view, self.settings, self.instrument)


BANDS: list[InventoryBand] = [
    shift_band(),
    shift_band(min_ratio="0.4", max_ratio="0.6", max_shift_share="1", ramp_ratio="0.01"),
    shift_band(max_shift_share="0", ramp_ratio="1"),
    both_sides_band(),
    both_sides_band(below="0", above="7"),
]
inventory_bands = st.sampled_from(BANDS)
distances = st.builds(QuoteDistance, quote=st.decimals("0", "20", places=3)) | st.builds(
    BpsDistance, bps=st.decimals("0", "200", places=1)
)
instruments = st.builds(
    instrument,
    tick_size=st.sampled_from(["0.01", "0.5", "0.0003"]),
    lot_size=st.sampled_from(["0.0001", "0.05", "1"]),
    min_size_base=st.sampled_from(["0", "0.01", "0.5"]),
    min_notional_quote=st.sampled_from(["0", "5", "100"]),
)
funds = st.decimals("-1", "20", places=5)


@st.composite
def cases(draw: st.DrawFn, *, guarded: bool = True) -> Case:
    """Build markets; where `guarded`, some trip a guard: one side empty, crossed, stale, no price, no capital …"""

    def often(fine: list[Any], trips: list[Any]) -> Any:
        return draw(st.sampled_from([*fine * 4, *trips] if guarded else fine))

    on = draw(instruments)
    touch = draw(st.integers(1, 5000)) * on.tick_size
    best_ask = touch + often([1, 2, 10, 100], [0, -1]) * on.tick_size
    wide = absolute_band("0", "100000")
    settings = market_settings(
        fair_price=draw(st.sampled_from(FairPriceModel)),
        half_spread=draw(distances),
        order_size_base=draw(st.decimals("0.001", "5", places=4)),
        inventory_band=draw(inventory_bands),
        price_band=often([wide], [AbsoluteBand(low=touch, high=touch * 2)]),
        fee_schedule=fees(maker_bps=draw(st.sampled_from(["-1", "0", "1", "10"]))),
    )
    view = market_view(
        market_book=book(bids=often([[(touch, 1)]], [[]]), asks=often([[(best_ask, 1)]], [[]])),
        book_age_ms=often([0, 30_000], [30_001]),
        last_price=often([touch, touch * 3 / 2, best_ask + 100], [None, ZERO]),
        owned=inventory(
            base=draw(funds if guarded else st.decimals("0", "20", places=5)),
            quote=draw(st.decimals("0" if guarded else "0.01", "20000", places=2)),
        ),
        available_base=draw(funds),
        available_quote=draw(st.decimals("-10", "20000", places=2)),
        ledger_difference=often([None], [LEDGER_DIFFERS]),
    )
    return Case(view=view, settings=settings, instrument=on)


quotable = cases(guarded=False)


@given(quotable)
def test_the_bid_is_below_the_ask_and_both_are_on_the_tick_grid(case: Case) -> None:  # S5
    assert isinstance(case.desired, Quotes)
    bid, ask = price_pair(case.desired)
    assert bid < ask
    assert bid % case.instrument.tick_size == 0
    assert ask % case.instrument.tick_size == 0
    assert {each.side: each.price for each in case.desired.quotes}.items() <= {Side.BUY: bid, Side.SELL: ask}.items()


@given(quotable)
def test_no_quote_reaches_the_other_sides_best_price(case: Case) -> None:
    assert isinstance(case.desired, Quotes)
    bid, ask = price_pair(case.desired)
    best_bid, best_ask = case.view.book.best_bid, case.view.book.best_ask
    assert best_bid is not None
    assert best_ask is not None
    assert bid < best_ask
    assert ask > best_bid


@given(quotable)
def test_every_quote_is_inside_the_price_band(case: Case) -> None:  # S3
    assert isinstance(case.desired, Quotes)
    allowed = case.settings.price_band.around(case.view.reference_price)
    assert case.desired.fair in allowed
    assert all(each.price in allowed for each in case.desired.quotes)


@given(quotable)
def test_every_size_is_one_the_venue_takes_and_we_can_pay(case: Case) -> None:  # S5, R18, R21
    assert isinstance(case.desired, Quotes)
    for each in case.desired.quotes:
        size, on = each.size_base, case.instrument
        assert size % on.lot_size == 0
        assert ZERO < size <= case.settings.order_size_base
        assert size >= on.min_size_base
        assert size * each.price >= on.min_notional_quote
        if each.side is Side.BUY:
            assert size * each.price <= case.view.available_quote
        else:
            assert size <= case.view.available_base


@given(quotable)
def test_each_side_is_quoted_or_skipped_and_never_both(case: Case) -> None:
    assert isinstance(case.desired, Quotes)
    sides = [each.side for each in case.desired.quotes] + [each.side for each in case.desired.skipped]
    assert sorted(sides) == sorted(Side)
    assert all(each.level == 0 for each in case.desired.quotes)


@given(quotable)
def test_the_spread_is_never_narrower_than_both_floors(case: Case) -> None:  # R36
    assert isinstance(case.desired, Quotes)
    bid, ask = price_pair(case.desired)
    floor = max(case.settings.fees.break_even_half_spread(case.desired.fair), case.instrument.tick_size)
    assert ask - bid >= 2 * floor
    assert case.desired.half_spread >= floor


@given(quotable)
def test_a_round_trip_at_our_own_quotes_never_loses_to_fees(case: Case) -> None:  # R36
    assert isinstance(case.desired, Quotes)
    bid, ask = price_pair(case.desired)
    fee = case.settings.fees.maker_bps / 10_000
    assert ask - bid - max(fee, Decimal(0)) * (ask + bid) >= 0
    assert bid <= case.desired.highest_bid
    assert ask >= case.desired.lowest_ask


def test_quotes_shifted_up_are_wide_enough_for_the_fees_at_their_own_prices() -> None:  # R36
    settings = market_settings(fee_schedule=fees(maker_bps="10"))
    desired = compute_quotes(market_view(owned=inventory(base="0")), settings, instrument(tick_size="0.0001"))
    assert isinstance(desired, Quotes)
    bid, ask = (stage_price for stage in desired.stages[-1:] for stage_price in (stage.bid, stage.ask))
    assert (bid + ask) / 2 > 1900
    assert ask - bid >= (ask + bid) / 1000


@given(quotable)
def test_no_stage_narrows_the_spread_of_the_one_before(case: Case) -> None:
    assert isinstance(case.desired, Quotes)
    widths = [stage.ask - stage.bid for stage in case.desired.stages]
    assert widths == sorted(widths)


@given(case=quotable, more=st.decimals("0.1", "20", places=2))
def test_more_base_never_raises_a_quote(case: Case, more: Decimal) -> None:  # R29
    assume(not isinstance(case.settings.inventory_band, BothSidesBand))
    held = case.view.inventory
    longer = replace(case, view=replace(case.view, inventory=replace(held, base=held.base + more)))
    assert isinstance(case.desired, Quotes)
    assert isinstance(longer.desired, Quotes)
    assert longer.desired.ratio >= case.desired.ratio
    assert price_pair(longer.desired)[0] <= price_pair(case.desired)[0]
    assert price_pair(longer.desired)[1] <= price_pair(case.desired)[1]


@given(cases())
def test_quotes_are_refused_exactly_when_a_guard_holds(case: Case) -> None:  # R11
    assert (isinstance(case.desired, NoQuotes)) == bool(_reasons(case))
    if isinstance(case.desired, NoQuotes):
        assert case.desired.reason in _reasons(case)


def _reasons(case: Case) -> set[NoQuotesReason]:
    """Every reason that holds, by its definition alone."""
    view, settings = case.view, case.settings
    bids, asks = view.book.bids, view.book.asks
    fair = view.last_price if settings.fair_price is FairPriceModel.LAST else view.book.mid
    allowed = settings.price_band.around(view.reference_price)
    held: Inventory = view.inventory
    found = {
        NoQuotesReason.BOOK_ONE_SIDED: not bids or not asks,
        NoQuotesReason.BOOK_CROSSED: bool(bids and asks) and bids[0].price >= asks[0].price,
        NoQuotesReason.BOOK_STALE: view.book_age_ms > settings.max_book_age_ms,
        NoQuotesReason.LEDGER_DIFFERS: view.ledger_difference is not None,
        NoQuotesReason.PRICE_UNKNOWN: fair is None or fair <= 0,
        NoQuotesReason.PRICE_OUTSIDE_BAND: fair is not None and not allowed.low <= fair <= allowed.high,
        NoQuotesReason.NO_CAPITAL: fair is not None and held.base * fair + held.quote <= 0,
    }
    return {reason for reason, holds in found.items() if holds}
