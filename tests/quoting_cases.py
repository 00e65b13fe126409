"""Markets with every combination of models, and what must hold of their quotes, whatever they were made of."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance, PriceRange, QuoteDistance
from marketmaker.domain.ladder import geometric_multiples, linear_multiples
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.models import (
    ONE_LEVEL,
    AvellanedaStoikov,
    BidOnlyBand,
    BreakEven,
    Carry,
    Distribution,
    FairPriceModel,
    Glft,
    HalfSpread,
    InventoryBand,
    Ladder,
    Listing,
    Placement,
    PositionSkew,
    Ramp,
    Regime,
    ReservationPrice,
    RunGuard,
    SecondPrice,
    SigmaOptimal,
    SizeSkew,
    SkewEffect,
    TouchRule,
)
from marketmaker.domain.orders import Side
from marketmaker.domain.pipeline import compute_quotes
from marketmaker.domain.pricing import SecondView, Touch
from marketmaker.domain.quoting import MarketView, NoQuotes, Quote, Quotes
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import ONE, Symbol, VenueOrderId
from tests.builders import (
    SLOT_MS,
    absolute_band,
    book,
    both_sides_band,
    fees,
    instrument,
    inventory,
    market_settings,
    market_view,
    shift_band,
)

LOW, HIGH = Decimal("0.2"), Decimal("0.5")
HALF = Decimal("0.5")
ODD = [math.nan, math.inf, -math.inf, -1.0, 0.0, 5e-324, 1e300]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A market with everything a decision depends on."""

    view: MarketView
    settings: MarketSettings
    instrument: Instrument

    @property
    def desired(self) -> Quotes | NoQuotes:
        """What is wanted in it."""
        return compute_quotes(self.view, self.settings, self.instrument, SLOT_MS)


def levels(desired: Quotes, side: Side) -> list[Quote]:
    """Return one side's quotes, nearest first."""
    return sorted((each for each in desired.quotes if each.side is side), key=lambda each: each.level)


distances = st.builds(QuoteDistance, quote=st.decimals("0", "20", places=3)) | st.builds(
    BpsDistance, bps=st.decimals("0.1", "200", places=1)
)
gammas = st.decimals("0.000001", "0.1", places=6)
spread_models: st.SearchStrategy[HalfSpread] = st.one_of(
    distances,
    st.builds(SigmaOptimal, distribution=st.sampled_from(Distribution), multiple=st.decimals("0.1", "5", places=1)),
    st.builds(
        AvellanedaStoikov,
        gamma=gammas,
        horizon_ms=st.integers(1_000, 600_000),
        decay=st.none() | st.decimals("0.1", "100", places=1),
    ),
    st.builds(
        Glft,
        gamma=gammas,
        intensity=st.none() | st.decimals("0.001", "100", places=3),
        decay=st.none() | st.decimals("0.1", "100", places=1),
    ),
    st.builds(
        Regime,
        narrow=distances,
        wide=distances,
        larger=st.decimals("1", "3", places=1),
        smaller=st.decimals("0.1", "1", places=1),
        compact=st.decimals("0.1", "1", places=1),
    ),
)
monotone_policies: st.SearchStrategy[InventoryBand] = st.one_of(
    st.sampled_from(
        [shift_band(), shift_band(min_ratio="0.4", max_ratio="0.6", max_shift_share="1", ramp_ratio="0.01")]
    ),
    st.builds(
        ReservationPrice,
        max_shift_share=st.decimals("0", "1", places=2),
        min_ratio=st.just(LOW),
        max_ratio=st.just(HIGH),
    ),
    st.builds(
        PositionSkew,
        target_base=st.decimals("0", "2", places=1),
        threshold_base=st.decimals("0", "2", places=1),
        max_base=st.decimals("4.1", "20", places=1),
        skew=st.decimals("0", "1", places=2),
        effect=st.just(SkewEffect.SHIFT),
        ramp=st.sampled_from(Ramp),
        min_ratio=st.just(LOW),
        max_ratio=st.just(HIGH),
    ),
)
policies: st.SearchStrategy[InventoryBand] = st.one_of(
    monotone_policies,
    st.sampled_from([both_sides_band(), both_sides_band(below="0", above="7")]),
    st.builds(
        BidOnlyBand,
        half_spread_below=distances,
        half_spread_above=distances,
        min_ratio=st.just(LOW),
        max_ratio=st.just(HIGH),
    ),
    st.just(
        PositionSkew(
            target_base=Decimal(0),
            threshold_base=ONE,
            max_base=Decimal(5),
            skew=HALF,
            effect=SkewEffect.WIDEN,
            ramp=Ramp.NONE,
            min_ratio=LOW,
            max_ratio=HIGH,
        )
    ),
)
ladders = st.sampled_from(
    [
        ONE_LEVEL,
        Ladder(distances=linear_multiples(5, ONE), sizes=(ONE,) * 5),
        Ladder(distances=geometric_multiples(8, Decimal("1.5")), sizes=linear_multiples(8, HALF)),
        Ladder(distances=(ONE, Decimal("1.001"), Decimal(3)), sizes=(ONE, Decimal(2), HALF)),
    ]
)
instruments = st.builds(
    instrument,
    tick_size=st.sampled_from(["0.01", "0.5", "0.0003"]),
    lot_size=st.sampled_from(["0.0001", "0.05", "0.001"]),
    min_size_base=st.sampled_from(["0.0001", "0.01", "0.5"]),
    min_notional_quote=st.sampled_from(["0", "5", "100"]),
)
odd = st.none() | st.sampled_from(ODD) | st.floats()
volatility_levels = st.none() | st.sampled_from(VolatilityLevel)
runs = st.none() | st.builds(
    SameSideRun,
    side=st.sampled_from(Side),
    orders=st.lists(
        st.tuples(st.integers(1, 9).map(str).map(VenueOrderId), st.integers(SLOT_MS - 90_000, SLOT_MS)), min_size=1
    ).map(tuple),
)
LISTING = Listing(venue="binance", symbol=Symbol("PAXG/BTC"))
SECOND = SecondPrice(
    source=LISTING,
    rate=Listing(venue="binance", symbol=Symbol("BTC/USDT")),
    rate_range=PriceRange(low=Decimal("0.5"), high=Decimal(2)),
    max_age_ms=10_000,
)
touches = st.none() | st.builds(
    Touch,
    bid=st.decimals("0.1", "3000", places=2),
    ask=st.decimals("0.1", "3000", places=2),
    age_ms=st.integers(0, 20_000),
)


