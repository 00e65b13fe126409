"""What every `Venue` does: logins over real ccxt and a paper account answer alike, all on the exchange's market."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.paper_venue import PaperVenue
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol, VenueOrderId
from marketmaker.errors import AccountRefused
from marketmaker.ports import Accepted, CancelResult, KeyPermissions, Rejected, RejectionKind, Unknown, Venue
from tests.contract.connected import BALANCES, PAXG, Connected, ccxt_connected, paper_connected
from tests.contract.local_venue import trade_at

D = Decimal
NOTHING = Symbol("NO/THING")
BUY, SELL = Side.BUY, Side.SELL


CONNECT: dict[str, Callable[..., Any]] = {
    "live": ccxt_connected,
    "testnet": partial(ccxt_connected, is_sandbox=True),
    "paper": paper_connected,
}


@pytest.fixture(params=CONNECT)
def here(request: pytest.FixtureRequest) -> Iterator[Connected[CcxtVenue] | Connected[PaperVenue]]:
    """Connect a venue whose market trades 0.04 after 10 s and 5 after 20 s, both at 1898.5."""
    events = [trade_at(10, SELL, "1898.5", "0.04"), trade_at(20, SELL, "1898.5", "5")]
    with CONNECT[request.param](events) as connected:
        yield connected


def test_metadata_is_small_and_loads_without_asking_the_venue(here: Connected[Venue]) -> None:
    metadata = here.venue.fetch_metadata([PAXG], here.deadline())
    assert len(metadata[0].payload) < 4096
    asked = here.local.state()["requests"]["GET /api/v3/exchangeInfo"]
    cold = here.another()
    assert not cold.knows([PAXG])
    cold.load(metadata)
    assert cold.knows([PAXG])
    assert cold.instrument(PAXG) == here.venue.instrument(PAXG)
    assert cold.instrument(PAXG).tick_size == D("0.01")
    assert here.local.state()["requests"]["GET /api/v3/exchangeInfo"] == asked


def test_markets_of_which_the_venue_never_listed_one_are_fatal(here: Connected[Venue]) -> None:
    with pytest.raises(AccountRefused, match="lists none of NO/THING, NOR/THIS"):
        here.venue.fetch_metadata([NOTHING, Symbol("NOR/THIS")], here.deadline())


def test_a_market_that_is_not_listed_is_closed_beside_its_neighbours(here: Connected[Venue]) -> None:  # R30
    cold = here.another()
    (metadata,) = cold.fetch_metadata([NOTHING, PAXG], here.deadline())
    assert metadata.symbol == PAXG
    assert cold.knows([NOTHING, PAXG])
    closed = cold.instrument(NOTHING)
    assert (closed.is_trading, closed.base, closed.quote) == (False, "NO", "THING")
    assert cold.instrument(PAXG).is_trading
    seen = cold.observe([NOTHING, PAXG], [NOTHING], here.deadline())
    assert isinstance(seen.books[PAXG], Book)
    assert seen.books[NOTHING] == seen.last_prices[NOTHING] == Unknown(reason="the venue does not list NO/THING now")
    assert not isinstance(seen.open_orders, Unknown)


def test_a_market_that_is_not_listed_any_more_keeps_its_rules_and_is_not_fatal(here: Connected[Venue]) -> None:  # R30
    rules = here.venue.instrument(PAXG)
    here.local.arm(fault="delisted_symbol", stage="removed")
    assert list(here.venue.fetch_metadata([PAXG], here.deadline())) == []
    assert here.venue.instrument(PAXG) == replace(rules, is_trading=False)
    assert not here.venue.doubts([PAXG])
    here.clear_faults()
    here.local.skip(60)
    assert here.venue.doubts([PAXG])
    assert len(here.venue.fetch_metadata([PAXG], here.deadline())) == 1
    assert here.venue.instrument(PAXG) == rules
    assert not here.venue.doubts([PAXG])


def test_a_halted_market_is_closed_until_it_trades_again(here: Connected[Venue]) -> None:  # R30
    here.local.arm(fault="delisted_symbol", stage="halted")
    (metadata,) = here.venue.fetch_metadata([PAXG], here.deadline())
    assert not here.venue.instrument(PAXG).is_trading
    asked = here.local.state()["requests"].get("GET /api/v3/depth", 0)
    book = here.venue.read_books([PAXG], here.deadline())[PAXG]
    assert book == Unknown(reason="the venue does not trade PAXG/USDT now")
    assert here.local.state()["requests"].get("GET /api/v3/depth", 0) == asked
    here.clear_faults()
    here.local.skip(60)
    cold = here.another()
    cold.load([metadata])
    for venue in (here.venue, cold):
        assert venue.knows([PAXG])
        assert venue.doubts([PAXG])
        venue.fetch_metadata([PAXG], here.deadline())
        assert isinstance(venue.read_books([PAXG], here.deadline())[PAXG], Book)


def test_a_book_read_again_is_that_of_an_observation(here: Connected[Venue]) -> None:  # R19
    here.place(here.new(BUY, "1898.5"))
    seen = here.venue.observe([PAXG], [], here.deadline())
    assert here.venue.read_books([PAXG], here.deadline()) == seen.books


def test_a_book_beside_the_worked_markets_is_read_before_and_after_it_is_described(
    here: Connected[Venue],
) -> None:  # M5
    cold = here.another()
    undescribed = cold.observe([PAXG], [], here.deadline()).books[PAXG]
    cold.fetch_metadata([PAXG], here.deadline())
    described = cold.observe([PAXG], [], here.deadline()).books[PAXG]
    assert isinstance(undescribed, Book)
    assert isinstance(described, Book)
    assert undescribed.bids == described.bids


def test_a_listing_that_the_venue_does_not_have_is_an_unknown_book_alone(here: Connected[Venue]) -> None:  # M5, R30
    seen = here.another().observe([PAXG, NOTHING], [], here.deadline())
    assert isinstance(seen.books[PAXG], Book)
    assert isinstance(seen.books[NOTHING], Unknown)
    assert not isinstance(seen.open_orders, Unknown)


def test_an_observation_is_exact_and_complete(here: Connected[Venue]) -> None:
    order = here.new(BUY, "1898.5")
    here.place(order)
    seen = here.venue.observe([PAXG], [PAXG], here.deadline())
    book = seen.books[PAXG]
    assert isinstance(book, Book)
    assert [(level.price, level.size_base) for level in book.bids] == [
        (D("1899"), D(2)),
        (D("1898.5"), D("0.1")),
        (D("1898"), D(3)),
    ]
    assert [(level.price, level.size_base) for level in book.asks] == [(D(1901), D(2)), (D(1902), D(3))]
    assert not isinstance(seen.open_orders, Unknown)
    assert [each.client_id for each in seen.open_orders] == [order.client_id]
    assert not isinstance(seen.balances, Unknown)
    assert {asset: balance.total for asset, balance in seen.balances.items()} == BALANCES
    assert seen.balances[Asset("USDT")].reserved == order.price * order.size_base
    assert isinstance(seen.last_prices[PAXG], Decimal)


def test_a_book_is_older_only_if_the_market_stood_still(here: Connected[Venue]) -> None:  # R11
    first, second = (here.venue.observe([PAXG], [], here.deadline()).books[PAXG] for _ in range(2))
    assert isinstance(first, Book)
    assert first == second


def test_orders_rest_post_only_with_our_client_ids(here: Connected[Venue]) -> None:
    bid, ask = here.place(here.new(BUY, "1898.5"), here.new(SELL, "1901.5"))
    assert isinstance(bid, Accepted)
    assert isinstance(ask, Accepted)
    assert {order.side for order in here.venue.open_orders(here.deadline())} == {BUY, SELL}
    assert set(here.venue.open_orders(here.deadline())) == {bid.order, ask.order}
    assert bid.order.client_id == here.new(BUY, "1898.5").client_id
    assert bid.order.executed_base == 0
    assert bid.order.is_live
    assert str(bid.order.price) == "1898.5"
    assert abs(bid.order.created_ms - here.clock.now_ms()) < 2000


@pytest.mark.parametrize(("side", "price"), [(BUY, "1901"), (BUY, "1901.5"), (SELL, "1899"), (SELL, "1898.5")])
def test_an_order_that_would_take_is_an_expected_rejection(here: Connected[Venue], side: Side, price: str) -> None:
    (outcome,) = here.place(here.new(side, price))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE
    assert here.venue.open_orders(here.deadline()) == ()


def test_an_order_in_the_way_of_our_own_is_refused(here: Connected[Venue]) -> None:  # S14
    here.place(here.new(SELL, "1900.5"))
    (outcome,) = here.place(here.new(BUY, "1900.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.WOULD_TAKE


def test_a_refused_order_names_the_venues_reason(here: Connected[Venue]) -> None:
    orders = (
        here.new(BUY, "1898.5", size="1000"),
        here.new(SELL, "1901.5", size="0.001"),
    )
    outcomes = [outcome for outcome in here.place(*orders) if isinstance(outcome, Rejected)]
    kinds = (RejectionKind.REFUSED, RejectionKind.OFF_GRID)
    assert [(each.order, each.kind) for each in outcomes] == list(zip(orders, kinds, strict=True))
    reasons = [outcome.reason.lower() for outcome in outcomes]
    assert "insufficient balance" in reasons[0]
    assert "notional" in reasons[1]
    assert here.venue.open_orders(here.deadline()) == ()


def test_a_client_id_that_rests_is_refused(here: Connected[Venue]) -> None:
    first, second = (here.place(here.new(BUY, price))[0] for price in ("1898.5", "1898.4"))
    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert second.kind is RejectionKind.REFUSED
    assert list(here.venue.open_orders(here.deadline())) == [first.order]


def test_an_order_is_found_by_both_its_ids_live_or_not(here: Connected[Venue]) -> None:
    (placed,) = here.place(here.new(BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    order, find = placed.order, here.venue.find_order
    assert order.client_id is not None
    assert find(PAXG, order.client_id, by_client_id=True, deadline=here.deadline()) == order
    assert find(PAXG, order.venue_id, by_client_id=False, deadline=here.deadline()) == order
    here.local.skip(25)
    for key, by_client_id in ((order.client_id, True), (order.venue_id, False)):
        found = find(PAXG, key, by_client_id=by_client_id, deadline=here.deadline())
        assert found is not None
        assert (found.is_live, found.executed_base) == (False, D("0.1"))


def test_an_unknown_order_is_none(here: Connected[Venue]) -> None:
    find = here.venue.find_order
    assert find(PAXG, ClientOrderId("mmtst01abcdefgb00"), by_client_id=True, deadline=here.deadline()) is None
    assert find(PAXG, VenueOrderId("987654321"), by_client_id=False, deadline=here.deadline()) is None


def test_a_cancelled_order_says_what_it_executed(here: Connected[Venue]) -> None:  # R13
    (placed,) = here.place(here.new(BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.skip(11)
    (outcome,) = here.venue.cancel([placed.order], here.deadline())
    assert outcome.result is CancelResult.CANCELLED
    assert outcome.executed_base == D("0.04")
    (again,) = here.venue.cancel([placed.order], here.deadline())
    assert again.result is CancelResult.GONE


def test_cancels_answer_in_the_order_asked(here: Connected[Venue]) -> None:
    placed = here.place(here.new(BUY, "1898.5"), here.new(SELL, "1901.5"), here.new(SELL, "1901.6", level=1))
    orders = [each.order for each in placed if isinstance(each, Accepted)]
    here.venue.cancel(orders[1:2], here.deadline())
    outcomes = here.venue.cancel(orders, here.deadline())
    assert [each.order for each in outcomes] == orders
    assert [each.result for each in outcomes] == [CancelResult.CANCELLED, CancelResult.GONE, CancelResult.CANCELLED]


def test_fills_carry_price_size_and_signed_fee(here: Connected[Venue]) -> None:
    (placed,) = here.place(here.new(BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    assert here.venue.newest_trade_id(PAXG, here.deadline()) is None
    here.local.skip(15)
    assert here.venue.open_orders(here.deadline())[0].executed_base == D("0.04")
    here.local.skip(10)
    fills = here.venue.fills_since(PAXG, 0, here.deadline())
    assert [fill.size_base for fill in fills] == [D("0.04"), D("0.06")]
    assert [fill.fee for fill in fills] == [
        Fee(amount=amount, asset=Asset("PAXG")) for amount in (D("0.000004"), D("0.000006"))
    ]
    assert all(fill.price == D("1898.5") and fill.side is BUY for fill in fills)
    assert all(fill.is_maker and fill.venue_order_id == placed.order.venue_id for fill in fills)
    assert all(str(int(fill.trade_id)) == fill.trade_id for fill in fills)
    assert 9_000 <= fills[1].time_ms - fills[0].time_ms <= 11_000
    newest = here.venue.newest_trade_id(PAXG, here.deadline())
    assert newest == int(fills[-1].trade_id)
    assert list(here.venue.fills_since(PAXG, newest, here.deadline())) == [fills[-1]]
    assert list(here.venue.fills_since(PAXG, newest + 1, here.deadline())) == []
    assert here.venue.client_id_of(PAXG, placed.order.venue_id, here.deadline()) == placed.order.client_id


def test_balances_are_what_was_there_plus_fills_less_fees(here: Connected[Venue]) -> None:  # R21
    here.place(here.new(BUY, "1898.5"))
    here.local.skip(25)
    balances = here.venue.observe([PAXG], [], here.deadline()).balances
    assert not isinstance(balances, Unknown)
    assert {asset: (each.free, each.reserved) for asset, each in balances.items()} == {
        Asset("PAXG"): (D(20) + D("0.1") - D("0.00001"), ZERO),
        Asset("USDT"): (D(65_000) - D("189.85"), ZERO),
    }


def test_the_market_fills_as_much_of_an_order_on_paper_as_on_the_exchange(here: Connected[Venue]) -> None:
    """The trades go through 1899, so the 2 that were shown there are gone; at 1898.5 nobody was ahead."""
    here.place(here.new(BUY, "1899"), here.new(BUY, "1898.5", size="8", level=1), here.new(BUY, "1898", level=2))
    here.local.skip(25)
    left = {order.price: order.remaining_base for order in here.venue.open_orders(here.deadline())}
    assert left == {D("1898.5"): D("3.06"), D(1898): D("0.1")}


def test_a_plain_order_of_a_maker_rests_as_a_post_only_one_does(here: Connected[Venue]) -> None:  # R20
    (outcome,) = here.place(replace(here.new(BUY, "1898.5"), post_only=False))
    assert isinstance(outcome, Accepted)
    assert list(here.venue.open_orders(here.deadline())) == [outcome.order]


def test_a_block_told_by_another_invocation_stops_reads_and_creates(here: Connected[Venue]) -> None:  # R10
    assert here.venue.rate_limit().blocked_until_ms == 0
    until_ms = here.clock.now_ms() + 60_000
    here.venue.block_until(until_ms)
    assert here.venue.rate_limit().blocked_until_ms == until_ms
    assert isinstance(here.venue.observe([PAXG], [], here.deadline()).books[PAXG], Unknown)
    (outcome,) = here.place(here.new(BUY, "1898.5"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE
    here.local.skip(60)
    assert here.venue.rate_limit().blocked_until_ms == 0
    assert isinstance(here.venue.observe([PAXG], [], here.deadline()).books[PAXG], Book)


def test_no_request_starts_without_time_left(here: Connected[Venue]) -> None:
    (outcome,) = here.venue.place([here.new(BUY, "1898.5")], here.deadline(ms=10))
    assert isinstance(outcome, Rejected)
    assert "no time left" in outcome.reason
    assert "POST /api/v3/order" not in here.local.state()["requests"]
    assert here.venue.open_orders(here.deadline()) == ()


def test_open_orders_are_cancelled_without_any_metadata(here: Connected[Venue]) -> None:  # R34
    here.place(here.new(BUY, "1898.5"), here.new(SELL, "1901.5"))
    cold = here.another()
    outcomes = cold.cancel(cold.open_orders(here.deadline()), here.deadline())
    assert [each.result for each in outcomes] == [CancelResult.CANCELLED] * 2
    assert cold.open_orders(here.deadline()) == ()


def test_the_market_that_cannot_be_read_is_unknown(here: Connected[Venue]) -> None:  # R7
    here.local.arm(fault="server_error", route="GET /api/v3/depth", count=2)
    seen = here.venue.observe([PAXG], [], here.deadline())
    assert isinstance(seen.books[PAXG], Unknown)
    assert not isinstance(seen.open_orders, Unknown)


def test_the_venues_time_is_about_ours(here: Connected[Venue]) -> None:
    assert abs(here.venue.time_ms(here.deadline()) - here.clock.now_ms()) < 2000


def test_a_key_that_cannot_withdraw_says_so(here: Connected[Venue]) -> None:  # R26
    permissions = here.venue.key_permissions(here.deadline())
    if isinstance(permissions, Unknown):
        assert "testnet" in permissions.reason
        return
    assert isinstance(permissions, KeyPermissions)
    assert (permissions.trades, permissions.withdraws) == (True, False)
