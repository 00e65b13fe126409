"""Public trades page by page: all of them once, holes named, a venue that is behind never taken for one without any."""

from collections.abc import Sequence
from typing import Any

import pytest

from marketmaker.adapters.ccxt_venue.binance.public_trades import MAX_PAGES, PAGE, read_trades
from marketmaker.adapters.ccxt_venue.dialect import Call
from marketmaker.adapters.ccxt_venue.public_trades import Hole, PublicTrade, TradesRead
from marketmaker.domain.units import Symbol
from marketmaker.errors import MarketMakerError, Unresolved
from marketmaker.ports import Unknown
from tests.builders import SYMBOL

ETH = Symbol("ETH/USDT")
type Row = dict[str, Any]


def row(number: int) -> Row:
    """One of the venue's rows."""
    return {"a": number, "p": "1900.00", "q": "0.5", "f": 1, "l": 1, "T": 1_000 + number, "m": number % 2 == 0}


class Listing:
    """A venue that lists these trades, and plays ccxt's client."""

    def __init__(self, **ids: Sequence[int]) -> None:
        self.rows = {name: [row(number) for number in numbers] for name, numbers in ids.items()}
        self.rounds: list[int] = []
        self.requests: list[Row] = []

    def publicGetAggTrades(self, params: Row) -> object:  # noqa: N802 - ccxt's name
        self.requests.append(params)
        listed = self.rows[params["symbol"]]
        if "fromId" in params:
            return [each for each in listed if each["a"] >= params["fromId"]][: params["limit"]]
        return listed[-params["limit"] :]

    def ask(self, calls: Sequence[Call[list[PublicTrade]]]) -> list[list[PublicTrade] | Unknown]:
        self.rounds.append(len(calls))
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call[list[PublicTrade]]) -> list[PublicTrade] | Unknown:
        try:
            return call(self)
        except MarketMakerError as error:
            return Unknown(reason=str(error))

    def read(self, next_id: int | None) -> TradesRead:
        """Read the one market PAXGUSDT."""
        read = read_trades(self.ask, {SYMBOL: ("PAXGUSDT", next_id)})[SYMBOL]
        assert isinstance(read, TradesRead), read
        return read


def ids(read: TradesRead) -> list[int]:
    return [trade.trade_id for trade in read.trades]


@pytest.mark.parametrize("count", [1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE - 1])
def test_every_trade_is_read_once_whatever_the_pages(count: int) -> None:  # R15
    venue = Listing(PAXGUSDT=range(500, 500 + count + 1))

    read = venue.read(501)

    assert ids(read) == list(range(501, 501 + count))
    assert (read.next_id, read.holes) == (501 + count, ())


def test_a_read_starts_at_the_last_trade_seen() -> None:
    venue = Listing(PAXGUSDT=range(10))

    assert ids(venue.read(9)) == [9]
    assert venue.requests == [{"symbol": "PAXGUSDT", "limit": PAGE, "fromId": 8}]


def test_nothing_new_is_no_trades() -> None:
    assert Listing(PAXGUSDT=range(10)).read(10) == TradesRead(trades=(), next_id=10)


def test_a_market_that_never_traded_has_no_trades_and_starts_at_the_first() -> None:
    assert Listing(PAXGUSDT=[]).read(None) == TradesRead(trades=(), next_id=0)
    assert Listing(PAXGUSDT=[]).read(0) == TradesRead(trades=(), next_id=0)
    assert ids(Listing(PAXGUSDT=[0, 1]).read(0)) == [0, 1]


def test_the_newest_id_alone_takes_one_row() -> None:
    venue = Listing(PAXGUSDT=range(70))

    assert venue.read(None) == TradesRead(trades=(), next_id=70)
    assert venue.requests == [{"symbol": "PAXGUSDT", "limit": 1}]


def test_skipped_numbers_are_holes() -> None:
    read = Listing(PAXGUSDT=[5, 6, 9, 10, 14]).read(6)

    assert ids(read) == [6, 9, 10, 14]
    assert read.holes == (Hole(from_id=7, to_id=9), Hole(from_id=11, to_id=14))


def test_trades_that_are_listed_no_more_are_a_hole() -> None:
    read = Listing(PAXGUSDT=[20, 21]).read(6)

    assert (ids(read), read.holes) == ([20, 21], (Hole(from_id=6, to_id=20),))


def test_whoever_is_far_behind_gets_the_newest_page_and_a_hole() -> None:
    newest = 3 * MAX_PAGES * PAGE
    venue = Listing(PAXGUSDT=range(newest))

    read = venue.read(1)

    paged = MAX_PAGES * (PAGE - 1)  # every page begins with a trade that was seen
    assert ids(read) == [*range(1, paged + 1), *range(newest - PAGE, newest)]
    assert read.holes == (Hole(from_id=paged + 1, to_id=newest - PAGE),)
    assert read.next_id == newest
    assert len(venue.requests) == MAX_PAGES + 1


def test_the_newest_page_may_reach_back_to_what_was_paged() -> None:
    count = MAX_PAGES * PAGE
    read = Listing(PAXGUSDT=range(count)).read(1)

    assert ids(read) == list(range(1, count))
    assert read.holes == ()


@pytest.mark.parametrize("listed", [[], range(400)])
def test_a_venue_that_ends_before_the_last_trade_seen_is_behind(listed: Sequence[int]) -> None:
    read = read_trades(Listing(PAXGUSDT=listed).ask, {SYMBOL: ("PAXGUSDT", 500)})[SYMBOL]

    assert isinstance(read, Unknown)
    assert read.reason == "the public trades of PAXGUSDT end before 499, the last one seen: the venue is behind"


def test_markets_are_paged_side_by_side() -> None:
    venue = Listing(PAXGUSDT=range(2 * PAGE), ETHUSDT=range(10))

    reads = read_trades(venue.ask, {SYMBOL: ("PAXGUSDT", 0), ETH: ("ETHUSDT", 0)})

    assert [len(each.trades) for each in reads.values() if isinstance(each, TradesRead)] == [2 * PAGE, 10]
    assert venue.rounds == [2, 1, 1]


def test_a_market_with_one_unreadable_page_is_unknown_as_a_whole() -> None:  # R7
    venue = Listing(PAXGUSDT=range(2 * PAGE), ETHUSDT=range(10))
    venue.rows["PAXGUSDT"][PAGE + 5]["p"] = 1900.0

    reads = read_trades(venue.ask, {SYMBOL: ("PAXGUSDT", 0), ETH: ("ETHUSDT", 0)})

    assert isinstance(reads[SYMBOL], Unknown)
    assert isinstance(reads[ETH], TradesRead)


def test_the_takers_side_is_the_makers_opposite_and_never_guessed() -> None:
    venue = Listing(PAXGUSDT=[0, 1])

    assert [trade.taker_side.value for trade in venue.read(0).trades] == ["sell", "buy"]
    venue.rows["PAXGUSDT"][1]["m"] = None
    with pytest.raises(Unresolved, match="taker's side is None; allowed: true or false"):
        _call(venue)


def _call(venue: Listing) -> object:
    calls: list[Call[list[PublicTrade]]] = []

    def keep(asked: Sequence[Call[list[PublicTrade]]]) -> list[list[PublicTrade] | Unknown]:
        calls.extend(asked)
        return [Unknown(reason="kept") for _ in asked]

    read_trades(keep, {SYMBOL: ("PAXGUSDT", 0)})
    return calls[0](venue)
