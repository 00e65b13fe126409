"""Read what a market did and say what the guide would change (S7); nothing is changed."""

from dataclasses import dataclass

from marketmaker.domain.klines import MINUTE_MS
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.spreads import assumed_sigma, cadence_risk, measured_sigma
from marketmaker.domain.tuning import Advice, MarketPast, PastFigures, advise, figures_of
from marketmaker.domain.units import ZERO, AccountName, Symbol
from marketmaker.errors import Refused
from marketmaker.usecases import live_settings
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.fills import read_fills

MOST_FILLS = 20_000
RECENT_PRICE_MS = 10 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedMarket:
    """What a market did since a moment, and what the guide would change; `is_cut`: only the newest fills were read."""

    account: AccountName
    symbol: Symbol
    past: MarketPast
    figures: PastFigures
    advice: tuple[Advice, ...]
    is_cut: bool


def tune_market(desk: Desk, symbol: Symbol, *, since_ms: int) -> TunedMarket:
    """Judge a market's span by the settings in force.

    Raises:
        Refused: the market has not opened.
        Retryable, Fatal: state or ledger could not be read.
    """
    now_ms = desk.clock.now_ms()
    state = desk.store.read_account(desk.settings.name)
    market = state.markets.get(symbol)
    if market is None:
        raise Refused(f"{symbol} has not opened: there is nothing to judge")
    settings = _settings_of(live_settings.in_force(desk, state.control), symbol)
    (found,) = read_fills(desk, [symbol], since_ms=since_ms, limit=MOST_FILLS)
    first_ms = found.rows[0].fill.time_ms if found.rows else now_ms
    opened_ms = min(first_ms, now_ms if market.inventory.opened_ms is None else market.inventory.opened_ms)
    started_ms = first_ms if found.is_cut else max(since_ms, opened_ms)
    klines = desk.prices.klines(desk.settings.venue, symbol, now_ms - RECENT_PRICE_MS, now_ms)
    last_fill = found.rows[-1].fill.price if found.rows else None
    mark = klines[-1].close if klines else last_fill
    measured = desk.prices.calibrations(desk.settings.venue, [symbol]).get(symbol)
    sigma = measured_sigma(None if measured is None else measured.statistics)
    risk = ZERO
    if mark is not None:
        assumed = assumed_sigma(settings.assumed_volatility)
        risk = cadence_risk(assumed if sigma is None else sigma, mark, settings.exposure_ms)
    past = MarketPast(
        settings=settings,
        span_ms=now_ms - started_ms,
        fills=found.rows,
        inventory=market.inventory,
        mark=mark,
        floor=ZERO if mark is None else settings.fees.break_even_half_spread(mark) + risk,
    )
    return TunedMarket(
        account=desk.settings.name,
        symbol=symbol,
        past=past,
        figures=figures_of(past),
        advice=advise(past),
        is_cut=found.is_cut,
    )


def _settings_of(desk: Desk, symbol: Symbol) -> MarketSettings:
    return next(each for each in desk.settings.markets if each.symbol == symbol)
