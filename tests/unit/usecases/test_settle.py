"""Unknown creates, orphans and fills: after settling, the ledger says what the venue says, once."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from marketmaker.domain.orders import Fill, Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.units import ZERO
from marketmaker.errors import Conflict, Refused, Retryable
from marketmaker.ports import CancelResult
from marketmaker.usecases.reports import TickReport
from tests.builders import BNB, PAXG, SYMBOL, USDT, fee, foreign_order, order
from tests.fakes.desk import Bench, bench, only_market

BUY, SELL = Side.BUY, Side.SELL


def quoting() -> Bench:
    at = bench()
    at.tick()
    return at


def traded(fills: Sequence[Fill]) -> Decimal:
    return sum((each.side.sign * each.size_base for each in fills), ZERO)


def assert_exact(at: Bench) -> None:
    """The market owns what the venue holds, and every own trade is one row."""
    inventory = at.state().inventory
    assert inventory.base == at.venue.totals[PAXG]
    assert inventory.quote == at.venue.totals[USDT]
    assert [row.fill for row in at.fills()] == list(at.venue.trades_of(SYMBOL))


def reason(report: TickReport) -> NoQuotesReason | None:
    desired = only_market(report).desired
    return desired.reason if isinstance(desired, NoQuotes) else None


# Unknown creates


def test_lost_reply_is_found_in_the_same_tick_and_not_sent_again() -> None:  # R1
    at = bench()
    at.venue.lose_next_reply()
    at.tick()
    assert at.state().unresolved == ()
    at.tick(3)
    assert len(at.venue.received("place")) == 1
    assert [each.side for each in at.venue.live()] == [BUY, SELL]


def test_create_accepted_after_our_lookups_is_one_order_three_ticks_later() -> None:  # R1
    at = bench()
    at.venue.accept_next_after(lookups=1)
    at.tick()
    (unknown,) = at.state().unresolved
    report = only_market(at.tick())
    assert unknown.order.side is BUY
    assert [each.side for each in at.venue.live()] == [SELL, BUY]
    assert report.plan.blocked == ()
    at.tick(2)
    assert at.state().unresolved == ()
    assert [len(call.keys) for call in at.venue.received("place")] == [2]


def test_unknown_create_blocks_its_side_until_the_venues_clock_is_past_its_ttl() -> None:  # R1
    at = bench()
    at.venue.clock_offset_ms = -9_000
    at.venue.lose_next_request()
    at.tick()
    blocked = [only_market(at.tick()).plan.blocked for _ in range(2)]
    assert [[quote.side for quote in each] for each in blocked] == [[BUY], []]
    assert [each.side for each in at.venue.live()] == [SELL, BUY]


def test_unknown_create_is_certainly_dead_only_by_the_venues_clock() -> None:  # R1, R8: ours may be ahead of it
    at = bench()
    at.venue.lose_next_request()
    at.tick()
    at.venue.clock_offset_ms = -20_000
    at.tick(3)
    assert len(at.state().unresolved) == 1
    assert [each.side for each in at.venue.live()] == [SELL]
    at.venue.clock_offset_ms = 0
    at.tick()
    assert [each.side for each in at.venue.live()] == [SELL, BUY]


def test_other_side_is_quoted_while_one_is_blocked() -> None:  # R1
    at = bench()
    at.venue.lose_next_request()
    at.tick()
    at.venue.clock_offset_ms = -60_000
    at.venue.quote(SYMBOL, "1905", "1905.2")
    at.tick()
    assert [(each.side, each.price) for each in at.venue.live()] == [(SELL, Decimal("1905.6"))]


def test_unknown_create_that_shows_up_among_open_orders_is_not_looked_up() -> None:  # R1
    at = bench()
    at.venue.lose_next_reply()
    at.venue.forget_lookups(1)
    at.tick()
    assert len(at.state().unresolved) == 1
    lookups = len(at.venue.received("find_order"))
    at.tick()
    assert len(at.venue.received("find_order")) == lookups
    assert len(at.state().working) == 2
    assert at.state().unresolved == ()


def test_unknown_create_that_filled_is_booked_when_found() -> None:  # R1
    at = bench()
    at.venue.lose_next_reply()
    at.venue.forget_lookups(1)
    at.tick()
    at.venue.fill(at.venue.only(BUY))
    report = only_market(at.tick())
    assert report.counts()["fills"] == 1
    assert at.state().unresolved == ()
    assert_exact(at)


def test_failed_lookup_leaves_a_create_unknown() -> None:  # R1
    at = bench()
    at.venue.lose_next_reply()
    at.venue.faults.fail_once("find_order", Retryable("503"))
    report = at.tick()
    assert report.counts()["creates_unknown"] == 1
    assert len(at.state().unresolved) == 1


# Fills


@pytest.mark.parametrize("count", [1, 89, 90, 91, 180, 1000])  # R14, R15
def test_every_fill_is_booked_exactly_once(count: int) -> None:
    at = quoting()
    at.venue.fill(at.venue.only(BUY), trades=count)
    report = at.tick()
    assert report.counts()["fills"] == count
    assert len(at.fills()) == count
    assert_exact(at)
    at.tick(15)
    assert len(at.fills()) == count


def test_orders_filled_one_after_the_other_are_a_run() -> None:  # R32
    at = quoting()
    first = at.venue.only(BUY)
    at.venue.fill(first, "0.03", trades=3)
    at.tick()
    at.venue.fill(at.venue.only(BUY))
    at.tick()
    second = at.venue.only(BUY)
    at.venue.fill(second)
    at.tick()
    run = at.state().run
    assert run is not None
    assert (run.side, [order for order, _ in run.orders]) == (BUY, [first.venue_id, second.venue_id])
    at.venue.fill(at.venue.only(SELL))
    at.tick()
    run = at.state().run
    assert run is not None
    assert (run.side, len(run.orders)) == (SELL, 1)


def test_trades_listed_twice_are_booked_once() -> None:  # R14
    at = quoting()
    at.venue.lists_twice = True
    at.venue.fill(at.venue.only(BUY), "0.03", trades=3)
    at.tick(14)
    assert len(at.fills()) == 3
    assert_exact(at)


def test_trades_are_read_once_a_minute_while_nothing_of_ours_executed() -> None:
    at = quoting()
    at.tick(11)
    assert at.venue.received("fills_since") == []
    at.tick()
    assert len(at.venue.received("fills_since")) == 1
    at.tick(11)
    assert len(at.venue.received("fills_since")) == 1


def test_fill_listed_late_leaves_the_market_unquoted_until_it_arrives() -> None:  # R15
    at = quoting()
    at.venue.hide_trades()
    at.venue.fill(at.venue.only(BUY))
    report = at.tick()
    assert reason(report) is NoQuotesReason.BOOKING_UNFINISHED
    assert "fills not listed yet: 0.1" in str(only_market(report).desired)
    assert at.venue.live() == ()
    assert reason(at.tick(2)) is NoQuotesReason.BOOKING_UNFINISHED
    at.venue.list_trades()
    assert reason(at.tick()) is None
    assert_exact(at)


def test_trade_listed_below_newer_ones_is_still_found() -> None:  # R15
    at = quoting()
    at.venue.hide_trades()
    at.venue.fill(at.venue.only(BUY), "0.02")
    at.venue.list_trades()
    hidden = at.venue.trades_of(SYMBOL)[0]
    at.venue.fill(at.venue.only(BUY), "0.03")
    at.venue._unlisted.add(hidden.trade_id)
    at.tick()
    assert [row.fill.size_base for row in at.fills()] == [Decimal("0.03")]
    at.tick(3)
    at.venue.list_trades()
    at.tick()
    assert_exact(at)


def test_fills_of_foreign_orders_are_not_ours() -> None:  # R4
    at = quoting()
    by_hand = at.venue.add_order(foreign_order(BUY, "1899"))
    at.venue.fill(by_hand, "0.5")
    at.venue.fill(at.venue.only(SELL), "0.04")
    at.tick()
    assert traded([row.fill for row in at.fills()]) == Decimal("-0.04")
    assert at.state().inventory.base == Decimal("4.96")


def test_fill_of_an_order_we_had_forgotten_is_ours_by_its_tag() -> None:  # R2, R15
    at = quoting()
    lost = at.venue.add_order(order(BUY, "1850", level=3))
    at.venue.fill(lost)
    at.tick(12)
    assert [row.client_id for row in at.fills()] == [lost.client_id]
    assert_exact(at)


@pytest.mark.parametrize("asset", [USDT, PAXG, BNB])
def test_fees_move_what_the_market_owns_in_their_own_asset(asset: str) -> None:  # R16
    at = bench(totals={PAXG: "5", USDT: "19000", BNB: "1"})
    at.tick()
    at.venue.trade_fee = fee("0.00001", asset)
    at.venue.fill(at.venue.only(BUY))
    at.tick()
    assert_exact(at)


# Partial fills and cancels


def test_partial_fill_then_cancel_by_a_guard_is_exact() -> None:  # R13
    at = quoting()
    at.venue.fill(at.venue.only(BUY), "0.0371")
    at.venue.quote(SYMBOL, "2100", "2100.2")
    at.tick(2)
    assert at.venue.live() == ()
    assert at.state().working == ()
    assert_exact(at)


def test_partial_fill_then_replacement_is_exact() -> None:  # R13
    at = quoting()
    at.venue.fill(at.venue.only(BUY), "0.0371")
    at.venue.quote(SYMBOL, "1901", "1901.2")
    report = only_market(at.tick())
    assert report.counts()["orders_cancelled"] == 2
    assert report.counts()["cancelled_unfilled"] == 1
    assert report.counts()["orders_placed"] == 2
    assert_exact(at)


def test_fill_during_a_cancel_places_nothing_and_is_exact_afterwards() -> None:  # R13
    at = quoting()
    bid = at.venue.only(BUY)
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.venue.faults.before("cancel", lambda: at.venue.fill(bid, "0.04"))
    report = only_market(at.tick())
    assert report.counts()["orders_placed"] == 0
    assert at.venue.live() == ()
    assert reason(at.tick()) is None
    assert len(at.venue.live()) == 2
    assert_exact(at)


def test_order_that_filled_before_its_cancel_arrived_places_nothing_that_tick() -> None:  # R13
    at = quoting()
    bid = at.venue.only(BUY)
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.venue.faults.before("cancel", lambda: at.venue.fill(bid))
    report = only_market(at.tick())
    assert {outcome.result for outcome, _ in report.cancels} == {CancelResult.CANCELLED, CancelResult.GONE}
    assert report.counts()["orders_placed"] == 0
    at.tick()
    assert_exact(at)


def test_cancel_without_an_executed_figure_is_looked_up_before_anything_is_placed() -> None:  # R13
    at = quoting()
    at.venue.cancel_without_figures()
    at.venue.quote(SYMBOL, "1901", "1901.2")
    assert only_market(at.tick()).counts()["orders_placed"] == 0
    assert len(at.state().working) == 2
    assert only_market(at.tick()).counts()["orders_placed"] == 2


def test_order_cancelled_by_hand_is_forgotten_and_replaced() -> None:
    at = quoting()
    at.venue.cancel([at.venue.only(BUY)], at.deadline())
    assert only_market(at.tick()).counts()["orders_placed"] == 1
    assert len(at.state().working) == 2


# A venue that is behind


def test_order_missing_from_a_lagging_list_is_kept_while_the_venue_knows_it() -> None:  # R21
    at = bench()
    at.venue.repeat_open_orders(2)
    at.tick(2)
    assert len(at.venue.live()) == 2
    assert len(at.venue.received("place")) == 1


def test_accepted_order_that_the_venue_does_not_know_yet_is_not_replaced() -> None:  # R1, R21
    at = bench()
    at.venue.repeat_open_orders(2)
    at.tick()
    at.venue.forget_lookups(2)
    report = at.tick()
    assert reason(report) is NoQuotesReason.OBSERVATION_FAILED
    assert len(at.state().working) == 2
    at.tick()
    assert len(at.venue.received("place")) == 1
    assert len(at.venue.live()) == 2


def test_order_that_the_venue_has_forgotten_is_dropped_after_a_minute() -> None:
    at = quoting()
    at.venue.orders.clear()
    at.tick(11)
    assert len(at.venue.received("place")) == 1
    at.tick()
    assert len(at.venue.live()) == 2


def test_finished_order_that_is_listed_as_open_again_does_not_stop_the_market() -> None:  # R14, R21
    at = quoting()
    at.venue.fill(at.venue.only(BUY), "0.04")
    at.tick()
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.venue.faults.before("cancel", lambda: at.venue.repeat_open_orders(1))
    at.tick()
    at.tick(2)
    assert reason(at.tick()) is None
    assert at.state().working == at.venue.live()
    assert_exact(at)


# Failures while booking


@pytest.mark.parametrize("call", ["fills_since", "client_id_of"])
@pytest.mark.parametrize("error", [Retryable("503"), Refused("bad request")])
def test_unreadable_trades_place_nothing_and_lose_nothing(call: str, error: Exception) -> None:  # R7, R31
    at = quoting()
    lost = at.venue.add_order(order(BUY, "1850", level=3))
    at.venue.fill(lost)
    at.venue.fill(at.venue.only(BUY), "0.05")
    at.venue.faults.fail_once(call, error)
    report = at.tick()
    assert reason(report) is NoQuotesReason.OBSERVATION_FAILED
    assert at.venue.live() == ()
    assert reason(at.tick()) is None
    assert_exact(at)


def test_orphan_cancelled_by_a_tick_that_could_not_book_is_booked_by_the_next() -> None:  # R2, R15
    at = quoting()
    lost = at.venue.add_order(order(BUY, "1850", level=3))
    at.venue.fill(lost, "0.05")
    at.venue.faults.fail_once("fills_since", Retryable("503"))
    at.tick()
    assert at.venue.live() == ()
    at.tick()
    assert_exact(at)


def test_another_writer_that_booked_first_stops_this_tick_only() -> None:  # R14, R25
    at = quoting()
    at.venue.fill(at.venue.only(BUY))
    at.store.faults.fail_once("book", Conflict("booked by another"))
    assert reason(at.tick()) is NoQuotesReason.OBSERVATION_FAILED
    assert reason(at.tick()) is None
    assert_exact(at)


def test_tick_killed_between_two_chunks_goes_on_where_it_stopped() -> None:  # R3, R14
    at = quoting()
    at.venue.fill(at.venue.only(BUY), trades=100)

    def kill_at_the_next() -> None:
        at.store.faults.fail_once("book", ZeroDivisionError("killed"))

    at.store.faults.before("book", kill_at_the_next)
    with pytest.raises(ZeroDivisionError):
        at.tick()
    assert len(at.fills()) == 90
    at.tick(4)
    assert_exact(at)
    assert len(at.venue.live()) == 2
