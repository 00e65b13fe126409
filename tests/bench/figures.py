"""Samples into figures: nearest-rank percentiles, the same everywhere in the bench."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


class BenchFailedError(RuntimeError):
    """Something did not run, or a case was not what it claims to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often something was measured, and how long it took."""

    samples: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Timing":
        """Summarise samples; their unit is the figures' unit."""
        if not values:
            raise BenchFailedError("nothing was measured")
        return cls(
            samples=len(values),
            p50=percentile(values, 50),
            p95=percentile(values, 95),
            p99=percentile(values, 99),
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest sample that at least this share of the samples does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
