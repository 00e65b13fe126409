"""A tick arms the venue's dead man's switch where it may, and quotes nothing without it (R3, R4)."""

from dataclasses import replace

import pytest

from marketmaker.domain.state import Mode
from marketmaker.errors import Refused, Retryable, Unresolved
from marketmaker.ports import Severity
from marketmaker.usecases.act import HeldBack
from tests.builders import SYMBOL, account_settings, clocks
from tests.fakes.desk import Bench, bench, only_market

GUARDED = replace(account_settings(dedicated=True), venue="binanceusdm")


def quoting(at: Bench) -> Bench:
    at.tick()
    return at


@pytest.mark.parametrize(
    ("dedicated", "venue", "switch_ms"),
    [
        (True, "binanceusdm", 30_000),
        (False, "binanceusdm", None),
        (True, "binance", None),
        (True, "backpack", None),
        (True, "binanceus", None),
    ],
)
def test_switch_is_for_dedicated_accounts_of_venues_that_have_one(
    dedicated: bool, venue: str, switch_ms: int | None
) -> None:
    assert replace(account_settings(dedicated=dedicated), venue=venue).switch_ms == switch_ms


@pytest.mark.parametrize(
    ("interval_ms", "function_timeout_ms", "switch_ms"), [(5_000, 8_000, 20_000), (60_000, 8_000, 150_000)]
)
def test_switch_outlasts_two_ticks_and_a_lease(interval_ms: int, function_timeout_ms: int, switch_ms: int) -> None:
    set_up = clocks(interval_ms=interval_ms, function_timeout_ms=function_timeout_ms, request_ttl_ms=2_000)
    assert set_up.switch_ms == switch_ms


def test_switch_is_armed_before_the_first_create() -> None:
    at = bench(GUARDED)
    at.tick()
    methods = at.venue.methods()
    assert methods.index("arm_switch") < methods.index("place")
    assert at.venue.switches == {SYMBOL: at.clock.now_ms() + 30_000}


def test_each_tick_with_resting_orders_arms_it_anew() -> None:
    at = quoting(bench(GUARDED))
    first = at.venue.switches[SYMBOL]
    at.tick()
    assert at.venue.switches[SYMBOL] == first + 5_000


def test_switch_is_not_armed_on_a_shared_login() -> None:
    at = quoting(bench(replace(GUARDED, dedicated=False)))
    assert at.venue.received("arm_switch") == []
    assert len(at.venue.live()) == 2


def test_switch_is_not_armed_where_nothing_rests_nor_is_placed() -> None:
    at = bench(GUARDED)
    at.store.strengthen(at.account, Mode.CANCEL_ONLY, reason="a test", now_ms=1)
    at.tick()
    assert at.venue.received("arm_switch") == []


@pytest.mark.parametrize("error", [Retryable("503"), Unresolved("no answer"), Refused("no such route")])
def test_no_quote_is_placed_while_the_switch_cannot_be_armed(error: Exception) -> None:
    at = bench(GUARDED)
    at.venue.faults.fail_always("arm_switch", error)
    market = only_market(at.tick())
    assert market.held_back is HeldBack.SWITCH_NOT_ARMED
    assert at.venue.live() == ()
    (told,) = at.alerts.sent
    assert (told.kind, told.severity) == ("switch_not_armed", Severity.CRITICAL)
    assert "could not be armed" in told.text
    assert len(told.text) <= 300
    at.venue.faults.heal("arm_switch")
    at.tick()
    assert len(at.venue.live()) == 2
    assert at.alerts.sent[-1].text == "main: switch_not_armed is over; quoting goes on by itself"


def test_cancels_go_on_while_the_switch_cannot_be_armed() -> None:
    at = quoting(bench(GUARDED))
    at.venue.faults.fail_always("arm_switch", Retryable("503"))
    at.venue.quote(SYMBOL, "1910.9", "1911.1")
    at.tick()
    assert at.venue.live() == ()


def test_cancel_that_failed_is_told_before_the_switch() -> None:
    at = quoting(bench(GUARDED))
    at.venue.faults.fail_always("arm_switch", Retryable("503"))
    at.venue.quote(SYMBOL, "1910.9", "1911.1")
    at.venue.fail_next_cancels(2)
    assert only_market(at.tick()).held_back is HeldBack.CANCEL_FAILED
