"""Look round the triangle of every implied price once a minute, and tell of an edge that could be taken (S15).

It trades nothing: nothing here makes three legs one. The three books are read side by side, and a look whose reading
took long is no look; the venue does not say how old a book is, so its age is how long ago it was asked for, at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, assert_never

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import SecondPrice
from marketmaker.domain.pricing import Book
from marketmaker.domain.triangle import (
    TriangleBooks,
    TriangleDirection,
    TriangleEdge,
    best_edge,
    is_worth_telling,
)
from marketmaker.domain.units import ZERO, AccountName, Symbol
from marketmaker.errors import AccountRefused, Fatal, Refused, Retryable
from marketmaker.ports import Alert, Alerts, Clock, Deadline, Prices, Severity, Telemetry, Unknown, Venue

MAX_READING_MS = 2_000
"""A round of reads that took longer shows three moments."""
TRIANGLE_EDGE = "triangle_edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangle:
    """A market of an account with the two legs of its cross, and the venue of all three, without a login.

    Every leg pays the taker fee of the market: the account's fee schedule knows no other.
    """

    account: AccountName
    venue_name: str
    venue: Venue
    market: MarketSettings
    legs: SecondPrice

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The market and its two legs."""
        return (self.market.symbol, *(listing.symbol for listing in self.legs.listings))


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleDesk:
    """What the look works with; `alongside` runs triangles side by side."""

    triangles: tuple[Triangle, ...]
    prices: Prices
    alerts: Alerts
    telemetry: Telemetry
    clock: Clock
    alongside: Executor


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleLook:
    """What one look saw: the better direction's edge, or why there is none; no book is older than `age_ms`."""

    triangle: Triangle
    age_ms: int
    edge: TriangleEdge | Unknown

    def fields(self) -> Mapping[str, Any]:
        """Describe the look in plain values."""
        fields: dict[str, Any] = {
            "account": self.triangle.account,
            "venue": self.triangle.venue_name,
            "symbols": self.triangle.symbols,
            "age_ms": self.age_ms,
        }
        if isinstance(self.edge, Unknown):
            return fields | {"unknown": self.edge.reason}
        return fields | {
            "direction": self.edge.direction,
            "edge_bps": f"{self.edge.edge_bps:.3f}",
            "top_edge_bps": f"{self.edge.top_edge_bps:.3f}",
            "size_base": f"{self.edge.size_base:.8f}",
            "profit_quote": f"{self.edge.profit_quote:.8f}",
        }


def triangles_of(accounts: Iterable[AccountSettings], venues: Mapping[str, Venue]) -> tuple[Triangle, ...]:
    """Return the triangles of all markets with an implied price whose cross is at their account's own venue."""
    return tuple(
        Triangle(account=account.name, venue_name=account.venue, venue=venues[account.venue], market=market, legs=legs)
        for account in accounts
        for market in account.markets
        if (legs := market.implied) is not None and _is_ring(account.venue, legs)
    )


def _is_ring(venue: str, legs: SecondPrice) -> bool:
    is_here = all(listing.venue == venue for listing in legs.listings)
    return legs.rate is not None and not legs.divides and is_here


def check_triangles(desk: TriangleDesk, deadline: Deadline) -> Sequence[TriangleLook]:
    """Look at every triangle, and tell where an edge opened or is over, once each.

    Raises:
        Fatal: the prices table itself refuses us (missing table or permission).
    """
    if not desk.triangles:
        return ()
    looking = [desk.alongside.submit(look_at, each, desk.clock, deadline) for each in desk.triangles]
    looks = [each.result() for each in looking]
    for look in looks:
        desk.telemetry.record("triangle", look.fields())
        _follow(desk, look)
    unknown = sum(isinstance(each.edge, Unknown) for each in looks)
    found = sum(isinstance(each.edge, TriangleEdge) and each.edge.size_base > ZERO for each in looks)
    counts = {"triangles": len(looks), "triangles_unknown": unknown, "triangles_executable": found}
    desk.telemetry.count(None, counts)
    return looks


