"""Faults are values with limits, and strike as often as they were asked to."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import get_args

import pytest

from infra.local.exchange.binance_spot.speech import ROUTES
from marketmaker.simulation.faults import (
    FAULT_KINDS,
    ORDER_ROUTE,
    ArmedFault,
    BookSide,
    ChangedTickSize,
    ClockSkew,
    CrossedBook,
    DelayedAcceptance,
    DelistedSymbol,
    DelistingStage,
    EmptyReply,
    Fault,
    FaultPlan,
    FillDuringCancel,
    FrozenBook,
    LateFills,
    Latency,
    LostReply,
    MalformedReply,
    OneSidedBook,
    ServerError,
    TooManyRequests,
    TruncatedReply,
    UnknownOrder,
    default_count,
    fault_name,
)
from marketmaker.simulation.faults.plan import ROUTES_OF
from marketmaker.simulation.faults.routes import CLOCK_ROUTES, DEPTH_ROUTE, SYMBOL_ROUTES

D = Decimal


def test_a_counted_fault_strikes_that_often_on_its_route() -> None:
    plan = FaultPlan()
    plan.arm(ArmedFault(fault=LostReply(), route="GET /a", count=2))
    assert plan.strike("GET /b") == ()
    assert [plan.strike("GET /a") for _ in range(3)] == [(LostReply(),), (LostReply(),), ()]
    assert plan.applied == {"lost_reply": 2}


def test_an_uncounted_fault_strikes_until_cleared() -> None:
    plan = FaultPlan()
    plan.arm(ArmedFault(fault=ServerError(), count=None))
    assert [plan.strike("GET /a") for _ in range(3)] == [(ServerError(),)] * 3
    plan.clear()
    assert plan.strike("GET /a") == ()
    assert plan.applied["server_error"] == 3


def test_latencies_add_to_the_first_other_fault_only() -> None:
    plan = FaultPlan()
    for fault in (Latency(delay_s=1), ServerError(), LostReply(), Latency(delay_s=2)):
        plan.arm(ArmedFault(fault=fault))
    assert plan.strike("GET /a") == (Latency(delay_s=1), Latency(delay_s=2), ServerError())
    assert plan.strike("GET /a") == (LostReply(),)


def test_a_delayed_acceptance_is_of_orders() -> None:
    assert ArmedFault(fault=DelayedAcceptance(delay_s=1)).route == ORDER_ROUTE
    with pytest.raises(ValueError, match=ORDER_ROUTE):
        ArmedFault(fault=DelayedAcceptance(delay_s=1), route="GET /a")


def test_a_fault_lets_requests_pass_first_each_armed_one_for_itself() -> None:
    plan = FaultPlan()
    plan.arm(ArmedFault(fault=LostReply(), route="GET /a", after=2))
    plan.arm(ArmedFault(fault=ServerError(), after=1))
    assert [plan.strike("GET /a"), plan.strike("GET /b")] == [(), (ServerError(),)]
    assert [plan.strike("GET /a"), plan.strike("GET /a"), plan.strike("GET /a")] == [(), (LostReply(),), ()]
    assert plan.applied == {"lost_reply": 1, "server_error": 1}


def test_the_first_of_each_kind_of_trouble_befalls_a_request_that_it_concerns() -> None:
    plan = FaultPlan()
    for fault in (OneSidedBook(side=BookSide.BIDS), CrossedBook(), OneSidedBook(side=BookSide.ASKS), LostReply()):
        plan.arm(ArmedFault(fault=fault))
    assert plan.strike_venue(DEPTH_ROUTE, lambda fault: fault == CrossedBook()) == (CrossedBook(),)
    assert plan.strike_venue("GET /a", lambda _: True) == ()
    assert plan.strike_venue(DEPTH_ROUTE, lambda _: True) == (OneSidedBook(side=BookSide.BIDS),)
    assert plan.strike_venue(DEPTH_ROUTE, lambda _: True) == (OneSidedBook(side=BookSide.ASKS),)
    assert plan.strike_venue(DEPTH_ROUTE, lambda _: True) == ()
    assert plan.applied == {"crossed_book": 1, "one_sided_book": 2}
    assert plan.strike(DEPTH_ROUTE) == (LostReply(),)


def test_a_clock_is_off_where_it_is_read() -> None:
    plan = FaultPlan()
    plan.arm(ArmedFault(fault=ClockSkew(offset_s=10), count=1))
    assert plan.strike_clock(DEPTH_ROUTE) is None
    plan.arm(ArmedFault(fault=ClockSkew(offset_s=-10), count=1))
    struck = [plan.strike_clock(ORDER_ROUTE) for _ in range(3)]
    assert struck == [ClockSkew(offset_s=10), ClockSkew(offset_s=-10), None]


def test_a_delisting_is_in_force_on_all_its_routes_once_its_time_has_come() -> None:
    plan = FaultPlan()
    plan.arm(ArmedFault(fault=DelistedSymbol(), route=ORDER_ROUTE, count=None))
    plan.arm(ArmedFault(fault=DelistedSymbol(stage=DelistingStage.REMOVED), count=None, after=1))
    assert plan.delisting() is None
    plan.strike_venue(DEPTH_ROUTE, lambda _: True)
    assert plan.delisting() == DelistedSymbol(stage=DelistingStage.REMOVED)
    plan.clear()
    assert plan.delisting() is None


def test_a_fault_of_one_route_has_it_by_itself_and_takes_no_other() -> None:
    assert ArmedFault(fault=FrozenBook()).route == DEPTH_ROUTE
    assert ArmedFault(fault=UnknownOrder()).route is None
    with pytest.raises(ValueError, match=f"route {ORDER_ROUTE} of frozen_book; allowed: {DEPTH_ROUTE}"):
        ArmedFault(fault=FrozenBook(), route=ORDER_ROUTE)
    with pytest.raises(ValueError, match="of unknown_order; allowed: GET /api/v3/order, DELETE /api/v3/order"):
        ArmedFault(fault=UnknownOrder(), route=ORDER_ROUTE)


def test_faults_name_routes_that_the_exchange_has() -> None:
    assert {route for routes in ROUTES_OF.values() for route in routes} <= set(ROUTES)
    assert {route for route, handled in ROUTES.items() if handled.is_signed} <= set(CLOCK_ROUTES)
    assert set(ROUTES) - set(SYMBOL_ROUTES) == {
        "GET /api/v3/ping",
        "GET /api/v3/time",
        "GET /api/v3/account",
        "GET /sapi/v1/account/apiRestrictions",
    }


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        ArmedFault(fault=LostReply(), count=count)


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 3600"):
        Latency(delay_s=-1)
    with pytest.raises(ValueError, match="0 to 3600"):
        DelayedAcceptance(delay_s=4000)
    with pytest.raises(ValueError, match="500 to 599"):
        ServerError(status=404)
    with pytest.raises(ValueError, match="418, 429"):
        TooManyRequests(status=430)
    with pytest.raises(ValueError, match="retry_after_s"):
        TooManyRequests(retry_after_s=-1)
    with pytest.raises(ValueError, match="after -1; allowed: 0 or more"):
        ArmedFault(fault=LostReply(), after=-1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TruncatedReply(kept_share=D(1)), "kept_share 1; allowed: 0 to below 1"),
        (lambda: TruncatedReply(kept_share=D("-0.1")), "kept_share -0.1; allowed: 0 to below 1"),
        (lambda: EmptyReply(body="null"), "body 'null'; allowed: '', '{}', '[]'"),
        (lambda: ClockSkew(offset_s=-3601), "offset_s -3601; allowed: -3600 to 3600"),
        (lambda: ClockSkew(offset_s=float("nan")), "offset_s nan; allowed: -3600 to 3600"),
        (lambda: CrossedBook(overlap_ticks=-1), "overlap_ticks -1; allowed: 0 to 1000000"),
        (lambda: LateFills(lag_s=-1), "lag_s -1; allowed: 0 to 86400"),
        (lambda: FillDuringCancel(share=D(0)), "share 0; allowed: above 0, at most 1"),
        (lambda: FillDuringCancel(share=D("1.1")), "share 1.1; allowed: above 0, at most 1"),
        (lambda: ChangedTickSize(tick_size=D(0)), "tick_size 0; allowed: above 0"),
    ],
)
def test_a_fault_out_of_its_limits_cannot_be_made(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        make()


def test_limits_themselves_are_allowed() -> None:
    assert [ClockSkew(offset_s=offset_s).offset_s for offset_s in (-3600, 3600)] == [-3600, 3600]
    assert (TruncatedReply(kept_share=D(0)).kept_share, FillDuringCancel(share=D(1)).share) == (D(0), D(1))
    assert (CrossedBook(overlap_ticks=0).overlap_ticks, LateFills(lag_s=None).lag_s) == (0, None)


def test_states_of_a_venue_last_and_accidents_strike_once() -> None:
    lasting = {name for name, kind in FAULT_KINDS.items() if default_count(kind) is None}
    assert lasting == {
        "latency",
        "maintenance",
        "clock_skew",
        "frozen_book",
        "crossed_book",
        "one_sided_book",
        "lagging_balance",
        "late_fills",
        "duplicated_fills",
        "delisted_symbol",
        "changed_tick_size",
    }
    assert {default_count(FAULT_KINDS[name]) for name in set(FAULT_KINDS) - lasting} == {1}


def test_every_kind_has_its_name() -> None:
    assert fault_name(MalformedReply()) == "malformed_reply"
    assert fault_name(TooManyRequests(status=418)) == "too_many_requests"
    assert fault_name(UnknownOrder()) == "unknown_order"
    assert set(FAULT_KINDS.values()) == set(get_args(Fault))
