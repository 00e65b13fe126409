"""Closed forms of the optimal quotes of a maker who is averse to inventory: a half-spread and a reservation price.

Both models: the price moves as σ · dW, orders of one size arrive at A · exp(−k · distance) a second on each side, and
the maker wants the largest mean of −exp(−γ · wealth). Prices are in quote currency, σ in quote currency per √s, k per
quote currency, A per second, sizes and inventory in base, γ per quote currency. The quotes stand a half-spread round
fair − shift · (inventory − target); each function returns (half-spread, shift per base).
"""

import math


def avellaneda_stoikov(
    *, gamma: float, sigma: float, decay: float, horizon_s: float, size: float = 1.0
) -> tuple[float, float]:
    """Return γ·Q·σ²·τ/2 + ln(1 + γ·Q/k)/(γ·Q), and γ·σ²·τ (Avellaneda & Stoikov 2008, eqs. 29 and 30).

    The paper trades Q = 1. τ is the time that is left, in seconds.

    Raises:
        ArithmeticError, ValueError: the inputs are not positive, or too large for a float.
    """
    risk, shift = gamma * size, gamma * sigma * sigma * horizon_s
    return shift * size / 2 + math.log1p(risk / decay) / risk, shift


def glft(*, gamma: float, sigma: float, intensity: float, decay: float, size: float = 1.0) -> tuple[float, float]:
    """Return c1 + Q/2 · σ·c2, and σ·c2, where x = γ·Q/k (Guéant, Lehalle & Fernandez-Tapia 2013, asymptotic).

    c1 = ln(1 + x)/(γ·Q); c2 = √(γ/(2·A·Q·k) · (1 + x)^(1 + 1/x)). With Q = 1 these are the paper's: the half-spread is
    the distance of both quotes at no inventory, and each base held moves both quotes by σ·c2.

    Raises:
        ArithmeticError, ValueError: the inputs are not positive, or too large for a float.
    """
    risk = gamma * size
    relative = risk / decay
    log = math.log1p(relative)
    spread_of_fills = math.exp(log + log / relative)
    shift = sigma * math.sqrt(gamma / (2 * intensity * size * decay) * spread_of_fills)
    return log / risk + size / 2 * shift, shift