def look_at(triangle: Triangle, clock: Clock, deadline: Deadline) -> TriangleLook:
    """Read the three books in one round and go round both ways."""
    asked_ms = clock.now_ms()
    bounded = Deadline(at_ms=min(deadline.at_ms, asked_ms + MAX_READING_MS), clock=clock)
    books = _read(triangle, bounded)
    age_ms = clock.now_ms() - asked_ms
    if not isinstance(books, Unknown) and age_ms > MAX_READING_MS:
        books = Unknown(reason=f"reading the books took {age_ms} ms")
    edge = books if isinstance(books, Unknown) else best_edge(books, triangle.market.fees.taker_bps)
    return TriangleLook(triangle=triangle, age_ms=age_ms, edge=edge)


def _read(triangle: Triangle, deadline: Deadline) -> TriangleBooks | Unknown:
    venue, symbols = triangle.venue, triangle.symbols
    if not venue.knows(symbols):
        return Unknown(reason=f"not all of {', '.join(symbols)} are described")
    try:
        answers = venue.read_books(symbols, deadline)
    except (Retryable, Refused, AccountRefused) as error:
        return Unknown(reason=str(error))
    books: list[Book] = []
    for symbol in symbols:
        book = answers[symbol]
        if isinstance(book, Unknown):
            return Unknown(reason=f"{symbol}: {book.reason}")
        if book.mid is None or book.is_crossed:
            return Unknown(reason=f"the book of {symbol} is one-sided or crossed")
        books.append(book)
    direct, source, rate = books
    return TriangleBooks(direct=direct, source=source, rate=rate)


def _follow(desk: TriangleDesk, look: TriangleLook) -> None:
    """Note whether the edge stands open, and tell of a change; what could not be told or noted is the next run's.

    An unknown edge changes nothing.
    """
    settings = look.triangle.market.triangle
    if isinstance(look.edge, Unknown) or settings is None:
        return
    is_open = is_worth_telling(look.edge, settings)
    try:
        if _mark(desk, look.triangle, is_open=is_open) and not _tell(desk, look, look.edge, is_open=is_open):
            _mark(desk, look.triangle, is_open=not is_open)
    except (Retryable, Refused) as error:
        desk.telemetry.record("triangle_not_kept", {"symbol": look.triangle.market.symbol, "reason": str(error)})


def _mark(desk: TriangleDesk, triangle: Triangle, *, is_open: bool) -> bool:
    return desk.prices.mark_triangle(
        triangle.venue_name,
        triangle.market.symbol,
        triangle.account,
        is_open=is_open,
        now_ms=desk.clock.now_ms(),
    )


def _tell(desk: TriangleDesk, look: TriangleLook, edge: TriangleEdge, *, is_open: bool) -> bool:
    account, symbol = look.triangle.account, look.triangle.market.symbol
    alert = Alert(
        account=account,
        kind=TRIANGLE_EDGE,
        severity=Severity.INFO,
        text=f"{account} {symbol}: {_opened(look, edge) if is_open else _over(edge)}",
        symbol=symbol,
        resolves=None if is_open else Severity.INFO,
    )
    try:
        desk.alerts.send(alert)
    except (Retryable, Refused, Fatal) as error:
        fields = {"account": alert.account, "kind": alert.kind, "text": alert.text, "reason": str(error)}
        desk.telemetry.record("alert_failed", fields)
        return False
    return True


def _opened(look: TriangleLook, edge: TriangleEdge) -> str:
    symbol, source, rate = look.triangle.symbols
    base, quote = symbol.split("/")
    match edge.direction:
        case TriangleDirection.BUY_DIRECT:
            way = f"bought here and sold through {source} and {rate}"
        case TriangleDirection.SELL_DIRECT:
            way = f"bought through {rate} and {source} and sold here"
        case _:
            assert_never(edge.direction)
    return (
        f"{edge.size_base:.4f} {base} {way} would earn {edge.profit_quote:.2f} {quote}, {edge.edge_bps:.1f} bps after "
        f"three taker fees, by books at most {look.age_ms} ms old. Nothing was traded"
    )


def _over(edge: TriangleEdge) -> str:
    return f"the edge round its triangle is over: {edge.edge_bps:.1f} bps after three taker fees"
