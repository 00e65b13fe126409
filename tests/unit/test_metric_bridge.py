"""Metrics out of log lines: the embedded ones, and those that Lambda itself would count."""

import json
from datetime import UTC, datetime
from typing import Any

from infra.local.bridges.metrics import metrics_of_logs
from infra.local.function_logs import LogLine
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.domain.units import AccountName

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REPORT = "REPORT RequestId: 7b1f\tDuration: 141 ms\tBilled Duration: 141 ms\tMemory Size: 256 MB"


def line(text: str, *, stream: str = "one", function: str = "halt") -> LogLine:
    return LogLine(function=function, stream=stream, at_ms=round(AT.timestamp() * 1000), text=text)


def embedded(*metrics: str, dimensions: list[list[str]], **values: Any) -> str:
    directive = {"Namespace": "marketmaker", "Dimensions": dimensions, "Metrics": [{"Name": name} for name in metrics]}
    return json.dumps({"_aws": {"Timestamp": AT.timestamp() * 1000, "CloudWatchMetrics": [directive]}, **values})


def counted(data: Any, function: str) -> dict[str, float]:
    dimension = [{"Name": "FunctionName", "Value": function}]
    return {each["MetricName"]: each["Value"] for each in data["AWS/Lambda"] if each["Dimensions"] == dimension}


def test_an_embedded_metric_becomes_a_metric_with_its_dimensions() -> None:
    text = embedded("ticks", dimensions=[["account"]], account="main", ticks=[1.0, 2.0])
    assert metrics_of_logs([line(text)]) == {
        "marketmaker": [
            {
                "MetricName": "ticks",
                "Dimensions": [{"Name": "account", "Value": "main"}],
                "Timestamp": AT,
                "Values": [1.0, 2.0],
                "Unit": "None",
            }
        ]
    }


def test_each_set_of_dimensions_is_a_metric_of_its_own() -> None:
    text = embedded("ticks", dimensions=[["account"], ["account", "deployment"]], account="a", deployment="d", ticks=3)
    found = metrics_of_logs([line(text)])["marketmaker"]
    assert [[each["Name"] for each in metric["Dimensions"]] for metric in found] == [
        ["account"],
        ["account", "deployment"],
    ]
    assert [metric["Values"] for metric in found] == [[3.0], [3.0]]


def test_what_the_product_writes_is_understood(capsys: Any) -> None:
    telemetry = PowertoolsTelemetry(service="marketmaker", deployment="local")
    telemetry.count(AccountName("main"), {"ticks": 1, "lag_ms": 70})
    telemetry.flush()
    found = metrics_of_logs([line(text) for text in capsys.readouterr().out.splitlines()])["marketmaker"]
    assert {each["MetricName"]: (each["Values"], each["Unit"]) for each in found} == {
        "ticks": ([1.0], "Count"),
        "lag_ms": ([70.0], "Milliseconds"),
    }
    dimensions = {each["Name"]: each["Value"] for each in found[0]["Dimensions"]}
    assert dimensions["deployment"] == "local"
    assert dimensions["account"] == "main"


def test_lines_without_metrics_give_none() -> None:
    assert metrics_of_logs([line("START RequestId: 7b1f"), line('{"message": "tick"}'), line("[1]"), line("{")]) == {}


def test_an_invocation_is_counted_with_its_duration() -> None:
    data = metrics_of_logs([line('{"message": "tick"}'), line(REPORT)])
    assert counted(data, "halt") == {"Invocations": 1.0, "Errors": 0.0, "Duration": 141.0}


def test_each_way_to_fail_is_an_error_of_its_own_invocation() -> None:
    for text in ("Traceback (most recent call last):", "Task timed out after 8.00 seconds", "Worker process died"):
        data = metrics_of_logs(
            [
                line(text, stream="failed"),
                line(REPORT, stream="failed"),
                line(REPORT, stream="fine", function="check_risk"),
            ]
        )
        assert counted(data, "halt")["Errors"] == 1.0, text
        assert counted(data, "check_risk")["Errors"] == 0.0
