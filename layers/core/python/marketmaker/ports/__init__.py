"""What the use cases need from the world; adapters and fakes implement these Protocols."""

from marketmaker.ports.messages import (
    Alert,
    Alerts,
    DelayedTick,
    HaltRequest,
    HaltRequests,
    Severity,
    Telemetry,
    TickQueue,
)
from marketmaker.ports.store import ClaimRefusal, KeyStore, Prices, Store
from marketmaker.ports.time import Clock, Deadline, Unknown
from marketmaker.ports.venue import (
    Accepted,
    Balance,
    CancelOutcome,
    CancelResult,
    KeyPermissions,
    Observation,
    OutcomeUnknown,
    PlaceOutcome,
    Rejected,
    RejectionKind,
    Venue,
)

__all__ = [
    "Accepted",
    "Alert",
    "Alerts",
    "Balance",
    "CancelOutcome",
    "CancelResult",
    "ClaimRefusal",
    "Clock",
    "Deadline",
    "DelayedTick",
    "HaltRequest",
    "HaltRequests",
    "KeyPermissions",
    "KeyStore",
    "Observation",
    "OutcomeUnknown",
    "PlaceOutcome",
    "Prices",
    "Rejected",
    "RejectionKind",
    "Severity",
    "Store",
    "Telemetry",
    "TickQueue",
    "Unknown",
    "Venue",
]
