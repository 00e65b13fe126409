"""The public data that Binance's spot and futures APIs write alike: time, trades, klines and the touch."""

from typing import Any

from infra.local.exchange.binance.words import fixed, listed, named_symbols, unknown_symbol
from infra.local.exchange.dialect import ApiError, Params
from infra.local.exchange.market import Json, Market
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Level

MAX_DEPTH = 5_000
DEFAULT_DEPTH = 100
MAX_TRADES = 1_000
DEFAULT_TRADES = 500
MAX_KLINES = 1_000
DEFAULT_KLINES = 500
_INTERVALS_MS = {"1s": 1_000, "1m": 60_000}


def ping(_listing: Market[Any], _params: Params, _market_us: int) -> Json:
    """GET /ping."""
    return {}


def show_time(listing: Market[Any], _params: Params, market_us: int) -> Json:
    """GET /time."""
    return {"serverTime": listing.clock.wall_ms(market_us)}


def show_public_trades(listing: Market[Any], params: Params, _market_us: int) -> list[Json]:
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


def show_klines(listing: Market[Any], params: Params, _market_us: int) -> list[list[object]]:
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


def show_price(listing: Market[Any], params: Params, _market_us: int) -> Json | list[Json]:
    """GET /ticker/price."""
    return one_or_all(listing, params, {"price": fixed(listing.last_price())})


def show_touch(listing: Market[Any], params: Params, _market_us: int) -> Json | list[Json]:
    """GET /ticker/bookTicker."""
    return one_or_all(listing, params, touch(listing))


def touch(listing: Market[Any]) -> Json:
    """Write the best level of both sides."""
    depth = listing.engine.depth(1)
    empty = (Level(ZERO, ZERO),)
    bid, ask = (depth.bids or empty)[0], (depth.asks or empty)[0]
    return {
        "bidPrice": fixed(bid.price),
        "bidQty": fixed(bid.size),
        "askPrice": fixed(ask.price),
        "askQty": fixed(ask.size),
    }


def one_or_all(listing: Market[Any], params: Params, fields: Json) -> Json | list[Json]:
    """Answer with one object for a named symbol, else with a list as if all had been asked for."""
    for symbol in named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    entry: Json = {"symbol": listing.market_id, **fields}
    return entry if "symbol" in params else [entry]
