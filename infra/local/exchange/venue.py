"""The exchange without its server: requests in, replies out, faults in between."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from infra.local.exchange import market_data, trading
from infra.local.exchange.clock import WallClock
from infra.local.exchange.dialect import ApiError, ApiRequest, Login, Params
from infra.local.exchange.limits import RateLimits
from infra.local.exchange.listing import Handler, Listing
from infra.local.exchange.replies import Delivery, Reply, answered, refused, refused_at_the_door, spoiled
from infra.local.exchange.troubles import Troubles
from marketmaker.simulation.faults import (
    ORDER_ROUTE,
    ArmedFault,
    ConnectionReset,
    DelayedAcceptance,
    EmptyReply,
    FaultPlan,
    Latency,
    LostReply,
    Maintenance,
    MalformedReply,
    ServerError,
    TooManyRequests,
    TruncatedReply,
    WireFault,
    WrongTypes,
)

type Weight = Callable[[Params], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """A route of the API: who may call it, what it weighs, what answers; without a handler the login itself does."""

    handler: Handler | None
    weight: Weight
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _LateOrder:
    due_us: int
    request: ApiRequest


def _weigh(weight: int) -> Weight:
    return lambda _params: weight


def _weigh_symbol(one: int, every: int) -> Weight:
    return lambda params: one if "symbol" in params else every


def _weigh_depth(params: Params) -> int:
    limit = params.optional_integer("limit") or market_data.DEFAULT_DEPTH
    return next((weight for most, weight in ((100, 5), (500, 25), (1_000, 50)) if limit <= most), 250)


def _weigh_day(params: Params) -> int:
    """Weigh a day's ticker: of one symbol, of 20 or 100 named ones, or of all."""
    count = len(market_data.named_symbols(params))
    return next((weight for most, weight in ((0, 80), (20, 2), (100, 40)) if count <= most), 80)


def _public(handler: Handler, weight: Weight) -> ApiRoute:
    return ApiRoute(handler=handler, weight=weight, is_signed=False)


def _signed(handler: Handler | None, weight: Weight) -> ApiRoute:
    return ApiRoute(handler=handler, weight=weight, is_signed=True)


ROUTES: dict[str, ApiRoute] = {
    "GET /api/v3/ping": _public(market_data.ping, _weigh(1)),
    "GET /api/v3/time": _public(market_data.show_time, _weigh(1)),
    "GET /api/v3/exchangeInfo": _public(market_data.show_symbols, _weigh(20)),
    "GET /api/v3/depth": _public(market_data.show_depth, _weigh_depth),
    "GET /api/v3/aggTrades": _public(market_data.show_public_trades, _weigh(4)),
    "GET /api/v3/klines": _public(market_data.show_klines, _weigh(2)),
    "GET /api/v3/ticker/24hr": _public(market_data.show_day, _weigh_day),
    "GET /api/v3/ticker/price": _public(market_data.show_price, _weigh_symbol(2, 4)),
    "GET /api/v3/ticker/bookTicker": _public(market_data.show_touch, _weigh_symbol(2, 4)),
    "GET /api/v3/account": _signed(trading.show_account, _weigh(20)),
    ORDER_ROUTE: _signed(trading.place_order, _weigh(1)),
    "GET /api/v3/order": _signed(trading.show_order, _weigh(4)),
    "DELETE /api/v3/order": _signed(trading.cancel_order, _weigh(1)),
    "GET /api/v3/openOrders": _signed(trading.show_open_orders, _weigh_symbol(6, 80)),
    "DELETE /api/v3/openOrders": _signed(trading.cancel_open_orders, _weigh(1)),
    "GET /api/v3/myTrades": _signed(trading.show_trades, lambda params: 5 if "orderId" in params else 20),
    "GET /sapi/v1/account/apiRestrictions": _signed(None, _weigh(1)),
}


class Venue:
    """The listed symbol, the login, and everything that happened at the door."""

    def __init__(self, *, listing: Listing, login: Login, wall_us: WallClock, limit_factor: int = 1) -> None:
        self.listing = listing
        self.faults = FaultPlan()
        self._troubles = Troubles(self.faults)
        self.requests: Counter[str] = Counter()
        self.refused_orders: Counter[int] = Counter()
        self._login = login
        self._wall_us = wall_us
        self._limits = RateLimits(limit_factor)
        self._late: list[_LateOrder] = []

    def change_login(self, login: Login) -> None:
        """Accept this key from now on, and no other."""
        self._login = login

    def catch_up(self) -> int:
        """Bring the market and orders still on the wire up to now; return the wall clock in µs."""
        now_us = self._wall_us()
        for late in sorted(self._late, key=lambda late: late.due_us):
            if late.due_us <= now_us:
                self._late.remove(late)
                self._process(late.request, late.due_us)
        self._troubles.advance(self.listing, self.listing.clock.market_us(now_us))
        return now_us

    def arm(self, armed: ArmedFault) -> None:
        """Switch a fault on from now on."""
        self.catch_up()
        self._troubles.arm(armed, self.listing)

    def clear_faults(self) -> None:
        """Switch every fault off from now on."""
        self.catch_up()
        self.faults.clear()

    def receive(self, request: ApiRequest) -> Delivery:
        """Answer a request that arrives now, or let the armed faults have it."""
        now_us = self.catch_up()
        self.requests[request.route] += 1
        struck = self.faults.strike(request.route)
        delay_s = sum(fault.delay_s for fault in struck if isinstance(fault, Latency))
        other = next((fault for fault in struck if not isinstance(fault, Latency)), None)
        reply = self._process(request, now_us) if other is None else self._meet(request, other, now_us)
        return Delivery(reply=reply, delay_s=delay_s, is_reset=isinstance(other, ConnectionReset))

    def _meet(self, request: ApiRequest, fault: WireFault, now_us: int) -> Reply | None:
        match fault:
            case LostReply():
                self._process(request, now_us)
                return None
            case ConnectionReset():
                if fault.processed:
                    self._process(request, now_us)
                return None
            case DelayedAcceptance():
                self._late.append(_LateOrder(due_us=now_us + int(fault.delay_s * 1e6), request=request))
                return None
            case ServerError() | TooManyRequests() | Maintenance():
                return refused_at_the_door(fault, now_us // 1000)
            case MalformedReply() | TruncatedReply() | EmptyReply() | WrongTypes():
                return spoiled(self._process(request, now_us), fault)
            case _:
                assert_never(fault)

    def _process(self, request: ApiRequest, now_us: int) -> Reply:
        """Let one request reach the venue: limits, key, signature and expiry, then its handler."""
        route, is_order = ROUTES[request.route], request.route == ORDER_ROUTE
        now_ms, market_us = now_us // 1000, self.listing.clock.market_us(now_us)
        self._troubles.advance(self.listing, market_us)
        try:
            params = Params(request)
            self._limits.charge(route.weight(params), now_ms)
            skew_us = self._troubles.skew_us(request.route)
            if route.is_signed:
                self._login.authorize(request, params, now_ms + skew_us // 1000)
            if is_order:
                self._limits.count_order(now_ms)
            if route.handler is None:
                reply = answered(self._login.restrictions())
            else:
                told = replace(self.listing, clock=self.listing.clock.ahead(skew_us))
                reply = answered(self._troubles.answer(request.route, route.handler, told, params, market_us))
        except ApiError as error:
            if is_order:
                self.refused_orders[error.code] += 1
            reply = refused(error)
        reply.headers.update(self._limits.headers(is_order=is_order))
        return reply
