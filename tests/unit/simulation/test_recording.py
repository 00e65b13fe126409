"""Recordings are read in order, from anywhere, and a bad row is named."""

import gzip
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import pytest

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Level, Quote, Trade
from marketmaker.simulation.recording import Recording, RecordingError

D = Decimal
QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
DATA = Path("../shared/data")


def record(folder: Path, quotes: list[str] | None, trades: list[str]) -> Recording:
    for name, rows in (("quotes", quotes), ("trades", trades)):
        if rows is not None:
            with gzip.open(folder / f"x_{name}.csv.gz", "wt") as file:
                file.write("\n".join(rows) + "\n")
    return Recording(folder / "x")


def quote_row(time_us: int, bid: str = "10.10", ask: str = "10.20") -> str:
    return f"e,ETHUSD,0,{time_us},2,{ask},{bid},{'1' if bid else ''}"


def trade_row(time_us: int, price: str = "10.1", size: str = "0.50", side: str = "sell") -> str:
    return f"e,ETHUSD,0,{time_us},id{time_us},{side},{price},{size}"


def test_trades_come_ahead_of_quotes_at_equal_stamps(tmp_path: Path) -> None:
    recording = record(tmp_path, [QUOTES, quote_row(5), quote_row(7)], [TRADES, trade_row(5), trade_row(6)])
    events = list(recording.events())
    assert [(type(event), event.time_us) for event in events] == [(Trade, 5), (Quote, 5), (Trade, 6), (Quote, 7)]
    assert events[0] == Trade(time_us=5, taker_side=Side.SELL, price=D("10.1"), size_base=D("0.5"))
    assert events[1] == Quote(time_us=5, bids=(Level(D("10.1"), D(1)),), asks=(Level(D("10.2"), D(2)),))


def test_a_late_start_begins_with_the_book_that_stood(tmp_path: Path) -> None:
    recording = record(tmp_path, [QUOTES, quote_row(1), quote_row(2, "9"), quote_row(9)], [TRADES, trade_row(6)])
    standing, trade, *rest = recording.events(from_us=5)
    assert isinstance(standing, Quote)
    assert (standing.time_us, standing.bids[0].price) == (5, D(9))
    assert isinstance(trade, Trade)
    assert len(rest) == 1


def test_a_start_before_any_book_or_after_the_end_is_what_is_left(tmp_path: Path) -> None:
    recording = record(tmp_path, [QUOTES, quote_row(9)], [TRADES, trade_row(1), trade_row(6)])
    assert [event.time_us for event in recording.events(from_us=5)] == [6, 9]
    assert list(recording.events(from_us=10)) == []


def test_a_blank_side_is_an_empty_side(tmp_path: Path) -> None:
    recording = record(tmp_path, [QUOTES, quote_row(1, bid="")], [TRADES, trade_row(1)])
    shown = list(recording.events())[1]
    assert isinstance(shown, Quote)
    assert shown.bids == ()


def test_the_grids_come_from_the_decimals(tmp_path: Path) -> None:
    rows = [TRADES, trade_row(0, "10.1", "0.50"), trade_row(43_200_000_000, "10", "0.123456789")]
    market = record(tmp_path, [QUOTES, quote_row(5, "10.10", "10.25")], rows).describe()
    assert (market.symbol, market.tick_size, market.lot_size) == ("ETHUSD", D("0.01"), D("0.000001"))
    assert market.first_us == 0
    assert market.daily_volume_base == 2 * D("0.623456789")


def test_without_quotes_the_book_is_assumed_round_the_trades(tmp_path: Path) -> None:
    recording = record(tmp_path, None, [TRADES, trade_row(5, "100.00", "3"), trade_row(6, "0.01")])
    assert not recording.has_quotes
    assert recording.describe().first_us == 5
    trade, shown, _, bottom = recording.events()
    assert isinstance(trade, Trade)
    assert shown == Quote(time_us=5, bids=(Level(D("99.95"), D(3)),), asks=(Level(D("100.05"), D(3)),))
    assert isinstance(bottom, Quote)
    assert bottom.bids == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("e,ETHUSD,0", "3 fields where the header has 8"),
        (trade_row(2, price="abc"), "a price of 'abc'; allowed: a number above 0"),
        (trade_row(2, price="NaN"), "a price of 'NaN'"),
        (trade_row(2, size="0"), "above 0"),
        (trade_row(2, side="held"), "side 'held'; allowed: buy, sell"),
        (trade_row(0), "local_timestamp goes back from 1 to 0"),
        (trade_row(2).replace(",2,", ",soon,"), "soon"),
    ],
)
def test_a_bad_row_names_file_and_line(tmp_path: Path, row: str, said: str) -> None:
    recording = record(tmp_path, [QUOTES], [TRADES, trade_row(1), row])
    with pytest.raises(RecordingError, match=said) as caught:
        list(recording.events())
    assert f"{tmp_path / 'x_trades.csv.gz'}:3: " in str(caught.value)


def test_a_crossed_quote_names_file_and_line(tmp_path: Path) -> None:
    recording = record(tmp_path, [QUOTES, quote_row(1, "11", "10")], [TRADES])
    with pytest.raises(RecordingError, match=r"x_quotes.csv.gz:2: the book is crossed"):
        list(recording.events())


def test_missing_columns_files_and_trades_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nothing_trades.csv.gz does not exist"):
        Recording(tmp_path / "nothing")
    with pytest.raises(RecordingError, match=r"columns \['amount'\] are missing"):
        list(record(tmp_path, None, [TRADES.replace("amount", "size")]).describe().symbol)
    with pytest.raises(RecordingError, match="holds no trade"):
        record(tmp_path, None, [TRADES]).describe()


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    recording = record(tmp_path, None, [TRADES, *(trade_row(n) for n in range(500))])
    path = tmp_path / "x_trades.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError, match=r"x_trades.csv.gz:\d+: Compressed file ended"):
        recording.describe()


@pytest.mark.skipif(not DATA.is_dir(), reason="the recordings of ../shared/data are not here")
@pytest.mark.parametrize(
    ("name", "symbol", "tick", "lot"),
    [
        ("binance_btcusdt_2024-08-08", "BTCUSDT", "0.01", "0.00001"),
        ("hyperliquid_btc-usdc-perp_2025-09-04", "BTC-USDC-PERP", "1", "0.00001"),
        ("hyperliquid_sol-usdc-perp_2025-09-04", "SOL-USDC-PERP", "0.01", "0.01"),
        ("lighter_paxg-usdc-perp_2025-09-15", "PAXG-USDC-PERP", "0.01", "0.0001"),
    ],
)
def test_real_recordings_are_described_and_in_order(name: str, symbol: str, tick: str, lot: str) -> None:
    recording = Recording(DATA / name)
    market = recording.describe()
    assert (market.symbol, market.tick_size, market.lot_size) == (symbol, D(tick), D(lot))
    events = list(islice(recording.events(from_us=market.first_us + 300_000_000), 2_000))
    assert all(before.time_us <= after.time_us for before, after in pairwise(events))
