"""How an account stands, as values: what could not be read is `Unknown`, and money that follows from it is None."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.orders import Fee
from marketmaker.domain.state import Mode
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.ports import Unknown
from marketmaker.usecases.listed_orders import ListedOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """What a human was told and holds still; `key` is its kind and, for one market, the symbol."""

    key: str
    text: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMarket:
    """The most that may be done in one market, why, and since when."""

    symbol: Symbol
    mode: Mode
    reason: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownStanding:
    """A quote asset's peak equity, and what of it is lost now; None without a price of each of its markets."""

    asset: Asset
    peak_equity_quote: Decimal
    drawdown_share: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlStanding:
    """What the account may do, who works it and when it last did; the lease is None while nobody holds it.

    `stops` are the markets that an operator stopped or, with the mode quoting, resumed last.
    `blocked_until_ms` is when the venue may be asked again, None while it may; `is_banned` says not even by cancels.
    """

    mode: Mode
    reason: str
    since_ms: int | None
    epoch: int
    last_tick_ms: int | None
    is_late: bool
    lease_owner: str | None
    lease_ends_ms: int | None
    blocked_until_ms: int | None
    is_banned: bool
    alerts: tuple[OpenAlert, ...]
    restrictions: tuple[RestrictedMarket, ...]
    stops: tuple[RestrictedMarket, ...] = ()
    drawdowns: tuple[DrawdownStanding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """The best prices of a book; None for an empty side."""

    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryStanding:
    """What a market owns and has gained, valued at the mark where it takes one.

    `average_cost_quote` is None while no base is held, and `ratio` without capital or mark. `pnl_quote` is after priced
    fees only: `unpriced_fees` and those of `fills_without_fee` are in none of the sums.
    """

    base: Decimal
    quote: Decimal
    deposited_quote: Decimal
    capital_quote: Decimal | None
    ratio: Decimal | None
    average_cost_quote: Decimal | None
    realised_quote: Decimal
    unrealised_quote: Decimal | None
    fees_quote: Decimal
    pnl_quote: Decimal | None
    unpriced_fees: tuple[Fee, ...]
    fills_without_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStanding:
    """One market: prices and orders at the venue, and what it owns; `inventory` is None until its first tick.

    `others` is the book without our own orders, which takes them to be known; its mid is the `mark`.
    """

    symbol: Symbol
    everyone: Touch | Unknown
    others: Touch | Unknown
    mark: Decimal | None
    min_ratio: Decimal
    max_ratio: Decimal
    inventory: InventoryStanding | Unknown | None
    orders: tuple[ListedOrder, ...]

    @property
    def is_outside_band(self) -> bool:
        """Tell whether the inventory ratio is known to be outside its band."""
        ratio = self.inventory.ratio if isinstance(self.inventory, InventoryStanding) else None
        return ratio is not None and not self.min_ratio <= ratio <= self.max_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStanding:
    """One account. `strays` are own orders in no market of the deployment file; `foreign` are not ours.

    `venue_problem` says in one line what could not be read of the venue.
    """

    account: AccountName
    venue: str
    config_hash: str
    time_ms: int
    interval_ms: int
    control: ControlStanding | Unknown
    venue_problem: str | None
    markets: tuple[MarketStanding, ...]
    strays: tuple[ListedOrder, ...]
    foreign: tuple[ListedOrder, ...] | Unknown

    @property
    def state_problem(self) -> str | None:
        """What kept the state from being read."""
        return self.control.reason if isinstance(self.control, Unknown) else None

    @property
    def is_complete(self) -> bool:
        """Tell whether all of it could be read."""
        return self.state_problem is None and self.venue_problem is None

    @property
    def own(self) -> tuple[ListedOrder, ...]:
        """Every order of ours."""
        return (*(order for market in self.markets for order in market.orders), *self.strays)
