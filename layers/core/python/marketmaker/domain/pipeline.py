"""From a market's view to the quotes that should rest in it, or the reason why none may: one pipeline, pure.

guards → fair price → price band → spread model → `stages.STAGES` (floors, inventory, run, touch, break-even) → levels
on the venue's grid → sizes. It fails closed at every guard, and keeps what each stage did.
"""

from decimal import Decimal

from marketmaker.domain.distances import PriceRange
from marketmaker.domain.levels import size_quotes
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import NoFairPrice, fair_price
from marketmaker.domain.quoting import MarketView, NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.risk import check_price_band
from marketmaker.domain.skew import Holding, reducing_side
from marketmaker.domain.spreads import (
    MissingInput,
    SpreadInputs,
    assumed_sigma,
    cadence_risk,
    measured_sigma,
    width,
)
from marketmaker.domain.stages import Context, draft_quotes
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import ZERO, plain

MAX_VOLUME_AGE_MS = 3_600_000
"""How old a day's volume may be: it is read once a minute, and an hour of it says little of a day."""


def compute_quotes(
    view: MarketView, settings: MarketSettings, instrument: Instrument, now_ms: int
) -> Quotes | NoQuotes:
    """Return the quotes wanted in a market, or why nothing may rest there."""
    refused = _refuse(view, settings, instrument) or _stand_aside(view, settings, now_ms)
    if refused is not None:
        return refused
    fair = fair_price(settings, view.book, view.last_price, view.second)
    if isinstance(fair, NoFairPrice):
        reason = NoQuotesReason.PRICE_DEVIATES if fair.deviates else NoQuotesReason.PRICE_UNKNOWN
        return NoQuotes(reason=reason, detail=fair.detail)
    allowed = settings.price_band.around(view.reference_price)
    breach = check_price_band(settings.symbol, fair.price, allowed)
    if breach is not None:
        return NoQuotes(reason=NoQuotesReason.PRICE_OUTSIDE_BAND, detail=str(breach))
    context = _context(view, settings, instrument, fair.price, now_ms)
    if isinstance(context, NoQuotes):
        return context
    return _quotes(context, allowed, fair.ignored)


def fresh_statistics(view: MarketView, settings: MarketSettings, now_ms: int) -> Statistics | None:
    """Return the market's statistics while they are young enough to be used."""
    kept = view.statistics
    return kept if kept is not None and now_ms - kept.until_ms <= settings.max_statistics_age_ms else None


def _refuse(view: MarketView, settings: MarketSettings, instrument: Instrument) -> NoQuotes | None:
    """Say what speaks against any quote before there is a price."""
    if settings.post_only and not instrument.has_post_only:
        detail = "the venue has no post-only orders here; only `post_only = false` lets orders take"
        return NoQuotes(reason=NoQuotesReason.POST_ONLY_MISSING, detail=detail)
    best_bid, best_ask = view.book.best_bid, view.book.best_ask
    if best_bid is None or best_ask is None:
        return NoQuotes(reason=NoQuotesReason.BOOK_ONE_SIDED)
    if best_bid >= best_ask:
        return NoQuotes(reason=NoQuotesReason.BOOK_CROSSED, detail=f"bid {best_bid} at or above ask {best_ask}")
    if best_bid <= ZERO:
        return NoQuotes(reason=NoQuotesReason.PRICE_UNKNOWN, detail=f"a best bid of {best_bid}")
    if view.book_age_ms > settings.max_book_age_ms:
        return NoQuotes(reason=NoQuotesReason.BOOK_STALE, detail=f"unchanged for {view.book_age_ms} ms")
    if view.ledger_difference is not None:
        return NoQuotes(reason=NoQuotesReason.LEDGER_DIFFERS, detail=str(view.ledger_difference))
    return None


def _stand_aside(view: MarketView, settings: MarketSettings, now_ms: int) -> NoQuotes | None:
    """Say whether this is no time to quote: an event is on, or too little is traded (S10)."""
    for event in settings.events:
        if event.start_ms <= now_ms < event.end_ms:
            left_s = (event.end_ms - now_ms) // 1000
            return NoQuotes(reason=NoQuotesReason.EVENT, detail=f"an event is on for another {left_s} s")
    least, volume = settings.min_day_volume_quote, view.day_volume
    if least is None:
        return None
    if volume is None or now_ms - volume.time_ms > MAX_VOLUME_AGE_MS:
        return NoQuotes(reason=NoQuotesReason.ILLIQUID, detail="what was traded in the last 24 h is not known")
    if volume.volume_quote < least:
        detail = f"{plain(volume.volume_quote)} traded in 24 h, at least {plain(least)} is wanted"
        return NoQuotes(reason=NoQuotesReason.ILLIQUID, detail=detail)
    return None


def _context(
    view: MarketView, settings: MarketSettings, instrument: Instrument, fair: Decimal, now_ms: int
) -> Context | NoQuotes:
    """Gather what the stages read: how wide the spread model wants to be, and how volatile the market is."""
    equity = view.inventory.equity_quote(fair)
    if equity <= ZERO:
        return NoQuotes(reason=NoQuotesReason.NO_CAPITAL)
    statistics = fresh_statistics(view, settings, now_ms)
    wanted = width(
        settings.half_spread,
        SpreadInputs(
            fair=fair,
            order_size_base=settings.order_size_base,
            exposure_ms=settings.exposure_ms,
            statistics=statistics,
        ),
    )
    if isinstance(wanted, MissingInput):
        return NoQuotes(reason=NoQuotesReason.SPREAD_UNKNOWN, detail=wanted.text)
    sigma = _sigma(statistics, settings)
    return Context(
        view=view,
        settings=settings,
        instrument=instrument,
        holding=Holding(
            ratio=view.inventory.base * fair / equity, base=view.inventory.base, fair=fair, equity_quote=equity
        ),
        width=wanted,
        sigma=sigma,
        cadence_risk=cadence_risk(sigma, fair, settings.exposure_ms),
        now_ms=now_ms,
    )


def _sigma(statistics: Statistics | None, settings: MarketSettings) -> float:
    """Return the measured volatility; while it is unknown the assumed one, for it is never zero."""
    measured = measured_sigma(statistics)
    return assumed_sigma(settings.assumed_volatility) if measured is None else measured


def _quotes(context: Context, allowed: PriceRange, ignored: str) -> Quotes:
    draft = draft_quotes(context)
    half_spread, floor = min(draft.bid_half, draft.ask_half), context.floor(draft.centre)
    fees = context.settings.fees.break_even_half_spread(draft.centre) if context.settings.has_floors else ZERO
    quotes, skipped = size_quotes(draft, context, allowed)
    draft.note("grid")
    return Quotes(
        fair=context.fair,
        half_spread=half_spread,
        floor=floor,
        highest_bid=min(draft.centre - fees, draft.break_even.get(Side.BUY, draft.centre)),
        lowest_ask=max(draft.centre + fees, draft.break_even.get(Side.SELL, draft.centre)),
        sizes_bind=isinstance(context.settings.inventory_band, PositionSkew),
        ratio=context.holding.ratio,
        reducing_side=reducing_side(context.settings.inventory_band, context.holding),
        quotes=quotes,
        skipped=skipped,
        stages=tuple(draft.stages),
        ignored=ignored,
    )
