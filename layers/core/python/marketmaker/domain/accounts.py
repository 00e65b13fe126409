"""An account: one venue login with its markets and the clocks it runs by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.exposure import Portfolio
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import Listing
from marketmaker.domain.orders import DeploymentTag
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.domain.venues import VENUES, DeadMansSwitch


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
    def switch_ms(self) -> int:
        """After how long without a tick the venue itself cancels: two more may fail, and a lease may have to end."""
        return max(5 * self.interval_ms // 2, self.lease_ms + 2 * self.interval_ms)

    @property
    def tick_max_age_ms(self) -> int:
        """The age at which a tick is dropped: its successor is due."""
        return self.interval_ms


class BreachResponse(StrEnum):
    """What check_risk does when a limit breaks; each includes the ones before it.

    `alert` tells. `quote_longer` replaces orders less often, `widen` quotes further away, `pull_side` leaves out the
    side that adds to what is held. `cancel` lets nothing rest, `reduce` also trades what is too much, `close` all of
    it. `halt` stops the whole account until an operator resumes it.
    """

    ALERT = "alert"
    QUOTE_LONGER = "quote_longer"
    WIDEN = "widen"
    PULL_SIDE = "pull_side"
    CANCEL = "cancel"
    REDUCE = "reduce"
    CLOSE = "close"
    HALT = "halt"

    def includes(self, other: "BreachResponse") -> bool:
        """Tell whether this does all that the other one does."""
        strength = list(BreachResponse)
        return strength.index(self) >= strength.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """The limits of the independent second look, and the response to each.

    `max_drawdown_share` is the part of the peak equity that may be lost before `drawdown` answers (R6),
    `max_daily_loss_share` the part of the equity at the first look of a UTC day. The bounds on what is held and on what
    rests are amounts of a quote asset over all of the account's markets. `widen` multiplies half-spreads, `patience`
    the tolerance before an order is replaced. None, or an asset that is not named, is no limit.
    """

    price_band: BreachResponse = BreachResponse.CANCEL
    inventory_band: BreachResponse = BreachResponse.ALERT
    stale_data: BreachResponse = BreachResponse.CANCEL
    drawdown: BreachResponse = BreachResponse.HALT
    daily_loss: BreachResponse = BreachResponse.CANCEL
    notional: BreachResponse = BreachResponse.PULL_SIDE
    account_notional: BreachResponse = BreachResponse.PULL_SIDE
    portfolio_notional: BreachResponse = BreachResponse.PULL_SIDE
    open_orders: BreachResponse = BreachResponse.HALT
    liquidation: BreachResponse = BreachResponse.REDUCE
    volatility: BreachResponse = BreachResponse.WIDEN
    ledger_difference: BreachResponse = BreachResponse.CANCEL
    venue_errors: BreachResponse = BreachResponse.ALERT
    cancel_ratio: BreachResponse = BreachResponse.QUOTE_LONGER
    order_success: BreachResponse = BreachResponse.QUOTE_LONGER
    taker_share: BreachResponse = BreachResponse.ALERT
    fee_tier: BreachResponse = BreachResponse.ALERT
    max_drawdown_share: Decimal = Decimal("0.05")
    max_daily_loss_share: Decimal | None = None
    max_notional_quote: Mapping[Asset, Decimal] = field(default_factory=dict)
    max_open_orders_quote: Mapping[Asset, Decimal] = field(default_factory=dict)
    max_unreachable_ticks: int = 12
    max_cancel_ratio: Decimal | None = None
    min_order_success: Decimal | None = None
    max_taker_share: Decimal | None = None
    max_fee_difference_bps: Decimal = Decimal("0.5")
    widen: Decimal = Decimal(2)
    patience: Decimal = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """Everything the deployment file says about one account.

    `dedicated` declares that nobody else trades or moves money on the login. `config_hash` goes into every decision
    record. A venue that `numbers_orders` takes only 32-bit numbers for client order ids. One that is not `is_armed`
    never places an order. Of critical alerts that last
    a human is reminded `remind_every_ms`. One that `is_standby` does nothing until it is armed (S13).
    Where `accepts_unverified_key` a human has seen what its keys may do (R26).
    """

    name: AccountName
    venue: str
    tag: DeploymentTag
    dedicated: bool
    markets: tuple[MarketSettings, ...]
    clocks: Clocks
    risk: RiskSettings
    config_hash: str
    numbers_orders: bool = False
    is_armed: bool = True
    portfolio: Portfolio | None = None
    remind_every_ms: int = 1_800_000
    is_standby: bool = False
    accepts_unverified_key: bool = False
    symbols: tuple[Symbol, ...] = field(init=False, repr=False, compare=False)
    """The symbols of its markets, in the file's order."""
    second_listings: tuple[Listing, ...] = field(init=False, repr=False, compare=False)
    """The books that its markets' fair prices are made of, each once, sorted."""

    def __post_init__(self) -> None:
        used = (market.second_price for market in self.markets)
        listings = {listing for second in used if second is not None for listing in second.listings}
        object.__setattr__(self, "symbols", tuple(market.symbol for market in self.markets))
        object.__setattr__(self, "second_listings", tuple(sorted(listings)))

    @property
    def switch_ms(self) -> int | None:
        """After how long the venue's dead man's switch cancels; None where it is not armed (R4)."""
        venue = VENUES.get(self.venue)
        trading = None if venue is None else venue.trading
        if not self.dedicated or trading is None or trading.dead_mans_switch is DeadMansSwitch.NONE:
            return None
        return self.clocks.switch_ms

    @property
    def listings(self) -> frozenset[Listing]:
        """The books that its markets may be priced by: those that a reference or an implied price is made of."""
        second = (each for market in self.markets for each in (market.reference, market.implied) if each is not None)
        return frozenset(listing for each in second for listing in each.listings)

    @property
    def venues(self) -> frozenset[str]:
        """Its own venue, and those whose books its markets may be priced by."""
        return frozenset({self.venue}) | {listing.venue for listing in self.listings}

    def second_listings_at(self, venue: str) -> tuple[Listing, ...]:
        """Those of them at one venue."""
        return tuple(listing for listing in self.second_listings if listing.venue == venue)

    def market(self, symbol: Symbol) -> MarketSettings:
        """Return the settings of one of its markets."""
        return next(market for market in self.markets if market.symbol == symbol)
