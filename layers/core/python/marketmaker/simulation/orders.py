"""Orders of the simulated account: what is asked for, what became of it, and why not."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, Asset, ClientOrderId


class OrderType(StrEnum):
    """How an order may trade; LIMIT_MAKER is post-only."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    """What happens to the part that does not trade at once: rests, expires, or nothing trades at all."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    """Where an order stands."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def is_open(self) -> bool:
        """Whether the order still rests."""
        return self is OrderStatus.NEW or self is OrderStatus.PARTIALLY_FILLED


class RejectReason(StrEnum):
    """Why an order was not accepted."""

    OFF_TICK = "off_tick"
    OFF_LOT = "off_lot"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    WOULD_TAKE = "would_take"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    REDUCES_NOTHING = "reduces_nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order as sent; only a MARKET order has no price.

    A `reduce_only` one may shrink a position, never grow or turn it. One that `ends_at_own_orders` expires where it
    would trade with one of the account's own; otherwise those expire.
    """

    client_id: ClientOrderId
    side: Side
    type: OrderType
    size_base: Decimal
    price: Decimal | None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    ends_at_own_orders: bool = False

    def __post_init__(self) -> None:
        if (self.price is None) is not (self.type is OrderType.MARKET):
            raise ValueError(f"a {self.type} order with price {self.price}; allowed: no price for MARKET, else one")


@dataclass(slots=True, kw_only=True, eq=False)
class AccountOrder:
    """An accepted order and its progress; `queue_ahead` is the market volume that must trade before it.

    `queue_shown` is what was last displayed at its price, `queue_traded` what traded there since.
    `is_charged_as_taker` is a venue's fault: what rested is charged and told as taken. `is_liquidation` marks
    the venue's own order that closes a position.
    """

    order_id: int
    request: OrderRequest
    created_us: int
    updated_us: int
    status: OrderStatus = OrderStatus.NEW
    executed_base: Decimal = ZERO
    executed_quote: Decimal = ZERO
    queue_ahead: Decimal = ZERO
    queue_shown: Decimal = ZERO
    queue_traded: Decimal = ZERO
    reserved: Decimal = ZERO
    is_charged_as_taker: bool = False
    is_liquidation: bool = False

    @property
    def remaining_base(self) -> Decimal:
        """What has not traded."""
        return self.request.size_base - self.executed_base

    @property
    def limit(self) -> Decimal:
        """The limit price; only orders that have one ever rest."""
        if self.request.price is None:
            raise ValueError(f"MARKET order {self.order_id} has no limit")
        return self.request.price


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTrade:
    """One execution of the account; `commission` is positive paid, negative rebate."""

    trade_id: int
    order_id: int
    client_id: ClientOrderId
    side: Side
    price: Decimal
    size_base: Decimal
    notional_quote: Decimal
    commission: Decimal
    commission_asset: Asset
    time_us: int
    is_maker: bool
    is_liquidation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """The answer to an order that was not accepted."""

    reason: RejectReason
