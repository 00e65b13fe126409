"""From one look at an account to what it shows of every limit; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.account_limits import (
    DAY_MS,
    Valued,
    equity,
    exposure,
    judge_amounts,
    judge_day,
    judge_drawdown,
    judge_portfolio,
    judge_ticks,
    judge_venue,
)
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.breaches import BreachKind
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.looks import AccountLook
from marketmaker.domain.market_limits import judge_market
from marketmaker.domain.programme_limits import judge_programme
from marketmaker.domain.risk import Finding
from marketmaker.domain.units import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Every limit of an account, the known drawdowns, and the equities that are new peaks or the first of a day.

    `exposure` is what the other accounts of the portfolio are told.
    """

    findings: tuple[Finding, ...]
    drawdowns: Mapping[Asset, Decimal]
    new_peaks: Mapping[Asset, Equity]
    new_days: Mapping[Asset, DayStart]
    exposure: Exposure


def assess(look: AccountLook, settings: AccountSettings) -> Assessment:
    """Judge every limit that one look allows to judge; the rest is unknown."""
    findings: list[Finding] = []
    markets: dict[Asset, list[Valued]] = {}
    for each in look.markets:
        judged = {finding.kind: finding for finding in judge_market(each, look.control, look.now_ms)}
        findings += (*judged.values(), *judge_programme(each, settings.risk))
        fair = each.fair if judged[BreachKind.STALE_BOOK].is_kept else None
        is_inside = judged[BreachKind.PRICE_BAND].is_kept
        markets.setdefault(each.quote, []).append(Valued(look=each, fair=fair, is_inside=is_inside))
    opened = {asset: [each for each in group if each.look.market is not None] for asset, group in markets.items()}
    opened = {asset: group for asset, group in opened.items() if group}
    equities = {asset: equity(group) for asset, group in opened.items()}
    # A price outside its band is no base for a peak, nor for a day.
    sound = {
        asset: worth
        for asset, worth in equities.items()
        if worth is not None and all(each.is_inside for each in opened[asset])
    }
    peaks = {} if look.control is None else look.control.peaks
    days = _days_of(look)
    limits = settings.risk
    findings += [
        judge_drawdown(asset, now, peaks.get(asset), limits.max_drawdown_share) for asset, now in equities.items()
    ]
    if limits.max_daily_loss_share is not None:
        findings += [
            judge_day(asset, now, days.get(asset), limits.max_daily_loss_share) for asset, now in equities.items()
        ]
    findings += judge_amounts(markets, limits)
    held = exposure(settings.name, markets, look.now_ms)
    if settings.portfolio is not None:
        findings += judge_portfolio(held, look, settings.portfolio)
    findings += (judge_venue(look, limits.max_unreachable_ticks), judge_ticks(look, settings.clocks))
    known = {asset: worth for asset, worth in equities.items() if worth is not None}
    return Assessment(
        findings=tuple(findings),
        drawdowns={asset: worth.drawdown_share(peaks.get(asset)) for asset, worth in known.items()},
        new_peaks={asset: worth for asset, worth in sound.items() if worth.exceeds(peaks.get(asset))},
        new_days={
            asset: DayStart(day=look.now_ms // DAY_MS, equity=worth)
            for asset, worth in sound.items()
            if asset not in days or worth.markets != days[asset].markets
        },
        exposure=held,
    )


def _days_of(look: AccountLook) -> Mapping[Asset, Equity]:
    """Return each quote asset's equity at the first look of this UTC day."""
    kept = {} if look.control is None else look.control.days
    today = look.now_ms // DAY_MS
    return {asset: start.equity for asset, start in kept.items() if start.day == today}
