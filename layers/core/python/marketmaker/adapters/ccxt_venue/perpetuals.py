"""What is asked of a venue of perpetuals beyond spot: positions, funding, and how a position is held.

A position that an answer leaves out, or that cannot be read, is not flat: it is left out here too, or unknown (R7).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import ccxt

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.calls import Call, market_id
from marketmaker.adapters.ccxt_venue.dialects import Dialect
from marketmaker.domain.models import Perpetual
from marketmaker.domain.positions import FundingPayment, FundingRate, MarginMode, Position
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.errors import Refused, Unresolved
from marketmaker.ports import Unknown

INCOME_A_PAGE = 1_000
_ONE_WAY = "BOTH"
_MARGIN_MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
_MARGIN_TYPES = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}


def positions(dialect: Dialect, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Position | Unknown]]:
    """Ask for the login's positions in these markets; one that is not in the answer is left out."""

    def call(client: Any) -> dict[Symbol, Position | Unknown]:
        rows = parsing.expect_list(_route(client, dialect.routes.positions)(), "the positions")
        listed = [parsing.expect_row(row, "a position") for row in rows]
        found: dict[Symbol, Position | Unknown] = {}
        for symbol in symbols:
            of_market = [row for row in listed if row.get("symbol") == market_id(symbol)]
            if of_market:
                found[symbol] = _known(symbol, of_market)
        return found

    return call


def _known(symbol: Symbol, rows: Sequence[Any]) -> Position | Unknown:
    try:
        return _position(symbol, rows)
    except Unresolved as error:
        return Unknown(reason=str(error))


def _position(symbol: Symbol, rows: Sequence[Any]) -> Position:
    """Read a market's rows: one of a login in one-way mode, one a side in hedge mode."""
    sides = [parsing.text(row.get("positionSide"), f"the side of the position in {symbol}") for row in rows]
    is_hedged = any(side != _ONE_WAY for side in sides)
    if not is_hedged and len(rows) > 1:
        raise Unresolved(f"the position in {symbol} came {len(rows)} times in one answer")
    row = rows[0]
    size = sum((parsing.money(each.get("positionAmt"), f"the position in {symbol}") for each in rows), ZERO)
    mode = _MARGIN_MODES.get(parsing.text(row.get("marginType"), f"the margin type of {symbol}"))
    if mode is None:
        raise Unresolved(f"the margin type of {symbol} is {row['marginType']!r}; allowed: {', '.join(_MARGIN_MODES)}")
    return Position(
        symbol=symbol,
        size_base=size,
        entry_price=_price(row.get("entryPrice"), f"the entry price of {symbol}") if size else None,
        mark_price=parsing.positive(row.get("markPrice"), f"the mark price of {symbol}"),
        unrealised_quote=parsing.money(row.get("unRealizedProfit"), f"what is unrealised in {symbol}"),
        liquidation_price=_price(row.get("liquidationPrice"), f"the liquidation price of {symbol}"),
        leverage=parsing.positive(row.get("leverage"), f"the leverage of {symbol}"),
        margin_mode=mode,
        is_hedged=is_hedged,
    )


def _price(value: object, what: str) -> Decimal | None:
    """Read a price that is zero where there is none."""
    return parsing.amount(value, what) or None


def funding_rate(dialect: Dialect, symbol: Symbol) -> Call[FundingRate]:
    """Ask what is paid next."""

    def call(client: Any) -> FundingRate:
        answer = _route(client, dialect.routes.premium)({"symbol": market_id(symbol)})
        row = parsing.expect_row(answer, f"the premium index of {symbol}")
        return FundingRate(
            symbol=symbol,
            rate=parsing.money(row.get("lastFundingRate"), f"the funding rate of {symbol}"),
            next_ms=parsing.moment(row.get("nextFundingTime"), f"the next funding of {symbol}"),
        )

    return call


def funding_page(dialect: Dialect, symbol: Symbol, since_ms: int) -> Call[list[FundingPayment]]:
    """Ask for a page of funding payments, oldest first."""
    params = {
        "symbol": market_id(symbol),
        "incomeType": "FUNDING_FEE",
        "startTime": since_ms,
        "limit": INCOME_A_PAGE,
    }

    def call(client: Any) -> list[FundingPayment]:
        rows = parsing.expect_list(_route(client, dialect.routes.income)(params), f"the funding of {symbol}")
        paid = [_payment(symbol, parsing.expect_row(row, "a payment")) for row in rows]
        return sorted(paid, key=lambda each: each.time_ms)

    return call


def _payment(symbol: Symbol, row: Any) -> FundingPayment:
    of, kind = row.get("symbol"), row.get("incomeType")
    if (of, kind) != (market_id(symbol), "FUNDING_FEE"):
        raise Unresolved(f"the funding of {symbol} came with a row of {of!r}, {kind!r}")
    return FundingPayment(
        symbol=symbol,
        time_ms=parsing.moment(row.get("time"), f"a payment's time of {symbol}"),
        amount_quote=parsing.money(row.get("income"), f"a payment of {symbol}"),
    )


def leverage(dialect: Dialect, symbol: Symbol, wanted: Perpetual) -> Call[None]:
    """Tell the venue how a market is to be held; that it is so already is no refusal.

    Raises:
        Refused: it can only be whole.
    """
    if wanted.leverage != int(wanted.leverage):
        raise Refused(f"leverage {wanted.leverage}: a whole number is allowed")
    margin = {"symbol": market_id(symbol), "marginType": _MARGIN_TYPES[wanted.margin_mode]}

    def call(client: Any) -> None:
        try:
            _route(client, dialect.routes.margin_type)(margin)
        except (ccxt.NoChange, ccxt.BadRequest, ccxt.OperationRejected) as error:
            if "-4046" not in str(error):
                raise
        _route(client, dialect.routes.leverage)({"symbol": market_id(symbol), "leverage": int(wanted.leverage)})

    return call


def _route(client: Any, name: str | None) -> Any:
    if name is None:
        raise Refused("a spot venue has no positions")
    return getattr(client, name)
