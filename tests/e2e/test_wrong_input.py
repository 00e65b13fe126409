"""Wrong input to the functions: each says so in one clear line, and not one order reaches the exchange."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local.processes import FunctionProcess, ProcessFailedError, free_port
from infra.local.stack import API_KEY, SECRET
from tests.e2e.stage import Stage, local_aws, open_stage


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def working(
    aws: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, FunctionProcess]]:
    """Run one function for all messages that it must refuse."""
    with (
        open_stage(aws, tmp_path_factory.mktemp("working"), name="messages") as stage,
        stage.function("replace_quotes") as quoting,
    ):
        yield stage, quoting


@pytest.fixture(scope="module")
def idle(aws: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Open one stage for all that keeps a function from starting."""
    with open_stage(aws, tmp_path_factory.mktemp("idle")) as stage:
        yield stage


def alerts(stage: Stage) -> list[str]:
    return [line["text"] for line in stage.log_of("replace_quotes") if line["message"] == "alert"]


def assert_nothing_was_placed(stage: Stage) -> None:
    state = stage.exchange()
    assert state["orders"]["accepted"] == 0
    assert state["open_orders"] == []
    log = stage.directory / "replace_quotes.log"
    assert "Traceback" not in log.read_text(encoding="utf-8")


def refusal(stage: Stage, **environment: str) -> str:
    """Start the function with something wrong, send a tick, and return the one line that it raises."""
    with stage.function("replace_quotes", **environment) as quoting:
        with pytest.raises(ProcessFailedError) as raised:
            stage.tick(quoting)
        assert_nothing_was_placed(stage)
    text = str(raised.value)
    assert "\n" not in text
    return text


# --- what the function is given to work with -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("number = 1", "number = = 1", "line"),
        ('venue = "binance"', 'venue = "mtgox"', 'accounts.main.venue: "mtgox" is not allowed'),
        ("order_size_base = 0.1", "order_size_base = -1", "order_size_base: -1 is not allowed"),
    ],
)
def test_an_unusable_deployment_file_is_named_and_nothing_is_placed(idle: Stage, old: str, new: str, said: str) -> None:
    broken = idle.directory / "broken.toml"
    broken.write_text(idle.deployment_file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    text = refusal(idle, MM_DEPLOYMENT_FILE=str(broken))
    assert text.startswith(f"ConfigError: {broken}: ")
    assert said in text


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MM_DEPLOYMENT_FILE": ""}, "ConfigError: MM_DEPLOYMENT_FILE: nothing is not allowed"),
        ({"MM_ACCOUNT": "nobody"}, "ConfigError: account (MM_ACCOUNT): nobody is not allowed: one of main"),
        ({"MM_VENUE_ENDPOINT": "http://203.0.113.1"}, "MM_VENUE_ENDPOINT: http://203.0.113.1 is not allowed"),
    ],
)
def test_a_wrong_environment_is_named_and_nothing_is_placed(
    idle: Stage, environment: dict[str, str], said: str
) -> None:
    assert said in refusal(idle, **environment)


def test_a_missing_secret_is_named_and_nothing_is_placed(aws: Mapping[str, str], tmp_path: Path) -> None:
    with open_stage(aws, tmp_path, name="secretless", with_keys=()) as stage:
        assert "Fatal: secret marketmaker/secretless/main/trade does not exist" in refusal(stage)


@pytest.mark.parametrize("text", ["not json", '{"api_key": "only-half"}', '["a", "b"]'])
def test_a_malformed_secret_is_named_but_not_shown(idle: Stage, text: str) -> None:
    idle.put_secret(text)
    said = refusal(idle)
    assert f"Fatal: secret marketmaker/{idle.deployment.name}/main/trade" in said
    assert "only-half" not in said


@pytest.mark.parametrize("key", [("wrong-key", SECRET), (API_KEY, "wrong-secret")], ids=["key", "secret"])
def test_a_refused_api_key_halts_the_account_with_one_alert(stage: Stage, key: tuple[str, str]) -> None:
    stage.put_secret(json.dumps({"api_key": key[0], "secret": key[1]}))
    with stage.function("replace_quotes") as quoting:
        outcomes = [stage.tick(quoting)["outcome"] for _ in range(3)]
        assert outcomes == ["account_refused", "halted", "halted"]
        (alert,) = alerts(stage)
        assert "`mm keys check`" in alert
        assert_nothing_was_placed(stage)
        assert key[1] not in (stage.directory / "replace_quotes.log").read_text(encoding="utf-8")


