"""Read what ticks counted of a market, the running hour included, and judge it as a programme would (S8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.compliance import DOLLARS, Metered, Point, of_days, of_last_day, points_of
from marketmaker.domain.drawdown import DayStart
from marketmaker.domain.metering import DAY_MS, Counts, Hour
from marketmaker.domain.state import Control
from marketmaker.domain.units import ZERO, AccountName, Asset, Symbol
from marketmaker.usecases.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCompliance:
    """What was counted of a market, by UTC day and over the last 24 hours, and how it stands point by point."""

    account: AccountName
    symbol: Symbol
    days: tuple[Metered, ...]
    last_day: Metered
    points: tuple[Point, ...]


def read_compliance(desk: Desk, symbols: Iterable[Symbol], *, days: int) -> tuple[MarketCompliance, ...]:
    """Judge each of these markets by today and the UTC days before it; the venue is not asked.

    Raises:
        Retryable, Fatal: the state could not be read.
    """
    control = desk.store.read_control(desk.settings.name)
    now_ms = desk.clock.now_ms()
    return tuple(_read_market(desk, control, symbol, days, now_ms) for symbol in symbols)


def counted_in_a_day(desk: Desk, control: Control, symbol: Symbol) -> Counts:
    """Return what ticks counted of a market in the last 24 hours (C2).

    Raises:
        Retryable, Fatal: the state could not be read.
    """
    now_ms = desk.clock.now_ms()
    return of_last_day(_hours(desk, control, symbol, from_ms=now_ms - DAY_MS, to_ms=now_ms), now_ms).counts


def _read_market(desk: Desk, control: Control, symbol: Symbol, days: int, now_ms: int) -> MarketCompliance:
    """Judge one market; ticks on the day before the first one say that all of the first was due to be quoted."""
    first_ms = now_ms - now_ms % DAY_MS - (days - 1) * DAY_MS
    hours = _hours(desk, control, symbol, from_ms=first_ms - DAY_MS, to_ms=now_ms)
    wanted = [day for day in of_days(hours, now_ms) if day.from_ms >= first_ms]
    return MarketCompliance(
        account=desk.settings.name,
        symbol=symbol,
        days=tuple(wanted),
        last_day=of_last_day(hours, now_ms),
        points=points_of(wanted, _equity_usd(control.days, now_ms)),
    )


def _hours(desk: Desk, control: Control, symbol: Symbol, *, from_ms: int, to_ms: int) -> list[Hour]:
    """Return the hours of a span, oldest first; the running one goes over what may be kept of it."""
    kept = desk.store.hours(desk.settings.name, symbol, from_ms=from_ms, to_ms=to_ms)
    hours = {hour.start_ms: hour for hour in kept}
    running = control.meters.get(symbol)
    if running is not None and running.hour.start_ms >= from_ms:
        hours[running.hour.start_ms] = running.hour
    return [hours[start_ms] for start_ms in sorted(hours)]


def _equity_usd(days: Mapping[Asset, DayStart], now_ms: int) -> Decimal | None:
    """Return what the markets quoted in dollars were worth as this day began; None where no check saw it."""
    today = now_ms // DAY_MS
    known = [start.equity.total_quote for asset, start in days.items() if asset in DOLLARS and start.day == today]
    return sum(known, ZERO) if known else None
