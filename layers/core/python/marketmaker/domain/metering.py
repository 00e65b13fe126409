"""What a venue's market maker programme asks about: how orders fared, and how long and how well a market was quoted.

Ticks count, an hour of a market at a time; hours add up. What a tick did that died before its end is not counted, nor
are the cancels of a halt or of a risk check, which are protective (C2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal

from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.units import BPS, TWO, ZERO

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_SPREAD_STEP, _DEPTH_STEP = Decimal("0.0001"), Decimal("0.01")
"""How fine they are kept: they are figures of a report, and no money."""
FOLLOWED_INTERVALS = 3
"""Quotes count as standing between two ticks that are at most so many intervals apart."""


def cancel_ratio(cancelled_unfilled: int, placed: int) -> Decimal | None:
    """Return own orders that we cancelled with nothing filled, of those that were accepted (C2); None without any."""
    return Decimal(cancelled_unfilled) / placed if placed else None


def order_success_ratio(placed: int, rejected: int) -> Decimal | None:
    """Return how many of the orders that the venue answered it accepted (S8); None without any."""
    return Decimal(placed) / (placed + rejected) if placed + rejected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What ticks counted of a market over some time; they add up.

    `placed` and `rejected` are creates by the venue's answer. `cancelled` orders were our own choice, of them
    `cancelled_unfilled` with nothing filled; `protective_cancels` were not. Volumes and fees are in quote:
    `maker_fees_quote` was paid, rebates negative, on the `maker_fee_volume_quote` whose fee is known in quote.
    `two_sided_ms` is how long orders rested on both sides; over that time `spread_bps_ms` and `depth_quote_ms` are the
    integrals of the distance between our best prices and of the value of the smaller side.
    """

    placed: int = 0
    rejected: int = 0
    cancelled: int = 0
    cancelled_unfilled: int = 0
    protective_cancels: int = 0
    fills: int = 0
    taker_fills: int = 0
    volume_quote: Decimal = ZERO
    taker_volume_quote: Decimal = ZERO
    maker_fees_quote: Decimal = ZERO
    maker_fee_volume_quote: Decimal = ZERO
    two_sided_ms: int = 0
    spread_bps_ms: Decimal = ZERO
    depth_quote_ms: Decimal = ZERO

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)})

    @property
    def cancel_ratio(self) -> Decimal | None:
        """Own orders that we cancelled with nothing filled, of those accepted (C2)."""
        return cancel_ratio(self.cancelled_unfilled, self.placed)

    @property
    def order_success_ratio(self) -> Decimal | None:
        """Accepted orders of those that the venue answered (S8)."""
        return order_success_ratio(self.placed, self.rejected)

    @property
    def taker_share(self) -> Decimal | None:
        """What of the volume took; None without any."""
        return self.taker_volume_quote / self.volume_quote if self.volume_quote else None

    @property
    def maker_fee_bps(self) -> Decimal | None:
        """The fee that makers' fills had; None where none is known in quote."""
        return self.maker_fees_quote / self.maker_fee_volume_quote / BPS if self.maker_fee_volume_quote else None

    @property
    def spread_bps(self) -> Decimal | None:
        """The mean distance between our best prices while both sides rested; None where they never did."""
        return self.spread_bps_ms / self.two_sided_ms if self.two_sided_ms else None

    @property
    def depth_quote(self) -> Decimal | None:
        """The mean value of the smaller side while both rested; None where they never did."""
        return self.depth_quote_ms / self.two_sided_ms if self.two_sided_ms else None

    def two_sided_uptime(self, over_ms: int) -> Decimal | None:
        """Return the share of a time with orders on both sides, at most all of it; None of no time."""
        return min(Decimal(self.two_sided_ms) / over_ms, Decimal(1)) if over_ms > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The counts of one hour, which begins at `start_ms`; its first tick came at `since_ms`."""

    start_ms: int
    since_ms: int
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What rests of ours on both sides: the distance of the best prices, and the value of the smaller side."""

    spread_bps: Decimal
    depth_quote: Decimal

    @classmethod
    def of(cls, orders: Iterable[Order]) -> "Standing | None":
        """Describe live orders; None where a side is empty."""
        sides: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}
        for order in orders:
            if order.is_live:
                sides[order.side].append(order)
        if not all(sides.values()):
            return None
        bid = max(order.price for order in sides[Side.BUY])
        ask = min(order.price for order in sides[Side.SELL])
        values = (sum((each.notional_quote for each in side), ZERO) for side in sides.values())
        spread_bps = (ask - bid) / ((bid + ask) / TWO) / BPS
        return cls(spread_bps=spread_bps.quantize(_SPREAD_STEP), depth_quote=min(values).quantize(_DEPTH_STEP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A market's running hour: its counts, when ticks saw it last, and what stood then."""

    hour: Hour
    seen_ms: int
    standing: Standing | None = None

    @classmethod
    def start(cls, now_ms: int) -> "Meter":
        """Begin to count."""
        return cls(hour=Hour(start_ms=now_ms - now_ms % HOUR_MS, since_ms=now_ms), seen_ms=now_ms)

    def is_over(self, now_ms: int) -> bool:
        """Tell whether another hour has begun."""
        return now_ms >= self.hour.start_ms + HOUR_MS

    def turn(self, now_ms: int) -> "Meter":
        """Begin the hour of a moment; what stood goes on standing, and the time until now counts there."""
        start_ms = now_ms - now_ms % HOUR_MS
        return replace(self, hour=Hour(start_ms=start_ms, since_ms=now_ms))

    def after(self, did: Counts, standing: Standing | None, *, now_ms: int, interval_ms: int) -> "Meter":
        """Count what a tick did, and for how long what stood before it did."""
        stood_ms = now_ms - self.seen_ms
        counts = self.hour.counts + did
        if self.standing is not None and 0 < stood_ms <= FOLLOWED_INTERVALS * interval_ms:
            stood = self.standing
            counts += Counts(
                two_sided_ms=stood_ms,
                spread_bps_ms=stood.spread_bps * stood_ms,
                depth_quote_ms=stood.depth_quote * stood_ms,
            )
        return Meter(hour=replace(self.hour, counts=counts), seen_ms=max(now_ms, self.seen_ms), standing=standing)


def count_fills(rows: Iterable[FillRow]) -> Counts:
    """Count what was booked; a fee that is not known in quote is in no sum."""
    total = Counts()
    for row in rows:
        fill, notional = row.fill, row.fill.notional_quote
        is_known = fill.is_maker and row.fee_quote is not None
        total += Counts(
            fills=1,
            taker_fills=int(not fill.is_maker),
            volume_quote=notional,
            taker_volume_quote=ZERO if fill.is_maker else notional,
            maker_fees_quote=row.fee_quote or ZERO if is_known else ZERO,
            maker_fee_volume_quote=notional if is_known else ZERO,
        )
    return total
