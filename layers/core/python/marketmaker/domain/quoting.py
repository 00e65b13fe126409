"""What a decision sees of a market, and what it wants there: quotes, or the reason why none may rest."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.caution import NO_CAUTION, Caution
from marketmaker.domain.exits import NO_EXIT, ExitState, ExitStyle
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.klines import DayVolume
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import Book, SecondView
from marketmaker.domain.risk import LedgerDifference
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.statistics import Statistics


class NoQuotesReason(StrEnum):
    """Why nothing may rest in a market."""

    BOOK_ONE_SIDED = "book_one_sided"
    BOOK_CROSSED = "book_crossed"
    BOOK_STALE = "book_stale"
    PRICE_UNKNOWN = "price_unknown"
    PRICE_DEVIATES = "price_deviates"
    PRICE_OUTSIDE_BAND = "price_outside_band"
    SPREAD_UNKNOWN = "spread_unknown"
    NO_CAPITAL = "no_capital"
    LEDGER_DIFFERS = "ledger_differs"
    OBSERVATION_FAILED = "observation_failed"
    BOOKING_UNFINISHED = "booking_unfinished"
    NOT_QUOTING = "not_quoting"
    MARKET_CLOSED = "market_closed"
    POST_ONLY_MISSING = "post_only_missing"
    EXITING = "exiting"
    COOLING_DOWN = "cooling_down"
    HELD_OTHERWISE = "held_otherwise"
    EVENT = "event"
    ILLIQUID = "illiquid"


class SkipReason(StrEnum):
    """Why one side is not quoted, or not on all of its levels."""

    BELOW_MIN_SIZE = "below_min_size"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    OUTSIDE_BAND = "outside_band"
    RUN_OVER = "run_over"
    UNDER_WATER = "under_water"
    TOO_OLD = "too_old"
    NEAR_LIQUIDATION = "near_liquidation"
    LIMIT_BROKEN = "limit_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price and size we want to rest on one side; with a `style` the order of an exit, which may take."""

    side: Side
    level: int
    price: Decimal
    size_base: Decimal
    style: ExitStyle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the bid and the ask were after one stage of the pipeline."""

    name: str
    bid: Decimal
    ask: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedSide:
    """A side without a quote on some level, and why."""

    side: Side
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """The quotes wanted in a market, with how they came about.

    `floor` is the least half-spread there may be, cadence risk included. An order that rests above `highest_bid` or
    below `lowest_ask` would fill at a loss after fees (R36), or below the cost that is insisted on (M2). Where
    `sizes_bind`, none may be larger than wanted (P4). `ignored` says why a second price that should have made the fair
    price did not.
    """

    fair: Decimal
    half_spread: Decimal
    floor: Decimal
    highest_bid: Decimal
    lowest_ask: Decimal
    ratio: Decimal
    reducing_side: Side
    quotes: tuple[Quote, ...]
    skipped: tuple[SkippedSide, ...]
    stages: tuple[Stage, ...]
    sizes_bind: bool = False
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuotes:
    """Nothing may rest, and why."""

    reason: NoQuotesReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """All that a decision may depend on: what others quote, what we own, what the venue lets us use.

    `available_base` and `available_quote` include what our own resting orders reserve. `book_age_ms` is how long the
    venue's update id has stood still. `statistics` are the newest kept, however old; `second` is what was read beside
    the book where the fair price needs it, `run` the last orders filled on one side, `exits` what is known of exits.
    `liquidation_distance` is how far the venue's own mark may move before it closes a perpetual, a share of that mark,
    `funding_rate` what longs pay next, a share of the notional. `caution` is what broken limits ask for,
    `day_volume` what the market traded in the 24 h before it was last read.
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
    exits: ExitState = NO_EXIT
    liquidation_distance: Decimal | None = None
    funding_rate: Decimal | None = None
    caution: Caution = NO_CAUTION
    day_volume: DayVolume | None = None
