"""The weights that a deployment is judged by, against what the local exchange counts of the adapter's real requests."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.exchange.backpack.speech import BACKPACK
from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.domain.orders import NewOrder, Side
from marketmaker.domain.request_weights import WEIGHTS, RequestWeights
from marketmaker.domain.units import Symbol
from marketmaker.domain.venues import VENUES
from marketmaker.ports import Deadline
from tests.contract.connected import PAXG, Connected, ccxt_connected
from tests.contract.local_venue import trade_at
from tests.contract.perpetual_venue import book, served_perpetual
from tests.contract.test_local_usdm import KEY, usdm
from tests.contract.test_usdm_venue import SOL, connected, new

MINUTE_MS = 60_000


class Weighed:
    """A venue whose exchange is asked what it has counted."""

    def __init__(self, at: Connected[CcxtVenue], name: str, symbol: Symbol, order: NewOrder) -> None:
        self.at, self.name, self.symbol, self.order = at, name, symbol, order

    @property
    def weights(self) -> RequestWeights:
        return WEIGHTS[self.name]

    def weight(self, ask: Callable[[CcxtVenue, Deadline], object]) -> int:
        """Ask in a minute of its own, at its beginning; returns what the venue counted."""
        self.at.local.skip((MINUTE_MS - self.at.clock.now_ms() % MINUTE_MS) / 1000)
        ask(self.at.venue, self.at.deadline())
        return round(self.at.venue.rate_limit().used_share * VENUES[self.name].request_weight_a_minute)


@pytest.fixture(params=["binance", "binanceusdm"])
def weighed(request: pytest.FixtureRequest) -> Iterator[Weighed]:
    name: str = request.param
    if name == "binance":
        with ccxt_connected([trade_at(10, Side.SELL, "1898.5", "5")]) as spot:
            spot.venue.fetch_metadata([PAXG], spot.deadline())
            yield Weighed(spot, name, PAXG, spot.new(Side.BUY, "1898.5"))
    else:
        market = [book(100_000)]
        with served_perpetual(BINANCE_USDM, UsdmListing, KEY, usdm, market) as local:
            yield Weighed(connected(local), name, SOL, new(Side.BUY, "98.5"))


def test_a_look_weighs_what_the_venue_counts(weighed: Weighed) -> None:
    weights = weighed.weights
    held = weights.positions + weights.premium if ":" in weighed.symbol else 0
    look = weighed.weight(lambda venue, deadline: venue.observe([weighed.symbol], [weighed.symbol], deadline))
    assert look == weights.open_orders + weights.balances + weights.book + weights.last_price + held


def test_each_other_request_weighs_what_the_venue_counts(weighed: Weighed) -> None:
    weights, at = weighed.weights, weighed.at
    placed = weighed.weight(lambda venue, deadline: venue.place([weighed.order], deadline))
    (resting,) = at.venue.open_orders(at.deadline())
    now_ms = at.clock.now_ms() // MINUTE_MS * MINUTE_MS
    found = {
        "create": placed,
        "cancel": weighed.weight(lambda venue, deadline: venue.cancel([resting], deadline)),
        "own_trades": weighed.weight(lambda venue, deadline: venue.fills_since(weighed.symbol, 1, deadline)),
        "klines": weighed.weight(
            lambda venue, deadline: venue.fetch_klines(
                weighed.symbol, now_ms - MINUTE_MS, now_ms, deadline, interval_ms=MINUTE_MS
            )
        ),
    }
    assert found == {name: getattr(weights, name) for name in found}
    assert (
        weighed.weight(lambda venue, deadline: venue.fetch_day_volume([weighed.symbol], deadline)) <= weights.day_volume
    )


def test_a_venue_that_weighs_all_alike_has_one_weight() -> None:
    exchange = {route.weight(None) for route in BACKPACK.routes.values()}
    assert exchange == {1}
    assert WEIGHTS["backpack"] == RequestWeights()


def test_every_venue_has_its_weights() -> None:
    assert WEIGHTS.keys() == VENUES.keys()
