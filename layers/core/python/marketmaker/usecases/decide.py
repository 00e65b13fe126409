"""From what a tick saw to what it wants, market by market: settle or open, value, plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.domain.deciding import Decision, Situation, decide
from marketmaker.domain.inventory import FillRow, Inventory
from marketmaker.domain.market_limits import TICKS_UNTIL_DIFFERING
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.orders import Order, OrderIdentity, Side
from marketmaker.domain.positions import FundingRate, Position
from marketmaker.domain.pricing import BOOK_LEVELS, own_price
from marketmaker.domain.quoting import MarketView, NoQuotes, NoQuotesReason
from marketmaker.domain.replacing import Place
from marketmaker.domain.risk import LedgerDifference, check_ledger
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.state import Control, MarketState, Mode
from marketmaker.domain.units import ZERO, Asset, Symbol
from marketmaker.errors import Conflict, LeaseLost, Refused, Retryable
from marketmaker.ports import Balance, Deadline, Unknown
from marketmaker.usecases.bounds import within_bounds
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.observe import Seen
from marketmaker.usecases.opening import Holdings, Start, claims, open_market, totals
from marketmaker.usecases.perpetuals import book_due_funding, known_position, position_asset, room, wrong_mode
from marketmaker.usecases.second_prices import second_view
from marketmaker.usecases.settle import settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A market before it is valued: its settled item and live orders, or the reason why it cannot be quoted.

    `stored` is the item as it was last written, None before the market has opened. `otherwise` is why nothing may be
    quoted though all is known, which keeps nobody from leaving: the venue does not hold the position as it should.
    """

    settings: MarketSettings
    stored: MarketState | None
    market: MarketState | None
    live: tuple[Order, ...]
    booked: tuple[FillRow, ...] = ()
    obstacle: NoQuotes | None = None
    otherwise: NoQuotes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedMarket:
    """A prepared market with what its decision was made of, and the decision."""

    prepared: Prepared
    situation: Situation
    decision: Decision


def prepare_all(desk: Desk, seen: Seen, deadline: Deadline) -> list[Prepared]:
    """Settle every market that is open, then open the others beside what those own; in the file's order."""
    prepared: dict[Symbol, Prepared] = {}
    for settings in sorted(desk.settings.markets, key=lambda each: each.symbol not in seen.state.markets):
        stored = seen.state.markets.get(settings.symbol)
        try:
            prepared[settings.symbol] = (
                _open(desk, seen, settings, tuple(prepared.values()), deadline)
                if stored is None
                else _settle(desk, seen, settings, stored, deadline)
            )
        except LeaseLost:
            raise
        except (Retryable, Refused, Conflict) as error:
            prepared[settings.symbol] = _unread(desk, seen, settings, stored, str(error))
    return [prepared[symbol] for symbol in desk.settings.symbols]


def _settle(desk: Desk, seen: Seen, settings: MarketSettings, stored: MarketState, deadline: Deadline) -> Prepared:
    interrupted = seen.state.control.taken_over_from is not None
    settled = settle(desk, settings, stored, seen.open_orders, deadline, read_trades=interrupted)
    market, written = settled.market, settled.stored
    funded = book_due_funding(desk, market, seen.observation.funding_rates, deadline)
    if funded is not None:
        written = funded if funded.version > market.version else written
        market = funded
    return Prepared(
        settings=settings,
        stored=written,
        market=market,
        live=settled.live,
        booked=settled.booked,
        obstacle=NoQuotes(reason=NoQuotesReason.BOOKING_UNFINISHED, detail=settled.missing)
        if settled.missing
        else None,
        otherwise=_otherwise(desk, seen, settings, deadline),
    )


def _otherwise(desk: Desk, seen: Seen, settings: MarketSettings, deadline: Deadline) -> NoQuotes | None:
    wanted, position = settings.perpetual, seen.observation.positions.get(settings.symbol)
    if wanted is None or not isinstance(position, Position):
        return None
    return wrong_mode(desk, wanted, position, deadline)


def _unread(desk: Desk, seen: Seen, settings: MarketSettings, stored: MarketState | None, detail: str) -> Prepared:
    """Leave a market as it is, but remember its live orders: what fills of them is booked once it can be read."""
    own = seen.own_orders(desk, settings.symbol)
    obstacle = NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail=detail)
    market = None
    if stored is not None:
        known = {order.venue_id for order in stored.working}
        orphans = tuple(replace(order, executed_base=ZERO) for order in own if order.venue_id not in known)
        market = replace(stored, working=stored.working + orphans)
    return Prepared(settings=settings, stored=stored, market=market, live=own, obstacle=obstacle)


