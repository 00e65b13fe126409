"""A venue without money: live public data, and an account on paper that is shared by all functions."""

from marketmaker.adapters.paper_venue.account import PaperAccount
from marketmaker.adapters.paper_venue.parts import PaperLogin, PaperStore, StoredAccount
from marketmaker.adapters.paper_venue.venue import PaperVenue

__all__ = ["PaperAccount", "PaperLogin", "PaperStore", "PaperVenue", "StoredAccount"]
