"""A market's public trades from an id on, as far as a venue lists them."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    """A trade between others, or several at one price and time; `taker_side` is who crossed the spread."""

    trade_id: int
    taker_side: Side
    price: Decimal
    size_base: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Trades that were never seen: from an id up to, not including, another."""

    from_id: int
    to_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesRead:
    """A market's trades up to now, oldest first; `next_id` is that of the trade after them."""

    trades: tuple[PublicTrade, ...]
    next_id: int
    holes: tuple[Hole, ...] = ()
