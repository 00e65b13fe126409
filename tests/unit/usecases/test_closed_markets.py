"""A market that the venue has closed, or whose rules have changed, beside one that goes on (R18, R30)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.markets import CapitalShare, MarketSettings
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.state import Mode
from marketmaker.domain.units import Symbol
from marketmaker.usecases.reports import TickOutcome
from tests.builders import SYMBOL, USDT, account_settings, instrument, market_settings
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import CLOSED_LOOK_MS

NEIGHBOUR = Symbol("XAUT/USDT")
XAUT = "XAUT"


def market(symbol: Symbol, number: int) -> MarketSettings:
    half = CapitalShare(share=Decimal("0.5"))
    return replace(market_settings(symbol=symbol, number=number), capital_quote=half)


def two_markets() -> Bench:
    return bench(
        account_settings(market(SYMBOL, 0), market(NEIGHBOUR, 1)),
        instruments=[instrument(), instrument(symbol=NEIGHBOUR, base=XAUT)],
        totals={"PAXG": "5", XAUT: "5", USDT: "38000"},
    )


def sides(at: Bench, symbol: Symbol) -> set[Side]:
    return {order.side for order in at.venue.live(symbol)}


def no_quotes(at: Bench) -> NoQuotesReason:
    """Work a tick; returns why the first market has no quotes."""
    report = at.tick()
    assert report.outcome is TickOutcome.DONE
    desired = next(each.desired for each in report.markets if each.symbol == SYMBOL)
    assert isinstance(desired, NoQuotes)
    return desired.reason


def notice(at: Bench) -> None:
    """Let the venue refuse an order of the closed market, as it is noticed first."""
    at.venue.quote(SYMBOL, "1900.2", "1900.4")
    at.tick(2)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("unlisted", NoQuotesReason.OBSERVATION_FAILED), ("closed", NoQuotesReason.MARKET_CLOSED)],
)
def test_a_closed_market_stops_neither_the_account_nor_its_neighbour_and_resumes_alone(
    kind: str, reason: NoQuotesReason
) -> None:  # R30
    at = two_markets()
    at.tick(2)
    assert sides(at, SYMBOL) == sides(at, NEIGHBOUR) == {Side.BUY, Side.SELL}
    getattr(at.venue, kind).add(SYMBOL)
    notice(at)
    assert no_quotes(at) is reason
    assert sides(at, SYMBOL) == set()
    assert sides(at, NEIGHBOUR) == {Side.BUY, Side.SELL}
    assert at.control.mode is Mode.QUOTING
    getattr(at.venue, kind).clear()
    at.clock.advance(CLOSED_LOOK_MS)
    at.slot_ms += CLOSED_LOOK_MS
    at.tick(2)
    assert sides(at, SYMBOL) == {Side.BUY, Side.SELL}


def test_a_market_that_is_closed_at_the_start_does_not_open_and_its_neighbour_does() -> None:  # R30, R31
    at = two_markets()
    at.venue.unlisted.add(SYMBOL)
    assert no_quotes(at) is NoQuotesReason.MARKET_CLOSED
    at.tick()
    assert sides(at, NEIGHBOUR) == {Side.BUY, Side.SELL}
    assert SYMBOL not in at.store.read_account(at.account).markets


def test_a_changed_grid_refuses_one_round_of_orders_and_is_read_once() -> None:  # R18
    at = two_markets()
    at.tick(2)
    at.venue.change_rules(instrument(tick_size="0.4"))
    before = len(at.venue.received("fetch_metadata"))
    notice(at)
    at.tick()
    assert len(at.venue.received("fetch_metadata")) == before + 1
    assert sides(at, SYMBOL) == {Side.BUY, Side.SELL}
    assert all(order.price % at.venue.instrument(SYMBOL).tick_size == 0 for order in at.venue.live(SYMBOL))
    at.tick(5)
    assert len(at.venue.received("fetch_metadata")) == before + 1
