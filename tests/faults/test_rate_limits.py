"""Too many requests: nothing is sent before the venue allows it, whoever works the tick; cancels come first (R10)."""

from collections.abc import Callable

import pytest
import requests

from marketmaker.domain.state import Mode
from marketmaker.ports import Severity
from tests.builders import absolute_band, market_settings
from tests.faults.world import ACCOUNT, BOOK, CANCEL, CREATE, OPEN_ORDERS, TRADES, World, Worlds, usual_settings

pytestmark = pytest.mark.row("R10")

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
RETRY_AFTER_S = 22
TICKS_WITHIN = 4
LATER_S = 0.5
WEIGHT_A_MINUTE = 6_000
HEAVY_LIMIT, HEAVY_WEIGHT = 5_000, 250


def all_requests(world: World) -> int:
    return sum(world.exchange()["requests"].values())


def spend(world: World, share: float) -> None:
    """Let others behind the same address use so much of this minute's limit."""
    for _ in range(round(share * WEIGHT_A_MINUTE / HEAVY_WEIGHT)):
        asked = {"symbol": "PAXGUSDT", "limit": str(HEAVY_LIMIT)}
        requests.get(f"{world.served.address}/api/v3/depth", params=asked, timeout=5).raise_for_status()


def next_minute(world: World) -> None:
    world.skip(60 - world.clock() // 1_000_000 % 60)


@pytest.mark.parametrize("is_cold", [False, True], ids=["one process", "a new process each tick"])
@pytest.mark.parametrize("route", [OPEN_ORDERS, ACCOUNT, BOOK, CREATE, CANCEL])
def test_nothing_is_sent_before_the_wait_is_over(world: World, route: str, is_cold: bool) -> None:
    work = world.cold_tick if is_cold else world.tick
    work()
    world.jump(2)
    world.arm(fault="too_many_requests", retry_after_s=RETRY_AFTER_S, route=route)
    work()
    sent = all_requests(world)
    for _ in range(TICKS_WITHIN):
        report = work()
        assert report.outcome == "rate_limited"
        assert "refuses more requests" in report.detail
    assert all_requests(world) == sent
    assert work().outcome == "done"
    assert world.places().most_common(1)[0][1] == 1
    world.tick(2)
    assert world.sides() == ONE_A_SIDE
    world.assert_books_agree()


def test_a_shorter_wait_does_not_end_a_longer_one(world: World) -> None:
    world.tick()
    world.arm(fault="too_many_requests", retry_after_s=RETRY_AFTER_S, route=ACCOUNT)
    world.arm(fault="too_many_requests", retry_after_s=1, route=OPEN_ORDERS)
    world.arm(fault="latency", delay_s=LATER_S, route=OPEN_ORDERS, count=1)
    world.tick()
    sent = all_requests(world)
    assert [world.cold_tick().outcome for _ in range(TICKS_WITHIN)] == ["rate_limited"] * TICKS_WITHIN
    assert all_requests(world) == sent


def test_a_wait_that_lasts_is_told_once_and_its_end_too(world: World) -> None:
    world.tick()
    world.arm(fault="too_many_requests", retry_after_s=60, route=OPEN_ORDERS)
    world.tick(14)
    assert [(each.kind, each.severity) for each in world.alerts.sent] == [
        ("venue_unreachable", Severity.CRITICAL),
        ("venue_unreachable", Severity.INFO),
    ]


def test_what_others_leave_of_the_limit_belongs_to_cancels(worlds: Worlds) -> None:
    world = worlds.new(usual_settings(market_settings(price_band=absolute_band("1800", "1901"))))
    world.tick()
    next_minute(world)
    spend(world, 0.84)
    world.jump(7)
    sent = world.requests(CREATE)
    for _ in range(2):
        world.tick()
    assert (world.own_orders(), world.requests(CREATE)) == ([], sent)


def test_no_order_is_sent_into_the_share_that_is_kept_for_cancels(world: World) -> None:
    world.tick()
    next_minute(world)
    spend(world, 0.84)
    world.jump(2)
    sent = world.requests(CREATE)
    for _ in range(3):
        world.tick()
    assert world.requests(CREATE) == sent
    assert world.exchange()["requests"][OPEN_ORDERS] < WEIGHT_A_MINUTE
    next_minute(world)
    world.tick(2)
    assert world.sides() == ONE_A_SIDE


def the_limit_is_nearly_used(world: World) -> None:
    next_minute(world)
    spend(world, 0.9)
    world.tick()


def the_venue_wants_a_pause(world: World) -> None:
    world.arm(fault="too_many_requests", retry_after_s=RETRY_AFTER_S, route=TRADES)
    world.arm(fault="too_many_requests", retry_after_s=RETRY_AFTER_S, route=ACCOUNT)
    world.tick()


@pytest.mark.parametrize("is_cold", [False, True], ids=["same process", "another process"])
@pytest.mark.parametrize("trouble", [the_limit_is_nearly_used, the_venue_wants_a_pause], ids=lambda each: each.__name__)
def test_a_halt_cancels_although_reads_must_wait(world: World, trouble: Callable[[World], None], is_cold: bool) -> None:
    world.tick()
    trouble(world)
    if is_cold:
        world.restart()
    report = world.halt()
    assert world.own_orders() == []
    assert report.verified_s is not None


@pytest.mark.parametrize("route", [OPEN_ORDERS, ACCOUNT, BOOK, CREATE, CANCEL])
def test_a_ban_halts_and_nothing_is_sent_into_it(world: World, route: str) -> None:
    world.tick()
    world.jump(2)
    world.arm(fault="too_many_requests", status=418, retry_after_s=600, route=route)
    world.tick()
    sent = all_requests(world)
    control = world.control()
    assert control.mode is Mode.HALTED
    assert "banned" in control.mode_reason
    assert [(each.kind, each.severity) for each in world.alerts.sent] == [("venue_banned", Severity.CRITICAL)]
    assert [world.cold_tick().outcome for _ in range(3)] == ["halted"] * 3
    assert all_requests(world) == sent
    assert len(world.alerts.sent) == 1


def test_a_ban_ends_with_an_operator_only(world: World) -> None:
    world.tick()
    world.arm(fault="too_many_requests", status=418, retry_after_s=30, route=OPEN_ORDERS)
    world.tick()
    world.skip(60)
    assert world.cold_tick().outcome == "halted"
    world.desk.store.resume(world.account, reason="a test", now_ms=world.clock() // 1000)
    assert world.tick().outcome == "done"
    assert world.sides() == ONE_A_SIDE
    assert world.alerts.kinds() == ["venue_banned", "venue_banned"]


def test_a_resumed_account_waits_for_the_end_of_its_ban(world: World) -> None:
    world.tick()
    world.arm(fault="too_many_requests", status=418, retry_after_s=30, route=OPEN_ORDERS)
    world.tick()
    sent = all_requests(world)
    world.desk.store.resume(world.account, reason="a test", now_ms=world.clock() // 1000)
    assert world.cold_tick().outcome == "rate_limited"
    assert world.cold_tick().outcome == "rate_limited"
    assert all_requests(world) == sent
