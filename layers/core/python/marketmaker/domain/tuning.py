"""What the guide would change, read from what happened (S7): narrower, smaller, or cheaper fees.

Advice only: nothing is changed by it, and every figure that it rests on is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from itertools import accumulate
from typing import assert_never

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.inventory import FillRow, Inventory
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import AvellanedaStoikov, Glft, Regime, SigmaOptimal
from marketmaker.domain.orders import Side
from marketmaker.domain.units import BPS, ONE, ZERO, plain

NARROWER, SMALLER = Decimal("0.6"), Decimal("0.5")
"""The guide's steps: 0.5 → 0.3 and 0.1 → 0.05 (S7)."""
LOWER_FEES = (Decimal("0.5"), Decimal("0.8"))
"""What a recognised market maker's fees are lower by (S7, S8)."""
FEW_FILLS_AN_HOUR = Decimal(1)
SWING_ORDERS = 10
"""A range of the inventory of so many order sizes is a swing, even inside its band."""
FEES_DOMINATE_SHARE = Decimal("0.5")
"""Fees of more than this part of what the trades gained dominate."""
LEAST_SPAN_MS = 3_600_000
_HOUR_MS = Decimal(3_600_000)
_DIGITS = 4


class AdviceKind(StrEnum):
    """What the guide would do."""

    TOO_LITTLE = "too_little"
    NARROW = "narrow"
    SMALLER = "smaller"
    FEES = "fees"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One piece of advice, with its reason; `key` and `value` are what to write into the file, if anything is."""

    kind: AdviceKind
    text: str
    key: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPast:
    """What a market did in a span: its fills, oldest first, and what it holds now; `mark` is the newest price.

    `floor` is the least half-spread at that price, cadence risk included (R36).
    """

    settings: MarketSettings
    span_ms: int
    fills: Sequence[FillRow]
    inventory: Inventory
    mark: Decimal | None
    floor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFigures:
    """What the advice rests on; sums are over the fills of the span, in quote currency where nothing else is said.

    `gross_quote` is what the fills gained at the mark before fees. `fees_quote` leaves out the fees that are unknown
    or in other assets: those of `unpriced_fills`.
    """

    fills: int
    fills_an_hour: Decimal
    volume_base: Decimal
    volume_quote: Decimal
    maker_share: Decimal | None
    gross_quote: Decimal
    fees_quote: Decimal
    unpriced_fills: int
    lowest_base: Decimal
    highest_base: Decimal
    lowest_ratio: Decimal | None
    highest_ratio: Decimal | None

    @property
    def net_quote(self) -> Decimal:
        """What was gained after every fee that is known."""
        return self.gross_quote - self.fees_quote

    def net_at(self, lower_by: Decimal) -> Decimal:
        """Return what would have been gained with fees lower by this share."""
        return self.gross_quote - self.fees_quote * (ONE - lower_by)


def figures_of(past: MarketPast) -> PastFigures:
    """Add up what a market did."""
    fills, mark = past.fills, past.mark or ZERO
    held = list(accumulate((-row.base_change for row in reversed(fills)), initial=past.inventory.base))
    equity = past.inventory.equity_quote(mark)
    gross = sum((row.fill.side.sign * row.fill.size_base * (mark - row.fill.price) for row in fills), ZERO)
    return PastFigures(
        fills=len(fills),
        fills_an_hour=len(fills) * _HOUR_MS / max(1, past.span_ms),
        volume_base=sum((row.fill.size_base for row in fills), ZERO),
        volume_quote=sum((row.fill.notional_quote for row in fills), ZERO),
        maker_share=Decimal(sum(row.fill.is_maker for row in fills)) / len(fills) if fills else None,
        gross_quote=gross,
        fees_quote=sum((row.fee_quote for row in fills if row.fee_quote is not None), ZERO),
        unpriced_fills=sum(row.fee_quote is None for row in fills),
        lowest_base=min(held),
        highest_base=max(held),
        lowest_ratio=min(held) * mark / equity if equity > ZERO else None,
        highest_ratio=max(held) * mark / equity if equity > ZERO else None,
    )


def advise(past: MarketPast) -> tuple[Advice, ...]:
    """Return what the guide would do about a market, most urgent first (S7)."""
    if past.span_ms < LEAST_SPAN_MS or past.mark is None:
        return (Advice(kind=AdviceKind.TOO_LITTLE, text="an hour of ticks and a price are the least to judge by"),)
    figures = figures_of(past)
    found = tuple(_advice(past, figures))
    return found or (Advice(kind=AdviceKind.NOTHING, text="nothing that the guide would change"),)


def _advice(past: MarketPast, figures: PastFigures) -> Iterator[Advice]:
    fees = _about_fees(figures)
    if fees is not None:
        yield fees
    swing = _about_swings(past, figures)
    if swing is not None:
        yield swing
    if figures.fills_an_hour < FEW_FILLS_AN_HOUR:
        yield _narrow(past, f"{figures.fills} fills, {_short(figures.fills_an_hour)} an hour")


def _about_fees(figures: PastFigures) -> Advice | None:
    """Say that fees dominate, and what lower ones would leave."""
    gross, fees = figures.gross_quote, figures.fees_quote
    if fees <= ZERO or gross <= ZERO or fees < FEES_DOMINATE_SHARE * gross:
        return None
    lower = ", ".join(f"{_short(figures.net_at(by))} with fees {by:.0%} lower" for by in LOWER_FEES)
    text = f"fees dominate: the fills gained {_short(gross)} and cost {_short(fees)}, {_short(gross - fees)} are left"
    return Advice(kind=AdviceKind.FEES, text=f"{text}; {lower}, as a recognised market maker pays")


def _about_swings(past: MarketPast, figures: PastFigures) -> Advice | None:
    """Halve the order size where the inventory left its band, or moved by many orders."""
    settings, low, high = past.settings, figures.lowest_ratio, figures.highest_ratio
    band, size = settings.inventory_band, settings.order_size_base
    orders = (figures.highest_base - figures.lowest_base) / size
    left_band = low is not None and high is not None and not (band.min_ratio <= low and high <= band.max_ratio)
    if not figures.fills or not (left_band or orders >= SWING_ORDERS):
        return None
    ratios = "" if low is None or high is None else f", {low:.1%} to {high:.1%} of the capital"
    band_words = f"its band is {band.min_ratio:.0%} to {band.max_ratio:.0%}"
    why = f"the inventory moved by {_short(orders)} orders{ratios}; {band_words}"
    return Advice(
        kind=AdviceKind.SMALLER, text=f"{why}: quote smaller", key="order_size_base", value=plain(size * SMALLER)
    )


def _narrow(past: MarketPast, why: str) -> Advice:
    """Narrow by the guide's step, but never below what a quote costs (R36)."""
    model = past.settings.half_spread
    price = past.mark or ONE
    match model:
        case QuoteDistance() | BpsDistance():
            now = model.at(price)
            if now <= past.floor:
                text = f"{why}, but the half-spread of {_short(now)} is at its floor of {_short(past.floor)}"
                advice = "fees and cadence must cost less before it can be narrower"
                return Advice(kind=AdviceKind.NARROW, text=f"{text}: {advice}")
            narrower = max(now * NARROWER, past.floor)
            bound = ", as far as fees and cadence allow" if narrower == past.floor else ""
            text = f"{why}: narrow the half-spread from {_short(now)} to {_at_least(narrower)}{bound}"
            value = f"{{ quote = {_at_least(narrower)} }}"
            if isinstance(model, BpsDistance):
                value = f"{{ bps = {_at_least(narrower / price / BPS)} }}"
            return Advice(kind=AdviceKind.NARROW, text=text, key="half_spread", value=value)
        case SigmaOptimal():
            lower = plain(model.multiple * NARROWER)
            return Advice(kind=AdviceKind.NARROW, text=f"{why}: narrow", key="half_spread.multiple", value=lower)
        case AvellanedaStoikov() | Glft():
            text = f"{why}: a smaller gamma is less afraid of inventory, and narrower"
            return Advice(
                kind=AdviceKind.NARROW, text=text, key="half_spread.gamma", value=plain(model.gamma * NARROWER)
            )
        case Regime():
            text = f"{why}: narrow both distances of the regime to {NARROWER:.0%}"
            return Advice(kind=AdviceKind.NARROW, text=text, key="half_spread.narrow")
        case _:
            assert_never(model)


def _short(figure: Decimal) -> str:
    return plain(Decimal(f"{figure:.{_DIGITS}g}"))


def _at_least(figure: Decimal) -> str:
    """Write a figure rounded up, so that what is proposed never undercuts a floor."""
    return plain(figure.quantize(ONE.scaleb(figure.adjusted() - _DIGITS + 1), rounding=ROUND_CEILING))


def spread_of(fills: Sequence[FillRow]) -> Decimal | None:
    """Return how much higher the fills sold than they bought, on average, in bps; None without both."""
    means: dict[Side, Decimal] = {}
    for side in Side:
        size = sum((row.fill.size_base for row in fills if row.fill.side is side), ZERO)
        if not size:
            return None
        means[side] = sum((row.fill.notional_quote for row in fills if row.fill.side is side), ZERO) / size
    return (means[Side.SELL] / means[Side.BUY] - ONE) / BPS
