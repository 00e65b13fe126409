"""The book that others made, and the fair price taken from it (M5)."""

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.pricing import Book, BookLevel, fair_price
from tests.builders import book, levels, order
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


def test_the_fair_price_is_the_last_trade_or_the_mid_by_name() -> None:  # M5
    assert fair_price(FairPriceModel.LAST, book(), Decimal(1901)) == 1901
    assert fair_price(FairPriceModel.MID, book(), Decimal(1901)) == 1900


def test_a_missing_input_gives_no_fair_price_and_no_default() -> None:  # R11
    assert fair_price(FairPriceModel.LAST, book(), None) is None
    assert fair_price(FairPriceModel.MID, book(bids=[]), Decimal(1901)) is None
