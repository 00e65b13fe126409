"""Client order ids for venues that take nothing but 32-bit numbers (architecture, "Client order ids").

From the highest bit: tag 6 · market 4 · slot in seconds modulo 2^17 · side 1 · level 3 · attempt 1. Six bits tell few
deployments apart and nothing from a stranger's number, so an order is ours only if it was created at its slot, and such
a login must be ours alone.
"""

from dataclasses import dataclass
from typing import Self

TAG_BITS, MARKET_BITS, SLOT_BITS, SIDE_BITS, LEVEL_BITS, ATTEMPT_BITS = 6, 4, 17, 1, 3, 1
_WIDTHS = (TAG_BITS, MARKET_BITS, SLOT_BITS, SIDE_BITS, LEVEL_BITS, ATTEMPT_BITS)
_NAMES = ("tag_number", "market_number", "slot", "is_sell", "level", "attempt")
_MOST_DIGITS = 10
_AHEAD_S, _BEHIND_S = 2, 30
"""How far before its slot an order may seem created, by clocks that differ, and how long after: a slow tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedIdentity:
    """The fields of a 32-bit id; `slot` is in seconds modulo 2^17, about a day and a half."""

    tag_number: int
    market_number: int
    slot: int
    is_sell: int
    level: int
    attempt: int

    def __post_init__(self) -> None:
        for name, width in zip(_NAMES, _WIDTHS, strict=True):
            value = getattr(self, name)
            if not 0 <= value < 1 << width:
                raise ValueError(f"{name} {value} does not fit a 32-bit order id; allowed: 0 to {(1 << width) - 1}")

    def pack(self) -> int:
        """Write the fields as one number."""
        number = 0
        for name, width in zip(_NAMES, _WIDTHS, strict=True):
            number = number << width | getattr(self, name)
        return number

    @classmethod
    def unpack(cls, client_id: str) -> Self | None:
        """Read the fields back; None where it is no 32-bit number in decimal digits."""
        if not (client_id.isascii() and client_id.isdecimal() and len(client_id) <= _MOST_DIGITS):
            return None
        number = int(client_id)
        if str(number) != client_id or number >> sum(_WIDTHS):
            return None
        fields: dict[str, int] = {}
        for name, width in zip(reversed(_NAMES), reversed(_WIDTHS), strict=True):
            fields[name] = number & (1 << width) - 1
            number >>= width
        return cls(**fields)

    def slot_before(self, created_ms: int) -> int:
        """Return the last slot, in ms, that these fields can mean for an order created then."""
        latest_s = created_ms // 1000 + _AHEAD_S
        return (latest_s - (latest_s - self.slot) % (1 << SLOT_BITS)) * 1000

    def fits(self, created_ms: int) -> bool:
        """Tell whether an order created then can have been made at such a slot."""
        return created_ms - self.slot_before(created_ms) <= _BEHIND_S * 1000
