"""Models with wrong numbers, keys of each other, or without what they are made of: refused in one line (R12)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import AvellanedaStoikov, Glft, PositionSkew, ReservationPrice
from marketmaker.domain.units import ZERO, AccountName
from marketmaker.errors import ConfigError
from tests.unit.config.documents import FILE, PAXG, changed, minimal_document, parse, refusal

AT = "accounts.main.markets[0 PAXG/USDT]"
MODELS = 'one of "sigma_optimal", "avellaneda_stoikov", "glft", "regime"; or, without it, '
DISTANCE = "{ quote = ... } or { bps = ... }"
HALF_SPREAD_KEYS = (
    "model, quote, bps, distribution, multiple, gamma, horizon_s, decay, intensity, narrow, wide, larger, smaller, "
    "compact"
)
PLACEMENTS = '{ placement = "join" } or { placement = "improve" } or { placement = "back_off" }'
SPACINGS = "{ linear = ... } or { geometric = ... } or { explicit = ... }"
ABOVE_0 = "a number above 0"
SHARE = "a share above 0 and at most 1"
MEASURES = "a number above 0 and at most 1000"

AS = {"model": "avellaneda_stoikov", "gamma": 1}
REGIME = {"model": "regime", "narrow": {"bps": 2}, "wide": {"bps": 4}}
POSITION = {"policy": "position", "max_base": 3}
REFERENCE = {"symbol": "PAXG/USD", "convert": "USDT/USD"}
HALVES = {"half_spread_below": {"bps": 2}, "half_spread_above": {"bps": 4}}


def with_keys(**keys: Any) -> dict[str, Any]:
    result = minimal_document()
    for key, value in keys.items():
        result = changed(result, (*PAXG, key), value)
    return result


def ladder(**keys: Any) -> dict[str, Any]:
    return {"ladder": {"levels": 3, **keys}}


NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"depth_levels": 0}, "depth_levels: 0 is not allowed: a whole number from 1 to 5"),
    ({"depth_levels": 6}, "depth_levels: 6 is not allowed: a whole number from 1 to 5"),
    ({"max_deviation_bps": 0}, "max_deviation_bps: 0 is not allowed: bps above 0 and below 10000"),
    ({"assumed_volatility": 0}, "assumed_volatility: 0 is not allowed: a number above 0 and at most 10"),
    ({"assumed_volatility": 60}, "assumed_volatility: 60 is not allowed: a number above 0 and at most 10"),
    ({"max_statistics_age_s": 59}, "max_statistics_age_s: 59 is not allowed: a whole number from 60 to 86400"),
    (
        {"reference": {**REFERENCE, "venue": "kraken"}},
        'reference.venue: "kraken" is not allowed: one of "binance", "binanceus"',
    ),
    (
        {"reference": {**REFERENCE, "max_age_s": 0}},
        "reference.max_age_s: 0 is not allowed: a whole number from 1 to 3600",
    ),
    ({"reference": {**REFERENCE, "min_rate": 0}}, f"reference.min_rate: 0 is not allowed: {ABOVE_0}"),
    ({"reference": {}}, "reference.symbol: a missing key is not allowed: it is required, a spot market as BASE/QUOTE, "
     'such as "PAXG/USDT"'),
    ({"implied": {"through": "btc"}}, 'implied.through: "btc" is not allowed: an asset such as "USDT"'),
    ({"half_spread": {**AS, "gamma": 0}}, f"half_spread.gamma: 0 is not allowed: {ABOVE_0}"),
    (
        {"half_spread": {**AS, "horizon_s": 0}},
        "half_spread.horizon_s: 0 is not allowed: a whole number from 1 to 86400",
    ),
    ({"triangle": {"min_edge_bps": 0}}, "triangle.min_edge_bps: 0 is not allowed: bps above 0 and below 10000"),
    ({"triangle": {"min_profit_quote": -1}}, "triangle.min_profit_quote: -1 is not allowed: a number, 0 or more"),
    ({"half_spread": {**AS, "decay": 0}}, f"half_spread.decay: 0 is not allowed: {ABOVE_0}"),
    (
        {"half_spread": {"model": "glft", "gamma": 1, "intensity": -1}},
        f"half_spread.intensity: -1 is not allowed: {ABOVE_0}",
    ),
    (
        {"half_spread": {"model": "sigma_optimal", "distribution": "lognormal"}},
        'half_spread.distribution: "lognormal" is not allowed: one of "normal", "measured"',
    ),
    (
        {"half_spread": {"model": "sigma_optimal", "multiple": 11}},
        "half_spread.multiple: 11 is not allowed: a number above 0 and at most 10",
    ),
    ({"half_spread": {**REGIME, "narrow": 2}}, f"half_spread.narrow: 2 is not allowed: {DISTANCE}"),
    (
        {"half_spread": {**REGIME, "larger": Decimal("0.9")}},
        "half_spread.larger: 0.9 is not allowed: a number from 1 to 10",
    ),
    ({"half_spread": {**REGIME, "smaller": 2}}, f"half_spread.smaller: 2 is not allowed: {SHARE}"),
    ({"half_spread": {**REGIME, "compact": 0}}, f"half_spread.compact: 0 is not allowed: {SHARE}"),
    ({"inventory": {**POSITION, "max_base": 0}}, f"inventory.max_base: 0 is not allowed: {ABOVE_0}"),
    ({"inventory": {**POSITION, "target_base": -1}}, "inventory.target_base: -1 is not allowed: a number, 0 or more"),
    ({"inventory": {**POSITION, "skew": 2}}, "inventory.skew: 2 is not allowed: a ratio from 0 to 1"),
    (
        {"inventory": {**POSITION, "effect": "both"}},
        'inventory.effect: "both" is not allowed: one of "shift", "widen"',
    ),
    (
        {"inventory": {**POSITION, "ramp": "quadratic"}},
        'inventory.ramp: "quadratic" is not allowed: one of "linear", "none"',
    ),
    ({"inventory": {"policy": "reservation", "max_shift_share": 2}},
     f"inventory.max_shift_share: 2 is not allowed: {SHARE}"),
    (ladder(levels=0), "ladder.levels: 0 is not allowed: a whole number from 1 to 7"),
    (ladder(levels=9), "ladder.levels: 9 is not allowed: a whole number from 1 to 7"),
    (ladder(spacing="linear"), f'ladder.spacing: "linear" is not allowed: {SPACINGS}'),
    (ladder(spacing={"linear": 0}), "ladder.spacing.linear: 0 is not allowed: a number above 0 and at most 100"),
    (ladder(spacing={"geometric": 1}), "ladder.spacing.geometric: 1 is not allowed: a number above 1 and at most 10"),
    (ladder(spacing={"explicit": []}),
     f"ladder.spacing.explicit: [] is not allowed: at least one element, each {MEASURES}"),
    (ladder(spacing={"explicit": [1, 2, "3"]}), f'ladder.spacing.explicit[2]: "3" is not allowed: {MEASURES}'),
    (ladder(sizes={"linear": -1}), "ladder.sizes.linear: -1 is not allowed: a number from 0 to 10"),
    (ladder(sizes={"geometric": 0}), "ladder.sizes.geometric: 0 is not allowed: a number above 0 and at most 10"),
    (ladder(sizes={"explicit": [1, 0, 1]}), f"ladder.sizes.explicit[1]: 0 is not allowed: {MEASURES}"),
    ({"touch": "join"}, f'touch: "join" is not allowed: {PLACEMENTS}'),
    ({"touch": {"placement": "improve", "ticks": 0}}, "touch.ticks: 0 is not allowed: a whole number from 1 to 1000"),
    ({"size_skew": {"range_ratio": 0}}, f"size_skew.range_ratio: 0 is not allowed: {SHARE}"),
    ({"carry": {"interest": 0}}, "carry.interest: 0 is not allowed: a number above 0 and at most 10"),
    ({"carry": {"max_shift_share": 2}}, f"carry.max_shift_share: 2 is not allowed: {SHARE}"),
    ({"carry": {"horizon_s": 59}}, "carry.horizon_s: 59 is not allowed: a whole number from 60 to 2592000"),
    ({"break_even": {"max_age_s": 0}}, "break_even.max_age_s: 0 is not allowed: a whole number from 60 to 2592000"),
    ({"break_even": {"max_loss_share": 0}}, f"break_even.max_loss_share: 0 is not allowed: {SHARE}"),
    ({"break_even": {"averages": "yes"}}, 'break_even.averages: "yes" is not allowed: true or false'),
    ({"run_guard": {"orders": 1}}, "run_guard.orders: 1 is not allowed: a whole number from 2 to 20"),
    ({"run_guard": {"orders": 21}}, "run_guard.orders: 21 is not allowed: a whole number from 2 to 20"),
    ({"run_guard": {"within_s": 0}}, "run_guard.within_s: 0 is not allowed: a whole number from 1 to 86400"),
    ({"run_guard": {"widen": 1}}, "run_guard.widen: 1 is not allowed: a number above 1 and at most 10"),
]  # fmt: skip

SHAPES: list[tuple[dict[str, Any], str]] = [
    (
        {"half_spread": {"model": "fixed", "bps": 3}},
        f'half_spread.model: "fixed" is not allowed: {MODELS}{DISTANCE}',
    ),
    (
        {"half_spread": {"gamma": 1}},
        f"half_spread.model: a missing key is not allowed: it is required, {MODELS}{DISTANCE}",
    ),
    (
        {"half_spread": {"model": "glft", "gamma": 1, "bps": 3}},
        'half_spread.bps: 3 is not allowed: a key of another model; "glft" takes gamma, intensity, decay',
    ),
    (
        {"half_spread": {"model": "glft", "gamma": 1, "horizon_s": 3}},
        'half_spread.horizon_s: 3 is not allowed: a key of another model; "glft" takes gamma, intensity, decay',
    ),
    (
        {"half_spread": {"bps": 3, "gamma": 1}},
        'half_spread.gamma: 1 is not allowed: a key of { model = "avellaneda_stoikov", gamma = ... } or '
        '{ model = "glft", gamma = ... }',
    ),
    (
        {"half_spread": {"bps": 3, "quote": 1}},
        f"half_spread: {{ bps = 3, quote = 1 }} is not allowed: only one of {DISTANCE}",
    ),
    (
        {"half_spread": {"model": "glft"}},
        f"half_spread.gamma: a missing key is not allowed: it is required, {ABOVE_0}",
    ),
    (
        {"half_spread": {"model": "regime", "narrow": {"bps": 2}}},
        f"half_spread.wide: a missing key is not allowed: it is required, {DISTANCE}",
    ),
    (
        {"half_spread": {"model": "glft", "gama": 1}},
        "half_spread.gama: 1 is not allowed: an unknown key, did you mean gamma? allowed here: " + HALF_SPREAD_KEYS,
    ),
    (
        {"touch": {"placement": "join", "ticks": 1}},
        'touch.ticks: 1 is not allowed: a key of another placement; "join" takes no other key',
    ),
    (
        {"inventory": {"policy": "bid_only"}},
        f"inventory.half_spread_below: a missing key is not allowed: it is required, {DISTANCE}",
    ),
    (
        ladder(spacing={"linear": 1, "geometric": 2}),
        "ladder.spacing: { linear = 1, geometric = 2 } is not allowed: only one of "
        "{ linear = ... } or { geometric = ... }",
    ),
]

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"fair_price": "reference"},
        'reference: a missing key is not allowed: it is required by fair_price = "reference"',
    ),
    (
        {"fair_price": "implied", "reference": REFERENCE},
        'implied: a missing key is not allowed: it is required by fair_price = "implied"',
    ),
    (
        {"max_order_size_base": Decimal("0.05")},
        "max_order_size_base: 0.05 is not allowed: order_size_base (0.1) or more",
    ),
    ({"triangle": {}}, "implied: a missing key is not allowed: it is required by triangle"),
    ({"reference": {"symbol": "BTC/USDT"}}, "reference.symbol: BTC/USDT is not allowed: a price of PAXG"),
    (
        {"reference": {"symbol": "PAXG/USD"}},
        "reference.convert: a missing key is not allowed: USD/USDT or USDT/USD: the market is quoted in USDT",
    ),
    (
        {"reference": {"symbol": "PAXG/USD", "convert": "EUR/USD"}},
        "reference.convert: EUR/USD is not allowed: USD/USDT or USDT/USD: the market is quoted in USDT",
    ),
    (
        {"reference": {"symbol": "PAXG/USDT", "venue": "binanceus", "convert": "USDT/USD"}},
        "reference.convert: USDT/USD is not allowed: no conversion: both prices are in USDT",
    ),
    (
        {"reference": {"symbol": "PAXG/USDT", "venue": "binanceus", "min_rate": Decimal("0.9")}},
        "reference.min_rate: 0.9 is not allowed: only beside convert, the book of the rate",
    ),
    (
        {"reference": {"symbol": "PAXG/USDT", "venue": "binanceus", "max_rate": 2}},
        "reference.max_rate: 2 is not allowed: only beside convert, the book of the rate",
    ),
    (
        {"reference": {**REFERENCE, "min_rate": Decimal("1.02")}},
        'reference: { symbol = "PAXG/USD", convert = "USDT/USD", min_rate = 1.02 } is not allowed: '
        "min_rate (1.02) below max_rate (1.02)",
    ),
    (
        {"reference": {"symbol": "PAXG/USDT"}},
        "reference.symbol: PAXG/USDT is not allowed: another market than this one at binance, or another venue",
    ),
    (
        {"reference": {"symbol": "PAXG/USDT", "venue": "binance"}},
        "reference.symbol: PAXG/USDT is not allowed: another market than this one at binance, or another venue",
    ),
    (
        {"implied": {"through": "PAXG"}},
        "implied.through: PAXG is not allowed: an asset other than the market's own, PAXG and USDT",
    ),
    (
        {"implied": {"through": "USDT"}},
        "implied.through: USDT is not allowed: an asset other than the market's own, PAXG and USDT",
    ),
    (
        {"half_spread": {**REGIME, "wide": {"bps": 2}}},
        "half_spread.wide.bps: 2 is not allowed: more than the 2 bps of narrow",
    ),
    (
        {"half_spread": {"model": "regime", "narrow": {"quote": Decimal("0.5")}, "wide": {"quote": Decimal("0.4")}}},
        "half_spread.wide.quote: 0.4 is not allowed: more than the 0.5 quote of narrow",
    ),
    (
        {"inventory": {**POSITION, "min_ratio": Decimal("0.6")}},
        'inventory: { policy = "position", max_base = 3, min_ratio = 0.6 } is not allowed: '
        "min_ratio (0.6) below max_ratio (0.5)",
    ),
    (
        {"inventory": {**POSITION, "target_base": 1, "threshold_base": 2}},
        "inventory.max_base: 3 is not allowed: more than target_base and threshold_base together (3)",
    ),
    (
        {"inventory": {"policy": "reservation"}},
        'inventory.policy: "reservation" is not allowed: another policy, or a half_spread of model '
        '"avellaneda_stoikov" or "glft": no other has such a price',
    ),
    (
        {"inventory": {"policy": "reservation"}, "half_spread": {"model": "sigma_optimal"}},
        'inventory.policy: "reservation" is not allowed: another policy, or a half_spread of model '
        '"avellaneda_stoikov" or "glft": no other has such a price',
    ),
    (ladder(spacing={"explicit": [1, 2]}), "ladder.spacing.explicit: [1, 2] is not allowed: as many as levels (3)"),
    (ladder(sizes={"explicit": [1]}), "ladder.sizes.explicit: [1] is not allowed: as many as levels (3)"),
    (
        ladder(spacing={"explicit": [2, 3, 4]}),
        "ladder.spacing.explicit: [2, 3, 4] is not allowed: 1 first, then each above the last",
    ),
    (
        ladder(spacing={"explicit": [1, 2, 2]}),
        "ladder.spacing.explicit: [1, 2, 2] is not allowed: 1 first, then each above the last",
    ),
    (
        ladder(spacing={"explicit": [1, 3, 2]}),
        "ladder.spacing.explicit: [1, 3, 2] is not allowed: 1 first, then each above the last",
    ),
]


@pytest.mark.parametrize(("keys", "expected"), [*NUMBERS, *SHAPES, *CONTRADICTIONS])
def test_a_wrong_model_is_refused_with_its_place(keys: dict[str, Any], expected: str) -> None:
    assert refusal(with_keys(**keys)) == f"{FILE}: {AT}.{expected}"


def tables_of(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Tables with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


decimals = st.decimals(Decimal("-0.5"), Decimal(3), places=2)
smalls = st.integers(-1, 9)
ages = st.sampled_from([0, 1, 60, 900, 86_400])
distances = st.sampled_from([{"bps": 2}, {"bps": 9}, {"quote": Decimal("0.5")}, {"quote": 1}])
growths = st.sampled_from(
    [{"linear": 0}, {"linear": 1}, {"geometric": 2}, {"geometric": Decimal("0.5")}, {"explicit": [1, 2]}, {}]
)
symbols = st.sampled_from(["PAXG/USD", "PAXG/USDT", "PAXG/BTC", "BTC/USDT", "USDT/USD", "USD/USDT"])
half_spreads = distances | tables_of(
    model=st.sampled_from(["sigma_optimal", "avellaneda_stoikov", "glft", "regime"]),
    gamma=decimals,
    decay=decimals,
    multiple=decimals,
    distribution=st.sampled_from(["normal", "measured"]),
    horizon_s=ages,
    narrow=distances,
    wide=distances,
    larger=decimals,
)
usable_half_spreads = st.sampled_from(
    [{"bps": 3}, AS, {"model": "glft", "gamma": 1}, {"model": "sigma_optimal"}, REGIME]
)
policies = st.sampled_from(["shift", "bid_only", "both_sides", "position", "reservation"])
inventories = tables_of(
    policy=policies,
    min_ratio=decimals,
    max_ratio=decimals,
    max_shift_share=decimals,
    target_base=decimals,
    threshold_base=decimals,
    max_base=decimals,
    half_spread_below=distances,
    half_spread_above=distances,
)
usable_inventories = st.sampled_from(
    [{"policy": "shift"}, {"policy": "reservation"}, POSITION, {"policy": "bid_only", **HALVES}]
)
models = tables_of(
    fair_price=st.sampled_from(["last", "mid", "microprice", "depth_weighted", "reference", "implied"]),
    depth_levels=smalls,
    reference=tables_of(
        symbol=symbols, convert=symbols, venue=st.sampled_from(["binance", "binanceus"]), min_rate=decimals
    ),
    triangle=tables_of(min_edge_bps=decimals),
    implied=tables_of(through=st.sampled_from(["BTC", "USDT"])),
    half_spread=half_spreads | usable_half_spreads,
    inventory=inventories | usable_inventories,
    ladder=tables_of(levels=smalls, spacing=growths, sizes=growths),
    touch=tables_of(placement=st.sampled_from(["join", "improve", "back_off"]), ticks=smalls),
    size_skew=tables_of(range_ratio=decimals),
    carry=tables_of(interest=decimals, horizon_s=ages),
    break_even=tables_of(max_age_s=ages, max_loss_share=decimals, averages=st.booleans()),
    run_guard=tables_of(orders=smalls, widen=decimals),
    assumed_volatility=decimals,
    max_statistics_age_s=ages,
)


plausible = tables_of(
    fair_price=st.sampled_from(["last", "mid", "microprice", "depth_weighted", "reference", "implied"]),
    reference=st.sampled_from([REFERENCE, {"symbol": "PAXG/USDT", "venue": "binanceus"}]),
    implied=st.just({"through": "BTC"}),
    triangle=st.just({}),
    half_spread=usable_half_spreads,
    inventory=usable_inventories,
    ladder=st.fixed_dictionaries(
        {"levels": st.just(2)},
        optional={
            "spacing": st.sampled_from([{"linear": 1}, {"geometric": 2}, {"explicit": [1, 3]}]),
            "sizes": st.sampled_from([{"linear": 0}, {"geometric": Decimal("0.5")}, {"explicit": [3, 1]}]),
        },
    ),
    touch=st.sampled_from([{"placement": "join"}, {"placement": "back_off", "ticks": 3}]),
    size_skew=st.just({}),
    carry=st.just({}),
    break_even=st.just({"averages": True}),
    run_guard=st.sampled_from([{}, {"widen": 2}]),
)
"""Models that are right one by one; together some contradict each other."""


def assert_usable(market: MarketSettings) -> None:
    """Hold the settings to what the domain relies on and does not check again."""
    ladder = market.ladder
    assert ladder.distances[0] == 1
    assert list(ladder.distances) == sorted(set(ladder.distances))
    assert min(ladder.sizes) > ZERO
    assert 1 <= ladder.levels <= 8
    assert market.fair_price not in {"reference", "implied"} or market.second_price is not None
    policy = market.inventory_band
    assert policy.min_ratio < policy.max_ratio
    if isinstance(policy, PositionSkew):
        assert abs(policy.target_base) + policy.threshold_base < policy.max_base
    if isinstance(policy, ReservationPrice):
        assert isinstance(market.half_spread, AvellanedaStoikov | Glft)
    assert market.assumed_volatility > ZERO


@given(plausible | models)
def test_any_models_give_usable_settings_or_are_refused_in_one_line(keys: dict[str, Any]) -> None:
    try:
        deployment = parse(with_keys(**keys))
    except ConfigError:
        assert refusal(with_keys(**keys)).startswith(f"{FILE}: {AT}.")
    else:
        (market,) = deployment.accounts[AccountName("main")].markets
        assert_usable(market)
