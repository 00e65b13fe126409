"""A made-up market, endless and the same for the same seed: a thin pair like PAXG/USDT.

The fair price diffuses; each market order moves it a little in its direction, so flow is informed. Makers reprice a
side at Poisson moments once its touch is off target; the spread wanders round its median. Market orders come at
Poisson moments with Pareto sizes and walk the book. Floats are the model's inside; prices and sizes leave it as whole
ticks and lots.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Event, Level, Quote, Trade

_YEAR_S = 365 * 86_400
_BPS = 1e-4
_MEMORY = 0.97
"""What the spread keeps of its deviation from one repricing moment to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketModel:
    """The parameters of a generated market; sizes in base, spreads full width."""

    start_price: Decimal = Decimal(1900)
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal("0.0001")
    annual_volatility: float = 0.15
    median_spread_bps: float = 7.0
    least_spread_bps: float = 3.0
    spread_deviation: float = 0.25
    level_count: int = 8
    level_gap_bps: float = 1.5
    level_size_base: float = 0.6
    repricings_per_s: float = 1.0
    repricing_tolerance_bps: float = 0.5
    trades_per_s: float = 0.4
    trade_size_least_base: float = 0.02
    trade_size_tail: float = 1.5
    trade_impact_bps: float = 0.25

    @property
    def daily_volume_base(self) -> Decimal:
        """The expected volume of a day, from the mean of the Pareto sizes."""
        mean = self.trade_size_least_base * self.trade_size_tail / (self.trade_size_tail - 1)
        return self.lot_size * round(mean * self.trades_per_s * 86_400 / float(self.lot_size))

    @property
    def daily_volume_quote(self) -> Decimal:
        """The expected volume of a day at the first price."""
        return self.daily_volume_base * self.start_price

    @property
    def diffusion_per_root_s(self) -> float:
        """The volatility per √s that is left to diffusion once the trades' impact is taken off the whole."""
        whole = self.annual_volatility**2 / _YEAR_S
        return math.sqrt(max(0.0, whole - self.trades_per_s * (self.trade_impact_bps * _BPS) ** 2))


class GeneratedMarket:
    """The state of a generated market: a hidden fair price and the levels makers show, in ticks and lots."""

    def __init__(self, model: MarketModel, rng: Random, *, start_us: int = 0) -> None:
        self._model = model
        self._rng = rng
        self._time_us = start_us
        self._fair = float(model.start_price / model.tick_size)
        self._lot = float(model.lot_size)
        self._log_spread = 0.0
        self._ticks: dict[Side, int] = {}
        self._sides = {side: self._ladder(side) for side in Side}

    def events(self) -> Iterator[Event]:
        """Yield the market for ever, the opening book first."""
        model, rng = self._model, self._rng
        rate = model.repricings_per_s + model.trades_per_s
        yield self._quote()
        while True:
            wait_s = rng.expovariate(rate)
            self._time_us += max(1, int(wait_s * 1e6))
            self._fair *= math.exp(rng.gauss(0.0, model.diffusion_per_root_s * math.sqrt(wait_s)))
            if rng.random() * rate < model.trades_per_s:
                yield from self._market_order()
                yield self._quote()
            elif self._reprice():
                yield self._quote()

    def _half_spread(self) -> float:
        model = self._model
        spread_bps = max(model.least_spread_bps, model.median_spread_bps * math.exp(self._log_spread))
        return self._fair * spread_bps * _BPS / 2

    def _touch(self, side: Side) -> int:
        half = self._half_spread()
        return math.floor(self._fair - half) if side is Side.BUY else math.ceil(self._fair + half)

    def _ladder(self, side: Side) -> list[Level]:
        """Build one side anew: gaps exponential, sizes log-normal and growing with depth."""
        model, rng = self._model, self._rng
        ticks = self._ticks[side] = self._touch(side)
        levels: list[Level] = []
        for depth in range(model.level_count):
            size = model.level_size_base * (1 + depth / 2) * math.exp(rng.gauss(-0.3, 0.8))
            levels.append(Level(model.tick_size * ticks, model.lot_size * max(1, int(size / self._lot))))
            gap = max(1, int(rng.expovariate(1 / (self._fair * model.level_gap_bps * _BPS))))
            ticks -= side.sign * gap
            if ticks <= 0:
                break
        return levels

    def _reprice(self) -> bool:
        """Let the spread wander and rebuild each side whose touch is off target; tell whether any was."""
        model = self._model
        step = model.spread_deviation * math.sqrt(1 - _MEMORY**2)
        self._log_spread = _MEMORY * self._log_spread + self._rng.gauss(0.0, step)
        tolerance = self._fair * model.repricing_tolerance_bps * _BPS
        stale = [side for side in Side if abs(self._ticks[side] - self._touch(side)) > tolerance]
        for side in stale:
            self._sides[side] = self._ladder(side)
        return bool(stale)

    def _market_order(self) -> Iterator[Trade]:
        """Walk the book with one order; its last level is never emptied."""
        model, rng = self._model, self._rng
        taker = rng.choice((Side.BUY, Side.SELL))
        levels = self._sides[taker.opposite]
        lots = int(model.trade_size_least_base * rng.paretovariate(model.trade_size_tail) / self._lot)
        left = min(model.lot_size * max(1, lots), sum(level.size for level in levels) - model.lot_size)
        while left > ZERO:
            price, shown = levels[0]
            size = min(left, shown)
            left -= size
            yield Trade(time_us=self._time_us, taker_side=taker, price=price, size_base=size)
            levels[:1] = [Level(price, shown - size)] if shown > size else []
        self._ticks[taker.opposite] = int(levels[0].price / model.tick_size)
        self._fair *= math.exp(taker.sign * model.trade_impact_bps * _BPS)

    def _quote(self) -> Quote:
        return Quote(time_us=self._time_us, bids=tuple(self._sides[Side.BUY]), asks=tuple(self._sides[Side.SELL]))
