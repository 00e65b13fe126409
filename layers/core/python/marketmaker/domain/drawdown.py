"""Drawdown: what the markets of one quote asset have lost since they stood best together (R6).

    gains    = Σ (quote + base · mark − deposited)      over the open markets of one quote asset
    equity   = deposited + gains
    drawdown = (gains at the peak − gains now) / equity at the peak

A day's loss is counted alike, from the first equity that was seen of it.

A deposit or a withdrawal changes holdings and `deposited` alike, so neither gains nor drawdown see it. What the account
holds beyond its markets is in no inventory, hence in no equity.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.inventory import Inventory
from marketmaker.domain.units import ZERO, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """What the markets of one quote asset are worth together; a peak is that of the moment with the most gains."""

    markets: tuple[Symbol, ...]
    deposited_quote: Decimal
    gains_quote: Decimal

    @property
    def total_quote(self) -> Decimal:
        """What was deposited and what was gained with it."""
        return self.deposited_quote + self.gains_quote

    def exceeds(self, peak: "Equity | None") -> bool:
        """Tell whether this is the new peak: the most gains so far, or the first with these markets.

        The gains of other markets are no measure for these: one more or one less would look like a gain or a loss.
        """
        return peak is None or self.markets != peak.markets or self.gains_quote > peak.gains_quote

    def drawdown_share(self, peak: "Equity | None") -> Decimal:
        """Return the part of the peak equity that is lost; none at a new peak, or where there was nothing to lose."""
        if peak is None or self.exceeds(peak) or peak.total_quote <= ZERO:
            return ZERO
        return (peak.gains_quote - self.gains_quote) / peak.total_quote


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStart:
    """The first equity that was seen of a UTC day, counted from the epoch."""

    day: int
    equity: Equity

    def replaces(self, kept: "DayStart | None") -> bool:
        """Tell whether this is of a later day than what is kept, or of the same day and other markets."""
        if kept is None or self.day > kept.day:
            return True
        return self.day == kept.day and self.equity.markets != kept.equity.markets


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one market owns, and the price at which it is valued."""

    symbol: Symbol
    inventory: Inventory
    mark: Decimal


def equity_of(holdings: Iterable[Holding]) -> Equity:
    """Add up the markets of one quote asset."""
    ordered = sorted(holdings, key=lambda each: each.symbol)
    return Equity(
        markets=tuple(each.symbol for each in ordered),
        deposited_quote=sum((each.inventory.deposited_quote for each in ordered), ZERO),
        gains_quote=sum((each.inventory.pnl_quote(each.mark) for each in ordered), ZERO),
    )
