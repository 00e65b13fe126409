"""The functions: time, memory, environment, logs, and how events reach them."""

import platform
from collections.abc import Callable
from typing import Any

import pytest

from infra import functions as made
from infra.layers import PLACEHOLDER
from tests.infra.synth import Resource, Synth

EVERY_MINUTE = {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
HALT = {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 2}


def functions(synth: Synth) -> dict[str, Resource]:
    return synth.named("AWS::Lambda::Function")


def test_every_account_has_its_own_functions_beside_the_shared_ones(full: Synth) -> None:
    own = {f"{account}-{name}" for account in ("one", "two") for name in ("replace_quotes", "check_risk", "halt")}
    assert functions(full).keys() == own | {"schedule_ticks", "fetch_prices"}


def test_functions_have_the_time_and_memory_of_the_file(full: Synth) -> None:
    of_account = {"replace_quotes": (12, 1024), "check_risk": (30, 1024), "halt": (120, 512)}
    wanted = {f"{account}-{name}": each for account in ("one", "two") for name, each in of_account.items()}
    wanted |= {"schedule_ticks": (20, 256), "fetch_prices": (50, 1024)}
    assert {name: (each["Timeout"], each["MemorySize"]) for name, each in functions(full).items()} == wanted


def test_every_function_runs_python_3_13_on_arm(full: Synth) -> None:
    for function in functions(full).values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        assert function["Handler"] == "handler.handler"
        assert len(function["Layers"]) == 2
    for layer in full.resources("AWS::Lambda::LayerVersion").values():
        assert (layer["CompatibleRuntimes"], layer["CompatibleArchitectures"]) == (["python3.13"], ["arm64"])


def test_the_local_stage_runs_on_this_machine_and_finds_the_local_exchange(
    shipped: Callable[[str], Synth], monkeypatch: pytest.MonkeyPatch
) -> None:
    local = shipped("local")
    calling = {name for name, each in functions(local).items() if "MM_VENUE_ENDPOINT" in variables(each)}
    assert calling == {"main-replace_quotes", "main-check_risk", "main-halt", "fetch_prices"}
    assert local.text(variables(functions(local)["main-halt"])["MM_VENUE_ENDPOINT"]) == "parameter/VenueEndpoint"
    assert "VenueEndpoint" not in shipped("testnet").template["Parameters"]
    for machine, name in (("aarch64", "arm64"), ("arm64", "arm64"), ("x86_64", "x86_64")):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        assert made._of_this_machine().name == name


def variables(function: Resource) -> dict[str, Any]:
    found: dict[str, Any] = function["Environment"]["Variables"]
    return found


def test_functions_are_told_where_their_things_are(full: Synth) -> None:
    told = {
        name: {variable: full.text(value) for variable, value in variables(each).items()}
        for name, each in functions(full).items()
    }
    file = {"MM_DEPLOYMENT_FILE": "deployment.toml"}
    one = file | {
        "MM_ACCOUNT": "one",
        "MM_EGRESS_ADDRESS": "AWS::EC2::EIP/",
        "MM_TOPIC_CRITICAL": "topic/alerts-critical",
        "MM_TOPIC_INFO": "topic/alerts-info",
    }
    assert told["one-replace_quotes"] == told["one-halt"] == one
    assert told["one-check_risk"] == one | {"MM_TOPIC_HALT": "topic/halt"}
    assert told["fetch_prices"] == file
    queues = '{"one":"queue/one-ticks","two":"queue/two-ticks"}'
    assert told["schedule_ticks"] == file | {"MM_TICK_QUEUES": queues}


def test_every_function_writes_to_a_log_group_that_forgets_after_a_year(full: Synth) -> None:
    groups = full.whole("AWS::Logs::LogGroup")
    assert groups.keys() == {f"/aws/lambda/{name}" for name in functions(full)}
    for name, function in functions(full).items():
        assert full.text(function["LoggingConfig"]["LogGroup"]) == f"logs//aws/lambda/{name}"
    for group in groups.values():
        assert (group["Properties"]["RetentionInDays"], group["DeletionPolicy"]) == (365, "Retain")


def test_asynchronous_events_are_dropped_after_a_minute_but_halts_are_tried_three_times(full: Synth) -> None:
    rules = {
        full.text(each["FunctionName"]).removeprefix("function/"): each
        for each in full.resources("AWS::Lambda::EventInvokeConfig").values()
    }
    assert rules.keys() == functions(full).keys()
    for name, each in rules.items():
        halts = name.endswith("-halt")
        assert EVERY_MINUTE.items() <= each.items() if not halts else HALT.items() <= each.items()
        kept = each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        assert (kept and full.text(kept)) == ("queue/undelivered" if halts else None)


def test_every_function_finds_its_handler_and_the_deployment_file_beside_each_other(full: Synth) -> None:
    packages = [each.parent for each in full.directory.glob("asset.*/handler.py")]
    assert len(packages) == 5
    assert {(package / "deployment.toml").read_text(encoding="utf-8") for package in packages} == {
        (full.directory.parent / "full.toml").read_text(encoding="utf-8")
    }
    assert len(list(full.directory.glob(f"asset.*/{PLACEHOLDER}"))) == 1


def test_prices_know_a_topic_only_where_triangles_are_told_of(full: Synth, wide: Synth) -> None:  # S15
    told = {"MM_DEPLOYMENT_FILE": "deployment.toml"}
    assert variables(functions(full)["fetch_prices"]) == told
    topic = wide.text(variables(functions(wide)["fetch_prices"])["MM_TOPIC_INFO"])
    assert topic == "topic/alerts-info"
    assert variables(functions(wide)["fetch_prices"]).keys() == {*told, "MM_TOPIC_INFO"}
