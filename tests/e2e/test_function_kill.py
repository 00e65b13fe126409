"""A function is killed in the middle of a tick: the next that can claim repairs, nothing doubled, nothing left (R3).

The functions are the deployed ones and ticks come through the queue. The process is killed while the exchange holds an
answer back, so that it is certain how far the tick had come.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests

from infra.local.reconcile import reconcile
from tests.e2e.stack import Stack, local_stack
from tests.e2e.stage import until

CREATE, CANCEL, TRADES = "POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/myTrades"
HELD_S = 3.0
"""How long an answer is held back: longer than anybody waits for it."""
IN_TIME_S, TOO_LATE_S = 1.0, 2.5
"""When a create arrives whose connection was cut: before and after its own expiry."""
MOVED_BPS = 2
"""Far enough to replace both orders, not far enough to fill one."""
BELOW_THE_BID_BPS = -40
COMES_BACK_AFTER_S = "2"
"""Instead of six function timeouts."""
ONE_A_SIDE = Counter(BUY=1, SELL=1)

type Exchange = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A tick that was killed: the exchange before it and after its end, and when its lease ends."""

    slot_ms: int
    before: Exchange
    after: Exchange
    lease_ends_ms: int


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory, tmp_path_factory.mktemp("kill")) as stack:
        yield stack


@pytest.fixture
def stack(deployed: Stack) -> Stack:
    """Quote with one order a side and nothing left to do."""
    requests.delete(f"{deployed.endpoint}/local/faults", timeout=5).raise_for_status()
    until(lambda: kept(deployed.next_tick()) == 2)
    assert sides(deployed) == ONE_A_SIDE
    return deployed


def kill_once(stack: Stack, holds: Callable[[Exchange, Exchange], bool]) -> Killed:
    """Send a tick and kill the function as soon as something holds between the exchange before it and now."""
    before = stack.exchange()
    slot_ms = stack.send_tick()
    until(lambda: holds(before, stack.exchange()))
    assert stack.kill("replace_quotes") >= 1
    assert slot_ms not in stack.ticks(), "the tick had ended"
    return Killed(slot_ms=slot_ms, before=before, after=stack.exchange(), lease_ends_ms=lease_ends_ms(stack))


def lease_ends_ms(stack: Stack) -> int:
    control = boto3.client("dynamodb").get_item(
        TableName=stack.deployment.state_table,
        Key={"account": {"S": stack.account.name}, "item": {"S": "control"}},
        ConsistentRead=True,
    )
    return int(control["Item"]["lease_expires_ms"]["N"])


def next_claimed(stack: Stack, killed: Killed) -> dict[str, Any]:
    """Send ticks until one can claim; only the lease of the killed tick may refuse them, and not beyond its end."""

    def claim() -> dict[str, Any]:
        tick = stack.next_tick()
        if tick["outcome"] != "lease_taken":
            return tick
        assert tick["slot_ms"] + tick["lag_ms"] < killed.lease_ends_ms
        return {}

    tick = until(claim)
    assert tick["outcome"] == "done", tick
    return tick


def assert_repaired(stack: Stack) -> None:
    """One order a side, the plan's; the ledger is the exchange's to the last digit; and quoting goes on."""
    assert sides(stack) == ONE_A_SIDE
    assert reconcile(stack.deployment, stack.account.name, stack.symbol, stack.exchange()).differences == ()
    assert kept(stack.next_tick()) == 2
    assert sides(stack) == ONE_A_SIDE


def kept(tick: Mapping[str, Any]) -> int:
    """Count the orders that a tick left as they are."""
    return int(tick["kept"] if "kept" in tick else sum(market.get("orders_kept", 0) for market in tick["markets"]))


def sides(stack: Stack) -> Counter[str]:
    own, others = stack.orders()
    assert others == []
    return Counter(order["side"] for order in own)


def sent(route: str, before: Exchange, now: Exchange) -> int:
    return int(now["requests"].get(route, 0) - before["requests"].get(route, 0))


def accepted(before: Exchange, now: Exchange) -> int:
    return int(now["orders"]["accepted"] - before["orders"]["accepted"])


def booked(stack: Stack) -> int:
    return reconcile(stack.deployment, stack.account.name, stack.symbol, stack.exchange()).fills


def hold(stack: Stack, route: str, count: int = 2) -> None:
    stack.arm(fault="latency", delay_s=HELD_S, route=route, count=count)


