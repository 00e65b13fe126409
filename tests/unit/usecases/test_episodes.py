"""One message when a condition starts, one when it ends, reminders between, and none that is lost (R27)."""

from dataclasses import replace

import pytest

from marketmaker.domain.state import Episode
from marketmaker.errors import Fatal, Refused, Retryable
from marketmaker.ports import Alert, Severity
from marketmaker.usecases.episodes import UNTOLD_MS, Condition, follow_episodes, tell_once
from marketmaker.usecases.risk_report import RiskOutcome
from tests.builders import SYMBOL
from tests.fakes.desk import Bench, bench

STARTED = Condition(kind="price_band", symbol=SYMBOL, text="2001 is outside")
OVER = Condition(kind="price_band", symbol=SYMBOL, text=None)
OF_THE_ACCOUNT = Condition(kind="venue_unreachable", symbol=None, text="503")
START_TEXT = "main PAXG/USDT: 2001 is outside"
END_TEXT = "main PAXG/USDT: price_band is over; quoting goes on by itself"
HALF_HOUR_MS = 1_800_000
ERRORS = [Retryable("throttled"), Refused("too long"), Fatal("no such topic")]


class Killed(BaseException):
    """The function is gone: nothing after this runs."""


def known(at: Bench) -> dict[str, Episode]:
    return dict(at.store.read_account(at.account).episodes)


def follow(at: Bench, *conditions: Condition) -> None:
    follow_episodes(at.desk, conditions, known(at))


def texts(at: Bench) -> list[str]:
    return [each.text for each in at.alerts.sent]


def test_episode_alerts_when_it_starts_and_when_it_ends() -> None:
    at = bench()
    for condition in (OVER, STARTED, STARTED, OVER, OVER):
        follow(at, condition)
    assert [(each.severity, each.text) for each in at.alerts.sent] == [
        (Severity.CRITICAL, START_TEXT),
        (Severity.INFO, END_TEXT),
    ]
    assert [each.symbol for each in at.alerts.sent] == [SYMBOL, SYMBOL]
    assert [each.resolves for each in at.alerts.sent] == [None, Severity.CRITICAL]
    assert known(at) == {}


def test_condition_that_comes_back_is_told_anew() -> None:
    at = bench()
    for condition in (STARTED, OVER, STARTED):
        follow(at, condition)
    assert texts(at) == [START_TEXT, END_TEXT, START_TEXT]


def test_end_of_a_condition_may_mean_something_else() -> None:
    at = bench()
    follow(at, STARTED)
    follow(at, replace(OVER, outlook="the limit holds again"))
    assert at.alerts.sent[-1].text == "main PAXG/USDT: price_band is over; the limit holds again"


def test_condition_of_an_account_names_no_market() -> None:
    at = bench()
    follow(at, OF_THE_ACCOUNT)
    assert [(each.text, each.symbol) for each in at.alerts.sent] == [("main: 503", None)]
    assert known(at).keys() == {"venue_unreachable"}


def test_episodes_that_are_not_given_are_read() -> None:
    at = bench()
    for _ in range(2):
        follow_episodes(at.desk, [STARTED], None)
    follow_episodes(at.desk, [OVER], None)
    assert texts(at) == [START_TEXT, END_TEXT]


# --- what could not be sent ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS)
def test_start_that_could_not_be_sent_is_recorded_and_sent_some_seconds_later(error: Exception) -> None:
    at = bench()
    at.alerts.failures = [error]
    follow(at, STARTED)
    event, fields = at.telemetry.lines[-1]
    assert (event, fields["kind"], fields["reason"]) == ("alert_failed", "price_band", str(error))
    at.clock.advance(UNTOLD_MS - 1)
    follow(at, STARTED)
    assert texts(at) == []
    at.clock.advance(1)
    follow(at, STARTED)
    follow(at, STARTED)
    assert texts(at) == [START_TEXT]


def test_each_failure_to_send_is_tried_again_until_one_works() -> None:
    at = bench()
    at.alerts.failures = list(ERRORS)
    for _ in range(5):
        follow(at, STARTED)
        at.clock.advance(UNTOLD_MS)
    assert texts(at) == [START_TEXT]


