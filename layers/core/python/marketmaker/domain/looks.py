"""What one look at an account shows: all that its limits are judged by, whatever could not be seen left open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from marketmaker.domain.exposure import Exposure
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.metering import Counts
from marketmaker.domain.orders import Order
from marketmaker.domain.positions import Position
from marketmaker.domain.pricing import Book, own_price
from marketmaker.domain.state import Control, MarketState
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import ZERO, AccountName, Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLook:
    """What one look shows of a market; None is what could not be seen.

    `book` is what others made of it. `book_age_ms` is how long nobody, tick or check, has seen its update id change.
    `is_settled` tells whether every fill that the venue shows is in the inventory. `live` are our own resting orders,
    `position` is what the venue says of a perpetual, `statistics` the newest kept, however old. `this_hour` and
    `last_day` are what ticks counted.
    """

    settings: MarketSettings
    base: Asset
    quote: Asset
    book: Book | None
    book_age_ms: int | None
    last_price: Decimal | None
    market: MarketState | None
    is_settled: bool
    live: tuple[Order, ...] = ()
    position: Position | None = None
    statistics: Statistics | None = None
    this_hour: Counts | None = None
    last_day: Counts | None = None

    @property
    def fair(self) -> Decimal | None:
        """The price that quotes are made by, None where the book has none."""
        fair = None if self.book is None else own_price(self.settings, self.book, self.last_price)
        return fair if fair is not None and fair > ZERO else None

    @property
    def held_base(self) -> Decimal | None:
        """What is held: by the venue where it has positions, which needs no ledger (R34); else what is settled."""
        if self.settings.perpetual is not None:
            return None if self.position is None else self.position.size_base
        return self.market.inventory.base if self.market is not None and self.is_settled else None

    @property
    def resting_quote(self) -> Decimal:
        """What our resting orders are worth."""
        return sum((each.notional_quote for each in self.live), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLook:
    """What one look shows of an account; without its control item neither ticks nor peaks are known.

    `others` is what the other accounts of its portfolio told of themselves.
    """

    markets: tuple[MarketLook, ...]
    control: Control | None
    own_orders: int
    now_ms: int
    others: Mapping[AccountName, Exposure] = field(default_factory=dict)


def is_settled(market: MarketState, live: Sequence[Order]) -> bool:
    """Tell whether the inventory has every fill that our live orders show: none executed more, vanished or unknown."""
    booked = {order.venue_id: order.executed_base for order in market.working}
    shown = {order.venue_id: order.executed_base for order in live}
    return (
        not market.unresolved
        and booked.keys() <= shown.keys()
        and all(executed <= booked.get(venue_id, ZERO) for venue_id, executed in shown.items())
    )
