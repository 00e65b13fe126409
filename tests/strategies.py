"""Hypothesis strategies for domain values; every value built here is one that the product could meet."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from marketmaker.domain.caution import Caution
from marketmaker.domain.deciding import Situation
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exits import NO_EXIT, Exit, ExitCause, ExitState
from marketmaker.domain.inventory import FillRow, Inventory, OpeningRow
from marketmaker.domain.klines import MINUTE_MS, DayVolume, Kline, KlineMinute
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import MAX_LEVEL, Fee, Fill, NewOrder, Order, Side
from marketmaker.domain.pricing import Book, BookLevel, SecondView, Touch
from marketmaker.domain.quoting import MarketView, NoQuotes, NoQuotesReason
from marketmaker.domain.risk import LedgerDifference
from marketmaker.domain.runs import MAX_RUN, SameSideRun
from marketmaker.domain.state import (
    ActiveSettings,
    BookMark,
    Control,
    Lease,
    MarketState,
    Mode,
    Restriction,
    TradeCursor,
    UnresolvedOrder,
    VenueMetadata,
)
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ZERO, AccountName, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId

SYMBOLS = tuple(map(Symbol, ("PAXG/USDT", "BTC/USDT", "SOL/USDC:USDC", "S/USDT", "1000SATS/FDUSD")))
# S, M and N are traded assets, and also DynamoDB's names of types
ASSETS = tuple(map(Asset, ("PAXG", "BTC", "USDT", "BNB", "1000SATS", "S", "M", "N")))
_DIGITS_AND_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"

symbols = st.sampled_from(SYMBOLS)
assets = st.sampled_from(ASSETS)
sides = st.sampled_from(Side)
modes = st.sampled_from(Mode)
times_ms = st.integers(min_value=0, max_value=4_102_444_800_000)
texts = st.text(st.characters(codec="utf-8"), max_size=60)
names = st.text(_DIGITS_AND_LETTERS, min_size=1, max_size=12)
client_ids = st.text(_DIGITS_AND_LETTERS, min_size=1, max_size=36).map(ClientOrderId)
venue_ids = st.integers(min_value=1, max_value=2**63).map(str).map(VenueOrderId)
trade_numbers = st.integers(min_value=0, max_value=2**63)

prices = st.decimals(min_value="0.00000001", max_value="1000000", places=8)
sizes = st.decimals(min_value="0.00000001", max_value="1000000", places=8)
amounts = st.decimals(min_value="-1000000000000", max_value="1000000000000", places=18)
positive_amounts = st.decimals(min_value="0", max_value="1000000000000", places=18)

fees = st.builds(Fee, amount=amounts, asset=assets)
cursors = st.builds(
    TradeCursor, next_id=trade_numbers, reread_id=trade_numbers, reread_since_ms=times_ms, read_ms=times_ms
)
inventories = st.builds(
    Inventory,
    base=amounts,
    quote=amounts,
    deposited_quote=amounts,
    cost_basis_quote=amounts,
    fees_in_basis_quote=amounts,
    realised_quote=amounts,
    fees_quote=amounts,
    unpriced_fees=st.lists(fees, max_size=3, unique_by=lambda fee: fee.asset).map(tuple),
    fills_without_fee=st.integers(min_value=0, max_value=1_000_000),
    opened_ms=st.none() | times_ms,
)
runs = st.builds(
    SameSideRun,
    side=sides,
    orders=st.lists(st.tuples(venue_ids, times_ms), min_size=1, max_size=MAX_RUN, unique_by=lambda each: each[0]).map(
        tuple
    ),
)
figures = st.none() | st.floats(allow_nan=False, allow_infinity=False)
statistics = st.builds(
    Statistics,
    until_ms=times_ms,
    sigma=figures,
    best_distance=figures,
    intensity=figures,
    decay=figures,
    daily=st.none() | st.sampled_from(VolatilityLevel),
    intraday=st.none() | st.sampled_from(VolatilityLevel),
)
touches = st.none() | st.builds(Touch, bid=prices, ask=prices, age_ms=st.integers(min_value=0, max_value=10**9))
equities = st.builds(
    Equity,
    markets=st.lists(symbols, unique=True).map(sorted).map(tuple),
    deposited_quote=positive_amounts,
    gains_quote=amounts,
)
day_starts = st.builds(DayStart, day=st.integers(min_value=0, max_value=100_000), equity=equities)
cautions = st.builds(
    Caution,
    patience=positive_amounts,
    widen=positive_amounts,
    pulls_adding=st.booleans(),
    target_base=st.none() | amounts,
)
restrictions = st.builds(
    Restriction,
    mode=st.sampled_from([Mode.QUOTING, Mode.REDUCE_ONLY, Mode.CANCEL_ONLY]),
    reason=texts,
    since_ms=times_ms,
    caution=cautions,
)
versions = st.text("0123456789abcdef", min_size=16, max_size=16)
active_settings = st.builds(
    ActiveSettings, version=versions, base=versions, previous=versions, since_ms=times_ms, reason=texts
)
controls = st.builds(
    Control,
    account=names.map(AccountName),
    mode=modes,
    epoch=st.integers(min_value=0, max_value=1_000_000),
    mode_reason=texts,
    mode_since_ms=times_ms,
    last_slot_ms=times_ms,
    lease=st.none() | st.builds(Lease, owner=names, expires_ms=times_ms),
    book_marks=st.dictionaries(symbols, st.builds(BookMark, update_id=trade_numbers, since_ms=times_ms)),
    foreign=st.dictionaries(assets, amounts),
    differing=st.dictionaries(assets, st.integers(min_value=1, max_value=1000)),
    unreachable_ticks=st.integers(min_value=0, max_value=1000),
    blocked_until_ms=times_ms,
    is_banned=st.booleans(),
    restrictions=st.dictionaries(symbols, restrictions),
    peaks=st.dictionaries(assets, equities),
    days=st.dictionaries(assets, day_starts),
    deployed=st.none() | versions,
    settings=st.none() | active_settings,
)
instruments = st.builds(
    Instrument,
    symbol=symbols,
    base=assets,
    quote=assets,
    tick_size=st.sampled_from([Decimal("0.01"), Decimal("0.5"), Decimal("0.000001")]),
    lot_size=st.sampled_from([Decimal("0.0001"), Decimal("0.1"), Decimal(1)]),
    min_size_base=st.sampled_from([Decimal("0.0001"), Decimal("0.1"), Decimal(1)]),
    min_notional_quote=st.sampled_from([Decimal(0), Decimal(5), Decimal(10)]),
    has_post_only=st.booleans(),
    is_trading=st.booleans(),
)


def new_orders(symbol: Symbol) -> st.SearchStrategy[NewOrder]:
    """Build orders to be sent in one market."""
    return st.builds(NewOrder, client_id=client_ids, symbol=st.just(symbol), side=sides, price=prices, size_base=sizes)


@st.composite
def orders(draw: st.DrawFn, symbol: Symbol) -> Order:
    """Build resting orders of one market, never executed beyond their size."""
    size = draw(sizes)
    return Order(
        venue_id=draw(venue_ids),
        client_id=draw(st.none() | client_ids),
        symbol=symbol,
        side=draw(sides),
        price=draw(prices),
        size_base=size,
        executed_base=draw(st.decimals(min_value=0, max_value=size, places=8)),
        created_ms=draw(times_ms),
        is_live=draw(st.booleans()),
    )


def fills(symbol: Symbol) -> st.SearchStrategy[Fill]:
    """Build trades of one market, with and without a reported fee."""
    return st.builds(
        Fill,
        trade_id=trade_numbers.map(str).map(TradeId),
        venue_order_id=venue_ids,
        symbol=st.just(symbol),
        side=sides,
        price=prices,
        size_base=sizes,
        fee=st.none() | fees,
        time_ms=times_ms,
        is_maker=st.booleans(),
    )


def fill_rows(symbol: Symbol) -> st.SearchStrategy[FillRow]:
    """Build ledger rows of fills."""
    return st.builds(
        FillRow,
        fill=fills(symbol),
        client_id=st.none() | client_ids,
        base_change=amounts,
        quote_change=amounts,
        realised_quote=amounts,
        fee_quote=st.none() | amounts,
    )


def opening_rows(symbol: Symbol) -> st.SearchStrategy[OpeningRow]:
    """Build opening rows."""
    return st.builds(
        OpeningRow,
        symbol=st.just(symbol),
        time_ms=times_ms,
        base=positive_amounts,
        quote=positive_amounts,
        cost_quote=prices,
    )


exits = st.builds(
    Exit,
    cause=st.sampled_from(ExitCause),
    started_ms=times_ms,
    target_base=amounts,
    reason=texts,
    attempts=st.integers(0, 100),
)
exit_states = st.just(NO_EXIT) | st.builds(
    ExitState,
    current=st.none() | exits,
    stopped_at=st.none() | prices,
    ended_ms=st.none() | times_ms,
    resume_ms=times_ms,
    repeats=st.integers(0, 9),
    day=st.none() | st.integers(0, 40_000),
    day_open=st.none() | prices,
)


@st.composite
def market_states(draw: st.DrawFn) -> MarketState:
    """Build markets' items; all orders of one are in its own symbol."""
    symbol = draw(symbols)
    unresolved = st.builds(UnresolvedOrder, order=new_orders(symbol), signed_ms=times_ms)
    return MarketState(
        symbol=symbol,
        version=draw(st.integers(min_value=0, max_value=1_000_000)),
        inventory=draw(inventories),
        reference_price=draw(prices),
        cursor=draw(cursors),
        working=tuple(draw(st.lists(orders(symbol), max_size=4))),
        unresolved=tuple(draw(st.lists(unresolved, max_size=3))),
        not_before_ms=draw(times_ms),
        run=draw(st.none() | runs),
        exits=draw(exit_states),
    )