@pytest.mark.parametrize("error", ERRORS)
def test_end_that_could_not_be_sent_is_sent_some_seconds_later(error: Exception) -> None:
    at = bench()
    follow(at, STARTED)
    at.alerts.failures = [error]
    follow(at, OVER)
    assert texts(at) == [START_TEXT]
    at.clock.advance(UNTOLD_MS)
    follow(at, OVER)
    follow(at, OVER)
    assert texts(at) == [START_TEXT, END_TEXT]
    assert known(at) == {}


def test_start_of_a_killed_function_is_sent_by_whoever_sees_it_next() -> None:
    at = bench()
    at.alerts.failures = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        follow(at, STARTED)
    at.clock.advance(UNTOLD_MS)
    follow(at)
    assert texts(at) == [START_TEXT]


def test_function_killed_before_it_noted_what_it_sent_repeats_it_at_worst() -> None:
    at = bench()
    at.store.faults.fail_once("change_episode", Retryable("killed here"))
    with pytest.raises(Retryable):
        follow(at, STARTED)
    for _ in range(3):
        at.clock.advance(UNTOLD_MS)
        follow(at, STARTED)
    assert texts(at) == [START_TEXT, START_TEXT]


def test_end_of_a_killed_function_is_sent_by_whoever_sees_it_next() -> None:
    at = bench()
    follow(at, STARTED)
    at.alerts.failures = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        follow(at, OVER)
    at.clock.advance(UNTOLD_MS)
    follow(at)
    assert texts(at) == [START_TEXT, END_TEXT]


def test_condition_that_ends_before_its_start_was_sent_is_told_with_both() -> None:
    at = bench()
    at.alerts.failures = [Retryable("throttled")]
    follow(at, STARTED)
    follow(at, OVER)
    assert texts(at) == []
    at.clock.advance(UNTOLD_MS)
    for _ in range(2):
        follow(at, OVER)
    assert texts(at) == [START_TEXT, END_TEXT]


def test_untold_condition_that_ended_long_ago_is_told_with_both_at_once() -> None:
    at = bench()
    at.alerts.failures = [Retryable("throttled"), Retryable("throttled")]
    follow(at, STARTED)
    at.clock.advance(UNTOLD_MS)
    seen = known(at)
    follow_episodes(at.desk, [OVER], seen)
    at.clock.advance(UNTOLD_MS)
    follow_episodes(at.desk, [OVER], None)
    assert texts(at) == [START_TEXT]
    follow(at, OVER)
    assert texts(at) == [START_TEXT, END_TEXT]


def test_start_that_fails_again_keeps_the_end_waiting() -> None:
    at = bench()
    follow(at, STARTED)
    episode = known(at)["price_band#PAXG/USDT"]
    ended = replace(episode, told_ms=None, ended="it is over", tried_ms=at.clock.now_ms())
    at.store.change_episode(at.account, "price_band#PAXG/USDT", ended)
    at.clock.advance(UNTOLD_MS)
    at.alerts.failures = [Retryable("throttled")]
    follow(at)
    assert texts(at) == [START_TEXT]
    at.clock.advance(UNTOLD_MS)
    follow(at)
    assert texts(at)[1:] == [START_TEXT, "main PAXG/USDT: it is over"]


# --- two functions at once -------------------------------------------------------------------------------------------


def test_episode_that_another_opened_first_is_not_alerted_twice() -> None:
    at = bench()
    seen = known(at)
    follow(at, STARTED)
    follow_episodes(at.desk, [replace(STARTED, text="again")], seen)
    assert len(at.alerts.sent) == 1


def test_episode_that_another_ended_first_is_not_told_twice() -> None:
    at = bench()
    follow(at, STARTED)
    seen = known(at)
    follow(at, OVER)
    follow_episodes(at.desk, [OVER], seen)
    assert texts(at) == [START_TEXT, END_TEXT]


def test_of_two_that_see_an_untold_alert_one_sends_it() -> None:
    at = bench()
    at.alerts.failures = [Retryable("throttled")]
    follow(at, STARTED)
    at.clock.advance(UNTOLD_MS)
    seen = known(at)
    for _ in range(2):
        follow_episodes(at.desk, [STARTED], seen)
    assert texts(at) == [START_TEXT]


# --- reminders -------------------------------------------------------------------------------------------------------


