"""One message when a condition starts, one when it ends (R27)."""

from dataclasses import replace

import pytest

from marketmaker.errors import Fatal, Refused, Retryable
from marketmaker.ports import Severity
from marketmaker.usecases.episodes import Condition, follow_episodes
from tests.builders import SYMBOL
from tests.fakes.desk import Bench, bench

STARTED = Condition(kind="price_band", symbol=SYMBOL, text="2001 is outside")
OVER = Condition(kind="price_band", symbol=SYMBOL, text=None)
OF_THE_ACCOUNT = Condition(kind="venue_unreachable", symbol=None, text="503")


def follow(at: Bench, *conditions: Condition) -> None:
    follow_episodes(at.desk, conditions, at.store.read_account(at.account).episodes)


def test_episode_alerts_when_it_starts_and_when_it_ends() -> None:
    at = bench()
    for condition in (OVER, STARTED, STARTED, OVER, OVER):
        follow(at, condition)
    assert [(each.severity, each.text) for each in at.alerts.sent] == [
        (Severity.CRITICAL, "main PAXG/USDT: 2001 is outside"),
        (Severity.INFO, "main PAXG/USDT: price_band is over; quoting goes on by itself"),
    ]
    assert [each.symbol for each in at.alerts.sent] == [SYMBOL, SYMBOL]


def test_end_of_a_condition_may_mean_something_else() -> None:
    at = bench()
    follow(at, STARTED)
    follow(at, replace(OVER, outlook="the limit holds again"))
    assert at.alerts.sent[-1].text == "main PAXG/USDT: price_band is over; the limit holds again"


def test_condition_of_an_account_names_no_market() -> None:
    at = bench()
    follow(at, OF_THE_ACCOUNT)
    assert [(each.text, each.symbol) for each in at.alerts.sent] == [("main: 503", None)]
    assert at.store.read_account(at.account).episodes.keys() == {"venue_unreachable"}


@pytest.mark.parametrize("error", [Retryable("throttled"), Refused("too long"), Fatal("no such topic")])
def test_alert_that_could_not_be_sent_is_recorded_and_tried_again(error: Exception) -> None:  # R27
    at = bench()
    at.alerts.failures = [error]
    follow(at, STARTED)
    assert at.alerts.sent == []
    event, fields = at.telemetry.lines[-1]
    assert (event, fields["kind"], fields["reason"]) == ("alert_failed", "price_band", str(error))
    follow(at, STARTED)
    follow(at, STARTED)
    assert at.alerts.kinds() == ["price_band"]


def test_episode_that_another_opened_first_is_not_alerted_twice() -> None:
    at = bench()
    follow(at, STARTED)
    follow_episodes(at.desk, [Condition(kind="price_band", symbol=SYMBOL, text="again")], frozenset())
    assert len(at.alerts.sent) == 1


def test_episode_that_another_closed_first_is_not_told_twice() -> None:
    at = bench()
    follow_episodes(at.desk, [OVER], frozenset({OVER.key}))
    assert at.alerts.sent == []
