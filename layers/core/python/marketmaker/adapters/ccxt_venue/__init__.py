"""One venue login over unmodified, synchronous ccxt."""

from marketmaker.adapters.ccxt_venue.venue import CcxtVenue, VenueLogin

__all__ = ["CcxtVenue", "VenueLogin"]
