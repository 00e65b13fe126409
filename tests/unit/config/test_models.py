"""Every model that a market's table can name, as the domain's own settings, and what its defaults are."""

from decimal import Decimal, localcontext
from typing import Any

import pytest

from marketmaker.domain.distances import BpsDistance, PriceRange, QuoteDistance
from marketmaker.domain.markets import MarketSettings
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
    TriangleSettings,
)
from marketmaker.domain.units import AccountName, Symbol
from tests.unit.config.documents import PAXG, changed, minimal_document, parse

BAND = {"min_ratio": Decimal("0.2"), "max_ratio": Decimal("0.5")}
STABLE = PriceRange(low=Decimal("0.98"), high=Decimal("1.02"))


def document(**keys: Any) -> dict[str, Any]:
    """The minimal deployment with these keys of its market."""
    result = minimal_document()
    for key, value in keys.items():
        result = changed(result, (*PAXG, key), value)
    return result


def market(**keys: Any) -> MarketSettings:
    (found,) = parse(document(**keys)).accounts[AccountName("main")].markets
    return found


def listing(symbol: str, venue: str = "binance") -> Listing:
    return Listing(venue=venue, symbol=Symbol(symbol))


def numbers(*values: object) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(each)) for each in values)


def test_without_models_a_market_has_one_level_and_no_guards() -> None:
    plain = market()

    assert plain.ladder == ONE_LEVEL
    assert plain.second_price is None
    unused = (
        plain.reference, plain.implied, plain.touch, plain.size_skew, plain.carry, plain.break_even, plain.run_guard,
        plain.triangle,
    )  # fmt: skip
    assert set(unused) == {None}
    assert (plain.max_deviation_bps, plain.depth_levels) == (Decimal(100), 3)
    assert (plain.assumed_volatility, plain.max_statistics_age_ms) == (Decimal("0.6"), 900_000)


@pytest.mark.parametrize(("interval_s", "exposure_ms"), [(2, 2_500), (5, 5_500), (60, 60_500)])
def test_a_quote_is_exposed_for_the_interval_and_the_latency(interval_s: int, exposure_ms: int) -> None:  # R36
    clocks = {"interval_s": interval_s, "request_ttl_ms": 900}
    (found,) = parse(changed(minimal_document(), ("clocks",), clocks)).accounts[AccountName("main")].markets

    assert found.exposure_ms == exposure_ms


@pytest.mark.parametrize("name", ["last", "mid", "microprice", "depth_weighted"])
def test_a_fair_price_of_the_markets_own_book_needs_its_name_only(name: str) -> None:
    assert market(fair_price=name).fair_price is FairPriceModel(name)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"symbol": "PAXG/USDT", "venue": "binanceus"},
            SecondPrice(source=listing("PAXG/USDT", "binanceus"), max_age_ms=10_000),
        ),
        (
            {"symbol": "PAXG/USD", "convert": "USDT/USD"},
            SecondPrice(
                source=listing("PAXG/USD"),
                rate=listing("USDT/USD"),
                divides=True,
                rate_range=STABLE,
                max_age_ms=10_000,
            ),
        ),
        (
            {
                "symbol": "PAXG/BTC",
                "convert": "BTC/USDT",
                "venue": "binanceus",
                "min_rate": 20000,
                "max_rate": 200000,
                "max_age_s": 3,
            },
            SecondPrice(
                source=listing("PAXG/BTC", "binanceus"),
                rate=listing("BTC/USDT", "binanceus"),
                rate_range=PriceRange(low=Decimal(20000), high=Decimal(200000)),
                max_age_ms=3_000,
            ),
        ),
    ],
)
def test_a_reference_is_converted_the_way_its_symbols_say(table: dict[str, Any], expected: SecondPrice) -> None:
    found = market(fair_price="reference", reference=table)

    assert found.second_price == expected


def test_an_implied_price_goes_through_two_books_of_the_accounts_venue() -> None:  # S15
    found = market(fair_price="implied", implied={"through": "BTC"})

    assert found.second_price == SecondPrice(source=listing("PAXG/BTC"), rate=listing("BTC/USDT"), max_age_ms=10_000)


def test_the_triangle_of_an_implied_price_is_told_of_by_default_from_5_bps_on() -> None:  # S15
    found = market(implied={"through": "BTC"}, triangle={})

    assert found.triangle == TriangleSettings(min_edge_bps=Decimal(5), min_profit_quote=Decimal(1))
    assert found.second_price is None


