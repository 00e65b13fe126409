"""The matching engine under a strategy that another simulator ran too: the same fills to the last digit.

hftbacktest 2.4.4 and an independent event loop agree on these numbers (golden.json, `simulator_referee`). Their rules
are an option here: whole fills, and nobody ahead off the touch. The strategy knows of a fill one response later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.units import BPS, ZERO, Asset, ClientOrderId, ceil_to_tick, floor_to_tick
from marketmaker.simulation.account import Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Quote
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.market_data import MarketFiles, read_market
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType
from marketmaker.simulation.queues import MatchingRules
from marketmaker.simulation.wallet import Wallet
from tests.builders import instrument
from tests.golden import golden

DATA = Path("../shared/data")
ROWS = golden("simulator_referee")["rows"]
TICK, INTERVAL_US, LATENCY_US, ORDERS = Decimal("0.01"), 5_000_000, 10_000, 10
BASE, QUOTE = Asset("BASE"), Asset("QUOTE")
HELD = Decimal(1_000)


@dataclass(slots=True, kw_only=True)
class Strategy:
    """Quotes at the middle ∓ a half-spread, decided every 5 s, kept while within half of that (golden.json)."""

    engine: Engine
    size: Decimal
    half_bp: Decimal
    live: dict[Side, AccountOrder] = field(default_factory=dict)
    submits: int = 0
    cancels: int = 0
    position: Decimal = ZERO
    known: int = 0

    def decide(self, now_us: int) -> None:
        """Cancel and quote anew what has moved; both arrive at the same instant, cancels first."""
        self._learn(now_us)
        bids, asks = self.engine.book.levels(Side.BUY), self.engine.book.levels(Side.SELL)
        mid = (bids[0].price + asks[0].price) / 2
        half = mid * self.half_bp * BPS
        wanted = {
            Side.BUY: min(floor_to_tick(mid - half, TICK), asks[0].price - TICK),
            Side.SELL: max(ceil_to_tick(mid + half, TICK), bids[0].price + TICK),
        }
        arrival_us = now_us + LATENCY_US
        new: list[Side] = []
        for side in Side:
            is_allowed = abs(self.position + side.sign * self.size) <= ORDERS * self.size
            order = self.live.get(side)
            if order is not None and is_allowed and abs(order.limit - wanted[side]) <= half / 2:
                continue
            if order is not None:
                self.cancels += 1
                self.engine.cancel(self.live.pop(side).order_id, arrival_us)
            if is_allowed:
                new.append(side)
        for side in new:
            self.submits += 1
            request = OrderRequest(
                client_id=ClientOrderId(str(self.submits)),
                side=side,
                type=OrderType.LIMIT_MAKER,
                size_base=self.size,
                price=wanted[side],
            )
            placed = self.engine.submit(request, arrival_us)
            if isinstance(placed, AccountOrder):
                self.live[side] = placed

    def _learn(self, now_us: int) -> None:
        """Take note of the fills whose answers have arrived."""
        trades = self.engine.account.trades
        while self.known < len(trades) and trades[self.known].time_us + LATENCY_US <= now_us:
            trade = trades[self.known]
            self.position += trade.side.sign * trade.size_base
            self.known += 1
        for side, order in tuple(self.live.items()):
            if not order.status.is_open and order.updated_us + LATENCY_US <= now_us:
                del self.live[side]


@pytest.mark.skipif(not DATA.is_dir(), reason="the recordings of ../shared/data are not here")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['data']} {row['half_bp']} bp")
def test_the_engine_gives_the_fills_of_another_simulator(row: dict[str, Any]) -> None:
    files = MarketFiles(quotes=DATA / f"{row['data']}_quotes.csv.gz", trades=DATA / f"{row['data']}_trades.csv.gz")
    market = read_market(files)
    last_mid = ZERO

    def watched() -> Iterator[Event]:
        nonlocal last_mid
        for event in market.events():
            if isinstance(event, Quote) and event.mid is not None:
                last_mid = event.mid
            yield event

    engine = Engine(
        account=Account(
            instrument=instrument(
                base=BASE, quote=QUOTE, lot_size="0.00000001", min_size_base="0.00000001", min_notional_quote="0"
            ),
            fees=FeeRates(maker=ZERO, taker=ZERO, asset=FeeAsset.QUOTE),
            wallet=Wallet({BASE: HELD, QUOTE: Decimal(10**9)}),
        ),
        feed=MarketFeed(watched(), tick_size=TICK),
        rules=MatchingRules(fills_whole=True, waits_beyond_book=False),
    )
    strategy = Strategy(engine=engine, size=row["size"], half_bp=row["half_bp"])
    now_us = market.described.first_us + INTERVAL_US
    engine.advance(now_us)
    while not engine.feed.is_ended:
        strategy.decide(now_us)
        now_us += INTERVAL_US
        engine.advance(now_us)
    trades = engine.account.trades
    positions = [ZERO]
    for trade in trades:
        positions.append(positions[-1] + trade.side.sign * trade.size_base)
    cash = sum((-trade.side.sign * trade.notional_quote for trade in trades), ZERO)
    found = {
        "fills": len(trades),
        "volume": sum((trade.size_base for trade in trades), ZERO),
        "pnl": cash + positions[-1] * last_mid,
        "end_position": positions[-1],
        "max_abs_position": max(map(abs, positions)),
        "submits": strategy.submits,
        "cancels": strategy.cancels,
    }
    assert found == {name: row[name] for name in found}
