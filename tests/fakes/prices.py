"""What the venues publish, kept in memory: the same promises as the real table, kept by the same contract suite."""

from collections.abc import Mapping, Sequence
from threading import RLock

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.klines import DayVolume, Kline, KlineMinute
from marketmaker.domain.regime import Variances
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import AccountName, Symbol
from tests.fakes.venue import Faults

type _Market = tuple[str, Symbol]


class InMemoryPrices:
    """Implements `Prices`, with faults before its calls."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.minutes: dict[_Market, dict[int, KlineMinute]] = {}
        self._metadata: dict[_Market, VenueMetadata] = {}
        self._volumes: dict[_Market, DayVolume] = {}
        self._calibrations: dict[_Market, Calibration] = {}
        self._variances: dict[_Market, dict[int, float | None]] = {}
        self._triangles: set[tuple[str, Symbol, AccountName]] = set()
        self._lock = RLock()

    def metadata(self, venue: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata]:
        """Return what is kept of these markets' metadata."""
        with self._lock:
            self.faults.meet("metadata")
            return [self._metadata[venue, symbol] for symbol in symbols if (venue, symbol) in self._metadata]

    def save_metadata(self, venue: str, metadata: Sequence[VenueMetadata]) -> None:
        """Keep metadata, never older over newer."""
        with self._lock:
            self.faults.meet("save_metadata")
            for each in metadata:
                kept = self._metadata.get((venue, each.symbol))
                if kept is None or kept.fetched_ms <= each.fetched_ms:
                    self._metadata[venue, each.symbol] = each

    def day_volume(self, venue: str, symbol: Symbol) -> DayVolume | None:
        """Return the newest volume."""
        with self._lock:
            return self._volumes.get((venue, symbol))

    def save_day_volume(self, venue: str, volume: DayVolume) -> None:
        """Keep a volume, never older over newer."""
        with self._lock:
            self.faults.meet("save_day_volume")
            kept = self._volumes.get((venue, volume.symbol))
            if kept is None or kept.time_ms <= volume.time_ms:
                self._volumes[venue, volume.symbol] = volume

    def last_kline_ms(self, venue: str, symbol: Symbol) -> int | None:
        """Return the start of the newest minute."""
        with self._lock:
            self.faults.meet("last_kline_ms")
            return max(self._of(venue, symbol), default=None)

    def save_klines(self, venue: str, symbol: Symbol, minute: KlineMinute) -> None:
        """Keep a minute unless there is one."""
        with self._lock:
            self.faults.meet("save_klines")
            self._of(venue, symbol).setdefault(minute.start_ms, minute)

    def klines(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Sequence[Kline]:
        """Return the klines that open in [from, to)."""
        with self._lock:
            minutes = self._of(venue, symbol)
            every = (kline for start_ms in sorted(minutes) for kline in minutes[start_ms].klines)
            return [kline for kline in every if from_ms <= kline.open_ms < to_ms]

    def calibrations(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, Calibration]:
        """Return what was last measured."""
        with self._lock:
            self.faults.meet("calibrations")
            return {each: self._calibrations[venue, each] for each in symbols if (venue, each) in self._calibrations}

    def save_calibration(self, venue: str, symbol: Symbol, calibration: Calibration) -> None:
        """Keep what was measured, never older over newer."""
        with self._lock:
            self.faults.meet("save_calibration")
            kept = self._calibrations.get((venue, symbol))
            if kept is None or kept.until_ms <= calibration.until_ms:
                self._calibrations[venue, symbol] = calibration

    def variances(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Variances:
        """Return the variances of the buckets that start in [from, to)."""
        with self._lock:
            self.faults.meet("variances")
            kept = self._variances.get((venue, symbol), {})
            return {start_ms: variance for start_ms, variance in kept.items() if from_ms <= start_ms < to_ms}

    def save_variances(self, venue: str, symbol: Symbol, variances: Variances) -> None:
        """Keep variances unless there are any."""
        with self._lock:
            self.faults.meet("save_variances")
            kept = self._variances.setdefault((venue, symbol), {})
            self._variances[venue, symbol] = {**variances, **kept}

    def mark_triangle(self, venue: str, symbol: Symbol, account: AccountName, *, is_open: bool, now_ms: int) -> bool:
        """Note that an edge stands open, or no more."""
        with self._lock:
            self.faults.meet("mark_triangle")
            key = venue, symbol, account
            was_open = key in self._triangles
            if is_open:
                self._triangles.add(key)
            else:
                self._triangles.discard(key)
            return was_open is not is_open

    def _of(self, venue: str, symbol: Symbol) -> dict[int, KlineMinute]:
        return self.minutes.setdefault((venue, symbol), {})
