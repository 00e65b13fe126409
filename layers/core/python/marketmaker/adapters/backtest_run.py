"""The truth of a backtest: what was really held, filled and shown, whatever the venue answered to the use case."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from marketmaker.adapters.backtest_accounts import PlayedAccount
from marketmaker.adapters.backtest_venue import PlayedEngine, VirtualClock, as_fill
from marketmaker.domain.backtests import MARKOUTS_S, BacktestFill, BacktestSample
from marketmaker.domain.calibration import Calibration, calibrate_recorded
from marketmaker.domain.orders import Fill, Side
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.units import BPS, ZERO
from marketmaker.ports import Prices
from marketmaker.simulation.account import FeeAsset
from marketmaker.simulation.events import Event, Trade
from marketmaker.simulation.mids import MidSeries
from marketmaker.simulation.orders import AccountTrade

_US_A_MS, _US_A_S = 1_000, 1_000_000
_WINDOW_MS = 3_600_000
"""What a measurement looks back on."""


class Played:
    """Counts the events that an engine was handed."""

    def __init__(self) -> None:
        self.events = 0

    def watch(self, events: Iterable[Event]) -> Iterator[Event]:
        """Hand events through."""
        for event in events:
            self.events += 1
            yield event


class Measured:
    """Measures σ, A and k of the last hour of a recording, every so often, as fetch_prices does of its klines."""

    def __init__(self, *, every_ms: int, exposure_ms: int, tick: Decimal) -> None:
        self._every_ms, self._exposure_ms, self._tick = every_ms, exposure_ms, float(tick)
        self._trades: deque[tuple[int, float]] = deque()
        self._mids: deque[tuple[int, float]] = deque()
        self._due_ms = 0

    def watch(self, events: Iterable[Event]) -> Iterator[Event]:
        """Hand events through, and keep an hour of them."""
        for event in events:
            time_ms = event.time_us // _US_A_MS
            if isinstance(event, Trade):
                self._trades.append((time_ms, float(event.price)))
            elif (mid := event.mid) is not None:
                self._mids.append((time_ms, float(mid)))
            yield event

    def due(self, now_ms: int) -> Calibration | None:
        """Measure anew where it is time; None where it is not."""
        if now_ms < self._due_ms:
            return None
        self._due_ms = now_ms + self._every_ms
        for kept in (self._trades, self._mids):
            while kept and kept[0][0] < now_ms - _WINDOW_MS:
                kept.popleft()
        found = calibrate_recorded(
            list(self._trades), list(self._mids), exposure_ms=self._exposure_ms, tick_size=self._tick
        )
        return replace(found, until_ms=now_ms)


class RecordedRun:
    """One run on an engine; its account must be charged in the quote asset. Gains count from the first middle.

    What was `measured` goes to the prices that the use case reads.
    """

    def __init__(
        self,
        engine: PlayedEngine,
        held: PlayedAccount,
        mids: MidSeries,
        clock: VirtualClock,
        played: Played,
        *,
        measured: Measured | None = None,
        prices: Prices | None = None,
        venue_name: str = "",
    ) -> None:
        if engine.account.fees.asset is not FeeAsset.QUOTE:
            raise ValueError(f"fees in {engine.account.fees.asset}; allowed: in the quote asset")
        self._engine, self._held, self._mids, self._clock, self._played = engine, held, mids, clock, played
        self._measured, self._prices, self._venue_name = measured, prices, venue_name
        self._opening_quote: Decimal | None = None
        self._seen = 0
        self._fills: list[BacktestFill] = []
        self._spread_quote = self._fees_quote = ZERO

    def go_to(self, now_ms: int) -> None:
        """Move time on; everything happens that the market did until then."""
        self._clock.move_to(now_ms)
        self._engine.advance(now_ms * _US_A_MS)
        if self._measured is not None and self._prices is not None:
            calibration = self._measured.due(now_ms)
            if calibration is not None:
                self._prices.save_calibration(self._venue_name, self._engine.instrument.symbol, calibration)

    def sample(self) -> BacktestSample:
        """Describe the run at this moment."""
        account = self._engine.account
        mid = self._mids.at(self._engine.now_us)
        for trade in account.trades[self._seen :]:
            middle = self._mids.at(trade.time_us)
            self._spread_quote += ZERO if middle is None else _edge(trade, middle) * trade.size_base
            self._fees_quote += trade.commission
        self._seen = len(account.trades)
        self._judge(before_us=self._engine.now_us - MARKOUTS_S[-1] * _US_A_S)
        total = self._total(mid)
        bids, asks = account.open_orders(Side.BUY), account.open_orders(Side.SELL)
        return BacktestSample(
            time_ms=self._clock.now_ms(),
            mid=mid,
            bid=bids[0].limit if bids else None,
            ask=asks[0].limit if asks else None,
            inventory_base=self._held.base,
            pnl_quote=total,
            spread_quote=self._spread_quote,
            fees_quote=self._fees_quote,
            inventory_quote=total - self._spread_quote + self._fees_quote,
        )

    def trades(self) -> Iterator[Fill]:
        """List every trade of ours."""
        symbol = self._engine.instrument.symbol
        return (as_fill(each, symbol) for each in self._engine.account.trades)

    def funding(self) -> Sequence[FundingPayment]:
        """List every funding payment of ours."""
        return self._held.funding_since(0)

    def judged_fills(self) -> tuple[BacktestFill, ...]:
        """List every trade of ours with its edge and its markouts; those after the last event are unknown."""
        self._judge(before_us=self._engine.now_us + 1)
        return tuple(self._fills)

    def two_sided_uptime(self) -> Decimal | None:
        """Return the share of time with a bid and an ask since the first order."""
        presence, now_us = self._engine.account.presence, self._engine.now_us
        quoting_us = presence.quoting_us(now_us)
        return Decimal(presence.two_sided_us(now_us)) / quoting_us if quoting_us else None

    def events(self) -> int:
        """Count what the market did."""
        return self._played.events

    def _total(self, mid: Decimal | None) -> Decimal:
        """Return the gain since the first moment with a middle."""
        if mid is None:
            return ZERO
        if self._opening_quote is None:
            self._opening_quote = self._held.opened_at(mid)
        return self._held.worth(mid) - self._opening_quote

    def _judge(self, *, before_us: int) -> None:
        """Judge the trades before a moment, and forget the middles that the others do not need."""
        trades = self._engine.account.trades
        while len(self._fills) < len(trades) and trades[len(self._fills)].time_us < before_us:
            self._fills.append(self._judged(trades[len(self._fills)]))
        self._mids.forget(before_us)

    def _judged(self, trade: AccountTrade) -> BacktestFill:
        mid = self._mids.at(trade.time_us)
        return BacktestFill(
            time_ms=trade.time_us // _US_A_MS,
            side=trade.side,
            price=trade.price,
            size_base=trade.size_base,
            fee_quote=trade.commission,
            is_maker=trade.is_maker,
            mid=mid,
            edge_bps=_bps(trade, mid),
            markouts_bps={after_s: self._markout(trade, after_s) for after_s in MARKOUTS_S},
        )

    def _markout(self, trade: AccountTrade, after_s: int) -> Decimal | None:
        later_us = trade.time_us + after_s * _US_A_S
        return None if later_us > self._engine.now_us else _bps(trade, self._mids.at(later_us))


def _edge(trade: AccountTrade, mid: Decimal) -> Decimal:
    """Return how far a trade's price was on our side of a middle."""
    return trade.side.sign * (mid - trade.price)


def _bps(trade: AccountTrade, mid: Decimal | None) -> Decimal | None:
    return None if mid is None else _edge(trade, mid) / trade.price / BPS
