"""Real ccxt reads klines and the day's volume of the local exchange as Binance's."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ccxt
import pytest
import requests

from marketmaker.domain.orders import Side
from tests.contract.local_venue import MARKET_ID, SYMBOL, LocalVenue, served, trade_at

D = Decimal


@pytest.fixture
def local() -> Iterator[LocalVenue]:
    sells = [trade_at(10 + n, Side.SELL, "1899.5", "0.1") for n in range(5)]
    buys = [trade_at(20, Side.BUY, "1900.5", "0.05"), trade_at(20, Side.BUY, "1901", "1")]
    with served([*sells, *buys, trade_at(200, Side.SELL, "1890", "2")]) as venue:
        yield venue


def rows(local: LocalVenue, **params: object) -> list[list[Any]]:
    answer: list[list[Any]] = local.client.publicGetKlines({"symbol": MARKET_ID, "interval": "1s", **params})
    return answer


def test_there_are_no_klines_before_the_first_trade(local: LocalVenue) -> None:
    local.skip(5)
    assert local.client.fetch_ohlcv(SYMBOL, "1s") == []
    assert rows(local, startTime=0, limit=1000) == []


def test_seconds_hold_their_trades_and_stand_still_between(local: LocalVenue) -> None:
    local.skip(25)
    found = rows(local)
    opened = [row[0] for row in found]
    assert all(after - before == 1000 for before, after in pairwise(opened))
    assert all(row[6] == row[0] + 999 for row in found)
    assert [row[5] for row in found[:5]] == ["0.10000000"] * 5
    assert [row[5] for row in found[5:10]] == ["0.00000000"] * 5
    assert {tuple(row[1:5]) for row in found[:10]} == {("1899.50000000",) * 4}
    busy = next(row for row in found if row[8] and row[0] > opened[4])
    assert busy[1:6] == ["1900.50000000", "1901.00000000", "1900.50000000", "1901.00000000", "1.05000000"]
    assert busy[7:11] == ["1996.02500000", 2, "1.05000000", "1996.02500000"]
    unified = local.client.fetch_ohlcv(SYMBOL, "1s", limit=1000)
    assert [row[0] for row in unified] == opened[: len(unified)]


def test_the_kline_still_open_is_listed_last(local: LocalVenue) -> None:
    local.skip(25)
    before_ms = local.clock() // 1000
    last = rows(local)[-1]
    assert before_ms <= last[6] + 1
    assert last[0] <= local.clock() // 1000


def test_a_range_is_by_opening_times_from_its_start_on_or_to_its_end(local: LocalVenue) -> None:
    local.skip(25)
    opened = [row[0] for row in rows(local)]
    fourth, sixth = opened[3], opened[5]
    assert [row[0] for row in rows(local, startTime=fourth, endTime=sixth)] == opened[3:6]
    assert [row[0] for row in rows(local, startTime=fourth - 999, endTime=sixth + 999)] == opened[3:6]
    assert [row[0] for row in rows(local, startTime=fourth, limit=2)] == opened[3:5]
    assert [row[0] for row in rows(local, endTime=sixth, limit=2)] == opened[4:6]
    assert [row[0] for row in rows(local, startTime=0, limit=3)] == opened[:3]
    assert rows(local, startTime=sixth, endTime=fourth) == []
    assert rows(local, startTime=opened[-1] + 60_000) == []


def test_at_most_a_thousand_come_at_once(local: LocalVenue) -> None:
    local.skip(1_500)
    assert [len(rows(local, **limit)) for limit in ({}, {"limit": 1000}, {"limit": 5000})] == [500, 1000, 1000]
    assert rows(local, limit=1000)[-1][0] > rows(local, startTime=0, limit=1000)[-1][0]


def test_minutes_are_the_sum_of_their_seconds(local: LocalVenue) -> None:
    local.skip(300)
    seconds, minutes = rows(local, limit=1000), rows(local, interval="1m")
    assert sum(D(row[5]) for row in minutes) == sum(D(row[5]) for row in seconds) == D("3.55")
    assert len([minute for minute in minutes if minute[8]]) >= 2
    for minute in (each for each in minutes if each[8]):
        within = [row for row in seconds if minute[0] <= row[0] <= minute[6] and row[8]]
        assert sum(D(row[5]) for row in within) == D(minute[5])
        assert max(D(row[2]) for row in within) == D(minute[2])
        assert min(D(row[3]) for row in within) == D(minute[3])
        assert (within[0][1], within[-1][4]) == (minute[1], minute[4])


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"interval": "5m"}, ccxt.BadRequest, "-1120"),
        ({"interval": ""}, ccxt.BadRequest, "-1102"),
        ({"symbol": "BTCUSDT"}, ccxt.BadSymbol, "-1121"),
        ({"startTime": "soon"}, ccxt.BadRequest, "-1100"),
    ],
)
def test_wrong_parameters_raise_productions_errors(
    local: LocalVenue, params: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        rows(local, **params)


@pytest.mark.parametrize(
    ("query", "weight"),
    [
        (f"klines?symbol={MARKET_ID}&interval=1s&limit=1000", 2),
        (f"ticker/24hr?symbol={MARKET_ID}", 2),
        (f'ticker/24hr?symbols=["{MARKET_ID}"]', 2),
        ("ticker/24hr", 80),
        ("ticker/24hr?symbols=[" + ",".join(["%22X%22"] * 21) + "]", 40),
        ("ticker/24hr?symbols=[" + ",".join(["%22X%22"] * 101) + "]", 80),
    ],
)
def test_weights_are_the_published_ones(local: LocalVenue, query: str, weight: int) -> None:
    def used(path: str) -> int:
        answer = requests.get(f"{local.address}/api/v3/{path}", timeout=5)
        return int(answer.headers["X-MBX-USED-WEIGHT-1M"])

    local.skip(60 - local.clock() / 1e6 % 60)
    before = used("ping")
    assert used(query) == before + weight


def test_the_days_volume_comes_for_named_symbols(local: LocalVenue) -> None:
    (ticker,) = local.client.publicGetTicker24hr({"symbols": f'["{MARKET_ID}"]'})
    assert ticker["symbol"] == MARKET_ID
    assert 3_799_000 < D(ticker["quoteVolume"]) <= 3_800_000
