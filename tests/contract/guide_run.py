"""`mm run` put together as the command does it, at a local exchange of SOL at 100 whose clock only the test moves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import requests

from infra.local.exchange.binance_usdm.listing import UsdmListing
from infra.local.exchange.binance_usdm.speech import BINANCE_USDM
from marketmaker.bootstrap import runs
from marketmaker.bootstrap.runs import FileOptions, GuideOptions, MarketType, Prepared, open_run, prepare_run
from marketmaker.domain.orders import Side
from marketmaker.ports import Alert
from marketmaker.simulation.events import Event
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.run import StopSwitch, run
from marketmaker.usecases.run_report import RunResult, RunView
from tests.contract.local_venue import running
from tests.contract.perpetual_venue import book, perpetual_venue

D = Decimal
KEY = ("test-key", "test-secret")
INTERVAL_S = 5
GUIDE = GuideOptions(
    exchange="binanceusdm",
    market_type=MarketType.PERP,
    symbol="SOL_USDC_PERP",
    spread=0.01,
    quantity=0.1,
    max_orders=2,
    target_position=0,
    max_position=5,
    position_threshold=2,
    inventory_skew=0,
)


class SetClock:
    """A clock that starts on a whole minute and that only sleeping moves: wall clock of the exchange, and ours."""

    def __init__(self) -> None:
        self.us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.us

    def now_ms(self) -> int:
        """Return ms."""
        return self.us // 1000

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.us += int(seconds * 1_000_000)


@dataclass(slots=True, kw_only=True)
class GuideRun:
    """A run that is put together, and the exchange it sees."""

    prepared: Prepared
    desk: Desk
    clock: SetClock
    address: str
    alerts: list[Alert] = field(default_factory=list)

    def work(
        self, seconds: int, after: Callable[[RunView], object] = lambda _: None
    ) -> tuple[RunResult, list[RunView]]:
        """Run for so long; `after` happens after each tick."""
        seen: list[RunView] = []

        def show(view: RunView) -> None:
            seen.append(view)
            after(view)

        return run(self.desk, seconds * 1000, StopSwitch(), show), seen

    def state(self) -> dict[str, Any]:
        """Return the exchange's own books."""
        answer = requests.get(f"{self.address}/local/state", timeout=5)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def prices(view: RunView, side: Side) -> list[Decimal]:
    """Return our resting prices, nearest first."""
    return sorted((each.price for each in view.quotes if each.side is side), reverse=side is Side.BUY)


@contextmanager
def guide_run(
    patch: pytest.MonkeyPatch, options: GuideOptions | FileOptions, *events: Event, on_paper: bool
) -> Iterator[GuideRun]:
    """Open a run of these options, on paper by the exchange's public data or with its key."""
    with exchange_of(events) as (address, clock):
        patch.setattr(runs, "SystemClock", lambda: clock)
        patch.setenv("MM_VENUE_ENDPOINT", address if on_paper else "")
        patch.setenv("MM_API_KEY", "" if on_paper else KEY[0])
        patch.setenv("MM_API_SECRET", "" if on_paper else KEY[1])
        endpoint = None if on_paper else address
        prepared = prepare_run(options, interval_s=INTERVAL_S, endpoint=endpoint, is_live=False)
        alerts: list[Alert] = []
        with open_run(prepared, alerts.append) as desk:
            yield GuideRun(prepared=prepared, desk=desk, clock=clock, address=address, alerts=alerts)


@contextmanager
def exchange_of(events: Sequence[Event]) -> Iterator[tuple[str, SetClock]]:
    """Serve SOL at 100 from second 0 on, with a clock that stands."""
    clock = SetClock()
    venue = perpetual_venue(BINANCE_USDM, UsdmListing, KEY, [book(0), *events], clock)
    with running(venue) as address:
        yield address, clock
