"""From an observation to the quotes that should rest, or the reason why none may: one pipeline, pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.distances import PriceRange
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import Book, SecondView, fair_price
from marketmaker.domain.risk import LedgerDifference, check_price_band
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.skew import inventory_shift, reducing_side
from marketmaker.domain.spreads import HalfSpreads, simple_half_spreads, with_floors
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import ZERO, ceil_to_tick, floor_to_lot, floor_to_tick


class NoQuotesReason(StrEnum):
    """Why nothing may rest in a market."""

    BOOK_ONE_SIDED = "book_one_sided"
    BOOK_CROSSED = "book_crossed"
    BOOK_STALE = "book_stale"
    PRICE_UNKNOWN = "price_unknown"
    PRICE_OUTSIDE_BAND = "price_outside_band"
    NO_CAPITAL = "no_capital"
    LEDGER_DIFFERS = "ledger_differs"
    OBSERVATION_FAILED = "observation_failed"
    BOOKING_UNFINISHED = "booking_unfinished"
    NOT_QUOTING = "not_quoting"
    MARKET_CLOSED = "market_closed"
    POST_ONLY_MISSING = "post_only_missing"


class SkipReason(StrEnum):
    """Why one side is not quoted."""

    BELOW_MIN_SIZE = "below_min_size"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    OUTSIDE_BAND = "outside_band"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price and size we want to rest on one side."""

    side: Side
    level: int
    price: Decimal
    size_base: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the bid and the ask were after one stage of the pipeline."""

    name: str
    bid: Decimal
    ask: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedSide:
    """A side without a quote, and why."""

    side: Side
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """The quotes wanted in a market, with how they came about.

    `highest_bid` and `lowest_ask` are the fee floors: an order that rests inside them would fill at a loss (R36).
    """

    fair: Decimal
    half_spread: Decimal
    highest_bid: Decimal
    lowest_ask: Decimal
    ratio: Decimal
    reducing_side: Side
    quotes: tuple[Quote, ...]
    skipped: tuple[SkippedSide, ...]
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuotes:
    """Nothing may rest, and why."""

    reason: NoQuotesReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """All that a decision may depend on: what others quote, what we own, what the venue lets us use.

    `available_base` and `available_quote` include what our own resting orders reserve. `book_age_ms` is how long the
    venue's update id has stood still.
    """

    book: Book
    book_age_ms: int
    last_price: Decimal | None
    inventory: Inventory
    reference_price: Decimal
    available_base: Decimal
    available_quote: Decimal
    ledger_difference: LedgerDifference | None = None
    statistics: Statistics | None = None
    second: SecondView | None = None
    run: SameSideRun | None = None


def compute_quotes(view: MarketView, settings: MarketSettings, instrument: Instrument) -> Quotes | NoQuotes:
    """Fair price → half-spread → floors → inventory shift → grid and post-only → size; fail closed at every guard."""
    if settings.post_only and not instrument.has_post_only:
        detail = "the venue has no post-only orders here; only `post_only = false` lets orders take"
        return NoQuotes(reason=NoQuotesReason.POST_ONLY_MISSING, detail=detail)
    best_bid, best_ask = view.book.best_bid, view.book.best_ask
    if best_bid is None or best_ask is None:
        return NoQuotes(reason=NoQuotesReason.BOOK_ONE_SIDED)
    if best_bid >= best_ask:
        return NoQuotes(reason=NoQuotesReason.BOOK_CROSSED, detail=f"bid {best_bid} at or above ask {best_ask}")
    if view.book_age_ms > settings.max_book_age_ms:
        return NoQuotes(reason=NoQuotesReason.BOOK_STALE, detail=f"unchanged for {view.book_age_ms} ms")
    if view.ledger_difference is not None:
        return NoQuotes(reason=NoQuotesReason.LEDGER_DIFFERS, detail=str(view.ledger_difference))
    fair = fair_price(settings.fair_price, view.book, view.last_price)
    if fair is None or fair <= ZERO:
        return NoQuotes(reason=NoQuotesReason.PRICE_UNKNOWN)
    allowed = settings.price_band.around(view.reference_price)
    breach = check_price_band(settings.symbol, fair, allowed)
    if breach is not None:
        return NoQuotes(reason=NoQuotesReason.PRICE_OUTSIDE_BAND, detail=str(breach))
    ratio = view.inventory.ratio(fair)
    if ratio is None:
        return NoQuotes(reason=NoQuotesReason.NO_CAPITAL)
    return _place_round(fair, ratio, allowed, view, settings, instrument)


def _place_round(
    fair: Decimal,
    ratio: Decimal,
    allowed: PriceRange,
    view: MarketView,
    settings: MarketSettings,
    instrument: Instrument,
) -> Quotes:
    wanted = simple_half_spreads(settings, fair, ratio)
    floored = with_floors(wanted, fair, settings.fees, instrument)
    centre = fair + inventory_shift(settings.inventory_band, ratio, min(floored.bid, floored.ask))
    shifted = _stage("inventory", centre, with_floors(floored, centre, settings.fees, instrument))
    floor = settings.fees.break_even_half_spread(centre)
    final = _on_grid(shifted, view.book, instrument)
    sides = [
        _size_side(Side.BUY, final.bid, view.available_quote / final.bid if final.bid > ZERO else ZERO, settings),
        _size_side(Side.SELL, final.ask, view.available_base, settings),
    ]
    checked = [_check_side(quote, allowed, instrument) for quote in sides]
    return Quotes(
        fair=fair,
        half_spread=min(floored.bid, floored.ask),
        highest_bid=centre - floor,
        lowest_ask=centre + floor,
        ratio=ratio,
        reducing_side=reducing_side(settings.inventory_band, ratio),
        quotes=tuple(each for each in checked if isinstance(each, Quote)),
        skipped=tuple(each for each in checked if isinstance(each, SkippedSide)),
        stages=(_stage("half_spread", fair, wanted), _stage("floors", fair, floored), shifted, final),
    )


def _stage(name: str, centre: Decimal, half_spreads: HalfSpreads) -> Stage:
    return Stage(name=name, bid=centre - half_spreads.bid, ask=centre + half_spreads.ask)


def _on_grid(stage: Stage, book: Book, instrument: Instrument) -> Stage:
    """Round outwards, and stay one tick off the other side's best price so that a post-only order can rest (S5)."""
    tick = instrument.tick_size
    best_bid, best_ask = book.bids[0].price, book.asks[0].price
    bid = min(floor_to_tick(stage.bid, tick), floor_to_tick(best_ask - tick, tick))
    ask = max(ceil_to_tick(stage.ask, tick), ceil_to_tick(best_bid + tick, tick))
    return Stage(name="grid", bid=bid, ask=ask)


def _size_side(side: Side, price: Decimal, available_base: Decimal, settings: MarketSettings) -> Quote:
    size = max(ZERO, min(settings.order_size_base, available_base))
    return Quote(side=side, level=0, price=price, size_base=size)


def _check_side(quote: Quote, allowed: PriceRange, instrument: Instrument) -> Quote | SkippedSide:
    """Round the size down and drop what the venue or the price band would not allow (S3, R18)."""
    size = floor_to_lot(quote.size_base, instrument.lot_size)
    if size < instrument.min_size_base or size == ZERO:
        return SkippedSide(side=quote.side, reason=SkipReason.BELOW_MIN_SIZE)
    if quote.price not in allowed:
        return SkippedSide(side=quote.side, reason=SkipReason.OUTSIDE_BAND)
    if size * quote.price < instrument.min_notional_quote:
        return SkippedSide(side=quote.side, reason=SkipReason.BELOW_MIN_NOTIONAL)
    return Quote(side=quote.side, level=quote.level, price=quote.price, size_base=size)
