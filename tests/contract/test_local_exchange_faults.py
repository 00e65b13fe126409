"""Faults hit the client as a bad network or a troubled venue would."""

import time
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests

from tests.contract.local_venue import SYMBOL, LocalVenue, served, until

ORDER = "POST /api/v3/order"


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    with served() as venue:
        yield venue


def place(local: LocalVenue, client_id: str, **params: object) -> Any:
    whole = {"postOnly": True, "clientOrderId": client_id, **params}
    return local.client.create_order(SYMBOL, "limit", "buy", "0.1", "1899", whole)


def find(local: LocalVenue, client_id: str) -> Any:
    return local.client.fetch_order(None, SYMBOL, {"clientOrderId": client_id})


def test_a_lost_reply_leaves_the_order_behind(local: LocalVenue) -> None:
    """R1: the outcome is unknown to the client, and the order is live."""
    local.arm(fault="lost_reply", route=ORDER)
    with pytest.raises(ccxt.NetworkError) as caught:
        place(local, "lost")
    assert type(caught.value) is ccxt.NetworkError
    assert find(local, "lost")["status"] == "open"
    assert place(local, "next")["status"] == "open"
    assert local.state()["faults"] == {"armed": [], "applied": {"lost_reply": 1}}


def test_a_delayed_order_is_not_found_at_first_and_found_later(local: LocalVenue) -> None:
    """R1: accepted only after the first lookup."""
    local.arm(fault="delayed_acceptance", delay_s=3)
    with pytest.raises(ccxt.NetworkError):
        place(local, "late")
    with pytest.raises(ccxt.OrderNotFound):
        find(local, "late")
    due_ms = local.clock() // 1000 + 3000
    local.skip(9)
    accepted = find(local, "late")
    assert accepted["status"] == "open"
    assert accepted["timestamp"] == pytest.approx(due_ms, abs=1000)


def test_a_delayed_order_dies_with_its_own_expiry(local: LocalVenue) -> None:
    local.arm(fault="delayed_acceptance", delay_s=3)
    with pytest.raises(ccxt.NetworkError):
        place(local, "dead", recvWindow=2000)
    local.skip(10)
    with pytest.raises(ccxt.OrderNotFound):
        find(local, "dead")
    assert local.state()["orders"]["rejected"] == {"-1021": 1}


def test_latency_delays_every_reply_until_cleared(local: LocalVenue) -> None:
    local.arm(fault="latency", delay_s=0.2, route="GET /api/v3/depth")
    for _ in range(2):
        started = time.monotonic()
        local.client.fetch_order_book(SYMBOL)
        assert time.monotonic() - started >= 0.2
    local.clear()
    assert local.state()["faults"] == {"armed": [], "applied": {"latency": 2}}


def test_a_reply_later_than_the_clients_patience_is_a_timeout(local: LocalVenue) -> None:
    local.arm(fault="latency", delay_s=0.5, count=1)
    local.client.timeout = 100
    with pytest.raises(ccxt.RequestTimeout):
        place(local, "slow")
    local.client.timeout = 5000
    assert find(local, "slow")["status"] == "open"


def test_a_client_that_left_before_its_connection_is_torn_harms_nobody(local: LocalVenue) -> None:
    local.arm(fault="latency", delay_s=0.3, count=1)
    local.arm(fault="lost_reply")
    with pytest.raises(requests.Timeout):
        requests.get(f"{local.address}/api/v3/time", timeout=0.05)
    started = time.monotonic()
    until(lambda: time.monotonic() - started > 0.4 or None)
    assert local.client.fetch_order_book(SYMBOL)["bids"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"fault": "server_error"}, ccxt.ExchangeNotAvailable),
        ({"fault": "server_error", "status": 504}, ccxt.RequestTimeout),
        ({"fault": "too_many_requests", "retry_after_s": 7}, ccxt.DDoSProtection),
        ({"fault": "too_many_requests", "status": 418}, ccxt.DDoSProtection),
    ],
)
def test_a_refusal_at_the_door_processes_nothing(local: LocalVenue, fault: dict[str, Any], error: type) -> None:
    local.arm(**fault)
    with pytest.raises(error):
        place(local, "refused")
    if "retry_after_s" in fault:
        assert local.client.last_response_headers["Retry-After"] == "7"
    with pytest.raises(ccxt.OrderNotFound):
        find(local, "refused")


def test_a_malformed_reply_has_status_200_and_the_order_exists(local: LocalVenue) -> None:
    local.arm(fault="malformed_reply", body="null", route=ORDER)
    assert place(local, "garbled")["id"] is None
    assert find(local, "garbled")["status"] == "open"


def test_a_fault_lets_as_many_requests_pass_as_it_is_told_to(local: LocalVenue) -> None:
    local.arm(fault="lost_reply", route=ORDER, after=2)
    for client_id in ("first", "second"):
        assert place(local, client_id)["status"] == "open"
    assert local.state()["faults"]["armed"] == [{"fault": "lost_reply", "route": ORDER, "count": 1, "after": 0}]
    with pytest.raises(ccxt.NetworkError):
        place(local, "third")
    assert place(local, "fourth")["status"] == "open"


