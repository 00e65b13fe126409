"""The limits that can break, and what each says of how it broke."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol

from marketmaker.domain.distances import PriceRange
from marketmaker.domain.units import TWO, Asset, Symbol, plain


class BreachKind(StrEnum):
    """The limits, named as their alert episodes are; ticks see some of the same conditions and share the episodes."""

    STALE_BOOK = "stale_book"
    PRICE_BAND = "price_band"
    INVENTORY_BAND = "inventory_band"
    NOTIONAL = "notional"
    LIQUIDATION = "liquidation"
    VOLATILITY = "volatility"
    LEDGER_DIFFERENCE = "ledger_difference"
    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"
    ACCOUNT_NOTIONAL = "account_notional"
    PORTFOLIO_NOTIONAL = "portfolio_notional"
    OPEN_ORDERS = "open_orders"
    VENUE_ERRORS = "venue_errors"
    CANCEL_RATIO = "cancel_ratio"
    ORDER_SUCCESS = "order_success"
    TAKER_SHARE = "taker_share"
    FEE_TIER = "fee_tier"
    TICKS_STOPPED = "ticks_stopped"


class Breach(Protocol):
    """A broken limit: which, in which market or None for the whole account, and in words what broke it."""

    @property
    def kind(self) -> BreachKind:
        """The limit."""
        ...

    @property
    def symbol(self) -> Symbol | None:
        """The market, None where it is the whole account's."""
        ...

    @property
    def reduced_base(self) -> Decimal | None:
        """What may be held of the market at most to keep the limit, None where less of it would not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleBook:
    """A book that nothing may be decided by: it stands still, lacks a side or crosses itself (R11)."""

    kind: ClassVar[BreachKind] = BreachKind.STALE_BOOK
    symbol: Symbol
    problem: str
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"the book cannot be trusted: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBandBreach:
    """The fair price left the range in which quotes may rest (S3)."""

    kind: ClassVar[BreachKind] = BreachKind.PRICE_BAND
    symbol: Symbol
    fair: Decimal
    allowed: PriceRange
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"fair price {plain(self.fair)} is outside [{plain(self.allowed.low)}, {plain(self.allowed.high)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryBandBreach:
    """A market holds more or less of its capital in base than it should (S2)."""

    kind: ClassVar[BreachKind] = BreachKind.INVENTORY_BAND
    symbol: Symbol
    ratio: Decimal
    min_ratio: Decimal
    max_ratio: Decimal
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"inventory ratio {self.ratio:.2%} is outside [{self.min_ratio:.2%}, {self.max_ratio:.2%}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBreach:
    """A perpetual's position is larger than it may be (P4)."""

    kind: ClassVar[BreachKind] = BreachKind.INVENTORY_BAND
    symbol: Symbol
    base: Decimal
    max_base: Decimal

    @property
    def reduced_base(self) -> Decimal:
        """The most that may be held on its side."""
        return self.max_base.copy_sign(self.base)

    def __str__(self) -> str:
        return f"the position is {plain(self.base)}, allowed are {plain(self.max_base)} either way"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotionalBreach:
    """One market holds more than it may, valued at its fair price."""

    kind: ClassVar[BreachKind] = BreachKind.NOTIONAL
    symbol: Symbol
    base: Decimal
    fair: Decimal
    asset: Asset
    max_quote: Decimal

    @property
    def reduced_base(self) -> Decimal:
        """What the bound buys at this price, on the side of what is held."""
        return (self.max_quote / self.fair).copy_sign(self.base)

    def __str__(self) -> str:
        held = _money(abs(self.base) * self.fair)
        return f"the market holds {held} {self.asset}, allowed are {plain(self.max_quote)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationBreach:
    """The venue would close a position before the price moved as far as it must be able to (S17)."""

    kind: ClassVar[BreachKind] = BreachKind.LIQUIDATION
    symbol: Symbol
    base: Decimal
    distance: Decimal
    min_distance: Decimal

    @property
    def reduced_base(self) -> Decimal:
        """Half of what is held: how far that moves the venue's bound only its next answer shows."""
        return self.base / TWO

    def __str__(self) -> str:
        return f"liquidation is {self.distance:.2%} away, at least {self.min_distance:.2%} is wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityBreach:
    """A market moves more than it may; both are shares of the price in one standard deviation of a year."""

    kind: ClassVar[BreachKind] = BreachKind.VOLATILITY
    symbol: Symbol
    volatility: Decimal
    max_volatility: Decimal
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"volatility is {self.volatility:.0%} a year, allowed are {self.max_volatility:.0%}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBreach:
    """For several ticks in a row the venue's balances have not been what the ledger explains (S2b)."""

    kind: ClassVar[BreachKind] = BreachKind.LEDGER_DIFFERENCE
    symbol: Symbol
    assets: tuple[Asset, ...]
    ticks: int
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"for {self.ticks} ticks the ledger has not explained what the venue holds of {', '.join(self.assets)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossBreach:
    """The markets of one quote asset lost more than they may since a moment: of their peak equity, or of the day's."""

    kind: BreachKind
    symbol: ClassVar[None] = None
    asset: Asset
    share: Decimal
    max_share: Decimal
    lost_quote: Decimal
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        since = "the peak equity" if self.kind is BreachKind.DRAWDOWN else "the day began"
        whole = "it" if self.kind is BreachKind.DRAWDOWN else "the equity of then"
        lost = f"{_money(self.lost_quote)} {self.asset} lost since {since}"
        return f"{lost}, {self.share:.2%} of {whole}; allowed {self.max_share:.2%}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountBreach:
    """The markets of one quote asset, or all accounts' markets, hold or let rest more than they may together (S16)."""

    kind: BreachKind
    symbol: ClassVar[None] = None
    asset: Asset
    amount_quote: Decimal
    max_quote: Decimal
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"{_WHOSE[self.kind]} {_money(self.amount_quote)} {self.asset}, allowed are {plain(self.max_quote)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueErrors:
    """Ticks come, but none of the last could read the venue (R30)."""

    kind: ClassVar[BreachKind] = BreachKind.VENUE_ERRORS
    symbol: ClassVar[None] = None
    ticks: int
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"{self.ticks} ticks in a row could not read the venue"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicksStopped:
    """Own orders rest and nobody follows the market with them (R3)."""

    kind: ClassVar[BreachKind] = BreachKind.TICKS_STOPPED
    symbol: ClassVar[None] = None
    age_ms: int | None
    own_orders: int
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        last = "no tick was ever worked" if self.age_ms is None else f"no tick for {self.age_ms // 1000} s"
        return f"{last} while {self.own_orders} of our orders rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareBreach:
    """Over 24 hours a market's orders or fills fared worse than they may (C2, S8)."""

    kind: BreachKind
    symbol: Symbol
    share: Decimal
    bound: Decimal
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return _SHARES[self.kind].format(share=self.share, bound=self.bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeBreach:
    """Fills of resting orders did not cost what the file says: its floors and break-evens are wrong (R36)."""

    kind: ClassVar[BreachKind] = BreachKind.FEE_TIER
    symbol: Symbol
    paid_bps: Decimal
    said_bps: Decimal
    reduced_base: ClassVar[None] = None

    def __str__(self) -> str:
        return f"makers' fills cost {self.paid_bps:.2f} bps in this hour, fees.maker_bps is {plain(self.said_bps)}"


def _money(amount: Decimal) -> str:
    return plain(Decimal(f"{amount:.8f}"))


_SHARES = {
    BreachKind.CANCEL_RATIO: "{share:.1%} of a day's orders were cancelled with nothing filled, allowed {bound:.1%}",
    BreachKind.ORDER_SUCCESS: "{share:.1%} of a day's orders were accepted, at least {bound:.1%} are wanted",
    BreachKind.TAKER_SHARE: "{share:.1%} of a day's volume took, allowed are {bound:.1%}",
}
_WHOSE = {
    BreachKind.ACCOUNT_NOTIONAL: "the account's markets hold",
    BreachKind.PORTFOLIO_NOTIONAL: "the markets of all accounts hold",
    BreachKind.OPEN_ORDERS: "our orders rest for",
}
