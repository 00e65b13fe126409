"""Which files make a market, and what they say about it as a whole."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from marketmaker.domain.units import ZERO, plain
from marketmaker.simulation.market_data.tables import RecordingError


class BookSource(StrEnum):
    """Where a market's book comes from."""

    RECORDED = "recorded"
    ASSUMED = "assumed"
    CANDLES = "candles"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFiles:
    """The files of one market: any of quotes, trades and book, or candles alone."""

    quotes: Path | None = None
    trades: Path | None = None
    book: Path | None = None
    candles: Path | None = None

    def __post_init__(self) -> None:
        others = [path for path in (self.quotes, self.trades, self.book) if path is not None]
        if self.candles is None and not others:
            raise RecordingError("no file is named; allowed: quotes, trades and book, or candles")
        if self.candles is not None and others:
            raise RecordingError(f"candles {self.candles} beside {others[0]}; allowed: candles alone")

    @property
    def source(self) -> BookSource:
        """Where the book comes from."""
        if self.candles is not None:
            return BookSource.CANDLES
        return BookSource.ASSUMED if self.quotes is None and self.book is None else BookSource.RECORDED


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDescription:
    """A recorded market; its symbol as the recorder spells it, or the file's name where the file holds none.

    `interval_us` is the length of its candles, None where there are none. Volumes are those of an average day.
    """

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    first_us: int
    last_us: int
    daily_volume_base: Decimal
    daily_volume_quote: Decimal
    source: BookSource
    half_spread_bps: Decimal
    interval_us: int | None = None

    @property
    def note(self) -> str:
        """Say in one line what of the market was recorded and what is assumed."""
        assumed = f"a book of ± {plain(self.half_spread_bps)} bp round each trade is assumed"
        match self.source:
            case BookSource.RECORDED:
                trades = "" if self.daily_volume_base > ZERO else ", no trade was"
                return f"the book was recorded{trades}"
            case BookSource.ASSUMED:
                return f"no quotes were recorded: {assumed}"
            case BookSource.CANDLES:
                seconds = (self.interval_us or 0) // 1_000_000
                return f"coarse: four trades are made up of each candle of {seconds} s, and {assumed}"
            case _:
                assert_never(self.source)
