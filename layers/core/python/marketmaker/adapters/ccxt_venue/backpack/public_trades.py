"""A market's public trades without a key: the venue lists the newest ones, numbered, and takes no number to start at.

What lies between the last trade that was seen and the oldest one of the page is a hole: reported, never guessed. A
venue whose newest trade is older than the last one seen is behind.
"""

from collections.abc import Mapping
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.backpack.words import market_id
from marketmaker.adapters.ccxt_venue.dialect import Ask, Call
from marketmaker.adapters.ccxt_venue.public_trades import Hole, PublicTrade, TradesRead
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol
from marketmaker.ports import Unknown

PAGE = 1_000


def read_trades(ask: Ask, from_ids: Mapping[Symbol, int | None]) -> dict[Symbol, TradesRead | Unknown]:
    """Read the newest page of each market's trades in one parallel round."""
    pages = ask([_page(symbol) for symbol in from_ids])
    return {symbol: _read(symbol, page, from_ids[symbol]) for symbol, page in zip(from_ids, pages, strict=True)}


def _page(symbol: Symbol) -> Call[list[PublicTrade]]:
    params = {"symbol": market_id(symbol), "limit": PAGE}

    def call(client: Any) -> list[PublicTrade]:
        rows = parsing.expect_list(client.publicGetApiV1Trades(params), f"the public trades of {symbol}")
        trades = [_parse(row) for row in rows]
        parsing.expect_unique((trade.trade_id for trade in trades), "a public trade")
        return sorted(trades, key=lambda trade: trade.trade_id)

    return call


def _parse(answer: object) -> PublicTrade:
    row = parsing.expect_row(answer, "a public trade")
    is_sale = parsing.flag(row.get("isBuyerMaker"), "a public trade's taker's side")
    return PublicTrade(
        trade_id=parsing.whole(row.get("id"), "a public trade's id"),
        taker_side=Side.SELL if is_sale else Side.BUY,
        price=parsing.positive(row.get("price"), "a public trade's price"),
        size_base=parsing.positive(row.get("quantity"), "a public trade's size"),
        time_ms=parsing.moment(row.get("timestamp"), "a public trade's time"),
    )


def _read(symbol: Symbol, page: list[PublicTrade] | Unknown, from_id: int | None) -> TradesRead | Unknown:
    if isinstance(page, Unknown):
        return page
    after = page[-1].trade_id + 1 if page else 0
    if from_id is None:
        return TradesRead(trades=(), next_id=after)
    if from_id > after:
        reason = f"the public trades of {symbol} end before {from_id - 1}, the last one seen: the venue is behind"
        return Unknown(reason=reason)
    trades = tuple(trade for trade in page if trade.trade_id >= from_id)
    expected = [from_id, *(trade.trade_id + 1 for trade in trades[:-1])]
    holes = tuple(
        Hole(from_id=next_id, to_id=trade.trade_id)
        for next_id, trade in zip(expected, trades, strict=False)
        if trade.trade_id > next_id
    )
    return TradesRead(trades=trades, next_id=after, holes=holes)
