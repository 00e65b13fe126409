"""Faults are values with limits, and strike as often as they were asked to."""

import pytest

from marketmaker.simulation.faults import (
    FAULT_KINDS,
    ORDER_ROUTE,
    ArmedFault,
    DelayedAcceptance,
    FaultPlan,
    Latency,
    LostReply,
    MalformedReply,
    ServerError,
    TooManyRequests,
    fault_name,
)


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


def test_every_kind_has_its_name() -> None:
    assert fault_name(MalformedReply()) == "malformed_reply"
    assert fault_name(TooManyRequests(status=418)) == "too_many_requests"
    assert len(FAULT_KINDS) == 6
