"""What one tick did: the summary a handler returns and the decision record that telemetry keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import Order
from marketmaker.domain.quoting import MarketView, NoQuotes, Quotes
from marketmaker.domain.replacing import Plan
from marketmaker.domain.state import MarketState
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.ports import Accepted, CancelOutcome, CancelResult, OutcomeUnknown, PlaceOutcome, Rejected

_BOOK_LEVELS = 5


class TickOutcome(StrEnum):
    """How a tick ended; all of these are normal returns, counted, never raised."""

    DONE = "done"
    STALE = "stale"
    LEASE_TAKEN = "lease_taken"
    SLOT_DONE = "slot_done"
    HALTED = "halted"
    VENUE_UNREACHABLE = "venue_unreachable"
    ACCOUNT_REFUSED = "account_refused"
    STATE_UNREACHABLE = "state_unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketReport:
    """One market's part of a tick."""

    symbol: Symbol
    market: MarketState | None
    desired: Quotes | NoQuotes
    view: MarketView | None = None
    plan: Plan = field(default_factory=Plan)
    booked: tuple[FillRow, ...] = ()
    cancels: tuple[tuple[CancelOutcome, bool], ...] = ()
    places: tuple[PlaceOutcome, ...] = ()

    @property
    def acted(self) -> bool:
        """Tell whether anything was sent or booked."""
        return bool(self.cancels or self.places or self.booked)

    def counts(self) -> dict[str, int]:
        """Count what happened to orders; `cancelled_unfilled` is what the cancel ratio counts (C2)."""
        done = [(each, protective) for each, protective in self.cancels if each.result is CancelResult.CANCELLED]
        own_choice = [each for each, protective in done if not protective]
        rejected = [each for each in self.places if isinstance(each, Rejected)]
        return {
            "orders_kept": len(self.plan.keep),
            "orders_placed": sum(isinstance(each, Accepted) for each in self.places),
            "orders_cancelled": len(own_choice),
            "cancelled_unfilled": sum(not each.executed_base for each in own_choice),
            "protective_cancels": len(done) - len(own_choice),
            "cancels_failed": sum(each.result is CancelResult.FAILED for each, _ in self.cancels),
            "creates_rejected": len(rejected),
            "creates_unknown": sum(isinstance(each, OutcomeUnknown) for each in self.places),
            "fills": len(self.booked),
        }

    def summary(self) -> dict[str, Any]:
        """Describe the market in a few plain values."""
        state: dict[str, Any] = {"symbol": self.symbol, **self.counts()}
        if isinstance(self.desired, NoQuotes):
            return state | {"no_quotes": self.desired.reason, "detail": self.desired.detail}
        return state | {
            "fair": self.desired.fair,
            "quotes": [(quote.side, quote.price, quote.size_base) for quote in self.desired.quotes],
            "skipped": [(each.side, each.reason) for each in self.desired.skipped],
        }

    def record(self) -> dict[str, Any]:
        """Describe the decision in full: what it saw, how each stage moved the quotes, what it did and why."""
        full = self.summary()
        if self.view is not None:
            full["saw"] = {
                "bids": [(level.price, level.size_base) for level in self.view.book.bids[:_BOOK_LEVELS]],
                "asks": [(level.price, level.size_base) for level in self.view.book.asks[:_BOOK_LEVELS]],
                "update_id": self.view.book.update_id,
                "book_age_ms": self.view.book_age_ms,
                "last": self.view.last_price,
                "base": self.view.inventory.base,
                "quote": self.view.inventory.quote,
                "available": (self.view.available_base, self.view.available_quote),
                "reference": self.view.reference_price,
            }
        if isinstance(self.desired, Quotes):
            full["ratio"] = self.desired.ratio
            full["stages"] = [(stage.name, stage.bid, stage.ask) for stage in self.desired.stages]
        full["kept"] = [_brief(order) for order in self.plan.keep]
        full["cancelled"] = [
            (_brief(outcome.order), planned.reason, outcome.result, outcome.reason)
            for planned, (outcome, _) in zip(self.plan.cancel, self.cancels, strict=False)
        ]
        full["placed"] = [_placed(each) for each in self.places]
        full["blocked"] = [(quote.side, quote.level) for quote in self.plan.blocked]
        full["booked"] = [(row.fill.trade_id, row.base_change, row.quote_change) for row in self.booked]
        return full


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """One tick of an account; `lag_ms` is how long after its slot it arrived."""

    account: AccountName
    slot_ms: int
    outcome: TickOutcome
    config_hash: str
    detail: str = ""
    markets: tuple[MarketReport, ...] = ()
    strays_cancelled: int = 0
    lag_ms: int = 0

    def counts(self) -> dict[str, int]:
        """Sum the markets' counts; `heartbeat` says that nothing is amiss with the ticks, a halt included."""
        is_fine = self.outcome in {TickOutcome.DONE, TickOutcome.HALTED}
        total: dict[str, int] = {"heartbeat": int(is_fine), "lag_ms": self.lag_ms}
        total["strays_cancelled"] = self.strays_cancelled
        for market in self.markets:
            for name, count in market.counts().items():
                total[name] = total.get(name, 0) + count
        return total

    def summary(self) -> Mapping[str, Any]:
        """Describe the tick briefly: what the handler returns."""
        return {
            "account": self.account,
            "slot_ms": self.slot_ms,
            "lag_ms": self.lag_ms,
            "outcome": self.outcome,
            "config": self.config_hash,
            "detail": self.detail,
            "strays_cancelled": self.strays_cancelled,
            "markets": [market.summary() for market in self.markets],
        }

    def record(self, *, in_full: bool) -> Mapping[str, Any]:
        """Describe the tick for the log: in full where it acted or when asked, in a few bytes where it was quiet."""
        if in_full or self.strays_cancelled or any(market.acted for market in self.markets):
            return dict(self.summary()) | {"markets": [market.record() for market in self.markets]}
        kept = sum(len(market.plan.keep) for market in self.markets)
        brief = {"slot": self.slot_ms, "outcome": self.outcome, "config": self.config_hash, "kept": kept}
        brief["lag_ms"] = self.lag_ms
        reasons = {m.symbol: m.desired.reason for m in self.markets if isinstance(m.desired, NoQuotes)}
        return brief | ({"detail": self.detail} if self.detail else {}) | ({"no_quotes": reasons} if reasons else {})


def _brief(order: Order) -> tuple[Any, ...]:
    return order.client_id, order.side, order.price, order.remaining_base


def _placed(outcome: PlaceOutcome) -> tuple[Any, ...]:
    match outcome:
        case Accepted(order=order):
            return order.client_id, "accepted", order.price, order.size_base
        case Rejected(order=new, kind=kind, reason=reason):
            return new.client_id, kind, new.price, new.size_base, reason
        case OutcomeUnknown(order=new, reason=reason):
            return new.client_id, "unknown", new.price, new.size_base, reason
        case _:
            assert_never(outcome)
