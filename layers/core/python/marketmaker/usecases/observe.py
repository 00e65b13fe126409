"""One round of reads: state and venue side by side."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from marketmaker.domain.klines import DayVolume
from marketmaker.domain.models import FairPriceModel, Listing
from marketmaker.domain.orders import Order
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import AccountState, BookMark, Control
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import Retryable, StateUnreachable
from marketmaker.ports import Balance, Deadline, Observation, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.second_books import ask_others


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one tick knows of the whole account once it has observed.

    `second_books` are those that fair prices are made of; their marks are kept under `mark_key`.
    """

    state: AccountState
    observation: Observation
    open_orders: Sequence[Order]
    marks: Mapping[Symbol, BookMark]
    statistics: Mapping[Symbol, Statistics]
    day_volumes: Mapping[Symbol, DayVolume]
    second_books: Mapping[Listing, Book | Unknown]
    now_ms: int

    @property
    def balances(self) -> Mapping[Asset, Balance] | Unknown:
        """The login's balances."""
        return self.observation.balances

    def own_orders(self, desk: Desk, symbol: Symbol) -> tuple[Order, ...]:
        """Our open orders in one market."""
        return tuple(order for order in desk.own(self.open_orders) if order.symbol == symbol)


def observe(desk: Desk, control: Control, deadline: Deadline) -> Seen:
    """Read state and venue side by side; without the open orders nothing can be decided or cancelled.

    Raises:
        Retryable: the open orders, or on a cold start the markets' metadata, could not be read.
        StateUnreachable: the account's items could not be read.
        AccountRefused: the venue refuses the account.
    """
    measured = desk.alongside.submit(desk.read_statistics)
    others = ask_others(desk, deadline)
    observation, reading = read_both(desk, deadline, needs_state=True, beside=desk.beside)
    state = _result(reading)
    if isinstance(observation.open_orders, Unknown):
        raise Retryable(observation.open_orders.reason)
    here = {each: observation.books[each.symbol] for each in desk.settings.second_listings_at(desk.settings.venue)}
    second_books = here | others.books()
    now_ms = desk.clock.now_ms()
    books = {symbol: observation.books[symbol] for symbol in desk.settings.symbols}
    books |= {mark_key(listing): book for listing, book in second_books.items()}
    measurements = desk.known_statistics(measured.result())
    return Seen(
        state=state,
        observation=observation,
        open_orders=observation.open_orders,
        marks=mark_books(books, control.book_marks, now_ms),
        statistics=measurements.known,
        day_volumes=measurements.volumes,
        second_books=second_books,
        now_ms=now_ms,
    )


def read_both(
    desk: Desk, deadline: Deadline, *, needs_state: bool, beside: Sequence[Symbol] = ()
) -> tuple[Observation, Future[AccountState]]:
    """Read the venue, and the state beside it; what could not be read of either is told by its own answer.

    Who `needs_state` asks the venue nothing on a cold start before it is read. Of symbols that are not the account's
    own only the book is read, in the same round.

    Raises:
        Retryable: on a cold start the markets' metadata could not be read.
        StateUnreachable: the state is needed first and could not be read.
        AccountRefused: the venue refuses the account.
    """
    settings = desk.settings
    symbols = (*settings.symbols, *beside)
    last_for = [each.symbol for each in settings.markets if each.fair_price is FairPriceModel.LAST]
    reading = desk.alongside.submit(desk.store.read_account, settings.name)
    describing = desk.alongside.submit(desk.stored_metadata, beside)
    if desk.venue.knows(settings.symbols):
        observation = desk.venue.observe(symbols, last_for, deadline)
        desk.load_metadata(describing.result(), deadline, beside)
    else:
        if needs_state:
            _result(reading)
        desk.load_metadata(describing.result(), deadline, beside)
        observation = desk.venue.observe(symbols, last_for, deadline)
    return observation, reading


def _result(reading: Future[AccountState]) -> AccountState:
    try:
        return reading.result()
    except Retryable as error:
        raise StateUnreachable(str(error)) from error


def mark_key(listing: Listing) -> Symbol:
    """Name the mark of a book that a fair price is made of, apart from those of the account's own markets."""
    return Symbol(f"{listing.venue}#{listing.symbol}")


def mark_books(
    books: Mapping[Symbol, Book | Unknown], before: Mapping[Symbol, BookMark], now_ms: int
) -> dict[Symbol, BookMark]:
    """Note since when each book's update id has stood still (R11)."""
    marks: dict[Symbol, BookMark] = {}
    for symbol, book in books.items():
        old = before.get(symbol)
        if isinstance(book, Book) and (old is None or old.update_id != book.update_id):
            marks[symbol] = BookMark(update_id=book.update_id, since_ms=now_ms)
        elif old is not None:
            marks[symbol] = old
    return marks