measured_statistics = st.builds(
    Statistics,
    until_ms=st.sampled_from([SLOT_MS, SLOT_MS - 900_000]),
    sigma=st.floats(1e-6, 1e-3),
    best_distance=st.floats(1e-5, 1e-2),
    intensity=st.floats(0.01, 10),
    decay=st.floats(100, 1e5),
    daily=st.sampled_from(VolatilityLevel),
    intraday=st.sampled_from(VolatilityLevel),
)
odd_statistics = st.builds(
    Statistics,
    until_ms=st.integers(SLOT_MS - 1_000_000, SLOT_MS),
    sigma=odd,
    best_distance=odd,
    intensity=odd,
    decay=odd,
    daily=volatility_levels,
    intraday=volatility_levels,
)


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    policy: st.SearchStrategy[InventoryBand] = policies,
    statistics: st.SearchStrategy[Statistics] = measured_statistics,
    extras: bool = True,
) -> Case:
    """Build markets whose book is sound, with any model of each kind; without `extras` no guard moves single sides."""
    on = draw(instruments)
    best_bid = draw(st.integers(1, 500_000)) * on.tick_size
    best_ask = best_bid + draw(st.sampled_from([1, 2, 10, 100])) * on.tick_size

    def extra[T](strategy: st.SearchStrategy[T]) -> T | None:
        return draw(st.none() | strategy) if extras else None

    settings = replace(
        market_settings(
            fair_price=draw(st.sampled_from(FairPriceModel)),
            half_spread=draw(spread_models),
            order_size_base=draw(st.sampled_from(["1", "0.1234", "1", "5", "0.001"])),
            inventory_band=draw(policy),
            price_band=absolute_band("0", "1000000"),
            fee_schedule=fees(maker_bps=draw(st.sampled_from(["-1", "0", "1", "10"]))),
        ),
        reference=SECOND,
        implied=SECOND,
        max_deviation_bps=Decimal(draw(st.sampled_from([1, 300, 9_000]))),
        ladder=draw(ladders),
        max_order_size_base=draw(st.none() | st.sampled_from([Decimal("0.05"), ONE])),
        touch=extra(st.builds(TouchRule, placement=st.sampled_from(Placement), ticks=st.integers(0, 5))),
        size_skew=draw(st.none() | st.just(SizeSkew(range_ratio=Decimal("0.2")))),
        carry=extra(st.just(Carry(interest=HALF, max_shift_share=Decimal("0.25"), horizon_ms=86_400_000))),
        break_even=extra(
            st.builds(
                BreakEven,
                max_age_ms=st.just(86_400_000),
                max_loss_share=st.sampled_from([Decimal("0.05"), ONE]),
                averages=st.booleans(),
            )
        ),
        run_guard=extra(
            st.builds(
                RunGuard,
                orders=st.integers(2, 3),
                within_ms=st.just(60_000),
                widen=st.none() | st.just(Decimal(2)),
            )
        ),
    )
    sizes = st.decimals("0.001", "100", places=3)
    view = replace(
        market_view(
            market_book=book(
                bids=[(best_bid - level * on.tick_size, draw(sizes)) for level in range(draw(st.integers(1, 3)))],
                asks=[(best_ask + level * on.tick_size, draw(sizes)) for level in range(draw(st.integers(1, 3)))],
            ),
            last_price=draw(st.sampled_from([best_bid, best_ask, (best_bid + best_ask) / 2])),
            owned=replace(
                inventory(
                    base=draw(st.decimals("0", "20", places=5)), quote=draw(st.decimals("0.01", "20000", places=2))
                ),
                opened_ms=draw(st.none() | st.integers(SLOT_MS - 2 * 86_400_000, SLOT_MS)),
            ),
            available_base=draw(st.sampled_from(["20", "8.12345", "20", "100", "0.5", "0", "-1"])),
            available_quote=draw(st.sampled_from(["1000000", "20000.01", "1000000", "90000000", "100", "0", "-10"])),
        ),
        statistics=draw(statistics if draw(st.integers(0, 3)) else st.none()),
        second=draw(st.none() | st.builds(SecondView, source=touches, rate=touches)),
        run=draw(runs),
    )
    return Case(view=view, settings=settings, instrument=on)