HALF_SPREADS: list[tuple[dict[str, Any], HalfSpread]] = [
    ({"quote": Decimal("0.5")}, QuoteDistance(quote=Decimal("0.5"))),
    ({"bps": Decimal("2.6")}, BpsDistance(bps=Decimal("2.6"))),
    ({"model": "sigma_optimal"}, SigmaOptimal(distribution=Distribution.MEASURED, multiple=Decimal(1))),
    (
        {"model": "sigma_optimal", "distribution": "normal", "multiple": Decimal("1.5")},
        SigmaOptimal(distribution=Distribution.NORMAL, multiple=Decimal("1.5")),
    ),
    (
        {"model": "avellaneda_stoikov", "gamma": Decimal("0.1")},
        AvellanedaStoikov(gamma=Decimal("0.1"), horizon_ms=60_000, decay=None),
    ),
    (
        {"model": "avellaneda_stoikov", "gamma": 2, "horizon_s": 300, "decay": Decimal("1.5")},
        AvellanedaStoikov(gamma=Decimal(2), horizon_ms=300_000, decay=Decimal("1.5")),
    ),
    ({"model": "glft", "gamma": 1}, Glft(gamma=Decimal(1), intensity=None, decay=None)),
    (
        {"model": "glft", "gamma": 1, "intensity": 2, "decay": 3},
        Glft(gamma=Decimal(1), intensity=Decimal(2), decay=Decimal(3)),
    ),
    (
        {"model": "regime", "narrow": {"bps": 2}, "wide": {"quote": 1}},
        Regime(
            narrow=BpsDistance(bps=Decimal(2)),
            wide=QuoteDistance(quote=Decimal(1)),
            larger=Decimal("1.5"),
            smaller=Decimal("0.5"),
            compact=Decimal("0.5"),
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("table", "expected"), HALF_SPREADS)
def test_a_half_spread_is_told_by_its_model_or_by_its_unit(table: dict[str, Any], expected: HalfSpread) -> None:
    assert market(half_spread=table).half_spread == expected


POLICIES: list[tuple[dict[str, Any], InventoryBand]] = [
    (
        {"policy": "bid_only", "half_spread_below": {"quote": Decimal("0.2")}, "half_spread_above": {"quote": 1}},
        BidOnlyBand(
            **BAND,
            half_spread_below=QuoteDistance(quote=Decimal("0.2")),
            half_spread_above=QuoteDistance(quote=Decimal(1)),
        ),
    ),
    (
        {"policy": "position", "max_base": 3},
        PositionSkew(
            **BAND,
            target_base=Decimal(0),
            threshold_base=Decimal(0),
            max_base=Decimal(3),
            skew=Decimal("0.5"),
            effect=SkewEffect.SHIFT,
            ramp=Ramp.LINEAR,
        ),
    ),
    (
        {
            "policy": "position",
            "target_base": 1,
            "threshold_base": 2,
            "max_base": 5,
            "skew": Decimal("0.3"),
            "effect": "widen",
            "ramp": "none",
        },
        PositionSkew(
            **BAND,
            target_base=Decimal(1),
            threshold_base=Decimal(2),
            max_base=Decimal(5),
            skew=Decimal("0.3"),
            effect=SkewEffect.WIDEN,
            ramp=Ramp.NONE,
        ),
    ),
]


@pytest.mark.parametrize(("table", "expected"), POLICIES)
def test_an_inventory_policy_is_told_by_its_name(table: dict[str, Any], expected: InventoryBand) -> None:
    assert market(inventory=table).inventory_band == expected


@pytest.mark.parametrize("model", ["avellaneda_stoikov", "glft"])
def test_a_reservation_price_comes_from_a_model_that_has_one(model: str) -> None:
    found = market(half_spread={"model": model, "gamma": 1}, inventory={"policy": "reservation"})

    assert found.inventory_band == ReservationPrice(**BAND, max_shift_share=Decimal("0.5"))


@pytest.mark.parametrize(
    ("table", "distances", "sizes"),
    [
        ({}, (1,), (1,)),
        ({"levels": 3}, (1, 2, 3), (1, 1, 1)),  # P1
        ({"levels": 3, "spacing": {"linear": Decimal("0.5")}, "sizes": {"linear": 1}}, (1, 1.5, 2), (1, 2, 3)),
        ({"levels": 3, "spacing": {"geometric": Decimal("1.5")}}, (1, 1.5, 2.25), (1, 1, 1)),
        ({"levels": 2, "sizes": {"geometric": Decimal("0.5")}}, (1, 2), (1, 0.5)),
        (
            {"levels": 3, "spacing": {"explicit": [1, 1.5, 3]}, "sizes": {"explicit": [2, 1, 1]}},
            (1, 1.5, 3),
            (2, 1, 1),
        ),
    ],
)
def test_a_ladder_grows_as_it_is_told(
    table: dict[str, Any], distances: tuple[float, ...], sizes: tuple[float, ...]
) -> None:
    assert market(ladder=table).ladder == Ladder(distances=numbers(*distances), sizes=numbers(*sizes))


def test_a_ladder_has_the_digits_of_money_in_whatever_context_it_is_read() -> None:
    table = {"levels": 3, "spacing": {"geometric": Decimal("1.000000000000000001")}}
    with localcontext(prec=10):
        found = market(ladder=table).ladder

    assert found.distances == numbers("1", "1.000000000000000001", "1.000000000000000002")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"placement": "join"}, TouchRule(placement=Placement.JOIN, ticks=0)),
        ({"placement": "improve"}, TouchRule(placement=Placement.IMPROVE, ticks=1)),
        ({"placement": "improve", "ticks": 3}, TouchRule(placement=Placement.IMPROVE, ticks=3)),
        ({"placement": "back_off"}, TouchRule(placement=Placement.BACK_OFF, ticks=1)),
        ({"placement": "back_off", "ticks": 2}, TouchRule(placement=Placement.BACK_OFF, ticks=2)),
    ],
)
def test_a_placement_beside_the_touch_is_told_in_ticks(table: dict[str, Any], expected: TouchRule) -> None:
    assert market(touch=table).touch == expected


