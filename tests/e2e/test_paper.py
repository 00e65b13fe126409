"""Paper trading with the functions themselves: no key, no secret, an account that outlives its processes (S6)."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Key

from tests.e2e.stage import REGION, Stage, local_aws, open_stage

OPENING = {"PAXG": Decimal("18.4"), "USDT": Decimal(65_000)}
BALANCES = "dedicated = true\npaper = { PAXG = 18.4, USDT = 65000 }"
PUBLIC = {"aggTrades", "depth", "exchangeInfo"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("paper")
    changes = {'stage = "local"': 'stage = "paper"', "dedicated = true": BALANCES}
    options = ["--speed", "20", "--limit-factor", "20"]
    with (
        local_aws(directory) as aws,
        open_stage(aws, directory, with_keys=(), changes=changes, exchange_options=options) as opened,
    ):
        yield opened


def items(stage: Stage, table: str, key: str, value: str) -> list[dict[str, Any]]:
    """Read a partition itself, not our code's view of it."""
    with stage.here():
        resource = boto3.resource("dynamodb", region_name=REGION).Table(table)
        found: list[dict[str, Any]] = resource.query(KeyConditionExpression=Key(key).eq(value), ConsistentRead=True)[
            "Items"
        ]
        return found


def paper(stage: Stage) -> dict[str, Any]:
    """Read the paper account as it is kept."""
    (item,) = [
        each
        for each in items(stage, stage.deployment.state_table, "account", stage.account.name)
        if each["item"] == "paper"
    ]
    content: dict[str, Any] = json.loads(item["content"])
    return content


def client_ids(account: dict[str, Any]) -> set[str]:
    return {order["client_id"] for order in account["resting"]}


def test_an_account_on_paper_outlives_its_functions_and_its_ledger_is_exact(stage: Stage) -> None:  # R31
    with stage.function("replace_quotes") as quoting:
        for _ in range(12):
            assert stage.tick(quoting)["outcome"] == "done"
    resting = client_ids(paper(stage))
    assert resting

    with stage.function("replace_quotes") as fresh:
        first = stage.tick(fresh)
        assert first["outcome"] == "done"
        (market,) = first["markets"]
        assert market["orders_kept"] + market["orders_cancelled"] + market["fills"] >= len(resting)
        for _ in range(12):
            assert stage.tick(fresh)["outcome"] == "done"

    status = json.loads(stage.mm("status", "--json").out)[0]
    assert status["mode"] == "quoting"
    halted = stage.mm("halt", "--reason", "enough", "--json")
    assert halted.code == 0, halted.err
    (report,) = json.loads(halted.out)
    assert report["verified_s"] is not None
    assert report["ledger_settled"] is True

    account = paper(stage)
    assert account["resting"] == []
    rows = items(stage, stage.deployment.ledger_table, "market", f"{stage.account.name}#{stage.symbol}")
    fills = [row for row in rows if row["row"].startswith("fill#")]
    (opening,) = [row for row in rows if row["row"] == "opening#"]
    assert fills
    assert {"PAXG": opening["base"], "USDT": opening["quote"]} == OPENING
    assert opening["base"] + sum(row["base_change"] for row in fills) == Decimal(account["totals"]["PAXG"])
    assert opening["quote"] + sum(row["quote_change"] for row in fills) == Decimal(account["totals"]["USDT"])


def test_nothing_was_signed_and_no_secret_exists(stage: Stage) -> None:
    state = stage.exchange()

    assert {route.rpartition("/")[2] for route in state["requests"]} == PUBLIC
    assert state["orders"]["accepted"] == 0
    with stage.here():
        secrets = boto3.client("secretsmanager", region_name=REGION)
        assert secrets.list_secrets()["SecretList"] == []


def test_the_paper_stage_says_that_it_has_no_keys(stage: Stage) -> None:
    ended = stage.mm("keys", "check")

    assert ended.code == 2
    assert "paper trading uses no keys" in ended.said[0]


def test_the_local_stage_reaches_nothing_without_an_endpoint(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "local.toml"
    text = stage.deployment_file.read_text(encoding="utf-8").replace('stage = "paper"', 'stage = "local"')
    file.write_text(text.replace(BALANCES, "dedicated = true"), encoding="utf-8")

    ended = stage.mm("halt", "--reason", "x", MM_DEPLOYMENT_FILE=str(file), MM_VENUE_ENDPOINT="")

    assert ended.code == 2
    assert "MM_VENUE_ENDPOINT: nothing is not allowed" in ended.err
