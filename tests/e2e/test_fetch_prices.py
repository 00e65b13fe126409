"""`fetch_prices` in a process of its own: what the exchange publishes lands in the table once, and ticks read it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Key

from infra.local.processes import FunctionProcess
from marketmaker.adapters.dynamodb import DynamoDbPrices, TableClient, TableSettings
from tests.e2e.stage import ANSWER_TIMEOUT_S, REGION, Stage, local_aws, open_stage

MINUTE_MS = 60_000
DAY_S = 86_400


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: dict[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path, exchange_options=["--history-s", "400"]) as opened:
        yield opened


def fetch(fetching: FunctionProcess) -> dict[str, Any]:
    summary: dict[str, Any] = fetching.invoke({}, timeout_s=ANSWER_TIMEOUT_S)["prices"]
    return summary


def rows(stage: Stage) -> dict[str, dict[str, Any]]:
    with stage.here():
        table = boto3.resource("dynamodb", region_name=REGION).Table(stage.deployment.prices_table)
        items = table.query(KeyConditionExpression=Key("market").eq("binance#PAXG/USDT"))["Items"]
    return {str(item["row"]): item for item in items}


def test_the_market_is_kept_minute_by_minute_once(stage: Stage) -> None:
    with stage.function("fetch_prices", MM_ACCOUNT="") as fetching:
        first = fetch(fetching)
        kept = rows(stage)
        second = fetch(fetching)
    assert (first["markets"], first["metadata_refreshed"], first["failures"]) == (1, 1, {})
    assert (second["metadata_refreshed"], second["failures"]) == (0, {})

    minutes = sorted(key for key in kept if key.startswith("klines#"))
    starts_ms = [int(key.removeprefix("klines#")) for key in minutes]
    assert len(minutes) >= 5
    assert all(after - before == MINUTE_MS for before, after in pairwise(starts_ms))
    for key, start_ms in zip(minutes, starts_ms, strict=True):
        assert kept[key]["expires_s"] == start_ms // 1000 + 8 * DAY_S

    with stage.here():
        names = stage.deployment
        settings = TableSettings(
            state_table=names.state_table,
            ledger_table=names.ledger_table,
            prices_table=names.prices_table,
            region=REGION,
        )
        klines = DynamoDbPrices(TableClient(settings)).klines(
            "binance", stage.symbol, starts_ms[0], starts_ms[-1] + MINUTE_MS
        )
    assert first["klines_written"] == len(klines)
    assert all(after.open_ms == before.end_ms for before, after in pairwise(klines))
    assert sum(each.volume_base for each in klines) > 0

    assert kept["day_volume"]["volume_quote"] > Decimal(1_000_000)
    assert "PAXG" in kept["metadata"]["payload"]
    assert first["calibrated"] == 1
    assert int(kept["calibration"]["until_ms"]) == starts_ms[-1] + MINUTE_MS
    assert first["variances_written"] == sum(
        name.isdigit() for key, row in kept.items() if key.startswith("variance#") for name in row
    )
    again = rows(stage)
    added = {key for key in again.keys() - kept.keys() if not key.startswith("variance#")}
    assert added <= {f"klines#{starts_ms[-1] + MINUTE_MS:015d}"}
    assert {key: again[key] for key in minutes} == {key: kept[key] for key in minutes}

    metrics = [line for line in (stage.directory / "fetch_prices.log").read_text().splitlines() if "_aws" in line]
    assert '"prices_markets_failed":[0.0]' in metrics[0].replace(" ", "")
    assert '"account"' not in metrics[0]


def test_a_cold_start_of_quoting_asks_the_venue_for_no_metadata(stage: Stage) -> None:  # R31
    with stage.function("fetch_prices", MM_ACCOUNT="") as fetching:
        fetch(fetching)
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["outcome"] == "done"
    assert len(stage.orders()[0]) == 2
    assert stage.exchange()["requests"]["GET /api/v3/exchangeInfo"] == 1


def test_a_cold_start_without_kept_metadata_asks_the_venue_and_keeps_nothing(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["outcome"] == "done"
        assert stage.tick(quoting)["outcome"] == "done"
    assert stage.exchange()["requests"]["GET /api/v3/exchangeInfo"] == 1
    assert rows(stage) == {}


def test_a_venue_that_is_down_is_reported_and_needs_no_key(aws: dict[str, str], tmp_path: Path) -> None:  # R30
    with open_stage(aws, tmp_path, with_keys=(), exchange_options=["--history-s", "200"]) as stage:
        stage.arm(fault="server_error", status=503, route="GET /api/v3/time", count=2)
        with stage.function("fetch_prices", MM_ACCOUNT="") as fetching:
            down = fetch(fetching)
            up = fetch(fetching)
        assert list(down["failures"]) == ["binance#PAXG/USDT"]
        assert down["klines_written"] == 0
        assert up["failures"] == {}
        assert up["klines_written"] >= 120
