"""A market's public trades from an id on, without a key: Binance's aggregate trades.

Trades of one taker at one price and time are one row there, numbered without gaps. (`historicalTrades` has the single
ones, but wants a key.) A number that is skipped, or too many trades to page through, is a hole: reported, never
guessed. Every read starts at the last trade that was seen; a venue that does not list it any more is behind.
"""

from collections.abc import Mapping
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.dialect import Ask, Call
from marketmaker.adapters.ccxt_venue.public_trades import Hole, PublicTrade, TradesRead
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol
from marketmaker.ports import Unknown

PAGE = 1_000
MAX_PAGES = 10
"""Pages of one read; whoever is further behind gets the newest page, and a hole before it."""


def read_trades(
    ask: Ask,
    wanted: Mapping[Symbol, tuple[str, int | None]],
    route: str = "publicGetAggTrades",
) -> dict[Symbol, TradesRead | Unknown]:
    """Read every market to its newest trade, a page of each in one parallel round.

    `wanted` names each market as the venue does, and the id to read from; None asks for the newest trade's id only.
    `route` is what ccxt calls the venue's list of them.
    """
    readings = {symbol: _Reading(name, next_id, route) for symbol, (name, next_id) in wanted.items()}
    while waiting := [each for each in readings.values() if each.is_open]:
        for reading, page in zip(waiting, ask([each.call() for each in waiting]), strict=True):
            reading.take(page)
    return {symbol: reading.result() for symbol, reading in readings.items()}


class _Reading:
    """One market's pages."""

    def __init__(self, market_id: str, next_id: int | None, route: str) -> None:
        self._market_id = market_id
        self._route = route
        self._next_id = next_id
        self._trades: list[PublicTrade] = []
        self._holes: list[Hole] = []
        self._pages = 0
        self._outcome: TradesRead | Unknown | None = None

    @property
    def is_open(self) -> bool:
        """Whether another page is needed."""
        return self._outcome is None

    def call(self) -> Call[list[PublicTrade]]:
        """Return the next request: without an id the venue answers with its newest trades."""
        params: dict[str, Any] = {"symbol": self._market_id, "limit": 1 if self._next_id is None else PAGE}
        if self._next_id is not None and self._pages < MAX_PAGES:
            params["fromId"] = max(0, self._next_id - 1)
        return lambda client: _parse_page(getattr(client, self._route)(params))

    def take(self, page: list[PublicTrade] | Unknown) -> None:
        """Add a page; the last one has room left, or is the newest one after too many."""
        self._pages += 1
        if isinstance(page, Unknown):
            self._outcome = page
        elif self._next_id is None:
            self._outcome = TradesRead(trades=(), next_id=page[-1].trade_id + 1 if page else 0)
        elif self._next_id > (page[-1].trade_id + 1 if page else 0):
            self._outcome = Unknown(
                reason=f"the public trades of {self._market_id} end before {self._next_id - 1}, the last one seen: "
                "the venue is behind"
            )
        else:
            self._next_id = self._add(self._next_id, page)
            if len(page) < PAGE or self._pages > MAX_PAGES:
                self._outcome = TradesRead(trades=tuple(self._trades), next_id=self._next_id, holes=tuple(self._holes))

    def result(self) -> TradesRead | Unknown:
        """Return what was read; a market with an unread page is unknown as a whole."""
        return self._outcome or Unknown(reason="not read to its end")

    def _add(self, next_id: int, page: list[PublicTrade]) -> int:
        for trade in page:
            if trade.trade_id >= next_id:
                if trade.trade_id > next_id:
                    self._holes.append(Hole(from_id=next_id, to_id=trade.trade_id))
                self._trades.append(trade)
                next_id = trade.trade_id + 1
        return next_id


def _parse_page(answer: object) -> list[PublicTrade]:
    trades = [_parse(row) for row in parsing.expect_list(answer, "the public trades")]
    parsing.expect_unique((trade.trade_id for trade in trades), "a public trade")
    return sorted(trades, key=lambda trade: trade.trade_id)


def _parse(answer: object) -> PublicTrade:
    row = parsing.expect_row(answer, "a public trade")
    return PublicTrade(
        trade_id=parsing.whole(row.get("a"), "a public trade's id"),
        taker_side=Side.SELL if parsing.flag(row.get("m"), "a public trade's taker's side") else Side.BUY,
        price=parsing.positive(row.get("p"), "a public trade's price"),
        size_base=parsing.positive(row.get("q"), "a public trade's size"),
        time_ms=parsing.whole(row.get("T"), "a public trade's time"),
    )
