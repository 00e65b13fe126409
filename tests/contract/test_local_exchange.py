"""Real ccxt, unmodified, trades on the local exchange as on Binance."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ccxt
import pytest
import requests

from marketmaker.domain.orders import Side
from tests.contract.local_venue import MARKET_ID, SYMBOL, LocalVenue, quote_at, served, trade_at

D = Decimal


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    sells = [trade_at(10 + n, Side.SELL, "1899.5", "0.1") for n in range(5)]
    buys = [trade_at(20, Side.BUY, "1900.5", "0.05"), trade_at(21, Side.BUY, "1901", "1")]
    with served([*sells, *buys, quote_at(3600)]) as venue:
        yield venue


def place(local: LocalVenue, side: str, price: str, size: str = "0.5", client_id: str = "mmt011aaaaaaab00") -> Any:
    params = {"postOnly": True, "clientOrderId": client_id}
    return local.client.create_order(SYMBOL, "limit", side, size, price, params)


def test_the_market_is_a_spot_market_with_its_filters(local: LocalVenue) -> None:
    market = local.client.market(SYMBOL)
    assert (market["spot"], market["active"], market["id"]) == (True, True, MARKET_ID)
    assert [D(market["precision"][name]) for name in ("price", "amount")] == [D("0.01"), D("0.0001")]
    assert D(market["limits"]["cost"]["min"]) == 5
    assert "LIMIT_MAKER" in market["info"]["orderTypes"]


def test_books_and_tickers_show_the_market(local: LocalVenue) -> None:
    book = local.client.fetch_order_book(SYMBOL, 1)
    assert (book["bids"], book["asks"]) == ([[1899.0, 2.0]], [[1901.0, 2.0]])
    raw = local.client.publicGetDepth({"symbol": MARKET_ID, "limit": 5})
    assert raw["bids"] == [["1899.00000000", "2.00000000"], ["1898.00000000", "3.00000000"]]
    ticker = local.client.fetch_ticker(SYMBOL)
    assert (ticker["bid"], ticker["ask"]) == ("1899.00000000", "1901.00000000")
    assert D(ticker["quoteVolume"]) > 3_000_000
    assert local.client.publicGetTickerPrice({"symbol": MARKET_ID})["price"] == "1899.00000000"
    assert local.client.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] == "1901.00000000"


def test_the_ticker_is_of_the_last_day(local: LocalVenue) -> None:
    local.skip(15)
    ticker = local.client.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["info"]["count"]) == ("1899.50000000", 5)
    local.skip(2 * 86_400)
    later = local.client.fetch_ticker(SYMBOL)
    assert (later["info"]["count"], D(later["quoteVolume"])) == (0, D(0))


def test_an_order_is_placed_found_and_cancelled_by_either_id(local: LocalVenue) -> None:
    first, second = place(local, "buy", "1899.5"), place(local, "sell", "1900.5", client_id="b")
    assert (first["status"], first["clientOrderId"], first["postOnly"]) == ("open", "mmt011aaaaaaab00", True)
    found = local.client.fetch_order(None, SYMBOL, {"clientOrderId": "b"})
    assert (found["id"], found["price"], found["amount"]) == (second["id"], "1900.50000000", "0.50000000")
    assert [order["id"] for order in local.client.fetch_open_orders()] == [first["id"], second["id"]]
    assert local.client.fetch_order_book(SYMBOL)["bids"][0] == [1899.5, 0.5]
    assert local.client.fetch_balance()["used"] == {"PAXG": "0.50000000", "USDT": "949.75000000"}
    assert local.client.cancel_order(first["id"], SYMBOL)["status"] == "canceled"
    assert local.client.cancel_order(None, SYMBOL, {"clientOrderId": "b"})["clientOrderId"] is not None
    assert local.client.fetch_open_orders(SYMBOL) == []
    state = local.state()
    assert (state["orders"]["accepted"], state["orders"]["cancelled_unfilled"]) == (2, 2)
    assert state["balances"]["USDT"] == {"free": "65000", "locked": "0", "total": "65000"}


def test_cancel_all_cancels_all(local: LocalVenue) -> None:
    place(local, "buy", "1899.5")
    place(local, "sell", "1900.5", client_id="b")
    assert len(local.client.cancel_all_orders(SYMBOL)) == 2
    with pytest.raises(ccxt.OrderNotFound):
        local.client.cancel_all_orders(SYMBOL)


def test_trades_fill_partly_and_are_paged_from_an_id(local: LocalVenue) -> None:
    order = place(local, "buy", "1899.5", "0.45")
    local.skip(13.05)
    assert local.client.fetch_order(order["id"], SYMBOL)["filled"] == "0.40000000"
    local.skip(1)
    closed = local.client.fetch_order(order["id"], SYMBOL)
    assert (closed["status"], closed["filled"]) == ("closed", "0.45000000")
    trades = local.client.fetch_my_trades(SYMBOL)
    assert [trade["id"] for trade in trades] == ["1", "2", "3", "4", "5"]
    assert {trade["takerOrMaker"] for trade in trades} == {"maker"}
    assert trades[0]["fee"] == {"currency": "PAXG", "cost": "0.00001000"}
    assert trades[0]["order"] == order["id"]
    gaps = [after["timestamp"] - before["timestamp"] for before, after in pairwise(trades)]
    assert gaps == [1000] * 4
    pages = [local.client.fetch_my_trades(SYMBOL, None, 2, {"fromId": start}) for start in (1, 3, 5, 6)]
    assert [[trade["id"] for trade in page] for page in pages] == [["1", "2"], ["3", "4"], ["5"], []]
    since = local.client.fetch_my_trades(SYMBOL, trades[2]["timestamp"], 2)
    assert [trade["id"] for trade in since] == ["3", "4"]
    assert [trade["id"] for trade in local.client.fetch_my_trades(SYMBOL, None, 2)] == ["4", "5"]


def test_the_exchanges_books_agree_with_its_trades(local: LocalVenue) -> None:
    place(local, "buy", "1899.5", "0.45")
    place(local, "sell", "1900.5", "0.3", client_id="s")
    local.skip(25)
    local.client.create_order(SYMBOL, "market", "sell", "0.25")
    state = local.state()
    total = {asset: D(amount) for asset, amount in state["initial_balances"].items()}
    for trade in state["trades"]:
        sign = 1 if trade["isBuyer"] else -1
        total["PAXG"] += sign * D(trade["qty"])
        total["USDT"] -= sign * D(trade["quoteQty"])
        total[trade["commissionAsset"]] -= D(trade["commission"])
    assert {asset: D(held["total"]) for asset, held in state["balances"].items()} == total
    assert {trade["isMaker"] for trade in state["trades"]} == {True, False}
    assert 0 < state["two_sided_ms"] < state["quoting_ms"]
    assert state["two_sided_uptime"] == pytest.approx(state["two_sided_ms"] / state["quoting_ms"], rel=0.01)
    assert state["requests"]["POST /api/v3/order"] == 3


def test_a_limit_order_that_takes_pays_the_taker_fee(local: LocalVenue) -> None:
    order = local.client.create_order(SYMBOL, "limit", "buy", "3", "1901.5")
    assert (order["status"], order["filled"], order["average"]) == ("open", "2.00000000", "1901")
    assert local.client.fetch_my_trades(SYMBOL)[0]["fee"] == {"currency": "PAXG", "cost": "0.00200000"}
    assert local.client.fetch_order_book(SYMBOL)["bids"][0] == [1901.5, 1.0]
    ioc = local.client.create_order(SYMBOL, "limit", "buy", "9", "1902", {"timeInForce": "IOC"})
    assert (ioc["status"], ioc["filled"]) == ("expired", "3.00000000")


def test_used_weight_and_order_counts_are_in_the_headers(local: LocalVenue) -> None:
    before = requests.get(f"{local.address}/api/v3/ping", timeout=5).headers["X-MBX-USED-WEIGHT-1M"]
    for path, weight in (("depth?limit=100", 5), ("depth?limit=500", 25), ("exchangeInfo", 20), ("time", 1)):
        joiner = "&" if "?" in path else "?"
        headers = requests.get(f"{local.address}/api/v3/{path}{joiner}symbol={MARKET_ID}", timeout=5).headers
        assert int(headers["X-MBX-USED-WEIGHT-1M"]) == int(before) + weight
        before = headers["X-MBX-USED-WEIGHT-1M"]
    place(local, "buy", "1899.5")
    assert local.client.last_response_headers["X-Mbx-Order-Count-10s"] == "1"


def test_a_price_jump_moves_the_market_at_once(local: LocalVenue) -> None:
    place(local, "buy", "1899.5")
    answer = requests.post(f"{local.address}/local/prices", json={"shift_bps": -1000}, timeout=5)
    assert answer.status_code == 200
    state = local.state()
    assert (state["market_bid"], state["market_ask"]) == ("1709.1", "1710.9")
    assert state["trades"][0]["price"] == "1899.5"


def test_the_clock_is_this_machines(local: LocalVenue) -> None:
    assert abs(local.client.fetch_time() - local.client.milliseconds()) < 1000
    assert place(local, "buy", "1899.5")["timestamp"] == pytest.approx(local.client.milliseconds(), abs=1000)
