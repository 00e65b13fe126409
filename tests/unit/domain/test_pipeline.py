"""The pipeline from an observation to quotes: golden numbers, guards, and what holds for every market (S1–S5, R36)."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from marketmaker.domain.distances import QuoteDistance
from marketmaker.domain.markets import BpsBand, Instrument, MarketSettings
from marketmaker.domain.models import Distribution, FairPriceModel, SigmaOptimal
from marketmaker.domain.orders import Side
from marketmaker.domain.pipeline import compute_quotes
from marketmaker.domain.quoting import (
    MarketView,
    NoQuotes,
    NoQuotesReason,
    Quote,
    Quotes,
    SkippedSide,
    SkipReason,
)
from marketmaker.domain.risk import LedgerDifference
from marketmaker.domain.spreads import assumed_sigma, cadence_risk
from marketmaker.domain.statistics import Statistics
from tests.builders import (
    PAXG,
    SLOT_MS,
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
)

INSTRUMENT = instrument()
LEDGER_DIFFERS = LedgerDifference(asset=PAXG, ledger=Decimal(5), venue=Decimal(4))


def quoted(view: MarketView, settings: MarketSettings | None = None, on: Instrument = INSTRUMENT) -> Quotes:
    """Compute quotes that must not be refused."""
    desired = compute_quotes(view, settings or market_settings(), on, SLOT_MS)
    assert isinstance(desired, Quotes), desired
    return desired


def refused(view: MarketView, settings: MarketSettings | None = None) -> NoQuotesReason:
    """Compute quotes that must be refused."""
    desired = compute_quotes(view, settings or market_settings(), INSTRUMENT, SLOT_MS)
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
    settings = market_settings(fee_schedule=fees(maker_bps="10"), assumed_volatility="1e-9")
    desired = quoted(market_view(), settings)
    assert price_pair(desired) == (Decimal("1898.09"), Decimal("1901.91"))
    assert desired.half_spread == desired.floor == pytest.approx(Decimal("1.9"))
    assert desired.half_spread > Decimal("1.9"), "the cadence's own risk is never nothing"
    assert [(stage.name, round(stage.ask - desired.fair, 4)) for stage in desired.stages[:2]] == [
        ("half_spread", Decimal("0.5")),
        ("floors", Decimal("1.9")),
    ]


def test_a_volatile_market_is_quoted_as_wide_as_its_cadence_costs() -> None:  # R36
    calm = replace(market_view(), statistics=Statistics(until_ms=SLOT_MS, sigma=1e-5))
    wild = replace(market_view(), statistics=Statistics(until_ms=SLOT_MS, sigma=1e-3))
    assert quoted(calm).half_spread == Decimal("0.5")
    mean_loss = 1e-3 * math.sqrt(5.5) * 1900 / math.sqrt(2 * math.pi)
    assert float(quoted(wild).half_spread) == pytest.approx(0.19 + mean_loss)
    assert quoted(wild).highest_bid == Decimal("1899.81"), "what rests is only cancelled below the fees' own break-even"


@pytest.mark.parametrize("sigma", [None, 0.0, -1.0, math.nan, math.inf, 2.0])
def test_an_unknown_volatility_is_the_assumed_one_and_never_none(sigma: float | None) -> None:  # R36
    unmeasured = quoted(market_view())
    assert quoted(replace(market_view(), statistics=Statistics(until_ms=SLOT_MS, sigma=sigma))) == unmeasured
    old = Statistics(until_ms=SLOT_MS - 900_001, sigma=1e-3)
    assert quoted(replace(market_view(), statistics=old)) == unmeasured
    assert unmeasured.floor == Decimal("0.19") + cadence_risk(assumed_sigma(Decimal("0.1")), Decimal(1900), 5_500)


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


@pytest.mark.parametrize("last_price", ["0", "-1", "1880.9", "1919.1"])
def test_a_last_trade_far_from_the_book_is_no_fair_price(last_price: str) -> None:  # M5
    settings = market_settings(fair_price=FairPriceModel.LAST)
    desired = compute_quotes(market_view(last_price=last_price), settings, INSTRUMENT, SLOT_MS)
    assert isinstance(desired, NoQuotes)
    assert desired.reason is NoQuotesReason.PRICE_DEVIATES
    assert "bps from the middle 1900" in desired.detail


def test_without_a_positive_fair_price_there_are_no_quotes() -> None:  # R11
    settings = market_settings(fair_price=FairPriceModel.LAST)
    assert refused(market_view(last_price=None), settings) is NoQuotesReason.PRICE_UNKNOWN
    worthless = market_view(market_book=book(bids=[("0", "1")], asks=[("0.01", "1")]))
    assert refused(worthless) is NoQuotesReason.PRICE_UNKNOWN


def test_a_model_without_its_input_gives_no_quotes_and_says_what_is_missing() -> None:  # M6
    settings = replace(market_settings(), half_spread=SigmaOptimal(distribution=Distribution.NORMAL))
    desired = compute_quotes(market_view(), settings, INSTRUMENT, SLOT_MS)
    assert isinstance(desired, NoQuotes)
    assert desired.reason is NoQuotesReason.SPREAD_UNKNOWN
    assert "sigma_optimal needs σ" in desired.detail
    measured = replace(market_view(), statistics=Statistics(until_ms=SLOT_MS, sigma=1e-3))
    assert quoted(measured, settings).half_spread == pytest.approx(Decimal(str(0.7517915 * 1e-3 * 5.5**0.5 * 1900)))


def test_no_order_of_a_maker_may_take_for_want_of_post_only_unless_the_settings_say_so() -> None:  # R20
    taking = instrument(has_post_only=False)
    refusal = compute_quotes(market_view(), market_settings(), taking, SLOT_MS)
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
        desired = compute_quotes(view, market_settings(), INSTRUMENT, SLOT_MS)
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
    assert skipped(quoted(market_view(), settings)) == {Side.BUY: SkipReason.OUTSIDE_BAND}


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
