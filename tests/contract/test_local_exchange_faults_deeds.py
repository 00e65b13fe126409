"""A venue that treats orders and symbols badly, as an unmodified ccxt client meets it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest
import requests

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Event
from tests.contract.local_venue import MARKET_ID, SYMBOL, LocalVenue, quote_at, served, trade_at

D = Decimal
POST_ONLY = {"postOnly": True}


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    events: list[Event] = [trade_at(2, Side.SELL, "1898.5", "0.1"), quote_at(3, bids="1909x2", asks="1911x2")]
    with served(events) as venue:
        yield venue


def place(local: LocalVenue, price: str = "1899", size: str = "0.1") -> Any:
    return local.client.create_order(SYMBOL, "limit", "buy", size, price, POST_ONLY)


def found(local: LocalVenue, order: Any) -> Any:
    return local.client.fetch_order(order["id"], SYMBOL)


def applied(local: LocalVenue) -> Any:
    return local.state()["faults"]["applied"]


def test_a_post_only_order_is_refused_whatever_its_price(local: LocalVenue) -> None:
    """R19."""
    local.arm(fault="post_only_rejection", count=2)
    local.client.create_order(SYMBOL, "limit", "buy", "0.1", "1850", {"timeInForce": "GTC"})
    for _ in range(2):
        with pytest.raises(ccxt.OrderImmediatelyFillable, match="would immediately match and take"):
            place(local, "1000")
    assert place(local)["status"] == "open"
    orders = local.state()["orders"]
    assert (orders["rejected"], orders["rejected_reasons"]) == ({"-2010": 2}, {"would_take": 2})
    assert applied(local) == {"post_only_rejection": 2}


def test_a_taken_fill_is_charged_and_told_as_taken(local: LocalVenue) -> None:
    """R20: of 0.1 bought, the taker fee of 0.1 % is 0.0001."""
    local.arm(fault="taken_fill")
    marked, usual = place(local), place(local, "1898.9", "0.3")
    local.skip(2.5)
    (trade,) = local.client.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["takerOrMaker"]) == (marked["id"], "taker")
    assert (trade["fee"]["cost"], trade["fee"]["currency"]) == ("0.00010000", "PAXG")
    assert local.client.fetch_balance()["PAXG"]["free"] == "20.09990000"
    assert found(local, usual)["status"] == "open"


def test_an_order_after_a_taken_one_is_a_makers_again(local: LocalVenue) -> None:
    local.arm(fault="taken_fill")
    local.client.cancel_order(place(local, "1899")["id"], SYMBOL)
    place(local)
    local.skip(2.5)
    assert [trade["takerOrMaker"] for trade in local.client.fetch_my_trades(SYMBOL)] == ["maker"]


def test_an_order_that_fills_whole_during_its_cancel_is_unknown_to_it(local: LocalVenue) -> None:
    """R13."""
    placed = place(local)
    local.arm(fault="fill_during_cancel")
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        local.client.cancel_order(placed["id"], SYMBOL)
    assert (found(local, placed)["status"], found(local, placed)["filled"]) == ("closed", "0.10000000")
    (trade,) = local.client.fetch_my_trades(SYMBOL)
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == ("1899.00000000", "0.10000000", "maker")
    assert local.client.fetch_balance()["PAXG"]["total"] == "20.09999"


@pytest.mark.parametrize(("share", "filled"), [("0.5", "0.05000000"), (0.33333, "0.03330000"), ("1e-9", "0.00010000")])
def test_an_order_that_fills_in_part_during_its_cancel_is_cancelled_with_the_rest(
    local: LocalVenue, share: object, filled: str
) -> None:
    placed = place(local)
    local.arm(fault="fill_during_cancel", share=share)
    cancelled = local.client.cancel_order(placed["id"], SYMBOL)
    assert (cancelled["status"], cancelled["filled"]) == ("canceled", filled)
    assert [trade["amount"] for trade in local.client.fetch_my_trades(SYMBOL)] == [filled]
    assert local.client.fetch_balance()["USDT"]["used"] == "0.00000000"


def test_a_cancel_of_no_open_order_does_not_use_the_fault_up(local: LocalVenue) -> None:
    local.arm(fault="fill_during_cancel")
    gone = place(local)
    local.skip(2.5)
    for order_id in ("99", gone["id"]):
        with pytest.raises(ccxt.OrderNotFound):
            local.client.cancel_order(order_id, SYMBOL)
    assert applied(local) == {}


def test_an_unknown_order_is_live_all_the_same(local: LocalVenue) -> None:
    """R1, R2: neither lookup nor cancel knows it; the open orders do."""
    placed = place(local)
    local.arm(fault="unknown_order", count=None)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        found(local, placed)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        local.client.cancel_order(placed["id"], SYMBOL)
    assert [order["id"] for order in local.client.fetch_open_orders()] == [placed["id"]]
    local.clear()
    assert local.client.cancel_order(placed["id"], SYMBOL)["status"] == "canceled"


def test_an_order_can_be_unknown_to_lookups_alone(local: LocalVenue) -> None:
    placed = place(local)
    local.arm(fault="unknown_order", route="GET /api/v3/order")
    assert local.client.cancel_order(placed["id"], SYMBOL)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        found(local, placed)
    assert found(local, placed)["status"] == "canceled"


def test_a_halted_symbol_takes_no_orders_and_stands_still(local: LocalVenue) -> None:
    """R30: resting orders stay, unfilled, and can be cancelled."""
    first, second = place(local), place(local)
    local.arm(fault="delisted_symbol")
    with pytest.raises(ccxt.MarketClosed, match="Market is closed"):
        place(local)
    local.skip(3.5)
    (market,) = local.client.fetch_markets()
    assert (market["active"], market["info"]["status"]) == (False, "BREAK")
    assert local.client.fetch_order_book(SYMBOL)["bids"][0][0] == 1899
    assert [order["filled"] for order in local.client.fetch_open_orders()] == ["0.00000000"] * 2
    assert local.client.cancel_order(first["id"], SYMBOL)["status"] == "canceled"
    assert local.state()["orders"]["rejected"] == {"-1013": 1}
    local.clear()
    assert local.client.fetch_markets()[0]["active"] is True
    assert found(local, second)["status"] == "open"
    assert place(local)["status"] == "open"


def test_what_the_market_would_have_done_during_a_halt_never_happens(local: LocalVenue) -> None:
    placed = place(local)
    local.arm(fault="delisted_symbol")
    local.skip(3.5)
    local.clear()
    local.skip(3600)
    assert found(local, placed)["status"] == "open"


def test_a_removed_symbol_is_unknown_on_every_route_and_its_orders_have_expired(local: LocalVenue) -> None:
    """R30: what the account holds stays."""
    placed, client = place(local), local.client
    local.arm(fault="delisted_symbol", stage="removed")
    asks: list[Callable[[], Any]] = [
        lambda: client.fetch_order_book(SYMBOL),
        lambda: client.fetch_ticker(SYMBOL),
        lambda: client.fetch_trades(SYMBOL),
        lambda: client.fetch_ohlcv(SYMBOL),
        lambda: client.publicGetTickerPrice({"symbol": MARKET_ID}),
        lambda: client.publicGetTickerBookTicker({"symbol": MARKET_ID}),
        lambda: client.publicGetExchangeInfo({"symbol": MARKET_ID}),
        lambda: client.publicGetExchangeInfo({"symbols": f'["{MARKET_ID}"]'}),
        lambda: place(local),
        lambda: found(local, placed),
        lambda: client.cancel_order(placed["id"], SYMBOL),
        lambda: client.fetch_open_orders(SYMBOL),
        lambda: client.cancel_all_orders(SYMBOL),
        lambda: client.fetch_my_trades(SYMBOL),
    ]
    for ask in asks:
        with pytest.raises(ccxt.BadSymbol, match="-1121"):
            ask()
    assert applied(local) == {"delisted_symbol": len(asks)}
    assert (client.fetch_markets(), client.publicGetTickerBookTicker(), client.fetch_open_orders()) == ([], [], [])
    balance = client.fetch_balance()
    assert (balance["PAXG"]["total"], balance["USDT"]["used"]) == ("20", "0.00000000")
    assert client.fetch_time() > 0
    local.clear()
    assert found(local, placed)["status"] == "expired"
    assert place(local)["status"] == "open"


def test_a_delisting_that_is_still_to_come_lets_the_market_go_on(local: LocalVenue) -> None:
    local.arm(fault="delisted_symbol", stage="removed", after=1)
    placed = place(local)
    assert local.state()["open_orders"] == []
    with pytest.raises(ccxt.BadSymbol):
        found(local, placed)


def test_a_changed_tick_size_is_told_and_enforced_until_cleared(local: LocalVenue) -> None:
    """R18: ccxt's own rounding follows the rules once they are read again."""
    resting = place(local, "1898.95")
    local.arm(fault="changed_tick_size", tick_size="0.5")
    with pytest.raises(ccxt.InvalidOrder, match="order price is invalid"):
        place(local, "1898.95")
    (market,) = local.client.fetch_markets()
    assert market["precision"]["price"] == "0.50000000"
    assert place(local, "1898.5")["price"] == "1898.50000000"
    assert found(local, resting)["status"] == "open"
    assert local.state()["tick_size"] == "0.01"
    assert local.state()["orders"]["rejected_reasons"] == {"off_tick": 1}
    local.clear()
    assert place(local, "1898.96")["status"] == "open"
    assert local.client.fetch_markets()[0]["precision"]["price"] == "0.01000000"


