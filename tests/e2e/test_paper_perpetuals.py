"""Perpetuals on paper with the functions themselves: no key, a position that outlives its processes, and `mm close`."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Key

from tests.e2e.stage import MARKET, REGION, Ended, Stage, local_aws, open_stage

D = Decimal
USDM = (
    "--dialect",
    "binance_usdm",
    "--symbol",
    "SOL/USDC:USDC",
    "--seed",
    "3",
    "--speed",
    "20",
    "--limit-factor",
    "20",
)
PERPETUAL = """
venue = "binanceusdm"
paper = { USDC = 1000 }

[[accounts.main.markets]]
symbol = "SOL/USDC:USDC"
number = 1
capital_quote = { share = 1.0 }
fees = { maker_bps = 0, taker_bps = 5 }
half_spread = { bps = 2 }
order_size_base = 0.1
inventory = { policy = "position", max_base = 0.3 }
price_band = { bps = 5000 }
"""
PUBLIC = {"aggTrades", "depth", "exchangeInfo", "premiumIndex"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("paper-perpetual")
    changes = {'stage = "local"': 'stage = "paper"', MARKET.format(account="main"): PERPETUAL}
    with (
        local_aws(directory) as aws,
        open_stage(aws, directory, with_keys=(), changes=changes, exchange_options=USDM) as opened,
    ):
        yield opened


def paper(stage: Stage) -> dict[str, Any]:
    """Read the paper account as it is kept."""
    with stage.here():
        table = boto3.resource("dynamodb", region_name=REGION).Table(stage.deployment.state_table)
        asked = Key("account").eq(stage.account.name) & Key("item").eq("paper")
        (item,) = table.query(KeyConditionExpression=asked, ConsistentRead=True)["Items"]
    content: dict[str, Any] = json.loads(str(item["content"]))
    return content


def held(stage: Stage) -> Decimal:
    return D(paper(stage)["positions"][stage.symbol]["size_base"])


def test_a_position_on_paper_outlives_its_functions_and_is_closed_by_an_operator(stage: Stage) -> None:  # P10, R31
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["outcome"] == "done"
        for _ in range(60):
            assert stage.tick(quoting)["outcome"] == "done"
            if held(stage):
                break
    before = held(stage)
    assert before
    with stage.function("replace_quotes") as fresh:
        closed: list[Ended] = []
        close = threading.Thread(
            target=lambda: closed.append(stage.mm("close", "--reason", "enough", "--timeout-s", "60", "--json"))
        )
        close.start()
        while close.is_alive():
            stage.tick(fresh)
        close.join()
    (ended,) = closed
    assert ended.code == 0, ended.err
    (report,) = json.loads(ended.out)
    assert [D(each) for each in report["positions"].values()] == [0]
    assert held(stage) == 0
    assert paper(stage)["resting"] == []
    halted = stage.mm("halt", "--reason", "enough", "--json")
    assert halted.code == 0, halted.err
    (found,) = json.loads(halted.out)
    assert (found["verified_s"] is not None, found["ledger_settled"]) == (True, True)


def test_nothing_was_signed(stage: Stage) -> None:
    state = stage.exchange()

    assert {route.rpartition("/")[2] for route in state["requests"]} == PUBLIC
    assert state["orders"]["accepted"] == 0
    with stage.here():
        secrets = boto3.client("secretsmanager", region_name=REGION)
        assert secrets.list_secrets()["SecretList"] == []
