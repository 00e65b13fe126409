"""A local exchange as the bench sees it: its latency, price jumps and request counters, and one plain timed request."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from infra.local.aws import ROOT
from infra.local.exchange.binance_spot.market_data import LIMITS
from infra.local.processes import first_line, running
from marketmaker.adapters.ccxt_venue.rate_budget import Need
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.units import BPS

CREATE_ROUTE = "POST /api/v3/order"
CANCEL_ROUTES = ("DELETE /api/v3/order", "DELETE /api/v3/openOrders")
TRADES_ROUTE = "GET /api/v3/myTrades"
PING_WEIGHT = 1
_PING_ROUTE = "GET /api/v3/ping"
_START_TIMEOUT_S = 60.0


class Exchange:
    """One exchange process; the control routes are never delayed and never counted."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._session = requests.Session()
        self._session.trust_env = False
        self._market_id: str = self.state()["market_id"]

    def state(self) -> dict[str, Any]:
        """Read the exchange's own account of what happened."""
        state: dict[str, Any] = self._session.get(f"{self.endpoint}/local/state", timeout=5).json()
        return state

    def request_counts(self) -> Counter[str]:
        """Return how many requests each route has had; only the bench pings, and that does not count."""
        counts = Counter(self.state()["requests"])
        del counts[_PING_ROUTE]
        return counts

    def delay_every_reply(self, delay_s: float) -> None:
        """Let every reply of the API leave this much later."""
        self._control("faults", {"fault": "latency", "delay_s": delay_s})

    def jump(self, shift_bps: Decimal) -> None:
        """Move the market."""
        self._control("prices", {"shift_bps": str(shift_bps)})

    def round_trip_ms(self) -> float:
        """Time one plain GET on an open connection."""
        started = time.perf_counter()
        self._get("depth", {"symbol": self._market_id, "limit": "20"})
        return (time.perf_counter() - started) * 1000

    def used_weight(self) -> int:
        """Return the request weight used in this minute; asking adds `PING_WEIGHT` to it."""
        return int(self._get("ping", {}).headers["X-MBX-USED-WEIGHT-1M"])

    def make_room(self, weight: int) -> None:
        """Wait for the next minute if this one's request weight, less what cancels keep, has not so much left."""
        if self.used_weight() + weight > Need.QUOTE.value * LIMITS.weight_per_minute:
            time.sleep(60.1 - time.time() % 60)

    def await_fresh_order_window(self) -> None:
        """Wait until the venue counts orders from nought again."""
        time.sleep(10.1 - time.time() % 10)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _get(self, path: str, params: dict[str, str]) -> requests.Response:
        answer = self._session.get(f"{self.endpoint}/api/v3/{path}", params=params, timeout=5)
        answer.raise_for_status()
        return answer

    def _control(self, route: str, body: dict[str, Any]) -> None:
        self._session.post(f"{self.endpoint}/local/{route}", json=body, timeout=5).raise_for_status()


@contextmanager
def exchange_process(market: MarketSettings, seed: int, log: Path) -> Iterator[str]:
    """Run one more exchange with the demo's market; the same seed makes the same market. Yields its endpoint."""
    command = [sys.executable, "-m", "infra.local.exchange", "--port", "0", "--seed", str(seed)]
    command += ["--symbol", market.symbol]
    command += ["--maker-fee", str(market.fees.maker_bps * BPS), "--taker-fee", str(market.fees.taker_bps * BPS)]
    with running(command, log=log, environment={}, stdout=-1, cwd=ROOT) as process:
        yield first_line(process, "listening on ", timeout_s=_START_TIMEOUT_S, log=log)
