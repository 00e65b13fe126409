"""The half-spread that earns most when prices move at random: the largest d · P(|move| > d) (M6)."""

import math
from collections.abc import Sequence

NORMAL_BEST_SIGMAS = 0.7517915246935645
"""The z with the largest z · P(|Z| > z) of a standard normal Z, where erfc(z / √2) = z · √(2 / π) · exp(−z² / 2)."""

LEAST_MOVES = 30
"""Below so many moves their tail says nothing."""


def two_sided_tail(distance: float, sigma: float) -> float:
    """Return P(|X| > distance) of a normal X with mean 0 and this standard deviation."""
    return math.erfc(distance / (sigma * math.sqrt(2)))


def normal_optimum(sigma: float) -> tuple[float, float]:
    """Return the d with the largest d · P(|X| > d) of a normal X, and that value; both grow linearly with σ."""
    best = NORMAL_BEST_SIGMAS * sigma
    return best, best * two_sided_tail(best, sigma)


def measured_optimum(moves: Sequence[float]) -> float | None:
    """Return the d with the largest d · P(|move| ≥ d) among the measured |moves|, the nearest of several.

    None where it cannot be told: of fewer than 30 moves, of none but zeros, or where one is not finite.
    """
    sizes = sorted(map(abs, moves))
    if len(sizes) < LEAST_MOVES or not all(map(math.isfinite, sizes)):
        return None
    best = value = 0.0
    for reached, size in zip(range(len(sizes), 0, -1), sizes, strict=True):
        if size * reached > value:
            best, value = size, size * reached
    return best or None
