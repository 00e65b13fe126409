"""Half-spreads by name: how far the quotes stand from the fair price, and the floors that nothing undercuts."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.models import (
    AvellanedaStoikov,
    Distribution,
    Glft,
    HalfSpread,
    Regime,
    SigmaOptimal,
)
from marketmaker.domain.optimum import NORMAL_BEST_SIGMAS
from marketmaker.domain.reservation import avellaneda_stoikov, glft
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ONE, ZERO, from_statistic

_YEAR_S = 365 * 86_400
_MEAN_LOSS_SIGMAS = 1 / math.sqrt(2 * math.pi)
_NOTHING_MEASURED = Statistics(until_ms=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadInputs:
    """What a spread model may use besides its settings; `statistics` is None where none are fresh."""

    fair: Decimal
    order_size_base: Decimal
    exposure_ms: int
    statistics: Statistics | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """What a spread model wants: a half-spread in quote currency, and what comes with it.

    `shift_per_base` is how far the reservation price falls per base held beyond the target, in quote currency; zero for
    models without one. The factors multiply the order size and the space between levels; `averages` is True where
    adding to what is under water is allowed (M4).
    """

    half_spread: Decimal
    shift_per_base: Decimal = ZERO
    size_factor: Decimal = ONE
    spacing_factor: Decimal = ONE
    averages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingInput:
    """Why a spread model cannot say how wide to quote."""

    text: str


def width(settings: HalfSpread, inputs: SpreadInputs) -> Width | MissingInput:
    """Return what the named model wants; a statistic that is missing or makes no sense gives no width."""
    match settings:
        case QuoteDistance() | BpsDistance():
            return Width(half_spread=settings.at(inputs.fair))
        case SigmaOptimal():
            return _sigma_optimal(settings, inputs)
        case AvellanedaStoikov():
            return _avellaneda_stoikov(settings, inputs)
        case Glft():
            return _glft(settings, inputs)
        case Regime():
            return _regime(settings, inputs)
        case _:
            assert_never(settings)


def assumed_sigma(annual: Decimal) -> float:
    """Return the volatility per square root of a second that makes this one a year: annual / √(365 days)."""
    return float(annual) / math.sqrt(_YEAR_S)


def annual_volatility(sigma: float) -> float:
    """Return what a volatility per square root of a second makes in a year."""
    return sigma * math.sqrt(_YEAR_S)


def measured_sigma(statistics: Statistics | None) -> float | None:
    """Return the measured volatility where it is one: above zero, and less than the price itself in a second."""
    sigma = None if statistics is None else statistics.sigma
    return sigma if sigma is not None and 0 < sigma < 1 else None


def cadence_risk(sigma: float, fair: Decimal, exposure_ms: int) -> Decimal:
    """Return the mean loss to whoever trades against a quote that cannot follow the price for so long (R36).

    E[max(X, 0)] of a normal X with standard deviation σ · √t · fair: that times 1 / √(2π), in quote currency.
    """
    return from_statistic(sigma * math.sqrt(exposure_ms / 1000) * float(fair) * _MEAN_LOSS_SIGMAS)


def _sigma_optimal(settings: SigmaOptimal, inputs: SpreadInputs) -> Width | MissingInput:
    known = inputs.statistics or _NOTHING_MEASURED
    if settings.distribution is Distribution.NORMAL:
        sigma = measured_sigma(known)
        if sigma is None:
            return _not_measured("sigma_optimal needs σ")
        share = NORMAL_BEST_SIGMAS * sigma * math.sqrt(inputs.exposure_ms / 1000)
    else:
        measured = _usable(known.best_distance)
        if measured is None:
            return _not_measured("sigma_optimal needs the moves of past prices")
        share = measured
    return _computed("sigma_optimal", inputs.fair, share * float(settings.multiple) * float(inputs.fair), 0.0)


def _avellaneda_stoikov(settings: AvellanedaStoikov, inputs: SpreadInputs) -> Width | MissingInput:
    sigma, decay = measured_sigma(inputs.statistics), _decay(settings.decay, inputs)
    if sigma is None:
        return _not_measured("avellaneda_stoikov needs σ")
    if decay is None:
        return _not_measured("avellaneda_stoikov needs k", "decay")
    try:
        half_spread, shift_per_base = avellaneda_stoikov(
            gamma=float(settings.gamma),
            sigma=sigma * float(inputs.fair),
            decay=decay,
            horizon_s=settings.horizon_ms / 1000,
            size=float(inputs.order_size_base),
        )
    except (ArithmeticError, ValueError):
        return _senseless("avellaneda_stoikov", inputs.fair)
    return _computed("avellaneda_stoikov", inputs.fair, half_spread, shift_per_base)


def _glft(settings: Glft, inputs: SpreadInputs) -> Width | MissingInput:
    known = inputs.statistics or _NOTHING_MEASURED
    sigma, decay = measured_sigma(known), _decay(settings.decay, inputs)
    intensity = _usable(known.intensity) if settings.intensity is None else float(settings.intensity)
    if sigma is None:
        return _not_measured("glft needs σ")
    if decay is None or intensity is None:
        return _not_measured("glft needs A and k", "intensity and decay")
    try:
        half_spread, shift_per_base = glft(
            gamma=float(settings.gamma),
            sigma=sigma * float(inputs.fair),
            intensity=intensity,
            decay=decay,
            size=float(inputs.order_size_base),
        )
    except (ArithmeticError, ValueError):
        return _senseless("glft", inputs.fair)
    return _computed("glft", inputs.fair, half_spread, shift_per_base)


def _regime(settings: Regime, inputs: SpreadInputs) -> Width | MissingInput:
    """Look up the table of M4."""
    known = inputs.statistics or _NOTHING_MEASURED
    if known.daily is None or known.intraday is None:
        return _not_measured("regime needs the volatility of the day and within it")
    calm_day, calm_now = known.daily is VolatilityLevel.LOW, known.intraday is VolatilityLevel.LOW
    if calm_now:
        narrow = settings.narrow.at(inputs.fair)
        return Width(half_spread=narrow, spacing_factor=ONE if calm_day else settings.compact)
    wide = settings.wide.at(inputs.fair)
    if calm_day:
        return Width(half_spread=wide, size_factor=settings.larger, averages=True)
    return Width(half_spread=wide, size_factor=settings.smaller)


def _decay(configured: Decimal | None, inputs: SpreadInputs) -> float | None:
    """Return k per quote currency: the configured one, else the measured one, which is per share of the price."""
    if configured is not None:
        return float(configured)
    measured = _usable((inputs.statistics or _NOTHING_MEASURED).decay)
    return None if measured is None else measured / float(inputs.fair)


def _usable(statistic: float | None) -> float | None:
    """Return a statistic that is finite and above zero, else None."""
    return statistic if statistic is not None and 0 < statistic < math.inf else None


def _computed(model: str, fair: Decimal, half_spread: float, shift_per_base: float) -> Width | MissingInput:
    """Make a width of a model's floats, unless they are no distances or the bid would not be a price."""
    if not (0 < half_spread < float(fair) and 0 <= shift_per_base < math.inf):
        return _senseless(model, fair, f": a half-spread of {half_spread:.6g}")
    return Width(half_spread=from_statistic(half_spread), shift_per_base=from_statistic(shift_per_base))


def _not_measured(need: str, settings: str = "") -> MissingInput:
    give = f"give {settings}, or see `mm calibrate`" if settings else "see `mm calibrate`"
    return MissingInput(text=f"{need}, not measured well enough: {give}")


def _senseless(model: str, fair: Decimal, what: str = "") -> MissingInput:
    return MissingInput(text=f"{model} makes no sense of its numbers at a price of {fair}{what}")
