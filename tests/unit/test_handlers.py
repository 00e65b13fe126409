"""The handlers and their composition root, as far as they can be seen without a process of their own."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.check_risk import handler as check_risk_function
from functions.halt import handler as halt_function
from infra.local.function_process import Context
from marketmaker.adapters.recorded_alerts import RecordedAlerts
from marketmaker.adapters.recorded_halts import RecordedHaltRequests
from marketmaker.adapters.sns import SnsAlerts, SnsHaltRequests
from marketmaker.adapters.terminal import OperatorTelemetry
from marketmaker.bootstrap import desks
from marketmaker.bootstrap.alerts import make_alerts, make_news
from marketmaker.bootstrap.desks import read_halt_requests
from marketmaker.bootstrap.environment import Environment, pick_account, plain_values
from marketmaker.bootstrap.venues import public_login, reference_venues
from marketmaker.config import Stage, parse_deployment
from marketmaker.domain.state import Mode
from marketmaker.errors import ConfigError
from marketmaker.ports import HaltRequest, Severity
from tests.builders import ACCOUNT
from tests.e2e.stage import deployment_text
from tests.fakes.desk import Bench, bench

ONE = parse_deployment(deployment_text("one"), file="one.toml")
TWO = parse_deployment(deployment_text("two", ["first", "second"]), file="two.toml")


def environment(**variables: str) -> Environment:
    return Environment.read({"MM_DEPLOYMENT_FILE": "one.toml", **variables})


def test_a_deployment_file_must_be_named() -> None:
    for variables in ({}, {"MM_DEPLOYMENT_FILE": ""}):
        with pytest.raises(ConfigError, match="MM_DEPLOYMENT_FILE: nothing is not allowed"):
            Environment.read(variables)


def test_a_relative_deployment_file_is_found_beside_the_handler() -> None:
    assert environment(LAMBDA_TASK_ROOT="/var/task").deployment_file == "/var/task/one.toml"
    elsewhere = {"LAMBDA_TASK_ROOT": "/var/task", "MM_DEPLOYMENT_FILE": "/etc/one.toml"}
    assert environment(**elsewhere).deployment_file == "/etc/one.toml"
    assert environment().deployment_file == "one.toml"


def test_the_only_account_need_not_be_named() -> None:
    assert pick_account(ONE, None).name == "main"
    assert pick_account(TWO, "second").name == "second"
    with pytest.raises(ConfigError, match="None is not allowed: one of first, second"):
        pick_account(TWO, None)


def test_alerts_go_to_topics_only_where_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    critical = {"MM_TOPIC_CRITICAL": "arn:aws:sns:eu-central-1:123456789012:critical"}
    both = critical | {"MM_TOPIC_INFO": "arn:aws:sns:eu-central-1:123456789012:info"}
    chosen: list[Any] = [
        make_alerts(environment(**named), ONE, OperatorTelemetry(print)) for named in ({}, critical, both)
    ]
    assert [type(each) for each in chosen] == [RecordedAlerts, RecordedAlerts, SnsAlerts]


def test_news_goes_to_the_info_topic_whatever_its_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    info = "arn:aws:sns:eu-central-1:123456789012:info"
    chosen: list[Any] = [
        make_news(environment(**named), ONE, OperatorTelemetry(print)) for named in ({}, {"MM_TOPIC_INFO": info})
    ]
    assert [type(each) for each in chosen] == [RecordedAlerts, SnsAlerts]
    assert chosen[1]._topics == dict.fromkeys(Severity, info)


PRICED_ABROAD = """
[accounts.main.markets.reference]
venue = "binanceus"
symbol = "PAXG/USDT"
"""


def test_other_venues_are_read_without_a_key_and_never_at_a_testnet() -> None:
    """The account's own venue is read at its testnet; one where nobody works has none that is ours."""
    deployment = parse_deployment(deployment_text("one") + PRICED_ABROAD, file="one.toml")
    testnet = replace(deployment, stage=Stage.TESTNET)
    here = environment(MM_VENUE_ENDPOINT="http://127.0.0.1:9")
    own, other = (public_login(here, testnet, venue) for venue in testnet.venues)
    assert (own.venue, own.is_sandbox, own.read_key) == ("binance", True, None)
    assert (other.venue, other.is_sandbox, other.read_key) == ("binanceus", False, None)
    (account,) = testnet.accounts.values()
    assert reference_venues(here, testnet, account).keys() == {"binanceus"}
    (priced_here,) = ONE.accounts.values()
    assert reference_venues(here, ONE, priced_here) == {}


def test_reports_become_json_with_exact_money() -> None:
    report = {"price": Decimal("0.10"), "orders": (Decimal("1.9E+3"), Decimal("0E-8")), "fills": 2, "mark": None}
    assert json.loads(json.dumps(plain_values(report))) == {
        "price": "0.1",
        "orders": ["1900", "0"],
        "fills": 2,
        "mark": None,
    }


# --- what asks for a halt --------------------------------------------------------------------------------------------

ALARM = {
    "AlarmName": "marketmaker-live-main-heartbeat",
    "NewStateValue": "ALARM",
    "NewStateReason": "no datapoints were received for 3 periods",
    "AWSAccountId": "123456789012",
}


def from_topic(message: object, message_id: str = "95df01b4") -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    sns = {"Type": "Notification", "MessageId": message_id, "Message": text, "MessageAttributes": {}}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def asked(event: dict[str, Any]) -> list[HaltRequest]:
    return list(read_halt_requests(event, bench().desk))


def wanted(reason: str, requested_by: str, delivery: str | None = "95df01b4") -> HaltRequest:
    return HaltRequest(account=ACCOUNT, reason=reason, requested_by=requested_by, delivery=delivery)


