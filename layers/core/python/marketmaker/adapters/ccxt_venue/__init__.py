"""One venue login over unmodified, synchronous ccxt."""

from marketmaker.adapters.ccxt_venue.client import wants_password
from marketmaker.adapters.ccxt_venue.dialect import Premium
from marketmaker.adapters.ccxt_venue.logins import VenueLogin
from marketmaker.adapters.ccxt_venue.public_trades import Hole, PublicTrade, TradesRead
from marketmaker.adapters.ccxt_venue.venue import CcxtVenue

__all__ = ["CcxtVenue", "Hole", "Premium", "PublicTrade", "TradesRead", "VenueLogin", "wants_password"]