def test_a_finer_tick_size_lets_finer_prices_in(local: LocalVenue) -> None:
    local.arm(fault="changed_tick_size", tick_size=0.001)
    local.client.load_markets(True)
    assert place(local, "1898.999")["price"] == "1898.99900000"
    assert local.client.fetch_order_book(SYMBOL)["bids"][1][0] == 1898.999


def test_a_fault_of_the_venue_waits_for_a_request_that_reaches_it(local: LocalVenue) -> None:
    local.arm(fault="post_only_rejection")
    local.arm(fault="server_error", route="POST /api/v3/order")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        place(local)
    assert applied(local) == {"server_error": 1}
    local.arm(fault="lost_reply", route="POST /api/v3/order")
    with pytest.raises(ccxt.NetworkError):
        place(local)
    assert applied(local) == {"server_error": 1, "lost_reply": 1, "post_only_rejection": 1}
    assert local.client.fetch_open_orders() == []


def test_amounts_of_money_in_a_fault_are_shown_as_text(local: LocalVenue) -> None:
    armed = requests.post(
        f"{local.address}/local/faults", json={"fault": "changed_tick_size", "tick_size": "1e-7"}, timeout=5
    )
    assert armed.json() == {
        "fault": "changed_tick_size",
        "route": None,
        "count": None,
        "after": 0,
        "tick_size": "0.0000001",
    }
