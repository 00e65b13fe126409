"""How a ladder's levels grow: the distances and the sizes of its quotes as multiples of the nearest one's (P1)."""

from decimal import Decimal

from marketmaker.domain.units import ONE


def linear_multiples(levels: int, step: Decimal) -> tuple[Decimal, ...]:
    """Return 1, 1 + step, 1 + 2 · step …; the guide's ladder has a step of 1 (P1)."""
    return tuple(ONE + step * level for level in range(levels))


def geometric_multiples(levels: int, ratio: Decimal) -> tuple[Decimal, ...]:
    """Return 1, ratio, ratio² …."""
    return tuple(ratio**level for level in range(levels))
