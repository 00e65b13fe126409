"""Backpack's words: how it names markets, sides and states, and how it writes times and orders."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.units import ZERO, ClientOrderId, Symbol, VenueOrderId
from marketmaker.errors import Unresolved

SIDES = {Side.BUY: "Bid", Side.SELL: "Ask"}
MAX_CLIENT_ID = (1 << 32) - 1
_READ_SIDES = {name: side for side, name in SIDES.items()}
_PERPETUAL = "_PERP"
_LIVE_STATUSES = frozenset({"New", "PartiallyFilled", "TriggerPending"})
_FINISHED_STATUSES = frozenset({"Filled", "Cancelled", "Expired", "TriggerFailed"})
_MARKET_ORDER = "Market"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?", re.ASCII)

type ReadTime = Callable[[object, str], int]
"""Reads a moment as a route writes it, in ms."""


def market_id(symbol: Symbol) -> str:
    """Name a market as Backpack does; its own name stays."""
    pair, _, settled = symbol.partition(":")
    return pair.replace("/", "_") + (_PERPETUAL if settled else "")


def symbol_of(name: str) -> Symbol:
    """Name a market as we do, without any metadata (R34); one of no known kind keeps its name."""
    base, _, quote = name.removesuffix(_PERPETUAL).rpartition("_")
    if not base or not quote:
        return Symbol(name)
    return Symbol(f"{base}/{quote}:{quote}" if name.endswith(_PERPETUAL) else f"{base}/{quote}")


def written_time(value: object, what: str) -> int:
    """Read a time that is written without a zone, as 2025-07-27T17:39:00.092 is, which is UTC."""
    text = parsing.text(value, what)
    if not _WRITTEN_TIME.fullmatch(text):
        raise Unresolved(f"{what} is {text!r}; allowed: a time such as 2025-07-27T17:39:00.092")
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise Unresolved(f"{what} is {text!r}: {error}") from error
    return parsing.moment((moment - _EPOCH) // timedelta(milliseconds=1), what)


def expect_market(row: Mapping[str, Any], symbol: Symbol, what: str) -> None:
    """Refuse what is told of another market than was asked for."""
    if row.get("symbol") != market_id(symbol):
        raise Unresolved(f"{what} of {symbol} was asked for, that of {row.get('symbol')!r} came")


def parse_side(row: Mapping[str, Any], what: str) -> Side:
    """Read the side of an order or a trade."""
    side = _READ_SIDES.get(parsing.text(row.get("side"), f"{what}'s side"))
    if side is None:
        raise Unresolved(f"{what}'s side is {row['side']!r}; allowed: {', '.join(_READ_SIDES)}")
    return side


def parse_client_id(row: Mapping[str, Any], what: str) -> ClientOrderId | None:
    """Read a client id; an order without one says so, and leaves the field out nowhere."""
    if "clientId" not in row:
        raise Unresolved(f"{what}'s client id is not told; allowed: a number, or null")
    if row["clientId"] is None:
        return None
    number = parsing.whole(row["clientId"], f"{what}'s client id")
    if number > MAX_CLIENT_ID:
        raise Unresolved(f"{what}'s client id is {number}; allowed: 0 to {MAX_CLIENT_ID}")
    return ClientOrderId(str(number))


def parse_order(answer: object, read_time: ReadTime = parsing.moment) -> Order:
    """Read an order; only one at the market's price has none. What waits for a trigger is live."""
    row = parsing.expect_row(answer, "an order")
    status = parsing.text(row.get("status"), "an order's status")
    if status not in _LIVE_STATUSES | _FINISHED_STATUSES:
        allowed = ", ".join(sorted(_LIVE_STATUSES | _FINISHED_STATUSES))
        raise Unresolved(f"an order's status is {status!r}; allowed: {allowed}")
    size, executed = _size(row), parsing.amount(row.get("executedQuantity"), "what it executed")
    if executed > size:
        raise Unresolved(f"an order executed {executed} of {size}")
    return Order(
        venue_id=VenueOrderId(parsing.text(row.get("id"), "an order's id")),
        client_id=parse_client_id(row, "an order"),
        symbol=symbol_of(parsing.text(row.get("symbol"), "an order's symbol")),
        side=parse_side(row, "an order"),
        price=_price(row),
        size_base=size,
        executed_base=executed,
        created_ms=read_time(row.get("createdAt"), "an order's time"),
        is_live=status in _LIVE_STATUSES,
    )


def _price(row: Mapping[str, Any]) -> Decimal:
    kind = parsing.text(row.get("orderType"), "an order's type")
    if kind == _MARKET_ORDER and row.get("price") is None:
        return ZERO
    return parsing.amount(row.get("price"), "an order's price")


def _size(row: Mapping[str, Any]) -> Decimal:
    """Read a size; an order that waits for a trigger tells that of what it will place."""
    told = row.get("quantity")
    return parsing.amount(row.get("triggerQuantity") if told is None else told, "an order's size")
