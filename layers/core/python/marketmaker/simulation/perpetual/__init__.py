"""Perpetual futures on the one matching engine: a margin account, funding and liquidation.

Assumptions, all of them:

- One-way, cross margin: a single signed position in a market; a login's markets of one quote asset may share their
  collateral, which is all in it.
- The mark price is the middle of the last two-sided quote, or what is fed; our own orders and fills do not move it.
- Initial margin is the larger notional that position and open orders of one side could become, at the order's price
  and the mark, over the leverage; orders that only reduce need none. Commissions need no margin of their own.
- Maintenance margin is one rate of the position's notional at the mark: no tiers.
- Funding: rate · position · mark at every multiple of the interval in market time; a positive rate is paid by longs.
- When the margin balance falls below maintenance, every open order ends and the position is closed at the book as far
  as it reaches, again with every event until flat or above maintenance. The liquidation fee comes in place of the
  taker fee. What a flat account then owes is borne by the venue's insurance fund.
- A reduce-only order fills at most what there is to reduce when it trades; it expires once nothing is left.
"""

from marketmaker.simulation.perpetual.account import MarginAccount, MarginTerms
from marketmaker.simulation.perpetual.collateral import Collateral
from marketmaker.simulation.perpetual.engine import PerpetualEngine
from marketmaker.simulation.perpetual.funding import FundingPayment, FundingRate, FundingSchedule
from marketmaker.simulation.perpetual.position import Position

__all__ = [
    "Collateral",
    "FundingPayment",
    "FundingRate",
    "FundingSchedule",
    "MarginAccount",
    "MarginTerms",
    "PerpetualEngine",
    "Position",
]
