"""A halt with a hundred resting orders: how long until all are cancelled, and until that is verified.

The use case with the real adapter and store, as the halt function runs it, against the exchange with every reply 50 ms
late. What it has to beat is counted in the round trips measured beside it: the cancels in as few rounds as there are
connections for, three more for reading, and for the verification the life of a request that was signed before.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

import ccxt
import requests
from rich.table import Table

from infra.local.exchange.binance.login import Login
from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.ccxt_venue.logins import VenueLogin
from marketmaker.bootstrap.desks import account_desk, halt
from marketmaker.domain.orders import OrderIdentity, Side
from marketmaker.ports import Deadline, HaltRequest
from tests.bench.exchange import Exchange
from tests.bench.figures import BenchFailedError, Timing
from tests.bench.tables import new_table, yes_or_no
from tests.contract.local_venue import binance

ORDERS = 100
LATENCY_S = 0.05
WORKERS: int = VenueLogin.__dataclass_fields__["workers"].default  # type: ignore[assignment]
ROUNDS = ceil(ORDERS / WORKERS) + 3
"""The most round trips that the cancels and the reads round them may take."""
_A_WINDOW = 50
"""Orders to place in ten seconds: half of what the venue allows."""
_SAMPLES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """What one halt took."""

    round_trip: Timing
    first_sweep_s: float
    verified_s: float
    cancelled: int
    request_ttl_s: float


def measure_halt(exchange: Exchange, login: Login, advance: Callable[[], None]) -> Halted:
    """Place the orders while replies are prompt, then halt while every reply is late; the account quotes again after.

    Raises:
        BenchFailedError: not every order was cancelled, or it was not verified.
    """
    desk = account_desk("risk")
    _answer_late(exchange, 0)
    _place(exchange, login, desk.settings.tag, advance)
    _answer_late(exchange, LATENCY_S)
    exchange.make_room(1_000)
    round_trips = [exchange.round_trip_ms() for _ in range(_SAMPLES)]
    request = HaltRequest(account=desk.settings.name, reason="the bench", requested_by="bench")
    report = halt(request, desk, Deadline(at_ms=desk.clock.now_ms() + 60_000, clock=desk.clock))
    desk.store.resume(desk.settings.name, reason="the bench is over", now_ms=desk.clock.now_ms())
    cast("CcxtVenue", desk.venue).close()
    if report.first_sweep_s is None or report.verified_s is None or report.orders_cancelled < ORDERS:
        raise BenchFailedError(f"the halt did not end: {report}")
    return Halted(
        round_trip=Timing.of(round_trips),
        first_sweep_s=report.first_sweep_s,
        verified_s=report.verified_s,
        cancelled=report.orders_cancelled,
        request_ttl_s=desk.settings.clocks.request_ttl_ms / 1000,
    )


def _place(exchange: Exchange, login: Login, tag: Any, advance: Callable[[], None]) -> None:
    """Rest orders of ours far below the market, each with the id of a slot of its own."""
    client: ccxt.binance = binance(exchange.endpoint, login)
    symbol, slot_ms = "PAXG/USDT", int(time.time()) * 1000
    for number in range(ORDERS):
        if number % _A_WINDOW == 0:
            exchange.await_fresh_order_window()
        identity = OrderIdentity(
            tag=tag, market_number=1, slot_ms=slot_ms - 1000 * (number // 7), side=Side.BUY, level=number % 7
        )
        client.create_order(symbol, "limit", "buy", "0.01", "1800", {"newClientOrderId": identity.encode()})
        advance()


def _answer_late(exchange: Exchange, delay_s: float) -> None:
    requests.delete(f"{exchange.endpoint}/local/faults", timeout=5).raise_for_status()
    if delay_s:
        exchange.delay_every_reply(delay_s)


def describe_halt(halted: Halted) -> dict[str, Any]:
    """Put what was measured into plain figures."""
    round_trip_s = halted.round_trip.p50 / 1000
    sweep, verified = halted.first_sweep_s / round_trip_s, (halted.verified_s - halted.request_ttl_s) / round_trip_s
    return {
        "orders": ORDERS,
        "workers": WORKERS,
        "latency_ms": LATENCY_S * 1000,
        "round_trip_ms": halted.round_trip.p50,
        "request_ttl_s": halted.request_ttl_s,
        "goal_round_trips": ROUNDS,
        "first_sweep_s": halted.first_sweep_s,
        "first_sweep_round_trips": sweep,
        "first_sweep_met": sweep <= ROUNDS,
        "verified_s": halted.verified_s,
        "verified_round_trips_beyond_ttl": verified,
        "verified_met": verified <= ROUNDS,
    }


def halt_table(figures: Mapping[str, Any]) -> Table:
    """Return the halt's table."""
    each = figures["halt"]
    title = (
        f"a halt of {each['orders']} resting orders over {each['workers']} connections, "
        f"every reply {each['latency_ms']:.0f} ms late"
    )
    table = new_table(title, "", "s", "round trips", "goal", "met")
    goal = f"≤ {each['goal_round_trips']}"
    table.add_row(
        "all cancelled",
        f"{each['first_sweep_s']:.2f}",
        f"{each['first_sweep_round_trips']:.1f}",
        goal,
        yes_or_no(each["first_sweep_met"]),
    )
    table.add_row(
        f"verified, beyond the {each['request_ttl_s']:.0f} s that a request lives",
        f"{each['verified_s']:.2f}",
        f"{each['verified_round_trips_beyond_ttl']:.1f}",
        goal,
        yes_or_no(each["verified_met"]),
    )
    return table