def metadata(symbol: Symbol) -> st.SearchStrategy[VenueMetadata]:
    """Build stored venue metadata."""
    return st.builds(VenueMetadata, symbol=st.just(symbol), fetched_ms=times_ms, payload=texts)


@st.composite
def klines(draw: st.DrawFn, open_ms: int, interval_ms: int = 1_000) -> Kline:
    """Build a kline of one interval."""
    low, one, other, high = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    opened, closed = draw(st.permutations([one, other]))
    return Kline(
        open_ms=open_ms,
        interval_ms=interval_ms,
        open=opened,
        high=high,
        low=low,
        close=closed,
        volume_base=draw(st.one_of(st.just(ZERO), sizes)),
    )


@st.composite
def kline_minutes(draw: st.DrawFn, start_ms: int | None = None) -> KlineMinute:
    """Build a minute of one-second klines with holes, or of one minute's."""
    start = MINUTE_MS * draw(st.integers(0, 60_000_000)) if start_ms is None else start_ms
    if draw(st.booleans()):
        return KlineMinute(start_ms=start, klines=(draw(klines(start, MINUTE_MS)),))
    seconds = sorted(draw(st.sets(st.integers(0, 59), min_size=1, max_size=8)))
    return KlineMinute(start_ms=start, klines=tuple(draw(klines(start + 1000 * second)) for second in seconds))


