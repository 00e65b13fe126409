"""The triangular check never finds more than three books hold, and nothing where prices are fair (S15)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.models import TriangleSettings
from marketmaker.domain.pricing import BOOK_LEVELS, Book, BookLevel
from marketmaker.domain.triangle import (
    TriangleBooks,
    TriangleDirection,
    TriangleEdge,
    best_edge,
    is_worth_telling,
    triangle_edge,
)
from marketmaker.domain.units import ONE, ZERO
from tests.builders import book

D = Decimal
BUY, SELL = TriangleDirection
NOISE = D("1e-18")
"""What rounding may leave of 34 digits."""


def ring(
    direct: tuple[str, str] = ("1900", "1900"),
    source: tuple[str, str] = ("0.05", "0.05"),
    rate: tuple[str, str] = ("38000", "38000"),
    sizes: tuple[str, str, str] = ("5", "5", "5"),
) -> TriangleBooks:
    """Return one level a side: bid and ask of each book, and what rests there."""

    def one(prices: tuple[str, str], size: str) -> Book:
        return book(bids=[(prices[0], size)], asks=[(prices[1], size)])

    return TriangleBooks(direct=one(direct, sizes[0]), source=one(source, sizes[1]), rate=one(rate, sizes[2]))


def test_the_guides_prices_have_no_edge() -> None:  # 1900 = 0.05 x 38000
    for direction in TriangleDirection:
        edge = triangle_edge(ring(), ZERO, direction)
        assert (edge.edge_bps, edge.size_base, edge.profit_quote) == (ZERO, ZERO, ZERO)


def test_three_taker_fees_are_what_fair_prices_lose() -> None:
    for direction in TriangleDirection:
        edge = triangle_edge(ring(), D(10), direction)
        assert float(edge.edge_bps) == pytest.approx((0.999**3 - 1) * 1e4)
        assert edge.top_edge_bps == edge.edge_bps
        assert (edge.size_base, edge.profit_quote) == (ZERO, ZERO)


def test_gold_cheap_in_its_own_market_is_bought_there_and_sold_through_the_cross() -> None:
    edge = best_edge(ring(direct=("1879", "1881"), sizes=("2", "5", "5")), ZERO)
    assert edge == TriangleEdge(
        direction=BUY,
        edge_bps=(D(1900) / D(1881) - ONE) * 10_000,
        top_edge_bps=(D(1900) / D(1881) - ONE) * 10_000,
        size_base=D(2),
        profit_quote=D(38),
    )


def test_gold_dear_in_its_own_market_is_bought_through_the_cross_and_sold_there() -> None:
    edge = best_edge(ring(direct=("1919", "1921"), sizes=("9", "3", "5")), ZERO)
    assert (edge.direction, edge.size_base, edge.profit_quote) == (SELL, D(3), D(57))


def test_each_leg_pays_its_fee_out_of_what_it_receives() -> None:
    """1 PAXG bought for 1881 leaves 0.999, 0.999 x 0.05 BTC leave 0.999 of it, and their 38000 x too."""
    edge = triangle_edge(ring(direct=("1879", "1881"), sizes=("1", "5", "5")), D(10), BUY)
    assert edge.profit_quote == D("0.999") ** 3 * 1900 - 1881
    sold = triangle_edge(ring(direct=("1919", "1921"), sizes=("1", "5", "5")), D(10), SELL)
    assert abs(sold.profit_quote - (D("0.999") * 1919 - D(1900) / D("0.999") ** 2)) < NOISE


@pytest.mark.parametrize(
    ("sizes", "size_base"), [(("1", "9", "9"), "1"), (("9", "2", "9"), "2"), (("9", "9", "0.15"), "3")]
)
def test_the_smallest_of_three_depths_bounds_the_size(sizes: tuple[str, str, str], size_base: str) -> None:
    assert triangle_edge(ring(direct=("1879", "1881"), sizes=sizes), ZERO, BUY).size_base == D(size_base)
    assert triangle_edge(ring(direct=("1919", "1921"), sizes=sizes), ZERO, SELL).size_base == D(size_base)


def test_levels_are_taken_as_long_as_one_more_unit_earns() -> None:
    direct = book(bids=[("1800", "1")], asks=[("1880", "1"), ("1890", "2"), ("1901", "9")])
    edge = triangle_edge(replace(ring(), direct=direct), ZERO, BUY)
    assert (edge.size_base, edge.profit_quote) == (D(3), D(40))
    assert edge.edge_bps == (D(5700) / D(5660) - ONE) * 10_000
    assert edge.top_edge_bps > edge.edge_bps


def test_no_more_than_the_levels_of_a_decision_are_taken() -> None:
    asks = [(str(1800 + step), "1") for step in range(8)]
    edge = triangle_edge(replace(ring(), direct=book(bids=[("1700", "1")], asks=asks)), ZERO, BUY)
    assert edge.size_base == BOOK_LEVELS


def test_where_neither_way_earns_the_better_one_is_told() -> None:
    edge = best_edge(ring(direct=("1895", "1899")), D(10))
    assert (edge.direction, edge.size_base) == (BUY, ZERO)
    assert edge.edge_bps < ZERO


@pytest.mark.parametrize(
    ("min_edge_bps", "min_profit_quote", "told"),
    [("101", "38", True), ("102", "38", False), ("101", "38.1", False)],
)
def test_an_edge_is_told_of_from_its_least_edge_and_profit_on(
    min_edge_bps: str, min_profit_quote: str, told: bool
) -> None:
    edge = best_edge(ring(direct=("1879", "1881"), sizes=("2", "5", "5")), ZERO)
    settings = TriangleSettings(min_edge_bps=D(min_edge_bps), min_profit_quote=D(min_profit_quote))
    assert is_worth_telling(edge, settings) is told


def test_nothing_executable_is_never_told_of() -> None:
    edge = best_edge(ring(), ZERO)
    assert not is_worth_telling(edge, TriangleSettings(min_edge_bps=ZERO, min_profit_quote=ZERO))


steps = st.integers(min_value=1, max_value=500)
level_sizes = st.decimals(min_value="0.0001", max_value="1000", places=4)
taker_fees = st.decimals(min_value="0", max_value="100", places=1)


def sides(draw: st.DrawFn, best: int, sign: int, cent: Decimal) -> tuple[BookLevel, ...]:
    """Draw up to eight levels away from a best price."""
    moves = accumulate(draw(st.lists(steps, max_size=7)), initial=0)
    return tuple(BookLevel(price=(best + sign * move) * cent, size_base=draw(level_sizes)) for move in moves)


@st.composite
def priced_books(draw: st.DrawFn, bid: int, ask: int, cent: Decimal) -> Book:
    """Draw a book with these best prices."""
    return replace(book(), bids=sides(draw, bid, -1, cent), asks=sides(draw, ask, 1, cent))


@st.composite
def rings(draw: st.DrawFn, *, is_fair: bool = False) -> TriangleBooks:
    """Draw three sound books; fair ones hold a common price between their best ones."""
    source, rate = draw(st.integers(10_000, 20_000)), draw(st.integers(10_000, 20_000))
    fair = source * rate
    direct = fair if is_fair else draw(st.integers(fair * 9 // 10, fair * 11 // 10))
    spread = 0 if is_fair else 1
    middles = ((direct, D("1e-8")), (source, D("1e-4")), (rate, D("1e-4")))
    direct_book, source_book, rate_book = (
        draw(priced_books(middle - draw(st.integers(spread, 99)), middle + draw(st.integers(spread, 99)), cent))
        for middle, cent in middles
    )
    return TriangleBooks(direct=direct_book, source=source_book, rate=rate_book)


directions = st.sampled_from(TriangleDirection)


def depth(levels: Sequence[BookLevel]) -> Decimal:
    return sum((level.size_base for level in levels[:BOOK_LEVELS]), ZERO)


def swept(levels: Sequence[BookLevel], size: Decimal) -> Decimal:
    """Return in the book's quote currency what a size trades for, from the best price on."""
    value, left = ZERO, size
    for level in levels[:BOOK_LEVELS]:
        taken = min(left, level.size_base)
        value += taken * level.price
        left -= taken
    assert left <= NOISE * size, "more than the book holds"
    return value


