"""What a market's recent past says: statistics, as floats, that become money by one named conversion only."""

from dataclasses import dataclass
from enum import StrEnum


class VolatilityLevel(StrEnum):
    """How volatile a market is, against its own history (M4)."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A statistic that is not to be used, and why, with the figures that say so."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the models use of a market's past up to `until_ms`; None is what could not be measured well enough.

    Everything is relative to the price, so that a price that moved on does not spoil it. `sigma` is the volatility per
    square root of a second, `best_distance` the measured argmax of d · P(|move| > d) over a quote's exposure (M6);
    orders arrive at `intensity` · exp(−`decay` · distance) a second, the distance a share of the price.
    """

    until_ms: int
    sigma: float | None = None
    best_distance: float | None = None
    intensity: float | None = None
    decay: float | None = None
    daily: VolatilityLevel | None = None
    intraday: VolatilityLevel | None = None