def day_volumes(symbol: Symbol) -> st.SearchStrategy[DayVolume]:
    """Build the volume of a day."""
    return st.builds(
        DayVolume,
        symbol=st.just(symbol),
        time_ms=times_ms,
        volume_base=positive_amounts,
        volume_quote=positive_amounts,
    )


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Build uncrossed books on a grid of 0.01, best prices first; a side may be empty."""
    middle = draw(st.integers(min_value=100, max_value=1_000_000))
    bid_steps = draw(st.lists(st.integers(min_value=1, max_value=99), max_size=5, unique=True))
    ask_steps = draw(st.lists(st.integers(min_value=0, max_value=99), max_size=5, unique=True))
    cent = Decimal("0.01")
    return Book(
        symbol=draw(symbols),
        bids=tuple(BookLevel(price=(middle - step) * cent, size_base=draw(sizes)) for step in sorted(bid_steps)),
        asks=tuple(BookLevel(price=(middle + step) * cent, size_base=draw(sizes)) for step in sorted(ask_steps)),
        update_id=draw(trade_numbers),
    )


@st.composite
def market_views(draw: st.DrawFn) -> MarketView:
    """Build what a decision sees of a market, as a tick could have met it."""
    book = draw(books())
    return MarketView(
        book=book,
        book_age_ms=draw(st.integers(min_value=0, max_value=10**9)),
        last_price=draw(st.none() | prices),
        inventory=draw(inventories),
        reference_price=draw(prices),
        available_base=draw(amounts),
        available_quote=draw(amounts),
        ledger_difference=draw(st.none() | st.builds(LedgerDifference, asset=assets, ledger=amounts, venue=amounts)),
        statistics=draw(st.none() | statistics),
        second=draw(st.none() | st.builds(SecondView, source=touches, rate=touches)),
        run=draw(st.none() | runs),
        exits=draw(exit_states),
        liquidation_distance=draw(st.none() | positive_amounts),
        funding_rate=draw(st.none() | amounts),
        caution=draw(cautions),
        day_volume=draw(
            st.none()
            | st.builds(
                DayVolume,
                symbol=st.just(book.symbol),
                time_ms=times_ms,
                volume_base=positive_amounts,
                volume_quote=positive_amounts,
            )
        ),
    )


def _of(view: MarketView, symbol: Symbol) -> MarketView:
    volume = None if view.day_volume is None else replace(view.day_volume, symbol=symbol)
    return replace(view, book=replace(view.book, symbol=symbol), day_volume=volume)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Build what one decision is made of; everything in it is of one market."""
    on, view = draw(instruments), draw(st.none() | market_views())
    refused = st.builds(NoQuotes, reason=st.sampled_from(NoQuotesReason), detail=texts)
    live = draw(st.lists(orders(on.symbol), max_size=4, unique_by=lambda each: each.venue_id))
    places = st.frozensets(st.tuples(sides, st.integers(min_value=0, max_value=MAX_LEVEL)), max_size=4)
    return Situation(
        now_ms=draw(times_ms),
        instrument=on,
        view=None if view is None else _of(view, on.symbol),
        obstacle=draw(refused if view is None else st.none() | refused),
        may_exit=draw(st.booleans()),
        live=tuple(replace(each, is_live=True) for each in live),
        blocked=draw(places),
        only=draw(st.none() | places),
    )
