"""A venue without money: live public data, and an account on paper that is shared by all functions.

Fills are those of `marketmaker.simulation.matching`; its assumptions hold here, and these:

- Our orders do not move the market: whoever traded would have traded the same without us.
- The book is a sample. It is looked at when quotes are decided and when orders arrive, not between; what it shows at or
  through an order's price then fills the order, up to the size shown, however long that has stood there.
- Queue: an order waits for all that the 20 levels of that sample show at its price. Public trades at the price and
  later, smaller samples shorten the wait, so cancellations ahead of us count only where a sample shows them. Beyond the
  sample the deepest level's size is assumed.
- Public trades are told by their numbers, not by any clock: an order meets those that the venue lists after the read
  with which its arrival begins, and none after the read with which its cancel begins.
- A hole in the public trades fills nobody; it is counted and recorded.
- What one order traded between two looks is one trade, at its price, at the time of the last.
- Fees are the market's settings, taken from what is received. No latency is added: an order arrives as fast as the
  market data came.
- Perpetuals: one-way, cross margin over all that settle in one asset, and `marketmaker.simulation.perpetual` with the
  terms of its `MarginTerms`, whatever the venue's are. Mark, funding rate and funding times are the venue's own, as far
  as they were looked at: a position is closed at the first look that finds its margin gone, and pays the rate that was
  last told. Funding times that passed between two looks are paid one interval apart, which is 8 hours until the venue
  was seen to name a shorter one, and no shorter than one.
"""

from marketmaker.adapters.paper_venue.account import PaperAccount
from marketmaker.adapters.paper_venue.parts import PaperLogin, PaperStore, StoredAccount
from marketmaker.adapters.paper_venue.venue import PaperVenue

__all__ = ["PaperAccount", "PaperLogin", "PaperStore", "PaperVenue", "StoredAccount"]