def _open(desk: Desk, seen: Seen, settings: MarketSettings, others: Sequence[Prepared], deadline: Deadline) -> Prepared:
    """Open a market, unless what it may take is not certain: then the reason, and what rests of ours is cancelled."""
    instrument = desk.venue.instrument(settings.symbol)
    fair = _first_fair_price(seen, settings)
    balances = _known_balances(seen.balances, instrument, is_perpetual=settings.perpetual is not None)
    if isinstance(balances, Unknown):
        return _unread(desk, seen, settings, None, balances.reason)
    if fair is None:
        return _unread(desk, seen, settings, None, "no fair price to open at")
    position: Position | None = None
    if settings.perpetual is not None:
        known = known_position(seen.observation, settings.symbol)
        if isinstance(known, Unknown):
            return _unread(desk, seen, settings, None, known.reason)
        otherwise = wrong_mode(desk, settings.perpetual, known, deadline)
        if otherwise is not None:
            return _unread(desk, seen, settings, None, otherwise.detail)
        position = known
    if seen.own_orders(desk, settings.symbol):
        return _unread(desk, seen, settings, None, "orders of an earlier opening are cancelled first")
    if any(each.market is not None and each.obstacle is not None for each in others):
        return _unread(desk, seen, settings, None, "what the other markets own is not settled")
    owned = claims((each.market for each in others if each.market is not None), _instruments(desk))
    start = Start(fair=fair, position=position)
    market = open_market(desk, settings, Holdings(totals=totals(balances), claimed=owned), start, deadline)
    return Prepared(settings=settings, stored=market, market=market, live=())


def _first_fair_price(seen: Seen, settings: MarketSettings) -> Decimal | None:
    book = seen.observation.books[settings.symbol]
    if isinstance(book, Unknown) or book.best_bid is None or book.best_ask is None or book.best_bid >= book.best_ask:
        return None
    return own_price(settings, book, _last_price(seen, settings.symbol))


def _last_price(seen: Seen, symbol: Symbol) -> Decimal | None:
    last = seen.observation.last_prices.get(symbol)
    return None if isinstance(last, Unknown) else last


def _known_balances(
    balances: Mapping[Asset, Balance] | Unknown, instrument: Instrument, *, is_perpetual: bool
) -> Mapping[Asset, Balance] | Unknown:
    """Require both assets, of a perpetual the collateral: what is not reported is unknown, not zero (R7)."""
    if isinstance(balances, Unknown):
        return balances
    needed = (instrument.quote,) if is_perpetual else (instrument.base, instrument.quote)
    absent = [asset for asset in needed if asset not in balances]
    return Unknown(reason=f"the venue reports no balance of {', '.join(absent)}") if absent else balances


def _instruments(desk: Desk) -> dict[str, Instrument]:
    return {symbol: desk.venue.instrument(symbol) for symbol in desk.settings.symbols}


def compare_ledger(
    desk: Desk, seen: Seen, prepared: Sequence[Prepared], control: Control
) -> tuple[dict[Asset, int], dict[Asset, LedgerDifference]]:
    """Compare the ledger with the venue's balances (S2b): ticks in a row each asset differed, and those that count.

    An asset that cannot be compared now keeps its count: its balance is unknown, or a market that owns it is not
    settled or has only just opened.
    """
    if isinstance(seen.balances, Unknown):
        return dict(control.differing), {}
    instruments = _instruments(desk)
    uncertain = claims(
        (each.market for each in prepared if each.market is not None and _is_uncertain(each, seen)), instruments
    )
    counts: dict[Asset, int] = {}
    differences: dict[Asset, LedgerDifference] = {}
    for asset, ledger in claims((each.market for each in prepared if each.market is not None), instruments).items():
        difference = _difference(desk, seen, asset, ledger)
        before = control.differing.get(asset, 0)
        keeps_count = asset in uncertain or _venue_total(seen, asset) is None
        counts[asset] = before if keeps_count else before + 1 if difference else 0
        if difference is not None and counts[asset] >= TICKS_UNTIL_DIFFERING:
            differences[asset] = difference
    return {asset: count for asset, count in counts.items() if count}, differences


def _is_uncertain(prepared: Prepared, seen: Seen) -> bool:
    return prepared.obstacle is not None or prepared.settings.symbol not in seen.state.markets


def _difference(desk: Desk, seen: Seen, asset: Asset, ledger: Decimal) -> LedgerDifference | None:
    total = _venue_total(seen, asset)
    if total is None:
        return None
    is_position = Symbol(asset) in seen.observation.positions
    return check_ledger(
        asset,
        ledger=ledger,
        foreign=seen.state.control.foreign.get(asset, ZERO),
        venue=total,
        dedicated=desk.settings.dedicated or is_position,
    )


def _venue_total(seen: Seen, asset: Asset) -> Decimal | None:
    """Return what the venue holds of an asset, or the position that is named like one; None where it did not tell."""
    position = seen.observation.positions.get(Symbol(asset))
    if position is not None:
        return None if isinstance(position, Unknown) else position.size_base
    balances = seen.balances
    return None if isinstance(balances, Unknown) or asset not in balances else balances[asset].total


def decide_market(
    desk: Desk, seen: Seen, prepared: Prepared, control: Control, differences: Mapping[Asset, LedgerDifference]
) -> DecidedMarket:
    """Gather what the decision for one market depends on, and make it."""
    situation = _situation(desk, seen, prepared, control, differences)
    decision = decide(situation, prepared.settings, desk.settings.tag)
    return DecidedMarket(prepared=prepared, situation=situation, decision=decision)


