"""The public routes: time, symbols, books and tickers."""

import json

from infra.local.exchange.dialect import SYMBOL, ApiError, Params, fixed, unknown_symbol
from infra.local.exchange.listing import Json, Listing, levels, rate_limits
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Level
from marketmaker.simulation.statistics import DAY_US

MAX_DEPTH = 5_000
DEFAULT_DEPTH = 100
MAX_TRADES = 1_000
DEFAULT_TRADES = 500
MAX_KLINES = 1_000
DEFAULT_KLINES = 500
_INTERVALS_MS = {"1s": 1_000, "1m": 60_000}


def listed(listing: Listing, params: Params) -> None:
    """Refuse a request whose mandatory symbol is not the listed one."""
    if params.text("symbol", SYMBOL) != listing.market_id:
        raise unknown_symbol()


def ping(_listing: Listing, _params: Params, _market_us: int) -> Json:
    """GET /ping."""
    return {}


def show_time(listing: Listing, _params: Params, market_us: int) -> Json:
    """GET /time."""
    return {"serverTime": listing.clock.wall_ms(market_us)}


def show_symbols(listing: Listing, params: Params, market_us: int) -> Json:
    """GET /exchangeInfo, of all symbols or those named."""
    for symbol in named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    return {
        "timezone": "UTC",
        "serverTime": listing.clock.wall_ms(market_us),
        "rateLimits": rate_limits(),
        "exchangeFilters": [],
        "symbols": [listing.info()],
    }


def show_depth(listing: Listing, params: Params, _market_us: int) -> Json:
    """GET /depth: the market's levels and the account's own orders together."""
    listed(listing, params)
    depth = listing.depth(min(MAX_DEPTH, params.optional_integer("limit") or DEFAULT_DEPTH))
    return {"lastUpdateId": depth.update_id, "bids": levels(depth.bids), "asks": levels(depth.asks)}


def show_public_trades(listing: Listing, params: Params, _market_us: int) -> list[Json]:
    """GET /aggTrades: the market's trades, from an id on or else the newest; each is one of the recording's."""
    listed(listing, params)
    tape, limit = listing.engine.tape, params.optional_integer("limit") or DEFAULT_TRADES
    if limit > MAX_TRADES:
        raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    from_id = params.optional_integer("fromId")
    return [
        {
            "a": number,
            "p": fixed(trade.price),
            "q": fixed(trade.size_base),
            "f": number,
            "l": number,
            "T": listing.clock.wall_ms(trade.time_us),
            "m": trade.taker_side is Side.SELL,
            "M": True,
        }
        for number, trade in tape.since(tape.next_id - limit if from_id is None else from_id, limit)
    ]


def show_klines(listing: Listing, params: Params, _market_us: int) -> list[list[object]]:
    """GET /klines: from a time on or else the newest, the one still open included; seconds and minutes only."""
    listed(listing, params)
    interval_ms = _INTERVALS_MS.get(params.text("interval"))
    if interval_ms is None:
        raise ApiError(-1120, "Invalid interval.")
    series = listing.klines.series[interval_ms]
    limit = min(MAX_KLINES, params.optional_integer("limit") or DEFAULT_KLINES)
    start_ms, end_ms = params.optional_integer("startTime"), params.optional_integer("endTime")
    now_ms = listing.clock.wall_ms(listing.engine.now_us)
    last_ms = now_ms if end_ms is None else min(now_ms, end_ms)
    last_ms -= last_ms % interval_ms
    if series.first_ms is None:
        return []
    if start_ms is None:
        first_ms = last_ms - (limit - 1) * interval_ms
    else:
        first_ms = max(series.first_ms, -(-start_ms // interval_ms) * interval_ms)
        last_ms = min(last_ms, first_ms + (limit - 1) * interval_ms)
    return [
        [
            candle.start_ms,
            *(fixed(price) for price in (candle.open, candle.high, candle.low, candle.close)),
            fixed(candle.base),
            candle.start_ms + interval_ms - 1,
            fixed(candle.quote),
            candle.count,
            fixed(candle.taker_buy_base),
            fixed(candle.taker_buy_quote),
            "0",
        ]
        for candle in series.between(first_ms, last_ms)
    ]


def show_day(listing: Listing, params: Params, _market_us: int) -> Json | list[Json]:
    """GET /ticker/24hr."""
    day, last = listing.day(), listing.engine.day.last
    change = day.last - day.open
    close_ms = listing.clock.wall_ms(listing.engine.now_us)
    return _one_or_all(
        listing,
        params,
        {
            "priceChange": fixed(change),
            "priceChangePercent": format(100 * change / day.open if day.open else ZERO, ".3f"),
            "weightedAvgPrice": format(day.volume_quote / day.volume_base if day.volume_base else ZERO, ".8f"),
            "prevClosePrice": fixed(day.open),
            "lastPrice": fixed(day.last),
            "lastQty": fixed(ZERO if last is None else last.size_base),
            **_touch(listing),
            "openPrice": fixed(day.open),
            "highPrice": fixed(day.high),
            "lowPrice": fixed(day.low),
            "volume": format(day.volume_base, ".8f"),
            "quoteVolume": format(day.volume_quote, ".8f"),
            "openTime": close_ms - DAY_US // 1000,
            "closeTime": close_ms,
            "firstId": -1,
            "lastId": -1,
            "count": day.count,
        },
    )


def show_price(listing: Listing, params: Params, _market_us: int) -> Json | list[Json]:
    """GET /ticker/price."""
    return _one_or_all(listing, params, {"price": fixed(listing.last_price())})


def show_touch(listing: Listing, params: Params, _market_us: int) -> Json | list[Json]:
    """GET /ticker/bookTicker."""
    return _one_or_all(listing, params, _touch(listing))


def _touch(listing: Listing) -> Json:
    depth = listing.engine.depth(1)
    empty = (Level(ZERO, ZERO),)
    bid, ask = (depth.bids or empty)[0], (depth.asks or empty)[0]
    return {
        "bidPrice": fixed(bid.price),
        "bidQty": fixed(bid.size),
        "askPrice": fixed(ask.price),
        "askQty": fixed(ask.size),
    }


def _one_or_all(listing: Listing, params: Params, fields: Json) -> Json | list[Json]:
    """Answer with one object for a named symbol, else with a list as if all had been asked for."""
    for symbol in named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    entry: Json = {"symbol": listing.market_id, **fields}
    return entry if "symbol" in params else [entry]


def named_symbols(params: Params) -> list[str]:
    """Read which symbols a request names; none means all."""
    if "symbol" in params:
        return [params.text("symbol", SYMBOL)]
    if "symbols" not in params:
        return []
    try:
        names = json.loads(params.text("symbols"))
    except json.JSONDecodeError as error:
        raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.") from error
    return [str(name) for name in names] if isinstance(names, list) else [str(names)]
