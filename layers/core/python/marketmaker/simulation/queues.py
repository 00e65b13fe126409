"""Where a resting order stands in the queue at its price, by named models: nobody can see it, so each assumes.

An order arrives behind all that is displayed at its price. Trades at the price shorten the wait in every model, and it
is never longer than what is displayed. The models differ in who leaves when the display shrinks without a trade:

- `risk_averse`: those behind us. The wait shortens by trades alone.
- `log`, `power`: both, with the chance f(behind) / (f(behind) + f(ahead)) that it was somebody behind; f is log(1 + x)
  or x³, after hftbacktest's probability models. The expected share leaves ahead of us, nothing is drawn.
- `front`: nobody is ever ahead. An upper bound on what queues can do for a maker, never a forecast.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from marketmaker.domain.units import ONE, ZERO, from_statistic

_POWER = 3


class QueueModel(StrEnum):
    """Who leaves a queue that shrinks without a trade."""

    RISK_AVERSE = "risk_averse"
    LOG = "log"
    POWER = "power"
    FRONT = "front"

    def on_arrival(self, displayed: Decimal) -> Decimal:
        """Return how much an arriving order must wait for."""
        return ZERO if self is QueueModel.FRONT else displayed

    def on_shrinking(self, *, ahead: Decimal, displayed: Decimal, left: Decimal) -> Decimal:
        """Return the wait after so much of a display has left without a trade."""
        behind = max(ZERO, displayed - ahead)
        chance = self._chance_behind(ahead, behind)
        from_ahead, from_behind = (ONE - chance) * left, chance * left
        return max(ZERO, ahead - from_ahead + min(ZERO, behind - from_behind))

    def _chance_behind(self, ahead: Decimal, behind: Decimal) -> Decimal:
        """Return the chance that who left was behind us."""
        match self:
            case QueueModel.RISK_AVERSE | QueueModel.FRONT:
                return ONE
            case QueueModel.LOG:
                weights = math.log1p(float(behind)), math.log1p(float(ahead))
            case QueueModel.POWER:
                weights = float(behind) ** _POWER, float(ahead) ** _POWER
            case _:
                assert_never(self)
        total = sum(weights)
        return from_statistic(weights[0] / total) if total > 0 and math.isfinite(total) else ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRules:
    """How resting orders meet the market.

    With `fills_whole` a trade that reaches an order fills all of it, however small the trade: an assumption of simpler
    simulators, for comparison with them. Beyond the known book the deepest known size is ahead, unless nobody
    `waits_beyond_book`.
    """

    queue: QueueModel = QueueModel.RISK_AVERSE
    fills_whole: bool = False
    waits_beyond_book: bool = True


USUAL_RULES = MatchingRules()
"""Risk-averse queues, partial fills."""
