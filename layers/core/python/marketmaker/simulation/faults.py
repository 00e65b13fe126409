"""What can go wrong between a client and a venue, as values; the exchange applies them to its requests."""

from collections import Counter
from dataclasses import dataclass

ORDER_ROUTE = "POST /api/v3/order"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostReply:
    """The request is processed, then the connection ends without a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedAcceptance:
    """The connection ends at once; the order arrives `delay_s` later, if its own expiry still allows."""

    delay_s: float

    def __post_init__(self) -> None:
        _check_range("delay_s", self.delay_s, 0, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The request is processed on arrival, the reply leaves `delay_s` later."""

    delay_s: float

    def __post_init__(self) -> None:
        _check_range("delay_s", self.delay_s, 0, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """The request is answered by a server error and not processed."""

    status: int = 503

    def __post_init__(self) -> None:
        _check_range("status", self.status, 500, 599)


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests:
    """The request is refused by the rate limit, and not processed; 418 is the ban that follows."""

    retry_after_s: int = 1
    status: int = 429

    def __post_init__(self) -> None:
        _check_range("retry_after_s", self.retry_after_s, 0, 86_400)
        if self.status not in {418, 429}:
            raise ValueError(f"status {self.status}; allowed: 418, 429")


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedReply:
    """The request is processed, but a status 200 with this body is all that comes back."""

    body: str = "<html>maintenance</html>"


Fault = LostReply | DelayedAcceptance | Latency | ServerError | TooManyRequests | MalformedReply

FAULT_KINDS: dict[str, type[Fault]] = {
    "lost_reply": LostReply,
    "delayed_acceptance": DelayedAcceptance,
    "latency": Latency,
    "server_error": ServerError,
    "too_many_requests": TooManyRequests,
    "malformed_reply": MalformedReply,
}
_NAMES = {kind: name for name, kind in FAULT_KINDS.items()}


def fault_name(fault: Fault) -> str:
    """Return the name a fault is switched on by."""
    return _NAMES[type(fault)]


@dataclass(slots=True, kw_only=True)
class ArmedFault:
    """A fault waiting for requests: on one route (`METHOD /path`) or all, `count` times or until cleared."""

    fault: Fault
    route: str | None = None
    count: int | None = 1

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise ValueError(f"count {self.count}; allowed: 1 or more, or null until cleared")
        if isinstance(self.fault, DelayedAcceptance):
            if self.route not in {None, ORDER_ROUTE}:
                raise ValueError(f"route {self.route} of delayed_acceptance; allowed: {ORDER_ROUTE}")
            self.route = ORDER_ROUTE


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

    def strike(self, route: str) -> tuple[Fault, ...]:
        """Return what befalls a request, each used once: every latency, and the first other fault."""
        matching = [armed for armed in self.armed if armed.route in {None, route}]
        latencies = [armed for armed in matching if isinstance(armed.fault, Latency)]
        others = [armed for armed in matching if not isinstance(armed.fault, Latency)]
        struck = latencies + others[:1]
        for armed in struck:
            self.applied[fault_name(armed.fault)] += 1
            if armed.count is not None:
                armed.count -= 1
        self.armed = [armed for armed in self.armed if armed.count != 0]
        return tuple(armed.fault for armed in struck)


def _check_range(name: str, value: float, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} {value}; allowed: {least} to {most}")