def test_a_direct_invocation_says_who_and_why() -> None:
    event = {"reason": "going home", "requested_by": "operator"}
    assert asked(event) == [wanted("going home", "operator", delivery=None)]


@pytest.mark.parametrize("account", [{}, {"account": None}, {"account": "main"}])
def test_a_message_of_the_halt_topic_is_for_its_account_or_for_all(account: dict[str, Any]) -> None:
    message = {**account, "reason": "drawdown", "requested_by": "check_risk"}
    assert asked(from_topic(message)) == [wanted("drawdown", "check_risk")]
    assert asked({**message}) == [wanted("drawdown", "check_risk", delivery=None)]


def test_a_request_for_another_account_is_refused_directly_and_left_out_on_the_topic() -> None:
    message = {"account": "second", "reason": "drawdown", "requested_by": "check_risk"}
    with pytest.raises(ValueError, match="account: 'second' is not allowed: this function halts main"):
        asked(message)
    assert asked(from_topic(message)) == []


def test_an_alarm_says_its_name_and_its_reason() -> None:
    text = "alarm marketmaker-live-main-heartbeat: no datapoints were received for 3 periods"
    assert asked(from_topic(ALARM)) == [wanted(text, "alarm")]


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_that_ends_or_knows_nothing_halts_nothing(state: str) -> None:
    assert asked(from_topic(ALARM | {"NewStateValue": state})) == []


@pytest.mark.parametrize(("text", "reason"), [("STOP it, now ", "STOP it, now"), ("", "no reason given"), ("7", "7")])
def test_plain_text_on_the_halt_topic_halts_too(text: str, reason: str) -> None:
    assert asked(from_topic(text)) == [wanted(reason, "the halt topic")]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"key1": "value1"},
        {"reason": 5, "requested_by": "x"},
        {"Records": [{"body": "{}"}]},
        {"Records": "x"},
        from_topic({"requested_by": "x"}),
        from_topic({"AlarmName": "x"}),
    ],
)
def test_what_is_no_halt_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a halt: "):
        asked(event)


# --- the handlers, on a desk of fakes --------------------------------------------------------------------------------


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Bench:
    quoting = bench()
    quoting.tick()
    for function in (halt_function, check_risk_function):
        monkeypatch.setattr(function, "account_desk", lambda key: {"risk": quoting.desk}[key])
    monkeypatch.setattr(check_risk_function, "halt_requests", lambda: quoting.halts)
    return quoting


@pytest.mark.parametrize(("budget_ms", "work_ms"), [(120_000, 110_000), (30_000, 20_000), (8_000, 4_000), (0, 0)])
def test_work_ends_early_enough_to_tell_of_it(at: Bench, budget_ms: int, work_ms: int) -> None:
    assert desks.invocation_deadline(at.desk, budget_ms).remaining_ms() == work_ms


def test_halt_handler_halts_and_reports(at: Bench) -> None:
    result = halt_function.handler(from_topic({"reason": "drill", "requested_by": "operator"}), Context(60_000))
    assert at.control.mode is Mode.HALTED
    assert result["halt"]["orders_cancelled"] == 2
    assert json.loads(json.dumps(result)) == result
    assert at.telemetry.flushes == 1


def test_halt_handler_ignores_an_alarm_that_ended(at: Bench) -> None:
    assert halt_function.handler(from_topic(ALARM | {"NewStateValue": "OK"}), Context(60_000)) == {"halt": None}
    assert at.control.mode is Mode.QUOTING


def test_message_delivered_twice_halts_once_and_is_told_once(at: Bench) -> None:
    event = from_topic({"reason": "drill", "requested_by": "operator"})
    halt_function.handler(event, Context(60_000))
    control = at.control
    result = halt_function.handler(event, Context(60_000))
    assert at.control == control
    assert result["halt"]["verified_s"] is not None
    assert at.alerts.kinds() == ["halt"]


def test_check_risk_handler_checks_and_reports(at: Bench) -> None:
    result = check_risk_function.handler({}, Context(30_000))
    assert (result["risk"]["outcome"], result["risk"]["own_orders"]) == ("done", 2)
    assert json.loads(json.dumps(result)) == result
    assert at.telemetry.flushes == 1


def test_check_risk_asks_for_halts_at_the_topic_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text(deployment_text("one"), encoding="utf-8")
    topic = "arn:aws:sns:eu-central-1:123456789012:halt"
    for name, value in {
        "MM_DEPLOYMENT_FILE": str(file),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    chosen = []
    for named in (None, topic):
        if named:
            monkeypatch.setenv("MM_TOPIC_HALT", named)
        desks.halt_requests.cache_clear()
        chosen.append(type(desks.halt_requests()))
    desks.halt_requests.cache_clear()
    assert chosen == [RecordedHaltRequests, SnsHaltRequests]


def test_a_halt_that_can_be_asked_for_nowhere_is_recorded() -> None:
    telemetry = bench().telemetry
    RecordedHaltRequests(telemetry).request(wanted("drawdown", "check_risk"))
    fields = {"account": "main", "reason": "drawdown", "requested_by": "check_risk"}
    assert telemetry.lines == [("halt_requested", fields)]


def test_a_live_deployment_that_is_not_armed_does_not_trade(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text(deployment_text("one").replace('stage = "local"', 'stage = "live"'), encoding="utf-8")
    monkeypatch.setenv("MM_DEPLOYMENT_FILE", str(file))
    desks.account_desk.cache_clear()
    with pytest.raises(ConfigError, match=r"one\.toml: armed: false is not allowed: true, for a live deployment"):
        desks.account_desk("trade")
