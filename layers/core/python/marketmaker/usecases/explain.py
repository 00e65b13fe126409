"""Say of a recorded decision why each quote is where it is, stage by stage, and what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.domain.markets import Instrument
from marketmaker.domain.pipeline import fresh_statistics
from marketmaker.domain.pricing import BookLevel, Touch
from marketmaker.domain.quoting import MarketView, NoQuotes, Quotes, Stage
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import BPS, plain
from marketmaker.usecases.explain_stages import shown, why
from marketmaker.usecases.records import RecordedDecision
from marketmaker.usecases.replay import ReplayedDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStage:
    """Bid and ask after one stage, how far it moved each, in quote currency, and why."""

    name: str
    bid: Decimal
    ask: Decimal
    bid_moved: Decimal
    ask_moved: Decimal
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedQuote:
    """A wanted quote, its distance from the fair price in basis points, and what became of it."""

    side: str
    level: int
    price: Decimal
    size_base: Decimal
    from_fair_bps: Decimal
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision in words and figures; without `stages` there were no quotes, and `no_quotes` says why."""

    recorded: RecordedDecision
    saw: tuple[tuple[str, str], ...]
    cancelled: tuple[str, ...]
    no_quotes: str | None
    differences: tuple[str, ...]
    stages: tuple[ExplainedStage, ...] = ()
    quotes: tuple[ExplainedQuote, ...] = ()
    skipped: tuple[str, ...] = ()


def explain(replayed: ReplayedDecision) -> Explanation:
    """Explain a decision by making it again; `differences` warn that today's code or settings decide otherwise."""
    recorded, desired, view = replayed.recorded, replayed.decision.desired, replayed.recorded.situation.view
    explanation = Explanation(
        recorded=recorded,
        saw=() if view is None else tuple(_saw(view, replayed)),
        cancelled=tuple(_cancelled(recorded)),
        no_quotes=None if recorded.no_quotes is None else _words(recorded.no_quotes),
        differences=replayed.differences,
    )
    if view is None or isinstance(desired, NoQuotes):
        return explanation
    return replace(
        explanation,
        stages=tuple(_stages(desired, view, replayed)),
        quotes=tuple(_quotes(desired, replayed)),
        skipped=tuple(f"{each.side}: {each.reason.replace('_', ' ')}" for each in desired.skipped),
    )


def _saw(view: MarketView, replayed: ReplayedDecision) -> Iterator[tuple[str, str]]:
    book, inventory, instrument = view.book, view.inventory, replayed.recorded.situation.instrument
    unchanged = f"unchanged for {view.book_age_ms} ms"
    yield "others' book", f"{_best(book.bids)} / {_best(book.asks)}, {unchanged}"
    if view.last_price is not None:
        yield "last trade", plain(view.last_price)
    cost = inventory.average_cost_quote
    held = _holding(inventory.base, inventory.quote, instrument)
    yield "inventory", held if cost is None else f"{held}, average cost {shown(cost)}"
    desired, band = replayed.decision.desired, replayed.settings.inventory_band
    if isinstance(desired, Quotes):
        yield "base share", f"{desired.ratio:.2%}, band {band.min_ratio:.0%} to {band.max_ratio:.0%}"
    yield "usable", _holding(view.available_base, view.available_quote, instrument)
    statistics = fresh_statistics(view, replayed.settings, replayed.recorded.situation.now_ms)
    yield "measured", _measured(statistics)
    second = replayed.settings.second_price
    if second is not None and view.second is not None:
        for listing, touch in zip(second.listings, (view.second.source, view.second.rate), strict=False):
            yield f"{listing.symbol}", _touch(touch)


def _stages(desired: Quotes, view: MarketView, replayed: ReplayedDecision) -> Iterator[ExplainedStage]:
    before = Stage(name="fair", bid=desired.fair, ask=desired.fair)
    for stage in (before, *desired.stages):
        yield ExplainedStage(
            name=stage.name,
            bid=stage.bid,
            ask=stage.ask,
            bid_moved=stage.bid - before.bid,
            ask_moved=stage.ask - before.ask,
            why=why(stage.name, desired, view, replayed),
        )
        before = stage


def _quotes(desired: Quotes, replayed: ReplayedDecision) -> Iterator[ExplainedQuote]:
    """Say of each recorded quote what became of it: kept, sent, or why it was not."""
    recorded = replayed.recorded
    outcomes = dict(zip(recorded.placed, recorded.outcomes, strict=True))
    blocked = {(quote.side, quote.level) for quote in replayed.decision.plan.blocked}
    for quote in recorded.quotes:
        place = quote.side, quote.level
        action = outcomes.get(place, "blocked by an unknown create" if place in blocked else "kept")
        if action == "held_back":
            action = f"held back: {recorded.held_back}"
        yield ExplainedQuote(
            side=quote.side,
            level=quote.level,
            price=quote.price,
            size_base=quote.size_base,
            from_fair_bps=(quote.price - desired.fair) / desired.fair / BPS,
            action=action.replace("_", " "),
        )


def _cancelled(recorded: RecordedDecision) -> Iterator[str]:
    for index, reason, result in recorded.cancelled:
        order = recorded.situation.live[index]
        what = f"{order.side} {plain(order.remaining_base)} @ {plain(order.price)}"
        yield f"{what}: {reason.replace('_', ' ')} → {result.replace('_', ' ')}"


def _words(refusal: NoQuotes) -> str:
    reason = refusal.reason.replace("_", " ")
    return f"{reason}: {refusal.detail}" if refusal.detail else reason


def _measured(statistics: Statistics | None) -> str:
    if statistics is None:
        return "nothing that is fresh: the assumed volatility counts"
    parts = []
    if statistics.sigma is not None:
        parts.append(f"σ {statistics.sigma / float(BPS):.3g} bps/√s")
    if statistics.best_distance is not None:
        parts.append(f"best distance {statistics.best_distance / float(BPS):.3g} bps")
    if statistics.intensity is not None and statistics.decay is not None:
        parts.append(f"A {statistics.intensity:.3g}/s, k {statistics.decay * float(BPS):.3g}/bp")
    if statistics.daily is not None and statistics.intraday is not None:
        parts.append(f"volatility {statistics.daily} by day, {statistics.intraday} within it")
    return ", ".join(parts) or "nothing well enough: the assumed volatility counts"


def _touch(touch: Touch | None) -> str:
    if touch is None:
        return "could not be read"
    return f"{plain(touch.bid)} / {plain(touch.ask)}, unchanged for {touch.age_ms} ms"


def _best(levels: Sequence[BookLevel]) -> str:
    return f"{plain(levels[0].size_base)} @ {plain(levels[0].price)}" if levels else "none"


def _holding(base: Decimal, quote: Decimal, instrument: Instrument) -> str:
    return f"{shown(base)} {instrument.base}, {shown(quote)} {instrument.quote}"
