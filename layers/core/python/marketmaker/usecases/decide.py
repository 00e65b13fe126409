"""From what a tick saw to what it wants, market by market: settle or open, value, plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.inventory import FillRow
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.orders import Order, OrderIdentity, Side
from marketmaker.domain.pricing import fair_price
from marketmaker.domain.quoting import MarketView, NoQuotes, NoQuotesReason, Quotes, compute_quotes
from marketmaker.domain.replacing import Place, Plan, plan_replacement
from marketmaker.domain.risk import LedgerDifference, check_ledger
from marketmaker.domain.state import Control, MarketState, Mode
from marketmaker.domain.units import ZERO, Asset, Symbol
from marketmaker.errors import Conflict, Refused, Retryable
from marketmaker.ports import Balance, Deadline, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.observe import Seen
from marketmaker.usecases.opening import Holdings, claims, open_market, totals
from marketmaker.usecases.settle import settle

TICKS_UNTIL_DIFFERING = 3
"""A balance read beside a fill differs for a moment; this many ticks in a row are no such moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A market before it is valued: its settled item and live orders, or the reason why it cannot be quoted.

    `stored` is the item as it was last written, None before the market has opened.
    """

    settings: MarketSettings
    stored: MarketState | None
    market: MarketState | None
    live: tuple[Order, ...]
    booked: tuple[FillRow, ...] = ()
    obstacle: NoQuotes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is wanted in one market and what is to be done for it."""

    prepared: Prepared
    view: MarketView | None
    desired: Quotes | NoQuotes
    plan: Plan


def prepare_all(desk: Desk, seen: Seen, deadline: Deadline) -> list[Prepared]:
    """Settle every market that is open and open the others, in the file's order."""
    prepared: list[Prepared] = []
    opened = dict(seen.state.markets)
    for settings in desk.settings.markets:
        each = _prepare(desk, seen, settings, opened, deadline)
        if each.market is not None:
            opened[settings.symbol] = each.market
        prepared.append(each)
    return prepared


def _prepare(
    desk: Desk, seen: Seen, settings: MarketSettings, opened: Mapping[Symbol, MarketState], deadline: Deadline
) -> Prepared:
    own = seen.own_orders(desk, settings.symbol)
    stored = opened.get(settings.symbol)
    try:
        if stored is None:
            return _open(desk, seen, settings, own, opened, deadline)
        settled = settle(desk, settings, stored, seen.open_orders, deadline)
    except (Retryable, Refused, Conflict) as error:
        obstacle = NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail=str(error))
        return Prepared(settings=settings, stored=stored, market=stored, live=own, obstacle=obstacle)
    return Prepared(
        settings=settings,
        stored=settled.stored,
        market=settled.market,
        live=settled.live,
        booked=settled.booked,
        obstacle=NoQuotes(reason=NoQuotesReason.BOOKING_UNFINISHED, detail=settled.missing)
        if settled.missing
        else None,
    )


def _open(
    desk: Desk,
    seen: Seen,
    settings: MarketSettings,
    own: tuple[Order, ...],
    opened: Mapping[Symbol, MarketState],
    deadline: Deadline,
) -> Prepared:
    instruments = _instruments(desk)
    fair = _first_fair_price(seen, settings, own)
    balances = _known_balances(seen.balances, instruments[settings.symbol])
    if fair is None or isinstance(balances, Unknown):
        detail = balances.reason if isinstance(balances, Unknown) else "no fair price to open at"
        obstacle = NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail=detail)
        return Prepared(settings=settings, stored=None, market=None, live=own, obstacle=obstacle)
    holdings = Holdings(totals=totals(balances), claimed=claims(opened.values(), instruments))
    market = open_market(desk, settings, holdings, fair, deadline)
    return Prepared(settings=settings, stored=market, market=market, live=own)


def _first_fair_price(seen: Seen, settings: MarketSettings, own: Sequence[Order]) -> Decimal | None:
    book = seen.observation.books[settings.symbol]
    if isinstance(book, Unknown):
        return None
    others = book.without(own)
    if others.best_bid is None or others.best_ask is None or others.best_bid >= others.best_ask:
        return None
    return fair_price(settings.fair_price, others, _last_price(seen, settings.symbol))


def _last_price(seen: Seen, symbol: Symbol) -> Decimal | None:
    last = seen.observation.last_prices.get(symbol)
    return None if isinstance(last, Unknown) else last


