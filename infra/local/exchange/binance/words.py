"""Binance's words, spot and futures alike: error codes, parameters and numbers."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from infra.local.exchange.dialect import ApiError, ApiRequest, Params
from infra.local.exchange.market import Market
from marketmaker.domain.units import ClientOrderId
from marketmaker.simulation.events import Level
from marketmaker.simulation.orders import AccountOrder

MAX_DECIMALS = 8
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"


def missing(name: str) -> ApiError:
    """Say that a mandatory parameter is missing."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> ApiError:
    """Say that a parameter does not belong to this kind of request."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def unknown_symbol() -> ApiError:
    """Say that a symbol is not listed."""
    return ApiError(-1121, "Invalid symbol.")


def market_closed() -> ApiError:
    """Say that a symbol is not traded now."""
    return ApiError(-1013, "Market is closed.")


def no_such_order() -> ApiError:
    """Say that a lookup's order does not exist."""
    return ApiError(-2013, "Order does not exist.")


def nothing_to_cancel() -> ApiError:
    """Say that a cancel's order does not rest."""
    return ApiError(-2011, "Unknown order sent.")


class BinanceParams(Params):
    """The parameters of query and form body together; the query wins where both have one."""

    max_decimals = MAX_DECIMALS

    def missing(self, name: str) -> ApiError:
        """Say that a mandatory parameter is missing."""
        return missing(name)

    def illegal(self, name: str, pattern: str) -> ApiError:
        """Say that a parameter has illegal characters."""
        return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")

    def too_precise(self, name: str) -> ApiError:
        """Say that an amount has too many decimals."""
        return ApiError(-1111, f"Parameter '{name}' has too much precision.")


def read_params(request: ApiRequest) -> BinanceParams:
    """Read query and form body."""
    sent = (*parse_qsl(request.body, keep_blank_values=True), *parse_qsl(request.query, keep_blank_values=True))
    return BinanceParams(dict(sent))


def listed(market: Market[Any], params: Params) -> None:
    """Refuse a request whose mandatory symbol is not the listed one."""
    if params.text("symbol", SYMBOL) != market.market_id:
        raise unknown_symbol()


def named_symbols(params: Params) -> list[str]:
    """Read which symbols a request names; none means all."""
    if "symbol" in params:
        return [params.text("symbol", SYMBOL)]
    if "symbols" not in params:
        return []
    try:
        names = json.loads(params.text("symbols"))
    except json.JSONDecodeError as error:
        raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.") from error
    return [str(name) for name in names] if isinstance(names, list) else [str(names)]


def named_order(market: Market[Any], params: Params) -> AccountOrder | None:
    """Find the order that `orderId` or `origClientOrderId` names; both must agree when both are sent."""
    account = market.engine.account
    if "orderId" not in params and "origClientOrderId" not in params:
        message = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        raise ApiError(-1102, message)
    found = []
    if "orderId" in params:
        found.append(account.orders.get(params.integer("orderId")))
    if "origClientOrderId" in params:
        found.append(account.order_by_client_id(ClientOrderId(params.text("origClientOrderId"))))
    return found[0] if found[0] is found[-1] else None


def fixed(amount: Decimal) -> str:
    """Write money with Binance's eight decimals, never fewer and never cut."""
    exponent = amount.as_tuple().exponent
    is_finer = isinstance(exponent, int) and exponent < -MAX_DECIMALS
    return format(amount.normalize() if is_finer and amount else amount, "f" if is_finer else ".8f")


def levels(side: Iterable[Level]) -> list[list[str]]:
    """Write one side of the book."""
    return [[fixed(price), fixed(size)] for price, size in side]
