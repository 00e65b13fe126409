"""ccxt's structures → domain values, numbers from text.

A missing or odd part raises `Unresolved` instead of becoming zero: the request may have worked all the same.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Fee, Fill, Order, Side
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId, plain
from marketmaker.errors import Unresolved
from marketmaker.ports import Balance, KeyPermissions

_LIVE = {"open", "new", "partially_filled"}


def money(value: object, what: str) -> Decimal:
    """Build a finite Decimal from text, without the zeros that venues pad with; anything else is not money."""
    if not isinstance(value, str):
        raise Unresolved(f"{what} is {value!r}; allowed: a number as text")
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise Unresolved(f"{what} is {value!r}; allowed: a number as text") from error
    if not amount.is_finite():
        raise Unresolved(f"{what} is {value!r}; allowed: a finite number")
    return Decimal(plain(amount))


def whole(value: object, what: str) -> int:
    """Read a whole number, such as a time, from a number or its digits; ccxt quotes some of them."""
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
        raise Unresolved(f"{what} is {value!r}; allowed: a whole number")
    return int(value)


def expect_list(answer: object, what: str) -> list[Any]:
    """Return a list answer; `{}` and the like are not "nothing"."""
    if not isinstance(answer, list):
        raise Unresolved(f"{what} answered {type(answer).__name__}, not a list")
    return answer


def parse_book(symbol: Symbol, answer: Mapping[str, Any]) -> Book:
    """Read a depth answer with exact prices."""
    if "bids" not in answer or "asks" not in answer or "lastUpdateId" not in answer:
        raise Unresolved(f"the book of {symbol} came without bids, asks or update id")
    return Book(
        symbol=symbol,
        bids=_levels(answer["bids"], symbol),
        asks=_levels(answer["asks"], symbol),
        update_id=int(answer["lastUpdateId"]),
    )


def _levels(rows: Sequence[Sequence[str]], symbol: Symbol) -> tuple[BookLevel, ...]:
    levels = (
        BookLevel(price=money(row[0], f"a price of {symbol}"), size_base=money(row[1], f"a size of {symbol}"))
        for row in rows
    )
    return tuple(level for level in levels if level.size_base > ZERO)


def parse_kline(symbol: Symbol, row: object, interval_ms: int) -> Kline:
    """Read a row of a klines answer: open time, four prices, base volume, close time, and more."""
    if not isinstance(row, list) or len(row) < 7:
        raise Unresolved(f"a kline of {symbol} is {row!r}; allowed: a list of 7 fields or more")
    open_ms, end_ms = whole(row[0], f"a kline's open time of {symbol}"), whole(row[6], f"a close time of {symbol}") + 1
    if end_ms - open_ms != interval_ms:
        raise Unresolved(f"a kline of {symbol} lasts {end_ms - open_ms} ms; allowed: {interval_ms}")
    opened, high, low, close, volume = (money(each, f"a kline's number of {symbol}") for each in row[1:6])
    try:
        return Kline(
            open_ms=open_ms,
            interval_ms=interval_ms,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume_base=volume,
        )
    except ValueError as error:
        raise Unresolved(f"a kline of {symbol}: {error}") from error


def parse_day_volume(symbol: Symbol, row: Mapping[str, Any]) -> DayVolume:
    """Read a 24 h ticker's volumes; a missing one is unknown, not zero."""
    try:
        return DayVolume(
            symbol=symbol,
            time_ms=whole(row.get("closeTime"), f"the 24 h ticker's time of {symbol}"),
            volume_base=money(row.get("volume"), f"the volume of {symbol}"),
            volume_quote=money(row.get("quoteVolume"), f"the quote volume of {symbol}"),
        )
    except ValueError as error:
        raise Unresolved(str(error)) from error


def parse_order(order: Mapping[str, Any]) -> Order:
    """Read a unified order; one without id, price or size has an unknown outcome."""
    missing = [name for name in ("id", "symbol", "side", "price", "amount", "filled") if order.get(name) is None]
    if missing:
        raise Unresolved(f"an order came without {', '.join(missing)}")
    return Order(
        venue_id=VenueOrderId(str(order["id"])),
        client_id=ClientOrderId(order["clientOrderId"]) if order.get("clientOrderId") else None,
        symbol=Symbol(order["symbol"]),
        side=Side(order["side"]),
        price=money(order["price"], "an order's price"),
        size_base=money(order["amount"], "an order's amount"),
        executed_base=money(order["filled"], "an order's filled amount"),
        created_ms=int(order.get("timestamp") or 0),
        is_live=order.get("status") in _LIVE,
    )


def parse_fill(trade: Mapping[str, Any]) -> Fill:
    """Read a unified trade; a missing fee stays unknown (R16)."""
    fee = trade.get("fee") or {}
    has_fee = fee.get("cost") is not None and fee.get("currency") is not None
    return Fill(
        trade_id=TradeId(str(trade["id"])),
        venue_order_id=VenueOrderId(str(trade["order"])),
        symbol=Symbol(trade["symbol"]),
        side=Side(trade["side"]),
        price=money(trade["price"], "a trade's price"),
        size_base=money(trade["amount"], "a trade's amount"),
        fee=Fee(amount=money(fee["cost"], "a trade's fee"), asset=Asset(fee["currency"])) if has_fee else None,
        time_ms=int(trade["timestamp"]),
        is_maker=trade.get("takerOrMaker") == "maker",
    )


def parse_balances(answer: Mapping[str, Any]) -> dict[Asset, Balance]:
    """Read an account answer; one without a balance list is unknown, not empty."""
    rows = answer.get("balances")
    if not isinstance(rows, list):
        raise Unresolved("the account answer came without balances")
    return {
        Asset(row["asset"]): Balance(
            free=money(row["free"], f"free {row['asset']}"), reserved=money(row["locked"], f"locked {row['asset']}")
        )
        for row in rows
    }


def parse_permissions(answer: Mapping[str, Any]) -> KeyPermissions:
    """Read what a key may do; a permission that is not named is unknown, not absent (R26)."""

    def is_set(name: str) -> bool:
        value = answer.get(name)
        if not isinstance(value, bool):
            raise Unresolved(f"the key's permissions came without {name}")
        return value

    return KeyPermissions(
        trades=is_set("enableSpotAndMarginTrading"),
        withdraws=is_set("enableWithdrawals"),
        is_ip_bound=is_set("ipRestrict"),
    )


def parse_instrument(market: Mapping[str, Any]) -> Instrument:
    """Read the trading rules of a unified market."""
    limits = market["limits"]
    return Instrument(
        symbol=Symbol(market["symbol"]),
        base=Asset(market["base"]),
        quote=Asset(market["quote"]),
        tick_size=money(market["precision"]["price"], "the tick size"),
        lot_size=money(market["precision"]["amount"], "the lot size"),
        min_size_base=money(limits["amount"]["min"] or "0", "the minimum size"),
        min_notional_quote=money(limits["cost"]["min"] or "0", "the minimum notional"),
    )
