"""How an account stands: what its state says, and what its venue shows.

Each is read on its own: while one does not answer, what only it can tell is unknown, and the rest is still told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.drawdown import Equity, Holding, equity_of
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.orders import Order
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import AccountState, Mode, Restriction
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import MarketMakerError, Retryable
from marketmaker.ports import Deadline, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import HALT_DELIVERY
from marketmaker.usecases.listed_orders import ListedOrder, list_foreign, list_own
from marketmaker.usecases.live_settings import in_force
from marketmaker.usecases.standing_report import (
    AccountStanding,
    ControlStanding,
    DrawdownStanding,
    InventoryStanding,
    MarketStanding,
    OpenAlert,
    RestrictedMarket,
    Touch,
)

LATE_INTERVALS = 3
"""A quoting account without a tick for longer than so many intervals is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the venue showed; `others` are the books without our own orders, unknown where those are."""

    open_orders: Sequence[Order] | Unknown
    books: Mapping[Symbol, Book | Unknown]
    others: Mapping[Symbol, Book | Unknown]

    @property
    def problems(self) -> tuple[str, ...]:
        """What kept parts of it from being shown, each reason once."""
        parts = (self.open_orders, *self.books.values())
        return tuple(dict.fromkeys(part.reason for part in parts if isinstance(part, Unknown)))

    @property
    def marks(self) -> Mapping[Symbol, Decimal]:
        """The markets' prices: the mid of what others quote."""
        mids = {symbol: book.mid for symbol, book in self.others.items() if isinstance(book, Book)}
        return {symbol: mid for symbol, mid in mids.items() if mid is not None}

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing was shown at all."""
        return all(isinstance(part, Unknown) for part in (self.open_orders, *self.books.values()))


def describe(desk: Desk, deadline: Deadline) -> AccountStanding:
    """Describe an account by one read of its state and one of its venue.

    Raises:
        Retryable: neither could be read.
    """
    reading = desk.alongside.submit(desk.store.read_account, desk.settings.name)
    shown = _ask_venue(desk, deadline)
    try:
        state: AccountState | Unknown = reading.result()
    except MarketMakerError as error:
        if shown.is_blank:
            raise Retryable(f"neither state nor venue can be read: {error}; {'; '.join(shown.problems)}") from error
        state = Unknown(reason=str(error))
    if not isinstance(state, Unknown):
        desk = in_force(desk, state.control)
    own = list_own(desk, state, shown.open_orders, shown.others)
    return AccountStanding(
        account=desk.settings.name,
        venue=desk.settings.venue,
        config_hash=desk.settings.config_hash,
        time_ms=desk.clock.now_ms(),
        interval_ms=desk.settings.clocks.interval_ms,
        control=state if isinstance(state, Unknown) else _control(desk, state, shown.marks),
        venue_problem="; ".join(shown.problems) or None,
        markets=tuple(_market(each, state, shown, own) for each in desk.settings.markets),
        strays=tuple(order for order in own if order.symbol not in desk.settings.symbols),
        foreign=list_foreign(desk, shown.open_orders, shown.others),
    )


def _ask_venue(desk: Desk, deadline: Deadline) -> _Shown:
    try:
        desk.ensure_metadata(deadline)
        observation = desk.venue.observe(desk.settings.symbols, (), deadline)
    except MarketMakerError as error:
        unknown = Unknown(reason=str(error))
        blank = dict.fromkeys(desk.settings.symbols, unknown)
        return _Shown(open_orders=unknown, books=blank, others=blank)
    orders, books = observation.open_orders, observation.books
    others = {symbol: _by_others(desk, symbol, book, orders) for symbol, book in books.items()}
    return _Shown(open_orders=orders, books=books, others=others)


def _by_others(
    desk: Desk, symbol: Symbol, book: Book | Unknown, open_orders: Sequence[Order] | Unknown
) -> Book | Unknown:
    if isinstance(book, Unknown):
        return book
    if isinstance(open_orders, Unknown):
        return open_orders
    return book.without(order for order in desk.own(open_orders) if order.symbol == symbol)


def _control(desk: Desk, state: AccountState, marks: Mapping[Symbol, Decimal]) -> ControlStanding:
    control, now_ms = state.control, desk.clock.now_ms()
    lease = control.lease if control.lease is not None and control.lease.expires_ms > now_ms else None
    late_ms = LATE_INTERVALS * desk.settings.clocks.interval_ms
    return ControlStanding(
        mode=control.mode,
        reason=control.mode_reason,
        since_ms=control.mode_since_ms or None,
        epoch=control.epoch,
        last_tick_ms=control.last_slot_ms or None,
        is_late=control.mode is Mode.QUOTING and 0 < control.last_slot_ms < now_ms - late_ms,
        lease_owner=None if lease is None else lease.owner,
        lease_ends_ms=None if lease is None else lease.expires_ms,
        blocked_until_ms=control.blocked_until_ms if control.blocked_until_ms > now_ms else None,
        is_banned=control.is_banned and control.blocked_until_ms > now_ms,
        alerts=tuple(
            OpenAlert(key=key, text=episode.text, since_ms=episode.since_ms)
            for key, episode in sorted(state.episodes.items())
            if not key.startswith(HALT_DELIVERY) and episode.ended is None
        ),
        restrictions=_limits(control.restrictions),
        stops=_limits(control.stops),
        drawdowns=tuple(_drawdown(state, asset, peak, marks) for asset, peak in sorted(control.peaks.items())),
    )


def _limits(limits: Mapping[Symbol, Restriction]) -> tuple[RestrictedMarket, ...]:
    return tuple(
        RestrictedMarket(symbol=symbol, mode=each.mode, reason=each.reason, since_ms=each.since_ms)
        for symbol, each in sorted(limits.items())
    )


def _drawdown(state: AccountState, asset: Asset, peak: Equity, marks: Mapping[Symbol, Decimal]) -> DrawdownStanding:
    """Compare the markets of a peak with it."""
    holdings = [
        Holding(symbol=symbol, inventory=state.markets[symbol].inventory, mark=marks[symbol])
        for symbol in peak.markets
        if symbol in state.markets and symbol in marks
    ]
    is_known = len(holdings) == len(peak.markets)
    return DrawdownStanding(
        asset=asset,
        peak_equity_quote=peak.total_quote,
        drawdown_share=equity_of(holdings).drawdown_share(peak) if is_known else None,
    )


def _market(
    settings: MarketSettings, state: AccountState | Unknown, shown: _Shown, own: Sequence[ListedOrder]
) -> MarketStanding:
    symbol = settings.symbol
    mark = shown.marks.get(symbol)
    if isinstance(state, Unknown):
        inventory: InventoryStanding | Unknown | None = state
    else:
        market = state.markets.get(symbol)
        inventory = None if market is None else _inventory(market.inventory, mark)
    return MarketStanding(
        symbol=symbol,
        everyone=_touch(shown.books[symbol]),
        others=_touch(shown.others[symbol]),
        mark=mark,
        min_ratio=settings.inventory_band.min_ratio,
        max_ratio=settings.inventory_band.max_ratio,
        inventory=inventory,
        orders=tuple(order for order in own if order.symbol == symbol),
    )


def _touch(book: Book | Unknown) -> Touch | Unknown:
    return book if isinstance(book, Unknown) else Touch(bid=book.best_bid, ask=book.best_ask)


def _inventory(inventory: Inventory, mark: Decimal | None) -> InventoryStanding:
    return InventoryStanding(
        base=inventory.base,
        quote=inventory.quote,
        deposited_quote=inventory.deposited_quote,
        capital_quote=None if mark is None else inventory.equity_quote(mark),
        ratio=None if mark is None else inventory.ratio(mark),
        average_cost_quote=inventory.average_cost_quote,
        realised_quote=inventory.realised_quote,
        unrealised_quote=None if mark is None else inventory.unrealised_quote(mark),
        fees_quote=inventory.fees_quote,
        pnl_quote=None if mark is None else inventory.pnl_quote(mark),
        unpriced_fees=inventory.unpriced_fees,
        fills_without_fee=inventory.fills_without_fee,
    )
