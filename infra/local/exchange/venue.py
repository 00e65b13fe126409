"""The exchange without its server: requests in, replies out, faults in between."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, assert_never

from infra.local.exchange.clock import WallClock
from infra.local.exchange.dialect import ApiError, ApiLogin, ApiRequest, Dialect
from infra.local.exchange.market import Market
from infra.local.exchange.replies import Delivery, Reply, answered, refused, refused_at_the_door, spoiled
from infra.local.exchange.troubles import Troubles
from marketmaker.simulation.faults import (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _LateOrder:
    due_us: int
    request: ApiRequest


class Venue:
    """The listed symbol, the login, and everything that happened at the door."""

    def __init__(
        self,
        *,
        dialect: Dialect[Any, Any],
        listing: Market[Any],
        login: ApiLogin[Any],
        wall_us: WallClock,
        limit_factor: int = 1,
    ) -> None:
        self.dialect = dialect
        self.listing = listing
        self.faults = FaultPlan()
        self._troubles = Troubles(self.faults, dialect)
        self.requests: Counter[str] = Counter()
        self.refused_orders: Counter[int | str] = Counter()
        self._login = login
        self._wall_us = wall_us
        self._limits = dialect.limits(limit_factor)
        self._late: list[_LateOrder] = []

    def change_login(self, login: ApiLogin[Any]) -> None:
        """Accept this key from now on, and no other."""
        self._login = login

    def catch_up(self) -> int:
        """Bring the market and orders still on the wire up to now; return the wall clock in µs."""
        now_us = self._wall_us()
        while (due := self._next_due(now_us)) is not None:
            due()
        self._troubles.advance(self.listing, self.listing.clock.market_us(now_us))
        return now_us

    def _next_due(self, now_us: int) -> Callable[[], object] | None:
        """Take what is due next: an order still on the wire, or what the venue does by itself."""
        late = min(self._late, key=lambda late: late.due_us, default=None)
        own = self.listing.due()
        if own is not None and own[0] <= now_us and (late is None or own[0] <= late.due_us):
            return partial(self._act, *own)
        if late is None or late.due_us > now_us:
            return None
        self._late.remove(late)
        return partial(self._process, late.request, late.due_us)

    def _act(self, due_us: int, act: Callable[[], None]) -> None:
        self._troubles.advance(self.listing, self.listing.clock.market_us(due_us))
        act()

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
                return refused_at_the_door(self.dialect, fault, now_us // 1000)
            case MalformedReply() | TruncatedReply() | EmptyReply() | WrongTypes():
                return spoiled(self._process(request, now_us), fault)
            case _:
                assert_never(fault)

    def _process(self, request: ApiRequest, now_us: int) -> Reply:
        """Let one request reach the venue: limits, key, signature and expiry, then its handler."""
        dialect, route = self.dialect, self.dialect.routes[request.route]
        now_ms, market_us = now_us // 1000, self.listing.clock.market_us(now_us)
        self._troubles.advance(self.listing, market_us)
        try:
            params = dialect.read(request)
            self._limits.charge(route.weight(params), now_ms)
            skew_us = self._troubles.skew_us(request.route)
            if route.is_signed:
                self._login.authorize(request, params, now_ms + skew_us // 1000)
            if route.orders is not None:
                self._limits.count_orders(route.orders(params), now_ms)
            if route.handler is None:
                reply = answered(self._login.restrictions())
            else:
                told = replace(self.listing, clock=self.listing.clock.ahead(skew_us))
                reply = answered(self._troubles.answer(request.route, route.handler, told, params, market_us))
        except ApiError as error:
            if route.orders is not None:
                self.refused_orders[error.code] += 1
            reply = refused(dialect, error)
        reply.headers.update(self._limits.headers(is_order=route.orders is not None))
        return reply
