"""What was measured of a market at a moment, each part with its fit or with why it is not to be used."""

from dataclasses import dataclass

from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.regime import VolatilityRegime
from marketmaker.domain.statistics import Statistics, Unfit
from marketmaker.domain.volatility import VolatilityFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A market's measurements of the time up to `until_ms`."""

    until_ms: int
    volatility: VolatilityFit | Unfit
    intensity: IntensityFit | Unfit
    regime: VolatilityRegime | Unfit

    @property
    def statistics(self) -> Statistics:
        """What the models use of it: whatever is unfit is missing."""
        volatility = self.volatility if isinstance(self.volatility, VolatilityFit) else None
        intensity = self.intensity if isinstance(self.intensity, IntensityFit) else None
        regime = self.regime if isinstance(self.regime, VolatilityRegime) else None
        return Statistics(
            until_ms=self.until_ms,
            sigma=None if volatility is None else volatility.sigma,
            best_distance=None if volatility is None else volatility.best_distance,
            intensity=None if intensity is None else intensity.intensity,
            decay=None if intensity is None else intensity.decay,
            daily=None if regime is None else regime.daily.level,
            intraday=None if regime is None else regime.intraday.level,
        )
