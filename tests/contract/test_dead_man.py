"""The venue's dead man's switch through the live code: functions die, and their orders with them (R3, R4)."""

from dataclasses import replace
from decimal import Decimal

import pytest
import requests

from marketmaker.adapters.ccxt_venue.binance import USDM
from marketmaker.domain.orders import NewOrder, Side
from marketmaker.domain.units import ClientOrderId
from marketmaker.errors import Refused, Unresolved
from marketmaker.ports import Deadline, HaltRequest
from marketmaker.usecases.halt import halt
from tests.contract.connected import ccxt_connected
from tests.contract.perpetual_venue import book
from tests.contract.test_perpetual_scenarios import MAIN, SOL, Guide, guide

D = Decimal
QUIET = (book(9_000),)
SWITCH_S = 20
"""max(2.5 × 5 s, 10 s + 2 × 5 s)."""


def open_ids(market: Guide) -> list[str]:
    return sorted(row["clientOrderId"] for row in market.local.state()["open_orders"])


def rest_by_hand(market: Guide) -> None:
    order = NewOrder(client_id=ClientOrderId("by-hand"), symbol=SOL, side=Side.BUY, price=D("90"), size_base=D("0.1"))
    market.desk.venue.place([order], Deadline(at_ms=market.desk.clock.now_ms() + 8_000, clock=market.desk.clock))


def arm(market: Guide, **fault: object) -> None:
    requests.post(f"{market.local.address}/local/faults", json=fault, timeout=5).raise_for_status()


def share_the_login(market: Guide) -> None:
    market.desk = replace(market.desk, settings=replace(market.desk.settings, dedicated=False))


def test_no_own_order_rests_within_the_bound_after_the_last_tick() -> None:  # R3
    with guide(*QUIET) as market:
        market.tick(3)
        assert len(open_ids(market)) == 4
        market.local.skip(SWITCH_S - 1)
        assert len(open_ids(market)) == 4
        market.local.skip(2)
        assert open_ids(market) == []


def test_ticks_that_come_keep_the_orders() -> None:
    with guide(*QUIET) as market:
        market.tick()
        placed = open_ids(market)
        market.tick(12)
        assert open_ids(market) == placed


def test_ticks_quote_again_after_the_switch_has_fired() -> None:
    with guide(*QUIET) as market:
        market.tick()
        market.local.skip(SWITCH_S + 1)
        market.tick(2)
        assert len(open_ids(market)) == 4
        market.assert_agrees()


def test_first_order_is_guarded_before_it_is_placed() -> None:  # R3: killed right after its create
    with guide(*QUIET) as market:
        market.tick()
        market.local.skip(SWITCH_S + 1)
        assert open_ids(market) == []


def test_switch_is_never_armed_on_a_login_that_is_shared() -> None:  # R4
    with guide(*QUIET) as market:
        share_the_login(market)
        rest_by_hand(market)
        market.tick(2)
        market.local.skip(10 * SWITCH_S)
        assert "by-hand" in open_ids(market)
        assert len(open_ids(market)) == 5


def test_orders_that_a_halt_cannot_cancel_end_by_the_switch() -> None:  # R5
    with guide(*QUIET) as market:
        market.tick()
        arm(market, fault="server_error", count=1_000, route="DELETE /fapi/v1/order")
        desk = market.desk
        deadline = Deadline(at_ms=desk.clock.now_ms() + 5_000, clock=desk.clock)
        report = halt(HaltRequest(account=MAIN, reason="drill", requested_by="operator"), desk, deadline)
        assert (report.verified_s, len(open_ids(market))) == (None, 4)
        market.local.skip(SWITCH_S)
        assert open_ids(market) == []


def test_venue_without_a_switch_says_so() -> None:
    with ccxt_connected([]) as at, pytest.raises(Refused, match="no dead man's switch"):
        at.venue.arm_switch([at.new(Side.BUY, "1").symbol], 20_000, at.deadline())


@pytest.mark.parametrize(
    "answer", [{}, {"symbol": "SOLUSDC", "countdownTime": "1"}, {"symbol": "X", "countdownTime": "20000"}, []]
)
def test_answer_that_repeats_something_else_is_no_armed_switch(answer: object) -> None:
    class Client:
        def fapiPrivatePostCountdownCancelAll(self, asked: object) -> object:  # noqa: N802 - ccxt's name
            assert asked == {"symbol": "SOLUSDC", "countdownTime": 20_000}
            return answer

    with pytest.raises(Unresolved, match="switch of SOL/USDC:USDC"):
        USDM.countdown(SOL, 20_000)(Client())
