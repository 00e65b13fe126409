"""What one tick did: the summary a handler returns and the decision record that telemetry keeps."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from typing import Any, assert_never

from marketmaker.domain.deciding import Decision, Situation
from marketmaker.domain.inventory import FillRow
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.replacing import Cancel, CancelReason, Plan
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.ports import Accepted, CancelOutcome, CancelResult, OutcomeUnknown, PlaceOutcome, Rejected
from marketmaker.usecases.act import HeldBack
from marketmaker.usecases.records import shorten, write_decision, write_situation

AS_STRAY = "as_stray"
"""What became of a cancel in a market that has not opened: its orders go with the strays, which are counted."""
BOOKED_SHOWN = 10
"""Fills of one decision that its record lists; `fills` counts all, and the ledger has them."""

_NOTHING_HAPPENED = dict.fromkeys(
    (
        "orders_kept",
        "orders_placed",
        "orders_cancelled",
        "cancelled_unfilled",
        "protective_cancels",
        "cancels_failed",
        "creates_rejected",
        "creates_unknown",
        "fills",
        "taker_fills",
    ),
    0,
)


class TickOutcome(StrEnum):
    """How a tick ended; all of these are normal returns, counted, never raised."""

    DONE = "done"
    STALE = "stale"
    LEASE_TAKEN = "lease_taken"
    LEASE_LOST = "lease_lost"
    SLOT_DONE = "slot_done"
    HALTED = "halted"
    VENUE_UNREACHABLE = "venue_unreachable"
    RATE_LIMITED = "rate_limited"
    ACCOUNT_REFUSED = "account_refused"
    STATE_UNREACHABLE = "state_unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketReport:
    """One decision for a market within a tick, and what came of it; a second look in the same tick has its own."""

    situation: Situation
    decision: Decision
    booked: tuple[FillRow, ...] = ()
    cancels: tuple[tuple[CancelOutcome, bool], ...] = ()
    places: tuple[PlaceOutcome, ...] = ()
    held_back: HeldBack | None = None

    @property
    def symbol(self) -> Symbol:
        """The market."""
        return self.situation.instrument.symbol

    @property
    def desired(self) -> Quotes | NoQuotes:
        """What was wanted."""
        return self.decision.desired

    @property
    def plan(self) -> Plan:
        """What was to be done."""
        return self.decision.plan

    @property
    def acted(self) -> bool:
        """Tell whether anything was sent, booked or held back."""
        return bool(self.cancels or self.places or self.booked or self.held_back)

    @property
    def is_leaving(self) -> bool:
        """Tell whether an exit is under way."""
        return isinstance(self.desired, NoQuotes) and self.desired.reason is NoQuotesReason.EXITING

    def counts(self) -> dict[str, int]:
        """Count what happened to orders; `cancelled_unfilled` is what the cancel ratio counts (C2)."""
        if not self.acted:
            return _NOTHING_HAPPENED | {"orders_kept": len(self.plan.keep)}
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
            "taker_fills": sum(not row.fill.is_maker for row in self.booked),
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
        """Describe the decision in full: what it was made of, how each stage moved the quotes, what came of it and why.

        `records` reads it back.
        """
        position = {order.venue_id: index for index, order in enumerate(self.situation.live)}
        full = write_situation(self.situation) | write_decision(self.decision)
        full |= {name: count for name, count in self.counts().items() if count}
        full["kept"] = [position[order.venue_id] for order in self.plan.keep]
        cancels = [_cancelled(each) for each, _ in self.cancels]
        full["cancelled"] = [
            (position[planned.order.venue_id], *_why_cancelled(planned, outcome))
            for planned, outcome in zip(self.plan.cancel, cancels or repeat((AS_STRAY,)), strict=False)
        ]
        outcomes = [_placed(each) for each in self.places] or [("held_back",)] * len(self.plan.place)
        quotes = self.decision.quotes
        full["placed"] = [
            (quotes.index(quote), *outcome) for quote, outcome in zip(self.plan.place, outcomes, strict=True)
        ]
        if self.held_back is not None:
            full["held_back"] = self.held_back
        if self.booked:
            shown = self.booked[:BOOKED_SHOWN]
            full["booked"] = [(row.fill.trade_id, row.base_change, row.quote_change) for row in shown]
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
        brief: dict[str, Any] = {
            "account": self.account,
            "slot_ms": self.slot_ms,
            "lag_ms": self.lag_ms,
            "outcome": self.outcome,
            "config": self.config_hash,
            "kept": sum(len(market.plan.keep) for market in self.markets),
        }
        reasons = Counter(market.desired.reason for market in self.markets if isinstance(market.desired, NoQuotes))
        if reasons:
            brief["no_quotes"] = dict(reasons)
        return brief | ({"detail": shorten(self.detail)} if self.detail else {})


def _words(reason: str) -> tuple[str, ...]:
    return (shorten(reason),) if reason else ()


def _why_cancelled(planned: Cancel, outcome: tuple[str, ...]) -> tuple[str, ...]:
    """Say why an order was cancelled and what came of it; nothing where it was simply cancelled as most are."""
    return (planned.reason, *outcome) if outcome or planned.reason is not CancelReason.PRICE_MOVED else ()


def _cancelled(outcome: CancelOutcome) -> tuple[str, ...]:
    """Say what came of a cancel; nothing where it was simply cancelled."""
    return () if outcome.result is CancelResult.CANCELLED else (outcome.result, *_words(outcome.reason))


def _placed(outcome: PlaceOutcome) -> tuple[str, ...]:
    """Say what came of a create; nothing where it was simply accepted."""
    match outcome:
        case Accepted():
            return ()
        case Rejected(kind=kind, reason=reason):
            return kind, *_words(reason)
        case OutcomeUnknown(reason=reason):
            return "unknown", *_words(reason)
        case _:
            assert_never(outcome)
