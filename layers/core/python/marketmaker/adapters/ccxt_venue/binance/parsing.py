"""What Binance answers → domain values."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.parsing import (
    amount,
    expect_list,
    expect_row,
    flag,
    moment,
    money,
    positive,
    text,
    whole,
)
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.orders import Fee, Fill, Order, Side
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, TradeId, VenueOrderId
from marketmaker.errors import Unresolved
from marketmaker.ports import Balance, KeyPermissions

LIVE_STATUSES = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"})
FINISHED_STATUSES = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}

type NameSymbol = Callable[[str], str]
"""Turns the venue's name of a market into ours."""


def parse_book(symbol: Symbol, answer: object) -> Book:
    """Read a depth answer with exact prices, each side from its best price on."""
    book = expect_row(answer, f"the book of {symbol}")
    bids, asks = parsing.book_side(book.get("bids"), symbol), parsing.book_side(book.get("asks"), symbol)
    return parsing.ordered_book(symbol, bids, asks, book.get("lastUpdateId"))


def parse_last_price(symbol: Symbol, answer: object) -> Decimal:
    """Read the price of the last trade."""
    return positive(expect_row(answer, f"the ticker of {symbol}").get("price"), f"the last price of {symbol}")


def parse_time(answer: object) -> int:
    """Read the venue's clock."""
    return moment(expect_row(answer, "the time").get("serverTime"), "the venue's time")


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


def parse_order(answer: object, name_symbol: NameSymbol, *, time_field: str = "time") -> Order:
    """Read an order; `clientOrderId` of a cancel's answer is the cancel's own.

    Answers to creates and cancels have their time under another name than lists and lookups.
    """
    row = expect_row(answer, "an order")
    status = text(row.get("status"), "an order's status")
    if status not in LIVE_STATUSES | FINISHED_STATUSES:
        raise Unresolved(f"an order's status is {status!r}; allowed: {', '.join(LIVE_STATUSES | FINISHED_STATUSES)}")
    size, executed = amount(row.get("origQty"), "an order's size"), amount(row.get("executedQty"), "what it executed")
    if executed > size:
        raise Unresolved(f"an order executed {executed} of {size}")
    return Order(
        venue_id=_order_id(row),
        client_id=ClientOrderId(text(row.get("origClientOrderId", row.get("clientOrderId")), "an order's client id")),
        symbol=Symbol(name_symbol(text(row.get("symbol"), "an order's symbol"))),
        side=_side(row),
        price=amount(row.get("price"), "an order's price"),
        size_base=size,
        executed_base=executed,
        created_ms=moment(row.get(time_field), "an order's time"),
        is_live=status in LIVE_STATUSES,
    )


def _order_id(row: Mapping[str, Any]) -> VenueOrderId:
    return VenueOrderId(str(whole(row.get("orderId"), "an order's id")))


def _side(row: Mapping[str, Any]) -> Side:
    side = _SIDES.get(text(row.get("side"), "an order's side"))
    if side is None:
        raise Unresolved(f"an order's side is {row['side']!r}; allowed: {', '.join(_SIDES)}")
    return side


def parse_fill(answer: object, name_symbol: NameSymbol) -> Fill:
    """Read a trade of ours; a fee that is not told stays unknown (R16)."""
    row = expect_row(answer, "a trade")
    side = Side.BUY if flag(row.get("isBuyer"), "whether a trade was bought") else Side.SELL
    return _fill(row, name_symbol, side, is_maker=flag(row.get("isMaker"), "whether a trade was a maker's"))


def parse_perpetual_fill(answer: object, name_symbol: NameSymbol) -> Fill:
    """Read a trade of ours on a perpetual, which names its side."""
    row = expect_row(answer, "a trade")
    return _fill(row, name_symbol, _side(row), is_maker=flag(row.get("maker"), "whether a trade was a maker's"))


def _fill(row: Mapping[str, Any], name_symbol: NameSymbol, side: Side, *, is_maker: bool) -> Fill:
    return Fill(
        trade_id=TradeId(str(whole(row.get("id"), "a trade's id"))),
        venue_order_id=_order_id(row),
        symbol=Symbol(name_symbol(text(row.get("symbol"), "a trade's symbol"))),
        side=side,
        price=positive(row.get("price"), "a trade's price"),
        size_base=positive(row.get("qty"), "a trade's size"),
        fee=_fee(row),
        time_ms=moment(row.get("time"), "a trade's time"),
        is_maker=is_maker,
    )


def _fee(row: Mapping[str, Any]) -> Fee | None:
    told = row.get("commission"), row.get("commissionAsset")
    if None in told:
        return None
    return Fee(amount=money(told[0], "a trade's fee"), asset=Asset(text(told[1], "the asset of a trade's fee")))


def parse_balances(answer: object) -> dict[Asset, Balance]:
    """Read an account answer; one without a balance list is unknown, not empty."""
    rows = expect_row(answer, "the account").get("balances")
    listed = [expect_row(row, "a balance") for row in expect_list(rows, "the account's balances")]
    balances = {Asset(text(row.get("asset"), "a balance's asset")): _balance(row) for row in listed}
    if not balances or len(balances) != len(listed):
        raise Unresolved("the account's balances came without any asset, or with one twice")
    return balances


def _balance(row: Mapping[str, Any]) -> Balance:
    asset = row["asset"]
    return Balance(free=amount(row.get("free"), f"free {asset}"), reserved=amount(row.get("locked"), f"locked {asset}"))


def parse_wallet(answer: object) -> dict[Asset, Balance]:
    """Read the collateral of perpetuals: what is not realised is no part of it, and what orders tie up is reserved."""
    listed = [expect_row(row, "a balance") for row in expect_list(answer, "the account's balances")]
    balances = {Asset(text(row.get("asset"), "a balance's asset")): _collateral(row) for row in listed}
    if not balances or len(balances) != len(listed):
        raise Unresolved("the account's balances came without any asset, or with one twice")
    return balances


def _collateral(row: Mapping[str, Any]) -> Balance:
    asset = row["asset"]
    total = money(row.get("balance"), f"the balance of {asset}")
    free = min(total, money(row.get("availableBalance"), f"what is available of {asset}"))
    return Balance(free=free, reserved=total - free)


def parse_permissions(answer: object) -> KeyPermissions:
    """Read what a key may do; a permission that is not named is unknown, not absent (R26)."""
    row = expect_row(answer, "the key's permissions")
    trades, withdraws, is_ip_bound = (
        flag(row.get(name), f"the key's {name}")
        for name in ("enableSpotAndMarginTrading", "enableWithdrawals", "ipRestrict")
    )
    return KeyPermissions(trades=trades, withdraws=withdraws, is_ip_bound=is_ip_bound)
