"""No quote is narrower than what it costs: fees, the cadence at the market's volatility, and one tick (R36)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.distances import BpsDistance, Distance, QuoteDistance
from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.quoting import Quotes
from tests.builders import both_sides_band, fees, market_settings, tolerance
from tests.faults.measured import measure
from tests.faults.world import World, Worlds, usual_settings

pytestmark = pytest.mark.row("R36")

D = Decimal
CALM = "0.000001"


def width(world: World) -> Decimal:
    prices = {each["side"]: D(each["price"]) for each in world.own_orders()}
    return prices["SELL"] - prices["BUY"]


@pytest.mark.parametrize("maker_bps", ["0", "1", "5", "10", "50"])
@pytest.mark.parametrize("half_spread", [QuoteDistance(quote=D("0.05")), BpsDistance(bps=D("0.5"))])
def test_a_width_below_the_fee_break_even_is_widened_and_the_figure_shown(
    worlds: Worlds, maker_bps: str, half_spread: Distance
) -> None:
    settings = market_settings(fee_schedule=fees(maker_bps=maker_bps), half_spread=half_spread, assumed_volatility=CALM)
    world = worlds.new(usual_settings(settings))
    report = world.tick()
    least = 2 * max(D(1900) * D(maker_bps) / 10_000, half_spread.at(D(1900)))
    assert least <= width(world) <= least + D("0.03")
    desired = report.markets[0].desired
    assert isinstance(desired, Quotes)
    assert desired.floor >= D(1900) * D(maker_bps) / 10_000


def test_an_unmeasured_market_is_taken_for_as_volatile_as_its_settings_say(worlds: Worlds) -> None:
    narrow = QuoteDistance(quote=D("0.05"))
    widths = []
    for volatility in ("0.1", "0.6", "3"):
        world = worlds.new(usual_settings(market_settings(half_spread=narrow, assumed_volatility=volatility)))
        world.tick()
        widths.append(width(world))
    assert widths == sorted(set(widths))
    assert widths[0] > 2 * D("0.19"), "what nobody measured is never nothing"


def test_a_measured_volatility_widens_and_narrows_what_its_cadence_costs(worlds: Worlds) -> None:
    settings = market_settings(half_spread=QuoteDistance(quote=D("0.05")), replace_tolerance=tolerance(price_share="0"))
    world = worlds.new(usual_settings(settings))
    world.tick()
    assumed = width(world)
    measure(world, sigma=1e-3)
    world.restart()
    world.tick()
    assert width(world) > assumed + 2 * D("1")
    world.skip(61)
    measure(world, sigma=1e-9)
    world.restart()
    world.tick()
    assert 2 * D("0.19") <= width(world) < assumed


def test_a_measurement_that_is_too_old_is_none(worlds: Worlds) -> None:
    settings = market_settings(half_spread=QuoteDistance(quote=D("0.05")))
    world = worlds.new(usual_settings(settings))
    measure(world, sigma=1e-3)
    world.skip(901)
    world.tick()
    assert width(world) < D(1)


@pytest.mark.parametrize(("base", "quote"), [("20", "10000"), ("1", "65000")])
def test_no_inventory_policy_undercuts_the_floor(worlds: Worlds, base: str, quote: str) -> None:
    market = market_settings(
        fee_schedule=fees(maker_bps="5"),
        half_spread=QuoteDistance(quote=D(3)),
        inventory_band=both_sides_band(below="0.1", above="0.2"),
    )
    part = CapitalAmount(amount=D(base)), CapitalAmount(amount=D(quote))
    world = worlds.new(usual_settings(replace(market, capital_base=part[0], capital_quote=part[1])))
    world.tick()
    assert 2 * D("0.95") <= width(world) <= 2 * D("1.05"), "outside the band, 0.1 or 0.2 takes the place of 3"
