"""What a run is about to risk, said before it starts: how wide it quotes, what it may hold, what it may lose."""

from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.distances import BpsDistance
from marketmaker.domain.exits import MAX_REPEATS
from marketmaker.domain.markets import CapitalAmount, FeeSchedule, MarketSettings
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.spreads import MissingInput, SpreadInputs, assumed_sigma, cadence_risk, width
from marketmaker.domain.units import BPS, ONE, ZERO, Symbol, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPreview:
    """The figures of a market at a price, None where nobody knows it; the texts say how an amount was computed.

    `wanted_bps` is the half-spread of the settings, `effective_bps` what is left of it after the floors; both are None
    where the spread is first to be measured.
    """

    symbol: Symbol
    price: Decimal | None
    wanted_bps: Decimal | None
    effective_bps: Decimal | None
    fees: FeeSchedule
    fee_break_even_bps: Decimal
    cadence_risk_bps: Decimal
    levels: int
    max_base: Decimal | None
    max_notional_quote: Decimal | None
    margin_quote: Decimal | None
    bound_by: str
    worst_loss_quote: Decimal | None
    worst_loss_by: str


def preview(settings: MarketSettings, price: Decimal | None, tick_size: Decimal | None = None) -> RunPreview:
    """Compute the figures; what is not measured yet is assumed as a tick assumes it (R36)."""
    fair = ONE if price is None else price
    fees = settings.fees.break_even_half_spread(fair) / fair / BPS
    risk = cadence_risk(assumed_sigma(settings.assumed_volatility), fair, settings.exposure_ms) / fair / BPS
    wanted = _wanted_bps(settings, price)
    least = ZERO if price is None or tick_size is None else tick_size / price / BPS
    floor = max(fees + risk, least) if settings.has_floors else ZERO
    bound = _bound(settings, price)
    loss, loss_by = _worst_loss(settings, bound.notional_quote)
    return RunPreview(
        symbol=settings.symbol,
        price=price,
        wanted_bps=wanted,
        effective_bps=None if wanted is None else max(wanted, floor),
        fees=settings.fees,
        fee_break_even_bps=fees,
        cadence_risk_bps=risk,
        levels=settings.ladder.levels,
        max_base=bound.max_base,
        max_notional_quote=bound.notional_quote,
        margin_quote=bound.margin_quote,
        bound_by=bound.by,
        worst_loss_quote=loss,
        worst_loss_by=loss_by,
    )


def _wanted_bps(settings: MarketSettings, price: Decimal | None) -> Decimal | None:
    if price is None:
        return settings.half_spread.bps if isinstance(settings.half_spread, BpsDistance) else None
    inputs = SpreadInputs(
        fair=price, order_size_base=settings.order_size_base, exposure_ms=settings.exposure_ms, statistics=None
    )
    wanted = width(settings.half_spread, inputs)
    return None if isinstance(wanted, MissingInput) else wanted.half_spread / price / BPS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """The largest position, its value, the margin for it, and what bounds it (P4, S17)."""

    by: str
    max_base: Decimal | None = None
    notional_quote: Decimal | None = None
    margin_quote: Decimal | None = None


def _bound(settings: MarketSettings, price: Decimal | None) -> _Bound:
    band, held, capital = settings.inventory_band, settings.perpetual, settings.capital_quote
    if not isinstance(band, PositionSkew):
        return _Bound(by="the market's capital: all of it may be in base")
    notional = None if price is None else band.max_base * price
    by = f"max position {plain(band.max_base)}, resting orders counted"
    if held is None:
        return _Bound(by=by, max_base=band.max_base, notional_quote=notional)
    if notional is not None and isinstance(capital, CapitalAmount):
        notional = min(notional, held.max_exposure * capital.amount)
    return _Bound(
        by=f"{by}, and {plain(held.max_exposure)} x the equity; margin at leverage {plain(held.leverage)}",
        max_base=band.max_base,
        notional_quote=notional,
        margin_quote=None if notional is None else notional / held.leverage,
    )


def _worst_loss(settings: MarketSettings, notional: Decimal | None) -> tuple[Decimal | None, str]:
    """Return what may be lost at most, and how that was computed."""
    exits = settings.exits
    if isinstance(exits.stop_loss, Decimal):
        by = (
            f"stop loss {plain(exits.stop_loss)} + up to {plain(exits.max_slippage_bps)} bps of slippage on the max "
            f"position, each time; after {MAX_REPEATS + 2} in a row the run halts; a gap past the stop costs more"
        )
        return None if notional is None else exits.stop_loss + notional * exits.max_slippage_bps * BPS, by
    if settings.perpetual is not None:
        capital = settings.capital_quote
        by = "all of the market's collateral: there is no stop loss"
        return capital.amount if isinstance(capital, CapitalAmount) else None, by
    by = "the price falls to zero on the max position: there is no stop loss in quote currency"
    return notional, by
