"""The second look leaves what is being left while nobody works the ticks (R22)."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.exits import ExitStyle
from marketmaker.domain.state import Mode
from marketmaker.errors import Retryable
from marketmaker.usecases.records import read_decisions
from marketmaker.usecases.replay import replay
from tests.builders import SYMBOL
from tests.fakes.desk import Bench
from tests.unit.usecases.test_exits import CRASHED, HALF, leaving, sold

D = Decimal


def fall(at: Bench, after_ms: int = 61_000) -> None:
    """Let the price fall below the stop after the last tick that will ever be."""
    at.clock.advance(after_ms)
    at.venue.quote(SYMBOL, *CRASHED)


def replayed(at: Bench) -> list[bool]:
    lines = [json.loads(_to_json(dict(fields))) for message, fields in at.telemetry.lines if message == "tick"]
    decisions = [each for line in lines for each in read_decisions(line)]
    return [not replay(each, at.desk.settings).differences for each in decisions]


def test_a_stop_loss_fires_although_ticks_have_stopped() -> None:
    at = leaving()
    fall(at)
    report = at.check()
    assert report.exit_attempts == 2
    assert sold(at) == D("2.5")
    assert at.state().exits.current is None
    assert at.venue.live() == ()


def test_an_exit_that_nobody_finishes_escalates_in_one_check_while_there_is_time() -> None:
    at = leaving()
    at.venue.taken_at_most = D("0.1")
    fall(at)
    deadline_ms = at.clock.now_ms() + 60_000
    report = at.check()
    current = at.state().exits.current
    assert current is not None
    assert current.style is ExitStyle.MARKET
    assert report.exit_attempts >= 3
    assert at.clock.now_ms() <= deadline_ms
    assert at.check().exit_attempts >= 1
    assert sold(at) <= D("2.5")


def test_ticks_that_come_again_go_on_with_it_and_nothing_is_sold_twice() -> None:
    at = leaving()
    at.venue.taken_at_most = D(1)
    fall(at)
    at.check()
    at.slot_ms = at.clock.now_ms()
    at.tick(4)
    assert (sold(at), at.state().inventory.base) == (D("2.5"), D("2.5"))


def test_while_ticks_come_the_check_leaves_it_to_them() -> None:
    at = leaving()
    fall(at, after_ms=59_000)
    assert at.check().exit_attempts == 0
    assert sold(at) == 0


def test_ticks_still_count_as_stopped_after_it() -> None:  # R3
    at = leaving()
    fall(at)
    at.check()
    assert at.control.last_slot_ms <= at.slot_ms + 10
    assert at.control.lease is None


@pytest.mark.parametrize("why", ["not armed", "no rules", "never ticked", "halted", "nothing held"])
def test_nothing_is_left_where_nobody_may_or_need(why: str) -> None:
    at = leaving() if why != "no rules" else leaving(None)
    if why == "not armed":
        at.desk = replace(at.desk, settings=replace(at.desk.settings, is_armed=False))
    if why == "halted":
        at.store.strengthen(at.account, Mode.HALTED, reason="a test", now_ms=at.clock.now_ms())
    if why == "nothing held":
        empty = replace(at.state(), inventory=replace(at.state().inventory, base=D(0), cost_basis_quote=D(0)))
        at.store.save_market(at.account, empty)
    if why == "never ticked":
        at.store._change(at.account, last_slot_ms=0)
    fall(at)
    assert at.check().exit_attempts == 0
    assert sold(at) == 0


def test_a_limit_that_orders_an_exit_needs_no_rules() -> None:
    at = leaving(None)
    bounded = replace(at.desk.settings.markets[0], max_notional_quote=D(7_200))
    risk = RiskSettings(notional=BreachResponse.REDUCE)
    at.desk = replace(at.desk, settings=replace(at.desk.settings, markets=(bounded,), risk=risk))
    fall(at)
    assert at.check().exit_attempts >= 1
    assert (sold(at), at.state().inventory.base) == (D(1), D(4))


def test_an_exit_under_way_is_finished_although_its_rule_is_gone() -> None:
    at = leaving()
    at.venue.taken_at_most = D("0.5")
    at.venue.quote(SYMBOL, *CRASHED)
    at.tick()
    at.venue.taken_at_most = D(100)
    changed = replace(at.desk.settings.markets[0], exits=replace(at.desk.settings.markets[0].exits, stop_loss=None))
    at.desk = replace(at.desk, settings=replace(at.desk.settings, markets=(changed,)))
    fall(at)
    assert at.check().exit_attempts >= 1
    assert sold(at) == D("2.5")


def test_a_tick_that_has_come_meanwhile_has_the_account() -> None:
    at = leaving()
    fall(at)
    at.store.faults.before("claim", lambda: at.store._change(at.account, last_slot_ms=at.clock.now_ms()))
    assert at.check().exit_attempts == 0
    assert sold(at) == 0


def test_a_store_that_fails_is_told_and_tried_again_by_the_next_check() -> None:
    at = leaving()
    fall(at)
    at.store.faults.fail_once("claim", Retryable("timeout"))
    assert at.check().exit_attempts == 0
    assert [fields["reason"] for message, fields in at.telemetry.lines if message == "leaving_failed"] == ["timeout"]
    assert at.check().exit_attempts == 2


def test_what_it_decided_is_recorded_and_replays() -> None:
    at = leaving(HALF)
    before = len(replayed(at))
    fall(at)
    at.check()
    assert replayed(at)[before:] == [True, True]
