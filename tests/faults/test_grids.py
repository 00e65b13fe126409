"""What is sent fits the venue's grids; where those change it is refused once and then fits again (R18)."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from infra.local.exchange.dialect import ApiRequest
from infra.local.exchange.replies import Delivery
from marketmaker.domain.distances import Distance, QuoteDistance
from tests.builders import absolute_band, market_settings, shift_band
from tests.faults.world import CREATE, METADATA, World, Worlds, usual_settings

pytestmark = pytest.mark.row("R18")

D = Decimal
ONE_A_SIDE = {"BUY": 1, "SELL": 1}
PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
MINUTE_TICKS = 12


def refusals(world: World) -> dict[str, int]:
    return dict(world.exchange()["orders"]["rejected_reasons"])


def prices(world: World) -> dict[str, Decimal]:
    return {each["side"]: D(each["price"]) for each in world.own_orders()}


def tapped(world: World) -> list[dict[str, str]]:
    """Keep the fields of every create as it reaches the exchange."""
    sent: list[dict[str, str]] = []
    venue = world.served.venue
    receive: Callable[[ApiRequest], Delivery] = venue.receive

    def note(request: ApiRequest) -> Delivery:
        if request.route == CREATE:
            fields = parse_qs(request.body) | parse_qs(request.query)
            sent.append({name: values[0] for name, values in fields.items()})
        return receive(request)

    venue.receive = note  # type: ignore[method-assign]
    return sent


def spread(quote: str) -> Distance:
    return QuoteDistance(quote=D(quote))


@pytest.mark.parametrize("tick_size", ["0.3", "7", "0.00000007"])
def test_a_changed_tick_size_is_refused_once_and_then_quoted(world: World, tick_size: str) -> None:
    world.tick()
    world.arm(fault="changed_tick_size", tick_size=tick_size)
    read = world.requests(METADATA)
    world.jump(2)
    for _ in range(MINUTE_TICKS):
        world.tick()
    assert refusals(world).get("off_tick", 0) <= 2
    assert world.sides() == ONE_A_SIDE
    assert all(price % D(tick_size) == 0 for price in prices(world).values())
    assert world.requests(METADATA) - read <= 1
    assert world.alerts.sent == []


def test_a_grid_that_explains_no_refusal_is_not_tried_for_ever(world: World) -> None:
    world.tick()
    world.arm(fault="changed_tick_size", tick_size="0.3", route=CREATE)
    world.jump(2)
    world.tick(4 * MINUTE_TICKS)
    assert 1 <= refusals(world)["off_tick"] <= 2
    assert world.own_orders() == []
    world.clear_faults()
    world.skip(600)
    world.tick(3)
    assert world.sides() == ONE_A_SIDE


def test_bids_are_rounded_down_and_asks_up(worlds: Worlds) -> None:
    world = worlds.new(usual_settings(market_settings(half_spread=spread("0.5077"), order_size_base="0.10009")))
    sent = tapped(world)
    world.tick()
    assert prices(world) == {"BUY": D("1899.49"), "SELL": D("1900.51")}
    assert {each["quantity"] for each in sent} == {"0.1"}
    assert refusals(world) == {}


@pytest.mark.parametrize(
    ("half_spread", "size_base", "lot_size"),
    [("100", "10", "10"), ("0.5", "0.0000005", "0.0000001"), ("0.5", "0.00000012", "0.00000001")],
)
def test_nothing_is_sent_with_an_exponent(worlds: Worlds, half_spread: str, size_base: str, lot_size: str) -> None:
    band = shift_band(min_ratio="0.01", max_ratio="0.99")
    settings = market_settings(
        half_spread=spread(half_spread),
        order_size_base=size_base,
        inventory_band=band,
        price_band=absolute_band("1700", "2100"),
    )
    world = worlds.new(usual_settings(settings), metadata=False)
    listing = world.served.venue.listing
    lot, least = D(lot_size), D("0.0001")
    rules = replace(listing.engine.instrument, lot_size=lot, min_size_base=lot, min_notional_quote=least)
    listing.engine.instrument = rules
    sent = tapped(world)
    world.tick()
    world.jump(-1)
    world.tick()
    assert world.sides() == ONE_A_SIDE
    assert len(sent) >= 2
    assert all(PLAIN.fullmatch(each[name]) for each in sent for name in ("price", "quantity")), sent
    assert {D(each["quantity"]) for each in sent} == {D(size_base)}


@pytest.mark.parametrize(
    ("size_base", "reason"),
    [("0.0026", "below_min_notional"), ("0.00009", "below_min_size"), ("0.002", "below_min_notional")],
)
def test_what_is_too_small_is_skipped_with_a_reason_and_not_sent(worlds: Worlds, size_base: str, reason: str) -> None:
    world = worlds.new(usual_settings(market_settings(order_size_base=size_base)))
    for _ in range(4):
        (market,) = world.tick().summary()["markets"]
        assert market["skipped"] == [("buy", reason), ("sell", reason)]
    assert world.requests(CREATE) == 0


def test_a_raised_minimum_is_refused_once_and_then_skipped(world: World) -> None:
    world.tick()
    engine = world.served.venue.listing.engine
    engine.instrument = replace(engine.instrument, min_notional_quote=D(500))
    world.jump(2)
    world.tick(MINUTE_TICKS)
    assert refusals(world).get("below_min_notional", 0) == 2
    (market,) = world.tick().summary()["markets"]
    assert market["skipped"] == [("buy", "below_min_notional"), ("sell", "below_min_notional")]
    assert world.own_orders() == []
