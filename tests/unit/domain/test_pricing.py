"""The book that others made, and the fair price taken from it (M5)."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketmaker.domain.distances import PriceRange
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import FairPriceModel, Listing, SecondPrice
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.pricing import (
    Book,
    BookLevel,
    FairPrice,
    NoFairPrice,
    SecondView,
    Touch,
    fair_price,
    microprice,
    own_price,
)
from marketmaker.domain.units import Symbol
from tests.builders import book, levels, market_settings, order
from tests.strategies import books

own_orders = st.lists(
    st.builds(
        order,
        st.sampled_from(Side),
        st.integers(1, 40),
        st.integers(1, 5),
        executed_base=st.sampled_from(["0", "0.25", "0.5"]),
    ),
    max_size=6,
)


def sizes_by_price(side: tuple[BookLevel, ...]) -> dict[Decimal, Decimal]:
    return {level.price: level.size_base for level in side}


def with_own(others: Book, own: list[Order]) -> Book:
    """Return the book as the venue shows it once our orders rest in it."""
    bids, asks = sizes_by_price(others.bids), sizes_by_price(others.asks)
    for each in own:
        side = bids if each.side is Side.BUY else asks
        side[each.price] = side.get(each.price, Decimal(0)) + each.remaining_base
    return book(bids=_best_first(bids, Side.BUY), asks=_best_first(asks, Side.SELL))


def _best_first(side: Mapping[Decimal, Decimal], of: Side) -> list[tuple[Decimal, Decimal]]:
    return sorted(side.items(), reverse=of is Side.BUY)


grid_sides = st.dictionaries(st.integers(1, 40).map(Decimal), st.integers(1, 9).map(Decimal), max_size=6)
grid_books = st.builds(
    lambda bids, asks: book(bids=_best_first(bids, Side.BUY), asks=_best_first(asks, Side.SELL)), grid_sides, grid_sides
)


@given(others=grid_books, own=own_orders)
def test_taking_our_own_orders_out_leaves_exactly_what_others_made(others: Book, own: list[Order]) -> None:
    seen = with_own(others, own)
    assume(not seen.is_crossed)
    assert seen.without(own) == others


@given(others=grid_books, own=own_orders)
def test_a_crossed_book_stays_crossed_without_our_own_orders(others: Book, own: list[Order]) -> None:
    seen = with_own(others, own)
    assert seen.without(own).is_crossed == seen.is_crossed


@given(seen=books(), own=own_orders)
def test_our_orders_never_add_size_and_never_touch_other_prices(seen: Book, own: list[Order]) -> None:
    left = seen.without(own)
    own_places = {(each.side, each.price) for each in own}
    for side, before, after in ((Side.BUY, seen.bids, left.bids), (Side.SELL, seen.asks, left.asks)):
        remaining = sizes_by_price(after)
        for level in before:
            if (side, level.price) in own_places:
                assert remaining.get(level.price, Decimal(0)) < level.size_base
            else:
                assert remaining[level.price] == level.size_base
        assert remaining.keys() <= sizes_by_price(before).keys()
        assert all(size > 0 for size in remaining.values())
        assert [level.price for level in after] == [level.price for level in before if level.price in remaining]


def test_a_price_made_by_us_alone_disappears() -> None:
    seen = book(bids=[("1899.95", "0.1"), ("1899.9", "5")])
    assert seen.without([order(Side.BUY, "1899.95", "0.1")]).best_bid == Decimal("1899.9")


def test_a_price_we_share_keeps_the_size_of_the_others() -> None:
    seen = book(bids=[("1899.9", "5.1")])
    assert seen.without([order(Side.BUY, "1899.90", "0.1")]).bids == levels(("1899.9", "5"))


def test_only_what_remains_of_a_partly_filled_order_is_ours_in_the_book() -> None:  # R13
    seen = book(asks=[("1900.1", "5.06")])
    partly = order(Side.SELL, "1900.1", "0.1", executed_base="0.04")
    assert seen.without([partly]).asks == levels(("1900.1", "5"))


def test_several_own_orders_at_one_price_are_all_taken_out() -> None:
    seen = book(bids=[("1899.9", "5.3")])
    own = [order(price="1899.9", size_base="0.1"), order(price="1899.9", size_base="0.2", venue_id="2")]
    assert seen.without(own).bids == levels(("1899.9", "5"))


def test_an_order_the_book_does_not_show_yet_changes_nothing() -> None:
    seen = book()
    assert seen.without([order(Side.BUY, "1899.5")]) == seen


def test_without_own_orders_the_book_is_as_it_was_seen() -> None:
    seen = book(update_id=77)
    assert seen.without([]) == seen


def test_an_empty_side_has_no_best_price_and_no_mid() -> None:  # R11
    assert book(bids=[]).best_bid is None
    assert book(asks=[]).best_ask is None
    assert book(bids=[]).mid is None
    assert book(asks=[]).mid is None


def test_the_mid_is_between_the_best_prices() -> None:
    assert book().mid == 1900


def named(model: FairPriceModel, **changes: Any) -> MarketSettings:
    """Return settings with this fair-price model; PAXG/BTC × BTC/USDT is both second prices."""
    second = SecondPrice(
        source=Listing(venue="binance", symbol=Symbol("PAXG/BTC")),
        rate=Listing(venue="binance", symbol=Symbol("BTC/USDT")),
        max_age_ms=10_000,
    )
    return replace(market_settings(fair_price=model), reference=second, implied=second, **changes)


def price(settings: MarketSettings, of: Book, last: str | None = None, second: SecondView | None = None) -> Decimal:
    """Return the fair price, which there must be."""
    fair = fair_price(settings, of, None if last is None else Decimal(last), second)
    assert isinstance(fair, FairPrice), fair
    return fair.price


def touch(bid: str, ask: str, age_ms: int = 0) -> Touch:
    return Touch(bid=Decimal(bid), ask=Decimal(ask), age_ms=age_ms)


def test_the_fair_price_is_the_last_trade_or_the_mid_by_name() -> None:  # M5
    assert price(named(FairPriceModel.LAST), book(), "1901") == 1901
    assert price(named(FairPriceModel.MID), book(), "1901") == 1900


def test_a_missing_last_trade_gives_no_fair_price_and_no_default() -> None:  # R11
    missing = fair_price(named(FairPriceModel.LAST), book(), None, None)
    assert missing == NoFairPrice(detail="the last trade is unknown")


def test_the_microprice_leans_towards_the_side_that_will_be_eaten() -> None:  # M5
    much_bid = book(bids=[("1899.9", "9")], asks=[("1900.1", "1")])
    assert price(named(FairPriceModel.MICROPRICE), much_bid) == Decimal("1900.08")
    assert price(named(FairPriceModel.MICROPRICE), book()) == 1900, "as much on both sides: the middle"


def test_the_depth_weighted_price_sees_behind_the_best_prices() -> None:  # M5
    deep_ask = book(bids=[("1899.9", "1"), ("1899.8", "1")], asks=[("1900.1", "1"), ("1900.2", "9")])
    assert price(named(FairPriceModel.DEPTH_WEIGHTED, depth_levels=1), deep_ask) == 1900
    average_ask = (Decimal("1900.1") + Decimal("1900.2") * 9) / 10
    expected = (Decimal("1899.85") * 10 + average_ask * 2) / 12
    assert price(named(FairPriceModel.DEPTH_WEIGHTED, depth_levels=2), deep_ask) == max(expected, Decimal("1899.9"))


@given(books(), st.integers(1, 5))
def test_a_weighted_price_never_leaves_the_best_prices(seen: Book, depth: int) -> None:  # M5
    assume(seen.bids and seen.asks and not seen.is_crossed)
    assert seen.bids[0].price <= microprice(seen, depth) <= seen.asks[0].price


def test_an_implied_price_is_the_cross_of_its_two_books() -> None:  # S15: 1900 = 0.05 x 38000
    second = SecondView(source=touch("0.0499", "0.0501"), rate=touch("37990", "38010"))
    near = book(bids=[("1895", "1")], asks=[("1896", "1")])
    for model in (FairPriceModel.IMPLIED, FairPriceModel.REFERENCE):
        assert price(named(model), near, second=second) == 1900


def test_a_reference_in_another_currency_is_divided_by_its_rate_where_that_is_quoted_so() -> None:  # M5
    settings = named(FairPriceModel.REFERENCE)
    assert settings.reference is not None
    divided = replace(settings, reference=replace(settings.reference, divides=True))
    assert price(divided, book(), second=SecondView(source=touch("949", "951"), rate=touch("0.5", "0.5"))) == 1900
    plain = replace(settings, reference=replace(settings.reference, rate=None))
    assert price(plain, book(), second=SecondView(source=touch("1900", "1902"))) == 1901


SOUND = touch("37990", "38010")


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (None, "it was not read"),
        (SecondView(source=None, rate=SOUND), "PAXG/BTC at binance could not be read"),
        (SecondView(source=touch("0.05", "0.05"), rate=None), "BTC/USDT at binance could not be read"),
        (SecondView(source=touch("0.05", "0.05", 10_001), rate=SOUND), "PAXG/BTC at binance stood still for 10001 ms"),
        (SecondView(source=touch("0.06", "0.06"), rate=SOUND), "2280 is 2000.0 bps from the middle 1900"),
        (SecondView(source=touch("0.05", "0.05"), rate=touch("30", "31")), "BTC/USDT at 30.5 is outside 100 to 100000"),
    ],
)
def test_a_second_price_that_misbehaves_is_ignored_and_told_of(second: SecondView | None, why: str) -> None:  # M5
    settings = named(FairPriceModel.IMPLIED)
    assert settings.implied is not None
    bounded = replace(settings.implied, rate_range=PriceRange(low=Decimal(100), high=Decimal(100_000)))
    fair = fair_price(replace(settings, implied=bounded), book(), None, second)
    assert fair == FairPrice(price=Decimal(1900), ignored=f"the implied price is ignored: {why}")


def test_the_markets_own_price_needs_no_other_book() -> None:
    assert own_price(named(FairPriceModel.IMPLIED), book(), None) == 1900
    assert own_price(named(FairPriceModel.LAST), book(), Decimal(1901)) == 1901
    assert own_price(named(FairPriceModel.LAST), book(), Decimal(2901)) == 2901, "outside a band, it must be seen"
    assert own_price(named(FairPriceModel.LAST), book(), None) is None
    assert own_price(named(FairPriceModel.MID), book(bids=[]), Decimal(1901)) is None
    assert own_price(named(FairPriceModel.LAST), book(bids=[]), Decimal(1901)) == 1901
    assert own_price(named(FairPriceModel.MID), book(bids=[("10", "1")], asks=[("8", "1")]), None) == 9


def test_the_top_of_a_book_keeps_the_best_levels_of_either_side() -> None:
    deep = book(bids=(("3", "1"), ("2", "1"), ("1", "1")), asks=(("4", "1"),))
    assert deep.top(2).bids == levels(("3", "1"), ("2", "1"))
    assert deep.top(2).asks == deep.asks
    assert deep.top(3) == deep
