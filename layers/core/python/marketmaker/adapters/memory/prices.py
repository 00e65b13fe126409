"""What the venues publish, kept in memory: the same promises as the real table, kept by the same contract suite."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from threading import RLock

from marketmaker.adapters.memory.series import Series
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.klines import DayVolume, Kline, KlineMinute, minute_of
from marketmaker.domain.regime import Variances
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import AccountName, Symbol

KLINES_KEPT_MS = 8 * 86_400_000
VARIANCES_KEPT_MS = 9 * 86_400_000
"""As long as the table keeps them, counted from the newest."""

type _Market = tuple[str, Symbol]


class InMemoryPrices:
    """Implements `Prices`."""

    def __init__(self) -> None:
        self._minutes: dict[_Market, Series[KlineMinute]] = defaultdict(lambda: Series(KLINES_KEPT_MS))
        self._metadata: dict[_Market, VenueMetadata] = {}
        self._volumes: dict[_Market, DayVolume] = {}
        self._calibrations: dict[_Market, Calibration] = {}
        self._variances: dict[_Market, Series[float | None]] = defaultdict(lambda: Series(VARIANCES_KEPT_MS))
        self._triangles: set[tuple[str, Symbol, AccountName]] = set()
        self._lock = RLock()

    def metadata(self, venue: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata]:
        """Return what is kept of these markets' metadata."""
        with self._lock:
            return [self._metadata[venue, symbol] for symbol in symbols if (venue, symbol) in self._metadata]

    def save_metadata(self, venue: str, metadata: Sequence[VenueMetadata]) -> None:
        """Keep metadata, never older over newer."""
        with self._lock:
            for each in metadata:
                kept = self._metadata.get((venue, each.symbol))
                if kept is None or kept.fetched_ms <= each.fetched_ms:
                    self._metadata[venue, each.symbol] = each

    def day_volumes(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, DayVolume]:
        """Return the newest volumes."""
        with self._lock:
            return {each: self._volumes[venue, each] for each in symbols if (venue, each) in self._volumes}

    def save_day_volume(self, venue: str, volume: DayVolume) -> None:
        """Keep a volume, never older over newer."""
        with self._lock:
            kept = self._volumes.get((venue, volume.symbol))
            if kept is None or kept.time_ms <= volume.time_ms:
                self._volumes[venue, volume.symbol] = volume

    def last_kline_ms(self, venue: str, symbol: Symbol) -> int | None:
        """Return the start of the newest minute."""
        with self._lock:
            return self._minutes[venue, symbol].newest_ms

    def save_klines(self, venue: str, symbol: Symbol, minute: KlineMinute) -> None:
        """Keep a minute unless there is one."""
        with self._lock:
            self._minutes[venue, symbol].keep(minute.start_ms, minute)

    def klines(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Sequence[Kline]:
        """Return the klines that open in [from, to)."""
        with self._lock:
            minutes = self._minutes[venue, symbol].between(minute_of(from_ms), to_ms)
            return [each for _, minute in minutes for each in minute.klines if from_ms <= each.open_ms < to_ms]

    def calibrations(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, Calibration]:
        """Return what was last measured."""
        with self._lock:
            return {each: self._calibrations[venue, each] for each in symbols if (venue, each) in self._calibrations}

    def save_calibration(self, venue: str, symbol: Symbol, calibration: Calibration) -> None:
        """Keep what was measured, never older over newer."""
        with self._lock:
            kept = self._calibrations.get((venue, symbol))
            if kept is None or kept.until_ms <= calibration.until_ms:
                self._calibrations[venue, symbol] = calibration

    def variances(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Variances:
        """Return the variances of the buckets that start in [from, to)."""
        with self._lock:
            return dict(self._variances[venue, symbol].between(from_ms, to_ms))

    def save_variances(self, venue: str, symbol: Symbol, variances: Variances) -> None:
        """Keep variances unless there are any."""
        with self._lock:
            kept = self._variances[venue, symbol]
            for start_ms, variance in variances.items():
                kept.keep(start_ms, variance)

    def mark_triangle(
        self,
        venue: str,
        symbol: Symbol,
        account: AccountName,
        *,
        is_open: bool,
        now_ms: int,  # noqa: ARG002 - no write is ever sent twice here
    ) -> bool:
        """Note that an edge stands open, or no more."""
        with self._lock:
            key = venue, symbol, account
            was_open = key in self._triangles
            if is_open:
                self._triangles.add(key)
            else:
                self._triangles.discard(key)
            return was_open is not is_open
