"""What is known of each market: its metadata, whether it is in doubt, and whether the venue trades it now.

An order that the venue refused although our rules allowed it puts them in doubt; so does a market that is closed, after
a while. Where reading the rules anew explains no refusal, they are not all there is to know, and the market rests.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.dialect import Dialect, Market
from marketmaker.domain.markets import Instrument
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ONE, ZERO, Asset, Symbol
from marketmaker.errors import Unresolved
from marketmaker.ports import Clock

CLOSED_LOOK_MS = 60_000
"""How soon a closed market is looked at again."""
UNEXPLAINED_REST_MS = 600_000
"""How long a market rests whose rules do not explain why an order was refused (R18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A market's rules; `market` None is one that the venue does not list."""

    market: Market | None
    instrument: Instrument
    fetched_ms: int
    loaded_ms: int
    rests_until_ms: int = 0


class KnownMarkets:
    """All markets of a login. Threads may read it and put markets in doubt; one at a time makes markets known.

    A read that outlived the tick it was for may make them known beside the next one's: they wait for each other.
    """

    def __init__(self, clock: Clock, dialect: Dialect) -> None:
        self._clock = clock
        self._dialect = dialect
        self._making = Lock()
        self._known: dict[Symbol, _Known] = {}
        self._doubted_ms: dict[Symbol, int] = {}
        self.loaded: Mapping[Symbol, Market] = {}

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets are known, none of them from before a moment."""
        return all(symbol in self._known and self._known[symbol].loaded_ms >= since_ms for symbol in symbols)

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether one of these markets is to be read anew."""
        old_ms = self._clock.now_ms() - CLOSED_LOOK_MS
        return any(
            symbol in self._doubted_ms or (not known.instrument.is_trading and known.fetched_ms <= old_ms)
            for symbol, known in self._known.items()
            if symbol in symbols
        )

    def doubt(self, symbol: Symbol) -> None:
        """Trust nothing about a market that was read before now."""
        self._doubted_ms[symbol] = self._clock.now_ms()

    def obstacle(self, symbol: Symbol) -> str | None:
        """Say why nothing is to be asked of a market now, None if it may be."""
        known = self._known.get(symbol)
        if known is not None and not known.instrument.is_trading:
            return f"the venue does not {'list' if known.market is None else 'trade'} {symbol} now"
        if symbol in self._doubted_ms:
            return f"the rules of {symbol} are read anew: an order was refused by them"
        if known is not None and self._clock.now_ms() < known.rests_until_ms:
            return f"{symbol} rests: its rules do not explain why an order was refused"
        return None

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a known market's rules."""
        return self._known[symbol].instrument

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use metadata, but none that cannot be read, or is older than what is known or was put in doubt."""
        usable: dict[Symbol, tuple[Market, int]] = {}
        for each in metadata:
            known, doubted_ms = self._known.get(each.symbol), self._doubted_ms.get(each.symbol, -1)
            market = self._stored_market(each)
            if (
                market is not None
                and each.fetched_ms > doubted_ms
                and (known is None or each.fetched_ms >= known.fetched_ms)
            ):
                usable[each.symbol] = market, each.fetched_ms
        with self._making:
            self._use(usable)

    def take(self, symbols: Sequence[Symbol], listed: Mapping[Symbol, Market]) -> list[VenueMetadata]:
        """Use what the venue answered now; a market that it left out is closed. Returns what to keep."""
        now_ms = self._clock.now_ms()
        with self._making:
            self._use({symbol: (listed[symbol], now_ms) for symbol in symbols if symbol in listed})
            for symbol in symbols:
                if symbol not in listed:
                    self._close(symbol, now_ms)
        return [
            VenueMetadata(symbol=symbol, fetched_ms=now_ms, payload=json.dumps(listed[symbol], sort_keys=True))
            for symbol in symbols
            if symbol in listed
        ]

    def _use(self, markets: Mapping[Symbol, tuple[Market, int]]) -> None:
        now_ms = self._clock.now_ms()
        for symbol, (market, fetched_ms) in markets.items():
            before, instrument = self._known.get(symbol), self._dialect.instrument(market)
            was_doubted = self._doubted_ms.pop(symbol, None) is not None
            rests_until_ms = 0
            if before is not None and instrument == before.instrument:
                rests_until_ms = now_ms + UNEXPLAINED_REST_MS if was_doubted else before.rests_until_ms
            self._known[symbol] = _Known(
                market=market,
                instrument=instrument,
                fetched_ms=fetched_ms,
                loaded_ms=now_ms,
                rests_until_ms=rests_until_ms,
            )
        self.loaded = {symbol: known.market for symbol, known in self._known.items() if known.market is not None}

    def _stored_market(self, metadata: VenueMetadata) -> Market | None:
        """Read stored metadata; None if it cannot be."""
        try:
            market = parsing.expect_row(json.loads(metadata.payload), "the stored metadata")
            self._dialect.instrument(market)
        except (ValueError, Unresolved):
            return None
        return market

    def _close(self, symbol: Symbol, now_ms: int) -> None:
        """Note that a market is not listed; of one that never was only its name is known, which says its assets."""
        known = self._known.get(symbol)
        instrument = _unlisted(symbol) if known is None else replace(known.instrument, is_trading=False)
        self._known[symbol] = _Known(market=None, instrument=instrument, fetched_ms=now_ms, loaded_ms=now_ms)
        self._doubted_ms.pop(symbol, None)


def _unlisted(symbol: Symbol) -> Instrument:
    base, _, quote = symbol.partition("/")
    return Instrument(
        symbol=symbol,
        base=Asset(base),
        quote=Asset(quote),
        tick_size=ONE,
        lot_size=ONE,
        min_size_base=ZERO,
        min_notional_quote=ZERO,
        is_trading=False,
    )
