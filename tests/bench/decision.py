"""One decision, pure: from what a tick observed to quotes and the plan for the orders that rest."""

import time
from dataclasses import replace
from decimal import Decimal

from marketmaker.domain.deciding import Situation, decide
from marketmaker.domain.distances import QuoteDistance
from marketmaker.domain.ladder import linear_multiples
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BreakEven,
    Carry,
    Distribution,
    FairPriceModel,
    Glft,
    HalfSpread,
    Ladder,
    Listing,
    Placement,
    Regime,
    ReservationPrice,
    RunGuard,
    SecondPrice,
    SigmaOptimal,
    SizeSkew,
    TouchRule,
)
from marketmaker.domain.orders import DeploymentTag, Side
from marketmaker.domain.pricing import SecondView, Touch
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ONE, Symbol, VenueOrderId
from tests.bench.figures import BenchFailedError, Timing
from tests.bench.tick import Ticker
from tests.builders import SLOT_MS, TAG, book, instrument, inventory, market_settings, market_view, order

GOAL_US = 100.0
"""The most microseconds that one decision may take in the median."""

LEVELS = 5
_DECISIONS = 5_000
_WARM_UP = 500
_LOOKS = 10

_STATISTICS = Statistics(
    until_ms=SLOT_MS,
    sigma=0.0001,
    best_distance=0.0003,
    intensity=0.5,
    decay=3800.0,
    daily=VolatilityLevel.LOW,
    intraday=VolatilityLevel.LOW,
)
_FIXED = QuoteDistance(quote=Decimal("0.5"))
_GLFT = Glft(gamma=Decimal("0.1"), intensity=None, decay=None)
_SPREADS: dict[str, HalfSpread] = {
    "fixed": _FIXED,
    "sigma_optimal, normal": SigmaOptimal(distribution=Distribution.NORMAL, multiple=Decimal(2)),
    "sigma_optimal, measured": SigmaOptimal(distribution=Distribution.MEASURED),
    "avellaneda_stoikov": AvellanedaStoikov(gamma=Decimal("0.1"), horizon_ms=60_000, decay=None),
    "glft": _GLFT,
    "regime": Regime(
        narrow=_FIXED,
        wide=QuoteDistance(quote=ONE),
        larger=Decimal("1.5"),
        smaller=Decimal("0.5"),
        compact=Decimal("0.7"),
    ),
}
_WITH_RESERVATION_PRICE = {"avellaneda_stoikov", "glft"}
_RESERVATION = ReservationPrice(min_ratio=Decimal("0.2"), max_ratio=Decimal("0.5"), max_shift_share=Decimal("0.5"))


def time_decision_us(ticker: Ticker) -> Timing:
    """Take the situation of a tick that kept both orders, and time deciding on it again and again."""
    settings = ticker.desk.settings
    return _time_us(_quiet_situation(ticker), settings.markets[0], settings.tag)


def time_models_us() -> dict[str, Timing]:
    """Time a decision that keeps all orders of five levels a side, by each spread model and each fair price.

    The last one uses every stage there is. A decision that keeps is the dearest: each order is compared with its quote.
    """
    return {name: _time_us(_keeping(settings), settings, TAG) for name, settings in _cases().items()}


def _cases() -> dict[str, MarketSettings]:
    plain = replace(market_settings(), ladder=Ladder(distances=linear_multiples(LEVELS, ONE), sizes=(ONE,) * LEVELS))
    cases = {name: replace(plain, half_spread=model) for name, model in _SPREADS.items()}
    for name in _WITH_RESERVATION_PRICE:
        cases[name] = replace(cases[name], inventory_band=_RESERVATION)
    second = SecondPrice(
        source=Listing(venue="kraken", symbol=Symbol("PAXG/BTC")),
        rate=Listing(venue="kraken", symbol=Symbol("BTC/USDT")),
        max_age_ms=10_000,
    )
    for fair_price in FairPriceModel:
        cases[f"fair price {fair_price}"] = replace(plain, fair_price=fair_price, reference=second, implied=second)
    cases["every stage"] = replace(
        cases["glft"],
        fair_price=FairPriceModel.REFERENCE,
        reference=second,
        size_skew=SizeSkew(range_ratio=Decimal("0.3")),
        carry=Carry(interest=Decimal("0.5"), max_shift_share=Decimal("0.2"), horizon_ms=3_600_000),
        break_even=BreakEven(max_age_ms=3_600_000, max_loss_share=Decimal("0.02"), averages=True),
        run_guard=RunGuard(orders=2, within_ms=60_000, widen=Decimal("1.5")),
        touch=TouchRule(placement=Placement.BACK_OFF, ticks=1),
    )
    return cases


def _keeping(settings: MarketSettings) -> Situation:
    """Return a situation in which what the market wants rests already."""
    steps = [Decimal(level) / 10 for level in range(1, LEVELS + 1)]
    view = replace(
        market_view(
            market_book=book(bids=[(1900 - step, 5) for step in steps], asks=[(1900 + step, 5) for step in steps]),
            owned=replace(inventory(base="6"), opened_ms=SLOT_MS - 60_000),
        ),
        statistics=_STATISTICS,
        second=SecondView(
            source=Touch(bid=Decimal("0.04999"), ask=Decimal("0.05001"), age_ms=0),
            rate=Touch(bid=Decimal(37_999), ask=Decimal(38_001), age_ms=0),
        ),
        run=SameSideRun(side=Side.BUY, orders=((VenueOrderId("1"), SLOT_MS), (VenueOrderId("2"), SLOT_MS))),
    )
    empty = Situation(now_ms=SLOT_MS, instrument=instrument(), view=view)
    wanted = decide(empty, settings, TAG).plan.place
    if len(wanted) != 2 * LEVELS:
        raise BenchFailedError(f"a decision wants {len(wanted)} quotes, not {2 * LEVELS}")
    live = (
        order(each.side, each.price, each.size_base, level=each.level, venue_id=f"{each.side}{each.level}")
        for each in wanted
    )
    return replace(empty, live=tuple(live))


def _quiet_situation(ticker: Ticker) -> Situation:
    for _ in range(_LOOKS):
        markets = ticker.report().markets
        if markets and len(markets[0].plan.keep) == 2:
            return markets[0].situation
    raise BenchFailedError(f"none of {_LOOKS} ticks kept both orders: there is no situation to decide on")


def _time_us(situation: Situation, settings: MarketSettings, tag: DeploymentTag) -> Timing:
    """Decide again and again on a situation in which every order is kept."""
    elapsed_us: list[float] = []
    for _ in range(_DECISIONS + _WARM_UP):
        started = time.perf_counter_ns()
        decision = decide(situation, settings, tag)
        elapsed_us.append((time.perf_counter_ns() - started) / 1000)
        if not decision.plan.is_quiet:
            raise BenchFailedError("the decision on a quiet tick's situation is not quiet")
    return Timing.of(elapsed_us[_WARM_UP:])
