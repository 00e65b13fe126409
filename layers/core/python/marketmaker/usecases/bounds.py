"""How much more a market may hold before a bound on what is held is reached: no order may take it past (S16, P4).

The bounds are the market's own and that of all the account's markets in its quote asset. What is held of another market
that cannot be valued now is unknown, and nothing is added (R7).
"""

from collections.abc import Iterator
from decimal import Decimal

from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.positions import Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.observe import Seen


def within_bounds(
    desk: Desk, seen: Seen, settings: MarketSettings, inventory: Inventory, usable: tuple[Decimal, Decimal]
) -> tuple[Decimal, Decimal]:
    """Return what of the usable base may be sold and of the usable quote bought with; down to nothing held is free."""
    left = list(_left(desk, seen, settings, inventory))
    mid = _mid(seen, settings.symbol)
    if not left or mid is None:
        return usable
    base, quote = usable
    adding, held = max(ZERO, min(left)), inventory.base * mid
    to_sell, to_buy = adding + max(ZERO, held), adding + max(ZERO, -held)
    return min(base, to_sell / mid), min(quote, to_buy)


def _left(desk: Desk, seen: Seen, settings: MarketSettings, inventory: Inventory) -> Iterator[Decimal]:
    """Return what each bound leaves to be added; nothing where it is not known what is held."""
    mid = _mid(seen, settings.symbol)
    own = None if mid is None else abs(inventory.base) * mid
    if settings.max_notional_quote is not None:
        yield ZERO if own is None else settings.max_notional_quote - own
    quote = desk.venue.instrument(settings.symbol).quote
    bound = desk.settings.risk.max_notional_quote.get(quote)
    if bound is None:
        return
    others = (each for each in desk.settings.markets if each.symbol != settings.symbol)
    held = [own, *(_held_quote(seen, each) for each in others if desk.venue.instrument(each.symbol).quote == quote)]
    known = [each for each in held if each is not None]
    yield bound - sum(known, ZERO) if len(known) == len(held) else ZERO


def _held_quote(seen: Seen, settings: MarketSettings) -> Decimal | None:
    """Return what another market holds is worth; one that has not opened holds nothing of ours."""
    symbol = settings.symbol
    if settings.perpetual is not None:
        position = seen.observation.positions.get(symbol)
        return position.notional_quote if isinstance(position, Position) else None
    market, mid = seen.state.markets.get(symbol), _mid(seen, symbol)
    if market is None or not market.inventory.base:
        return ZERO
    return None if mid is None else market.inventory.base * mid


def _mid(seen: Seen, symbol: Symbol) -> Decimal | None:
    book = seen.observation.books[symbol]
    is_sound = isinstance(book, Book) and book.bids and book.asks and not book.is_crossed
    return book.mid if isinstance(book, Book) and is_sound else None
