"""The other books that a market's fair price is made of, as its decision sees them (M5, S15)."""

from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import Listing
from marketmaker.domain.pricing import Book, SecondView, Touch
from marketmaker.domain.units import ZERO
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.observe import Seen, mark_key


def second_view(desk: Desk, seen: Seen, settings: MarketSettings) -> SecondView | None:
    """Return what was read of the books that a market's fair price is made of; None where it is made of none."""
    second = settings.second_price
    if second is None:
        return None
    rate = None if second.rate is None else _touch(desk, seen, second.rate)
    return SecondView(source=_touch(desk, seen, second.source), rate=rate)


def _touch(desk: Desk, seen: Seen, listing: Listing) -> Touch | None:
    """Return the best prices that others made; None for a book that is unknown, one-sided or crossed.

    At the account's own venue our own orders are in the book too, and must not set our own price.
    """
    book = seen.second_books[listing]
    if not isinstance(book, Book):
        return None
    others = book.without(seen.own_orders(desk, listing.symbol) if listing.venue == desk.settings.venue else ())
    bid, ask = others.best_bid, others.best_ask
    if bid is None or ask is None or not ZERO < bid < ask:
        return None
    return Touch(bid=bid, ask=ask, age_ms=seen.now_ms - seen.marks[mark_key(listing)].since_ms)
