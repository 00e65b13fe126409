import json
from decimal import Decimal
from itertools import count
from types import MappingProxyType
from typing import Any

import pytest

from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.domain.orders import Side
from marketmaker.domain.state import BookMark, Mode
from marketmaker.domain.units import AccountName

MAIN, OTHER = AccountName("main"), AccountName("other")
_services = count()


def new_telemetry() -> PowertoolsTelemetry:
    """Log to the running test's output: a service's logger is made once and keeps its stream."""
    return PowertoolsTelemetry(service=f"replace_quotes{next(_services)}", deployment="paper")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_record_is_one_line_with_its_event(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = new_telemetry()
    telemetry.record("tick", {"account": "main", "slot_ms": 5_000})
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("+00:00")
    assert line.pop("service").startswith("replace_quotes")
    assert line == {
        "account": "main",
        "deployment": "paper",
        "level": "INFO",
        "message": "tick",
        "slot_ms": 5_000,
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1900.10"), "1900.10"),
        (Decimal("0.1234567890123456789012345678901234"), "0.1234567890123456789012345678901234"),
        (Side.BUY, "buy"),
        (Mode.HALTED, 3),
        (BookMark(update_id=2**53 + 1, since_ms=1), {"update_id": 2**53 + 1, "since_ms": 1}),
        ((Side.SELL, Decimal(1)), ["sell", "1"]),
        ([{"price": Decimal("0.1")}], [{"price": "0.1"}]),
        (MappingProxyType({"a": Decimal(1)}), {"a": "1"}),
        (frozenset({"b", "a"}), ["a", "b"]),
        (float("nan"), None),
        (None, None),
        (ValueError("odd"), "odd"),
    ],
)
def test_field_is_written_exactly(capsys: pytest.CaptureFixture[str], value: object, written: object) -> None:
    telemetry = new_telemetry()
    telemetry.record("tick", {"value": [value]})
    assert lines(capsys)[0]["value"] == [written]


def test_equal_records_are_equal_texts(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = new_telemetry()
    telemetry.record("tick", {"a": {"x": 1, "y": {"q", "p", "r"}}, "b": 2})
    telemetry.record("tick", {"b": 2, "a": {"y": {"r", "p", "q"}, "x": 1}})
    first, second = (line.rpartition(',"timestamp"')[0] for line in capsys.readouterr().out.splitlines())
    assert first == second


@pytest.mark.parametrize("name", ["message", "level", "name", "service", "deployment"])
def test_field_that_the_line_already_has_is_refused(name: str) -> None:
    telemetry = new_telemetry()
    with pytest.raises(ValueError, match=f"'tick' names {name}"):
        telemetry.record("tick", {name: 1})


def test_counts_are_one_document_an_account_with_two_dimensions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry = new_telemetry()
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "would-be-a-third-dimension")
    telemetry.count(MAIN, {"ticks_done": 1, "tick_ms": 35.5})
    telemetry.count(OTHER, {"ticks_done": 1})
    telemetry.count(MAIN, {"ticks_done": 1, "lease_s": 2})
    assert lines(capsys) == []
    telemetry.flush()
    main, other = lines(capsys)
    (described,) = main["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "marketmaker"
    assert described["Dimensions"] == [["deployment", "account"]]
    assert {each["Name"]: each["Unit"] for each in described["Metrics"]} == {
        "ticks_done": "Count",
        "tick_ms": "Milliseconds",
        "lease_s": "Seconds",
    }
    assert (main["deployment"], main["account"]) == ("paper", "main")
    assert (sum(main["ticks_done"]), main["tick_ms"]) == (2, [35.5])
    assert (other["account"], other["ticks_done"]) == ("other", [1])
    assert "service" not in main


def test_counts_of_the_whole_deployment_carry_no_account(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = new_telemetry()
    telemetry.count(None, {"prices_markets_failed": 0})
    telemetry.count(MAIN, {"ticks_done": 1})
    telemetry.flush()
    whole, main = lines(capsys)
    assert whole["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["deployment"]]
    assert (whole["deployment"], whole["prices_markets_failed"]) == ("paper", [0])
    assert "account" not in whole
    assert main["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["deployment", "account"]]


def test_flush_writes_what_was_counted_once(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = new_telemetry()
    telemetry.count(MAIN, {"ticks_done": 1})
    telemetry.flush()
    telemetry.flush()
    assert len(lines(capsys)) == 1


def test_no_count_is_lost_beyond_a_hundred(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = new_telemetry()
    for _ in range(100):
        telemetry.count(MAIN, {"fills": 1})
    telemetry.flush()
    for _ in range(101):
        telemetry.count(MAIN, {"fills": 1})
    telemetry.flush()
    assert sum(sum(each["fills"]) for each in lines(capsys)) == 201
