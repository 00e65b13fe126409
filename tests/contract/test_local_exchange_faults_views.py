"""A venue that shows stale, impossible or incomplete data, as an unmodified ccxt client reads it."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from marketmaker.domain.orders import Side
from tests.contract.local_venue import MARKET_ID, SYMBOL, LocalVenue, quote_at, served, trade_at

DEPTH = "GET /api/v3/depth"
FILLS = [trade_at(second, Side.SELL, "1898.5", "0.1") for second in (2, 4, 6, 8)]
"""Trades through our bid at 1899, each of which fills a lot of 0.1."""


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    events = [quote_at(second, bids=f"{1899 + second}x2", asks=f"{1902 + second}x2") for second in (2, 4, 6)]
    with served(events) as venue:
        yield venue


@pytest.fixture
def traded() -> Iterator[LocalVenue]:
    with served(FILLS) as venue:
        yield venue


def place(local: LocalVenue, size: str = "0.1") -> Any:
    return local.client.create_order(SYMBOL, "limit", "buy", size, "1899", {"postOnly": True})


def book(local: LocalVenue, **params: object) -> Any:
    return local.client.publicGetDepth({"symbol": MARKET_ID, **params})


def trade_ids(local: LocalVenue, **params: object) -> list[int]:
    return [row["id"] for row in local.client.privateGetMyTrades({"symbol": MARKET_ID, **params})]


def test_a_frozen_book_stands_while_the_market_goes_on(local: LocalVenue) -> None:
    """R11: the update id stands too."""
    local.arm(fault="frozen_book")
    local.skip(2.1)
    first = book(local)
    assert first["bids"] == [["1901.00000000", "2.00000000"]]
    local.skip(2)
    assert book(local) == first
    assert local.state()["market_bid"] == "1903"
    assert local.client.fetch_ticker(SYMBOL)["bid"] == "1903.00000000"
    local.clear()
    moved = book(local)
    assert moved["bids"][0][0] == "1903.00000000"
    assert moved["lastUpdateId"] > first["lastUpdateId"]
    assert local.state()["faults"]["applied"] == {"frozen_book": 2}


def test_a_book_frozen_again_is_frozen_anew_and_as_deep_as_asked(local: LocalVenue) -> None:
    for bid in ("1899.00000000", "1901.00000000"):
        local.arm(fault="frozen_book", count=1)
        assert book(local, limit=1)["bids"] == [[bid, "2.00000000"]]
        local.skip(2.1)
    local.arm(fault="frozen_book")
    assert [len(book(local, limit=limit)["bids"]) for limit in (1, 5)] == [1, 1]


def test_a_frozen_book_keeps_every_level_for_a_later_deeper_request(traded: LocalVenue) -> None:
    traded.arm(fault="frozen_book")
    assert [len(book(traded, limit=limit)["asks"]) for limit in (1, 5)] == [1, 2]


@pytest.mark.parametrize(("overlap", "bids"), [(0, ["1901", "1900"]), (50, ["1901.5", "1900.5"])])
def test_a_crossed_book_bids_at_or_above_its_ask(traded: LocalVenue, overlap: int, bids: list[str]) -> None:
    """R11: a tick is 0.01."""
    true = book(traded)
    traded.arm(fault="crossed_book", overlap_ticks=overlap, count=1)
    crossed = traded.client.fetch_order_book(SYMBOL)
    assert [str(price).removesuffix(".0") for price, _ in crossed["bids"]] == bids
    assert crossed["asks"][0][0] == 1901
    assert (crossed["nonce"], book(traded)) == (true["lastUpdateId"], true)


def test_a_book_that_was_frozen_can_be_crossed_too(local: LocalVenue) -> None:
    local.arm(fault="frozen_book")
    local.arm(fault="crossed_book")
    for _ in range(2):
        shown = book(local)
        assert (shown["bids"][0][0], shown["asks"][0][0]) == ("1901.01000000", "1901.00000000")
        local.skip(2.1)


@pytest.mark.parametrize(("side", "other"), [("bids", "asks"), ("asks", "bids")])
def test_a_one_sided_book_lacks_the_side(local: LocalVenue, side: str, other: str) -> None:
    local.arm(fault="one_sided_book", side=side)
    shown = local.client.fetch_order_book(SYMBOL)
    assert shown[side] == []
    assert shown[other] != []
    local.clear()
    assert local.client.fetch_order_book(SYMBOL)[side] != []


def test_a_side_that_is_missing_already_cannot_be_crossed(local: LocalVenue) -> None:
    local.arm(fault="one_sided_book", side="asks")
    local.arm(fault="crossed_book")
    assert book(local)["bids"][0][0] == "1899.00000000"


@pytest.mark.parametrize("offset_s", [10, -10])
def test_a_skewed_clock_refuses_our_time_and_tells_its_own(local: LocalVenue, offset_s: int) -> None:
    """R8: signed with the venue's own time, requests work again."""
    true_ms = local.client.fetch_time()
    local.arm(fault="clock_skew", offset_s=offset_s)
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        local.client.fetch_balance({"recvWindow": 5000})
    shown_ms = local.client.fetch_time()
    assert shown_ms - true_ms == pytest.approx(offset_s * 1000, abs=2000)
    local.client.options["timeDifference"] = -offset_s * 1000
    placed = place(local)
    assert local.client.fetch_order(placed["id"], SYMBOL)["timestamp"] == pytest.approx(shown_ms, abs=2000)
    assert local.client.fetch_balance()["PAXG"]["free"] == "20.00000000"
    local.clear()
    local.client.options["timeDifference"] = 0
    found = local.client.fetch_order(placed["id"], SYMBOL)
    assert found["timestamp"] == pytest.approx(true_ms, abs=2000)


