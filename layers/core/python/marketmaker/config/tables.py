"""What every table of the deployment file is, and how it says what is wrong between its values."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Values that are allowed one by one but not together; `value` None stands for the whole table."""

    key: str = ""
    value: str | None = None
    allowed: str


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what is wrong between this table's values."""
        yield from ()


def index_label(index: int, symbol: str | None) -> str:
    """Write a market's place among its account's markets, with its symbol where that is known."""
    return f"[{index}]" if symbol is None else f"[{index} {symbol}]"
