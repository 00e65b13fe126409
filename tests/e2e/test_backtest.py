"""`mm backtest` as one runs it: a table, exact JSON, the same each time, and one line for what cannot be."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo import DEPLOYMENT_FILE
from tests.e2e.stage import MM, Ended, run
from tests.recorded import write_walk

FIGURES = {
    "symbol",
    "from_ms",
    "to_ms",
    "config_hash",
    "note",
    "ticks",
    "orders_placed",
    "orders_kept",
    "orders_cancelled",
    "protective_cancels",
    "fills",
    "volume_quote",
    "fees_quote",
    "funding_quote",
    "realised_pnl_quote",
    "unrealised_pnl_quote",
    "total_pnl_quote",
    "inventory_final_base",
    "inventory_max_abs_base",
    "cancel_ratio",
    "order_success_ratio",
    "two_sided_uptime",
    "max_drawdown_quote",
    "edge_at_fill_bps",
    "markout_bps",
    "no_quotes",
    "skipped_rows",
    "events",
    "wall_seconds",
    "events_per_second",
    "rss_mb",
}
MEASURED = {"wall_seconds", "events_per_second", "rss_mb"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_walk(tmp_path_factory.mktemp("recording") / "walk")


def backtest(recording: Path, *arguments: str) -> Ended:
    files = ["--quotes", f"{recording}_quotes.csv.gz", "--trades", f"{recording}_trades.csv.gz"]
    command: list[str | Path] = [MM, "backtest", "--market", "binance:PAXG/USDT", *files, *arguments]
    return run(command, {"COLUMNS": "120", "MM_DEPLOYMENT_FILE": str(DEPLOYMENT_FILE)})


def document(ended: Ended) -> dict[str, Any]:
    assert (ended.code, ended.err) == (0, "")
    (found,) = json.loads(ended.out)
    assert isinstance(found, dict)
    return found


def test_a_run_is_shown_as_a_table_that_says_what_it_rests_on(recording: Path) -> None:
    shown = backtest(recording)
    assert (shown.code, shown.err) == (0, "")
    for part in ("the book was recorded", "an estimate", "cancel ratio", "markout, bps", "59 ticks"):
        assert part in shown.out, part


def test_a_run_as_json_has_every_figure_and_is_the_same_each_time(recording: Path) -> None:
    first, second = (document(backtest(recording, "--json", "--seed", "3")) for _ in range(2))
    assert set(first) == FIGURES
    assert {name: first[name] for name in FIGURES - MEASURED} == {name: second[name] for name in FIGURES - MEASURED}
    assert first["fills"] > 0
    assert Decimal(first["total_pnl_quote"]) == (
        Decimal(first["realised_pnl_quote"]) + Decimal(first["unrealised_pnl_quote"]) - Decimal(first["fees_quote"])
    )


def test_settings_cadence_span_and_queue_can_be_changed(recording: Path) -> None:
    usual = document(backtest(recording, "--json"))
    wide = document(backtest(recording, "--json", "--set", "half_spread.quote=3"))
    assert wide["fills"] < usual["fills"]
    assert wide["config_hash"] != usual["config_hash"]
    assert document(backtest(recording, "--json", "--cadence-s", "10"))["ticks"] == 29
    assert document(backtest(recording, "--json", "--to", "2025-10-09T08:55:20"))["ticks"] < usual["ticks"]
    assert document(backtest(recording, "--json", "--queue", "front"))["fills"] >= usual["fills"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "half_spread.pct=1"), "half_spread"),
        (("--market", "binance:BTC/USDT"), "--market: binance:BTC/USDT is not allowed: one of binance:PAXG/USDT"),
        (("--trades", "none.csv.gz"), "none.csv.gz"),
        (("--from", "2026-01-01"), "nothing is left"),
        (("--set", "fair_price=last", "--candles", "some.csv.gz"), "candles"),
    ],
)
def test_what_cannot_be_run_is_one_line(recording: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = backtest(recording, *arguments)
    assert refused.code == 2
    (line,) = refused.said
    assert said in line


PERPETUAL = """
name = "perp"
tag = "prp"
stage = "local"
[accounts.main]
venue = "binanceusdm"
[[accounts.main.markets]]
symbol = "PAXG/USDT:USDT"
number = 1
capital_quote = { share = 1.0 }
fees = { maker_bps = 1, taker_bps = 4 }
half_spread = { quote = 0.5 }
order_size_base = 0.1
inventory = { policy = "position", max_base = 1, skew = 0.5 }
price_band = { bps = 500 }
"""


def perpetual(recording: Path, tmp_path: Path, *arguments: str) -> Ended:
    file = tmp_path / "perp.toml"
    file.write_text(PERPETUAL, encoding="utf-8")
    files = ["--quotes", f"{recording}_quotes.csv.gz", "--trades", f"{recording}_trades.csv.gz", "--json"]
    return run([MM, "backtest", "-d", file, "-m", "binanceusdm:PAXG/USDT:USDT", *files, *arguments], {})


def test_a_perpetual_opens_flat_and_may_be_short(recording: Path, tmp_path: Path) -> None:
    found = document(perpetual(recording, tmp_path))
    assert found["fills"] > 0
    assert Decimal(found["inventory_max_abs_base"]) <= 1
    assert Decimal(found["total_pnl_quote"]) == (
        Decimal(found["realised_pnl_quote"]) + Decimal(found["unrealised_pnl_quote"]) - Decimal(found["fees_quote"])
    )


def test_a_stop_loss_of_a_perpetual_fires_and_leaves_it_flat(recording: Path, tmp_path: Path) -> None:  # P5
    found = document(perpetual(recording, tmp_path, "--set", "stop_loss.loss_quote=0.01"))
    assert found["no_quotes"]["exiting"] > 0
    assert found["no_quotes"]["cooling_down"] > 0
    assert Decimal(found["inventory_final_base"]) == 0


def test_a_perpetual_has_nothing_to_open_with(recording: Path, tmp_path: Path) -> None:
    refused = perpetual(recording, tmp_path, "--opening-base", "1")
    assert (refused.code, refused.out) == (2, "")
    assert "--opening-base: it is not allowed on a perpetual, which opens flat" in refused.err
