"""The generated market is the same for a seed, and as thin and calm as the pair it imitates."""

import math
import statistics
from decimal import Decimal
from itertools import islice, pairwise
from random import Random

import pytest

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Event, Quote, Trade
from marketmaker.simulation.generated import GeneratedMarket, MarketModel

COUNT = 40_000


def market(seed: int, count: int, model: MarketModel | None = None) -> list[Event]:
    return list(islice(GeneratedMarket(model or MarketModel(), Random(seed)).events(), count))  # noqa: S311 - a market, no secret


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return market(7, COUNT)


def test_the_same_seed_gives_the_same_market() -> None:
    assert market(1, 500) == market(1, 500)
    assert market(1, 500) != market(2, 500)


def test_prices_and_sizes_are_on_the_grids_and_time_does_not_go_back(events: list[Event]) -> None:
    model = MarketModel()
    assert all(before.time_us <= after.time_us for before, after in pairwise(events))
    for event in events[:5_000]:
        levels = [*event.bids, *event.asks] if isinstance(event, Quote) else [(event.price, event.size_base)]
        assert all(price % model.tick_size == 0 and size % model.lot_size == 0 for price, size in levels)


def test_spread_flow_and_volatility_are_a_thin_pairs(events: list[Event]) -> None:
    quotes = [event for event in events if isinstance(event, Quote)]
    trades = [event for event in events if isinstance(event, Trade)]
    spreads = [float((q.asks[0].price - q.bids[0].price) / q.mid) * 1e4 for q in quotes if q.mid is not None]
    seconds = events[-1].time_us / 1e6
    assert 6 < statistics.median(spreads) < 8.5
    assert 2 < seconds / len({trade.time_us for trade in trades}) < 3
    minutes = {quote.time_us // 60_000_000: float(quote.mid or 0) for quote in quotes}
    moves = [math.log(after / before) for before, after in pairwise(minutes.values())]
    assert 0.10 < statistics.pstdev(moves) * math.sqrt(365 * 1440) < 0.20
    sizes = sorted(float(trade.size_base) for trade in trades)
    assert sizes[-1] > 20 * statistics.median(sizes)
    assert abs(sum(sizes) / seconds * 86_400 / float(MarketModel().daily_volume_base) - 1) < 0.3


def test_a_large_order_walks_the_book_and_leaves_its_last_level(events: list[Event]) -> None:
    moments = [event.time_us for event in events if isinstance(event, Trade)]
    assert len(moments) > len(set(moments))
    thin = MarketModel(trade_size_least_base=1e6)
    for event in market(3, 200, thin):
        assert not isinstance(event, Quote) or (event.bids and event.asks)


def test_a_market_order_trades_at_the_shown_prices(events: list[Event]) -> None:
    shown: Quote | None = None
    for event in events[:5_000]:
        if isinstance(event, Quote):
            shown = event
        elif shown is not None:
            side = shown.asks if event.taker_side is Side.BUY else shown.bids
            assert event.price in {level.price for level in side}


def test_bids_of_a_nearly_worthless_coin_stay_above_zero() -> None:
    penny = MarketModel(start_price=Decimal("0.03"), level_gap_bps=5_000.0)
    quotes = [event for event in market(1, 50, penny) if isinstance(event, Quote)]
    assert all(level.price > 0 for quote in quotes for level in quote.bids)


def test_the_expected_volume_follows_the_sizes_mean() -> None:
    model = MarketModel()
    assert model.daily_volume_base == Decimal("2073.6")
    assert model.daily_volume_quote == Decimal("2073.6") * 1900
