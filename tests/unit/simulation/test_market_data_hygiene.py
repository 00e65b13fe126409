"""Whatever is wrong with a recording is an error with file and line, or a counted skip; nothing passes unseen."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from marketmaker.simulation import market_data
from marketmaker.simulation.events import Event, Quote
from marketmaker.simulation.market_data import Oddity, RecordingError, read_market
from marketmaker.simulation.market_data.numbers import Numbers
from tests.unit.simulation.recorded_files import (
    BOOK,
    CANDLES,
    HEADERS,
    QUOTES,
    ROWS,
    TRADES,
    book_row,
    files,
    quote_row,
    read,
    trade_row,
)

SECOND_US = 1_000_000


@pytest.mark.parametrize(
    ("kind", "rows", "left", "skipped"),
    [
        ("quotes", [quote_row(1), quote_row(2, "10.3"), quote_row(3)], [1, 3], {"crossed": 1}),
        ("quotes", [quote_row(1), quote_row(2, "10.2"), quote_row(3)], [1, 3], {"locked": 1}),
        ("quotes", [quote_row(1), quote_row(2, bid_size="0"), quote_row(3)], [1, 3], {"zero_size": 1}),
        ("quotes", [quote_row(1), quote_row(2, "10.3", ask_size="0.0"), quote_row(3)], [1, 3], {"zero_size": 1}),
        ("quotes", [quote_row(1), *(quote_row(n, bid_size="0") for n in (2, 3))], [1], {"zero_size": 2}),
        ("quotes", [quote_row(1), *(quote_row(n, ask_size="0") for n in (2, 3))], [1], {"zero_size": 2}),
        ("quotes", [quote_row(1), quote_row(1), quote_row(2)], [1, 2], {"duplicate": 1}),
        ("quotes", [quote_row(1), quote_row(1, "10.0"), quote_row(1)], [1, 1, 1], {}),
        ("quotes", [quote_row(5), quote_row(4), quote_row(5, "10"), quote_row(4)], [5, 5], {"out_of_order": 2}),
        ("quotes", [quote_row(SECOND_US), quote_row(0)], [SECOND_US], {"out_of_order": 1}),
        ("book", [book_row(1), book_row(2, asks="10.3x1 10.2x1")], [1], {"unsorted_levels": 1}),
        ("book", [book_row(1), book_row(2, bids="10.1x1 10.1x1")], [1], {"unsorted_levels": 1}),
        ("book", [book_row(1), book_row(2, bids="10.1x1 10.0x0")], [1], {"zero_size": 1}),
        ("book", [book_row(1), book_row(2, bids="10.2x1 10.1x1")], [1], {"locked": 1}),
        ("book", [book_row(1), book_row(1)], [1], {"duplicate": 1}),
        ("trades", [trade_row(1), trade_row(2, size="0"), trade_row(3)], [1, 3], {"zero_size": 1}),
        ("trades", [trade_row(1), trade_row(2, side="unknown"), trade_row(3)], [1, 3], {"unknown_side": 1}),
        ("trades", [trade_row(5), trade_row(4), trade_row(6)], [5, 6], {"out_of_order": 1}),
        ("trades", [trade_row(1, trade_id="a"), trade_row(2), trade_row(3, trade_id="a")], [1, 2], {"duplicate": 1}),
        ("trades", [trade_row(1, trade_id="a"), trade_row(1, size="2", trade_id="a")], [1, 1], {}),
        ("trades", [trade_row(1, trade_id=""), trade_row(1, trade_id="")], [1, 1], {}),
    ],
)  # fmt: skip
def test_an_odd_row_is_skipped_and_counted(
    tmp_path: Path, kind: str, rows: list[str], left: list[int], skipped: dict[str, int]
) -> None:
    assert read(files(tmp_path, kind, rows)) == (left, skipped)


def test_a_side_is_right_again_after_a_skipped_quote(tmp_path: Path) -> None:
    rows = [
        quote_row(1, "10.0"),
        quote_row(2, "10.1", ask_size="0"),
        quote_row(3, "10.1"),
        quote_row(4, "10.3"),
        quote_row(5, "10.0"),
    ]
    shown = [event for event in read_market(files(tmp_path, "quotes", rows)).events() if isinstance(event, Quote)]
    assert [(each.time_us, str(each.bids[0].price), str(each.asks[0].size)) for each in shown] == [
        (1, "10.0", "2"),
        (3, "10.1", "2"),
        (5, "10.0", "2"),
    ]


def test_odd_candles_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = [
        "1751629800000,10,11,9,10,4",
        "1751629800000,10,11,9,10,4",
        "1751629860000,10,9.5,9,9.2,4",
        "1751629920000,10,11,10.5,10,4",
        "1751629980000,10,11,9,10,0",
        "1751630040000,10,11,9,10,4",
    ]
    times, skipped = read(files(tmp_path, "candles", rows))
    assert len(times) == 2 * 4
    assert skipped == {"duplicate": 1, "impossible": 2, "zero_size": 1}


def test_trades_without_a_column_of_ids_are_all_kept(tmp_path: Path) -> None:
    rows = ["E,1,buy,10,1", "E,1,buy,10,1"]
    header = "symbol,local_timestamp,side,price,amount"
    assert read(files(tmp_path, "trades", rows, header=header)) == ([1, 1], {})


def test_a_trade_is_known_for_a_thousand_trades(tmp_path: Path) -> None:
    rows = [trade_row(n, trade_id=str(n % 1_000)) for n in range(2_000)]
    with pytest.raises(RecordingError, match="1000 rows in a row are of no use; the last: duplicate, trade 999 came"):
        read(files(tmp_path, "trades", rows))
    again = [*(trade_row(n) for n in range(1_500)), trade_row(1_500, trade_id="t600")]
    assert read(files(tmp_path, "trades", again))[1] == {"duplicate": 1}
    later = [trade_row(0), *(trade_row(n) for n in range(1, 3_001)), trade_row(4_000, trade_id="t0")]
    assert read(files(tmp_path, "trades", later))[1] == {}


def test_only_what_is_skipped_within_the_window_is_counted_each_time_anew(tmp_path: Path) -> None:
    odd = [line for n in range(0, 40, 10) for line in (quote_row(n), quote_row(n + 5, "10.3"))]
    data = read_market(files(tmp_path, "quotes", odd), from_us=10, to_us=30)
    for _ in range(2):
        assert [event.time_us for event in data.events()] == [10, 10, 20]
        assert data.skipped == {"crossed": 2}


def test_every_kind_of_skip_is_said_in_the_table() -> None:
    assert [kind for kind in Oddity if f"skip `{kind}`" not in (market_data.__doc__ or "")] == []


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("quotes", "e,ETHUSD,0", "3 fields where the header has 8"),
        ("quotes", quote_row(2) + ",1", "9 fields where the header has 8"),
        ("quotes", quote_row(2, "1O.1"), "a price of '1O.1'; allowed: a number above 0"),
        ("quotes", quote_row(2, bid_size="-1"), "a size of '-1'; allowed: a number from 0"),
        ("quotes", quote_row(2, ask_size=""), "a size of ''; allowed"),
        ("quotes", quote_row(2, ask="0"), "a price of '0'; allowed: a number above 0"),
        ("quotes", quote_row(2, ask="Infinity"), "a price of 'Infinity'; allowed"),
        ("quotes", quote_row(2).replace("ETHUSD", "BTCUSD"), "symbol BTCUSD after ETHUSD; allowed: one symbol a file"),
        ("quotes", quote_row(2).replace(",2,", ",soon,", 1), "invalid literal for int.*soon"),
        ("quotes", "", "0 fields where the header has 8"),
        ("trades", trade_row(2, "NaN"), "a price of 'NaN'"),
        ("trades", trade_row(2, side="held"), "side 'held'; allowed: buy, sell"),
        ("trades", trade_row(2, price="0"), "a price of '0'"),
        ("book", book_row(2, asks="10.2x"), "a size of ''"),
        ("candles", "1751629800000,10,11,9,x,4", "a price of 'x'"),
        ("candles", "1751629700000,10,11,9,10,4", "open_time goes back from"),
        ("candles", "175162980,10,11,9,10,4", "a stamp of 175162980; allowed: ms or µs since 1970"),
    ],
)
def test_a_bad_row_names_file_and_line(tmp_path: Path, kind: str, row: str, said: str) -> None:
    market = files(tmp_path, kind, [ROWS[kind](1), row, ROWS[kind](3)])
    with pytest.raises(RecordingError, match=said) as caught:
        read(market)
    assert str(caught.value).startswith(f"{tmp_path / 'x.csv'}:3: ")


@pytest.mark.parametrize("kind", list(HEADERS))
def test_a_file_cut_within_its_last_row_is_an_error(tmp_path: Path, kind: str) -> None:
    rows = [ROWS[kind](n) for n in range(6_000)]
    with pytest.raises(RecordingError, match=r"x.csv:6002: \d fields where the header has"):
        read(files(tmp_path, kind, [*rows, ROWS[kind](6_000)[:13]]))


@pytest.mark.parametrize("kind", ["quotes", "trades", "book"])
def test_time_that_goes_back_by_more_than_a_second_is_an_error(tmp_path: Path, kind: str) -> None:
    row = ROWS[kind]
    with pytest.raises(
        RecordingError, match=r"x.csv:3: local_timestamp goes back from 1000001 to 0; allowed: by 1000000"
    ):
        read(files(tmp_path, kind, [row(SECOND_US + 1), row(0)]))


@pytest.mark.parametrize("kind", ["quotes", "trades"])
@pytest.mark.parametrize(("stamp", "unit"), [(1_751_629_800_000, "ms"), (1_751_629_800_000_000_000, "ns")])
def test_stamps_of_another_unit_are_an_error(tmp_path: Path, kind: str, stamp: int, unit: str) -> None:
    with pytest.raises(RecordingError, match=f"local_timestamp {stamp}; allowed: µs since 1970, not {unit}"):
        read(files(tmp_path, kind, [ROWS[kind](stamp)]))


@pytest.mark.parametrize(
    ("kind", "header", "said"),
    [
        ("quotes", TRADES, r"columns \['bid_price', .*\] are missing in what should be quotes; these are trades"),
        ("trades", QUOTES, "are missing in what should be trades; these are quotes"),
        ("trades", CANDLES, "are missing in what should be trades; these are candles"),
        ("book", QUOTES, "are missing in what should be book; these are quotes"),
        ("candles", BOOK, "are missing in what should be candles; these are book"),
        ("trades", TRADES.replace("amount", "size"), r"columns \['amount'\] are missing in what should be trades$"),
    ],
)
def test_another_kind_of_file_is_an_error(tmp_path: Path, kind: str, header: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        read(files(tmp_path, kind, [ROWS[kind](1)], header=header))
    assert f"{tmp_path / 'x.csv'}:1: " in str(caught.value)


def test_swapped_columns_are_an_error_and_no_long_list_of_skips(tmp_path: Path) -> None:
    header = QUOTES.replace("ask", "x").replace("bid", "ask").replace("x", "bid").replace("ebidchange", "exchange")
    with pytest.raises(RecordingError, match=r"x.csv:11: none of its 10 rows is of use: crossed"):
        read(files(tmp_path, "quotes", [quote_row(n) for n in range(10)], header=header))
    with pytest.raises(RecordingError, match=r"x.csv:1001: 1000 rows in a row are of no use; the last: crossed, "):
        read(files(tmp_path, "quotes", [quote_row(n) for n in range(1_500)], header=header))


def test_odd_rows_here_and_there_are_never_too_many(tmp_path: Path) -> None:
    rows = [quote_row(n, "10.1" if n % 3 else "10.3") for n in range(3_000)]
    assert read(files(tmp_path, "quotes", rows))[1] == {"crossed": 1_000}


def test_the_book_at_the_start_of_a_late_window_is_the_last_usable_one_however_long_ago(tmp_path: Path) -> None:
    rows = [quote_row(n, "10.3" if 2_010 <= n < 3_000 else f"10.{n % 2}") for n in range(1, 3_002)]
    before, first, second = read_market(files(tmp_path, "quotes", rows), from_us=3_000).events()
    assert isinstance(before, Quote)
    assert (before.time_us, str(before.bids[0].price)) == (3_000, "10.1")
    assert (first.time_us, second.time_us) == (3_000, 3_001)


@pytest.mark.parametrize(("kind", "make"), [("quotes", quote_row), ("trades", trade_row), ("book", book_row)])
def test_a_late_window_has_what_a_whole_reading_has_of_it(
    tmp_path: Path, kind: str, make: Callable[[int], str]
) -> None:
    recording = files(tmp_path, kind, [make(n) for n in range(1, 3_001)])
    standing, *late = read_market(recording, from_us=2_990).events()
    assert standing.time_us == 2_990
    assert late == [event for event in read_market(recording).events() if event.time_us >= 2_990]


@pytest.mark.parametrize(("kind", "make"), [("quotes", quote_row), ("book", book_row)])
def test_a_bad_row_is_named_by_its_line_near_the_window_and_passed_over_far_before_it(
    tmp_path: Path, kind: str, make: Callable[[int], str]
) -> None:
    def events(bad: int) -> list[Event]:
        rows = [make(0 if n == bad else n * 5_000) for n in range(1, 3_001)]
        return list(read_market(files(tmp_path, kind, rows), from_us=2_990 * 5_000).events())

    with pytest.raises(RecordingError, match=":2501: local_timestamp goes back"):
        events(bad=2_500)
    assert len(events(bad=500)) == 12


def test_numbers_are_few_however_long_the_file_is_and_their_grid_is_of_all() -> None:
    numbers = Numbers("size", zero_is_allowed=True)
    assert numbers["0.0001000"] == Decimal("0.0001")
    for n in range(250_000):
        assert numbers[str(n)] == n
    assert len(numbers) <= 20_000
    assert numbers.grid == Decimal("0.0001")
    assert numbers["2e-7"] == Decimal("0.0000002")
    assert numbers.grid == Decimal("1E-7")
