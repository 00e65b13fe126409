"""What is known of each market: its metadata, whether it is in doubt, and whether the venue trades it now.

An order that the venue refused although our rules allowed it puts them in doubt; so does a market that is closed, after
a while. Where reading the rules anew explains no refusal, they are not all there is to know, and the market rests.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.capabilities import POST_ONLY_ORDER_TYPE, POST_ONLY_TIME_IN_FORCE
from marketmaker.adapters.ccxt_venue.dialects import Dialect
from marketmaker.domain.markets import Instrument
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ONE, ZERO, Asset, Symbol
from marketmaker.errors import Unresolved
from marketmaker.ports import Clock

CLOSED_LOOK_MS = 60_000
"""How soon a closed market is looked at again."""
UNEXPLAINED_REST_MS = 600_000
"""How long a market rests whose rules do not explain why an order was refused (R18)."""

type Market = Mapping[str, Any]
"""A market as ccxt unifies it; `info` is the venue's own row."""


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

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
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
            market = _stored_market(each)
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
            before, instrument = self._known.get(symbol), parse_instrument(market)
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

    def _close(self, symbol: Symbol, now_ms: int) -> None:
        """Note that a market is not listed; of one that never was only its name is known, which says its assets."""
        known = self._known.get(symbol)
        instrument = _unlisted(symbol) if known is None else replace(known.instrument, is_trading=False)
        self._known[symbol] = _Known(market=None, instrument=instrument, fetched_ms=now_ms, loaded_ms=now_ms)
        self._doubted_ms.pop(symbol, None)


def read_listed(client: Any, dialect: Dialect, market_ids: Mapping[Symbol, str]) -> dict[Symbol, Market]:
    """Ask for markets' metadata in one request; what the venue leaves out is left out.

    A row without a name may be a market's that was asked for: it is not passed over.

    Raises:
        Unresolved: an answer without any market, or without a rule.
    """
    ids = json.dumps(list(market_ids.values()), separators=(",", ":"))
    params = {"symbols": ids} if dialect.lists_by_symbols else {}
    answer = parsing.expect_row(getattr(client, dialect.routes.metadata)(params), "the metadata")
    rows = [parsing.expect_row(row, "a market") for row in parsing.expect_list(answer.get("symbols"), "the metadata")]
    if not rows:
        raise Unresolved("the metadata came without any market")
    wanted = set(market_ids.values())
    named = [(parsing.text(row.get("symbol"), "a market's symbol"), row) for row in rows]
    markets = [_read_market(client, row, dialect) for name, row in named if dialect.lists_by_symbols or name in wanted]
    parsing.expect_unique((market["symbol"] for market in markets), "a market")
    return {market["symbol"]: market for market in markets if market["symbol"] in market_ids}


def _read_market(client: Any, row: Mapping[str, Any], dialect: Dialect) -> Market:
    """Let ccxt unify a market, and refuse what it has made up for want of a rule."""
    for name in dialect.market_names:
        parsing.text(row.get(name), f"a market's {name}")
    if dialect.is_perpetual:
        parsing.expect_list(row.get("timeInForce"), "the times in force")
    market = parsing.expect_row(client.parse_market(row), "a market")
    filters = [parsing.expect_row(each, "a filter") for each in parsing.expect_list(row.get("filters"), "the filters")]
    found = {parsing.text(each.get("filterType"), "a filter's type"): each for each in filters}
    least = found.get("NOTIONAL", found.get("MIN_NOTIONAL", {}))
    notional = least.get("minNotional", least.get("notional"))
    told = (
        found.get("PRICE_FILTER", {}).get("tickSize"),
        found.get("LOT_SIZE", {}).get("stepSize"),
        found.get("LOT_SIZE", {}).get("minQty"),
        notional,
    )
    rules = parse_instrument(market)
    used = rules.tick_size, rules.lot_size, rules.min_size_base, rules.min_notional_quote
    if tuple(parsing.amount(each, f"a rule of {rules.symbol}") for each in told) != used:
        raise Unresolved(f"the rules of {rules.symbol} are {told}, not {used}")
    return market


def parse_instrument(market: Market) -> Instrument:
    """Read the trading rules of a unified market."""
    info = parsing.expect_row(market.get("info"), "the market's own row")
    precision = parsing.expect_row(market.get("precision"), "the market's precision")
    limits = parsing.expect_row(market.get("limits"), "the market's limits")
    listed = parsing.expect_list(info.get("orderTypes"), "the order types")
    order_types = [parsing.text(each, "an order type") for each in listed]
    times = parsing.expect_list(info.get("timeInForce", []), "the times in force")
    order_types += [parsing.text(each, "a time in force") for each in times]
    smallest, cheapest = (parsing.expect_row(limits.get(name), "a limit").get("min") for name in ("amount", "cost"))
    try:
        return Instrument(
            symbol=Symbol(parsing.text(market.get("symbol"), "a market's symbol")),
            base=Asset(parsing.text(market.get("base"), "a market's base")),
            quote=Asset(parsing.text(market.get("quote"), "a market's quote")),
            tick_size=parsing.amount(precision.get("price"), "the tick size"),
            lot_size=parsing.amount(precision.get("amount"), "the lot size"),
            min_size_base=parsing.amount(smallest, "the minimum size"),
            min_notional_quote=parsing.amount(cheapest, "the minimum notional"),
            has_post_only=POST_ONLY_ORDER_TYPE in order_types or POST_ONLY_TIME_IN_FORCE in order_types,
            is_trading=parsing.flag(market.get("active"), "whether a market is active"),
        )
    except ValueError as error:
        raise Unresolved(str(error)) from error


def _stored_market(metadata: VenueMetadata) -> Market | None:
    """Read stored metadata; None if it cannot be."""
    try:
        market = parsing.expect_row(json.loads(metadata.payload), "the stored metadata")
        parse_instrument(market)
    except (ValueError, Unresolved):
        return None
    return market


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
