"""The simulation of Avellaneda & Stoikov (2008), with the product's own formula as the maker: tables 1 and 3.

In each step of dt the ask fills with probability λ(δ_a) · dt and the bid with λ(δ_b) · dt, λ(δ) = A · exp(−k · δ); then
the price moves by ± σ · √dt. The inventory strategy quotes round its reservation price, with T − t as its horizon; the
symmetric one stands at a constant half-spread round the price, half the time average of the other's spread.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from marketmaker.domain.reservation import avellaneda_stoikov

PRICE = 100.0
HORIZON_S = 1.0
SIGMA = 2.0
STEPS = 200
DECAY = 1.5
INTENSITY = 140.0


class Strategy(StrEnum):
    """Who quotes."""

    INVENTORY = "inventory"
    SYMMETRIC = "symmetric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A row of the paper's tables: the time average of the spread, the profit and the inventory at the end."""

    spread: float
    profit: float
    profit_sd: float
    final_q: float
    final_q_sd: float


def simulate(strategy: Strategy, gamma: float, paths: int, seed: int) -> Outcome:
    """Simulate so many paths, all at once."""
    random = np.random.default_rng(seed)
    step_s = HORIZON_S / STEPS
    price, cash, held = np.full(paths, PRICE), np.zeros(paths), np.zeros(paths)
    widest, narrowest = (2 * _quotes(gamma, left_s)[0] for left_s in (HORIZON_S, 0.0))
    for step in range(STEPS):
        half, shift = _quotes(gamma, HORIZON_S - step * step_s)
        if strategy is Strategy.SYMMETRIC:
            half, shift = (widest + narrowest) / 4, 0.0
        ask_distance, bid_distance = half - shift * held, half + shift * held
        sold, bought = (
            random.random(paths) < INTENSITY * step_s * np.exp(-DECAY * distance)
            for distance in (ask_distance, bid_distance)
        )
        cash += np.where(sold, price + ask_distance, 0.0) - np.where(bought, price - bid_distance, 0.0)
        held += np.subtract(bought, sold, dtype=float)
        price += np.where(random.random(paths) < 0.5, SIGMA, -SIGMA) * step_s**0.5
    profit = cash + held * price
    return Outcome(
        spread=(widest + narrowest) / 2,
        profit=float(profit.mean()),
        profit_sd=float(profit.std(ddof=1)),
        final_q=float(held.mean()),
        final_q_sd=float(held.std(ddof=1)),
    )


def _quotes(gamma: float, left_s: float) -> tuple[float, float]:
    return avellaneda_stoikov(gamma=gamma, sigma=SIGMA, decay=DECAY, horizon_s=left_s)