def _known_balances(
    balances: Mapping[Asset, Balance] | Unknown, instrument: Instrument
) -> Mapping[Asset, Balance] | Unknown:
    """Require both assets: a balance that is not reported is unknown, not zero (R7)."""
    if isinstance(balances, Unknown):
        return balances
    absent = [asset for asset in (instrument.base, instrument.quote) if asset not in balances]
    return Unknown(reason=f"the venue reports no balance of {', '.join(absent)}") if absent else balances


def _instruments(desk: Desk) -> dict[str, Instrument]:
    return {symbol: desk.venue.instrument(symbol) for symbol in desk.settings.symbols}


def compare_ledger(
    desk: Desk, seen: Seen, prepared: Sequence[Prepared], control: Control
) -> tuple[dict[Asset, int], dict[Asset, LedgerDifference]]:
    """Compare the ledger with the venue's balances (S2b): ticks in a row each asset differed, and those that count.

    An asset of a market that is not settled keeps its count: its ledger is known to be behind.
    """
    if isinstance(seen.balances, Unknown) or any(each.obstacle is not None for each in prepared):
        return dict(control.differing), {}
    claimed = claims((each.market for each in prepared if each.market is not None), _instruments(desk))
    counts: dict[Asset, int] = {}
    differences: dict[Asset, LedgerDifference] = {}
    for asset, ledger in claimed.items():
        difference = check_ledger(
            asset,
            ledger=ledger,
            foreign=seen.state.control.foreign.get(asset, ZERO),
            venue=seen.balances[asset].total,
            dedicated=desk.settings.dedicated,
        )
        if difference is not None:
            counts[asset] = control.differing.get(asset, 0) + 1
            if counts[asset] >= TICKS_UNTIL_DIFFERING:
                differences[asset] = difference
    return counts, differences


def decide(
    desk: Desk, seen: Seen, prepared: Prepared, control: Control, differences: Mapping[Asset, LedgerDifference]
) -> Decision:
    """Value one market and plan what to do in it; pure but for reading the desk's settings."""
    view = _view(desk, seen, prepared, differences)
    if control.mode is not Mode.QUOTING:
        desired: Quotes | NoQuotes = NoQuotes(reason=NoQuotesReason.NOT_QUOTING, detail=control.mode.label)
    elif prepared.obstacle is not None:
        desired = prepared.obstacle
    elif isinstance(view, NoQuotes):
        desired = view
    else:
        desired = compute_quotes(view, prepared.settings, desk.venue.instrument(prepared.settings.symbol))
    unresolved = prepared.market.unresolved if prepared.market else ()
    plan = plan_replacement(
        desired,
        prepared.live,
        tag=desk.settings.tag,
        blocked=frozenset(_places(desk, [each.order.client_id for each in unresolved])),
        tolerance=prepared.settings.tolerance,
        now_ms=seen.now_ms,
    )
    return Decision(prepared=prepared, view=None if isinstance(view, NoQuotes) else view, desired=desired, plan=plan)


def _places(desk: Desk, client_ids: Sequence[str]) -> list[Place]:
    identities = [OrderIdentity.decode(client_id, desk.settings.tag) for client_id in client_ids]
    return [(identity.side, identity.level) for identity in identities if identity is not None]


def _view(
    desk: Desk, seen: Seen, prepared: Prepared, differences: Mapping[Asset, LedgerDifference]
) -> MarketView | NoQuotes:
    symbol = prepared.settings.symbol
    instrument = desk.venue.instrument(symbol)
    book = seen.observation.books[symbol]
    balances = _known_balances(seen.balances, instrument)
    if isinstance(book, Unknown) or isinstance(balances, Unknown) or prepared.market is None:
        unknown = book if isinstance(book, Unknown) else balances
        detail = unknown.reason if isinstance(unknown, Unknown) else "the market has not opened"
        return NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail=detail)
    reserved_base = sum((each.remaining_base for each in prepared.live if each.side is Side.SELL), ZERO)
    reserved_quote = sum((each.notional_quote for each in prepared.live if each.side is Side.BUY), ZERO)
    inventory = prepared.market.inventory
    return MarketView(
        book=book.without(prepared.live),
        book_age_ms=seen.now_ms - seen.marks[symbol].since_ms,
        last_price=_last_price(seen, symbol),
        inventory=inventory,
        reference_price=prepared.market.reference_price,
        available_base=min(inventory.base, balances[instrument.base].free + reserved_base),
        available_quote=min(inventory.quote, balances[instrument.quote].free + reserved_quote),
        ledger_difference=differences.get(instrument.base) or differences.get(instrument.quote),
    )
