"""What a market maker programme wants to see, and what of it was met (S8, S14); pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import add

from marketmaker.domain.metering import DAY_MS, HOUR_MS, Counts, Hour
from marketmaker.domain.units import plain

LEAST_DAYS = 7
MOST_CANCEL_RATIO = Decimal("0.3")
LEAST_ORDER_SUCCESS = Decimal("0.95")
LEAST_EQUITY_USD = Decimal(100_000)
MOST_MAKER_FEE_BPS = Decimal(5)
DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD"})
"""Quote assets that count as US dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What was counted of a market from one moment to another."""

    from_ms: int
    to_ms: int
    counts: Counts

    @property
    def two_sided_uptime(self) -> Decimal | None:
        """The share of all this time with orders on both sides, halts and outages included."""
        return self.counts.two_sided_uptime(self.to_ms - self.from_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Something that is wanted, in words, and what was found; `is_met` is None where nobody can tell."""

    name: str
    wanted: str
    found: str
    is_met: bool | None


def of_days(hours: Sequence[Hour], now_ms: int) -> list[Metered]:
    """Add hours up by UTC days, oldest first: from the first tick until now, days without one included."""
    if not hours:
        return []
    days: dict[int, list[Hour]] = {}
    for hour in hours:
        days.setdefault(hour.start_ms // DAY_MS, []).append(hour)
    first_ms = min(hour.since_ms for hour in hours)
    return [
        Metered(
            from_ms=max(day * DAY_MS, first_ms),
            to_ms=min((day + 1) * DAY_MS, now_ms),
            counts=total(days.get(day, ())),
        )
        for day in range(first_ms // DAY_MS, now_ms // DAY_MS + 1)
    ]


def of_last_day(hours: Iterable[Hour], now_ms: int) -> Metered:
    """Add up what was counted in the 24 hours that end with this one (C2)."""
    since_ms = (now_ms // HOUR_MS - 23) * HOUR_MS
    within = [hour for hour in hours if hour.start_ms >= since_ms]
    from_ms = max(since_ms, min((hour.since_ms for hour in within), default=now_ms))
    return Metered(from_ms=from_ms, to_ms=now_ms, counts=total(within))


def total(hours: Iterable[Hour]) -> Counts:
    """Add hours up."""
    return reduce(add, (hour.counts for hour in hours), Counts())


def points_of(days: Sequence[Metered], equity_usd: Decimal | None) -> tuple[Point, ...]:
    """Judge what was counted; spread, depth and uptime are shown by programmes' own terms and not judged."""
    counts = reduce(add, (day.counts for day in days), Counts())
    quoted = sum(bool(day.counts.two_sided_ms) for day in days)
    return (
        Point(
            name="days quoted",
            wanted=f"at least {LEAST_DAYS}",
            found=str(quoted),
            is_met=quoted >= LEAST_DAYS,
        ),
        _at_least("order success", counts.order_success_ratio, LEAST_ORDER_SUCCESS, _share),
        _at_most("cancel ratio", counts.cancel_ratio, MOST_CANCEL_RATIO, _share),
        _at_least("account in USD", equity_usd, LEAST_EQUITY_USD, _amount),
        _at_most("maker fee in bps", counts.maker_fee_bps, MOST_MAKER_FEE_BPS, _amount),
    )


def _at_least(name: str, value: Decimal | None, least: Decimal, write: Callable[[Decimal], str]) -> Point:
    is_met = None if value is None else value >= least
    return Point(name=name, wanted=f"at least {write(least)}", found=_found(value, write), is_met=is_met)


def _at_most(name: str, value: Decimal | None, most: Decimal, write: Callable[[Decimal], str]) -> Point:
    is_met = None if value is None else value <= most
    return Point(name=name, wanted=f"at most {write(most)}", found=_found(value, write), is_met=is_met)


def _found(value: Decimal | None, write: Callable[[Decimal], str]) -> str:
    return "unknown" if value is None else write(value)


def _share(value: Decimal) -> str:
    return f"{value:.1%}"


def _amount(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.01")).normalize())
