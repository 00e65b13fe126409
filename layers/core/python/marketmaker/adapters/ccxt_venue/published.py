"""What a venue publishes of its markets beside the book: klines and the volume of the day, as requests to ccxt."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.dialects import Dialect
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.units import Symbol
from marketmaker.errors import Refused, Unresolved

KLINES_A_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class KlinesWanted:
    """The klines of one interval that open in [since, until)."""

    symbol: Symbol
    since_ms: int
    until_ms: int
    interval_ms: int


def klines_page(wanted: KlinesWanted, market_id: str, dialect: Dialect) -> Callable[[Any], list[Kline]]:
    """Ask for the first page of klines."""

    def call(client: Any) -> list[Kline]:
        symbol, interval_ms = wanted.symbol, wanted.interval_ms
        interval = dialect.intervals.get(interval_ms)
        if interval is None:
            raise Refused(f"there are no klines of {interval_ms} ms of {symbol}")
        asked = {"symbol": market_id, "interval": interval, "limit": KLINES_A_PAGE}
        answer = getattr(client, dialect.routes.klines)(
            asked | {"startTime": wanted.since_ms, "endTime": wanted.until_ms - 1}
        )
        rows = parsing.expect_list(answer, f"the klines of {symbol}")
        klines = [parsing.parse_kline(symbol, row, interval_ms) for row in rows]
        opened_ms = [wanted.since_ms - 1, *(each.open_ms for each in klines), wanted.until_ms]
        if opened_ms != sorted(set(opened_ms)):
            raise Unresolved(f"the klines of {symbol} came out of order, or from another time than was asked for")
        return klines

    return call


def day_volumes(market_ids: dict[Symbol, str], dialect: Dialect) -> Callable[[Any], list[DayVolume]]:
    """Ask for the day's volume of these markets in one request; one that is missing fails it."""

    def call(client: Any) -> list[DayVolume]:
        ask = getattr(client, dialect.routes.day)
        if dialect.lists_by_symbols:
            ids = json.dumps(list(market_ids.values()), separators=(",", ":"))
            rows = parsing.expect_list(ask({"symbols": ids}), "the volumes of the day")
        else:
            rows = [ask({"symbol": market_id}) for market_id in market_ids.values()]
        listed = [parsing.expect_row(row, "a volume of the day") for row in rows]
        found = {parsing.text(row.get("symbol"), "the symbol of a volume"): row for row in listed}
        missing = [symbol for symbol, market_id in market_ids.items() if market_id not in found]
        if missing:
            raise Unresolved(f"the volumes of the day came without {', '.join(missing)}")
        return [parsing.parse_day_volume(symbol, found[market_id]) for symbol, market_id in market_ids.items()]

    return call


def next_page_ms(page: Sequence[Kline]) -> int | None:
    """Return where the next page starts, None after the last one."""
    return page[-1].end_ms if len(page) == KLINES_A_PAGE else None
