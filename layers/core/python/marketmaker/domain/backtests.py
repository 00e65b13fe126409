"""What a backtest found: every figure of it, the fills, and samples of the run for pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, Symbol

MARKOUTS_S = (1, 10, 60)
"""After how long the middle is compared with what was paid (M8)."""
MOST_SAMPLES = 40_000
"""More than two days at 5 s; of a longer run one sample in two is kept, then one in four, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFill:
    """One fill: `mid` is the middle of the book at its moment.

    `edge_bps` is how far the price was on our side of that middle, `markouts_bps` how far it was on our side of the
    middle so many seconds later: below zero the market moved against us (M8). None is where no middle was known.
    """

    time_ms: int
    side: Side
    price: Decimal
    size_base: Decimal
    fee_quote: Decimal
    is_maker: bool
    mid: Decimal | None
    edge_bps: Decimal | None
    markouts_bps: Mapping[int, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSample:
    """The run at one moment: the middle, our nearest resting orders, what is held, and the gain so far.

    `pnl_quote` = `spread_quote` − `fees_quote` + `inventory_quote`: what fills earned against the middle of their
    moment, what they cost, and what the inventory gained since.
    """

    time_ms: int
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    inventory_base: Decimal
    pnl_quote: Decimal
    spread_quote: Decimal
    fees_quote: Decimal
    inventory_quote: Decimal


@dataclass(slots=True, kw_only=True)
class SampleTally:
    """Every sample's part in the figures; of the samples themselves about `most` at most, evenly over time.

    `mark` is the last known middle, `max_drawdown_quote` the largest fall of the total gain from a peak before it.
    """

    most: int = MOST_SAMPLES
    mark: Decimal = ZERO
    max_abs_base: Decimal = ZERO
    max_drawdown_quote: Decimal = ZERO
    _kept: list[BacktestSample] = field(default_factory=list)
    _last: BacktestSample | None = None
    _every: int = 1
    _seen: int = 0
    _peak_quote: Decimal = ZERO

    def add(self, sample: BacktestSample) -> None:
        """Take the next one in."""
        self._last = sample
        self.mark = self.mark if sample.mid is None else sample.mid
        self.max_abs_base = max(self.max_abs_base, abs(sample.inventory_base))
        self._peak_quote = max(self._peak_quote, sample.pnl_quote)
        self.max_drawdown_quote = max(self.max_drawdown_quote, self._peak_quote - sample.pnl_quote)
        if self._seen % self._every == 0:
            self._kept.append(sample)
        self._seen += 1
        if len(self._kept) > self.most:
            del self._kept[1::2]
            self._every *= 2

    def kept(self) -> tuple[BacktestSample, ...]:
        """Return what is kept, the first and the last one in any case."""
        if self._last is None or self._kept[-1] is self._last:
            return tuple(self._kept)
        return (*self._kept, self._last)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """One run. Ratios are None where nothing was counted; averages weigh each fill by its size.

    `samples` are every tick's and the last moment's; of a long run evenly fewer.
    """

    symbol: Symbol
    from_ms: int
    to_ms: int
    config_hash: str
    ticks: int
    orders_placed: int
    orders_kept: int
    orders_cancelled: int
    protective_cancels: int
    fills: int
    volume_quote: Decimal
    fees_quote: Decimal
    funding_quote: Decimal
    realised_pnl_quote: Decimal
    unrealised_pnl_quote: Decimal
    total_pnl_quote: Decimal
    inventory_final_base: Decimal
    inventory_max_abs_base: Decimal
    cancel_ratio: Decimal | None
    order_success_ratio: Decimal | None
    two_sided_uptime: Decimal | None
    max_drawdown_quote: Decimal
    edge_at_fill_bps: Decimal | None
    markout_bps: Mapping[int, Decimal | None]
    no_quotes: Mapping[str, int]
    skipped_rows: Mapping[str, int]
    events: int
    fill_list: tuple[BacktestFill, ...]
    samples: tuple[BacktestSample, ...]
