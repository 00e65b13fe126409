"""What a run shows while it goes on, and what came of it, as values."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.inventory import FillRow, Inventory
from marketmaker.domain.orders import Order
from marketmaker.domain.state import Episode, Mode
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.usecases.reports import TickOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run after one of its ticks; `inventory` is None until the market has opened, a price while nobody knows it.

    `quotes` are our own resting orders, `bid` and `ask` the best prices of others. `said` is why nothing rests, or what
    kept the tick from its work.
    """

    symbol: Symbol
    slot_ms: int
    next_slot_ms: int
    ends_ms: int
    mode: Mode
    outcome: TickOutcome
    said: str
    inventory: Inventory | None
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    quotes: tuple[Order, ...]
    last_fills: tuple[FillRow, ...]
    alerts: tuple[Episode, ...]
    ticks: int
    ticks_skipped: int
    fills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """Whether the venue holds what the ledger explains; `matches` is None where it could not be read."""

    matches: bool | None
    said: str = ""
    mark: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of a run; money is None where the market never opened, or nobody knew its price at the end.

    `orders_left` is None where that could not be read, `verified_s` where own orders may still be live: that needs a
    human.
    """

    account: AccountName
    symbol: Symbol
    venue: str
    config_hash: str
    started_ms: int
    ended_ms: int
    ended_by: str
    ticks: int
    ticks_skipped: int
    ticks_failed: int
    risk_checks: int
    orders_placed: int
    orders_cancelled: int
    fills: int
    volume_quote: Decimal
    realised_pnl_quote: Decimal | None
    unrealised_pnl_quote: Decimal | None
    fees_quote: Decimal | None
    funding_quote: Decimal | None
    total_pnl_quote: Decimal | None
    position_base: Decimal | None
    average_cost_quote: Decimal | None
    mark_price: Decimal | None
    stop_losses: int
    take_profits: int
    orders_left: int | None
    verified_s: float | None
    ledger_matches_venue: bool | None
    problems: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Tell whether no order of ours is left, for certain."""
        return self.orders_left == 0 and self.verified_s is not None
