"""The published numbers, from `tests/golden.json`: each entry says its source and tolerance."""

import json
from decimal import Decimal

import pytest

from marketmaker.domain.break_even import break_even_price
from marketmaker.domain.distances import QuoteDistance
from marketmaker.domain.inventory import book_fill
from marketmaker.domain.ladder import linear_multiples
from marketmaker.domain.models import BidOnlyBand, BothSidesBand, PositionSkew, Ramp, SkewEffect
from marketmaker.domain.optimum import NORMAL_BEST_SIGMAS, normal_optimum, two_sided_tail
from marketmaker.domain.orders import Fill, Side
from marketmaker.domain.reservation import avellaneda_stoikov, glft
from marketmaker.domain.skew import Holding, Skew, skew
from marketmaker.domain.spreads import SpreadInputs, Width, width
from marketmaker.domain.triangle import TriangleBooks, TriangleDirection, triangle_edge
from marketmaker.domain.units import ONE, ZERO, ceil_to_tick
from tests.avellaneda_stoikov import Strategy, simulate
from tests.builders import book, fee, fees, fill, instrument, inventory
from tests.golden import PATH, golden

_REQUIREMENTS = PATH.parent.parent.parent / "shared" / "golden.json"
_PATHS = 1000


@pytest.mark.skipif(not _REQUIREMENTS.exists(), reason="the requirements are not beside this checkout")
def test_the_numbers_are_those_of_the_requirements() -> None:
    assert json.loads(PATH.read_text()) == json.loads(_REQUIREMENTS.read_text())


# M6


def test_the_normal_optimum_is_the_exact_one() -> None:
    entry = golden("sigma_optimal")
    best, value = normal_optimum(float(entry["sigma"]))
    assert pytest.approx(float(entry["z_star"]), abs=1e-12) == NORMAL_BEST_SIGMAS
    assert best == pytest.approx(float(entry["d_star"]), rel=1e-11)
    assert value == pytest.approx(float(entry["value"]), rel=1e-11)


def test_the_table_of_the_arabic_guide_holds_exactly_and_as_printed_to_a_percent_of_probability() -> None:
    entry = golden("sigma_optimal")
    for text, exact in entry["table_exact"].items():
        distance, printed = float(text), float(entry["table_as_printed"][text])
        tail = two_sided_tail(distance, float(entry["sigma"]))
        assert distance * tail == pytest.approx(float(exact), abs=5e-8)
        assert abs(printed / distance - tail) < 0.01


@pytest.mark.parametrize(("distance", "inside"), [(0.04, 0.68), (0.12, 0.997)])
def test_as_many_moves_lie_inside_as_the_guide_says(distance: float, inside: float) -> None:
    assert 1 - two_sided_tail(distance, 0.04) == pytest.approx(inside, abs=0.005)


# Avellaneda & Stoikov 2008; Guéant, Lehalle & Fernandez-Tapia 2013


@pytest.mark.parametrize(("gamma", "spread"), [(0.1, 1.6908), (1.0, 5.0217)])
def test_the_spread_at_the_start_is_the_papers(gamma: float, spread: float) -> None:
    half, shift = avellaneda_stoikov(gamma=gamma, sigma=2, decay=1.5, horizon_s=1)
    assert 2 * half == pytest.approx(spread, abs=5e-5)
    assert shift == pytest.approx(gamma * 4)


@pytest.mark.parametrize("gamma", ["0.1", "1"])
@pytest.mark.parametrize("strategy", Strategy)
def test_a_thousand_simulated_paths_give_the_papers_tables(gamma: str, strategy: Strategy) -> None:
    entry, name = golden("avellaneda_stoikov_2008"), f"gamma_{gamma}"
    spread, *printed = map(float, entry[name][strategy])
    profit, profit_sd, q_sd = map(float, entry["limits_100k"][name][strategy])
    outcome = simulate(strategy, float(gamma), _PATHS, seed=1)
    assert outcome.spread == pytest.approx(spread, abs=0.005)
    for limit_profit, limit_sd, limit_q, limit_q_sd in ((profit, profit_sd, 0.0, q_sd), tuple(printed)):
        assert abs(outcome.profit - limit_profit) < 5 * profit_sd / _PATHS**0.5
        assert abs(outcome.profit_sd - limit_sd) < 5 * profit_sd / (2 * _PATHS) ** 0.5
        assert abs(outcome.final_q - limit_q) < 5 * q_sd / _PATHS**0.5
        assert abs(outcome.final_q_sd - limit_q_sd) < 5 * q_sd / (2 * _PATHS) ** 0.5


