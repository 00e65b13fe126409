"""Backpack's words: errors, parameters of query or JSON body, and how it writes times."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from infra.local.exchange.dialect import ApiError, ApiRequest, Params
from infra.local.exchange.market import Market
from marketmaker.domain.units import ClientOrderId
from marketmaker.simulation.orders import AccountOrder

MAX_CLIENT_ID = 2**32 - 1
SYMBOL = r"^[A-Z0-9_.]{1,40}$"


def bad_request(message: str) -> ApiError:
    """Say that a request cannot be read or is not allowed."""
    return ApiError("INVALID_CLIENT_REQUEST", message)


def invalid_order(message: str) -> ApiError:
    """Say that an order is not acceptable."""
    return ApiError("INVALID_ORDER", message)


def unknown_symbol() -> ApiError:
    """Say that a symbol is not listed."""
    return ApiError("INVALID_SYMBOL", "Invalid symbol")


def no_such_order() -> ApiError:
    """Say that no such order rests."""
    return ApiError("RESOURCE_NOT_FOUND", "Not Found", status=HTTPStatus.NOT_FOUND)


def nothing_to_cancel() -> ApiError:
    """Say that a cancel's order does not rest."""
    return invalid_order("Order not found")


class BackpackParams(Params):
    """The parameters of a query or a JSON object; of a JSON list, `entries` are those of each object."""

    max_decimals = 20

    def __init__(self, values: Mapping[str, str], entries: Sequence["BackpackParams"] | None = None) -> None:
        super().__init__(values)
        self.entries = entries

    @property
    def sent(self) -> dict[str, str]:
        """The parameters as they are signed: by name, in alphabetical order."""
        return dict(sorted(self._values.items()))

    def missing(self, name: str) -> ApiError:
        """Say that a mandatory parameter is missing."""
        return bad_request(f"parse request payload error: missing field `{name}`")

    def illegal(self, name: str, pattern: str) -> ApiError:
        """Say that a parameter is malformed."""
        return bad_request(f"failed to parse parameter `{name}`: expected {pattern}")

    def too_precise(self, name: str) -> ApiError:
        """Say that an amount has too many decimals."""
        return bad_request(f"{name} decimal too long")


def read_params(request: ApiRequest) -> BackpackParams:
    """Read a query, or the JSON body of what changes something."""
    if request.route.startswith("GET "):
        return BackpackParams(dict(parse_qsl(request.query, keep_blank_values=True)))
    try:
        body = json.loads(request.body or "{}")
    except json.JSONDecodeError as error:
        raise bad_request("parse request payload error: invalid JSON") from error
    if isinstance(body, list):
        return BackpackParams({}, [_object(entry) for entry in body])
    return _object(body)


def _object(body: object) -> BackpackParams:
    if not isinstance(body, dict):
        raise bad_request("parse request payload error: expected an object")
    return BackpackParams({str(name): _text(value) for name, value in body.items() if value is not None})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def listed(market: Market[Any], params: Params) -> None:
    """Refuse a request whose mandatory symbol is not the listed one."""
    if params.text("symbol", SYMBOL) != market.market_id:
        raise unknown_symbol()


def listed_if_named(market: Market[Any], params: Params) -> None:
    """Refuse a request that names a symbol which is not the listed one."""
    if "symbol" in params:
        listed(market, params)


def read_client_id(params: Params) -> ClientOrderId:
    """Read a client id: a whole number of 32 bits."""
    number = params.integer("clientId")
    if number > MAX_CLIENT_ID:
        raise bad_request(f"failed to parse parameter `clientId`: {number} is no uint32")
    return ClientOrderId(str(number))


def named_order(market: Market[Any], params: Params) -> AccountOrder | None:
    """Find the resting order that either `orderId` or `clientId` names."""
    account = market.engine.account
    if ("orderId" in params) == ("clientId" in params):
        raise bad_request("Must specify exactly one of `orderId` and `clientId`")
    order: AccountOrder | None
    if "orderId" in params:
        order = account.orders.get(params.integer("orderId"))
    else:
        order = account.order_by_client_id(read_client_id(params))
    return order if order is not None and order.status.is_open else None


def written_time(time_ms: int) -> str:
    """Write a time as the venue's history does: 2025-07-27T17:39:00.092."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
