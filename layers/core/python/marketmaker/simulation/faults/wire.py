"""Faults of the way there and back: connections, refusals at the door, and replies that arrive spoiled."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.units import ONE, ZERO
from marketmaker.simulation.faults.ranges import check_range

EMPTY_BODIES = ("", "{}", "[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The request is processed on arrival, the reply leaves `delay_s` later."""

    delay_s: float

    def __post_init__(self) -> None:
        check_range("delay_s", self.delay_s, 0, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class LostReply:
    """The request is processed, then the connection ends without a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReset:
    """The connection is reset (TCP RST) instead of a reply; the request is processed before only if `processed`."""

    processed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedAcceptance:
    """The connection ends at once; the order arrives `delay_s` later, if its own expiry still allows."""

    delay_s: float

    def __post_init__(self) -> None:
        check_range("delay_s", self.delay_s, 0, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """The request is answered by a server error and not processed."""

    status: int = 503

    def __post_init__(self) -> None:
        check_range("status", self.status, 500, 599)


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests:
    """The request is refused by the rate limit, and not processed; 418 is the ban that follows."""

    retry_after_s: int = 1
    status: int = 429

    def __post_init__(self) -> None:
        check_range("retry_after_s", self.retry_after_s, 0, 86_400)
        if self.status not in {418, 429}:
            raise ValueError(f"status {self.status}; allowed: 418, 429")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """The request is answered by `System is under maintenance.` with status 503, and not processed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedReply:
    """The request is processed, but a status 200 with this body is all that comes back."""

    body: str = "<html>maintenance</html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedReply:
    """The request is processed, but a status 200 with the first `kept_share` of the true body comes back."""

    kept_share: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        if not ZERO <= self.kept_share < ONE:
            raise ValueError(f"kept_share {self.kept_share}; allowed: 0 to below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyReply:
    """The request is processed, but a status 200 with an empty body, `{}` or `[]` comes back."""

    body: str = ""

    def __post_init__(self) -> None:
        if self.body not in EMPTY_BODIES:
            raise ValueError(f"body {self.body!r}; allowed: {', '.join(map(repr, EMPTY_BODIES))}")


class WrongType(StrEnum):
    """What each value of an answer becomes: null, "wrong", a number (its own where it reads as one, else 0), [it]."""

    NULL = "null"
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongTypes:
    """The request is processed; in the true answer every value, or those under `key` alone, has another type."""

    to: WrongType
    key: str | None = None


RefusalFault = ServerError | TooManyRequests | Maintenance
"""What answers in the venue's place; nothing is processed."""
ReplyFault = MalformedReply | TruncatedReply | EmptyReply | WrongTypes
"""What becomes of a true reply."""
WireFault = LostReply | ConnectionReset | DelayedAcceptance | RefusalFault | ReplyFault
"""What can befall one request once."""
