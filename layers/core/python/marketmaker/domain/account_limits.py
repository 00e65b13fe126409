"""What one look at an account shows of the limits that all of its markets share; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.accounts import Clocks, RiskSettings
from marketmaker.domain.breaches import AmountBreach, BreachKind, LossBreach, TicksStopped, VenueErrors
from marketmaker.domain.drawdown import Equity, Holding, equity_of
from marketmaker.domain.exposure import Exposure, Portfolio
from marketmaker.domain.looks import AccountLook, MarketLook
from marketmaker.domain.risk import Finding
from marketmaker.domain.units import ZERO, AccountName, Asset

STOPPED_AFTER_MS = 60_000
STOPPED_AFTER_INTERVALS = 3
"""Ticks have stopped once none was claimed for a minute, nor for three intervals.

With one check a minute that may itself come half a minute late, own orders outlive their ticks by at most 60 + 60 + 30
= 150 s, the watchdog's bound (R3). Only intervals above 20 s make it longer.
"""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A market with its fair price, None where that is unknown, and whether the price is inside its band."""

    look: MarketLook
    fair: Decimal | None
    is_inside: bool


def equity(markets: Sequence[Valued]) -> Equity | None:
    """Add the open markets of one quote asset up; None unless every price and inventory is known."""
    holdings = [
        Holding(symbol=each.look.settings.symbol, inventory=each.look.market.inventory, mark=each.fair)
        for each in markets
        if each.look.market is not None and each.fair is not None and each.look.is_settled
    ]
    return equity_of(holdings) if len(holdings) == len(markets) else None


def judge_drawdown(asset: Asset, now: Equity | None, peak: Equity | None, max_share: Decimal) -> Finding:
    """Judge what was lost since the peak equity (R6)."""
    return _judge_loss(BreachKind.DRAWDOWN, asset, now, peak, max_share)


def judge_day(asset: Asset, now: Equity | None, start: Equity | None, max_share: Decimal) -> Finding:
    """Judge what was lost since the first look of the UTC day, None if this is it."""
    return _judge_loss(BreachKind.DAILY_LOSS, asset, now, start, max_share)


def _judge_loss(
    kind: BreachKind, asset: Asset, now: Equity | None, before: Equity | None, max_share: Decimal
) -> Finding:
    if now is None:
        return Finding(kind=kind, symbol=None, unknown=f"the equity in {asset} is not known")
    share = now.drawdown_share(before)
    if before is None or share <= max_share:
        return Finding(kind=kind, symbol=None)
    lost = before.gains_quote - now.gains_quote
    return Finding(
        kind=kind,
        symbol=None,
        breach=LossBreach(kind=kind, asset=asset, share=share, max_share=max_share, lost_quote=lost),
    )


def judge_amounts(markets: Mapping[Asset, Sequence[Valued]], settings: RiskSettings) -> Iterator[Finding]:
    """Judge what the markets of each bounded quote asset hold together, and what their orders rest for (S16)."""
    for asset, bound in settings.max_notional_quote.items():
        amounts = [_notional(each) for each in markets.get(asset, ())]
        yield _judge_amount(BreachKind.ACCOUNT_NOTIONAL, asset, amounts, bound)
    for asset, bound in settings.max_open_orders_quote.items():
        resting = [each.look.resting_quote for each in markets.get(asset, ())]
        yield _judge_amount(BreachKind.OPEN_ORDERS, asset, resting, bound)


def exposure(account: AccountName, markets: Mapping[Asset, Sequence[Valued]], now_ms: int) -> Exposure:
    """Return what the other accounts of the portfolio are told."""
    amounts = {asset: [_notional(each) for each in group] for asset, group in markets.items()}
    return Exposure(
        account=account,
        time_ms=now_ms,
        notional_quote={asset: _sum_of_known(each) for asset, each in amounts.items()},
        unknown=frozenset(asset for asset, each in amounts.items() if None in each),
    )


def judge_portfolio(own: Exposure, look: AccountLook, portfolio: Portfolio) -> Iterator[Finding]:
    """Judge what all accounts hold together; one that has not told of late is unknown (R7)."""
    for asset, bound in portfolio.max_notional_quote.items():
        amounts = [own.of(asset, look.now_ms)]
        for name in portfolio.accounts:
            if name != own.account:
                other = look.others.get(name)
                amounts.append(None if other is None else other.of(asset, look.now_ms))
        yield _judge_amount(BreachKind.PORTFOLIO_NOTIONAL, asset, amounts, bound)


def _notional(market: Valued) -> Decimal | None:
    held = market.look.held_base
    if held == ZERO:
        return ZERO
    return None if held is None or market.fair is None else abs(held) * market.fair


def _judge_amount(kind: BreachKind, asset: Asset, amounts: Sequence[Decimal | None], bound: Decimal) -> Finding:
    """Judge a sum: what is known of it may be too much already, else all of it must be known."""
    known = _sum_of_known(amounts)
    if known > bound:
        breach = AmountBreach(kind=kind, asset=asset, amount_quote=known, max_quote=bound)
        return Finding(kind=kind, symbol=None, breach=breach)
    is_all = all(each is not None for each in amounts)
    return Finding(kind=kind, symbol=None, unknown=None if is_all else f"what is held for {asset} is not known")


def _sum_of_known(amounts: Sequence[Decimal | None]) -> Decimal:
    return sum((each for each in amounts if each is not None), ZERO)


def judge_venue(look: AccountLook, max_ticks: int) -> Finding:
    """Judge whether ticks can read the venue (R30)."""
    kind = BreachKind.VENUE_ERRORS
    if look.control is None:
        return Finding(kind=kind, symbol=None, unknown="what ticks could read is not known")
    ticks = look.control.unreachable_ticks
    return Finding(kind=kind, symbol=None, breach=VenueErrors(ticks=ticks) if ticks >= max_ticks else None)


def stopped_after_ms(clocks: Clocks) -> int:
    """Return how long no tick may be claimed before ticks count as stopped."""
    return max(STOPPED_AFTER_MS, STOPPED_AFTER_INTERVALS * clocks.interval_ms)


def judge_ticks(look: AccountLook, clocks: Clocks) -> Finding:
    """Judge whether ticks follow the market; orders that rest without them are the breach (R3)."""
    kind = BreachKind.TICKS_STOPPED
    if look.control is None:
        return Finding(kind=kind, symbol=None, unknown="the last tick is not known")
    last_ms = look.control.last_slot_ms
    age_ms = look.now_ms - last_ms if last_ms else None
    if age_ms is not None and age_ms <= stopped_after_ms(clocks):
        return Finding(kind=kind, symbol=None)
    if not look.own_orders:
        return Finding(kind=kind, symbol=None, unknown="ticks have stopped and none of our orders rests")
    return Finding(kind=kind, symbol=None, breach=TicksStopped(age_ms=age_ms, own_orders=look.own_orders))
