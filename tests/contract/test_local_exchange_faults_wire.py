"""Broken connections, refusals at the door and spoiled replies, as an unmodified ccxt client meets them."""

import json
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests

from tests.contract.local_venue import MARKET_ID, SYMBOL, LocalVenue, served

ORDER = "POST /api/v3/order"
DEPTH = "GET /api/v3/depth"


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    with served() as venue:
        yield venue


def place(local: LocalVenue, client_id: str) -> Any:
    params = {"postOnly": True, "clientOrderId": client_id}
    return local.client.create_order(SYMBOL, "limit", "buy", "0.1", "1899", params)


def find(local: LocalVenue, client_id: str) -> Any:
    return local.client.fetch_order(None, SYMBOL, {"clientOrderId": client_id})


def depth(local: LocalVenue) -> requests.Response:
    return requests.get(f"{local.address}/api/v3/depth?symbol={MARKET_ID}", timeout=5)


@pytest.mark.parametrize("processed", [False, True])
def test_a_reset_connection_leaves_an_order_behind_only_if_it_was_processed(local: LocalVenue, processed: bool) -> None:
    local.arm(fault="connection_reset", route=ORDER, processed=processed)
    with pytest.raises(ccxt.NetworkError) as caught:
        place(local, "reset")
    assert type(caught.value) is ccxt.NetworkError
    assert [order["clientOrderId"] for order in local.client.fetch_open_orders()] == ["reset"] * processed
    assert place(local, "next")["status"] == "open"
    assert local.state()["faults"] == {"armed": [], "applied": {"connection_reset": 1}}


def test_a_reset_is_a_reset_and_not_an_orderly_end(local: LocalVenue) -> None:
    local.arm(fault="connection_reset")
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        depth(local)
    local.arm(fault="lost_reply")
    with pytest.raises(requests.ConnectionError, match="without response"):
        depth(local)


def test_a_ban_says_until_when_and_how_long(local: LocalVenue) -> None:
    """R10: status 418, Retry-After in seconds."""
    local.arm(fault="too_many_requests", status=418, retry_after_s=120)
    with pytest.raises(ccxt.DDoSProtection, match=r"-1003.*IP banned until \d{13}\."):
        local.client.fetch_order_book(SYMBOL)
    assert local.client.last_response_headers["Retry-After"] == "120"
    assert "X-MBX-USED-WEIGHT-1M" not in local.client.last_response_headers
    local.arm(fault="too_many_requests", status=418, retry_after_s=120)
    answer = depth(local)
    until_ms = int(answer.json()["msg"].partition("until ")[2].partition(".")[0])
    assert answer.status_code == 418
    assert until_ms == pytest.approx(local.clock() // 1000 + 120_000, abs=5_000)


def test_maintenance_lasts_until_cleared_and_processes_nothing(local: LocalVenue) -> None:
    """R30."""
    local.arm(fault="maintenance")
    for _ in range(2):
        with pytest.raises(ccxt.OnMaintenance, match=r"System is under maintenance\."):
            place(local, "refused")
    assert depth(local).status_code == 503
    assert depth(local).json() == {"code": 1, "msg": "System is under maintenance."}
    local.clear()
    with pytest.raises(ccxt.OrderNotFound):
        find(local, "refused")
    assert local.client.fetch_order_book(SYMBOL)["bids"]


def test_a_truncated_reply_is_the_beginning_of_the_true_one(local: LocalVenue) -> None:
    whole = depth(local).text
    local.arm(fault="truncated_reply", route=DEPTH, kept_share="0.25")
    cut = depth(local)
    assert (cut.status_code, cut.text) == (200, whole[: len(whole) // 4])
    assert depth(local).text == whole
    local.arm(fault="truncated_reply", route=ORDER)
    assert place(local, "cut")["id"] is None
    assert find(local, "cut")["status"] == "open"


@pytest.mark.parametrize("body", ["", "{}", "[]"])
def test_an_empty_reply_has_status_200_and_the_order_exists(local: LocalVenue, body: str) -> None:
    """R7: ccxt takes it for an order without an id, or for no orders."""
    local.arm(fault="empty_reply", body=body, route=ORDER)
    assert place(local, "empty")["id"] is None
    assert find(local, "empty")["status"] == "open"
    local.arm(fault="empty_reply", body=body)
    answer = depth(local)
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (
        200,
        body,
        "application/json;charset=UTF-8",
    )


def test_html_with_status_200_is_an_empty_book_to_ccxt(local: LocalVenue) -> None:
    local.arm(fault="malformed_reply", body="<html>We'll be back</html>")
    assert local.client.fetch_order_book(SYMBOL)["bids"] == []
    assert local.client.fetch_order_book(SYMBOL)["bids"] != []


@pytest.mark.parametrize(
    ("to", "levels", "update_id"),
    [
        ("null", [[None, None], [None, None]], None),
        ("text", [["wrong", "wrong"], ["wrong", "wrong"]], "wrong"),
        ("number", [[1899, 2], [1898, 3]], 2),
        ("list", [[["1899.00000000"], ["2.00000000"]], [["1898.00000000"], ["3.00000000"]]], [2]),
    ],
)
def test_wrong_types_keep_the_keys_and_change_every_value(
    local: LocalVenue, to: str, levels: object, update_id: object
) -> None:
    true = depth(local).json()
    local.arm(fault="wrong_types", to=to, route=DEPTH)
    wrong = depth(local).json()
    assert wrong.keys() == true.keys()
    assert (wrong["bids"], wrong["lastUpdateId"]) == (levels, update_id)
    assert depth(local).json() == true


def test_wrong_types_can_be_of_one_key_alone(local: LocalVenue) -> None:
    place(local, "one")
    local.arm(fault="wrong_types", to="null", key="status", route="GET /api/v3/openOrders")
    (row,) = local.client.privateGetOpenOrders()
    assert (row["status"], row["clientOrderId"]) == (None, "one")
    local.arm(fault="wrong_types", to="number", key="bids")
    book = depth(local).json()
    assert (book["bids"][0], book["asks"][0]) == ([1899, 2.1], ["1901.00000000", "2.00000000"])


def test_wrong_types_leave_a_refusal_a_refusal(local: LocalVenue) -> None:
    local.arm(fault="wrong_types", to="list")
    answer = requests.get(f"{local.address}/api/v3/depth?symbol=NOTHING", timeout=5)
    assert (answer.status_code, json.loads(answer.text)) == (400, {"code": [-1121], "msg": ["Invalid symbol."]})
