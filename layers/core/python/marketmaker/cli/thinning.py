"""Fewer points of a line than were recorded, and the same line to look at."""

from collections.abc import Sequence
from decimal import Decimal


def thinned(values: Sequence[Decimal | None], most: int) -> list[int]:
    """Choose which of a line's points to draw, at most so many (8 or more), in order.

    The first and the last are kept, and of each of many equal stretches the lowest, the highest and a gap, so that no
    extreme and no gap is lost.
    """
    if len(values) <= most:
        return list(range(len(values)))
    stretches = (most - 2) // (3 if None in values else 2)
    kept = {0, len(values) - 1}
    for number in range(stretches):
        kept |= _of_stretch(values, range(number * len(values) // stretches, (number + 1) * len(values) // stretches))
    return sorted(kept)


def _of_stretch(values: Sequence[Decimal | None], stretch: range) -> set[int]:
    known = [(value, index) for index in stretch if (value := values[index]) is not None]
    gap = next((index for index in stretch if values[index] is None), None)
    kept = set() if gap is None else {gap}
    return kept | ({min(known)[1], max(known)[1]} if known else set())
