"""What a drill may cost at most, and what it did cost, from the exchange's own figures; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketmaker.domain.units import BPS, ONE, TWO, ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The middle of the exchange's own market at one moment, without our orders."""

    at_s: float
    mid: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What was at risk when an incident began.

    `orders` is how many of its orders of `order_base` each could be filled on a side before it was answered; one may
    have been priced up to the market's `spread_quote` off its middle.
    """

    held_base: Decimal
    order_base: Decimal
    orders: int
    spread_quote: Decimal
    maker_bps: Decimal
    taker_bps: Decimal

    @property
    def orders_base(self) -> Decimal:
        """What could be filled on a side."""
        return self.order_base * self.orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop loss: the share of the price that it waits for, and how far its exit may trade from the touch.

    `answer_s` is how long after the price crossed it the position must be left at the latest.
    """

    fall_share: Decimal
    slippage_bps: Decimal
    answer_s: float


def middle(state: Mapping[str, Any]) -> Decimal | None:
    """Return the middle of the exchange's market, None while it lacks a side."""
    bid, ask = state["market_bid"], state["market_ask"]
    return None if bid is None or ask is None else (Decimal(bid) + Decimal(ask)) / TWO


def spread(state: Mapping[str, Any]) -> Decimal:
    """Return the width of the exchange's market, zero while it lacks a side."""
    bid, ask = state["market_bid"], state["market_ask"]
    return ZERO if bid is None or ask is None else Decimal(ask) - Decimal(bid)


def held(state: Mapping[str, Any]) -> Decimal:
    """Return how much of its base an account holds, below zero where it is short."""
    if "margin" in state:
        return Decimal(state["margin"]["size"])
    return Decimal(state["balances"][_assets(state)[0]]["total"])


def equity(state: Mapping[str, Any], mid: Decimal) -> Decimal:
    """Return what the exchange's books hold for the account, valued at a price; a perpetual's at its own mark."""
    if "margin" in state:
        return Decimal(state["margin"]["margin_balance"])
    return Decimal(state["balances"][_assets(state)[1]]["total"]) + held(state) * mid


def bound(risk: Risk, before: Decimal, samples: Sequence[Sample]) -> Decimal:
    """Bound what an incident may cost without a stop: what was held and bought fell, what was sold rose."""
    prices = [before, *(each.mid for each in samples)]
    fall, rise = before - min(prices), max(prices) - before
    held_quote = max(ZERO, risk.held_base) * fall + max(ZERO, -risk.held_base) * rise
    return held_quote + risk.orders_base * fall + _beside(risk, before, samples)


def bound_with_stop(risk: Risk, stop: Stop, before: Decimal, samples: Sequence[Sample]) -> Decimal:
    """Bound what an incident may cost where a stop loss leaves what is held, and what was bought, in time."""
    at_stop = before * (ONE - stop.fall_share)
    crossed_s = next((each.at_s for each in samples if each.mid < at_stop), None)
    if crossed_s is None:
        return bound(risk, before, samples)
    until_s = crossed_s + stop.answer_s
    lowest = min([at_stop, *(each.mid for each in samples if each.at_s <= until_s)])
    base = risk.held_base + risk.orders_base
    sold = lowest * (ONE - stop.slippage_bps * BPS) * (ONE - risk.taker_bps * BPS)
    return base * (before - sold) + _beside(risk, before, samples)


def _beside(risk: Risk, before: Decimal, samples: Sequence[Sample]) -> Decimal:
    """Return what orders may cost besides a fall: what was sold rose, they were off the middle, and they have a fee."""
    highest = max([before, *(each.mid for each in samples)])
    off = TWO * (risk.spread_quote + highest * risk.maker_bps * BPS)
    return risk.orders_base * (highest - before + off)


def _assets(state: Mapping[str, Any]) -> tuple[str, str]:
    base, _, rest = str(state["symbol"]).partition("/")
    return base, rest.partition(":")[0]
