"""What was measured of a market at a moment, each part with its fit or with why it is not to be used."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketmaker.domain.intensity import IntensityFit, fit_intensity
from marketmaker.domain.price_path import path_of_prices
from marketmaker.domain.regime import VolatilityRegime
from marketmaker.domain.statistics import Statistics, Unfit
from marketmaker.domain.volatility import VolatilityFit, fit_volatility_of_path

SAMPLED_MS = 1_000
"""How often a recorded price is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A market's measurements of the time up to `until_ms`."""

    until_ms: int
    volatility: VolatilityFit | Unfit
    intensity: IntensityFit | Unfit
    regime: VolatilityRegime | Unfit

    @property
    def statistics(self) -> Statistics:
        """What the models use of it, to six digits, which is more than any fit knows: whatever is unfit is missing."""
        volatility = self.volatility if isinstance(self.volatility, VolatilityFit) else None
        intensity = self.intensity if isinstance(self.intensity, IntensityFit) else None
        regime = self.regime if isinstance(self.regime, VolatilityRegime) else None
        return Statistics(
            until_ms=self.until_ms,
            sigma=None if volatility is None else _rounded(volatility.sigma),
            best_distance=None if volatility is None else _rounded(volatility.best_distance),
            intensity=None if intensity is None else _rounded(intensity.intensity),
            decay=None if intensity is None else _rounded(intensity.decay),
            daily=None if regime is None else regime.daily.level,
            intraday=None if regime is None else regime.intraday.level,
        )


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else float(f"{figure:.6g}")


def calibrate_recorded(
    trades: Sequence[tuple[int, float]], mids: Sequence[tuple[int, float]], *, exposure_ms: int, tick_size: float
) -> Calibration:
    """Measure recorded trades and middles of the book, each with its time in ms, oldest first."""
    path = path_of_prices(mids, SAMPLED_MS)
    return Calibration(
        until_ms=max((time_ms for time_ms, _ in (*trades[-1:], *mids[-1:])), default=0),
        volatility=path
        if isinstance(path, Unfit)
        else fit_volatility_of_path(path, exposure_ms=exposure_ms, tick_size=tick_size),
        intensity=fit_intensity(trades, mids, tick_size=tick_size),
        regime=Unfit(reason="no variances: a regime is judged by the prices table's week"),
    )
