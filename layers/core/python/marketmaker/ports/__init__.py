"""What the use cases need from the world; adapters and fakes implement these Protocols."""

from marketmaker.ports.egress import Egress, EgressAddress
from marketmaker.ports.hooks import HookSecrets, HookSender, Notice
from marketmaker.ports.messages import (
    Alert,
    Alerts,
    DecisionLog,
    DelayedTick,
    HaltRequest,
    HaltRequests,
    Severity,
    Telemetry,
    TickQueue,
)
from marketmaker.ports.settings import SettingChange, SettingsText, SettingsVersions, WantedSettings
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
    RateLimit,
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
    "DecisionLog",
    "DelayedTick",
    "Egress",
    "EgressAddress",
    "HaltRequest",
    "HaltRequests",
    "HookSecrets",
    "HookSender",
    "KeyPermissions",
    "KeyStore",
    "Notice",
    "Observation",
    "OutcomeUnknown",
    "PlaceOutcome",
    "Prices",
    "RateLimit",
    "Rejected",
    "RejectionKind",
    "SettingChange",
    "SettingsText",
    "SettingsVersions",
    "Severity",
    "Store",
    "Telemetry",
    "TickQueue",
    "Unknown",
    "Venue",
    "WantedSettings",
]
