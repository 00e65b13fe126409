"""The prices in memory, with faults."""

from collections.abc import Mapping, Sequence

from marketmaker.adapters.memory import InMemoryPrices
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.klines import DayVolume, KlineMinute
from marketmaker.domain.regime import Variances
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import AccountName, Symbol
from tests.fakes.venue import Faults


class FaultyPrices(InMemoryPrices):
    """The prices in memory, with faults before the calls of ticks and of those who fetch prices."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = Faults()

    def forget_klines(self) -> None:
        """Let all klines expire."""
        self._minutes.clear()

    def metadata(self, venue: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata]:
        """Read, or fail."""
        self.faults.meet("metadata")
        return super().metadata(venue, symbols)

    def save_metadata(self, venue: str, metadata: Sequence[VenueMetadata]) -> None:
        """Save, or fail."""
        self.faults.meet("save_metadata")
        super().save_metadata(venue, metadata)

    def save_day_volume(self, venue: str, volume: DayVolume) -> None:
        """Save, or fail."""
        self.faults.meet("save_day_volume")
        super().save_day_volume(venue, volume)

    def last_kline_ms(self, venue: str, symbol: Symbol) -> int | None:
        """Read, or fail."""
        self.faults.meet("last_kline_ms")
        return super().last_kline_ms(venue, symbol)

    def save_klines(self, venue: str, symbol: Symbol, minute: KlineMinute) -> None:
        """Save, or fail."""
        self.faults.meet("save_klines")
        super().save_klines(venue, symbol, minute)

    def calibrations(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, Calibration]:
        """Read, or fail."""
        self.faults.meet("calibrations")
        return super().calibrations(venue, symbols)

    def save_calibration(self, venue: str, symbol: Symbol, calibration: Calibration) -> None:
        """Save, or fail."""
        self.faults.meet("save_calibration")
        super().save_calibration(venue, symbol, calibration)

    def variances(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Variances:
        """Read, or fail."""
        self.faults.meet("variances")
        return super().variances(venue, symbol, from_ms, to_ms)

    def save_variances(self, venue: str, symbol: Symbol, variances: Variances) -> None:
        """Save, or fail."""
        self.faults.meet("save_variances")
        super().save_variances(venue, symbol, variances)

    def mark_triangle(self, venue: str, symbol: Symbol, account: AccountName, *, is_open: bool, now_ms: int) -> bool:
        """Mark, or fail."""
        self.faults.meet("mark_triangle")
        return super().mark_triangle(venue, symbol, account, is_open=is_open, now_ms=now_ms)