def test_the_asymptotic_quotes_are_those_of_the_closed_form() -> None:
    for vector in golden("glft")["vectors"]:
        sigma, intensity, decay, gamma = (float(vector[name]) for name in ("sigma", "A", "k", "gamma"))
        half, shift = glft(gamma=gamma, sigma=sigma, intensity=intensity, decay=decay)
        assert shift == pytest.approx(float(vector["S"]), abs=5e-7)
        assert half - shift / 2 == pytest.approx(float(vector["base"]), abs=5e-7)
        assert 2 * half == pytest.approx(float(vector["spread"]), abs=5e-6)
        for held, distance in vector["delta_b"].items():
            assert half + shift * int(held) == pytest.approx(float(distance), abs=5e-7)


def test_the_asymptotic_quotes_are_those_of_hftbacktest() -> None:
    vector = golden("glft")["hftbacktest_vector"]
    half, shift = glft(
        gamma=float(vector["gamma"]),
        sigma=float(vector["sigma"]),
        intensity=float(vector["A"]),
        decay=float(vector["k"]),
        size=float(vector["Delta"]),
    )
    assert half == pytest.approx(float(vector["half_spread"]), rel=1e-12)
    assert shift == pytest.approx(float(vector["skew"]), rel=1e-12)


# M1–M3, S1, S18, P9


def test_the_round_trip_with_a_rebate_earns_what_the_guide_says() -> None:
    entry = golden("rebate_round_trip")
    held, bought = book_fill(inventory(base="0"), _traded(Side.BUY, entry["buy"], -entry["maker_rebate"]), instrument())
    assert held.average_cost_quote == entry["net_cost"] == -bought.quote_change
    sold, row = book_fill(held, _traded(Side.SELL, entry["sell"], -entry["maker_rebate"]), instrument())
    assert row.quote_change == entry["net_proceeds"]
    assert sold.pnl_quote(entry["sell"]) == entry["profit"]
    _, taken = book_fill(held, _traded(Side.SELL, Decimal(100), entry["taker_fee"]), instrument())
    assert taken.quote_change == entry["taker_sells_at_100_receives"]


def test_the_ask_rests_at_break_even_and_follows_the_average_down() -> None:
    entry = golden("break_even")
    rebate = fees(maker_bps=-entry["maker_rebate"] * 10_000)
    held, _ = book_fill(inventory(base="0"), _traded(Side.BUY, Decimal(100), -entry["maker_rebate"]), instrument())
    assert held.average_cost_quote == entry["net_cost"]
    price = break_even_price(held, rebate)
    assert price is not None
    assert ceil_to_tick(price, entry["tick"]) == entry["ask"]
    held, _ = book_fill(held, _traded(Side.BUY, Decimal("99.80"), -entry["maker_rebate"]), instrument())
    price = break_even_price(held, rebate)
    assert price is not None
    assert ceil_to_tick(price, entry["tick"]) == Decimal("99.89")


def test_chasing_the_market_below_break_even_locks_in_the_loss() -> None:
    entry = golden("break_even")
    held, _ = book_fill(inventory(base="0"), _traded(Side.BUY, Decimal(100), -entry["maker_rebate"]), instrument())
    held, _ = book_fill(held, _traded(Side.SELL, Decimal("99.81"), -entry["maker_rebate"]), instrument())
    assert held.pnl_quote(Decimal("99.81")) == entry["chasing_at_99.81"]


def test_the_simple_spread_earns_its_round_trip_and_loses_it_at_ten_times_the_fee() -> None:
    entry = golden("spot_simple")
    for rate, earned in ((entry["maker_fee"], "round_trip_per_unit"), (Decimal("0.001"), "at_fee_0.001")):
        held, _ = book_fill(inventory(base="0"), _traded(Side.BUY, entry["bid"], rate), instrument())
        held, _ = book_fill(held, _traded(Side.SELL, entry["ask"], rate), instrument())
        assert held.pnl_quote(entry["fair"]) == entry[earned]


def test_a_position_is_marked_and_a_round_trip_earns_as_the_guides_say() -> None:
    mark = golden("mark_loss")
    held, _ = book_fill(
        inventory(base="0"), fill(Side.BUY, mark["cost"], mark["amount"], charged=fee("0")), instrument()
    )
    assert held.unrealised_quote(mark["mark"]) == mark["unrealised"]
    trip = golden("perp_round_trip")
    for price, earned in ((trip["sell"], trip["profit"]), (Decimal("99.99"), trip["with_formula_sell_99.99"])):
        held, _ = book_fill(inventory(base="0"), fill(Side.BUY, trip["buy"], trip["amount"]), instrument())
        held, _ = book_fill(held, fill(Side.SELL, price, trip["amount"]), instrument())
        assert (held.base, held.realised_quote) == (ZERO, earned)


