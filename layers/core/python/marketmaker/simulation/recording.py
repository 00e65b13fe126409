"""The two files of a recorded market by their common prefix, read strictly: what is odd is an error, nothing skipped.

`PREFIX_quotes.csv.gz` and `PREFIX_trades.csv.gz` are read as `market_data` describes; without a quotes file the book
is assumed.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from marketmaker.simulation.events import Event
from marketmaker.simulation.market_data import (
    DEFAULT_HALF_SPREAD_BPS,
    MarketData,
    MarketDescription,
    MarketFiles,
    RecordingError,
    Window,
)

__all__ = ["DEFAULT_HALF_SPREAD_BPS", "Recording", "RecordingError"]


class Recording:
    """One recorded market."""

    def __init__(self, prefix: Path, *, half_spread_bps: Decimal = DEFAULT_HALF_SPREAD_BPS) -> None:
        quotes = prefix.with_name(prefix.name + "_quotes.csv.gz")
        trades = prefix.with_name(prefix.name + "_trades.csv.gz")
        if not trades.is_file():
            raise RecordingError(f"{trades} does not exist; a recording is named without _trades.csv.gz")
        self._files = MarketFiles(quotes=quotes if quotes.is_file() else None, trades=trades)
        self._half_spread_bps = half_spread_bps

    @property
    def has_quotes(self) -> bool:
        """Whether the book was recorded; otherwise it is assumed round the trades."""
        return self._files.quotes is not None

    def describe(self) -> MarketDescription:
        """Read the trades once for the market's grids and volume."""
        return self._data(Window()).described

    def events(self, *, from_us: int = 0) -> Iterator[Event]:
        """Yield the market from a moment on; the book that stood then comes first, stamped with that moment."""
        return self._data(Window(from_us=from_us)).events()

    def _data(self, window: Window) -> MarketData:
        return MarketData(self._files, window=window, half_spread_bps=self._half_spread_bps, is_strict=True)
