"""What a perpetual needs beyond spot: to be held as the settings say, its funding booked once, its room by equity.

A position that could not be read is unknown, never flat: the market is then neither opened nor quoted (R7, R22, S17).
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from marketmaker.domain.inventory import Inventory, book_funding
from marketmaker.domain.models import Perpetual
from marketmaker.domain.positions import FundingRate, Position
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.state import FundingCursor, MarketState
from marketmaker.domain.units import ZERO, Asset, Symbol, plain
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Deadline, Observation, Unknown
from marketmaker.usecases.desk import Desk

FUNDING_GRACE_MS = 120_000
"""How long a payment that is due may be missing from the venue's list before it counts as none."""


def position_asset(symbol: Symbol) -> Asset:
    """Name a position among the account's assets: no venue has an asset of a market's name."""
    return Asset(symbol)


def known_position(observation: Observation, symbol: Symbol) -> Position | Unknown:
    """Return a market's position; one that the venue did not report is unknown, not flat (R7)."""
    return observation.positions.get(symbol, Unknown(reason=f"the venue reports no position of {symbol}"))


def wrong_mode(desk: Desk, wanted: Perpetual, position: Position, deadline: Deadline) -> NoQuotes | None:
    """Say why a market is not held as it should be, and tell the venue; the next observation shows if it is (S17)."""
    if position.is_hedged:
        detail = "the login keeps long and short apart (hedge mode); set it to one-way"
        return NoQuotes(reason=NoQuotesReason.HELD_OTHERWISE, detail=detail)
    problem = _held_otherwise(position, wanted)
    if problem is None:
        return None
    try:
        desk.venue.set_leverage(position.symbol, wanted, deadline)
    except MarketMakerError as error:
        problem = f"{problem}; it could not be set: {error}"
    return NoQuotes(reason=NoQuotesReason.HELD_OTHERWISE, detail=problem)


def _held_otherwise(position: Position, wanted: Perpetual) -> str | None:
    if position.leverage is not None and position.leverage != wanted.leverage:
        return f"the venue's leverage is {plain(position.leverage)}, not {plain(wanted.leverage)}"
    if position.margin_mode is not None and position.margin_mode is not wanted.margin_mode:
        return f"the venue's margin mode is {position.margin_mode}, not {wanted.margin_mode}"
    return None


def room(inventory: Inventory, mark: Decimal, wanted: Perpetual) -> tuple[Decimal, Decimal]:
    """Return how much base may be sold and how much quote bought with before the exposure is at its bound (S17)."""
    most = max(ZERO, inventory.equity_quote(mark)) * wanted.max_exposure
    held = inventory.base * mark
    return max(ZERO, most + held) / mark, max(ZERO, most - held)


def book_due_funding(
    desk: Desk, market: MarketState, rates: Mapping[Symbol, FundingRate | Unknown], deadline: Deadline
) -> MarketState | None:
    """Read and book funding that is due; None where nothing was read (R22).

    Payments are read from the last booked one on, so that one which is listed late is booked late and never twice.

    Raises:
        Retryable, Refused: the venue could not be asked.
        Conflict: another writer booked first.
    """
    cursor, now_ms = market.funding, desk.clock.now_ms()
    if cursor is None or (cursor.due_ms is not None and now_ms < cursor.due_ms):
        return None
    listed = desk.venue.funding_since(market.symbol, cursor.read_from_ms, deadline)
    fresh = sorted(
        {each.time_ms: each for each in listed if each.time_ms >= cursor.read_from_ms}.values(),
        key=lambda each: each.time_ms,
    )
    inventory, rows = market.inventory, []
    for payment in fresh:
        inventory, row = book_funding(inventory, payment)
        rows.append(row)
    rate = rates.get(market.symbol)
    after = FundingCursor(
        read_from_ms=fresh[-1].time_ms + 1 if fresh else cursor.read_from_ms,
        due_ms=_next_due(cursor, rate, is_paid=bool(fresh), now_ms=now_ms),
    )
    if not rows:
        return replace(market, funding=after)
    return desk.store.book(desk.settings.name, replace(market, inventory=inventory, funding=after), rows)


def _next_due(cursor: FundingCursor, rate: FundingRate | Unknown | None, *, is_paid: bool, now_ms: int) -> int | None:
    """Return when to read again: at the next payment, once the last one was listed or is missing for too long."""
    if not isinstance(rate, FundingRate):
        return cursor.due_ms
    is_over = cursor.due_ms is None or is_paid or now_ms >= cursor.due_ms + FUNDING_GRACE_MS
    return rate.next_ms if is_over else cursor.due_ms
