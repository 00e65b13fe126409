"""The public routes that only the spot API writes so: symbols, books and tickers."""

from infra.local.exchange.binance.limits import LimitRules, OrderLimit
from infra.local.exchange.binance.market_data import DEFAULT_DEPTH, MAX_DEPTH, one_or_all, touch
from infra.local.exchange.binance.words import fixed, levels, listed, named_symbols, unknown_symbol
from infra.local.exchange.binance_spot.listing import Listing
from infra.local.exchange.dialect import Params
from infra.local.exchange.market import Json
from marketmaker.domain.units import ZERO
from marketmaker.simulation.statistics import DAY_US

LIMITS = LimitRules(
    weight_per_minute=6_000, orders=(OrderLimit(interval="SECOND", count=10, span_ms=10_000, limit=100),)
)


def show_symbols(listing: Listing, params: Params, market_us: int) -> Json:
    """GET /exchangeInfo, of all symbols or those named."""
    for symbol in named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    return {
        "timezone": "UTC",
        "serverTime": listing.clock.wall_ms(market_us),
        "rateLimits": LIMITS.describe(),
        "exchangeFilters": [],
        "symbols": [listing.info()],
    }


def show_depth(listing: Listing, params: Params, _market_us: int) -> Json:
    """GET /depth: the market's levels and the account's own orders together."""
    listed(listing, params)
    depth = listing.depth(min(MAX_DEPTH, params.optional_integer("limit") or DEFAULT_DEPTH))
    return {"lastUpdateId": depth.update_id, "bids": levels(depth.bids), "asks": levels(depth.asks)}


def show_day(listing: Listing, params: Params, _market_us: int) -> Json | list[Json]:
    """GET /ticker/24hr."""
    day, last = listing.day(), listing.engine.day.last
    change = day.last - day.open
    close_ms = listing.clock.wall_ms(listing.engine.now_us)
    return one_or_all(
        listing,
        params,
        {
            "priceChange": fixed(change),
            "priceChangePercent": format(100 * change / day.open if day.open else ZERO, ".3f"),
            "weightedAvgPrice": format(day.volume_quote / day.volume_base if day.volume_base else ZERO, ".8f"),
            "prevClosePrice": fixed(day.open),
            "lastPrice": fixed(day.last),
            "lastQty": fixed(ZERO if last is None else last.size_base),
            **touch(listing),
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
