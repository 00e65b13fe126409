"""Cancels first, creates only where every cancel is certain."""

from dataclasses import replace

import pytest

from marketmaker.domain.orders import OrderIdentity, Side
from marketmaker.errors import Retryable
from marketmaker.ports import RejectionKind
from marketmaker.usecases.reports import TickOutcome
from tests.builders import SYMBOL, TAG, account_settings
from tests.fakes.desk import Bench, bench, only_market

BUY, SELL = Side.BUY, Side.SELL


def moved() -> Bench:
    """Return a desk whose two orders are no longer where they should be."""
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "1901", "1901.2")
    return at


def test_failed_cancel_places_nothing_and_cools_down_for_ten_seconds() -> None:  # S4
    at = moved()
    at.venue.fail_next_cancels()
    report = only_market(at.tick())
    assert report.counts()["cancels_failed"] == 1
    assert report.counts()["orders_placed"] == 0
    assert at.state().not_before_ms == at.slot_ms + 10_000
    assert only_market(at.tick()).counts()["orders_placed"] == 0
    assert at.venue.live() == ()
    assert only_market(at.tick()).counts()["orders_placed"] == 2


def test_order_whose_cancel_failed_is_still_ours_next_tick() -> None:  # R2
    at = moved()
    at.venue.fail_next_cancels(2)
    at.tick()
    assert {each.venue_id for each in at.state().working} == {each.venue_id for each in at.venue.live()}
    assert only_market(at.tick()).counts()["orders_cancelled"] == 2


def test_orders_carry_their_market_slot_side_and_level() -> None:
    at = bench()
    at.tick()
    identities = [OrderIdentity.decode(each.client_id or "", TAG) for each in at.venue.live()]
    assert identities == [
        OrderIdentity(tag=TAG, market_number=0, slot_ms=at.slot_ms, side=side, level=0) for side in (BUY, SELL)
    ]


def test_a_venue_that_takes_only_numbers_gets_numbers_and_the_orders_stay_ours() -> None:  # R2, R4
    at = bench(replace(account_settings(), numbers_orders=True, dedicated=True))
    at.tick()
    assert all((each.client_id or "").isdecimal() for each in at.venue.live())
    assert len(at.venue.live()) == 2
    kept = at.venue.live()
    assert only_market(at.tick(3)).plan.keep == kept
    at.venue.fill(at.venue.only(BUY))
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.tick()
    assert [row.fill.side for row in at.fills()] == [BUY]
    assert at.venue.live() != kept


def test_all_cancels_go_in_one_round_before_all_creates_in_one() -> None:
    at = moved()
    at.tick()
    rounds = [(call.method, len(call.keys)) for call in at.venue.calls if call.method in {"cancel", "place"}]
    assert rounds == [("place", 2), ("cancel", 2), ("place", 2)]


def test_quiet_tick_neither_cancels_places_nor_reads_the_mode_again() -> None:
    at = bench()
    at.tick()
    at.store.faults.fail_always("read_control", ZeroDivisionError("not wanted"))
    at.store.faults.fail_always("save_market", ZeroDivisionError("not wanted"))
    at.tick(2)
    assert at.venue.methods().count("place") == 1


def test_unreadable_mode_stops_the_creates_after_the_cancels() -> None:  # R5
    at = moved()
    at.store.faults.fail_once("read_control", Retryable("throttled"))
    assert at.tick().outcome is TickOutcome.STATE_UNREACHABLE
    assert at.venue.live() == ()
    assert at.control.lease is not None


@pytest.mark.parametrize("kind", [RejectionKind.REFUSED, RejectionKind.RETRYABLE])
def test_rejected_create_leaves_nothing_behind(kind: RejectionKind) -> None:
    at = bench()
    at.venue.reject_next(kind)
    at.tick()
    assert [each.side for each in at.state().working] == [SELL]
    assert at.state().unresolved == ()
