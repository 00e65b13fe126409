"""Faults of what the venue shows: stale, impossible or incomplete data; what it does stays right."""

from dataclasses import dataclass
from enum import StrEnum

from marketmaker.simulation.faults.ranges import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew:
    """The venue's clock is `offset_s` ahead: its time, its expiry check, and the times in its answers but klines."""

    offset_s: float

    def __post_init__(self) -> None:
        check_range("offset_s", self.offset_s, -3600, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenBook:
    """The depth answer stays that of the first struck moment, update id included, while the market goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedBook:
    """The bids of the depth answer are moved up until the best is `overlap_ticks` above the best ask; 0 locks."""

    overlap_ticks: int = 1

    def __post_init__(self) -> None:
        check_range("overlap_ticks", self.overlap_ticks, 0, 1_000_000)


class BookSide(StrEnum):
    """A side of the depth answer."""

    BIDS = "bids"
    ASKS = "asks"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSidedBook:
    """The depth answer lacks every level of `side`."""

    side: BookSide


@dataclass(frozen=True, slots=True, kw_only=True)
class LaggingBalance:
    """The account answers the balances of the moment when the fault was armed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFills:
    """The account's trades are listed only once they are `lag_s` old; null lists none."""

    lag_s: float | None = None

    def __post_init__(self) -> None:
        if self.lag_s is not None:
            check_range("lag_s", self.lag_s, 0, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatedFills:
    """The account's trades are listed twice each, and a page from an id on begins one trade before that id."""


ViewFault = FrozenBook | CrossedBook | OneSidedBook | LaggingBalance | LateFills | DuplicatedFills