def test_a_refused_account_quotes_again_with_a_good_key_once_it_is_resumed(stage: Stage) -> None:
    stage.put_secret('{"api_key": "wrong", "secret": "wrong"}')
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["outcome"] == "account_refused"
    assert "main  halted (the venue refuses the account" in stage.mm("status").out
    stage.put_secret(json.dumps({"api_key": API_KEY, "secret": SECRET}))
    assert stage.mm("resume", "--reason", "a new key").code == 0
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2


# --- what the market is ----------------------------------------------------------------------------------------------


def test_a_price_outside_its_band_at_the_start_places_nothing_with_one_alert(
    aws: Mapping[str, str], tmp_path: Path
) -> None:
    changes = {"price_band = { low = 1500, high = 2500 }": "price_band = { low = 2000, high = 2500 }"}
    with (
        open_stage(aws, tmp_path, name="band", changes=changes) as stage,
        stage.function("replace_quotes") as quoting,
    ):
        for _ in range(2):
            tick = stage.tick(quoting)
            assert tick["outcome"] == "done"
            (market,) = tick["markets"]
            assert market["no_quotes"] == "price_outside_band"
            assert "2000" in market["detail"]
        (alert,) = alerts(stage)
        assert "main PAXG/USDT" in alert
        assert_nothing_was_placed(stage)


def test_a_venue_that_is_down_at_the_start_is_an_outcome_and_one_alert_at_the_third_tick(stage: Stage) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    with stage.function("replace_quotes", MM_VENUE_ENDPOINT=down) as quoting:
        for expected in (0, 0, 1, 1):
            tick = stage.tick(quoting)
            assert tick["outcome"] == "venue_unreachable"
            assert tick["detail"]
            assert len(alerts(stage)) == expected
    assert_nothing_was_placed(stage)


# --- what the tick is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("nonsense", "not a tick: JSON is malformed"),
        ("[]", "not a tick: Expected `object`"),
        ('{"account": "main"}', "not a tick: Object missing required field `slot_ms`"),
        ('{"account": "main", "slot_ms": "soon"}', "not a tick: Expected `int`, got `str`"),
        ('{"account": "main", "slot_ms": null}', "not a tick: Expected `int`, got `null`"),
        ('{"account": "main", "slot_ms": 1}', "slot_ms: 1 is not allowed: a whole second"),
        ('{"account": "main", "slot_ms": 1795358371000000}', "at most 300 s ahead of now"),
        ('{"account": "other", "slot_ms": SLOT}', "account: 'other' is not allowed: this function works main"),
    ],
)
def test_a_message_that_is_no_tick_of_the_account_raises_and_places_nothing(
    working: tuple[Stage, FunctionProcess], body: str, said: str
) -> None:
    stage, quoting = working
    sent = body.replace("SLOT", str(stage.next_slot_ms()))
    with pytest.raises(ProcessFailedError) as raised:
        quoting.invoke({"Records": [{"body": sent}]}, timeout_s=30)
    assert str(raised.value).startswith("ValueError: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert_nothing_was_placed(stage)


def test_an_event_that_is_not_the_queues_raises_and_places_nothing(working: tuple[Stage, FunctionProcess]) -> None:
    stage, quoting = working
    wrong: tuple[dict[str, Any], ...] = ({}, {"Records": [{}]})
    for event in wrong:
        with pytest.raises(ProcessFailedError, match="KeyError"):
            quoting.invoke(event, timeout_s=30)
    assert quoting.invoke({"Records": []}, timeout_s=30) == {"ticks": []}
    assert_nothing_was_placed(stage)


def test_a_stale_tick_does_nothing_and_says_how_old_it_is(working: tuple[Stage, FunctionProcess]) -> None:
    stage, quoting = working
    tick = stage.tick(quoting, slot_ms=(int(time.time()) - 60) * 1000)
    assert tick["outcome"] == "stale"
    assert tick["detail"].endswith(" ms old")
    assert tick["markets"] == []
    assert_nothing_was_placed(stage)


def test_a_halt_without_a_reason_raises(working: tuple[Stage, FunctionProcess]) -> None:
    stage, _ = working
    with stage.function("halt") as halting, pytest.raises(ProcessFailedError, match="ValueError: not a halt"):
        halting.invoke({"requested_by": "nobody"}, timeout_s=30)
    assert stage.mm("status", "--json").out.count('"mode": "quoting"') == 1