def walk(books: TriangleBooks, edge: TriangleEdge, kept: Decimal) -> Decimal:
    """Trade an edge's size leg after leg, and return what that earns."""
    if edge.direction is BUY:
        through = swept(books.source.bids, edge.size_base * kept) * kept
        return swept(books.rate.bids, through) * kept - swept(books.direct.asks, edge.size_base)
    bought_for = swept(books.source.asks, edge.size_base / kept)
    return swept(books.direct.bids, edge.size_base) * kept - swept(books.rate.asks, bought_for / kept)


@given(books=rings(), taker_bps=taker_fees, direction=directions)
def test_the_profit_is_what_walking_the_three_books_earns(
    books: TriangleBooks, taker_bps: Decimal, direction: TriangleDirection
) -> None:
    edge = triangle_edge(books, taker_bps, direction)
    assert abs(walk(books, edge, ONE - taker_bps / 10_000) - edge.profit_quote) < NOISE


@given(books=rings(), taker_bps=taker_fees, direction=directions)
def test_the_size_is_within_the_depth_of_every_book(
    books: TriangleBooks, taker_bps: Decimal, direction: TriangleDirection
) -> None:
    edge = triangle_edge(books, taker_bps, direction)
    direct, source = (
        (books.direct.asks, books.source.bids) if direction is BUY else (books.direct.bids, books.source.asks)
    )
    assert edge.size_base <= depth(direct) + NOISE
    assert edge.size_base <= depth(source) / (ONE - taker_bps / 10_000) + NOISE


@given(books=rings(is_fair=True), taker_bps=taker_fees)
def test_fair_prices_never_earn_anything(books: TriangleBooks, taker_bps: Decimal) -> None:
    edge = best_edge(books, taker_bps)
    assert (edge.size_base, edge.profit_quote) == (ZERO, ZERO)
    assert edge.edge_bps <= ZERO


@given(books=rings(), taker_bps=taker_fees, more_bps=taker_fees, direction=directions)
def test_higher_fees_never_earn_more(
    books: TriangleBooks, taker_bps: Decimal, more_bps: Decimal, direction: TriangleDirection
) -> None:
    cheap, dear = (triangle_edge(books, fee, direction) for fee in (taker_bps, taker_bps + more_bps))
    assert dear.profit_quote <= cheap.profit_quote + NOISE
    assert dear.top_edge_bps <= cheap.top_edge_bps


@given(books=rings(), taker_bps=taker_fees, direction=directions)
def test_an_executable_edge_is_positive_and_no_better_than_the_best_prices(
    books: TriangleBooks, taker_bps: Decimal, direction: TriangleDirection
) -> None:
    edge = triangle_edge(books, taker_bps, direction)
    assert edge.profit_quote >= ZERO
    assert (edge.size_base > ZERO) is (edge.top_edge_bps > ZERO)
    assert edge.edge_bps <= edge.top_edge_bps + NOISE
