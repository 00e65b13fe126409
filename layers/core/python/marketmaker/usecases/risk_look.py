"""What one risk check reads, and what of it the limits need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from marketmaker.domain.exposure import Exposure
from marketmaker.domain.looks import AccountLook, MarketLook, is_settled
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.metering import Counts
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Order
from marketmaker.domain.positions import Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import AccountState, BookMark, Control
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Deadline, Observation, Unknown
from marketmaker.usecases.compliance import counted_in_a_day
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.observe import mark_books


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The venue as it was read, the state, None where it could not be, and what was measured of the markets."""

    observation: Observation
    own: tuple[Order, ...]
    foreign: int
    state: AccountState | None
    statistics: Mapping[Symbol, Statistics]
    last_day: Mapping[Symbol, Counts]
    others: Mapping[AccountName, Exposure]
    now_ms: int


def see_more(desk: Desk, observation: Observation, deadline: Deadline) -> Observation:
    """Read the last prices that settings applied since the deploy judge by: which those are only the state tells."""
    last_for = {each.symbol for each in desk.settings.markets if each.fair_price is FairPriceModel.LAST}
    unseen = sorted(last_for - observation.last_prices.keys())
    if not unseen:
        return observation
    try:
        more = desk.venue.observe(unseen, unseen, deadline)
    except MarketMakerError:
        return observation
    return replace(observation, last_prices={**observation.last_prices, **more.last_prices})


def sight_of(desk: Desk, observation: Observation, open_orders: Sequence[Order], state: AccountState | None) -> Sight:
    """Tell our own open orders from the others."""
    own = desk.own(open_orders)
    return Sight(
        observation=observation,
        own=own,
        foreign=len(open_orders) - len(own),
        state=state,
        statistics=_statistics(desk),
        last_day={} if state is None else _last_day(desk, state.control),
        others=_others(desk),
        now_ms=desk.clock.now_ms(),
    )


def _statistics(desk: Desk) -> Mapping[Symbol, Statistics]:
    """Read what was measured only where a limit needs it: the second look depends on as little as it can."""
    is_needed = any(each.max_volatility is not None for each in desk.settings.markets)
    return desk.known_statistics(desk.read_statistics()).known if is_needed else {}


def _last_day(desk: Desk, control: Control) -> Mapping[Symbol, Counts]:
    """Read what ticks counted in 24 hours where a limit needs it; what cannot be read is unknown."""
    limits = desk.settings.risk
    if limits.max_cancel_ratio is None and limits.min_order_success is None and limits.max_taker_share is None:
        return {}
    try:
        return {symbol: counted_in_a_day(desk, control, symbol) for symbol in desk.settings.symbols}
    except MarketMakerError:
        return {}


def _others(desk: Desk) -> Mapping[AccountName, Exposure]:
    """Read what the other accounts hold where they share a limit; what cannot be read is unknown."""
    if desk.settings.portfolio is None:
        return {}
    try:
        return desk.store.exposures()
    except MarketMakerError:
        return {}


def look_at(desk: Desk, sight: Sight) -> AccountLook:
    """Return what the limits are judged by."""
    control = None if sight.state is None else sight.state.control
    before = {} if control is None else control.book_marks
    marks = mark_books(sight.observation.books, before, sight.now_ms)
    return AccountLook(
        markets=tuple(_market_look(desk, sight, each, marks.get(each.symbol)) for each in desk.settings.markets),
        control=control,
        own_orders=len(sight.own),
        others=sight.others,
        now_ms=sight.now_ms,
    )


def _market_look(desk: Desk, sight: Sight, settings: MarketSettings, mark: BookMark | None) -> MarketLook:
    symbol = settings.symbol
    book = sight.observation.books[symbol]
    last = sight.observation.last_prices.get(symbol)
    market = None if sight.state is None else sight.state.markets.get(symbol)
    meter = None if sight.state is None else sight.state.control.meters.get(symbol)
    live = tuple(order for order in sight.own if order.symbol == symbol)
    instrument = desk.venue.instrument(symbol)
    position = sight.observation.positions.get(symbol)
    return MarketLook(
        settings=settings,
        base=instrument.base,
        quote=instrument.quote,
        book=book.without(live) if isinstance(book, Book) else None,
        book_age_ms=None if mark is None else sight.now_ms - mark.since_ms,
        last_price=None if isinstance(last, Unknown) else last,
        market=market,
        is_settled=market is not None and is_settled(market, live),
        live=live,
        position=position if isinstance(position, Position) else None,
        statistics=sight.statistics.get(symbol),
        this_hour=None if meter is None else meter.hour.counts,
        last_day=sight.last_day.get(symbol),
    )