def test_an_empty_table_switches_a_guard_on_with_its_defaults() -> None:
    found = market(size_skew={}, carry={}, break_even={}, run_guard={})

    assert found.size_skew == SizeSkew(range_ratio=Decimal("0.2"))
    assert found.carry == Carry(interest=Decimal("0.1"), max_shift_share=Decimal("0.25"), horizon_ms=86_400_000)
    assert found.break_even == BreakEven(max_age_ms=86_400_000, max_loss_share=Decimal("0.05"), averages=False)
    assert found.run_guard == RunGuard(orders=5, within_ms=60_000, widen=None)


WRITTEN_OUT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"depth_levels": 3, "max_deviation_bps": 100, "assumed_volatility": Decimal("0.6")}),
    ({}, {"max_statistics_age_s": 900, "ladder": {}}),
    ({}, {"ladder": {"levels": 1, "spacing": {"linear": 1}, "sizes": {"linear": 0}}}),
    (
        {"reference": {"symbol": "PAXG/USD", "convert": "USDT/USD"}},
        {"reference": {
            "venue": "binance", "symbol": "PAXG/USD", "convert": "USDT/USD", "min_rate": Decimal("0.980"),
            "max_rate": Decimal("1.02"), "max_age_s": 10,
        }},
    ),
    ({"implied": {"through": "BTC"}}, {"implied": {"through": "BTC", "max_age_s": 10}}),
    (
        {"half_spread": {"model": "sigma_optimal"}},
        {"half_spread": {"model": "sigma_optimal", "distribution": "measured", "multiple": Decimal("1.0")}},
    ),
    (
        {"half_spread": {"model": "avellaneda_stoikov", "gamma": 1}},
        {"half_spread": {"model": "avellaneda_stoikov", "gamma": 1, "horizon_s": 60}},
    ),
    ({"touch": {"placement": "improve"}}, {"touch": {"placement": "improve", "ticks": 1}}),
    ({"run_guard": {}}, {"run_guard": {"orders": 5, "within_s": 60}}),
]  # fmt: skip


@pytest.mark.parametrize(("short", "written_out"), WRITTEN_OUT)
def test_a_default_of_a_model_written_out_changes_neither_settings_nor_hash(
    short: dict[str, Any], written_out: dict[str, Any]
) -> None:
    one, other = parse(document(**short)), parse(document(**written_out))

    assert one.accounts == other.accounts
    assert one.config_hash == other.config_hash
    assert one.said == other.said


def test_values_of_models_are_told_as_the_file_writes_them() -> None:
    ladder = {"levels": 2, "spacing": {"explicit": [1, Decimal("1.50")]}, "sizes": {"explicit": [1, Decimal("1e-8")]}}
    said = parse(document(ladder=ladder)).below("accounts", "main", "markets[PAXG/USDT]", "ladder")

    assert said == {"levels": "2", "spacing.explicit": "[1, 1.5]", "sizes.explicit": "[1, 0.00000001]"}


def test_a_position_without_a_target_and_skew_is_pointed_out_with_advice() -> None:  # P8
    walking = {"policy": "position", "max_base": 3, "skew": 0}

    assert parse(document(inventory=walking)).advice == (
        "accounts.main.markets[PAXG/USDT].inventory: with target_base = 0 and skew = 0 the position will random-walk; "
        "set skew = 0.5 and threshold_base = 1",
    )
    small = parse(document(inventory={**walking, "max_base": Decimal("0.1")})).advice
    assert small[0].endswith("threshold_base = 0.05")


@pytest.mark.parametrize("key", ["target_base", "skew"])
def test_a_position_with_a_target_or_a_skew_needs_no_advice(key: str) -> None:
    table = {"policy": "position", "max_base": 3, "skew": 0, key: 1}

    assert parse(document(inventory=table)).advice == ()


def test_a_market_without_a_position_policy_needs_no_advice() -> None:
    assert parse(minimal_document()).advice == ()
