"""What is past at Backpack: lists of which the newest rows come first, read page by page (R14, R15).

Pages are counted off from the newest row, so rows that come meanwhile make pages overlap, and never leave a hole. A row
is known by its own id; rows of one moment come in any order, so a read goes on past the whole of its last moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.backpack.words import expect_market, market_id
from marketmaker.adapters.ccxt_venue.dialect import Call, Read
from marketmaker.domain.units import Symbol
from marketmaker.errors import Unresolved

ROWS_A_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row[K, V]:
    """A row of a list: what it is known by, when it happened, what it says."""

    key: K
    time_ms: int
    value: V


@dataclass(frozen=True, slots=True, kw_only=True)
class History[K, V]:
    """One list of a market's past: ccxt's name of its route, what else is asked, and how a row is read."""

    symbol: Symbol
    what: str
    route: str
    parse: Callable[[Any], Row[K, V]]
    asked: tuple[tuple[str, str], ...] = ()

    def page(self, offset: int = 0) -> Call[list[Row[K, V]]]:
        """Ask for a page, the newest row first; a row of another market, or out of order, spoils it."""
        params = {
            "symbol": market_id(self.symbol),
            "limit": ROWS_A_PAGE,
            "offset": offset,
            "sortDirection": "Desc",
            **dict(self.asked),
        }

        def call(client: Any) -> list[Row[K, V]]:
            listed = parsing.expect_list(getattr(client, self.route)(params), f"the {self.what}s of {self.symbol}")
            rows = [parsing.expect_row(each, f"a {self.what}") for each in listed]
            for each in rows:
                expect_market(each, self.symbol, f"a {self.what}")
            found = [self.parse(each) for each in rows]
            times = [each.time_ms for each in found]
            if times != sorted(times, reverse=True):
                raise Unresolved(f"the {self.what}s of {self.symbol} came in another order than was asked for")
            return found

        return call

    def back_to(self, read: Read, is_before: Callable[[Row[K, V]], bool]) -> dict[K, Row[K, V]]:
        """Read all rows but those before a point, and some of those: to the end of the first of their moments.

        Raises:
            Unresolved: two answers differ about a row, or a full page leads nowhere.
        """
        found: dict[K, Row[K, V]] = {}
        offset = 0
        while True:
            page = read(self.page(offset))
            known = len(found)
            for row in page:
                if found.setdefault(row.key, row) != row:
                    raise Unresolved(f"the {self.what} {row.key} of {self.symbol} came twice and differs")
            if len(page) < ROWS_A_PAGE or self._is_past(list(found.values()), page, is_before):
                return found
            if len(found) == known:
                raise Unresolved(f"the {self.what}s of {self.symbol} do not go on after {offset}")
            offset += len(page)

    def _is_past(
        self, found: Sequence[Row[K, V]], page: Sequence[Row[K, V]], is_before: Callable[[Row[K, V]], bool]
    ) -> bool:
        newest_ms = max((each.time_ms for each in found if is_before(each)), default=None)
        return newest_ms is not None and page[-1].time_ms < newest_ms