def test_what_lasts_is_told_again_every_half_hour_and_no_sooner() -> None:
    at = bench()
    follow(at, STARTED)
    at.clock.advance(HALF_HOUR_MS - 1)
    follow(at, STARTED)
    assert len(at.alerts.sent) == 1
    at.clock.advance(1)
    follow(at, STARTED)
    follow(at, STARTED)
    reminder = at.alerts.sent[-1]
    assert len(at.alerts.sent) == 2
    assert reminder.severity is Severity.CRITICAL
    assert reminder.text == "main PAXG/USDT: still, since 14 Nov 22:13 UTC: 2001 is outside"
    at.clock.advance(HALF_HOUR_MS)
    follow(at, STARTED)
    assert len(at.alerts.sent) == 3


def test_reminders_come_as_often_as_the_file_says() -> None:
    at = bench()
    desk = replace(at.desk, settings=replace(at.desk.settings, remind_every_ms=300_000))
    for _ in range(3):
        follow_episodes(desk, [STARTED], None)
        at.clock.advance(300_000)
    assert len(at.alerts.sent) == 3


def test_of_two_that_would_remind_one_does() -> None:
    at = bench()
    follow(at, STARTED)
    at.clock.advance(HALF_HOUR_MS)
    seen = known(at)
    for _ in range(2):
        follow_episodes(at.desk, [STARTED], seen)
    assert len(at.alerts.sent) == 2


def test_nobody_is_reminded_of_what_is_not_critical() -> None:
    at = bench()
    follow(at, replace(STARTED, severity=Severity.INFO))
    at.clock.advance(HALF_HOUR_MS)
    follow(at, STARTED)
    assert [each.severity for each in at.alerts.sent] == [Severity.INFO]


def test_episode_of_an_earlier_release_is_reminded_of_and_ended_but_not_told_anew() -> None:
    at = bench()
    opened_ms = at.clock.now_ms()
    at.store.open_episode(at.account, STARTED.key, text="2001 is outside", now_ms=opened_ms)
    at.store.change_episode(
        at.account, STARTED.key, Episode(text="2001 is outside", since_ms=opened_ms, told_ms=opened_ms)
    )
    at.clock.advance(UNTOLD_MS)
    follow(at, STARTED)
    follow(at, OVER)
    assert texts(at) == [END_TEXT]


# --- told once -------------------------------------------------------------------------------------------------------

HALTED = Alert(account=bench().account, kind="halt", severity=Severity.CRITICAL, text="main halted by operator")


def test_alert_is_told_once_under_its_key() -> None:
    at = bench()
    for _ in range(2):
        tell_once(at.desk, "halt#1", HALTED)
    assert at.alerts.sent == [HALTED]


def test_alert_that_was_not_sent_is_sent_under_the_same_key() -> None:
    at = bench()
    at.alerts.failures = [Retryable("throttled")]
    for _ in range(3):
        tell_once(at.desk, "halt#1", HALTED)
    assert at.alerts.sent == [HALTED]


def test_alert_of_a_killed_halt_is_sent_by_whoever_sees_it_next_and_not_reminded_of() -> None:
    at = bench()
    at.alerts.failures = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        tell_once(at.desk, "halt#1", HALTED)
    at.clock.advance(UNTOLD_MS)
    follow(at)
    at.clock.advance(HALF_HOUR_MS)
    follow(at)
    assert at.alerts.sent == [HALTED]


@pytest.mark.parametrize("call", ["open_episode", "change_episode"])
def test_alert_is_told_although_nobody_can_note_it(call: str) -> None:
    at = bench()
    at.store.faults.fail_once(call, Retryable("DynamoDB is down"))
    tell_once(at.desk, "halt#1", HALTED)
    assert at.alerts.sent == [HALTED]


def test_key_that_vanished_while_it_was_read_is_told() -> None:
    at = bench()
    tell_once(at.desk, "halt#1", HALTED)
    at.store.faults.before("read_account", lambda: at.store.close_episode(at.account, "halt#1"))
    tell_once(at.desk, "halt#1", HALTED)
    assert at.alerts.sent == [HALTED, HALTED]


def test_check_that_cannot_see_the_venue_sends_what_nobody_sent() -> None:
    at = bench()
    at.alerts.failures = [Retryable("throttled")]
    follow(at, STARTED)
    at.clock.advance(UNTOLD_MS)
    at.venue.faults.fail_always("observe", Retryable("503"))
    assert at.check().outcome is RiskOutcome.VENUE_UNREACHABLE
    assert texts(at) == [START_TEXT]
    at.store.faults.fail_always("read_account", Retryable("DynamoDB is down"))
    assert at.check().problems[-1] == "alerts could not be looked at: DynamoDB is down"
