"""An account: one venue login with its markets and the clocks it runs by."""

from dataclasses import dataclass

from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.orders import DeploymentTag
from marketmaker.domain.units import AccountName, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The durations that keep requests, invocations and leases in order: requests die before leases do."""

    interval_ms: int
    request_timeout_ms: int
    request_ttl_ms: int
    function_timeout_ms: int

    @property
    def lease_ms(self) -> int:
        """How long a claim holds: longer than any request of the invocation that took it can live."""
        return self.function_timeout_ms + self.request_ttl_ms

    @property
    def tick_max_age_ms(self) -> int:
        """The age at which a tick is dropped: its successor is due."""
        return self.interval_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """Everything the deployment file says about one account.

    `dedicated` declares that nobody else trades or moves money on the login. `config_hash` goes into every decision
    record.
    """

    name: AccountName
    venue: str
    tag: DeploymentTag
    dedicated: bool
    markets: tuple[MarketSettings, ...]
    clocks: Clocks
    config_hash: str

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols of its markets, in the file's order."""
        return tuple(market.symbol for market in self.markets)