# P1, S1, S2, P3


def test_the_ladder_is_the_guides() -> None:
    entry = golden("ladder")
    offsets = [entry["price"] * entry["spread"] * each for each in linear_multiples(int(entry["levels"]), ONE)]
    assert [entry["price"] - each for each in offsets] == entry["bids"]
    assert [entry["price"] + each for each in offsets] == entry["asks"]


def test_the_simple_spread_quotes_at_the_guides_prices() -> None:
    entry = golden("spot_simple")
    fair = entry["fair"]
    inputs = SpreadInputs(fair=fair, order_size_base=Decimal("0.1"), exposure_ms=5_500, statistics=None)
    wanted = width(QuoteDistance(quote=Decimal("0.5")), inputs)
    assert isinstance(wanted, Width)
    assert (fair - wanted.half_spread, fair + wanted.half_spread) == (entry["bid"], entry["ask"])


@pytest.mark.parametrize(("ratio", "bid"), [("0.51", "above_max_bid"), ("0.19", "below_min_bid")])
def test_the_guides_text_moves_the_bid_alone(ratio: str, bid: str) -> None:
    entry = golden("spot_simple")
    policy = BidOnlyBand(
        min_ratio=Decimal("0.2"),
        max_ratio=Decimal("0.5"),
        half_spread_below=QuoteDistance(quote=Decimal("0.2")),
        half_spread_above=QuoteDistance(quote=Decimal("1.0")),
    )
    by = skew(policy, _holding(entry["fair"], ratio=ratio), Decimal("0.5"), ZERO)
    assert _quoted(entry["fair"], by, Decimal("0.5")) == (entry["bid_only"][bid], entry["ask"])


@pytest.mark.parametrize(("ratio", "where"), [("0.51", "above"), ("0.35", "inside"), ("0.19", "below")])
def test_the_guides_code_widens_and_narrows_both_sides(ratio: str, where: str) -> None:
    entry = golden("spot_simple")
    half_spread = entry["both_sides"][where]
    policy = BothSidesBand(
        min_ratio=Decimal("0.2"),
        max_ratio=Decimal("0.5"),
        half_spread_below=QuoteDistance(quote=entry["both_sides"]["below"]),
        half_spread_above=QuoteDistance(quote=entry["both_sides"]["above"]),
    )
    by = skew(policy, _holding(entry["fair"], ratio=ratio), entry["both_sides"]["inside"], ZERO)
    quoted = _quoted(entry["fair"], by, entry["both_sides"]["inside"])
    assert quoted == (entry["fair"] - half_spread, entry["fair"] + half_spread)


@pytest.mark.parametrize("effect", SkewEffect)
def test_the_position_skew_quotes_at_the_guides_prices(effect: SkewEffect) -> None:
    entry = golden("skew")
    policy = PositionSkew(
        min_ratio=ZERO,
        max_ratio=ONE,
        target_base=entry["target"],
        threshold_base=entry["threshold"],
        max_base=entry["max"],
        skew=entry["skew"],
        effect=effect,
        ramp=Ramp(entry["ramp"]),
    )
    half_spread = entry["price"] * entry["spread"]
    by = skew(policy, _holding(entry["price"], base=entry["position"]), half_spread, ZERO)
    assert _quoted(entry["price"], by, half_spread) == (entry[effect]["bid"], entry[effect]["ask"])
    assert abs(by.shift or by.widen_bid) == entry["offset"]


# S15


@pytest.mark.parametrize("direction", TriangleDirection)
def test_the_triangle_of_the_guide_has_no_edge(direction: TriangleDirection) -> None:
    entry = golden("triangle")
    direct, source, rate = (
        book(bids=[(entry[name], 5)], asks=[(entry[name], 5)]) for name in ("paxg_usdt", "paxg_btc", "btc_usdt")
    )
    edge = triangle_edge(TriangleBooks(direct=direct, source=source, rate=rate), ZERO, direction)
    assert edge.top_edge_bps == entry["edge"]
    assert edge.size_base == ZERO


def _traded(side: Side, price: Decimal, rate: Decimal) -> Fill:
    return fill(side, price, "1", charged=fee(price * rate))


def _holding(fair: Decimal, *, ratio: str = "0.35", base: Decimal = ONE) -> Holding:
    return Holding(ratio=Decimal(ratio), base=base, fair=fair, equity_quote=fair * base / Decimal(ratio))


def _quoted(fair: Decimal, by: Skew, half_spread: Decimal) -> tuple[Decimal, Decimal]:
    return fair + by.shift - half_spread - by.widen_bid, fair + by.shift + half_spread + by.widen_ask
