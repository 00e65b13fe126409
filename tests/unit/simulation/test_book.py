"""What the displayed book says to takers and to those who queue."""

from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from marketmaker.simulation.book import MarketBook
from marketmaker.simulation.events import Level, Quote

D = Decimal


@pytest.fixture
def book() -> MarketBook:
    book = MarketBook(D("0.1"))
    bids = (Level(D(100), D(5)), Level(D(98), D(7)))
    asks = (Level(D(101), D(2)), Level(D(102), D(3)))
    book.show(Quote(time_us=0, bids=bids, asks=asks))
    return book


def test_the_same_quote_again_is_no_change(book: MarketBook) -> None:
    revision = book.revision
    book.show(Quote(time_us=1, bids=tuple(book.levels(Side.BUY)), asks=tuple(book.levels(Side.SELL))))
    assert book.revision == revision


def test_a_taker_walks_the_levels_up_to_its_limit_and_size(book: MarketBook) -> None:
    assert book.walk(Side.BUY, D(101), D(9)) == [Level(D(101), D(2))]
    assert book.walk(Side.BUY, None, D(4)) == [Level(D(101), D(2)), Level(D(102), D(2))]
    assert book.walk(Side.BUY, None, D(9)) == [Level(D(101), D(2)), Level(D(102), D(3))]
    assert book.walk(Side.SELL, D("100.1"), D(1)) == []


def test_what_is_taken_is_gone(book: MarketBook) -> None:
    book.take(Side.SELL, Level(D(101), D(2)))
    book.take(Side.SELL, Level(D(102), D(1)))
    assert list(book.levels(Side.SELL)) == [Level(D(102), D(2))]


def test_an_empty_side_has_nobody_ahead() -> None:
    book = MarketBook(D("0.1"))
    assert book.size_ahead(Side.BUY, D(1)) == 0


@pytest.mark.parametrize(("price", "ahead"), [("100.5", "0"), ("100", "5"), ("99", "0"), ("98", "7"), ("97", None)])
def test_the_size_ahead_is_what_is_displayed_at_the_price(book: MarketBook, price: str, ahead: str | None) -> None:
    assert book.size_ahead(Side.BUY, D(price)) == (None if ahead is None else D(ahead))


def test_beyond_the_known_book_the_deepest_size_is_assumed(book: MarketBook) -> None:
    assert book.size_ahead_assumed(Side.BUY, D(90)) == 7
    assert book.size_ahead_assumed(Side.SELL, D(102)) == 3


def test_sizes_are_cut_to_whole_lots() -> None:
    book = MarketBook(D("0.1"))
    bids = (Level(D(100), D("0.05")), Level(D(99), D("0.27")))
    book.show(Quote(time_us=0, bids=bids, asks=()))
    assert list(book.levels(Side.BUY)) == [Level(D(99), D("0.2"))]


def test_what_was_taken_is_shown_whole_again_by_the_next_quote_even_if_it_carries_the_same_levels() -> None:
    book = MarketBook(D("0.1"))
    bids, asks = (Level(D(100), D(5)),), (Level(D(101), D(2)),)
    book.show(Quote(time_us=0, bids=bids, asks=asks))
    book.take(Side.SELL, Level(D(101), D(1)))
    revision = book.revision
    book.show(Quote(time_us=1, bids=bids, asks=asks))
    assert list(book.levels(Side.SELL)) == [Level(D(101), D(2))]
    assert book.revision == revision + 1


@pytest.mark.parametrize(
    ("side", "limit", "is_reached"),
    [
        (Side.BUY, 100, False),
        (Side.BUY, 101, True),
        (Side.BUY, 102, True),
        (Side.SELL, 101, False),
        (Side.SELL, 99, True),
    ],
)
def test_an_order_is_reached_once_the_other_side_shows_its_limit(
    book: MarketBook, side: Side, limit: int, *, is_reached: bool
) -> None:
    assert book.is_reached(side, D(limit)) is is_reached


def test_an_empty_side_reaches_nobody() -> None:
    assert not MarketBook(D("0.1")).is_reached(Side.BUY, D(100))
