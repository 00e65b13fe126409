"""The triangular check: a market against the two legs of a cross, after fees, as deep as the books allow (S15).

A market A/B and the legs A/C and C/B make a ring: what is bought in the market can be sold through C, and the other way
round. Every leg takes, and pays its taker fee out of what it receives, so the next one trades less. Sizes are not cut
to lots, nor held to least sizes: the smallest profit that anybody is told of is far above both.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from marketmaker.domain.models import TriangleSettings
from marketmaker.domain.pricing import BOOK_LEVELS, Book
from marketmaker.domain.units import BPS, ONE, ZERO

__all__ = [
    "TriangleBooks",
    "TriangleDirection",
    "TriangleEdge",
    "TriangleSettings",
    "best_edge",
    "is_worth_telling",
    "triangle_edge",
]


class TriangleDirection(StrEnum):
    """Which way round: buy in the market and sell through the cross, or buy through it and sell in the market."""

    BUY_DIRECT = "buy_direct"
    SELL_DIRECT = "sell_direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleBooks:
    """The books of a ring: the market itself A/B, `source` A/C and `rate` C/B; all two-sided and not crossed."""

    direct: Book
    source: Book
    rate: Book


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleEdge:
    """What going round once would earn after three taker fees.

    `size_base` is what the market's own leg trades, 0 where no first unit earns anything; then `edge_bps`, else the
    edge on the executed average, is that of the best prices, `top_edge_bps`.
    """

    direction: TriangleDirection
    edge_bps: Decimal
    top_edge_bps: Decimal
    size_base: Decimal
    profit_quote: Decimal


def best_edge(books: TriangleBooks, taker_bps: Decimal) -> TriangleEdge:
    """Return the direction that earns more, or that loses less where neither earns."""
    edges = (triangle_edge(books, taker_bps, direction) for direction in TriangleDirection)
    return max(edges, key=lambda edge: (edge.profit_quote, edge.top_edge_bps))


def is_worth_telling(edge: TriangleEdge, settings: TriangleSettings) -> bool:
    """Tell whether an executable edge reaches what a market's settings ask for."""
    return (
        edge.size_base > ZERO
        and edge.edge_bps >= settings.min_edge_bps
        and edge.profit_quote >= settings.min_profit_quote
    )


def triangle_edge(books: TriangleBooks, taker_bps: Decimal, direction: TriangleDirection) -> TriangleEdge:
    """Go round in one direction, level by level, for as long as one more unit earns."""
    ring = _Ring(books, ONE - taker_bps * BPS, direction)
    top_edge_bps = _edge_bps(*ring.unit())
    size = cost = proceeds = ZERO
    while ring.has_levels:
        unit_cost, unit_proceeds = ring.unit()
        if unit_proceeds <= unit_cost:
            break
        step = ring.take()
        size += step
        cost += step * unit_cost
        proceeds += step * unit_proceeds
    return TriangleEdge(
        direction=direction,
        edge_bps=_edge_bps(cost, proceeds) if size else top_edge_bps,
        top_edge_bps=top_edge_bps,
        size_base=size,
        profit_quote=proceeds - cost,
    )


class _Ring:
    """Three sides of books, and how far each is eaten; a unit is one base traded in the market's own leg.

    `kept` is what a taker fee leaves of what a leg receives.
    """

    def __init__(self, books: TriangleBooks, kept: Decimal, direction: TriangleDirection) -> None:
        self._kept = kept
        self._direction = direction
        legs = (books.direct, books.source, books.rate)
        match direction:
            case TriangleDirection.BUY_DIRECT:
                sides = (legs[0].asks, legs[1].bids, legs[2].bids)
            case TriangleDirection.SELL_DIRECT:
                sides = (legs[0].bids, legs[1].asks, legs[2].asks)
            case _:
                assert_never(direction)
        self._sides = [list(side[:BOOK_LEVELS]) for side in sides]
        self._left = [side[0].size_base for side in self._sides]

    @property
    def has_levels(self) -> bool:
        """Tell whether every side has a level left."""
        return all(self._sides)

    def unit(self) -> tuple[Decimal, Decimal]:
        """Return in quote currency what a unit costs and brings at the present levels."""
        kept = self._kept
        direct, source, rate = (side[0].price for side in self._sides)
        if self._direction is TriangleDirection.BUY_DIRECT:
            return direct, kept * source * kept * rate * kept
        return source * rate / kept / kept, direct * kept

    def take(self) -> Decimal:
        """Trade as many units as the smallest of the present levels has, and go on behind what is used up."""
        traded = self._traded()
        units = [left / each for left, each in zip(self._left, traded, strict=True)]
        step = min(units)
        for number, each in enumerate(traded):
            if units[number] == step:
                del self._sides[number][0]
                self._left[number] = self._sides[number][0].size_base if self._sides[number] else ZERO
            else:
                self._left[number] = max(ZERO, self._left[number] - step * each)
        return step

    def _traded(self) -> tuple[Decimal, Decimal, Decimal]:
        """Return what a unit trades in each leg, in that leg's own base."""
        kept, source = self._kept, self._sides[1][0].price
        if self._direction is TriangleDirection.BUY_DIRECT:
            return ONE, kept, kept * source * kept
        return ONE, ONE / kept, source / kept / kept


def _edge_bps(cost: Decimal, proceeds: Decimal) -> Decimal:
    return (proceeds / cost - ONE) / BPS
