"""What is asked of Backpack about the account: collateral, positions, leverage and funding.

`GET /position` lists open positions alone; asked by name for one that is flat, the venue answers with an error. So all
are asked for, and a market that a readable list leaves out is flat; a list in which any row cannot be read is no list,
and what is told twice is unknown (R7). Were such a list wrong, the ledger would differ from it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.backpack.history import History, Row
from marketmaker.adapters.ccxt_venue.backpack.words import market_id, written_time
from marketmaker.adapters.ccxt_venue.dialect import Call, Read
from marketmaker.domain.models import Perpetual
from marketmaker.domain.positions import FundingPayment, MarginMode, Position
from marketmaker.domain.units import ZERO, Asset, Symbol, plain
from marketmaker.errors import Refused, Unresolved
from marketmaker.ports import Balance, Unknown


def balances(client: Any) -> dict[Asset, Balance]:
    """Ask for the collateral, what is lent included; what positions and orders tie up is reserved."""
    answer = parsing.expect_row(client.privateGetApiV1CapitalCollateral(), "the account")
    available = parsing.money(answer.get("netEquityAvailable"), "what is available")
    listed = parsing.expect_list(answer.get("collateral"), "the account's balances")
    rows = [parsing.expect_row(row, "a balance") for row in listed]
    found = {Asset(parsing.text(row.get("symbol"), "a balance's asset")): _balance(row, available) for row in rows}
    if not found or len(found) != len(rows):
        raise Unresolved("the account's balances came without any asset, or with one twice")
    return found


def _balance(row: Mapping[str, Any], available: Decimal) -> Balance:
    asset = row["symbol"]
    total = parsing.money(row.get("totalQuantity"), f"the balance of {asset}")
    in_orders = parsing.amount(row.get("openOrderQuantity"), f"what orders hold of {asset}")
    price = parsing.positive(row.get("assetMarkPrice"), f"the price of {asset}")
    free = min(total - in_orders, available / price)
    return Balance(free=free, reserved=total - free)


def positions(symbols: Sequence[Symbol]) -> Call[dict[Symbol, Position | Unknown]]:
    """Ask for the login's positions; one that is flat has no mark yet."""

    def call(client: Any) -> dict[Symbol, Position | Unknown]:
        rows = parsing.expect_list(client.privateGetApiV1Position(), "the positions")
        listed: dict[str, list[Mapping[str, Any]]] = {}
        for each in rows:
            row = parsing.expect_row(each, "a position")
            parsing.money(row.get("netQuantity"), "a position's size")
            listed.setdefault(parsing.text(row.get("symbol"), "a position's market"), []).append(row)
        return {symbol: _known(symbol, listed.get(market_id(symbol), [])) for symbol in symbols}

    return call


def _known(symbol: Symbol, rows: Sequence[Mapping[str, Any]]) -> Position | Unknown:
    if len(rows) > 1:
        return Unknown(reason=f"the position in {symbol} came {len(rows)} times in one answer")
    try:
        return _position(symbol, rows[0]) if rows else _flat(symbol)
    except Unresolved as error:
        return Unknown(reason=str(error))


def _flat(symbol: Symbol) -> Position:
    return Position(
        symbol=symbol,
        size_base=ZERO,
        entry_price=None,
        mark_price=ZERO,
        unrealised_quote=ZERO,
        margin_mode=MarginMode.CROSS,
    )


def _position(symbol: Symbol, row: Mapping[str, Any]) -> Position:
    """Read what is held: `netQuantity` has the sign, which ccxt's own reading loses."""
    size = parsing.money(row.get("netQuantity"), f"the position in {symbol}")
    if not size:
        return _flat(symbol)
    return Position(
        symbol=symbol,
        size_base=size,
        entry_price=parsing.positive(row.get("entryPrice"), f"the entry price of {symbol}"),
        mark_price=parsing.positive(row.get("markPrice"), f"the mark price of {symbol}"),
        unrealised_quote=parsing.money(row.get("pnlUnrealized"), f"what is unrealised in {symbol}"),
        liquidation_price=parsing.amount(row.get("estLiquidationPrice"), f"the liquidation price of {symbol}") or None,
        margin_mode=MarginMode.CROSS,
    )


def leverage_limit(client: Any) -> Decimal:
    """Ask for the leverage of the account."""
    answer = parsing.expect_row(client.privateGetApiV1Account(), "the account's settings")
    return parsing.positive(answer.get("leverageLimit"), "the account's leverage")


def leverage(symbol: Symbol, wanted: Perpetual) -> Call[None]:
    """Set the leverage of the account; the answer is empty, so only a later look tells whether it holds.

    Raises:
        Refused: positions have no margin of their own here.
    """
    if wanted.margin_mode is not MarginMode.CROSS:
        raise Refused(f"margin mode {wanted.margin_mode} of {symbol}: {MarginMode.CROSS} is allowed")
    params = {"leverageLimit": plain(wanted.leverage)}

    def call(client: Any) -> None:
        client.privatePatchApiV1Account(params)

    return call


def funding_since(read: Read, symbol: Symbol, since_ms: int) -> list[FundingPayment]:
    """Read funding payments from a moment on, oldest first, to the last page (R15, R33)."""
    history = History(
        symbol=symbol,
        what="funding payment",
        route="privateGetWapiV1HistoryFunding",
        parse=lambda row: _payment(symbol, row),
    )
    rows = history.back_to(read, lambda row: row.time_ms < since_ms)
    return [rows[each].value for each in sorted(rows) if each >= since_ms]


def _payment(symbol: Symbol, row: Any) -> Row[int, FundingPayment]:
    time_ms = written_time(row.get("intervalEndTimestamp"), f"a payment's time of {symbol}")
    amount = parsing.money(row.get("quantity"), f"a payment of {symbol}")
    return Row(
        key=time_ms,
        time_ms=time_ms,
        value=FundingPayment(symbol=symbol, time_ms=time_ms, amount_quote=amount),
    )
