"""What a human is told of a tick: which conditions hold in its markets, and which are over (R27)."""

from collections.abc import Mapping, Sequence
from functools import cache

from marketmaker.domain.breaches import BreachKind
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.units import Symbol
from marketmaker.ports import Severity
from marketmaker.usecases.episodes import (
    ACCOUNT_REFUSED,
    EXITS_REPEATED,
    MARKET_UNREADABLE,
    SECOND_PRICE_IGNORED,
    VENUE_BANNED,
    VENUE_UNREACHABLE,
    Condition,
)
from marketmaker.usecases.reports import MarketReport

_UNREADABLE = frozenset({NoQuotesReason.OBSERVATION_FAILED, NoQuotesReason.BOOKING_UNFINISHED})
_OVER_ONCE_READ = (VENUE_UNREACHABLE, ACCOUNT_REFUSED, VENUE_BANNED)
"""Episodes that end with the first tick that reads the venue again."""
_AFTER_EXITS = frozenset({NoQuotesReason.EXITING, NoQuotesReason.COOLING_DOWN})
_ALERTED: Mapping[NoQuotesReason, str] = {
    NoQuotesReason.PRICE_OUTSIDE_BAND: BreachKind.PRICE_BAND,
    NoQuotesReason.LEDGER_DIFFERS: BreachKind.LEDGER_DIFFERENCE,
    NoQuotesReason.BOOK_STALE: BreachKind.STALE_BOOK,
    NoQuotesReason.PRICE_DEVIATES: "price_deviates",
    NoQuotesReason.SPREAD_UNKNOWN: "spread_unknown",
    NoQuotesReason.EXITING: "exit",
    NoQuotesReason.COOLING_DOWN: "exit",
}


def is_unreadable(market: MarketReport) -> bool:
    """Tell whether a market could not be read."""
    return isinstance(market.desired, NoQuotes) and market.desired.reason in _UNREADABLE


def market_conditions(markets: Sequence[MarketReport], *, is_lasting: bool) -> list[Condition]:
    """Say which alerted conditions hold and which are over: one is over once its market passes every guard again.

    That a market cannot be read is told only where it `is_lasting`: for a tick or two it is an everyday thing.
    """
    conditions = [_over(kind, None) for kind in _OVER_ONCE_READ]
    for market in markets:
        if isinstance(market.desired, Quotes):
            kinds = (*dict.fromkeys(_ALERTED.values()), MARKET_UNREADABLE, EXITS_REPEATED)
            conditions += [_over(kind, market.symbol) for kind in kinds]
            conditions.append(_second_price(market.symbol, market.desired))
        elif is_lasting and market.desired.reason in _UNREADABLE:
            text = f"cannot be read: {market.desired.detail}. Nothing is placed until it can"
            conditions.append(Condition(kind=MARKET_UNREADABLE, symbol=market.symbol, text=text))
        elif market.desired.reason in _ALERTED:
            is_exit = market.desired.reason in _AFTER_EXITS
            over = "the market has cooled down after it" if is_exit else "it is over"
            text = f"{market.desired.detail}. Our orders are cancelled, no quote placed until {over}"
            is_waiting = market.desired.reason is NoQuotesReason.SPREAD_UNKNOWN
            severity = Severity.INFO if is_waiting else Severity.CRITICAL
            kind = _ALERTED[market.desired.reason]
            conditions.append(Condition(kind=kind, symbol=market.symbol, text=text, severity=severity))
    return conditions


@cache
def _over(kind: str, symbol: Symbol | None) -> Condition:
    """Say that nothing is amiss, as nearly every tick does of nearly everything."""
    return Condition(kind=kind, symbol=symbol, text=None)


def _second_price(symbol: Symbol, desired: Quotes) -> Condition:
    """Tell that the price of another book is not used while it misbehaves (M5)."""
    return Condition(
        kind=SECOND_PRICE_IGNORED,
        symbol=symbol,
        text=f"{desired.ignored}; the middle of the market's own book is used meanwhile" if desired.ignored else None,
        outlook="the fair price is made of it again",
        severity=Severity.INFO,
    )
