"""A file that is empty, cut, spoilt, or of something else is an error that names it."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from marketmaker.simulation.market_data import MarketFiles, RecordingError, read_market
from tests.unit.simulation.recorded_files import (
    HEADERS,
    QUOTES,
    ROWS,
    TRADES,
    archive,
    files,
    quote_row,
    read,
    trade_row,
    write,
)


@pytest.mark.parametrize("kind", list(HEADERS))
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_an_empty_file_is_an_error(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    with pytest.raises(RecordingError, match=f"{name}:1: the file is empty"):
        read_market(MarketFiles(**{kind: tmp_path / name}))
    with pytest.raises(RecordingError, match="hold"):
        read_market(files(tmp_path, kind, [], name=name))


def test_one_candle_is_too_few_and_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds fewer than two candles"):
        read_market(files(tmp_path, "candles", [ROWS["candles"](1)]))
    with pytest.raises(RecordingError, match=r"none.csv does not exist"):
        read_market(MarketFiles(trades=tmp_path / "none.csv"))


def cut(packed: bytes) -> bytes:
    return packed[:-20]


def spoil(packed: bytes) -> bytes:
    return packed[:300] + bytes(byte ^ 255 for byte in packed[300:320]) + packed[320:]


@pytest.mark.parametrize("kind", list(HEADERS))
@pytest.mark.parametrize("damage", [cut, spoil])
def test_a_truncated_or_spoilt_gzip_is_an_error(tmp_path: Path, kind: str, damage: Callable[[bytes], bytes]) -> None:
    market = files(tmp_path, kind, [ROWS[kind](n * n % 9 + n * 10) for n in range(9_000)], name="x.csv.gz")
    path = tmp_path / "x.csv.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RecordingError, match=r"x.csv.gz:\d+: \S"):
        read(market)


ARCHIVED = [f"{n},10.{n},1,{n},{n},{1_759_536_000_000_000 + n},True,True" for n in range(900)]


@pytest.mark.parametrize("damage", [cut, spoil])
def test_a_truncated_or_spoilt_archive_is_an_error(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = archive(tmp_path, ARCHIVED)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RecordingError, match=r"2025-10-04.zip:\d+: \S"):
        read(MarketFiles(trades=path))


@pytest.mark.parametrize(
    ("row", "line", "said"),
    [
        (ARCHIVED[1].replace("True,True", "True"), 2, "7 fields where an archive's rows have 8"),
        (ARCHIVED[1].replace("True,True", "yes,True"), 2, "side 'yes'; allowed: True, False"),
        ("1,10,1,1,1,175953600,True,True", 1, "a stamp of 175953600; allowed: ms or µs"),
    ],
)
def test_a_bad_row_of_an_archive_names_its_line(tmp_path: Path, row: str, line: int, said: str) -> None:
    path = archive(tmp_path, [*ARCHIVED[: line - 1], row])
    with pytest.raises(RecordingError, match=said) as caught:
        read(MarketFiles(trades=path))
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_an_archives_odd_rows_are_counted(tmp_path: Path) -> None:
    rows = [ARCHIVED[0], ARCHIVED[0], ARCHIVED[2], ARCHIVED[1]]
    assert read(MarketFiles(trades=archive(tmp_path, rows)))[1] == {"duplicate": 1, "out_of_order": 1}


def test_a_zip_of_anything_else_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path, ARCHIVED)
    with pytest.raises(RecordingError, match="a zip is an archive of trades, not of quotes"):
        read_market(MarketFiles(quotes=path))
    with pytest.raises(RecordingError, match=r"holds BTCUSDC-1m-2025-10.csv; allowed: one SYMBOL-aggTrades-DATE.csv"):
        read_market(MarketFiles(trades=archive(tmp_path, ARCHIVED, member="BTCUSDC-1m-2025-10.csv")))
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(RecordingError, match="holds nothing"):
        read_market(MarketFiles(trades=path))


def test_files_of_two_markets_or_of_two_days_are_an_error(tmp_path: Path) -> None:
    trades = write(tmp_path / "trades.csv", TRADES, [trade_row(5), trade_row(9)])
    strange = write(tmp_path / "strange.csv", QUOTES, [quote_row(5).replace("ETHUSD", "BTCUSD")])
    late = write(tmp_path / "late.csv", QUOTES, [quote_row(10)])
    with pytest.raises(RecordingError, match=r"strange.csv is of BTCUSD, .*trades.csv of ETHUSD"):
        read_market(MarketFiles(quotes=strange, trades=trades))
    with pytest.raises(RecordingError, match=r"no time in common: .*late.csv lasts from 10 to 10 µs, .* from 5 to 9"):
        read_market(MarketFiles(quotes=late, trades=trades))
