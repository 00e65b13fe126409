"""The second look as its function takes it, against the exchange: a band breach, its end, and ticks that stopped."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.exchange.binance.login import Login
from infra.local.processes import FunctionProcess
from infra.local.stack import API_KEY, SECRET
from tests.contract.local_venue import binance
from tests.e2e.stage import ANSWER_TIMEOUT_S, REGION, Stage, local_aws, open_stage

NARROW = {"price_band = { low = 1500, high = 2500 }": "price_band = { low = 1850, high = 1950 }"}
UP, BACK = 500, -476.19


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path, changes=NARROW) as opened:
        yield opened


def check(checking: FunctionProcess) -> dict[str, Any]:
    report: dict[str, Any] = checking.invoke({}, timeout_s=ANSWER_TIMEOUT_S)["risk"]
    return report


def alerts(stage: Stage, *functions: str) -> list[tuple[str, str]]:
    """Return kind and severity of every alert that these functions sent: without topics they are log lines."""
    lines = [line for function in functions for line in stage.log_of(function) if line["message"] == "alert"]
    return [(line["kind"], line["severity"]) for line in sorted(lines, key=lambda line: line["timestamp"])]


def place_by_hand(stage: Stage) -> str:
    """Place an order without our tag, far from the market."""
    client = binance(stage.endpoint, Login(api_key=API_KEY, api_secret=SECRET))
    placed: str = client.create_order(stage.symbol, "limit", "buy", 0.01, 1500)["id"]
    return placed


def let_a_minute_pass(stage: Stage) -> None:
    """Make the last tick a minute and a second older than it is."""
    with stage.here():
        boto3.client("dynamodb", region_name=REGION).update_item(
            TableName=stage.deployment.state_table,
            Key={"account": {"S": stage.account.name}, "item": {"S": "control"}},
            UpdateExpression="ADD last_slot_ms :older",
            ExpressionAttributeValues={":older": {"N": "-61000"}},
        )


def test_a_price_outside_its_band_pulls_the_orders_until_it_is_back(stage: Stage) -> None:  # S3, S6, R27
    with stage.function("replace_quotes") as quoting, stage.function("check_risk") as checking:
        stage.tick(quoting)
        by_hand = place_by_hand(stage)
        assert check(checking)["breaches"] == []
        own, others = stage.orders()
        assert (len(own), len(others)) == (2, 1)

        stage.jump(UP)
        report = check(checking)
        assert [(each["kind"], each["response"]) for each in report["breaches"]] == [("price_band", "cancel")]
        assert report["restricted"] == [stage.symbol]
        assert stage.orders()[0] == []
        (market,) = stage.tick(quoting)["markets"]
        assert (market["no_quotes"], market["orders_placed"]) == ("not_quoting", 0)
        assert "reduce_only: fair price" in market["detail"]
        shown = stage.mm("status")
        assert f"restricted: {stage.symbol} reduce_only for" in shown.out
        assert "peak equity" in shown.out
        (described,) = json.loads(stage.mm("status", "--json").out)
        assert [each["symbol"] for each in described["restrictions"]] == [stage.symbol]

        stage.jump(BACK)
        (market,) = stage.tick(quoting)["markets"]
        assert market["no_quotes"] == "not_quoting"
        assert check(checking)["lifted"] == [stage.symbol]
        (market,) = stage.tick(quoting)["markets"]
        assert market["orders_placed"] == 2
        own, others = stage.orders()
        assert (len(own), [str(each["orderId"]) for each in others]) == (2, [by_hand])
        check(checking)
    told = alerts(stage, "replace_quotes", "check_risk")
    assert [each for each in told if each[0] == "price_band"] == [("price_band", "critical"), ("price_band", "info")]


def test_orders_whose_ticks_stopped_are_cancelled_and_foreign_ones_are_not(stage: Stage) -> None:  # R3, R4
    by_hand = place_by_hand(stage)
    with stage.function("replace_quotes") as quoting:
        stage.tick(quoting)
    with stage.function("check_risk") as checking:
        assert check(checking)["orders_cancelled"] == 0
        assert len(stage.orders()[0]) == 2
        let_a_minute_pass(stage)
        report = check(checking)
        assert [each["kind"] for each in report["breaches"]] == ["ticks_stopped"]
        own, others = stage.orders()
        assert (own, [str(each["orderId"]) for each in others]) == ([], [by_hand])
        assert check(checking)["breaches"] == []
        with stage.function("replace_quotes") as quoting:
            (market,) = stage.tick(quoting)["markets"]
        assert market["orders_placed"] == 2
        check(checking)
    assert alerts(stage, "check_risk") == [("ticks_stopped", "critical"), ("ticks_stopped", "info")]


def test_a_breach_that_halts_is_verified_by_the_halt_function_and_ends_with_a_resume(
    aws: Mapping[str, str], tmp_path: Path
) -> None:  # R5, R6
    halting = NARROW | {"dedicated = true\n": 'dedicated = true\nrisk = { price_band = "halt" }\n'}
    with (
        open_stage(aws, tmp_path, changes=halting) as stage,
        stage.function("replace_quotes") as quoting,
        stage.function("check_risk") as checking,
        stage.function("halt") as stopping,
    ):
        stage.tick(quoting)
        stage.jump(UP)
        assert check(checking)["halt_requested"]
        assert stage.orders()[0] == []
        assert stage.tick(quoting)["outcome"] == "halted"
        (asked,) = [line for line in stage.log_of("check_risk") if line["message"] == "halt_requested"]
        message = json.dumps({name: asked[name] for name in ("account", "reason", "requested_by")})
        event = {"Records": [{"Sns": {"MessageId": "1", "Message": message}}]}
        for _ in range(2):
            assert stopping.invoke(event, timeout_s=ANSWER_TIMEOUT_S)["halt"]["verified_s"] is not None
        assert check(checking)["outcome"] == "halted"
        stage.jump(BACK)
        assert stage.mm("resume", "--reason", "seen").code == 0
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
        assert alerts(stage, "halt") == [("halt", "critical")]
