"""The live code beside another simulator (golden.json, `simulator_referee`): each difference named, and nothing else.

A tick is not that strategy. It looks at whole slots; it sees the book a response later and reads what became
of vanished orders before it decides; its creates leave after its cancels were answered, and not at all where a cancel
met a fill; a spot account cannot sell what it has not. `Tick` is that strategy with these differences and no other: its
every fill is the live code's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketmaker.bootstrap.backtests import BacktestOptions, BacktestResult, MarketFiles, Preset, backtest
from marketmaker.domain.orders import Side
from marketmaker.domain.units import BPS, ZERO, Asset, ClientOrderId, ceil_to_tick, floor_to_tick
from marketmaker.simulation.account import Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Level
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.market_data import read_market
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderRequest, OrderType
from marketmaker.simulation.queues import MatchingRules
from marketmaker.simulation.wallet import Wallet
from tests.builders import instrument
from tests.golden import golden

DATA = Path("../shared/data")
ROWS = golden("simulator_referee")["rows"]
MARKETS = {
    "gemini_ethusd_2021-07-01": ("infra/local/recordings/gemini_ethusd.toml", "binance:ETH/USD"),
    "hyperliquid_sol-usdc-perp_2025-09-04": ("infra/local/recordings/hyperliquid_sol.toml", "binance:SOL/USDC"),
}
MS, ONE_WAY_US, INTERVAL_US, TRADES_EVERY_US = 1_000, 10_000, 5_000_000, 60_000_000
BASE, QUOTE = Asset("BASE"), Asset("QUOTE")
TICK, ORDERS = Decimal("0.01"), 10

type Fill = tuple[int, Side, Decimal, Decimal]


def files(data: str) -> MarketFiles:
    return MarketFiles(quotes=DATA / f"{data}_quotes.csv.gz", trades=DATA / f"{data}_trades.csv.gz")


def live(row: dict[str, Any]) -> BacktestResult:
    """Run the preset with the live code."""
    size = row["size"]
    deployment, market = MARKETS[row["data"]]
    return backtest(
        BacktestOptions(
            deployment=deployment,
            market=market,
            files=files(row["data"]),
            preset=Preset.REFEREE,
            changes=(f"half_spread.bps={row['half_bp']}", f"order_size_base={size}", f"inventory.max_base={20 * size}"),
            opening_base=ORDERS * size,
            tick_size=TICK,
            lot_size=Decimal("1e-8"),
            whole_fills=True,
        )
    ).result


@dataclass(slots=True, kw_only=True)
class Tick:
    """The strategy of the other simulator, worked as a tick works."""

    engine: Engine
    size: Decimal
    half_bp: Decimal
    known: dict[Side, AccountOrder] = field(default_factory=dict)
    booked: int = 0
    position: Decimal = ZERO
    read_us: int = 0
    now_us: int = 0
    submits: int = 0
    placed: int = 0
    cancels: int = 0

    def work(self, slot_us: int) -> None:
        """Observe, settle, decide, cancel, create; each round of requests takes one way there and one way back."""
        self.now_us = slot_us
        self._round()
        touch = self._touch()
        vanished = [side for side, order in self.known.items() if not order.status.is_open]
        rested = {side: order for side, order in self.known.items() if order.status.is_open}
        for side in vanished:
            self._round()
            del self.known[side]
        if vanished or self.now_us - self.read_us >= TRADES_EVERY_US:
            self._round(reads_trades=True)
        if touch is None:
            self._cancel(dict(rested))
            return
        wanted, half = self._wanted(touch)
        going = {
            side: order
            for side, order in rested.items()
            if side not in wanted or abs(order.limit - wanted[side]) > half / 2
        }
        met_a_fill = self._cancel(going)
        new = [side for side in wanted if side not in rested or side in going]
        if new and not met_a_fill:
            refused = self._create(new, wanted)
            if refused:
                self._round()
                again = self._touch()
                if again is not None:
                    self._create(refused, self._wanted(again)[0])

    def _round(self, *, reads_trades: bool = False) -> None:
        self.now_us += ONE_WAY_US
        self.engine.advance(self.now_us)
        if reads_trades:
            for trade in self.engine.account.trades[self.booked :]:
                self.position += trade.side.sign * trade.size_base
            self.booked = len(self.engine.account.trades)
        self.now_us += ONE_WAY_US
        if reads_trades:
            self.read_us = self.now_us

    def _touch(self) -> tuple[Level, Level] | None:
        bids, asks = self.engine.book.levels(Side.BUY), self.engine.book.levels(Side.SELL)
        return (bids[0], asks[0]) if bids and asks and bids[0].price < asks[0].price else None

    def _wanted(self, touch: tuple[Level, Level]) -> tuple[dict[Side, Decimal], Decimal]:
        bid, ask = touch
        mid = (bid.price + ask.price) / 2
        half = mid * self.half_bp * BPS
        prices = {
            Side.BUY: min(floor_to_tick(mid - half, TICK), ask.price - TICK),
            Side.SELL: max(ceil_to_tick(mid + half, TICK), bid.price + TICK),
        }
        room = ORDERS * self.size
        return {
            side: price for side, price in prices.items() if abs(self.position + side.sign * self.size) <= room
        }, half

    def _cancel(self, going: dict[Side, AccountOrder]) -> bool:
        """Cancel in one round; tells whether one of them had been filled meanwhile."""
        if not going:
            return False
        self.now_us += ONE_WAY_US
        gone = False
        for side, order in going.items():
            if self.engine.cancel(order.order_id, self.now_us) is None:
                gone = True
            else:
                self.cancels += 1
                del self.known[side]
        self.now_us += ONE_WAY_US
        return gone

    def _create(self, sides: list[Side], prices: dict[Side, Decimal]) -> list[Side]:
        """Create in one round; returns the sides whose order would have taken."""
        self.now_us += ONE_WAY_US
        refused: list[Side] = []
        for side in sides:
            if side not in prices:
                continue
            self.submits += 1
            request = OrderRequest(
                client_id=ClientOrderId(str(self.submits)),
                side=side,
                type=OrderType.LIMIT_MAKER,
                size_base=self.size,
                price=prices[side],
            )
            placed = self.engine.submit(request, self.now_us)
            if isinstance(placed, AccountOrder):
                self.placed += 1
                self.known[side] = placed
            else:
                refused.append(side)
        self.now_us += ONE_WAY_US
        return refused


def ticked(row: dict[str, Any]) -> Tick:
    market = read_market(files(row["data"]))
    account = Account(
        instrument=instrument(
            base=BASE, quote=QUOTE, lot_size="0.00000001", min_size_base="0.00000001", min_notional_quote="0"
        ),
        fees=FeeRates(maker=ZERO, taker=ZERO, asset=FeeAsset.QUOTE),
        wallet=Wallet({BASE: ORDERS * row["size"], QUOTE: Decimal(10**9)}),
    )
    engine = Engine(
        account=account,
        feed=MarketFeed(market.events(), tick_size=TICK),
        rules=MatchingRules(fills_whole=True, waits_beyond_book=False),
    )
    tick = Tick(engine=engine, size=row["size"], half_bp=row["half_bp"])
    first, last = market.described.first_us // MS * MS + INTERVAL_US, market.described.last_us // MS * MS
    for slot_us in range(-(-first // INTERVAL_US) * INTERVAL_US, last, INTERVAL_US):
        tick.work(slot_us)
    engine.advance(last)
    return tick


def fills_of(trades: Iterable[AccountTrade]) -> Iterator[Fill]:
    for each in trades:
        yield each.time_us // MS, each.side, each.price, each.size_base


@pytest.mark.skipif(not DATA.is_dir(), reason="the recordings of ../shared/data are not here")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['data']} {row['half_bp']} bp")
def test_the_live_code_differs_from_another_simulator_by_what_a_tick_is_and_by_nothing_else(
    row: dict[str, Any],
) -> None:
    result, tick = live(row), ticked(row)
    found = [(each.time_ms, each.side, each.price, each.size_base) for each in result.fill_list]
    assert found == list(fills_of(tick.engine.account.trades))
    assert (result.orders_placed, result.orders_cancelled + result.protective_cancels) == (tick.placed, tick.cancels)
    assert abs(len(found) - row["fills"]) <= max(1, row["fills"] // 100), "what a tick is makes little of a difference"
