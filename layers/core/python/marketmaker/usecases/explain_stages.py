"""Say in words what each stage of a decision did, with the figures that it did it by."""

from decimal import Decimal
from typing import assert_never

from marketmaker.domain.break_even import break_even_price, is_under_water
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BidOnlyBand,
    BothSidesBand,
    FairPriceModel,
    Glft,
    Placement,
    PositionSkew,
    Regime,
    ReservationPrice,
    RunGuard,
    ShiftBand,
    SigmaOptimal,
    TouchRule,
)
from marketmaker.domain.quoting import MarketView, Quotes
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.units import plain
from marketmaker.usecases.replay import ReplayedDecision

_SHOWN_DIGITS, _ROUGH_DIGITS = 10, 4


def why(stage: str, desired: Quotes, view: MarketView, replayed: ReplayedDecision) -> str:
    """Say why a stage moved the quotes as it did."""
    settings, instrument = replayed.settings, replayed.recorded.situation.instrument
    match stage:
        case "fair":
            return _fair(settings, view, desired)
        case "half_spread":
            return _half_spread(settings, instrument)
        case "floors":
            return _floors(settings, desired, instrument)
        case "inventory":
            return _inventory(settings, view, desired, instrument)
        case "run" if (guard := settings.run_guard) and (run := view.run):
            return _run(guard, run)
        case "touch" if rule := settings.touch:
            return _touch(rule)
        case "break_even" if price := break_even_price(view.inventory, settings.fees):
            state = "under water" if is_under_water(view.inventory, desired.fair) else "not under water"
            return f"what is held breaks even at {shown(price)}, and is {state}"
        case _:
            book = view.book
            crossing = f"bid below {plain(book.asks[0].price)}, ask above {plain(book.bids[0].price)}"
            return f"outwards to the tick {plain(instrument.tick_size)}; post-only: {crossing}"


def shown(figure: Decimal) -> str:
    """Write a figure to ten digits."""
    return plain(Decimal(f"{figure:.{_SHOWN_DIGITS}g}"))


def _rough(figure: Decimal) -> str:
    return plain(Decimal(f"{figure:.{_ROUGH_DIGITS}g}"))


def _fair(settings: MarketSettings, view: MarketView, desired: Quotes) -> str:
    best = f"{plain(view.book.bids[0].price)} and {plain(view.book.asks[0].price)}"
    if desired.ignored:
        return f"mid of {best}: {desired.ignored}"
    match settings.fair_price:
        case FairPriceModel.LAST:
            return "last: the last trade"
        case FairPriceModel.MID:
            return f"mid of {best}"
        case FairPriceModel.MICROPRICE:
            return f"microprice: {best}, each weighted by the other's size"
        case FairPriceModel.DEPTH_WEIGHTED:
            return f"depth_weighted: the best {settings.depth_levels} levels, each side weighted by the other's size"
        case FairPriceModel.REFERENCE | FairPriceModel.IMPLIED:
            second = settings.second_price
            listings = () if second is None else second.listings
            return f"{settings.fair_price}: {' and '.join(f'{each.symbol} at {each.venue}' for each in listings)}"
        case _:
            assert_never(settings.fair_price)


def _half_spread(settings: MarketSettings, instrument: Instrument) -> str:
    model = settings.half_spread
    match model:
        case QuoteDistance() | BpsDistance():
            return f"fixed: {_distance(model, instrument)}"
        case SigmaOptimal():
            return f"sigma_optimal: the best distance of {model.distribution} moves, times {plain(model.multiple)}"
        case AvellanedaStoikov():
            horizon = f"{model.horizon_ms // 1000} s"
            return f"avellaneda_stoikov: γ {plain(model.gamma)}, horizon {horizon}, k {_given(model.decay)}"
        case Glft():
            return f"glft: γ {plain(model.gamma)}, A {_given(model.intensity)}, k {_given(model.decay)}"
        case Regime():
            narrow, wide = _distance(model.narrow, instrument), _distance(model.wide, instrument)
            return f"regime: narrow {narrow} or wide {wide} by the volatility of the day and within it"
        case _:
            assert_never(model)


def _floors(settings: MarketSettings, desired: Quotes, instrument: Instrument) -> str:
    fees = settings.fees.break_even_half_spread(desired.fair)
    tick = f"one tick {plain(instrument.tick_size)}"
    if desired.floor == instrument.tick_size:
        return f"at least {tick}"
    parts = f"fee break-even {_rough(fees)} + cadence risk {_rough(desired.floor - fees)}"
    return f"at least {_rough(desired.floor)}: {parts}, and {tick}"


def _inventory(settings: MarketSettings, view: MarketView, desired: Quotes, instrument: Instrument) -> str:
    policy = settings.inventory_band
    ratio = f"base share {desired.ratio:.2%}, band {policy.min_ratio:.0%} to {policy.max_ratio:.0%}"
    held = f"{shown(view.inventory.base)} {instrument.base}"
    carry = "" if settings.carry is None else "; what is held too long costs interest"
    match policy:
        case ShiftBand():
            if policy.min_ratio <= desired.ratio <= policy.max_ratio:
                return f"no shift: {ratio}{carry}"
            way = "down" if desired.ratio > policy.max_ratio else "up"
            return f"shift {way}, at most {policy.max_shift_share:.0%} of the half-spread: {ratio}{carry}"
        case BidOnlyBand() | BothSidesBand():
            which = "the bid" if isinstance(policy, BidOnlyBand) else "both sides"
            if policy.min_ratio <= desired.ratio <= policy.max_ratio:
                return f"nothing: {ratio}{carry}"
            is_above = desired.ratio > policy.max_ratio
            distance = policy.half_spread_above if is_above else policy.half_spread_below
            return f"{which} at {_distance(distance, instrument)}: {ratio}{carry}"
        case PositionSkew():
            beyond = f"beyond {plain(policy.target_base)} ± {plain(policy.threshold_base)}"
            most = f"of at most {plain(policy.max_base)}"
            return f"{policy.effect} by skew {plain(policy.skew)} {beyond}: {held} {most}{carry}"
        case ReservationPrice():
            most = f"at most {policy.max_shift_share:.0%} of the half-spread"
            return f"to the model's reservation price, {most}: {ratio}{carry}"
        case _:
            assert_never(policy)


def _run(guard: RunGuard, run: SameSideRun) -> str:
    widened = "pauses" if guard.widen is None else f"stands {plain(guard.widen)} times as wide"
    return f"{len(run.orders)} {run.side} orders filled within {guard.within_ms // 1000} s: that side {widened}"


def _touch(rule: TouchRule) -> str:
    match rule.placement:
        case Placement.JOIN:
            return "join: never better than the best price of others"
        case Placement.IMPROVE:
            return f"improve: better than the best price of others by at most {rule.ticks} ticks"
        case Placement.BACK_OFF:
            return f"back off: {rule.ticks} ticks behind the best price of others at least"
        case _:
            assert_never(rule.placement)


def _distance(distance: QuoteDistance | BpsDistance, instrument: Instrument) -> str:
    match distance:
        case QuoteDistance(quote=quote):
            return f"{plain(quote)} {instrument.quote}"
        case BpsDistance(bps=bps):
            return f"{plain(bps)} bps"
        case _:
            assert_never(distance)


def _given(figure: Decimal | None) -> str:
    return "measured" if figure is None else plain(figure)
