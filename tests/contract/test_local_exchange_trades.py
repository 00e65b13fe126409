"""The local exchange's public trades, through an unmodified ccxt client."""

from collections.abc import Iterator

import ccxt
import pytest

from marketmaker.domain.orders import Side
from tests.contract.local_venue import MARKET_ID, SYMBOL, LocalVenue, served, trade_at


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    trades = [trade_at(number, Side.SELL if number % 2 else Side.BUY, "1900", "0.5") for number in range(1, 8)]
    with served(trades) as venue:
        yield venue


def test_trades_are_listed_as_they_happen_oldest_first(local: LocalVenue) -> None:
    assert local.client.fetch_trades(SYMBOL) == []
    local.skip(3.5)
    found = local.client.fetch_trades(SYMBOL)
    assert [(each["id"], each["side"], each["price"], each["amount"]) for each in found] == [
        ("0", "sell", "1900.00000000", "0.50000000"),
        ("1", "buy", "1900.00000000", "0.50000000"),
        ("2", "sell", "1900.00000000", "0.50000000"),
    ]
    assert 900 <= found[1]["timestamp"] - found[0]["timestamp"] <= 1100


def test_trades_are_read_from_an_id_on_or_else_the_newest(local: LocalVenue) -> None:
    local.skip(10)
    read = local.client.publicGetAggTrades
    assert [row["a"] for row in read({"symbol": MARKET_ID, "fromId": 4, "limit": 2})] == [4, 5]
    assert [row["a"] for row in read({"symbol": MARKET_ID, "limit": 2})] == [5, 6]
    assert [row["a"] for row in read({"symbol": MARKET_ID})] == list(range(7))
    assert read({"symbol": MARKET_ID, "fromId": 7}) == []


def test_a_page_has_an_end_and_a_symbol_is_listed(local: LocalVenue) -> None:
    with pytest.raises(ccxt.BadRequest):
        local.client.publicGetAggTrades({"symbol": MARKET_ID, "limit": 1_001})
    with pytest.raises(ccxt.BadSymbol):
        local.client.publicGetAggTrades({"symbol": "NOTHING"})