def _situation(
    desk: Desk, seen: Seen, prepared: Prepared, control: Control, differences: Mapping[Asset, LedgerDifference]
) -> Situation:
    symbol = prepared.settings.symbol
    view, instrument = _view(desk, seen, prepared, differences), desk.venue.instrument(symbol)
    limit = control.limit_of(symbol)
    obstacle = prepared.obstacle
    if limit.mode is not Mode.QUOTING:
        obstacle = NoQuotes(reason=NoQuotesReason.NOT_QUOTING, detail=f"{limit.mode.label}: {limit.reason}")
    elif not instrument.is_trading:
        obstacle = NoQuotes(reason=NoQuotesReason.MARKET_CLOSED, detail=f"the venue does not trade {symbol} now")
    elif obstacle is None:
        obstacle = view if isinstance(view, NoQuotes) else prepared.otherwise
    may_exit = prepared.obstacle is None and limit.mode <= Mode.REDUCE_ONLY and instrument.is_trading
    unresolved = prepared.market.unresolved if prepared.market else ()
    return Situation(
        now_ms=seen.now_ms,
        instrument=instrument,
        view=None if isinstance(view, NoQuotes) else view,
        obstacle=obstacle,
        may_exit=may_exit,
        live=prepared.live,
        blocked=frozenset(_places(desk, [each.order.client_id for each in unresolved])),
    )


def _places(desk: Desk, client_ids: Sequence[str]) -> list[Place]:
    identities = [OrderIdentity.decode(client_id, desk.settings.tag) for client_id in client_ids]
    return [(identity.side, identity.level) for identity in identities if identity is not None]


def _view(
    desk: Desk, seen: Seen, prepared: Prepared, differences: Mapping[Asset, LedgerDifference]
) -> MarketView | NoQuotes:
    symbol = prepared.settings.symbol
    instrument = desk.venue.instrument(symbol)
    book = seen.observation.books[symbol]
    held = prepared.settings.perpetual
    balances = _known_balances(seen.balances, instrument, is_perpetual=held is not None)
    position = None if held is None else known_position(seen.observation, symbol)
    unknown = next((each for each in (book, balances, position) if isinstance(each, Unknown)), None)
    if isinstance(book, Unknown) or isinstance(balances, Unknown) or isinstance(position, Unknown):
        detail = "" if unknown is None else unknown.reason
        return NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail=detail)
    if prepared.market is None:
        return NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail="the market has not opened")
    inventory = prepared.market.inventory
    if held is not None and position is not None:
        usable = room(inventory, position.mark_price, held)
    else:
        usable = _usable(inventory, balances, instrument, prepared.live)
    available_base, available_quote = within_bounds(desk, seen, prepared.settings, inventory, usable)
    return MarketView(
        book=book.without(prepared.live).top(BOOK_LEVELS),
        book_age_ms=seen.now_ms - seen.marks[symbol].since_ms,
        last_price=_last_price(seen, symbol),
        inventory=inventory,
        reference_price=prepared.market.reference_price,
        available_base=available_base,
        available_quote=available_quote,
        ledger_difference=_difference_of(differences, instrument),
        statistics=seen.statistics.get(symbol),
        second=second_view(desk, seen, prepared.settings),
        run=_run(prepared.market, prepared.settings),
        exits=prepared.market.exits,
        liquidation_distance=None if position is None else position.liquidation_distance,
        funding_rate=_next_rate(seen, symbol),
        day_volume=seen.day_volumes.get(symbol),
        caution=seen.state.control.caution_in(symbol),
    )


def _next_rate(seen: Seen, symbol: Symbol) -> Decimal | None:
    rate = seen.observation.funding_rates.get(symbol)
    return rate.rate if isinstance(rate, FundingRate) else None


def _usable(
    inventory: Inventory, balances: Mapping[Asset, Balance], instrument: Instrument, live: Sequence[Order]
) -> tuple[Decimal, Decimal]:
    """Return what of a spot market's own base and quote is free, or reserved by its own orders."""
    reserved_base = sum((each.remaining_base for each in live if each.side is Side.SELL), ZERO)
    reserved_quote = sum((each.notional_quote for each in live if each.side is Side.BUY), ZERO)
    return (
        min(inventory.base, balances[instrument.base].free + reserved_base),
        min(inventory.quote, balances[instrument.quote].free + reserved_quote),
    )


def _difference_of(differences: Mapping[Asset, LedgerDifference], instrument: Instrument) -> LedgerDifference | None:
    assets = (instrument.base, instrument.quote, position_asset(instrument.symbol))
    return next((differences[each] for each in assets if each in differences), None)


def _run(market: MarketState, settings: MarketSettings) -> SameSideRun | None:
    """Return of the market's run what its guard asks for."""
    guard, run = settings.run_guard, market.run
    return None if guard is None or run is None else replace(run, orders=run.orders[-guard.orders :])