def test_a_skew_of_the_time_alone_leaves_signed_requests_alone(local: LocalVenue) -> None:
    local.arm(fault="clock_skew", offset_s=3600, route="GET /api/v3/time")
    assert local.client.fetch_time() - local.clock() // 1000 == pytest.approx(3_600_000, abs=2000)
    assert place(local)["status"] == "open"
    assert local.state()["faults"]["applied"] == {"clock_skew": 1}


def test_a_lagging_balance_is_that_of_the_arming(traded: LocalVenue) -> None:
    """R21."""
    place(traded)
    before = traded.client.fetch_balance()
    traded.arm(fault="lagging_balance")
    traded.skip(2.1)
    for _ in range(2):
        assert traded.client.fetch_balance()["total"] == before["total"]
    assert traded.state()["balances"]["PAXG"]["total"] == "20.09999"
    traded.clear()
    assert traded.client.fetch_balance()["PAXG"]["total"] == "20.09999"
    traded.arm(fault="lagging_balance")
    place(traded)
    assert traded.client.fetch_balance()["USDT"]["used"] == "0.00000000"


def test_a_lagging_balance_knows_what_the_market_did_before_the_arming(traded: LocalVenue) -> None:
    place(traded)
    traded.skip(2.1)
    traded.arm(fault="lagging_balance")
    assert traded.client.fetch_balance()["PAXG"]["total"] == "20.09999"


def test_late_fills_are_listed_once_they_are_old_enough(traded: LocalVenue) -> None:
    """R15: the order and the balances know of the fill before the trades do."""
    placed = place(traded, "0.3")
    traded.arm(fault="late_fills", lag_s=3)
    traded.skip(4.5)
    assert traded.client.fetch_order(placed["id"], SYMBOL)["filled"] == "0.20000000"
    assert trade_ids(traded) == []
    traded.skip(1)
    assert trade_ids(traded) == trade_ids(traded, fromId=1) == [1]
    traded.clear()
    assert trade_ids(traded) == [1, 2]


def test_late_fills_without_a_lag_are_not_listed_until_cleared(traded: LocalVenue) -> None:
    place(traded)
    traded.arm(fault="late_fills")
    traded.skip(3600)
    assert traded.client.fetch_my_trades(SYMBOL) == []
    traded.clear()
    assert trade_ids(traded) == [1]


def test_duplicated_fills_come_twice_and_pages_overlap(traded: LocalVenue) -> None:
    """R14, R15: what a client that pages by the last id + 1 gets."""
    place(traded, "0.4")
    traded.skip(9)
    assert trade_ids(traded) == [1, 2, 3, 4]
    traded.arm(fault="duplicated_fills")
    assert trade_ids(traded) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert trade_ids(traded, fromId=1, limit=3) == [1, 1, 2]
    assert trade_ids(traded, fromId=3, limit=3) == [2, 2, 3]
    assert trade_ids(traded, fromId=0, limit=1) == [1]
    assert trade_ids(traded, limit=3) == [3, 4, 4]
    traded.clear()
    assert trade_ids(traded, fromId=3, limit=3) == [3, 4]


def test_fills_can_be_late_and_duplicated(traded: LocalVenue) -> None:
    place(traded, "0.4")
    traded.arm(fault="late_fills", lag_s=3)
    traded.arm(fault="duplicated_fills")
    traded.skip(5.5)
    assert trade_ids(traded) == [1, 1]
