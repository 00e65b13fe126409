"""State, ledger, prices and sinks in memory: for backtests, and for tests under the real ones' contract suites."""

from marketmaker.adapters.memory.at_once import AtOnce
from marketmaker.adapters.memory.prices import InMemoryPrices
from marketmaker.adapters.memory.settings import DeployedOnly
from marketmaker.adapters.memory.sinks import CountingAlerts, CountingTelemetry
from marketmaker.adapters.memory.store import InMemoryStore

__all__ = ["AtOnce", "CountingAlerts", "CountingTelemetry", "DeployedOnly", "InMemoryPrices", "InMemoryStore"]
