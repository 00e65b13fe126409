"""The decision for one market: everything it depends on as one value, and what follows from it, pure.

What is recorded of a tick is exactly this value, so any recorded decision can be made again.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.domain.exit_quotes import exit_quote
from marketmaker.domain.exits import NO_EXIT, ExitState, Marked, follow_exit, ordered_exit
from marketmaker.domain.markets import Instrument, MarketSettings, ReplaceTolerance
from marketmaker.domain.orders import DeploymentTag, Order
from marketmaker.domain.pipeline import compute_quotes
from marketmaker.domain.quoting import MarketView, NoQuotes, NoQuotesReason, Quote, Quotes
from marketmaker.domain.replacing import Place, Plan, plan_replacement
from marketmaker.domain.units import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that one decision depends on besides the settings.

    `obstacle` is why no quote may rest, whatever the market looks like: the mode, or something that could not be read
    or booked. `may_exit` tells whether an exit may go on all the same. `live` are our own resting orders, `blocked` the
    places of creates whose outcome is unknown. `only` limits a second look in the same tick to the places whose quotes
    the venue did not let rest (R19).
    """

    now_ms: int
    instrument: Instrument
    view: MarketView | None
    obstacle: NoQuotes | None = None
    may_exit: bool = False
    live: tuple[Order, ...] = ()
    blocked: frozenset[Place] = frozenset()
    only: frozenset[Place] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is wanted in a market and what is to be done for it; `exits` is what changed of its exits, if anything."""

    desired: Quotes | NoQuotes
    plan: Plan
    exits: ExitState | None = None

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """The quotes that are wanted; while nothing may rest, the order of an exit."""
        return (*self.plan.place, *self.plan.blocked) if isinstance(self.desired, NoQuotes) else self.desired.quotes


def decide(situation: Situation, settings: MarketSettings, tag: DeploymentTag) -> Decision:
    """Value the market and plan what to do in it; without a view nothing may rest.

    An exit goes before quotes: while one is under way, and until the market has cooled down, nothing else rests.
    """
    exits, leaving = _follow_exit(situation, settings)
    desired = _desired(situation, settings, exits)
    plan = plan_replacement(
        desired,
        situation.live,
        tag=tag,
        blocked=situation.blocked,
        tolerance=_tolerance(situation, settings),
        now_ms=situation.now_ms,
    )
    if leaving is not None:
        is_blocked = (leaving.side, leaving.level) in situation.blocked
        plan = replace(plan, place=() if is_blocked else (leaving,), blocked=(leaving,) if is_blocked else ())
    if situation.only is not None:
        plan = Plan(place=tuple(quote for quote in plan.place if (quote.side, quote.level) in situation.only))
    is_changed = situation.view is not None and exits != situation.view.exits
    return Decision(desired=desired, plan=plan, exits=exits if is_changed else None)


def _tolerance(situation: Situation, settings: MarketSettings) -> ReplaceTolerance | None:
    """Let orders rest longer while the market's cancel ratio is too high (C2)."""
    tolerance, view = settings.tolerance, situation.view
    return tolerance if tolerance is None or view is None else tolerance.times(view.caution.patience)


def _desired(situation: Situation, settings: MarketSettings, exits: ExitState) -> Quotes | NoQuotes:
    if exits.current is not None:
        return NoQuotes(reason=NoQuotesReason.EXITING, detail=exits.current.reason)
    if situation.obstacle is not None:
        return situation.obstacle
    if situation.now_ms < exits.resume_ms:
        detail = f"{(exits.resume_ms - situation.now_ms) // 1000} s after an exit"
        return NoQuotes(reason=NoQuotesReason.COOLING_DOWN, detail=detail)
    if situation.view is None:
        return NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED)
    return compute_quotes(situation.view, settings, situation.instrument, situation.now_ms)


def _follow_exit(situation: Situation, settings: MarketSettings) -> tuple[ExitState, Quote | None]:
    """Judge the exits and return the next order of one; without a book to trust everything stays as it was."""
    view = situation.view
    if view is None:
        return NO_EXIT, None
    target_base = view.caution.target_base
    is_due = settings.exits.has_rules or view.exits.current is not None or target_base is not None
    if not is_due or not situation.may_exit or situation.only is not None:
        return view.exits, None
    mid = _trusted_mid(view, settings)
    if mid is None:
        return view.exits, None
    marked = Marked(inventory=view.inventory, price=mid, now_ms=situation.now_ms)
    exits = view.exits
    if target_base is not None:
        why = "a limit is broken" if situation.obstacle is None else situation.obstacle.detail
        exits = ordered_exit(exits, marked, target_base, why)
    exits = follow_exit(exits, marked, settings.exits, situation.instrument)
    if exits.current is None:
        return exits, None
    return exits, exit_quote(exits.current, marked, view, situation.instrument, settings.exits.max_slippage_bps)


def _trusted_mid(view: MarketView, settings: MarketSettings) -> Decimal | None:
    """Return the middle of a book that is fresh and sound, else None."""
    book = view.book
    is_sound = not book.is_crossed and book.bids and book.bids[0].price > ZERO
    return book.mid if is_sound and view.book_age_ms <= settings.max_book_age_ms else None
