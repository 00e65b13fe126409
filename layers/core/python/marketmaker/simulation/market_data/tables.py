"""Files of rows: opened whatever they are packed in, their kind checked, their errors named by file and line."""

import csv
import gzip
import io
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import DecimalException
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TextIO

_GZIP, _ZIP = b"\x1f\x8b", b"PK"
_ARCHIVED = "-aggTrades-"
_ARCHIVE_COLUMNS = ("id", "price", "amount", "first_id", "last_id", "local_timestamp", "side", "is_best_match")

_NEAR = 1_001
"""One row more than may be of no use in a row, so the last that is of use is among them."""


class RecordingError(ValueError):
    """A recording that cannot be used; names the file and, for a bad row, its line."""


class FileKind(StrEnum):
    """What a file records."""

    QUOTES = "quotes"
    TRADES = "trades"
    BOOK = "book"
    CANDLES = "candles"


_COLUMNS = {
    FileKind.QUOTES: ("symbol", "local_timestamp", "bid_price", "bid_amount", "ask_price", "ask_amount"),
    FileKind.TRADES: ("symbol", "local_timestamp", "side", "price", "amount"),
    FileKind.BOOK: (
        "symbol",
        "local_timestamp",
        "bids[0].price",
        "bids[0].amount",
        "asks[0].price",
        "asks[0].amount",
    ),
    FileKind.CANDLES: ("open_time", "open", "high", "low", "close", "volume"),
}


class Table:
    """The rows of an open file, as text; an archive's columns are called as in the other layout of trades."""

    def __init__(self, file: TextIO, kind: FileKind, archived_symbol: str | None) -> None:
        self._file = file
        self._reader = csv.reader(file)
        self._passed = 0
        self._waiting = 0
        self._before_rows = 0 if archived_symbol is not None else 1
        self.is_archive = archived_symbol is not None
        self.symbol = archived_symbol
        if self.is_archive:
            self.columns: Sequence[str] = _ARCHIVE_COLUMNS
        else:
            self.columns = next(self._reader, [])
            _check_columns(self.columns, kind)

    @property
    def line(self) -> int:
        """The line last read, from 1."""
        return max(1, self._reader.line_num + self._passed - self._waiting)

    @property
    def row_count(self) -> int:
        """How many rows were read so far."""
        return self._reader.line_num - self._before_rows

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows, each as long as the header and of one symbol."""
        width = len(self.columns)
        symbol_at = self.columns.index("symbol") if "symbol" in self.columns else None
        for row in self._reader:
            if len(row) != width:
                self._refuse_width(row)
            if symbol_at is not None and row[symbol_at] != self.symbol:
                if self.symbol is not None:
                    raise ValueError(f"symbol {row[symbol_at]} after {self.symbol}; allowed: one symbol a file")
                self.symbol = row[symbol_at]
            yield row

    def rows_from(self, rows: Iterable[list[str]], *, stamp_at: int, first: int) -> Iterator[list[str]]:
        """Yield its rows from the first whose stamp is as late, and the last 1,001 before that one.

        Of what is further back nothing but the stamp is looked at, which takes little time.
        """
        unread, near = iter(rows), deque[list[str]](maxlen=_NEAR + 1)
        for row in unread:
            near.append(row)
            if int(row[stamp_at]) >= first:
                break
        while near:
            self._waiting = len(near) - 1
            yield near.popleft()
        yield from unread

    def last_row(self) -> list[str] | None:
        """Pass over the rest unread and return its last row; None when nothing is left."""
        last = ""
        for line in self._file:
            last = line
            self._passed += 1
        if not last:
            return None
        row = next(csv.reader([last]))
        if len(row) != len(self.columns):
            self._refuse_width(row)
        return row

    def _refuse_width(self, row: list[str]) -> NoReturn:
        where = "an archive's rows have" if self.is_archive else "the header has"
        raise ValueError(f"{len(row)} fields where {where} {len(self.columns)}")


@contextmanager
def open_table(path: Path, kind: FileKind) -> Iterator[Table]:
    """Open a file for reading; the first thing wrong with it or with a row raises RecordingError."""
    table: Table | None = None
    try:
        with ExitStack() as opened:
            file, archived_symbol = _open(path, kind, opened)
            table = Table(file, kind, archived_symbol)
            yield table
    except FileNotFoundError as error:
        raise RecordingError(f"{path} does not exist") from error
    except (
        ValueError,
        DecimalException,
        EOFError,
        OSError,
        csv.Error,
        zlib.error,
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:
        line = table.line if table is not None else 1
        raise RecordingError(f"{path}:{line}: {str(error) or type(error).__name__}") from error


def _open(path: Path, kind: FileKind, opened: ExitStack) -> tuple[TextIO, str | None]:
    """Unpack by what the file begins with, whatever its name; only an archive tells its symbol."""
    with path.open("rb") as raw:
        magic = raw.read(2)
    if magic == _GZIP:
        return opened.enter_context(gzip.open(path, "rt", encoding="utf-8", newline="")), None
    if magic != _ZIP:
        return opened.enter_context(path.open(encoding="utf-8", newline="")), None
    if kind is not FileKind.TRADES:
        raise ValueError(f"a zip is an archive of trades, not of {kind}")
    archive = opened.enter_context(zipfile.ZipFile(path))
    names = archive.namelist()
    if len(names) != 1 or _ARCHIVED not in names[0]:
        raise ValueError(f"the zip holds {', '.join(names) or 'nothing'}; allowed: one SYMBOL{_ARCHIVED}DATE.csv")
    member = opened.enter_context(archive.open(names[0]))
    text = opened.enter_context(io.TextIOWrapper(member, encoding="utf-8", newline=""))
    return text, names[0].partition(_ARCHIVED)[0]


def _check_columns(header: Sequence[str], kind: FileKind) -> None:
    if not header:
        raise ValueError("the file is empty")
    missing = [column for column in _COLUMNS[kind] if column not in header]
    if not missing:
        return
    found = [other for other, columns in _COLUMNS.items() if set(columns) <= set(header)]
    hint = f"; these are {found[0]}" if found else ""
    raise ValueError(f"columns {missing} are missing in what should be {kind}{hint}")
