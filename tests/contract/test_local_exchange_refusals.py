"""What the local exchange refuses, in Binance's codes, arrives as the ccxt error that production would raise."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests

from infra.local.exchange.binance.login import Login
from tests.contract.local_venue import LOGIN, MARKET_ID, SYMBOL, LocalVenue, binance, served

POST_ONLY = {"postOnly": True}


@pytest.fixture(scope="module")
def local() -> Iterator[LocalVenue]:
    with served() as venue:
        yield venue


def signed(local: LocalVenue, method: str, path: str, **params: object) -> requests.Response:
    sent = {"timestamp": local.clock() // 1000, **params}
    query = "&".join(f"{name}={value}" for name, value in sent.items() if value is not None)
    url = f"{local.address}/api/v3/{path}?{query}&signature={LOGIN.sign(query, '')}"
    return requests.request(method, url, headers={"X-MBX-APIKEY": LOGIN.api_key}, timeout=5)


def order(local: LocalVenue, **params: object) -> requests.Response:
    whole = {"symbol": MARKET_ID, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.1", "price": "1899"}
    return signed(local, "POST", "order", **(whole | params))


@pytest.mark.parametrize(
    ("kind", "side", "size", "price", "params", "error", "said"),
    [
        ("limit", "buy", "0.1", "1901", POST_ONLY, ccxt.OrderImmediatelyFillable, "immediately match"),
        ("limit", "buy", "99", "1899", POST_ONLY, ccxt.InsufficientFunds, "insufficient balance"),
        ("limit", "sell", "99", "1901", POST_ONLY, ccxt.InsufficientFunds, "insufficient balance"),
        ("market", "buy", "0.0001", None, {}, ccxt.BadRequest, "NOTIONAL"),
        ("limit", "buy", "0.001", "1899", POST_ONLY, ccxt.BadRequest, "NOTIONAL"),
        ("limit", "buy", "1", "1899", {"timeInForce": "NEVER"}, ccxt.BadRequest, "-1115"),
        ("limit", "buy", "1", "1899", {**POST_ONLY, "clientOrderId": "a b"}, ccxt.BadRequest, "-1100"),
    ],
)
def test_refused_orders_raise_productions_errors(
    local: LocalVenue, kind: str, side: str, size: str, price: str, params: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        local.client.create_order(SYMBOL, kind, side, size, price, params)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"price": "1899.005"}, ccxt.InvalidOrder, "PRICE_FILTER"),
        ({"price": "99000000"}, ccxt.InvalidOrder, "PRICE_FILTER"),
        ({"quantity": "0.00015"}, ccxt.InvalidOrder, "LOT_SIZE"),
        ({"quantity": "99000000"}, ccxt.InvalidOrder, "LOT_SIZE"),
    ],
)
def test_filters_that_ccxt_rounds_away_are_mapped_too(
    local: LocalVenue, params: dict[str, str], error: type[Exception], said: str
) -> None:
    whole = {"symbol": MARKET_ID, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.1", "price": "1899"}
    with pytest.raises(error, match=said):
        local.client.privatePostOrder(whole | params)


@pytest.mark.parametrize(
    ("params", "code", "said"),
    [
        ({"symbol": None}, -1102, "'symbol'"),
        ({"symbol": "BTCUSDT"}, -1121, "Invalid symbol."),
        ({"symbol": "paxg"}, -1100, "legal range"),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "STOP_LOSS"}, -1116, "Invalid orderType."),
        ({"type": "LIMIT"}, -1102, "'timeInForce'"),
        ({"timeInForce": "GTC"}, -1106, "'timeInForce'"),
        ({"type": "MARKET"}, -1106, "'price'"),
        ({"type": "MARKET", "price": None, "quoteOrderQty": "10"}, -2010, "Quote order qty"),
        ({"quantity": "-1"}, -1100, "'quantity'"),
        ({"quantity": "0.000000001"}, -1111, "too much precision"),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"price": "0.00"}, -1013, "Invalid price."),
        ({"price": ""}, -1102, "'price'"),
        ({"newOrderRespType": "SHORT"}, -1136, "Invalid newOrderRespType."),
    ],
)
def test_wrong_parameters_have_their_codes(local: LocalVenue, params: dict[str, object], code: int, said: str) -> None:
    answer = order(local, **params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert said in answer.json()["msg"]


def test_a_client_id_in_use_is_a_duplicate(local: LocalVenue) -> None:
    params = {**POST_ONLY, "clientOrderId": "twice"}
    local.client.create_order(SYMBOL, "limit", "buy", "0.1", "1899", params)
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        local.client.create_order(SYMBOL, "limit", "buy", "0.1", "1899", params)
    local.client.cancel_order(None, SYMBOL, {"clientOrderId": "twice"})


def test_unknown_orders_are_not_found(local: LocalVenue) -> None:
    for ask in (local.client.cancel_order, local.client.fetch_order):
        for params in ({}, {"clientOrderId": "nobody"}):
            with pytest.raises(ccxt.OrderNotFound):
                ask(None if params else "4711", SYMBOL, params)
    assert signed(local, "GET", "order", symbol=MARKET_ID).json()["code"] == -1102


def test_ids_that_name_two_orders_name_none(local: LocalVenue) -> None:
    first = order(local, newClientOrderId="one").json()["orderId"]
    order(local, newClientOrderId="two")
    assert signed(local, "GET", "order", symbol=MARKET_ID, orderId=first, origClientOrderId="two").status_code == 400
    both = signed(local, "DELETE", "order", symbol=MARKET_ID, orderId=first, origClientOrderId="one")
    assert both.json()["status"] == "CANCELED"
    cancelled = signed(local, "DELETE", "openOrders", symbol=MARKET_ID, newClientOrderId="gone").json()
    assert [(each["origClientOrderId"], each["clientOrderId"]) for each in cancelled] == [("two", "gone")]


def test_wrong_keys_and_signatures_are_authentication_errors(local: LocalVenue) -> None:
    wrong_key = binance(local.address, Login(api_key="other", api_secret="test-secret"))
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        wrong_key.fetch_balance()
    wrong_secret = binance(local.address, Login(api_key="test-key", api_secret="other"))
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        wrong_secret.fetch_balance()
    bare = requests.get(f"{local.address}/api/v3/account?timestamp=1", timeout=5)
    assert (bare.status_code, bare.json()["code"]) == (401, -2014)
    unsigned = requests.get(
        f"{local.address}/api/v3/account?timestamp=1", headers={"X-MBX-APIKEY": "test-key"}, timeout=5
    )
    assert (unsigned.status_code, unsigned.json()["code"]) == (400, -1102)


def test_query_and_body_are_signed_together_and_the_query_wins(local: LocalVenue) -> None:
    query = f"symbol={MARKET_ID}&side=BUY&type=LIMIT_MAKER&price=1899"
    body = f"quantity=0.1&price=1898&timestamp={local.clock() // 1000}"
    url = f"{local.address}/api/v3/order?{query}"
    signature = LOGIN.sign(query, body)
    headers = {"X-MBX-APIKEY": LOGIN.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(url, data=f"{body}&signature={signature}", headers=headers, timeout=5)
    assert answer.status_code == 200
    named = {"symbol": MARKET_ID, "orderId": answer.json()["orderId"]}
    assert signed(local, "GET", "order", **named).json()["price"] == "1899.00000000"
    signed(local, "DELETE", "order", **named)


@pytest.mark.parametrize(
    ("offset_ms", "window", "code"),
    [
        (-6_000, None, -1021),
        (-4_000, None, None),
        (-4_000, 3_000, -1021),
        (-30_000, 60_000, None),
        (2_000, None, -1021),
    ],
)
def test_requests_expire_with_their_window(
    local: LocalVenue, offset_ms: int, window: int | None, code: int | None
) -> None:
    stamp = local.clock() // 1000 + offset_ms
    answer = signed(local, "GET", "account", timestamp=stamp, recvWindow=window)
    assert answer.json().get("code") == code
    local.client.options["timeDifference"] = -offset_ms
    try:
        if code is not None and window is None:
            with pytest.raises(ccxt.InvalidNonce):
                local.client.privateGetAccount({"recvWindow": 5000})
    finally:
        local.client.options["timeDifference"] = 0


def test_a_window_beyond_a_minute_is_refused(local: LocalVenue) -> None:
    assert signed(local, "GET", "account", recvWindow=60_001).json()["code"] == -1102


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": 1001}, -1130),
        ({"fromId": 1, "startTime": 1}, -1128),
        ({"startTime": 1, "endTime": 90_000_000}, -1127),
        ({"limit": "many"}, -1100),
    ],
)
def test_trades_are_asked_for_within_bounds(local: LocalVenue, params: dict[str, object], code: int) -> None:
    assert signed(local, "GET", "myTrades", symbol=MARKET_ID, **params).json()["code"] == code


def test_symbol_lists_are_read_and_checked(local: LocalVenue) -> None:
    base = f"{local.address}/api/v3"
    assert len(requests.get(f'{base}/exchangeInfo?symbols=["{MARKET_ID}"]', timeout=5).json()["symbols"]) == 1
    assert requests.get(f'{base}/exchangeInfo?symbols=["X"]', timeout=5).json()["code"] == -1121
    assert requests.get(f"{base}/exchangeInfo?symbols=[", timeout=5).json()["code"] == -1100
    assert requests.get(f"{base}/ticker/price?symbol=X", timeout=5).json()["code"] == -1121
    assert requests.get(f"{base}/ticker/price", timeout=5).json()[0]["symbol"] == MARKET_ID


def test_replies_come_as_short_as_asked(local: LocalVenue) -> None:
    for kind, fields in (("ACK", False), ("RESULT", True), ("FULL", True)):
        answer = order(local, newOrderRespType=kind, newClientOrderId=f"r{kind}").json()
        assert (("executedQty" in answer), ("fills" in answer)) == (fields, kind == "FULL")
    assert "executedQty" not in order(local, newClientOrderId="default").json()
    signed(local, "DELETE", "openOrders", symbol=MARKET_ID)


def test_refusals_are_counted_by_code_and_reason() -> None:
    with served() as local:
        order(local, price="1901")
        order(local, symbol="X")
        state = local.state()["orders"]
        assert state["rejected"] == {"-2010": 1, "-1121": 1}
        assert state["rejected_reasons"] == {"would_take": 1}


def test_more_weight_than_a_minute_allows_is_refused_until_it_ends() -> None:
    with served() as local:
        local.skip(60 - local.clock() / 1e6 % 60)
        answers = [
            requests.get(f"{local.address}/api/v3/depth?symbol={MARKET_ID}&limit=5000", timeout=5) for _ in range(25)
        ]
        assert [answer.status_code for answer in answers] == [200] * 24 + [429]
        assert answers[-1].json()["code"] == -1003
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        with pytest.raises(ccxt.DDoSProtection):
            local.client.fetch_order_book(SYMBOL)
        local.skip(61)
        assert local.client.fetch_order_book(SYMBOL)["bids"]


def test_more_orders_than_ten_seconds_allow_are_refused() -> None:
    with served() as local:
        local.skip(10 - local.clock() / 1e6 % 10)
        codes = [order(local, price="1901").json()["code"] for _ in range(101)]
        assert codes == [-2010] * 100 + [-1015]
