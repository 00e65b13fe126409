"""A listed symbol as every dialect knows it: its engine, its clock, and what a faulty venue shows of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from infra.local.exchange.clock import MarketClock
from marketmaker.domain.markets import Instrument
from marketmaker.domain.units import ZERO
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.matching import Depth, Engine
from marketmaker.simulation.orders import AccountTrade
from marketmaker.simulation.statistics import DAY_US, DaySummary

type Json = dict[str, object]
type Answer = Json | list[Json] | list[list[object]] | str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market[E: Engine[Any] = Engine[Any]](ABC):
    """One symbol of the exchange; daily volumes are the market's average before it began.

    `book`, `trades` and `held` are what a faulty venue shows in place of the engine's own.
    """

    engine: E
    clock: MarketClock
    klines: MarketKlines
    began_us: int
    daily_volume_base: Decimal
    daily_volume_quote: Decimal
    status: str = "TRADING"
    book: Depth | None = None
    trades: Sequence[AccountTrade] | None = None
    held: object | None = None

    @property
    @abstractmethod
    def market_id(self) -> str:
        """The symbol in the venue's notation."""

    @abstractmethod
    def holdings(self) -> object:
        """Return a copy of what the account holds now."""

    @property
    def instrument(self) -> Instrument:
        """The symbol's grids and minimums."""
        return self.engine.instrument

    @property
    def shown_trades(self) -> Sequence[AccountTrade]:
        """The account's trades, ascending by id."""
        return self.engine.account.trades if self.trades is None else self.trades

    def due(self) -> tuple[int, Callable[[], None]] | None:
        """Return when, by the wall clock, the venue acts on the account by itself next, and how; None for never."""
        return None

    def depth(self, limit: int) -> Depth:
        """Return the best levels of both sides."""
        if self.book is None:
            return self.engine.depth(limit)
        return replace(self.book, bids=self.book.bids[:limit], asks=self.book.asks[:limit])

    def day(self) -> DaySummary:
        """Sum up the market's last 24 h, the part before it began filled with its average volume."""
        engine = self.engine
        day = engine.day.summary(engine.now_us)
        if day is None:
            mid = self.last_price()
            day = DaySummary(open=mid, high=mid, low=mid, last=mid, volume_base=ZERO, volume_quote=ZERO, count=0)
        elapsed_us = min(DAY_US, max(0, engine.now_us - self.began_us))
        before = Decimal(DAY_US - elapsed_us) / DAY_US
        return DaySummary(
            open=day.open,
            high=day.high,
            low=day.low,
            last=day.last,
            volume_base=day.volume_base + before * self.daily_volume_base,
            volume_quote=day.volume_quote + before * self.daily_volume_quote,
            count=day.count,
        )

    def last_price(self) -> Decimal:
        """Return the price of the last trade; before the first, the best price there is."""
        last = self.engine.day.last
        if last is not None:
            return last.price
        depth = self.engine.depth(1)
        return next((level.price for level in (*depth.bids, *depth.asks)), ZERO)
