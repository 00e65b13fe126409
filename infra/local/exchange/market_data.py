"""The public routes: time, symbols, books and tickers."""

import json

from infra.local.exchange.dialect import SYMBOL, ApiError, Params, fixed, unknown_symbol
from infra.local.exchange.listing import Json, Listing, levels, rate_limits
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Level
from marketmaker.simulation.statistics import DAY_US

MAX_DEPTH = 5_000
DEFAULT_DEPTH = 100


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
    for symbol in _named_symbols(params):
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
    depth = listing.engine.depth(min(MAX_DEPTH, params.optional_integer("limit") or DEFAULT_DEPTH))
    return {"lastUpdateId": depth.update_id, "bids": levels(depth.bids), "asks": levels(depth.asks)}


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
    for symbol in _named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    entry: Json = {"symbol": listing.market_id, **fields}
    return entry if "symbol" in params else [entry]


def _named_symbols(params: Params) -> list[str]:
    if "symbol" in params:
        return [params.text("symbol", SYMBOL)]
    if "symbols" not in params:
        return []
    try:
        names = json.loads(params.text("symbols"))
    except json.JSONDecodeError as error:
        raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.") from error
    return [str(name) for name in names] if isinstance(names, list) else [str(names)]
