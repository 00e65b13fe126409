"""A market is read from whatever files there are, in order, within a window, and says what of it is assumed."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.market_data import BookSource, MarketFiles, RecordingError, read_market
from marketmaker.simulation.market_data.candles import Candle, candle_trades
from tests.unit.simulation.recorded_files import (
    BOOK,
    CANDLES,
    QUOTES,
    TRADES,
    archive,
    book_row,
    quote_row,
    trade_row,
    write,
)

D = Decimal
DATA = Path("../shared/data")
MINUTE_US = 60_000_000


def quotes_of(folder: Path, *rows: str) -> Path:
    return write(folder / "quotes.csv.gz", QUOTES, rows)


def trades_of(folder: Path, *rows: str) -> Path:
    return write(folder / "trades.csv", TRADES, rows)


def levels(text: str) -> tuple[Level, ...]:
    return tuple(Level(*map(D, each.split("x"))) for each in text.split())


def quote(time_us: int, bids: str, asks: str) -> Quote:
    return Quote(time_us=time_us, bids=levels(bids), asks=levels(asks))


def trade(time_us: int, side: Side, price: str, size: str) -> Trade:
    return Trade(time_us=time_us, taker_side=side, price=D(price), size_base=D(size))


def stamps(events: list[Event]) -> list[tuple[type, int]]:
    return [(type(event), event.time_us) for event in events]


def test_trades_come_ahead_of_quotes_at_equal_stamps(tmp_path: Path) -> None:
    files = MarketFiles(
        quotes=quotes_of(tmp_path, quote_row(5), quote_row(7)),
        trades=trades_of(tmp_path, trade_row(5), trade_row(6)),
    )
    events = list(read_market(files).events())
    assert stamps(events) == [(Trade, 5), (Quote, 5), (Trade, 6), (Quote, 7)]
    assert events[:2] == [trade(5, Side.SELL, "10.1", "0.5"), quote(5, "10.1x1", "10.2x2")]


def test_a_window_begins_with_the_standing_book_and_ends_before_its_end(tmp_path: Path) -> None:
    files = MarketFiles(
        quotes=quotes_of(tmp_path, quote_row(1), quote_row(2, "9"), quote_row(9), quote_row(12)),
        trades=trades_of(tmp_path, trade_row(3), trade_row(6), trade_row(10)),
    )
    events = list(read_market(files, from_us=5, to_us=10).events())
    assert stamps(events) == [(Quote, 5), (Trade, 6), (Quote, 9)]
    assert events[0] == quote(5, "9x1", "10.2x2")


def test_neighbouring_windows_share_no_trade_and_miss_none(tmp_path: Path) -> None:
    files = MarketFiles(trades=trades_of(tmp_path, *(trade_row(n) for n in range(10))))
    windows = [
        read_market(files, to_us=4),
        read_market(files, from_us=4, to_us=7),
        read_market(files, from_us=7, to_us=99),
    ]
    found = [event.time_us for each in windows for event in each.events() if isinstance(event, Trade)]
    assert found == list(range(10))


@pytest.mark.parametrize(("from_us", "to_us"), [(10, None), (None, 3), (7, 7), (8, 6)])
def test_a_window_without_anything_is_refused(tmp_path: Path, from_us: int | None, to_us: int | None) -> None:
    files = MarketFiles(trades=trades_of(tmp_path, trade_row(3), trade_row(9)))
    with pytest.raises(RecordingError, match=r"from_us|to_us"):
        read_market(files, from_us=from_us, to_us=to_us)


def test_a_market_is_described_from_all_its_files(tmp_path: Path) -> None:
    files = MarketFiles(
        quotes=quotes_of(tmp_path, quote_row(5, "10.10", "10.125"), quote_row(43_200_000_007)),
        trades=trades_of(tmp_path, trade_row(7, "10.1", "0.50"), trade_row(43_200_000_007, "10", "0.12345")),
    )
    found = read_market(files).described
    assert (found.symbol, found.tick_size, found.lot_size) == ("ETHUSD", D("0.001"), D("0.00001"))
    assert (found.first_us, found.last_us) == (5, 43_200_000_007)
    assert found.daily_volume_base == 2 * D("0.62345")
    assert found.daily_volume_quote == 2 * (D("5.05") + D("1.2345"))
    assert (found.source, found.note) == (BookSource.RECORDED, "the book was recorded")


def test_a_long_file_of_quotes_is_described_to_its_end(tmp_path: Path) -> None:
    found = read_market(MarketFiles(quotes=quotes_of(tmp_path, *(quote_row(n) for n in range(6_000))))).described
    assert (found.first_us, found.last_us) == (0, 5_999)


def test_lots_keep_notionals_at_eight_decimals(tmp_path: Path) -> None:
    files = MarketFiles(trades=trades_of(tmp_path, trade_row(1, "10.12", "0.123456789")))
    assert read_market(files).described.lot_size == D("0.000001")


def test_without_quotes_the_book_is_assumed_round_the_trades(tmp_path: Path) -> None:
    files = MarketFiles(trades=trades_of(tmp_path, trade_row(5, "100.00", "3"), trade_row(6, "0.01")))
    data = read_market(files, half_spread_bps=D(10))
    first, shown, _, bottom = data.events()
    assert first == trade(5, Side.SELL, "100", "3")
    assert shown == quote(5, "99.90x3", "100.10x3")
    assert bottom == quote(6, "", "0.02x0.5")
    assert data.described.source is BookSource.ASSUMED
    assert data.described.note == "no quotes were recorded: a book of ± 10 bp round each trade is assumed"


def test_quotes_alone_are_a_market_without_trades(tmp_path: Path) -> None:
    data = read_market(MarketFiles(quotes=quotes_of(tmp_path, quote_row(5), quote_row(6, "10.15"))))
    assert stamps(list(data.events())) == [(Quote, 5), (Quote, 6)]
    assert data.described.note == "the book was recorded, no trade was"


def test_a_one_sided_quote_is_kept(tmp_path: Path) -> None:
    data = read_market(MarketFiles(quotes=quotes_of(tmp_path, quote_row(5, bid=""), quote_row(6, ask=""))))
    assert list(data.events()) == [quote(5, "", "10.2x2"), quote(6, "10.1x1", "")]
    assert data.skipped == {}


def test_behind_the_touch_stands_what_the_last_snapshot_showed_beyond_it(tmp_path: Path) -> None:
    files = MarketFiles(
        quotes=quotes_of(tmp_path, quote_row(1), quote_row(5, "10.05", "10.25"), quote_row(6, bid="", ask="10.3")),
        book=write(tmp_path / "book.csv.gz", BOOK, [book_row(3), book_row(5, "10.25x1 10.4x7"), book_row(9)]),
    )
    assert list(read_market(files).events()) == [
        quote(1, "10.1x1", "10.2x2"),
        quote(3, "10.1x1 10.0x2", "10.2x1 10.3x2"),
        quote(5, "10.1x1 10.0x2", "10.25x1 10.4x7"),
        quote(5, "10.05x1 10.0x2", "10.25x2 10.4x7"),
        quote(6, "", "10.3x2 10.4x7"),
        quote(9, "10.1x1 10.0x2", "10.2x1 10.3x2"),
    ]


def test_the_last_snapshot_stands_behind_all_later_quotes(tmp_path: Path) -> None:
    files = MarketFiles(
        quotes=quotes_of(tmp_path, quote_row(1), quote_row(5)),
        book=write(tmp_path / "book.csv.gz", BOOK, [book_row(1)]),
    )
    assert list(read_market(files).events())[-1] == quote(5, "10.1x1 10.0x2", "10.2x2 10.3x2")


def test_a_thin_snapshot_has_fewer_levels(tmp_path: Path) -> None:
    files = MarketFiles(book=write(tmp_path / "book.csv", BOOK, [book_row(3, asks="10.2x1"), book_row(4, bids="x")]))
    assert list(read_market(files).events()) == [
        quote(3, "10.1x1 10.0x2", "10.2x1"),
        quote(4, "", "10.2x1 10.3x2"),
    ]


@pytest.mark.parametrize(("stamp", "unit"), [(1_759_536_000_061_015, 1), (1_509_536_000_061, 1_000)])
def test_an_archive_is_trades_of_the_symbol_in_its_name(tmp_path: Path, stamp: int, unit: int) -> None:
    rows = [f"1,122335.79000000,0.00084000,1,1,{stamp},False,True", f"2,122336.1,0.5,2,3,{stamp + 1},True,True"]
    data = read_market(MarketFiles(trades=archive(tmp_path, rows)))
    found = [event for event in data.events() if isinstance(event, Trade)]
    assert found == [
        trade(stamp * unit, Side.BUY, "122335.79", "0.00084"),
        trade((stamp + 1) * unit, Side.SELL, "122336.1", "0.5"),
    ]
    described = data.described
    assert (described.symbol, described.tick_size, described.lot_size) == ("BTCUSDC", D("0.01"), D("0.00001"))


@pytest.mark.parametrize("unit", [1, 1_000])
def test_a_candle_becomes_four_trades_nearer_extreme_first(tmp_path: Path, unit: int) -> None:
    start = 1_751_629_800_000
    rows = [f"{start * unit},100,101,97,99,8", f"{(start + 60_000) * unit},99,99,98,98,4"]
    data = read_market(MarketFiles(candles=write(tmp_path / "x_btc_candles.csv.gz", CANDLES, rows)))
    assert [event for event in data.events() if isinstance(event, Trade)] == [
        trade(start * 1_000, Side.BUY, "100", "2"),
        trade(start * 1_000 + 20_000_000, Side.BUY, "101", "2"),
        trade(start * 1_000 + 40_000_000, Side.SELL, "97", "2"),
        trade(start * 1_000 + 59_999_999, Side.BUY, "99", "2"),
        trade(start * 1_000 + MINUTE_US, Side.BUY, "99", "1"),
        trade(start * 1_000 + MINUTE_US + 20_000_000, Side.BUY, "99", "1"),
        trade(start * 1_000 + MINUTE_US + 40_000_000, Side.SELL, "98", "1"),
        trade(start * 1_000 + MINUTE_US + 59_999_999, Side.SELL, "98", "1"),
    ]
    described = data.described
    assert (described.source, described.symbol, described.interval_us) == (BookSource.CANDLES, "x_btc", MINUTE_US)
    assert (described.first_us, described.last_us) == (start * 1_000, (start + 120_000) * 1_000 - 1)
    assert described.note.startswith("coarse: four trades are made up of each candle of 60 s, and a book of ± 5 bp")


cents = st.integers(1, 10_000).map(lambda n: D(n) / 100)


@given(ends=st.tuples(cents, cents), extremes=st.tuples(cents, cents), size=cents)
def test_a_candles_trades_have_its_prices_and_volume_and_take_the_shorter_way(
    ends: tuple[D, D], extremes: tuple[D, D], size: D
) -> None:
    low, high = min(*ends, *extremes), max(*ends, *extremes)
    trades = list(candle_trades([Candle(0, ends[0], high, low, ends[1], size)], MINUTE_US))
    prices = [each.price for each in trades]
    assert (prices[0], prices[-1], min(prices), max(prices)) == (ends[0], ends[1], low, high)
    assert abs(prices[1] - prices[0]) <= abs(prices[2] - prices[0])
    assert sum(each.size_base for each in trades) == size
    assert all(0 <= before.time_us < after.time_us < MINUTE_US for before, after in pairwise(trades))


@pytest.mark.parametrize("named", [(), ("candles", "trades")])
def test_files_that_make_no_market_are_refused(tmp_path: Path, named: tuple[str, ...]) -> None:
    with pytest.raises(RecordingError, match="allowed:"):
        MarketFiles(**{name: tmp_path / name for name in named})


RECORDED = [
    ("hyperliquid_sol-usdc-perp_2025-09-04", 13_211, 4_427),
    ("hyperliquid_btc-usdc-perp_2025-09-04", 13_896, 6_675),
    ("lighter_paxg-usdc-perp_2025-09-15", 1_334, 147),
    ("gemini_ethusd_2021-07-01", 72_180, 25_222),
    ("binance_btcusdt_2024-08-08", 73_174, 19_904),
    ("gemini_btcusd_2025-10-10", None, 24_706),
    ("BTCUSDC-aggTrades-2025-10-04.zip", None, 140_489),
]


def recorded(name: str, suffix: str) -> Path:
    path = DATA / (name if name.endswith(".zip") else f"{name}_{suffix}.csv.gz")
    if not path.is_file():
        pytest.skip(f"the recording {path} is not here")
    return path


@pytest.mark.parametrize(("name", "quotes", "trades"), RECORDED)
def test_every_row_of_the_recordings_is_an_event(name: str, quotes: int | None, trades: int) -> None:
    files = MarketFiles(
        quotes=None if quotes is None else recorded(name, "quotes"),
        trades=recorded(name, "trades"),
    )
    data = read_market(files)
    kinds = {Quote: 0, Trade: 0}
    before_us = data.described.first_us
    for event in data.events():
        kinds[type(event)] += 1
        assert before_us <= event.time_us <= data.described.last_us
        before_us = event.time_us
    assert data.skipped == {}
    assert kinds == {Quote: trades if quotes is None else quotes, Trade: trades}
    assert before_us == data.described.last_us


def test_every_snapshot_and_quote_of_the_recorded_book_is_a_whole_book() -> None:
    name = "hyperliquid_sol-usdc-perp_2025-09-04"
    data = read_market(MarketFiles(quotes=recorded(name, "quotes"), book=recorded(name, "book_snapshot_20")))
    books = [
        Quote(time_us=each.time_us, bids=each.bids, asks=each.asks) for each in data.events() if isinstance(each, Quote)
    ]
    assert len(books) == 13_211 + 3_785
    assert data.skipped == {}
    assert max(len(each.bids) for each in books) >= 20


@pytest.mark.parametrize(
    ("name", "count", "skipped"),
    [
        ("binance_btcusdt_1m_2025-07-19_2025-08-18", 43_200, 0),
        ("binance_ethusdt_1m_2025-07-19_2025-08-18", 43_200, 0),
        ("binance-usdm_paxgusdt_5m_2025H2", 51_840, 3),
    ],
)
def test_every_recorded_candle_is_four_trades_or_counted_as_empty(name: str, count: int, skipped: int) -> None:
    data = read_market(MarketFiles(candles=recorded(name, "candles")))
    assert sum(isinstance(event, Trade) for event in data.events()) == 4 * (count - skipped)
    assert data.skipped == ({"zero_size": skipped} if skipped else {})
    assert re.search(r"each candle of (60|300) s", data.described.note)
