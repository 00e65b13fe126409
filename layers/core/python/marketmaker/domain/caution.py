"""How a broken limit changes what a market quotes, short of stopping it: longer, wider, one-sided, or on its way out.

`check_risk` decides it and keeps it in the account's control item; every tick follows it until it is lifted.
"""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.units import ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """What a broken limit asks of a market's quotes.

    The tolerance before an order is replaced and the half-spread are both multiplied, by `patience` and `widen` (C2).
    Where it `pulls_adding`, the side that adds to what is held is not quoted. Down to `target_base`, if there is one,
    what is held is sold or bought back as at a stop loss; its sign is the holding's.
    """

    patience: Decimal = ONE
    widen: Decimal = ONE
    pulls_adding: bool = False
    target_base: Decimal | None = None

    @property
    def rank(self) -> int:
        """How strong it is among those of one mode: what a stronger one replaces has a lower rank."""
        if self.target_base is not None:
            return 5 if not self.target_base else 4
        return 3 if self.pulls_adding else 2 if self.widen > ONE else 1 if self.patience > ONE else 0


NO_CAUTION = Caution()
