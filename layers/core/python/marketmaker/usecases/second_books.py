"""Ask other venues for the books that fair prices are made of, while the account's own venue is being asked (M5).

They are read without a login, and bounded: whatever becomes of them, a tick gets its own venue's answer, and no book is
waited for longer than a request may take. What did not come is unknown.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby

from marketmaker.domain.models import Listing
from marketmaker.domain.pricing import Book
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Deadline, Unknown, Venue
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.metadata import describe, is_described, kept_metadata

type Books = Mapping[Listing, Book | Unknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBooks:
    """Books on their way, those of one venue together."""

    asked: Mapping[tuple[Listing, ...], Future[Books]]
    deadline: Deadline

    def books(self) -> dict[Listing, Book | Unknown]:
        """Return what has come by now or comes in time."""
        found: dict[Listing, Book | Unknown] = {}
        for listings, asked in self.asked.items():
            try:
                found |= asked.result(timeout=self.deadline.remaining_ms() / 1000)
            except TimeoutError:
                found |= dict.fromkeys(listings, Unknown(reason=f"{listings[0].venue} did not answer in time"))
        return found


def ask_others(desk: Desk, deadline: Deadline) -> AskedBooks:
    """Ask every other venue, all side by side."""
    latest_ms = desk.clock.now_ms() + desk.settings.clocks.request_timeout_ms
    bounded = Deadline(at_ms=min(deadline.at_ms, latest_ms), clock=desk.clock)
    wanted = (each for each in desk.settings.second_listings if each.venue != desk.settings.venue)
    venues = [(name, tuple(listings)) for name, listings in groupby(wanted, key=lambda each: each.venue)]
    asked = {
        listings: desk.alongside.submit(_read, desk, desk.references.get(name), listings, bounded)
        for name, listings in venues
    }
    return AskedBooks(asked=asked, deadline=bounded)


def _read(desk: Desk, venue: Venue | None, listings: tuple[Listing, ...], deadline: Deadline) -> Books:
    """Read the books of one venue; of a market that nobody can describe nothing is believed."""
    name, symbols = listings[0].venue, [each.symbol for each in listings]
    if venue is None:
        return dict.fromkeys(listings, Unknown(reason=f"{name} is not connected: the deployed file does not name it"))
    try:
        if not is_described(venue, symbols, desk.clock):
            kept = kept_metadata(desk.prices, name, symbols)
            describe(venue, symbols, () if isinstance(kept, Unknown) else kept, desk.clock, deadline)
        books = venue.read_books(symbols, deadline)
    except MarketMakerError as error:
        return dict.fromkeys(listings, Unknown(reason=str(error)))
    return {listing: books[listing.symbol] for listing in listings}
