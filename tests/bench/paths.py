"""The Avellaneda–Stoikov simulation by the hundred thousand paths, beside the limits that it must come near."""

from dataclasses import dataclass

from tests.avellaneda_stoikov import Outcome, Strategy, simulate
from tests.golden import golden

PATHS = 100_000
SEED = 1
TOLERANCE = 0.015
"""How far from its limit a figure may be, as a share of it."""

_ENTRY = "avellaneda_stoikov_2008"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A row of the paper's tables: what our formula earned, and the limits of profit and of both deviations."""

    gamma: str
    strategy: Strategy
    outcome: Outcome
    limits: tuple[float, ...]

    def deviation(self) -> float:
        """Return the largest deviation of profit, its deviation and the inventory's, as a share of the limit."""
        figures = (self.outcome.profit, self.outcome.profit_sd, self.outcome.final_q_sd)
        return max(abs(figure / limit - 1) for figure, limit in zip(figures, self.limits, strict=True))


def simulate_paths() -> list[Simulated]:
    """Simulate both strategies at both risk aversions of the paper."""
    limits = golden(_ENTRY)["limits_100k"]
    return [
        Simulated(
            gamma=gamma,
            strategy=strategy,
            outcome=simulate(strategy, float(gamma), PATHS, SEED),
            limits=tuple(map(float, limits[f"gamma_{gamma}"][strategy])),
        )
        for gamma in ("0.1", "1")
        for strategy in Strategy
    ]
