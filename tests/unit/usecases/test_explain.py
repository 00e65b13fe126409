"""`mm explain` says of every model in words what it did, and by which figures (R36, M2–M8)."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.deciding import Situation, decide
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BidOnlyBand,
    BreakEven,
    Carry,
    Distribution,
    FairPriceModel,
    Glft,
    Listing,
    Placement,
    PositionSkew,
    Ramp,
    Regime,
    ReservationPrice,
    RunGuard,
    SecondPrice,
    SigmaOptimal,
    SkewEffect,
    TouchRule,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import SecondView, Touch
from marketmaker.domain.quoting import MarketView
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ONE, ZERO, Symbol, VenueOrderId
from marketmaker.usecases.explain import Explanation, explain
from marketmaker.usecases.records import read_decisions
from marketmaker.usecases.replay import replay
from marketmaker.usecases.reports import MarketReport, TickOutcome, TickReport
from tests.builders import (
    ACCOUNT,
    SLOT_MS,
    TAG,
    account_settings,
    instrument,
    inventory,
    market_settings,
    market_view,
)

D = Decimal
LOW, HIGH = D("0.2"), D("0.5")
MEASURED = Statistics(
    until_ms=SLOT_MS - 60_000,
    sigma=1.5e-5,
    best_distance=2.5e-4,
    intensity=1.25,
    decay=5_000.0,
    daily=VolatilityLevel.LOW,
    intraday=VolatilityLevel.HIGH,
)
SECOND = SecondPrice(
    source=Listing(venue="binance", symbol=Symbol("PAXG/BTC")),
    rate=Listing(venue="binance", symbol=Symbol("BTC/USDT")),
    max_age_ms=10_000,
)


def explained(view: MarketView, **changes: Any) -> Explanation:
    """Explain a decision as a log has it."""
    settings: MarketSettings = replace(market_settings(), **changes)
    situation = Situation(now_ms=SLOT_MS, instrument=instrument(), view=view)
    report = MarketReport(situation=situation, decision=decide(situation, settings, TAG))
    tick = TickReport(
        account=ACCOUNT, slot_ms=SLOT_MS, outcome=TickOutcome.DONE, config_hash="0123456789abcdef", markets=(report,)
    )
    (recorded,) = read_decisions(json.loads(_to_json(dict(tick.record(in_full=True)))))
    explanation = explain(replay(recorded, account_settings(settings)))
    assert explanation.differences == ()
    return explanation


def words(explanation: Explanation, stage: str) -> str:
    """Return what is said of one stage."""
    (why,) = (each.why for each in explanation.stages if each.name == stage)
    return why


def seen(**changes: Any) -> MarketView:
    return replace(market_view(), statistics=MEASURED, **changes)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (FairPriceModel.LAST, "last: the last trade"),
        (FairPriceModel.MID, "mid of 1899.9 and 1900.1"),
        (FairPriceModel.MICROPRICE, "microprice: 1899.9 and 1900.1, each weighted by the other's size"),
        (
            FairPriceModel.DEPTH_WEIGHTED,
            "depth_weighted: the best 3 levels, each side weighted by the other's size",
        ),
        (FairPriceModel.REFERENCE, "reference: PAXG/BTC at binance and BTC/USDT at binance"),
        (FairPriceModel.IMPLIED, "implied: PAXG/BTC at binance and BTC/USDT at binance"),
    ],
)
def test_the_fair_price_is_named_with_what_it_was_made_of(model: FairPriceModel, said: str) -> None:  # M5
    touch = Touch(bid=D("0.05"), ask=D("0.05"), age_ms=250)
    second = SecondView(source=touch, rate=Touch(bid=D(38_000), ask=D(38_000), age_ms=0))
    explanation = explained(seen(second=second), fair_price=model, reference=SECOND, implied=SECOND)
    assert words(explanation, "fair") == said
    listed = dict(explanation.saw).get("PAXG/BTC")
    uses_it = model in {FairPriceModel.REFERENCE, FairPriceModel.IMPLIED}
    assert listed == ("0.05 / 0.05, unchanged for 250 ms" if uses_it else None)


def test_a_second_price_that_was_ignored_is_told() -> None:  # M5
    explanation = explained(
        seen(second=SecondView(source=None, rate=None)), fair_price=FairPriceModel.IMPLIED, implied=SECOND
    )
    ignored = "the implied price is ignored: PAXG/BTC at binance could not be read"
    assert words(explanation, "fair") == f"mid of 1899.9 and 1900.1: {ignored}"
    assert dict(explanation.saw)["PAXG/BTC"] == "could not be read"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (QuoteDistance(quote=D("0.5")), "fixed: 0.5 USDT"),
        (BpsDistance(bps=D("2.6")), "fixed: 2.6 bps"),
        (
            SigmaOptimal(distribution=Distribution.MEASURED, multiple=D("1.5")),
            "sigma_optimal: the best distance of measured moves, times 1.5",
        ),
        (
            AvellanedaStoikov(gamma=D("0.01"), horizon_ms=60_000, decay=None),
            "avellaneda_stoikov: γ 0.01, horizon 60 s, k measured",
        ),
        (Glft(gamma=D("0.01"), intensity=D(2), decay=D(3)), "glft: γ 0.01, A 2, k 3"),
        (
            Regime(narrow=BpsDistance(bps=D(2)), wide=QuoteDistance(quote=ONE), larger=ONE, smaller=ONE, compact=ONE),
            "regime: narrow 2 bps or wide 1 USDT by the volatility of the day and within it",
        ),
    ],
)
def test_the_half_spread_is_named_with_its_numbers(model: Any, said: str) -> None:
    assert words(explained(seen(), half_spread=model), "half_spread") == said


def test_the_floor_is_shown_as_a_figure() -> None:  # R36
    assert words(explained(seen()), "floors") == (
        "at least 0.2167: fee break-even 0.19 + cadence risk 0.02666, and one tick 0.01"
    )
    free = market_settings(assumed_volatility="1e-9").fees
    cheap = explained(market_view(), fees=replace(free, maker_bps=ZERO), assumed_volatility=D("1e-9"))
    assert words(cheap, "floors") == "at least one tick 0.01"


def policy(**changes: Any) -> PositionSkew:
    skewed = PositionSkew(
        min_ratio=LOW,
        max_ratio=HIGH,
        target_base=ZERO,
        threshold_base=ONE,
        max_base=D(30),
        skew=D("0.5"),
        effect=SkewEffect.SHIFT,
        ramp=Ramp.LINEAR,
    )
    return replace(skewed, **changes)


BID_ONLY = BidOnlyBand(
    min_ratio=LOW,
    max_ratio=HIGH,
    half_spread_below=QuoteDistance(quote=D("0.3")),
    half_spread_above=QuoteDistance(quote=D(1)),
)


@pytest.mark.parametrize(
    ("band", "base", "said"),
    [
        (BID_ONLY, "5", "nothing: base share 33.33%, band 20% to 50%"),
        (BID_ONLY, "20", "the bid at 1 USDT: base share 66.67%, band 20% to 50%"),
        (BID_ONLY, "1", "the bid at 0.3 USDT: base share 9.09%, band 20% to 50%"),
        (policy(), "20", "shift by skew 0.5 beyond 0 ± 1: 20 PAXG of at most 30"),
        (
            ReservationPrice(min_ratio=LOW, max_ratio=HIGH, max_shift_share=HIGH),
            "5",
            "to the model's reservation price, at most 50% of the half-spread: base share 33.33%, band 20% to 50%",
        ),
    ],
)
def test_the_inventory_policy_is_named_with_what_is_held(band: Any, base: str, said: str) -> None:  # S2, P3
    view = market_view(owned=inventory(base=base))
    assert words(explained(view, inventory_band=band), "inventory") == said


def test_what_is_held_too_long_is_said_to_cost_interest() -> None:  # M7
    carry = Carry(interest=ONE, max_shift_share=D("0.25"), horizon_ms=10**9)
    assert words(explained(market_view(), carry=carry), "inventory").endswith("; what is held too long costs interest")


@pytest.mark.parametrize(("widen", "said"), [(D(2), "stands 2 times as wide"), (None, "pauses")])
def test_a_side_that_is_run_over_is_told(widen: Decimal | None, said: str) -> None:  # R32
    run = SameSideRun(side=Side.BUY, orders=tuple((VenueOrderId(str(n)), SLOT_MS) for n in range(3)))
    explanation = explained(seen(run=run), run_guard=RunGuard(orders=3, within_ms=60_000, widen=widen))
    assert words(explanation, "run") == f"3 buy orders filled within 60 s: that side {said}"


@pytest.mark.parametrize(
    ("placement", "said"),
    [
        (Placement.JOIN, "join: never better than the best price of others"),
        (Placement.IMPROVE, "improve: better than the best price of others by at most 3 ticks"),
        (Placement.BACK_OFF, "back off: 3 ticks behind the best price of others at least"),
    ],
)
def test_the_place_at_the_touch_is_told(placement: Placement, said: str) -> None:  # M8
    assert words(explained(seen(), touch=TouchRule(placement=placement, ticks=3)), "touch") == said


def test_the_break_even_price_is_told() -> None:  # M2
    rule = BreakEven(max_age_ms=10**9, max_loss_share=ONE, averages=True)
    lost = market_view(owned=inventory(cost_quote="1950"))
    assert words(explained(lost, break_even=rule), "break_even") == (
        "what is held breaks even at 1950.19502, and is under water"
    )
    won = market_view(owned=inventory(cost_quote="1850"))
    assert words(explained(won, break_even=rule), "break_even").endswith("and is not under water")


def test_what_was_measured_is_shown() -> None:
    assert dict(explained(seen()).saw)["measured"] == (
        "σ 0.15 bps/√s, best distance 2.5 bps, A 1.25/s, k 0.5/bp, volatility low by day, high within it"
    )
    nothing = replace(market_view(), statistics=Statistics(until_ms=SLOT_MS))
    assert dict(explained(nothing).saw)["measured"] == "nothing well enough: the assumed volatility counts"
