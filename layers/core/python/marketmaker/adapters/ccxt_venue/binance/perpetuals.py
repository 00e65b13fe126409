"""What is asked of USDⓈ-M beyond spot: positions, funding, and how a position is held.

A position that an answer leaves out, or that cannot be read, is not flat: it is left out here too, or unknown (R7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.binance.apis import Api, market_id
from marketmaker.adapters.ccxt_venue.dialect import Call, Premium, Read
from marketmaker.domain.models import Perpetual
from marketmaker.domain.positions import FundingPayment, FundingRate, MarginMode, Position
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.errors import Refused, Unresolved
from marketmaker.ports import Unknown

INCOME_A_PAGE = 1_000
_ONE_WAY = "BOTH"
_MARGIN_MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
_MARGIN_TYPES = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPage:
    """Funding payments, oldest first; after a full page there may be more."""

    payments: tuple[FundingPayment, ...]
    is_full: bool


def positions(api: Api, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Position | Unknown]]:
    """Ask for the login's positions in these markets; one that is not in the answer is left out."""
    params = {"symbol": market_id(symbols[0])} if len(symbols) == 1 else {}

    def call(client: Any) -> dict[Symbol, Position | Unknown]:
        rows = parsing.expect_list(_route(client, api.routes.positions)(params), "the positions")
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
    """Read a market's rows: one of a login in one-way mode, one a side in hedge mode.

    What is held has an entry and a mark; the mark of what is flat may be missing, and is then zero.
    """
    sides = [parsing.text(row.get("positionSide"), f"the side of the position in {symbol}") for row in rows]
    is_hedged = any(side != _ONE_WAY for side in sides)
    if not is_hedged and len(rows) > 1:
        raise Unresolved(f"the position in {symbol} came {len(rows)} times in one answer")
    sizes = [parsing.money(each.get("positionAmt"), f"the position in {symbol}") for each in rows]
    row = next((row for row, size in zip(rows, sizes, strict=True) if size), rows[0])
    read_price = parsing.positive if any(sizes) else parsing.amount
    mode = _MARGIN_MODES.get(parsing.text(row.get("marginType"), f"the margin type of {symbol}"))
    if mode is None:
        raise Unresolved(f"the margin type of {symbol} is {row['marginType']!r}; allowed: {', '.join(_MARGIN_MODES)}")
    return Position(
        symbol=symbol,
        size_base=sum(sizes, ZERO),
        entry_price=parsing.positive(row.get("entryPrice"), f"the entry price of {symbol}") if any(sizes) else None,
        mark_price=read_price(row.get("markPrice"), f"the mark price of {symbol}"),
        unrealised_quote=sum(
            (parsing.money(each.get("unRealizedProfit"), f"what is unrealised in {symbol}") for each in rows), ZERO
        ),
        liquidation_price=_price(row.get("liquidationPrice"), f"the liquidation price of {symbol}"),
        leverage=parsing.positive(row.get("leverage"), f"the leverage of {symbol}"),
        margin_mode=mode,
        is_hedged=is_hedged,
    )


def _price(value: object, what: str) -> Decimal | None:
    """Read a price that is zero where there is none."""
    return parsing.amount(value, what) or None


def premium(api: Api, symbol: Symbol) -> Call[Premium]:
    """Ask what is paid next, and for the mark."""

    def call(client: Any) -> Premium:
        answer = _route(client, api.routes.premium)({"symbol": market_id(symbol)})
        row = parsing.expect_row(answer, f"the premium index of {symbol}")
        if row.get("symbol") != market_id(symbol):
            raise Unresolved(f"the premium index of {symbol} was asked for, that of {row.get('symbol')!r} came")
        rate = FundingRate(
            symbol=symbol,
            rate=parsing.money(row.get("lastFundingRate"), f"the funding rate of {symbol}"),
            next_ms=parsing.moment(row.get("nextFundingTime"), f"the next funding of {symbol}"),
        )
        return Premium(rate=rate, mark_price=parsing.positive(row.get("markPrice"), f"the mark price of {symbol}"))

    return call


def funding_page(api: Api, symbol: Symbol, since_ms: int) -> Call[FundingPage]:
    """Ask for a page of funding payments, oldest first; what happened before is no part of it."""
    params = {
        "symbol": market_id(symbol),
        "incomeType": "FUNDING_FEE",
        "startTime": since_ms,
        "limit": INCOME_A_PAGE,
    }

    def call(client: Any) -> FundingPage:
        rows = parsing.expect_list(_route(client, api.routes.income)(params), f"the funding of {symbol}")
        paid: dict[int, FundingPayment] = {}
        for row in rows:
            payment = _payment(symbol, parsing.expect_row(row, "a payment"))
            if paid.setdefault(payment.time_ms, payment) != payment:
                raise Unresolved(f"the payment of {symbol} at {payment.time_ms} came twice and differs")
        wanted = tuple(paid[time_ms] for time_ms in sorted(paid) if time_ms >= since_ms)
        is_full = len(rows) == INCOME_A_PAGE
        if is_full and not wanted:
            raise Unresolved(f"the funding payments of {symbol} do not go on after {since_ms}")
        return FundingPage(payments=wanted, is_full=is_full)

    return call


def funding_since(read: Read, api: Api, symbol: Symbol, since_ms: int) -> list[FundingPayment]:
    """Read funding payments from a moment on, oldest first, to the last page."""
    found: list[FundingPayment] = []
    next_ms: int | None = since_ms
    while next_ms is not None:
        page = read(funding_page(api, symbol, next_ms))
        found += page.payments
        next_ms = page.payments[-1].time_ms + 1 if page.is_full else None
    return found


def _payment(symbol: Symbol, row: Any) -> FundingPayment:
    told = row.get("symbol"), row.get("incomeType"), row.get("asset")
    if told != (market_id(symbol), "FUNDING_FEE", symbol.rpartition(":")[2]):
        raise Unresolved(f"the funding of {symbol} came with a row of {told}")
    return FundingPayment(
        symbol=symbol,
        time_ms=parsing.moment(row.get("time"), f"a payment's time of {symbol}"),
        amount_quote=parsing.money(row.get("income"), f"a payment of {symbol}"),
    )


def leverage(api: Api, symbol: Symbol, wanted: Perpetual) -> Call[None]:
    """Tell the venue how a market is to be held; that it is so already is no refusal.

    Raises:
        Refused: it can only be whole.
    """
    if wanted.leverage != int(wanted.leverage):
        raise Refused(f"leverage {wanted.leverage}: a whole number is allowed")
    margin = {"symbol": market_id(symbol), "marginType": _MARGIN_TYPES[wanted.margin_mode]}

    def call(client: Any) -> None:
        try:
            _route(client, api.routes.margin_type)(margin)
        except (ccxt.NoChange, ccxt.BadRequest, ccxt.OperationRejected) as error:
            if "-4046" not in str(error):
                raise
        _route(client, api.routes.leverage)({"symbol": market_id(symbol), "leverage": int(wanted.leverage)})

    return call


def _route(client: Any, name: str | None) -> Any:
    if name is None:
        raise Refused("a spot venue has no positions")
    return getattr(client, name)
