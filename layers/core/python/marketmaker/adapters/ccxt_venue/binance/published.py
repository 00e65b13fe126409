"""What is asked of Binance in public: clock, book, last price, klines and the volume of the day."""

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing as shape
from marketmaker.adapters.ccxt_venue.binance import parsing
from marketmaker.adapters.ccxt_venue.binance.apis import Api, market_id
from marketmaker.adapters.ccxt_venue.dialect import BOOK_LEVELS, Call, KlinesWanted, Read
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Symbol
from marketmaker.errors import Refused, Unresolved

KLINES_A_PAGE = 1000


def book_of(api: Api, symbol: Symbol) -> Call[Book]:
    """Ask for a market's book."""
    params = {"symbol": market_id(symbol), "limit": BOOK_LEVELS}
    return lambda client: parsing.parse_book(symbol, getattr(client, api.routes.depth)(params))


def last_price_of(api: Api, symbol: Symbol) -> Call[Decimal]:
    """Ask for the price of a market's last trade."""
    params = {"symbol": market_id(symbol)}
    return lambda client: parsing.parse_last_price(symbol, getattr(client, api.routes.price)(params))


def venue_time(api: Api) -> Call[int]:
    """Ask for the venue's clock."""
    return lambda client: parsing.parse_time(getattr(client, api.routes.time)())


def all_klines(read: Read, api: Api, wanted: KlinesWanted) -> list[Kline]:
    """Read klines, oldest first, to the last page."""
    klines: list[Kline] = []
    next_ms: int | None = wanted.since_ms
    while next_ms is not None and next_ms < wanted.until_ms:
        page = read(klines_page(replace(wanted, since_ms=next_ms), api))
        klines += page
        next_ms = _next_page_ms(page)
    return klines


def klines_page(wanted: KlinesWanted, api: Api) -> Call[list[Kline]]:
    """Ask for the first page of klines."""

    def call(client: Any) -> list[Kline]:
        symbol, interval_ms = wanted.symbol, wanted.interval_ms
        interval = api.intervals.get(interval_ms)
        if interval is None:
            raise Refused(f"there are no klines of {interval_ms} ms of {symbol}")
        asked = {"symbol": market_id(symbol), "interval": interval, "limit": KLINES_A_PAGE}
        answer = getattr(client, api.routes.klines)(
            asked | {"startTime": wanted.since_ms, "endTime": wanted.until_ms - 1}
        )
        rows = shape.expect_list(answer, f"the klines of {symbol}")
        klines = [parsing.parse_kline(symbol, row, interval_ms) for row in rows]
        opened_ms = [wanted.since_ms - 1, *(each.open_ms for each in klines), wanted.until_ms]
        if opened_ms != sorted(set(opened_ms)):
            raise Unresolved(f"the klines of {symbol} came out of order, or from another time than was asked for")
        return klines

    return call


def day_volumes(api: Api, symbols: Sequence[Symbol]) -> Call[list[DayVolume]]:
    """Ask for the day's volume of these markets; one that is missing fails it."""
    market_ids = {symbol: market_id(symbol) for symbol in symbols}

    def call(client: Any) -> list[DayVolume]:
        ask = getattr(client, api.routes.day)
        if api.lists_by_symbols:
            ids = json.dumps(list(market_ids.values()), separators=(",", ":"))
            rows = shape.expect_list(ask({"symbols": ids}), "the volumes of the day")
        else:
            rows = [ask({"symbol": each}) for each in market_ids.values()]
        listed = [shape.expect_row(row, "a volume of the day") for row in rows]
        found = {shape.text(row.get("symbol"), "the symbol of a volume"): row for row in listed}
        missing = [symbol for symbol, named in market_ids.items() if named not in found]
        if missing:
            raise Unresolved(f"the volumes of the day came without {', '.join(missing)}")
        return [parsing.parse_day_volume(symbol, found[named]) for symbol, named in market_ids.items()]

    return call


def _next_page_ms(page: Sequence[Kline]) -> int | None:
    """Return where the next page starts, None after the last one."""
    return page[-1].end_ms if len(page) == KLINES_A_PAGE else None
