"""One hook's deliveries: what it is told, what is left to others, and what is tried again (S12, R27)."""

from dataclasses import replace
from typing import Any

import pytest

from marketmaker.domain.hooks import HookKind, HookName, HookSecret, HookSettings
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import Notice, Severity
from marketmaker.usecases.relay_alerts import RelayDesk, relay_alerts
from tests.fakes.hooks import KeptHookSecrets, RecordingSender
from tests.fakes.sinks import RecordingTelemetry

SECRET = HookSecret(url="https://hooks.slack.com/services/T1/B1/t0ken")
OWN = "marketmaker-live-desk-relay_alerts-"
NOTICE = Notice(
    delivery="m1",
    deployment="live",
    told_at="2026-11-22 21:20:05 UTC",
    severity=Severity.CRITICAL,
    what="price band",
    text="1795.2 is outside [1800, 2000]",
    account="main",
    symbol="PAXG/USDT",
)


class At:
    """A hook on fakes."""

    def __init__(self, **settings: Any) -> None:
        hook = HookSettings(name=HookName("desk"), kind=HookKind.SLACK, **{"hears_info": True, **settings})
        self.secrets, self.sender, self.telemetry = KeptHookSecrets(), RecordingSender(), RecordingTelemetry()
        self.secrets.kept[hook.name] = SECRET
        self.desk = RelayDesk(
            hook=hook, own_alarms=OWN, secrets=self.secrets, sender=self.sender, telemetry=self.telemetry
        )

    def relay(self, *notices: Notice) -> dict[str, Any]:
        return relay_alerts(notices, self.desk).summary()


def alarm(name: str) -> Notice:
    return replace(NOTICE, delivery=name, what=f"alarm {name}", alarm=name, account=None, symbol=None)


def test_a_notice_is_delivered_with_the_hooks_own_secret() -> None:
    at = At()
    assert at.relay(NOTICE) == {"delivered": ["m1"], "left_out": []}
    assert at.sender.sent == [(HookKind.SLACK, SECRET, NOTICE)]
    told = {
        "hook": "desk",
        "delivery": "m1",
        "title": "[live] CRITICAL main PAXG/USDT: price band",
        "told_at": "2026-11-22 21:20:05 UTC",
    }
    assert at.telemetry.lines == [("alert_relayed", told)]


def test_what_is_not_for_the_hook_is_left_out_without_reading_its_secret() -> None:
    at = At(accounts=(AccountName("second"),))
    at.secrets.failures.append(Retryable("asked"))
    assert at.relay(NOTICE) == {"delivered": [], "left_out": ["m1"]}
    assert at.secrets.failures


def test_a_hook_for_what_is_critical_hears_its_end_too() -> None:
    at = At(hears_info=False)
    info = replace(NOTICE, delivery="info", severity=Severity.INFO)
    over = replace(info, delivery="over", resolves=Severity.CRITICAL)
    mild = replace(info, delivery="mild", resolves=Severity.INFO)
    assert at.relay(NOTICE, info, over, mild) == {"delivered": ["m1", "over"], "left_out": ["info", "mild"]}


def test_a_hooks_own_alarms_are_left_to_others_or_each_would_make_the_next() -> None:
    at = At()
    others = [alarm("marketmaker-live-undelivered"), alarm("marketmaker-live-night-relay_alerts-errors")]
    found = at.relay(alarm(f"{OWN}errors"), alarm(f"{OWN}throttles"), *others)
    assert found["left_out"] == [f"{OWN}errors", f"{OWN}throttles"]
    assert found["delivered"] == [each.delivery for each in others]


@pytest.mark.parametrize("failure", [Retryable("503"), Refused("errcode 310000"), Fatal("no secret")])
def test_a_failure_is_recorded_and_raised_so_that_it_is_tried_again(failure: MarketMakerError) -> None:
    at = At()
    at.sender.failures.append(failure)
    with pytest.raises(type(failure)) as caught:
        at.relay(NOTICE)
    assert caught.value is failure
    ((event, fields),) = at.telemetry.lines
    assert (event, fields["reason"], fields["delivery"]) == ("alert_not_relayed", str(failure), "m1")
    assert at.relay(NOTICE)["delivered"] == ["m1"]


def test_one_notice_that_fails_keeps_no_other_from_being_delivered() -> None:
    at = At()
    at.sender.failures += [Retryable("first"), None, Refused("third")]
    with pytest.raises(Retryable, match="first"):
        at.relay(*(replace(NOTICE, delivery=each) for each in ("m1", "m2", "m3", "m4")))
    assert [notice.delivery for _, _, notice in at.sender.sent] == ["m2", "m4"]


def test_a_secret_is_read_for_each_notice_so_that_a_new_one_needs_no_deploy() -> None:
    at = At()
    at.relay(NOTICE)
    new = replace(SECRET, url="https://hooks.slack.com/services/T1/B1/new")
    at.secrets.kept[at.desk.hook.name] = new
    at.relay(NOTICE)
    assert [secret for _, secret, _ in at.sender.sent] == [SECRET, new]


def test_a_missing_secret_is_a_failure_of_its_own_hook() -> None:
    at = At()
    at.secrets.kept.clear()
    with pytest.raises(Fatal, match="secret desk does not exist"):
        at.relay(NOTICE)


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "[live] CRITICAL main PAXG/USDT: price band"),
        ({"symbol": None}, "[live] CRITICAL main: price band"),
        ({"severity": Severity.INFO, "resolves": Severity.INFO}, "[live] RESOLVED main PAXG/USDT: price band"),
        ({"account": None, "symbol": None, "severity": Severity.INFO}, "[live] INFO price band"),
    ],
)
def test_the_first_line_says_how_bad_where_and_what(changes: dict[str, Any], title: str) -> None:
    assert replace(NOTICE, **changes).title == title
