"""What a market's table may say about its ladder: how many levels a side, how far apart and of which sizes (P1)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

from marketmaker.config.ranges import Factor, above, from_to, whole
from marketmaker.config.tables import Contradiction, Table
from marketmaker.domain.orders import EXIT_LEVEL
from marketmaker.domain.units import ONE, ZERO, plain

MAX_LEVELS = EXIT_LEVEL
"""Levels a side: as many as the client order ids of every venue can tell apart beside that of exits."""


class LinearSpacingTable(Table, frozen=True, kw_only=True):
    """Levels at 1, 1 + linear, 1 + 2 · linear ... half-spreads (P1)."""

    linear: Annotated[Decimal, above(0, 100)]


class GeometricSpacingTable(Table, frozen=True, kw_only=True):
    """Levels at 1, geometric, geometric² ... half-spreads."""

    geometric: Annotated[Decimal, above(1, 10)]


class ExplicitSpacingTable(Table, frozen=True, kw_only=True):
    """Levels at these half-spreads, the nearest at 1."""

    explicit: tuple[Annotated[Decimal, above(0, 1_000)], ...]

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse levels out of order, and a nearest one that does not stand at the half-spread."""
        if self.explicit[0] != ONE or list(self.explicit) != sorted(set(self.explicit)):
            yield Contradiction(key="explicit", value=_list(self.explicit), allowed="1 first, then each above the last")


class LinearSizesTable(Table, frozen=True, kw_only=True):
    """Levels of 1, 1 + linear, 1 + 2 · linear ... order sizes; 0 gives every level the same."""

    linear: Annotated[Decimal, from_to(0, 10)]


class GeometricSizesTable(Table, frozen=True, kw_only=True):
    """Levels of 1, geometric, geometric² ... order sizes; below 1 they shrink with the distance."""

    geometric: Factor


class ExplicitSizesTable(Table, frozen=True, kw_only=True):
    """Levels of these order sizes, nearest first."""

    explicit: tuple[Annotated[Decimal, above(0, 1_000)], ...]


class LadderTable(Table, frozen=True, kw_only=True):
    """The levels of a side (P1); by default one, and more of them a half-spread apart and of one size."""

    levels: Annotated[int, whole(1, MAX_LEVELS)] = 1
    spacing: LinearSpacingTable | GeometricSpacingTable | ExplicitSpacingTable = LinearSpacingTable(linear=ONE)
    sizes: LinearSizesTable | GeometricSizesTable | ExplicitSizesTable = LinearSizesTable(linear=ZERO)

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse lists of another length than the ladder's."""
        for key, table in (("spacing", self.spacing), ("sizes", self.sizes)):
            if isinstance(table, ExplicitSpacingTable | ExplicitSizesTable) and len(table.explicit) != self.levels:
                allowed = f"as many as levels ({self.levels})"
                yield Contradiction(key=f"{key}.explicit", value=_list(table.explicit), allowed=allowed)


def _list(values: Sequence[Decimal]) -> str:
    return f"[{', '.join(map(plain, values))}]"
