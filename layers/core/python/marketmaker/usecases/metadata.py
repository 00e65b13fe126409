"""How a venue's markets come to be described: from the prices table, or by the venue itself."""

from collections.abc import Sequence

from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import Symbol
from marketmaker.errors import MarketMakerError, Retryable
from marketmaker.ports import Clock, Deadline, Prices, Unknown, Venue

METADATA_RELOAD_MS = 600_000
"""How soon a changed tick size, once it is kept, takes effect."""
METADATA_MAX_AGE_MS = 24 * 3_600_000
"""Metadata that nobody refreshed for so long is asked for at the venue."""


def is_described(venue: Venue, symbols: Sequence[Symbol], clock: Clock) -> bool:
    """Tell whether what is loaded of these markets is young enough and not in doubt."""
    return venue.knows(symbols, clock.now_ms() - METADATA_RELOAD_MS) and not venue.doubts(symbols)


def kept_metadata(prices: Prices, venue_name: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata] | Unknown:
    """Read what is kept of these markets."""
    try:
        return prices.metadata(venue_name, symbols)
    except MarketMakerError as error:
        return Unknown(reason=str(error))


def describe(
    venue: Venue, symbols: Sequence[Symbol], kept: Sequence[VenueMetadata], clock: Clock, deadline: Deadline
) -> None:
    """Use what was kept; the venue is asked where that is missing or too old, and nothing is kept.

    Too old is also what the venue itself has told more recently, or has contradicted by refusing an order (R18). What
    is loaded stays in use for a day while neither can be read.

    Raises:
        Retryable: none is loaded or kept, and the venue did not answer.
        AccountRefused: the venue lists none of the markets, nor ever did.
    """
    oldest_ms = clock.now_ms() - METADATA_MAX_AGE_MS
    fresh = [each for each in kept if each.fetched_ms >= oldest_ms]
    if fresh:
        venue.load(fresh)
    if is_described(venue, symbols, clock):
        return
    try:
        venue.fetch_metadata(symbols, deadline)
    except Retryable:
        if not venue.knows(symbols, oldest_ms):
            raise