def test_a_lost_cancel_has_cancelled(local: LocalVenue) -> None:
    order = place(local, "gone")
    local.arm(fault="lost_reply", route="DELETE /api/v3/order")
    with pytest.raises(ccxt.NetworkError):
        local.client.cancel_order(order["id"], SYMBOL)
    assert find(local, "gone")["status"] == "canceled"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "earthquake"}, "lost_reply, delayed_acceptance, latency, server_error, too_many_requests"),
        ({"fault": ["latency"]}, "allowed: lost_reply"),
        ({"fault": "latency", "delay_s": 1, "color": "red"}, "allowed: fault, route, count, delay_s"),
        ({"fault": "latency"}, "latency needs delay_s"),
        ({"fault": "latency", "delay_s": "1"}, "delay_s '1'; allowed: a number"),
        ({"fault": "latency", "delay_s": True}, "delay_s True; allowed: a number"),
        ({"fault": "latency", "delay_s": -1}, "0 to 3600"),
        ({"fault": "server_error", "status": 404}, "500 to 599"),
        ({"fault": "lost_reply", "route": "POST /order"}, "POST /api/v3/order"),
        ({"fault": "lost_reply", "route": ["GET /api/v3/time"]}, "allowed: null or one of GET /api/v3/ping"),
        ({"fault": "lost_reply", "count": 0}, "1 or more"),
        ({"fault": "lost_reply", "count": "all"}, "null until cleared"),
        ({"fault": "delayed_acceptance", "delay_s": 1, "route": "GET /api/v3/time"}, ORDER),
        ({"fault": "lost_reply", "after": -1}, "after -1; allowed: 0 or more"),
        ({"fault": "lost_reply", "after": None}, "after None; allowed: a whole number"),
        ({"fault": "lost_reply", "count": True}, "count True; allowed: a whole number, or null until cleared"),
        ({"fault": "connection_reset", "processed": 1}, "processed 1; allowed: true or false"),
        ({"fault": "truncated_reply", "kept_share": 1}, "kept_share 1; allowed: 0 to below 1"),
        ({"fault": "truncated_reply", "kept_share": "half"}, "kept_share 'half'; allowed: a number or its text"),
        ({"fault": "truncated_reply", "kept_share": "NaN"}, "kept_share 'NaN'; allowed: a number or its text"),
        ({"fault": "empty_reply", "body": "null"}, "body 'null'; allowed: '', '{}', '[]'"),
        ({"fault": "wrong_types"}, "wrong_types needs to (null, text, number, list)"),
        ({"fault": "wrong_types", "to": "boolean"}, "to 'boolean'; allowed: null, text, number, list"),
        ({"fault": "wrong_types", "to": "list", "key": 1}, "key 1; allowed: a text or null"),
        ({"fault": "clock_skew", "offset_s": 3601}, "offset_s 3601; allowed: -3600 to 3600"),
        ({"fault": "clock_skew", "offset_s": 1, "route": "GET /api/v3/depth"}, "of clock_skew; allowed: GET /api/v3/t"),
        ({"fault": "frozen_book", "route": "GET /api/v3/time"}, "of frozen_book; allowed: GET /api/v3/depth"),
        ({"fault": "crossed_book", "overlap_ticks": -1}, "overlap_ticks -1; allowed: 0 to"),
        ({"fault": "one_sided_book", "side": "buy"}, "side 'buy'; allowed: bids, asks"),
        ({"fault": "late_fills", "lag_s": "1"}, "lag_s '1'; allowed: a number or null"),
        ({"fault": "late_fills", "lag_s": -1}, "lag_s -1; allowed: 0 to 86400"),
        ({"fault": "fill_during_cancel", "share": 0}, "share 0; allowed: above 0, at most 1"),
        ({"fault": "unknown_order", "route": ORDER}, "allowed: GET /api/v3/order, DELETE /api/v3/order"),
        ({"fault": "delisted_symbol", "stage": "sold"}, "stage 'sold'; allowed: halted, removed"),
        ({"fault": "changed_tick_size", "tick_size": 0}, "tick_size 0; allowed: above 0"),
    ],
)
def test_an_unusable_fault_is_refused_by_name(local: LocalVenue, body: dict[str, Any], said: str) -> None:
    answer = requests.post(f"{local.address}/local/faults", json=body, timeout=5)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert requests.get(f"{local.address}/local/faults", timeout=5).json() == {"armed": [], "applied": {}}


@pytest.mark.parametrize("body", [{"shift_bps": "x"}, {"shift_bps": "NaN"}, {"shift_bps": -10_000}, {"bps": 1}, {}])
def test_an_unusable_price_jump_is_refused(local: LocalVenue, body: dict[str, Any]) -> None:
    answer = requests.post(f"{local.address}/local/prices", json=body, timeout=5)
    assert answer.status_code == 422
    assert "allowed" in answer.json()["detail"]


def test_other_requests_are_answered_while_one_waits(local: LocalVenue) -> None:
    """A slow reply holds up nobody else."""
    local.arm(fault="latency", delay_s=0.5, route="GET /api/v3/time", count=1)
    with pytest.raises(requests.Timeout):
        requests.get(f"{local.address}/api/v3/time", timeout=0.05)
    started = time.monotonic()
    assert until(lambda: local.client.fetch_order_book(SYMBOL)["bids"])
    assert time.monotonic() - started < 0.4
