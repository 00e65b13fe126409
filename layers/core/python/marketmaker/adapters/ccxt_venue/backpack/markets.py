"""What is asked of Backpack in public: markets, clock, book, prices, klines, trades and funding rates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.backpack.words import expect_market, market_id, written_time
from marketmaker.adapters.ccxt_venue.dialect import BOOK_LEVELS, Call, KlinesWanted, Market, Premium, Read
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.positions import FundingRate
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.errors import Refused, Unresolved

KLINES_A_PAGE = 1_000
_INTERVALS = {60_000: "1m"}
_NAMES = ("baseSymbol", "quoteSymbol", "marketType", "orderBookState")


def venue_time(client: Any) -> int:
    """Ask for the venue's clock: a bare number, which ccxt's own method misreads."""
    return parsing.moment(client.publicGetApiV1Time(), "the venue's time")


def listed(symbols: Sequence[Symbol]) -> Call[dict[Symbol, Market]]:
    """Ask for all markets at once; those that were not asked for, and are named, are passed over."""
    wanted = {market_id(symbol): symbol for symbol in symbols}

    def call(client: Any) -> dict[Symbol, Market]:
        rows = parsing.expect_list(client.publicGetApiV1Markets(), "the metadata")
        named = [
            (parsing.text(parsing.expect_row(row, "a market").get("symbol"), "a market's symbol"), row) for row in rows
        ]
        if not named:
            raise Unresolved("the metadata came without any market")
        parsing.expect_unique((name for name, _ in named if name in wanted), "a market")
        return {wanted[name]: _read_market(client, row, wanted[name]) for name, row in named if name in wanted}

    return call


def _read_market(client: Any, row: Mapping[str, Any], symbol: Symbol) -> Market:
    """Let ccxt unify a market, and refuse what it has made up for want of a rule."""
    for name in _NAMES:
        parsing.text(row.get(name), f"a market's {name}")
    market = parsing.expect_row(client.parse_market(row), "a market")
    filters = parsing.expect_row(row.get("filters"), "the filters")
    prices = parsing.expect_row(filters.get("price"), "the filter of prices")
    sizes = parsing.expect_row(filters.get("quantity"), "the filter of sizes")
    told = prices.get("tickSize"), sizes.get("stepSize"), sizes.get("minQuantity")
    rules = parse_instrument(market)
    if rules.symbol != symbol:
        raise Unresolved(f"the metadata of {symbol} was asked for, that of {rules.symbol} came")
    used = rules.tick_size, rules.lot_size, rules.min_size_base
    if tuple(parsing.amount(each, f"a rule of {symbol}") for each in told) != used:
        raise Unresolved(f"the rules of {symbol} are {told}, not {used}")
    return market


def parse_instrument(market: Market) -> Instrument:
    """Read the trading rules of a unified market: every market takes post-only orders, none tells a least notional."""
    return parsing.unified_instrument(market, min_notional_quote=ZERO, has_post_only=True)


def book(symbol: Symbol) -> Call[Book]:
    """Ask for a market's book; its bids come with the best one last."""
    params = {"symbol": market_id(symbol), "limit": str(BOOK_LEVELS)}

    def call(client: Any) -> Book:
        answer = parsing.expect_row(client.publicGetApiV1Depth(params), f"the book of {symbol}")
        bids, asks = (parsing.book_side(answer.get(side), symbol) for side in ("bids", "asks"))
        return parsing.ordered_book(symbol, bids[::-1], asks, answer.get("lastUpdateId"))

    return call


def _ticker(client: Any, symbol: Symbol) -> Mapping[str, Any]:
    row = parsing.expect_row(client.publicGetApiV1Ticker({"symbol": market_id(symbol)}), f"the ticker of {symbol}")
    expect_market(row, symbol, "the ticker")
    return row


def last_price(symbol: Symbol) -> Call[Decimal]:
    """Ask for the price of a market's last trade."""
    return lambda client: parsing.positive(_ticker(client, symbol).get("lastPrice"), f"the last price of {symbol}")


def day_volumes(symbols: Sequence[Symbol]) -> Call[list[DayVolume]]:
    """Ask for the day's volume of these markets, one by one; tickers say no time, so it is that of asking."""
    return lambda client: [_day_volume(client, symbol) for symbol in symbols]


