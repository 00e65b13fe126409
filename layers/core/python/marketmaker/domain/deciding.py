"""The decision for one market: everything it depends on as one value, and what follows from it, pure.

What is recorded of a tick is exactly this value, so any recorded decision can be made again.
"""

from dataclasses import dataclass

from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.orders import DeploymentTag, Order
from marketmaker.domain.pipeline import compute_quotes
from marketmaker.domain.quoting import MarketView, NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.replacing import Place, Plan, plan_replacement


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that one decision depends on besides the settings.

    `obstacle` is why nothing may rest, whatever the market looks like: the mode, or something that could not be read or
    booked. `live` are our own resting orders, `blocked` the places of creates whose outcome is unknown. `only` limits a
    second look in the same tick to the places whose quotes the venue did not let rest (R19).
    """

    now_ms: int
    instrument: Instrument
    view: MarketView | None
    obstacle: NoQuotes | None = None
    live: tuple[Order, ...] = ()
    blocked: frozenset[Place] = frozenset()
    only: frozenset[Place] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is wanted in a market, and what is to be done for it."""

    desired: Quotes | NoQuotes
    plan: Plan


def decide(situation: Situation, settings: MarketSettings, tag: DeploymentTag) -> Decision:
    """Value the market and plan what to do in it; without a view nothing may rest."""
    if situation.obstacle is not None:
        desired: Quotes | NoQuotes = situation.obstacle
    elif situation.view is None:
        desired = NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED)
    else:
        desired = compute_quotes(situation.view, settings, situation.instrument, situation.now_ms)
    plan = plan_replacement(
        desired,
        situation.live,
        tag=tag,
        blocked=situation.blocked,
        tolerance=settings.tolerance,
        now_ms=situation.now_ms,
    )
    if situation.only is not None:
        plan = Plan(place=tuple(quote for quote in plan.place if (quote.side, quote.level) in situation.only))
    return Decision(desired=desired, plan=plan)
