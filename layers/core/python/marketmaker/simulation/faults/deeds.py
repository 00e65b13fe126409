"""Faults of what the venue does with orders and symbols."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.units import ONE, ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOnlyRejection:
    """A post-only order is refused because it would match at once, whatever its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFill:
    """A post-only order is accepted, and rests, but its fills are charged and told as taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillDuringCancel:
    """The open order that a cancel names first fills by `share` of its rest, at its price; then it is cancelled."""

    share: Decimal = ONE

    def __post_init__(self) -> None:
        if not ZERO < self.share <= ONE:
            raise ValueError(f"share {self.share}; allowed: above 0, at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOrder:
    """A lookup or a cancel is told that the order does not exist although it does; nothing is cancelled."""


class DelistingStage(StrEnum):
    """How far a delisting has come."""

    HALTED = "halted"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelistedSymbol:
    """Trading stands still and new orders are refused (halted), or the symbol is gone with its orders (removed).

    Halted: status BREAK, `Market is closed.` for orders; resting ones stay and can be cancelled, the book stands.
    Removed: every request that names the symbol is told `Invalid symbol.`; its resting orders have expired.
    """

    stage: DelistingStage = DelistingStage.HALTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTickSize:
    """The symbol's rules name another price grid, and new orders must be on it; resting ones stay."""

    tick_size: Decimal

    def __post_init__(self) -> None:
        if not self.tick_size > ZERO:
            raise ValueError(f"tick_size {self.tick_size}; allowed: above 0")


DeedFault = PostOnlyRejection | TakenFill | FillDuringCancel | UnknownOrder | DelistedSymbol | ChangedTickSize