def test_creates_that_the_venue_accepted_are_adopted_not_doubled(stack: Stack) -> None:
    stack.jump(MOVED_BPS)
    hold(stack, CREATE)
    killed = kill_once(stack, lambda before, now: accepted(before, now) == 2)
    assert sides(stack) == ONE_A_SIDE
    next_claimed(stack, killed)
    assert accepted(killed.before, stack.exchange()) == 2
    assert_repaired(stack)


def test_creates_that_arrive_after_the_kill_are_adopted_not_doubled(stack: Stack) -> None:
    stack.jump(MOVED_BPS)
    hold(stack, CREATE)
    stack.arm(fault="delayed_acceptance", delay_s=IN_TIME_S, count=2)
    killed = kill_once(stack, lambda before, now: sent(CREATE, before, now) == 2)
    next_claimed(stack, killed)
    after = stack.exchange()
    assert (sent(CREATE, killed.before, after), accepted(killed.before, after)) == (2, 2)
    assert_repaired(stack)


def test_creates_that_die_on_their_way_are_placed_anew(stack: Stack) -> None:
    stack.jump(MOVED_BPS)
    hold(stack, CREATE)
    stack.arm(fault="delayed_acceptance", delay_s=TOO_LATE_S, count=2)
    killed = kill_once(stack, lambda before, now: sent(CREATE, before, now) == 2)
    next_claimed(stack, killed)
    after = stack.exchange()
    assert after["orders"]["rejected"]["-1021"] == 2
    assert (sent(CREATE, killed.before, after), accepted(killed.before, after)) == (4, 2)
    assert_repaired(stack)


def test_cancels_on_the_wire_leave_nothing_behind(stack: Stack) -> None:
    stack.jump(MOVED_BPS)
    hold(stack, CANCEL)
    killed = kill_once(stack, lambda _, now: not now["open_orders"])
    assert sent(CREATE, killed.before, killed.after) == 0
    next_claimed(stack, killed)
    assert accepted(killed.before, stack.exchange()) == 2
    assert_repaired(stack)


def test_an_order_that_filled_before_anybody_knew_of_it_is_booked_once(stack: Stack) -> None:
    known = booked(stack)
    stack.jump(MOVED_BPS)
    hold(stack, CREATE)
    killed = kill_once(stack, lambda before, now: accepted(before, now) == 2)
    stack.jump(BELOW_THE_BID_BPS)
    assert booked(stack) == known
    next_claimed(stack, killed)
    assert booked(stack) == len(stack.exchange()["trades"]) > known
    assert_repaired(stack)


def test_a_fill_that_was_read_and_not_booked_is_booked_once(stack: Stack) -> None:
    known = booked(stack)
    stack.jump(BELOW_THE_BID_BPS)
    hold(stack, TRADES, count=1)
    killed = kill_once(stack, lambda before, now: sent(TRADES, before, now) == 1)
    assert booked(stack) == known
    next_claimed(stack, killed)
    assert booked(stack) == len(stack.exchange()["trades"]) > known
    assert_repaired(stack)


def test_a_fill_that_was_booked_by_a_tick_that_did_not_end_is_not_booked_again(stack: Stack) -> None:
    known = booked(stack)
    stack.jump(BELOW_THE_BID_BPS)
    hold(stack, CREATE)
    killed = kill_once(stack, lambda before, now: accepted(before, now) == 2)
    by_the_killed = booked(stack)
    assert by_the_killed > known
    next_claimed(stack, killed)
    assert booked(stack) == by_the_killed
    assert_repaired(stack)


def test_a_killed_tick_that_the_queue_delivers_again_changes_nothing(stack: Stack) -> None:
    queue = stack.deployed.aws.client("sqs")
    queue.set_queue_attributes(QueueUrl=stack.tick_queue, Attributes={"VisibilityTimeout": COMES_BACK_AFTER_S})
    stack.jump(MOVED_BPS)
    hold(stack, CREATE)
    killed = kill_once(stack, lambda before, now: accepted(before, now) == 2)
    assert stack.tick_of(killed.slot_ms)["outcome"] in {"lease_taken", "slot_done", "stale"}
    assert sent(CREATE, killed.before, stack.exchange()) == 2
    next_claimed(stack, killed)
    assert_repaired(stack)
