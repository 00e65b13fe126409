"""The public routes: time, markets, books, tickers, klines, marks and funding rates."""

from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.words import BackpackParams, bad_request, listed, listed_if_named, written_time
from infra.local.exchange.market import Json
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, plain

MAX_DEPTH = 1_000
MAX_ROWS = 1_000
DEFAULT_ROWS = 100
_MINUTE_MS = 60_000


def ping(_listing: BackpackListing, _params: BackpackParams, _market_us: int) -> str:
    """GET /ping."""
    return "pong"


def show_time(listing: BackpackListing, _params: BackpackParams, market_us: int) -> int:
    """GET /time: milliseconds, nothing else."""
    return listing.clock.wall_ms(market_us)


def show_status(_listing: BackpackListing, _params: BackpackParams, _market_us: int) -> Json:
    """GET /status."""
    return {"status": "Ok", "message": None}


def show_markets(listing: BackpackListing, _params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /markets."""
    return [listing.info()]


def show_market(listing: BackpackListing, params: BackpackParams, _market_us: int) -> Json:
    """GET /market."""
    listed(listing, params)
    return listing.info()


def show_assets(listing: BackpackListing, _params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /assets."""
    held = (listing.instrument.base, listing.instrument.quote)
    return [{"symbol": asset, "displayName": asset, "coingeckoId": asset.lower(), "tokens": []} for asset in held]


def show_securities(_listing: BackpackListing, _params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /securities: there are none."""
    return []


def show_depth(listing: BackpackListing, params: BackpackParams, market_us: int) -> Json:
    """GET /depth: both sides rise in price."""
    listed(listing, params)
    depth = listing.depth(min(MAX_DEPTH, params.optional_integer("limit") or MAX_DEPTH))
    return {
        "asks": [[plain(price), plain(size)] for price, size in depth.asks],
        "bids": [[plain(price), plain(size)] for price, size in reversed(depth.bids)],
        "lastUpdateId": str(depth.update_id),
        "timestamp": listing.clock.wall_us(market_us),
    }


def show_ticker(listing: BackpackListing, params: BackpackParams, _market_us: int) -> Json:
    """GET /ticker."""
    listed(listing, params)
    return _ticker(listing)


def show_tickers(listing: BackpackListing, _params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /tickers."""
    return [_ticker(listing)]


def show_klines(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /klines of one minute, from a time in seconds on; a minute without trades has none of its prices."""
    listed(listing, params)
    if params.text("interval") != "1m":
        raise bad_request("failed to parse parameter `interval`: the local exchange has klines of 1m only")
    start_ms, end_s = 1000 * params.integer("startTime"), params.optional_integer("endTime")
    now_ms = listing.clock.wall_ms(listing.engine.now_us)
    last_ms = min(now_ms, 1000 * end_s) if end_s is not None else now_ms
    first_ms = -(-start_ms // _MINUTE_MS) * _MINUTE_MS
    series = listing.klines.series[_MINUTE_MS]
    return [
        {
            "start": written_time(candle.start_ms).replace("T", " ")[:19],
            "end": written_time(candle.start_ms + _MINUTE_MS).replace("T", " ")[:19],
            "open": plain(candle.open) if candle.count else None,
            "high": plain(candle.high) if candle.count else None,
            "low": plain(candle.low) if candle.count else None,
            "close": plain(candle.close) if candle.count else None,
            "volume": plain(candle.base),
            "quoteVolume": plain(candle.quote),
            "trades": str(candle.count),
        }
        for candle in series.between(first_ms, last_ms - last_ms % _MINUTE_MS)
    ]


def show_marks(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /markPrices: the mark and the rate of the next funding; there is no index but the mark."""
    listed_if_named(listing, params)
    mark = plain(listing.shown_margin.mark)
    return [
        {
            "symbol": listing.market_id,
            "markPrice": mark,
            "indexPrice": mark,
            "fundingRate": plain(listing.engine.funding.rate),
            "nextFundingTimestamp": listing.next_funding_ms,
        }
    ]


def show_past_rates(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /fundingRates, the newest first."""
    listed(listing, params)
    limit = min(MAX_ROWS, params.optional_integer("limit") or DEFAULT_ROWS)
    return [
        {
            "symbol": listing.market_id,
            "fundingRate": plain(past.rate),
            "intervalEndTimestamp": written_time(listing.clock.wall_ms(past.time_us))[:19],
        }
        for past in list(reversed(listing.engine.funding.past))[:limit]
    ]


def show_open_interest(listing: BackpackListing, params: BackpackParams, market_us: int) -> list[Json]:
    """GET /openInterest: nobody but the account has a position."""
    listed_if_named(listing, params)
    size = plain(abs(listing.engine.account.position.size_base))
    return [{"symbol": listing.market_id, "openInterest": size, "timestamp": listing.clock.wall_ms(market_us)}]


def show_public_trades(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /trades, the newest first."""
    listed(listing, params)
    tape, limit = listing.engine.tape, min(MAX_ROWS, params.optional_integer("limit") or DEFAULT_ROWS)
    return [
        {
            "id": number,
            "price": plain(trade.price),
            "quantity": plain(trade.size_base),
            "quoteQuantity": plain(trade.price * trade.size_base),
            "timestamp": listing.clock.wall_ms(trade.time_us),
            "isBuyerMaker": trade.taker_side is Side.SELL,
        }
        for number, trade in reversed(list(tape.since(tape.next_id - limit, limit)))
    ]


def _ticker(listing: BackpackListing) -> Json:
    day = listing.day()
    change = day.last - day.open
    return {
        "symbol": listing.market_id,
        "firstPrice": plain(day.open),
        "lastPrice": plain(day.last),
        "high": plain(day.high),
        "low": plain(day.low),
        "priceChange": plain(change),
        "priceChangePercent": format(change / day.open if day.open else ZERO, ".6f"),
        "volume": format(day.volume_base, ".8f"),
        "quoteVolume": format(day.volume_quote, ".8f"),
        "trades": str(day.count),
    }
