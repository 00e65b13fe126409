"""The handlers and their composition root, as far as they can be seen without a process of their own."""

import json
from decimal import Decimal
from typing import Any

import pytest

from marketmaker import bootstrap
from marketmaker.adapters.recorded_alerts import RecordedAlerts
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.bootstrap import Environment, OperatorTelemetry, pick_account, plain_values
from marketmaker.config import parse_deployment
from marketmaker.errors import ConfigError
from tests.e2e.stage import deployment_text

ONE = parse_deployment(deployment_text("one"), file="one.toml")
TWO = parse_deployment(deployment_text("two", ["first", "second"]), file="two.toml")


def environment(**variables: str) -> Environment:
    return Environment.read({"MM_DEPLOYMENT_FILE": "one.toml", **variables})


def test_a_deployment_file_must_be_named() -> None:
    for variables in ({}, {"MM_DEPLOYMENT_FILE": ""}):
        with pytest.raises(ConfigError, match="MM_DEPLOYMENT_FILE: nothing is not allowed"):
            Environment.read(variables)


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
        bootstrap._alerts(environment(**named), ONE, OperatorTelemetry()) for named in ({}, critical, both)
    ]
    assert [type(each) for each in chosen] == [RecordedAlerts, RecordedAlerts, SnsAlerts]


def test_reports_become_json_with_exact_money() -> None:
    report = {"price": Decimal("0.10"), "orders": (Decimal("1.9E+3"), Decimal("0E-8")), "fills": 2, "mark": None}
    assert json.loads(json.dumps(plain_values(report))) == {
        "price": "0.1",
        "orders": ["1900", "0"],
        "fills": 2,
        "mark": None,
    }


def test_an_operators_telemetry_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = OperatorTelemetry()
    telemetry.record("halt", {"reason": "x"})
    telemetry.count(next(iter(ONE.accounts)), {"ticks": 1})
    telemetry.flush()
    assert capsys.readouterr() == ("", "")
