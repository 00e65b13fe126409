"""The public routes that only the USDⓈ-M API has or writes so: symbols, books, marks and funding rates."""

from infra.local.exchange.binance.limits import LimitRules, OrderLimit
from infra.local.exchange.binance.market_data import one_or_all
from infra.local.exchange.binance.words import BinanceParams, fixed, levels, listed, named_symbols, unknown_symbol
from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.market import Json
from marketmaker.domain.units import ZERO
from marketmaker.simulation.statistics import DAY_US

LIMITS = LimitRules(
    weight_per_minute=2_400,
    orders=(
        OrderLimit(interval="SECOND", count=10, span_ms=10_000, limit=300),
        OrderLimit(interval="MINUTE", count=1, span_ms=60_000, limit=1_200),
    ),
)
MAX_DEPTH = 1_000
DEFAULT_DEPTH = 500
MAX_RATES = 1_000
DEFAULT_RATES = 100
_HOUR_MS = 3_600_000


def show_symbols(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json:
    """GET /exchangeInfo."""
    for symbol in named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    return {
        "timezone": "UTC",
        "serverTime": listing.clock.wall_ms(market_us),
        "futuresType": "U_MARGINED",
        "rateLimits": LIMITS.describe(),
        "exchangeFilters": [],
        "assets": [{"asset": listing.instrument.quote, "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [listing.info()],
    }


def show_depth(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json:
    """GET /depth: the market's levels and the account's own orders together."""
    listed(listing, params)
    depth = listing.depth(min(MAX_DEPTH, params.optional_integer("limit") or DEFAULT_DEPTH))
    time_ms = listing.clock.wall_ms(market_us)
    return {
        "lastUpdateId": depth.update_id,
        "E": time_ms,
        "T": time_ms,
        "bids": levels(depth.bids),
        "asks": levels(depth.asks),
    }


def show_day(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json | list[Json]:
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
            "lastPrice": fixed(day.last),
            "lastQty": fixed(ZERO if last is None else last.size_base),
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


def show_premium(listing: UsdmListing, params: BinanceParams, market_us: int) -> Json | list[Json]:
    """GET /premiumIndex: the mark price and the rate of the next funding; there is no index but the mark."""
    mark = fixed(listing.shown_margin.mark)
    return one_or_all(
        listing,
        params,
        {
            "markPrice": mark,
            "indexPrice": mark,
            "estimatedSettlePrice": mark,
            "lastFundingRate": fixed(listing.engine.funding.rate),
            "interestRate": "0.00010000",
            "nextFundingTime": listing.next_funding_ms,
            "time": listing.clock.wall_ms(market_us),
        },
    )


def show_past_rates(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /fundingRate: the past rates ascending, from a time on or else the newest."""
    for symbol in named_symbols(params):
        if symbol != listing.market_id:
            raise unknown_symbol()
    limit = min(MAX_RATES, params.optional_integer("limit") or DEFAULT_RATES)
    start_ms, end_ms = params.optional_integer("startTime"), params.optional_integer("endTime")
    told = [(listing.clock.wall_ms(past.time_us), past) for past in listing.engine.funding.past]
    wanted = [
        {
            "symbol": listing.market_id,
            "fundingTime": time_ms,
            "fundingRate": fixed(past.rate),
            "markPrice": fixed(past.mark),
        }
        for time_ms, past in told
        if (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)
    ]
    return wanted[-limit:] if start_ms is None else wanted[:limit]


def show_funding_terms(listing: UsdmListing, _params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /fundingInfo."""
    return [
        {
            "symbol": listing.market_id,
            "adjustedFundingRateCap": "1.00000000",
            "adjustedFundingRateFloor": "-1.00000000",
            "fundingIntervalHours": max(1, listing.funding_interval_ms // _HOUR_MS),
            "disclaimer": False,
        }
    ]
