"""Armed faults: which requests they wait for, how often they strike, and how often they did."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from marketmaker.simulation.faults import deeds, views, wire
from marketmaker.simulation.faults.routes import (
    ACCOUNT_ROUTE,
    CANCEL_ROUTE,
    CLOCK_ROUTES,
    DEPTH_ROUTE,
    FILLS_ROUTE,
    LOOKUP_ROUTE,
    ORDER_ROUTE,
    SYMBOL_ROUTES,
    SYMBOLS_ROUTE,
)

Fault = wire.Latency | wire.WireFault | views.ClockSkew | views.ViewFault | deeds.DeedFault

FAULT_KINDS: dict[str, type[Fault]] = {
    "lost_reply": wire.LostReply,
    "delayed_acceptance": wire.DelayedAcceptance,
    "latency": wire.Latency,
    "server_error": wire.ServerError,
    "too_many_requests": wire.TooManyRequests,
    "malformed_reply": wire.MalformedReply,
    "truncated_reply": wire.TruncatedReply,
    "empty_reply": wire.EmptyReply,
    "wrong_types": wire.WrongTypes,
    "connection_reset": wire.ConnectionReset,
    "maintenance": wire.Maintenance,
    "clock_skew": views.ClockSkew,
    "frozen_book": views.FrozenBook,
    "crossed_book": views.CrossedBook,
    "one_sided_book": views.OneSidedBook,
    "lagging_balance": views.LaggingBalance,
    "late_fills": views.LateFills,
    "duplicated_fills": views.DuplicatedFills,
    "post_only_rejection": deeds.PostOnlyRejection,
    "taken_fill": deeds.TakenFill,
    "fill_during_cancel": deeds.FillDuringCancel,
    "unknown_order": deeds.UnknownOrder,
    "delisted_symbol": deeds.DelistedSymbol,
    "changed_tick_size": deeds.ChangedTickSize,
}
_NAMES = {kind: name for name, kind in FAULT_KINDS.items()}

ROUTES_OF: dict[type[Fault], tuple[str, ...]] = {
    wire.DelayedAcceptance: (ORDER_ROUTE,),
    views.ClockSkew: CLOCK_ROUTES,
    views.FrozenBook: (DEPTH_ROUTE,),
    views.CrossedBook: (DEPTH_ROUTE,),
    views.OneSidedBook: (DEPTH_ROUTE,),
    views.LaggingBalance: (ACCOUNT_ROUTE,),
    views.LateFills: (FILLS_ROUTE,),
    views.DuplicatedFills: (FILLS_ROUTE,),
    deeds.PostOnlyRejection: (ORDER_ROUTE,),
    deeds.TakenFill: (ORDER_ROUTE,),
    deeds.FillDuringCancel: (CANCEL_ROUTE,),
    deeds.UnknownOrder: (LOOKUP_ROUTE, CANCEL_ROUTE),
    deeds.DelistedSymbol: SYMBOL_ROUTES,
    deeds.ChangedTickSize: (SYMBOLS_ROUTE, ORDER_ROUTE),
}
"""The routes on which a fault makes sense; one that is not named here makes sense on all."""

_LASTING: frozenset[type[Fault]] = frozenset(
    {
        wire.Latency,
        wire.Maintenance,
        views.ClockSkew,
        views.FrozenBook,
        views.CrossedBook,
        views.OneSidedBook,
        views.LaggingBalance,
        views.LateFills,
        views.DuplicatedFills,
        deeds.DelistedSymbol,
        deeds.ChangedTickSize,
    }
)


def fault_name(fault: Fault) -> str:
    """Return the name a fault is switched on by."""
    return _NAMES[type(fault)]


def default_count(kind: type[Fault]) -> int | None:
    """Return how often a fault strikes unless told: a state of the venue until it is cleared, an accident once."""
    return None if kind in _LASTING else 1


@dataclass(slots=True, kw_only=True)
class ArmedFault:
    """A fault waiting for requests: on one route (`METHOD /path`) or all on which it makes sense.

    It lets the first `after` requests pass, then strikes `count` times or until cleared. `parts` maps the routes of
    another dialect to those that play the same part here.
    """

    fault: Fault
    route: str | None = None
    count: int | None = 1
    after: int = 0
    parts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise ValueError(f"count {self.count}; allowed: 1 or more, or null until cleared")
        if self.after < 0:
            raise ValueError(f"after {self.after}; allowed: 0 or more")
        routes = ROUTES_OF.get(type(self.fault))
        if routes is None:
            return
        known = [route for route, part in self.parts.items() if part in routes] if self.parts else list(routes)
        if self.route is not None and self.route not in known:
            raise ValueError(f"route {self.route} of {fault_name(self.fault)}; allowed: {', '.join(known)}")
        if len(known) == 1:
            self.route = known[0]

    def waits_on(self, route: str) -> bool:
        """Tell whether the fault waits for requests of a route."""
        if self.route is not None:
            return self.route == route
        part = self.parts.get(route, route)
        return part in ROUTES_OF.get(type(self.fault), (part,))


class FaultPlan:
    """The armed faults in the order they were armed, and how often each kind was applied."""

    def __init__(self) -> None:
        self.armed: list[ArmedFault] = []
        self.applied: Counter[str] = Counter()

    def arm(self, armed: ArmedFault) -> None:
        """Switch a fault on."""
        self.armed.append(armed)

    def clear(self) -> None:
        """Switch every fault off; what was applied stays counted."""
        self.armed.clear()

    def strike(self, route: str) -> tuple[wire.Latency | wire.WireFault, ...]:
        """Return what befalls a request on its way, each used once: every latency, and the first other fault."""
        due = self._due(route, lambda fault: isinstance(fault, wire.Latency | wire.WireFault))
        latencies = [armed for armed in due if isinstance(armed.fault, wire.Latency)]
        others = [armed for armed in due if not isinstance(armed.fault, wire.Latency)]
        struck = self._use(latencies + others[:1])
        return tuple(fault for fault in struck if isinstance(fault, wire.Latency | wire.WireFault))

    def strike_clock(self, route: str) -> views.ClockSkew | None:
        """Return by how much the clock is off for a request that reached the venue."""
        due = self._due(route, lambda fault: isinstance(fault, views.ClockSkew))
        return next((fault for fault in self._use(due[:1]) if isinstance(fault, views.ClockSkew)), None)

    def strike_venue(
        self, route: str, concerns: Callable[[views.ViewFault | deeds.DeedFault], bool]
    ) -> tuple[views.ViewFault | deeds.DeedFault, ...]:
        """Return what the venue does wrong with a request that it concerns: the first armed fault of each kind."""
        due = self._due(route, lambda fault: isinstance(fault, views.ViewFault | deeds.DeedFault) and concerns(fault))
        first = {type(armed.fault): armed for armed in reversed(due)}
        struck = self._use(armed for armed in due if first[type(armed.fault)] is armed)
        return tuple(fault for fault in struck if isinstance(fault, views.ViewFault | deeds.DeedFault))

    def delisting(self) -> deeds.DelistedSymbol | None:
        """Return the delisting that is in force on every route of the symbol, so that its market stands still."""
        whole = (armed.fault for armed in self.armed if armed.route is None and armed.after == 0)
        return next((fault for fault in whole if isinstance(fault, deeds.DelistedSymbol)), None)

    def _due(self, route: str, is_meant: Callable[[Fault], bool]) -> list[ArmedFault]:
        """List what is due on a request; what still lets requests pass has let one more pass."""
        waiting = [armed for armed in self.armed if armed.waits_on(route) and is_meant(armed.fault)]
        due = [armed for armed in waiting if armed.after == 0]
        for armed in waiting:
            armed.after = max(0, armed.after - 1)
        return due

    def _use(self, struck: Iterable[ArmedFault]) -> list[Fault]:
        """Count faults as applied; one that has struck as often as asked is armed no more."""
        faults: list[Fault] = []
        for armed in struck:
            self.applied[fault_name(armed.fault)] += 1
            faults.append(armed.fault)
            if armed.count is not None:
                armed.count -= 1
        self.armed = [armed for armed in self.armed if armed.count != 0]
        return faults
