"""What was measured of an account's markets, as a tick reads it: from the prices table, at most once a minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from marketmaker.domain.klines import DayVolume
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import Symbol
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Prices

RELOAD_MS = 60_000
"""How often they change."""
RETRY_MS = 15_000
"""How soon to ask a table again that did not answer: asking costs a tick its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsReading:
    """What is known of the markets, and what kept it from being read anew, None while nothing did."""

    known: Mapping[Symbol, Statistics]
    volumes: Mapping[Symbol, DayVolume] = field(default_factory=dict)
    problem: str | None = None


@dataclass(slots=True)
class KeptStatistics:
    """What is kept between the ticks of a process; one reads it at a time."""

    _known: Mapping[Symbol, Statistics] = field(default_factory=dict)
    _volumes: Mapping[Symbol, DayVolume] = field(default_factory=dict)
    _fresh_until_ms: int = 0

    def read(
        self, prices: Prices, venue: str, symbols: Sequence[Symbol], now_ms: int, *, volumes_of: Sequence[Symbol] = ()
    ) -> StatisticsReading:
        """Read these markets' statistics, and some's volumes, where what is kept is a minute old; never raises.

        While the table cannot be read, what is kept is all there is: its own times tell how old it is.
        """
        if now_ms < self._fresh_until_ms:
            return StatisticsReading(known=self._known, volumes=self._volumes)
        try:
            found = prices.calibrations(venue, symbols)
            volumes = prices.day_volumes(venue, volumes_of) if volumes_of else {}
        except MarketMakerError as error:
            self._fresh_until_ms = now_ms + RETRY_MS
            return StatisticsReading(known=self._known, volumes=self._volumes, problem=str(error))
        self._known = {symbol: each.statistics for symbol, each in found.items()}
        self._volumes = volumes
        self._fresh_until_ms = now_ms + RELOAD_MS
        return StatisticsReading(known=self._known, volumes=self._volumes)
