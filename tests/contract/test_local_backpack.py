"""ccxt's own `backpack`, unmodified, trades perpetuals on the local exchange; numbers are worked out by hand."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import ccxt
import pytest
import requests

from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.login import local_key, login_of, public_key
from infra.local.exchange.backpack.speech import BACKPACK
from marketmaker.simulation.events import Event
from tests.contract.local_venue import LocalVenue, quote_at, trade_at
from tests.contract.perpetual_venue import BUY, HOUR_S, SELL, SYMBOL, book, routed, served_perpetual

D = Decimal
KEY = local_key()
MARKET_ID = "SOL_USDC_PERP"


def backpack(address: str, key: tuple[str, str] = KEY) -> Any:
    return routed(ccxt.backpack({"apiKey": key[0], "secret": key[1], "enableRateLimit": False}), address)


@contextmanager
def served(*events: Event) -> Iterator[LocalVenue]:
    with served_perpetual(BACKPACK, BackpackListing, KEY, backpack, events) as local:
        yield local


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    market = [trade_at(10, SELL, "98.9", "5"), trade_at(20, BUY, "101.1", "5"), book(3500), book(100_000)]
    with served(*market) as venue:
        yield venue


def place(local: LocalVenue, side: str, size: str, price: str | None = None, **params: object) -> Any:
    kind = "market" if price is None else "limit"
    return local.client.create_order(SYMBOL, kind, side, size, price, params)


def margin(local: LocalVenue) -> dict[str, Decimal | None]:
    return {name: None if text is None else D(text) for name, text in local.state()["margin"].items()}


class TestTheMarket:
    def test_is_a_linear_swap_with_its_grids(self, local: LocalVenue) -> None:
        market = local.client.market(SYMBOL)
        assert (market["id"], market["swap"], market["linear"], market["active"]) == (MARKET_ID, True, True, True)
        assert [D(market["precision"][name]) for name in ("price", "amount")] == [D("0.1"), D("0.01")]
        assert local.client.publicGetApiV1Market({"symbol": MARKET_ID})["fundingInterval"] == HOUR_S * 1000
        assert "USDC" in local.client.currencies

    def test_books_tickers_and_klines_show_it(self, local: LocalVenue) -> None:
        raw = local.client.publicGetApiV1Depth({"symbol": MARKET_ID, "limit": 5})
        assert (raw["bids"], raw["asks"]) == ([["98", "200"], ["99", "100"]], [["101", "100"], ["102", "200"]])
        assert local.client.fetch_order_book(SYMBOL, 5)["bids"][0] == [99.0, 100.0]
        local.skip(21)
        ticker = local.client.fetch_ticker(SYMBOL)
        assert (ticker["last"], ticker["info"]["trades"]) == ("101.1", "2")
        assert list(local.client.fetch_tickers([SYMBOL])) == [SYMBOL]
        since = local.client.milliseconds() - 120_000
        candles = local.client.fetch_ohlcv(SYMBOL, "1m", since, 10, {"until": local.clock() // 1000})
        assert sum(D(str(candle[5])) for candle in candles) == 10
        assert [trade["side"] for trade in local.client.fetch_trades(SYMBOL)] == ["sell", "buy"]
        assert local.client.fetch_status()["status"] == "ok"
        assert abs(int(requests.get(f"{local.address}/api/v1/time", timeout=5).text) - local.clock() // 1000) < 1000
        assert requests.get(f"{local.address}/api/v1/ping", timeout=5).json() == "pong"

    def test_mark_and_funding_are_told(self, local: LocalVenue) -> None:
        told = local.client.fetch_funding_rate(SYMBOL)
        assert (D(told["markPrice"]), D(told["fundingRate"])) == (D(100), D("0.0001"))
        assert 0 < told["nextFundingTimestamp"] - local.client.milliseconds() <= HOUR_S * 1000
        local.skip(2 * HOUR_S + 1)
        past = local.client.fetch_funding_rate_history(SYMBOL)
        assert [D(rate["fundingRate"]) for rate in past] == [D("0.0001")] * 2
        place(local, "sell", "2")
        assert D(local.client.fetch_open_interest(SYMBOL)["openInterestValue"]) == 2


class TestOrders:
    def test_one_is_placed_found_and_cancelled_by_either_id(self, local: LocalVenue) -> None:
        first = place(local, "buy", "0.5", "99.5", clientOrderId=7, postOnly=True)
        second = place(local, "sell", "0.5", "100.5", clientOrderId="4294967295", postOnly=True)
        assert (first["status"], first["clientOrderId"], first["postOnly"]) == ("open", "7", True)
        assert second["clientOrderId"] == "4294967295"
        found = local.client.fetch_open_order(first["id"], SYMBOL)
        assert (found["id"], found["price"], found["amount"], found["side"]) == (first["id"], "99.5", "0.5", "buy")
        by_client_id = local.client.privateGetApiV1Order({"symbol": MARKET_ID, "clientId": 4294967295})
        assert by_client_id["id"] == second["id"]
        assert [order["id"] for order in local.client.fetch_open_orders(SYMBOL)] == [first["id"], second["id"]]
        assert local.client.cancel_order(first["id"], SYMBOL)["status"] == "canceled"
        ended = local.client.privateDeleteApiV1Order({"symbol": MARKET_ID, "clientId": 4294967295})
        assert (ended["status"], ended["clientId"]) == ("Cancelled", 4294967295)
        assert local.client.fetch_open_orders(SYMBOL) == []
        assert local.client.fetch_order(first["id"], SYMBOL)["status"] == "canceled"
        assert [order["status"] for order in local.client.fetch_orders(SYMBOL)] == ["canceled"] * 2

    def test_an_order_that_does_not_rest_is_not_found(self, local: LocalVenue) -> None:
        filled = place(local, "buy", "1")
        with pytest.raises(ccxt.ExchangeNotAvailable, match="RESOURCE_NOT_FOUND"):
            local.client.fetch_open_order(filled["id"], SYMBOL)
        with pytest.raises(ccxt.InvalidOrder, match="Order not found"):
            local.client.cancel_order(filled["id"], SYMBOL)
        for ids in ({}, {"orderId": filled["id"], "clientId": 1}):
            with pytest.raises(ccxt.BadRequest, match="exactly one"):
                local.client.privateGetApiV1Order({"symbol": MARKET_ID, **ids})

    def test_a_batch_stands_or_falls_one_by_one(self, local: LocalVenue) -> None:
        def order(side: str, price: str, client_id: int) -> dict[str, object]:
            params = {"clientOrderId": client_id, "postOnly": True}
            return {"symbol": SYMBOL, "type": "limit", "side": side, "amount": "1", "price": price, "params": params}

        placed = local.client.create_orders(
            [order("buy", "99.5", 1), order("buy", "101", 2), order("sell", "100.5", 3)]
        )
        assert sorted((each["clientOrderId"] or "", each["status"] or "") for each in placed) == [
            ("", ""),
            ("1", "open"),
            ("3", "open"),
        ]
        (refused,) = (each["info"] for each in placed if each["id"] is None)
        assert (refused["code"], refused["message"]) == ("INVALID_ORDER", "Order would immediately match and take")
        assert len(local.client.cancel_all_orders(SYMBOL)) == 2
        assert local.client.cancel_all_orders(SYMBOL) == []

    def test_post_only_is_refused_where_it_would_take(self, local: LocalVenue) -> None:
        with pytest.raises(ccxt.InvalidOrder, match="immediately match"):
            place(local, "buy", "1", "101", postOnly=True)
        assert local.client.fetch_open_orders(SYMBOL) == []

    def test_an_immediate_order_takes_and_expires(self, local: LocalVenue) -> None:
        order = place(local, "buy", "80", "101", timeInForce="IOC")
        assert (order["status"], order["filled"], D(order["cost"])) == ("closed", "80", D(8080))
        rest = place(local, "buy", "5", "100.9", timeInForce="IOC")
        assert (rest["status"], rest["filled"], rest["info"]["status"]) == ("canceled", "0", "Expired")
        past = local.client.privateGetWapiV1HistoryOrders({"symbol": MARKET_ID, "orderId": rest["id"]})
        assert [each["expiryReason"] for each in past] == ["ImmediateOrCancel"]

    def test_a_market_order_walks_the_book_and_pays_the_taker(self, local: LocalVenue) -> None:
        local.client.privatePatchApiV1Account({"leverageLimit": "50"})
        order = place(local, "sell", "150")
        assert (order["status"], D(order["cost"])) == ("closed", D(99 * 100 + 98 * 50))
        fees = [D(trade["fee"]["cost"]) for trade in local.client.fetch_my_trades(SYMBOL)]
        assert sorted(fees) == [D("2.45"), D("4.95")]

    def test_refusals_are_the_venues_own(self, local: LocalVenue) -> None:
        raw = local.client.privatePostApiV1Order
        usual = {"symbol": MARKET_ID, "side": "Bid", "orderType": "Limit", "quantity": "1", "price": "99"}
        place(local, "buy", "1", "98", clientOrderId=5)
        for change, said in (
            ({"price": "99.05"}, "Price decimal too long"),
            ({"quantity": "1.001"}, "Quantity decimal too long"),
            ({"quantity": "0.01"}, "below the minimum order size"),
            ({"quantity": "0"}, "INVALID_QUANTITY"),
            ({"price": "0"}, "INVALID_PRICE"),
            ({"quantity": "105"}, "INSUFFICIENT_MARGIN"),
            ({"clientId": 5}, "Duplicate client order id"),
            ({"clientId": 2**32}, "no uint32"),
            ({"clientId": "mm-1"}, "failed to parse parameter `clientId`"),
            ({"side": "Buy"}, "Side"),
            ({"orderType": "Stop"}, "INVALID_CLIENT_REQUEST"),
            ({"timeInForce": "GTX"}, "INVALID_CLIENT_REQUEST"),
            ({"symbol": "SOL_USDC"}, "INVALID_SYMBOL"),
            ({"reduceOnly": True}, "Reduce only order not reduced"),
            ({"postOnly": True, "timeInForce": "IOC"}, "Post only orders must be"),
            ({"quoteQuantity": "10"}, "not modelled"),
        ):
            with pytest.raises(ccxt.BaseError, match=said):
                raw({**usual, **change})
        assert local.state()["orders"]["accepted"] == 1


class TestOwnOrders:
    def test_a_taker_ends_at_an_own_order_unless_it_asks_for_that_ones_end(self, local: LocalVenue) -> None:
        place(local, "buy", "3")
        quote = place(local, "buy", "1", "99.5", postOnly=True)
        ended = place(local, "sell", "3", None, reduceOnly=True)
        assert (ended["status"], ended["filled"], ended["info"]["selfTradePrevention"]) == (
            "canceled",
            "0",
            "RejectTaker",
        )
        (past,) = local.client.privateGetWapiV1HistoryOrders({"symbol": MARKET_ID, "orderId": ended["id"]})
        assert past["expiryReason"] == "SelfTradePrevention"
        assert [order["id"] for order in local.client.fetch_open_orders(SYMBOL)] == [quote["id"]]
        closed = place(local, "sell", "3", None, reduceOnly=True, selfTradePrevention="EXPIRE_MAKER")
        assert (closed["status"], closed["filled"]) == ("closed", "3")
        assert local.client.fetch_open_orders(SYMBOL) == []


class TestTheAccount:
    def test_a_fill_becomes_a_position(self, local: LocalVenue) -> None:
        place(local, "buy", "2", "99", postOnly=True)
        local.skip(11)
        (found,) = local.client.fetch_positions([SYMBOL])
        assert (found["side"], D(found["contracts"]), D(found["entryPrice"])) == ("long", D(2), D(99))
        assert (D(found["unrealizedPnl"]), D(found["notional"]), D(found["markPrice"])) == (D(2), D(198), D(100))
        place(local, "buy", "3", "98")
        (raw,) = local.client.privateGetApiV1Position()
        # what is held, and what would be with every bid filled
        assert (D(raw["netQuantity"]), D(raw["netExposureQuantity"])) == (D(2), D(5))
        (trade,) = local.client.fetch_my_trades(SYMBOL)
        assert (trade["takerOrMaker"], D(trade["fee"]["cost"]), trade["side"]) == ("maker", D("0.0396"), "buy")

    def test_capital_and_collateral_are_told(self, local: LocalVenue) -> None:
        place(local, "sell", "10")
        balance = local.client.fetch_balance()["USDC"]
        assert D(balance["free"]) == D("999.505")
        told = local.client.privateGetApiV1CapitalCollateral()
        # 10 short at 99, marked at 100, over 10
        assert D(told["netEquity"]) == D("999.505") - 10
        assert (D(told["netEquityLocked"]), D(told["netEquityAvailable"])) == (D(100), D("889.505"))
        assert D(told["marginFraction"]) == D("0.989505")

    def test_leverage_is_the_accounts_and_the_answer_is_empty(self, local: LocalVenue) -> None:
        assert not local.client.privatePatchApiV1Account({"leverageLimit": "5"})
        account = local.client.privateGetApiV1Account()
        assert (account["leverageLimit"], account["futuresMakerFee"], account["futuresTakerFee"]) == ("5", "2", "5")
        with pytest.raises(ccxt.BadRequest, match="leverage limit 51"):
            local.client.privatePatchApiV1Account({"leverageLimit": "51"})
        place(local, "buy", "50", "99")
        with pytest.raises(ccxt.InsufficientFunds):
            local.client.privatePatchApiV1Account({"leverageLimit": "2"})
        assert local.client.privateGetApiV1Account()["leverageLimit"] == "5"


class TestReduceOnly:
    def test_it_is_refused_while_flat_and_never_turns(self, local: LocalVenue) -> None:
        with pytest.raises(ccxt.InvalidOrder, match="Reduce only"):
            place(local, "sell", "1", "99", reduceOnly=True)
        place(local, "buy", "2")
        order = place(local, "sell", "5", None, reduceOnly=True)
        assert (order["filled"], order["info"]["status"]) == ("2", "Expired")
        assert local.client.fetch_positions([SYMBOL]) == []
        assert margin(local)["realised"] == -4

    def test_a_resting_one_expires_with_the_position(self, local: LocalVenue) -> None:
        place(local, "buy", "2")
        resting = place(local, "sell", "2", "101", reduceOnly=True, postOnly=True)
        place(local, "sell", "2")
        (past,) = local.client.privateGetWapiV1HistoryOrders({"symbol": MARKET_ID, "orderId": resting["id"]})
        assert (past["status"], past["expiryReason"]) == ("Expired", "ReduceOnlyNotReduced")


class TestFunding:
    def test_payments_are_rows_of_their_history(self, local: LocalVenue) -> None:
        place(local, "buy", "10")
        local.skip(HOUR_S + 1)
        (row,) = local.client.fetch_funding_history(SYMBOL)
        # 0.0001 · 10 · 100, paid by the long
        assert (D(row["amount"]), D(row["rate"])) == (D("-0.1"), D("0.0001"))
        requests.post(f"{local.address}/local/funding", json={"rate": "-0.0003"}, timeout=5).raise_for_status()
        local.skip(HOUR_S)
        rows = local.client.fetch_funding_history(SYMBOL)
        assert sorted(D(each["amount"]) for each in rows) == [D("-0.1"), D("0.3")]
        assert margin(local)["balance"] == D("999.695")


class TestLiquidation:
    def test_the_venue_closes_what_maintenance_no_longer_covers(self) -> None:
        with served(quote_at(60, "90x200", "92x200")) as local:
            place(local, "buy", "80")
            (before,) = local.client.fetch_positions([SYMBOL])
            # 1000 - 4.04 + 80 (p - 101) = 0.05 · 80 p
            assert abs(D(before["liquidationPrice"]) - (8080 - D("995.96")) / 76) < D("1E-9")
            place(local, "buy", "1", "50")
            local.skip(61)
            assert local.client.fetch_positions([SYMBOL]) == []
            assert local.client.fetch_open_orders(SYMBOL) == []
            own = local.client.fetch_my_trades(SYMBOL)
            every = local.client.privateGetWapiV1HistoryFills({"symbol": MARKET_ID})
            assert [trade["systemOrderType"] for trade in every] == ["LiquidatePositionOnBook", None]
            assert ([trade["side"] for trade in own], every[0]["clientId"]) == (["buy"], None)
            # sold at 90 for a fee of 72
            assert margin(local)["balance"] == D("995.96") - 880 - 72


class TestTheDoor:
    def test_a_wrong_secret_is_refused(self, local: LocalVenue) -> None:
        wrong = base64.b64encode(b"x" * 32).decode()
        stranger = backpack(local.address, (KEY[0], wrong))
        for call in (stranger.fetch_balance, lambda: stranger.create_order(SYMBOL, "market", "buy", "1")):
            with pytest.raises(ccxt.BadRequest, match="Invalid signature"):
                call()
        other = backpack(local.address, (public_key(b"x" * 32), wrong))
        with pytest.raises(ccxt.AuthenticationError, match="UNAUTHORIZED"):
            other.fetch_balance()
        assert local.state()["orders"]["accepted"] == 0

    def test_another_body_than_was_signed_is_refused(self, local: LocalVenue) -> None:
        usual = {"symbol": MARKET_ID, "side": "Bid", "orderType": "Limit", "quantity": "1", "price": "99"}
        signed = local.client.sign("api/v1/order", ["private"], "POST", usual)
        changed = json.dumps({**usual, "quantity": "2"})
        url = f"{local.address}/api/v1/order"
        answer = requests.post(url, data=changed, headers=signed["headers"], timeout=5)
        assert answer.json() == {"code": "INVALID_CLIENT_REQUEST", "message": "Invalid signature"}
        assert requests.post(url, data=signed["body"], headers=signed["headers"], timeout=5).status_code == 200

    def test_a_request_past_its_window_is_refused(self, local: LocalVenue) -> None:
        local.clock.ahead_us += 6_000_000
        with pytest.raises(ccxt.BadRequest, match="expired"):
            local.client.fetch_balance()

    def test_keys_that_do_not_belong_together_are_refused(self) -> None:
        for key, secret in ((KEY[0], "no base64!"), (KEY[0], base64.b64encode(b"short").decode()), ("other", KEY[1])):
            with pytest.raises(ValueError, match="allowed"):
                login_of(key, secret, may_withdraw=False)

    def test_a_position_query_can_fail_in_every_way(self, local: LocalVenue) -> None:
        place(local, "buy", "1")
        route = "GET /api/v1/position"
        for fault in ("server_error", "connection_reset"):
            local.arm(fault=fault, route=route)
            with pytest.raises(ccxt.NetworkError):
                local.client.fetch_positions([SYMBOL])
        local.arm(fault="empty_reply", route=route)
        assert not local.client.fetch_positions([SYMBOL])
        assert local.client.fetch_balance()["USDC"]
        assert len(local.client.fetch_positions([SYMBOL])) == 1

    def test_faults_speak_the_dialect(self, local: LocalVenue) -> None:
        local.arm(fault="post_only_rejection")
        with pytest.raises(ccxt.InvalidOrder, match="immediately match"):
            place(local, "buy", "1", "98", postOnly=True)
        local.arm(fault="too_many_requests", retry_after_s=3)
        with pytest.raises(ccxt.RateLimitExceeded):
            local.client.fetch_balance()
        local.arm(fault="lagging_balance")
        place(local, "buy", "1")
        assert local.client.fetch_positions([SYMBOL]) == []
        local.clear()
        assert len(local.client.fetch_positions([SYMBOL])) == 1
        resting = place(local, "buy", "1", "98")
        local.arm(fault="fill_during_cancel", share="1")
        with pytest.raises(ccxt.InvalidOrder, match="Order not found"):
            local.client.cancel_order(resting["id"], SYMBOL)
        assert margin(local)["size"] == 2
