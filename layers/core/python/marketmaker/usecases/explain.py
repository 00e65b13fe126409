"""Say of a recorded decision why each quote is where it is, stage by stage, and what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from marketmaker.domain.distances import BpsDistance, Distance, QuoteDistance
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.models import BothSidesBand, FairPriceModel, InventoryBand, ShiftBand
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.quoting import MarketView, NoQuotes, Quotes, Stage
from marketmaker.domain.units import BPS, plain
from marketmaker.usecases.records import RecordedDecision
from marketmaker.usecases.replay import ReplayedDecision

_SHOWN_DIGITS = 10


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
        stages=tuple(_stages(desired, view.book, replayed)),
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
    yield "inventory", held if cost is None else f"{held}, average cost {_shown(cost)}"
    desired, band = replayed.decision.desired, replayed.settings.inventory_band
    if isinstance(desired, Quotes):
        yield "base share", _ratio_words(desired, band)
    yield "usable", _holding(view.available_base, view.available_quote, instrument)


def _stages(desired: Quotes, book: Book, replayed: ReplayedDecision) -> Iterator[ExplainedStage]:
    before = Stage(name="fair", bid=desired.fair, ask=desired.fair)
    for stage in (before, *desired.stages):
        yield ExplainedStage(
            name=stage.name,
            bid=stage.bid,
            ask=stage.ask,
            bid_moved=stage.bid - before.bid,
            ask_moved=stage.ask - before.ask,
            why=_why(stage.name, desired, book, replayed),
        )
        before = stage


def _why(stage: str, desired: Quotes, book: Book, replayed: ReplayedDecision) -> str:
    settings, instrument = replayed.settings, replayed.recorded.situation.instrument
    match stage:
        case "fair":
            return _fair_words(settings.fair_price, book)
        case "half_spread":
            return _half_spread_words(settings, desired, instrument)
        case "floors":
            floor = settings.fees.break_even_half_spread(desired.fair)
            return f"at least the fee break-even {_shown(floor)} and one tick {plain(instrument.tick_size)}"
        case "inventory":
            return _inventory_words(settings.inventory_band, desired)
        case _:
            crossing = f"bid below {plain(book.asks[0].price)}, ask above {plain(book.bids[0].price)}"
            return f"outwards to the tick {plain(instrument.tick_size)}; post-only: {crossing}"


def _fair_words(model: FairPriceModel, book: Book) -> str:
    match model:
        case FairPriceModel.LAST:
            return "last: the last trade"
        case FairPriceModel.MID:
            return f"mid of {plain(book.bids[0].price)} and {plain(book.asks[0].price)}"
        case _:
            assert_never(model)


def _half_spread_words(settings: MarketSettings, desired: Quotes, instrument: Instrument) -> str:
    band, distance, why = settings.inventory_band, settings.half_spread, ""
    if isinstance(band, BothSidesBand):
        if desired.ratio > band.max_ratio:
            distance, why = band.half_spread_above, ", above the inventory band"
        elif desired.ratio < band.min_ratio:
            distance, why = band.half_spread_below, ", below the inventory band"
    return f"fixed: {_distance(distance, instrument)}{why}"


def _inventory_words(band: InventoryBand, desired: Quotes) -> str:
    ratio = _ratio_words(desired, band)
    match band:
        case BothSidesBand():
            return f"both_sides acts on the half-spread; base share {ratio}"
        case ShiftBand(min_ratio=low, max_ratio=high, max_shift_share=share):
            if low <= desired.ratio <= high:
                return f"no shift: base share {ratio}"
            which = "down" if desired.ratio > high else "up"
            return f"shift {which}, at most {share:.0%} of the half-spread: base share {ratio}"
        case _:
            assert_never(band)


def _ratio_words(desired: Quotes, band: InventoryBand) -> str:
    return f"{desired.ratio:.2%}, band {band.min_ratio:.0%} to {band.max_ratio:.0%}"


def _distance(distance: Distance, instrument: Instrument) -> str:
    match distance:
        case QuoteDistance(quote=quote):
            return f"{plain(quote)} {instrument.quote}"
        case BpsDistance(bps=bps):
            return f"{plain(bps)} bps"
        case _:
            assert_never(distance)


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
    for index, why, result in recorded.cancelled:
        order = recorded.situation.live[index]
        what = f"{order.side} {plain(order.remaining_base)} @ {plain(order.price)}"
        yield f"{what}: {why.replace('_', ' ')} → {result.replace('_', ' ')}"


def _words(refusal: NoQuotes) -> str:
    reason = refusal.reason.replace("_", " ")
    return f"{reason}: {refusal.detail}" if refusal.detail else reason


def _best(levels: Sequence[BookLevel]) -> str:
    return f"{plain(levels[0].size_base)} @ {plain(levels[0].price)}" if levels else "none"


def _holding(base: Decimal, quote: Decimal, instrument: Instrument) -> str:
    return f"{_shown(base)} {instrument.base}, {_shown(quote)} {instrument.quote}"


def _shown(figure: Decimal) -> str:
    return plain(Decimal(f"{figure:.{_SHOWN_DIGITS}g}"))
