"""ccxt's own `binanceusdm`, unmodified, trades perpetuals on the local exchange; numbers are worked out by hand."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import ccxt
import pytest
import requests

from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from marketmaker.simulation.events import Event
from tests.contract.local_venue import LocalVenue, quote_at, trade_at
from tests.contract.perpetual_venue import BUY, HOUR_S, SELL, SYMBOL, book, routed, served_perpetual

D = Decimal
KEY = ("test-key", "test-secret")
MARKET_ID = "SOLUSDC"
POST_ONLY = {"timeInForce": "GTX"}
REDUCE = {"reduceOnly": True}


def usdm(address: str, secret: str = KEY[1]) -> Any:
    return routed(
        ccxt.binanceusdm(
            {
                "apiKey": KEY[0],
                "secret": secret,
                "enableRateLimit": False,
                "options": {"fetchCurrencies": False, "warnOnFetchOpenOrdersWithoutSymbol": False},
            }
        ),
        address,
    )


@contextmanager
def served(*events: Event) -> Iterator[LocalVenue]:
    with served_perpetual(BINANCE_USDM, UsdmListing, KEY, usdm, events) as local:
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


def position(local: LocalVenue) -> Any:
    (found,) = local.client.fetch_positions([SYMBOL])
    return found


class TestTheMarket:
    def test_is_a_linear_swap_with_its_filters(self, local: LocalVenue) -> None:
        market = local.client.market(SYMBOL)
        assert (market["id"], market["swap"], market["linear"], market["settle"]) == (MARKET_ID, True, True, "USDC")
        assert [D(market["precision"][name]) for name in ("price", "amount")] == [D("0.1"), D("0.01")]
        assert (D(market["limits"]["cost"]["min"]), D(market["contractSize"])) == (D(5), D(1))
        assert "GTX" in market["info"]["timeInForce"]

    def test_books_tickers_and_klines_show_it(self, local: LocalVenue) -> None:
        raw = local.client.fapiPublicGetDepth({"symbol": MARKET_ID, "limit": 5})
        assert raw["bids"] == [["99.00000000", "100.00000000"], ["98.00000000", "200.00000000"]]
        assert local.client.fetch_order_book(SYMBOL, 5)["asks"][0] == [101.0, 100.0]
        local.skip(21)
        ticker = local.client.fetch_ticker(SYMBOL)
        assert (ticker["last"], ticker["info"]["count"]) == ("101.10000000", 2)
        assert local.client.fetch_bids_asks([SYMBOL])[SYMBOL]["bid"] == "99.00000000"
        candles = local.client.fetch_ohlcv(SYMBOL, "1m")
        assert sum(D(str(candle[5])) for candle in candles) == 10
        assert len(local.client.fetch_trades(SYMBOL)) == 2
        assert abs(local.client.fetch_time() - local.client.milliseconds() - 21_000) < 1000

    def test_mark_and_funding_are_told(self, local: LocalVenue) -> None:
        told = local.client.fetch_funding_rate(SYMBOL)
        assert (D(told["markPrice"]), D(told["fundingRate"])) == (D(100), D("0.0001"))
        assert 0 < told["fundingTimestamp"] - local.client.milliseconds() <= HOUR_S * 1000
        local.skip(2 * HOUR_S + 1)
        past = local.client.fetch_funding_rate_history(SYMBOL)
        assert [D(rate["fundingRate"]) for rate in past] == [D("0.0001")] * 2
        assert past[1]["timestamp"] - past[0]["timestamp"] == HOUR_S * 1000


class TestOrders:
    def test_one_is_placed_found_and_cancelled_by_either_id(self, local: LocalVenue) -> None:
        first = place(local, "buy", "0.5", "99.5", clientOrderId="mm1", **POST_ONLY)
        second = place(local, "sell", "0.5", "100.5", clientOrderId="mm2", **POST_ONLY)
        assert (first["status"], first["clientOrderId"], first["timeInForce"]) == ("open", "mm1", "PO")
        found = local.client.fetch_order(None, SYMBOL, {"clientOrderId": "mm2"})
        assert (found["id"], found["price"], found["amount"]) == (second["id"], "100.50000000", "0.50000000")
        assert [order["id"] for order in local.client.fetch_open_orders(SYMBOL)] == [first["id"], second["id"]]
        assert local.client.fetch_order_book(SYMBOL)["bids"][0] == [99.5, 0.5]
        assert local.client.cancel_order(first["id"], SYMBOL)["status"] == "canceled"
        assert local.client.cancel_order(None, SYMBOL, {"clientOrderId": "mm2"})["status"] == "canceled"
        assert local.client.fetch_open_orders(SYMBOL) == []
        with pytest.raises(ccxt.OrderNotFound):
            local.client.cancel_order(first["id"], SYMBOL)
        with pytest.raises(ccxt.OrderNotFound):
            local.client.fetch_order("9", SYMBOL)

    def test_a_batch_stands_or_falls_one_by_one(self, local: LocalVenue) -> None:
        def order(side: str, price: str, client_id: str) -> dict[str, object]:
            params = {"clientOrderId": client_id, **POST_ONLY}
            return {"symbol": SYMBOL, "type": "limit", "side": side, "amount": "1", "price": price, "params": params}

        placed = local.client.create_orders(
            [order("buy", "99.5", "a"), order("buy", "101", "b"), order("sell", "100.5", "c")]
        )
        assert {each["clientOrderId"]: each["status"] for each in placed} == {
            "a": "open",
            "c": "open",
            None: "rejected",
        }
        (refused,) = (each for each in placed if each["status"] == "rejected")
        assert refused["info"]["code"] == -5022
        assert local.client.last_response_headers["X-Mbx-Order-Count-10s"] == "3"
        with pytest.raises(ccxt.ExchangeError, match="-4082"):
            local.client.create_orders([order("buy", f"9{n}.5", f"d{n}") for n in range(6)])
        ids = [each["id"] for each in placed if each["id"]]
        assert {each["status"] for each in local.client.cancel_orders([*ids, "77"], SYMBOL)} == {"canceled"}
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            local.client.cancel_orders(["77"], SYMBOL)

    def test_all_are_cancelled_even_none(self, local: LocalVenue) -> None:
        place(local, "buy", "1", "99.5")
        for _ in range(2):
            answer = local.client.fapiPrivateDeleteAllOpenOrders({"symbol": MARKET_ID})
            assert answer["code"] == 200
        assert local.client.fetch_open_orders(SYMBOL) == []

    def test_post_only_is_refused_where_it_would_take(self, local: LocalVenue) -> None:
        with pytest.raises(ccxt.OrderNotFillable, match="-5022"):
            place(local, "buy", "1", "101", **POST_ONLY)
        assert local.client.fetch_open_orders(SYMBOL) == []

    def test_an_immediate_order_takes_and_expires(self, local: LocalVenue) -> None:
        local.client.set_leverage(50, SYMBOL)
        order = place(local, "buy", "80", "101", timeInForce="IOC")
        assert (order["status"], order["filled"], D(order["average"])) == ("closed", "80.00000000", D(101))
        rest = place(local, "buy", "5", "100.9", timeInForce="IOC")
        assert (rest["status"], rest["filled"]) == ("expired", "0.00000000")
        with pytest.raises(ccxt.ExchangeError, match="-5021"):
            place(local, "buy", "21", "101", timeInForce="FOK")

    def test_a_market_order_walks_the_book_and_pays_the_taker(self, local: LocalVenue) -> None:
        local.client.set_leverage(50, SYMBOL)
        order = place(local, "sell", "150", None)
        assert (order["status"], D(order["cost"])) == ("closed", D(99 * D(100) + D(98) * D(50)))
        fees = [D(trade["fee"]["cost"]) for trade in local.client.fetch_my_trades(SYMBOL)]
        assert fees == [D("4.95"), D("2.45")]

    def test_refusals_are_the_venues_own(self, local: LocalVenue) -> None:
        raw = local.client.fapiPrivatePostOrder
        usual = {
            "symbol": MARKET_ID,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "1",
            "price": "99",
        }
        place(local, "buy", "1", "98", clientOrderId="same")
        for change, code in (
            ({"price": "99.05"}, -4014),
            ({"quantity": "1.001"}, -1111),
            ({"quantity": "0.01"}, -4164),
            ({"quantity": "0"}, -4003),
            ({"price": "0"}, -4001),
            ({"quantity": "105"}, -2019),
            ({"newClientOrderId": "same"}, -4116),
            ({"newClientOrderId": "a b"}, -1100),
            ({"positionSide": "LONG"}, -4061),
            ({"type": "STOP"}, -1116),
            ({"timeInForce": "GTD"}, -1115),
            ({"side": "UP"}, -1117),
            ({"symbol": "BTCUSDT"}, -1121),
            ({"type": "MARKET"}, -1106),
            ({"reduceOnly": "true"}, -2022),
        ):
            with pytest.raises(ccxt.BaseError, match=f'"code":{code},'):
                raw({**usual, **change})
        assert local.state()["orders"]["accepted"] == 1


class TestTheAccount:
    def test_a_fill_becomes_a_position_with_its_margins(self, local: LocalVenue) -> None:
        place(local, "buy", "2", "99", **POST_ONLY)
        local.skip(11)
        found = position(local)
        # 2 long at 99, marked at 100: 200 of notional over 10, maintenance of 5 %
        assert (found["side"], D(found["contracts"]), D(found["entryPrice"])) == ("long", D(2), D(99))
        assert (D(found["unrealizedPnl"]), D(found["initialMargin"]), D(found["maintenanceMargin"])) == (
            D(2),
            D(20),
            D(10),
        )
        assert (D(found["markPrice"]), found["hedged"]) == (D(100), False)
        (trade,) = local.client.fetch_my_trades(SYMBOL)
        assert (trade["takerOrMaker"], D(trade["fee"]["cost"]), trade["fee"]["currency"]) == (
            "maker",
            D("0.0396"),
            "USDC",
        )
        balance = local.client.fetch_balance()["USDC"]
        assert [D(balance[name]) for name in ("total", "used", "free")] == [D("1001.9604"), 20, D("981.9604")]
        (told,) = local.client.fapiPrivateV3GetBalance()
        assert (D(told["balance"]), D(told["crossUnPnl"])) == (D("999.9604"), D(2))
        assert D(local.client.fetch_balance({"useV2": True})["USDC"]["total"]) == D("1001.9604")

    def test_the_older_positions_list_flat_symbols_with_leverage_and_margin_type(self, local: LocalVenue) -> None:
        assert local.client.fapiPrivateV3GetPositionRisk() == []
        (flat,) = local.client.fapiPrivateV2GetPositionRisk({"symbol": MARKET_ID})
        assert (D(flat["positionAmt"]), flat["leverage"], flat["marginType"]) == (D(0), "10", "cross")
        place(local, "sell", "1", "102")
        (with_orders,) = local.client.fapiPrivateV3GetPositionRisk()
        assert D(with_orders["openOrderInitialMargin"]) == D("10.2")

    def test_leverage_is_set_and_told(self, local: LocalVenue) -> None:
        assert local.client.set_leverage(20, SYMBOL)["leverage"] == 20
        leverage = local.client.fetch_leverage(SYMBOL)
        assert (D(leverage["longLeverage"]), leverage["marginMode"]) == (D(20), "cross")
        with pytest.raises(ccxt.ExchangeError, match="-4028"):
            local.client.set_leverage(51, SYMBOL)
        place(local, "buy", "100", "99")
        with pytest.raises(ccxt.ExchangeError, match="-2028"):
            local.client.set_leverage(5, SYMBOL)
        tiers = local.client.fetch_leverage_tiers([SYMBOL])[SYMBOL]
        assert [(D(tier["maxLeverage"]), D(tier["maintenanceMarginRate"])) for tier in tiers] == [(D(50), D("0.05"))]

    def test_modes_are_read_and_changed_only_while_flat(self, local: LocalVenue) -> None:
        assert local.client.fetch_position_mode(SYMBOL)["hedged"] is False
        with pytest.raises(ccxt.MarginModeAlreadySet, match="-4046"):
            local.client.set_margin_mode("cross", SYMBOL)
        place(local, "buy", "1", "99")
        with pytest.raises(ccxt.ExchangeError, match="-4067"):
            local.client.set_position_mode(True, SYMBOL)
        with pytest.raises(ccxt.ExchangeError, match="-4047"):
            local.client.set_margin_mode("isolated", SYMBOL)
        local.client.cancel_all_orders(SYMBOL)
        local.client.set_position_mode(True, SYMBOL)
        local.client.set_margin_mode("isolated", SYMBOL)
        assert local.client.fetch_position_mode(SYMBOL)["hedged"] is True
        assert local.client.fetch_leverage(SYMBOL)["marginMode"] == "isolated"
        with pytest.raises(ccxt.ExchangeError, match="-4061"):
            place(local, "buy", "1", "99")

    def test_fees_are_told(self, local: LocalVenue) -> None:
        fee = local.client.fetch_trading_fee(SYMBOL)
        assert (D(fee["maker"]), D(fee["taker"])) == (D("0.0002"), D("0.0005"))


class TestReduceOnly:
    def test_it_is_refused_while_flat_and_never_turns(self, local: LocalVenue) -> None:
        with pytest.raises(ccxt.ExchangeError, match="-2022"):
            place(local, "sell", "1", "99", **REDUCE)
        place(local, "buy", "2")
        with pytest.raises(ccxt.ExchangeError, match="-2022"):
            place(local, "buy", "1", "99", **REDUCE)
        order = place(local, "sell", "5", None, **REDUCE)
        assert (order["status"], order["filled"]) == ("expired", "2.00000000")
        assert local.client.fetch_positions([SYMBOL]) == []
        trades = local.client.fetch_my_trades(SYMBOL)
        assert [D(trade["info"]["realizedPnl"]) for trade in trades] == [0, -4]

    def test_a_resting_one_expires_with_the_position(self, local: LocalVenue) -> None:
        place(local, "buy", "2")
        resting = place(local, "sell", "2", "101", **REDUCE, **POST_ONLY)
        place(local, "sell", "2")
        assert local.client.fetch_order(resting["id"], SYMBOL)["status"] == "expired"


class TestFunding:
    def test_payments_are_income_rows_once_each(self, local: LocalVenue) -> None:
        place(local, "buy", "10")
        local.skip(HOUR_S + 1)
        (row,) = local.client.fetch_funding_history(SYMBOL)
        # 0.0001 · 10 · 100, paid by the long
        assert (D(row["amount"]), row["code"], row["id"]) == (D("-0.1"), "USDC", "1")
        assert requests.post(f"{local.address}/local/funding", json={"rate": "-0.0003"}, timeout=5).status_code == 200
        local.skip(HOUR_S)
        rows = local.client.fetch_funding_history(SYMBOL)
        assert [D(each["amount"]) for each in rows] == [D("-0.1"), D("0.3")]
        since = local.client.fetch_funding_history(SYMBOL, rows[1]["timestamp"])
        assert [each["id"] for each in since] == ["2"]
        # 1000 - 10 · 101 · 0.0005 - 0.1 + 0.3
        assert margin(local)["balance"] == D("999.695")
        kinds = [row["incomeType"] for row in local.client.fapiPrivateGetIncome({"symbol": MARKET_ID})]
        assert kinds == ["COMMISSION", "FUNDING_FEE", "FUNDING_FEE"]


class TestLiquidation:
    def test_the_venue_closes_what_maintenance_no_longer_covers(self) -> None:
        crash = quote_at(60, "90x200", "92x200")
        with served(crash) as local:
            local.client.set_leverage(20, SYMBOL)
            place(local, "buy", "100")
            place(local, "buy", "1", "50")
            before = position(local)
            # 1000 - 5.05 + 100 (p - 101) = 0.05 · 100 p
            expected = (10_100 - D("994.95")) / 95
            assert abs(D(before["liquidationPrice"]) - expected) < D("0.0001")
            local.skip(61)
            assert local.client.fetch_positions([SYMBOL]) == []
            assert local.client.fetch_open_orders(SYMBOL) == []
            (forced,) = local.client.fapiPrivateGetForceOrders({"symbol": MARKET_ID})
            assert (forced["type"], forced["side"], D(forced["executedQty"])) == ("LIQUIDATION", "SELL", D(100))
            state = local.state()
            assert [trade["isLiquidation"] for trade in state["trades"]] == [False, True]
            # sold at 90: -1100, fee 90; what the account then owes is the insurance fund's
            assert D(state["trades"][1]["commission"]) == 90
            assert (margin(local)["balance"], margin(local)["insured"]) == (D(0), D("195.05"))

    def test_a_mark_that_is_fed_liquidates_too(self, local: LocalVenue) -> None:
        place(local, "buy", "90")
        assert requests.post(f"{local.address}/local/mark", json={"price": "93"}, timeout=5).status_code == 200
        assert local.state()["liquidations"] == 1
        assert margin(local)["size"] == 0


class TestTheDeadManSwitch:
    def count_down(self, local: LocalVenue, countdown_ms: int) -> Any:
        return local.client.fapiPrivatePostCountdownCancelAll({"symbol": MARKET_ID, "countdownTime": countdown_ms})

    def test_it_cancels_everything_when_it_runs_out(self, local: LocalVenue) -> None:
        place(local, "buy", "1", "98.5")
        place(local, "sell", "1", "101.5")
        assert self.count_down(local, 30_000) == {"symbol": MARKET_ID, "countdownTime": "30000"}
        local.skip(29)
        assert len(local.client.fetch_open_orders(SYMBOL)) == 2
        local.skip(1.5)
        assert local.client.fetch_open_orders(SYMBOL) == []
        assert local.state()["orders"]["cancelled"] == 2

    def test_being_armed_again_puts_it_off_and_zero_ends_it(self, local: LocalVenue) -> None:
        place(local, "buy", "1", "98.5")
        self.count_down(local, 30_000)
        local.skip(20)
        self.count_down(local, 30_000)
        local.skip(20)
        assert len(local.client.fetch_open_orders(SYMBOL)) == 1
        self.count_down(local, 0)
        local.skip(60)
        assert len(local.client.fetch_open_orders(SYMBOL)) == 1

    def test_fills_before_it_ran_out_happen_and_later_ones_do_not(self) -> None:
        with served(trade_at(20, SELL, "98.9", "0.4"), trade_at(40, SELL, "98.9", "5")) as local:
            place(local, "buy", "1", "99")
            self.count_down(local, 30_000)
            local.skip(50)
            assert [D(trade["amount"]) for trade in local.client.fetch_my_trades(SYMBOL)] == [D("0.4")]
            assert local.client.fetch_orders(SYMBOL)[0]["status"] == "canceled"


class TestTheDoor:
    def test_a_wrong_secret_is_refused(self, local: LocalVenue) -> None:
        stranger = usdm(local.address, secret="wrong")
        for call in (stranger.fetch_balance, lambda: stranger.create_order(SYMBOL, "market", "buy", "1")):
            with pytest.raises(ccxt.AuthenticationError, match="-1022"):
                call()
        assert local.state()["orders"]["accepted"] == 0

    def test_a_request_past_its_expiry_is_refused(self, local: LocalVenue) -> None:
        local.clock.ahead_us += 11_000_000
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            local.client.fetch_balance()

    def test_weights_and_order_counts_are_in_the_headers(self, local: LocalVenue) -> None:
        while time.time() % 10 > 8:
            time.sleep(0.1)
        place(local, "buy", "1", "99")
        headers = local.client.last_response_headers
        assert headers["X-Mbx-Order-Count-10s"] == headers["X-Mbx-Order-Count-1m"] == "1"
        before = int(headers["X-Mbx-Used-Weight-1m"])
        local.client.fapiPublicGetDepth({"symbol": MARKET_ID, "limit": 100})
        assert int(local.client.last_response_headers["X-Mbx-Used-Weight-1m"]) == before + 5

    @pytest.mark.parametrize("route", ["GET /fapi/v3/positionRisk", "GET /fapi/v2/positionRisk"])
    def test_faults_wait_on_the_dialects_own_routes(self, local: LocalVenue, route: str) -> None:
        place(local, "buy", "1")
        local.arm(fault="server_error", route=route)
        with pytest.raises(ccxt.ExchangeNotAvailable):
            local.client.fetch_positions([SYMBOL], {"useV2": "v2" in route})
        assert local.client.fetch_positions([SYMBOL])
        local.arm(fault="delayed_acceptance", delay_s=1)
        (armed,) = requests.get(f"{local.address}/local/faults", timeout=5).json()["armed"]
        assert armed["route"] == "POST /fapi/v1/order"
        local.clear()
        refused = requests.post(
            f"{local.address}/local/faults", json={"fault": "late_fills", "route": route}, timeout=5
        )
        assert "GET /fapi/v1/userTrades" in refused.json()["detail"]

    def test_faults_of_orders_and_accounts_speak_the_dialect(self, local: LocalVenue) -> None:
        local.arm(fault="lagging_balance")
        place(local, "buy", "1")
        assert local.client.fetch_positions([SYMBOL]) == []
        local.clear()
        assert position(local)["side"] == "long"
        local.arm(fault="post_only_rejection")
        with pytest.raises(ccxt.OrderNotFillable):
            place(local, "buy", "1", "98", **POST_ONLY)
        local.arm(fault="too_many_requests", retry_after_s=3)
        with pytest.raises(ccxt.DDoSProtection):
            local.client.fetch_balance()
        local.arm(fault="unknown_order")
        resting = place(local, "buy", "1", "98")
        with pytest.raises(ccxt.OrderNotFound):
            local.client.cancel_order(resting["id"], SYMBOL)


def test_the_books_agree_with_the_trades(local: LocalVenue) -> None:
    place(local, "buy", "2", "99", **POST_ONLY)
    place(local, "sell", "3", "101", **POST_ONLY)
    local.skip(25)
    place(local, "buy", "4")
    local.skip(HOUR_S)
    state = local.state()
    cash = D(state["initial_balances"]["USDC"])
    size = D(0)
    for trade in state["trades"]:
        sign = 1 if trade["isBuyer"] else -1
        cash -= sign * D(trade["qty"]) * D(trade["price"]) + D(trade["commission"])
        size += sign * D(trade["qty"])
    cash += sum(D(payment["received"]) for payment in state["funding_payments"])
    told = margin(local)
    assert told["size"] == size == 3
    assert told["mark"] is not None
    assert told["margin_balance"] == cash + size * told["mark"]
    assert json.dumps(state)