def _day_volume(client: Any, symbol: Symbol) -> DayVolume:
    row = _ticker(client, symbol)
    try:
        return DayVolume(
            symbol=symbol,
            time_ms=client.milliseconds(),
            volume_base=parsing.money(row.get("volume"), f"the volume of {symbol}"),
            volume_quote=parsing.money(row.get("quoteVolume"), f"the quote volume of {symbol}"),
        )
    except ValueError as error:
        raise Unresolved(str(error)) from error


def klines(read: Read, wanted: KlinesWanted) -> list[Kline]:
    """Read klines, oldest first, a window of a page after the other.

    Raises:
        Refused: there are none of that interval.
    """
    found: list[Kline] = []
    since_ms = wanted.since_ms
    while since_ms < wanted.until_ms:
        until_ms = min(wanted.until_ms, since_ms + KLINES_A_PAGE * wanted.interval_ms)
        found += read(klines_page(replace(wanted, since_ms=since_ms, until_ms=until_ms)))
        since_ms = until_ms
    return found


def klines_page(wanted: KlinesWanted) -> Call[list[Kline]]:
    """Ask for the klines of a window; the venue may list the one that opens at its end, which is no part of it."""

    def call(client: Any) -> list[Kline]:
        symbol, interval = wanted.symbol, _INTERVALS.get(wanted.interval_ms)
        if interval is None:
            raise Refused(f"there are no klines of {wanted.interval_ms} ms of {symbol}")
        asked = {"symbol": market_id(symbol), "interval": interval}
        window = {"startTime": wanted.since_ms // 1000, "endTime": -(-wanted.until_ms // 1000)}
        rows = parsing.expect_list(client.publicGetApiV1Klines(asked | window), f"the klines of {symbol}")
        listed = [_kline(symbol, parsing.expect_row(row, "a kline"), wanted.interval_ms) for row in rows]
        inside = [(each, kline) for each, kline in listed if wanted.since_ms <= each < wanted.until_ms]
        opened_ms = [each for each, _ in listed]
        if opened_ms != sorted(set(opened_ms)) or any(
            not wanted.since_ms - wanted.interval_ms <= each <= wanted.until_ms for each in opened_ms
        ):
            raise Unresolved(f"the klines of {symbol} came out of order, or from another time than was asked for")
        return [kline for _, kline in inside if kline is not None]

    return call


def _kline(symbol: Symbol, row: Mapping[str, Any], interval_ms: int) -> tuple[int, Kline | None]:
    """Read a kline and when it opened; one in which nothing traded has no prices, and is none."""
    open_ms, end_ms = (written_time(row.get(name), f"a kline's {name} of {symbol}") for name in ("start", "end"))
    if end_ms - open_ms != interval_ms:
        raise Unresolved(f"a kline of {symbol} lasts {end_ms - open_ms} ms; allowed: {interval_ms}")
    volume = parsing.amount(row.get("volume"), f"a kline's volume of {symbol}")
    prices = [row.get(name) for name in ("open", "high", "low", "close")]
    if not volume and prices == [None] * 4:
        return open_ms, None
    opened, high, low, close = (parsing.money(each, f"a kline's price of {symbol}") for each in prices)
    try:
        kline = Kline(
            open_ms=open_ms, interval_ms=interval_ms, open=opened, high=high, low=low, close=close, volume_base=volume
        )
    except ValueError as error:
        raise Unresolved(f"a kline of {symbol}: {error}") from error
    return open_ms, kline


def premium(symbol: Symbol) -> Call[Premium]:
    """Ask what is paid next, and for the mark."""
    params = {"symbol": market_id(symbol)}

    def call(client: Any) -> Premium:
        rows = parsing.expect_list(client.publicGetApiV1MarkPrices(params), f"the mark of {symbol}")
        if len(rows) != 1:
            raise Unresolved(f"the mark of {symbol} came {len(rows)} times in one answer")
        row = parsing.expect_row(rows[0], f"the mark of {symbol}")
        expect_market(row, symbol, "the mark")
        rate = FundingRate(
            symbol=symbol,
            rate=parsing.money(row.get("fundingRate"), f"the funding rate of {symbol}"),
            next_ms=parsing.moment(row.get("nextFundingTimestamp"), f"the next funding of {symbol}"),
        )
        return Premium(rate=rate, mark_price=parsing.positive(row.get("markPrice"), f"the mark price of {symbol}"))

    return call
