"""`make demo` as a user runs it: the figures it promises, how it is interrupted, and what its proof finds."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer

from infra.local import demo as module
from infra.local.aws import MINISTACK, ROOT
from infra.local.demo import DEPLOYMENT_FILE, pick_file
from infra.local.demo_summary import judge, percentile
from infra.local.reconcile import reconcile
from marketmaker.errors import ConfigError
from tests.e2e.stage import REGION, Stage, local_aws, open_stage, until

PROMISED = {
    "symbol",
    "ticks",
    "orders_placed",
    "orders_kept",
    "orders_cancelled",
    "protective_cancels",
    "fills",
    "cancel_ratio",
    "two_sided_uptime",
    "realised_pnl_quote",
    "fees_quote",
    "inventory_base",
    "alerts",
    "risk_checks",
    "tick_lag_p95_s",
    "halt_first_sweep_s",
    "halt_verified_s",
    "orders_left_after_halt",
    "ledger_matches_venue",
    "decisions_replayed",
    "decisions_differing",
}
PROMISED_OF_A_PERPETUAL = {
    "position_most_base",
    "position_base",
    "skewed_ticks",
    "funding_rows",
    "funding_quote",
    "stop_losses",
    "flat_after_stop",
    "leverage",
}
GOOD = {
    "ticks": 12,
    "fills": 3,
    "orders_kept": 20,
    "alerts": 4,
    "risk_checks": 1,
    "tick_lag_p95_s": 1.99,
    "halt_verified_s": 2.1,
    "orders_left_after_halt": 0,
    "ledger_matches_venue": True,
    "decisions_replayed": 9,
    "decisions_differing": 0,
}
GOOD_PERPETUAL = GOOD | {
    "position_most_base": "0.3678",
    "skewed_ticks": 2,
    "funding_rows": 1,
    "stop_losses": 1,
    "flat_after_stop": True,
}
FUNCTIONS = ("schedule_ticks", "fetch_prices", "main-replace_quotes", "main-check_risk", "main-halt")
needs_ministack = pytest.mark.skipif(
    not MINISTACK.exists() and not os.environ.get("CI"), reason=f"{MINISTACK.relative_to(ROOT)} is missing"
)


@contextmanager
def demo(*options: str | Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "infra.local.demo", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)  # noqa: S603
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def end(process: "subprocess.Popen[str]", *, timeout_s: float = 120) -> tuple[int, list[str]]:
    out, _ = process.communicate(timeout=timeout_s)
    return process.returncode, out.strip().splitlines()


def descendants_of(pid: int) -> dict[int, str]:
    """Return all running processes below one, with what each runs."""
    listed = subprocess.run(  # noqa: S603
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    children = {int(number): args for number, args in (line.split(maxsplit=1) for line in listed.stdout.splitlines())}
    return children | {each: args for child in children for each, args in descendants_of(child).items()}


def is_alive(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() not in {"", "Z", "Zs"}


def with_its_exchange(process: "subprocess.Popen[str]") -> dict[int, str]:
    """Wait until ministack and the exchange of a demo run; returns all its descendants."""

    def found() -> dict[int, str]:
        below = descendants_of(process.pid)
        names = " ".join(below.values())
        return below if "ministack" in names and "infra.local.exchange" in names else {}

    return until(found, seconds=90)


# --- the whole run ---------------------------------------------------------------------------------------------------


@needs_ministack
def test_a_run_breaks_a_limit_halts_resumes_and_ends_with_books_that_agree(tmp_path: Path) -> None:
    with demo("--seconds", "60", "--out", tmp_path) as process:
        code, lines = end(process, timeout_s=300)
    said = "\n".join(lines)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert set(summary) == PROMISED
    assert all(name in said for name in PROMISED)
    assert summary["symbol"] == "PAXG/USDT"
    assert summary["ticks"] >= 5
    assert summary["orders_placed"] >= 4
    assert summary["protective_cancels"] >= 1
    assert summary["alerts"] >= 4
    assert summary["orders_left_after_halt"] == 0
    assert summary["ledger_matches_venue"] is True
    assert summary["decisions_replayed"] >= 3
    assert summary["decisions_differing"] == 0
    assert 0 < summary["halt_first_sweep_s"] <= summary["halt_verified_s"]
    assert 0 <= summary["cancel_ratio"] <= 1
    assert 0 < summary["two_sided_uptime"] <= 1
    for name in ("realised_pnl_quote", "fees_quote", "inventory_base"):
        assert Decimal(summary[name]).is_finite()
    told = [line for line in lines if line.startswith("alert: ")]
    for part in ("is outside [1800, 2000]", "price_band is over", "halted by operator", "resumed by operator"):
        assert [line for line in told if part in line], part
    for name in FUNCTIONS:
        assert (tmp_path / f"marketmaker-local-{name}.log").stat().st_size
    failed = [line for line in lines if line.startswith("failed:")]
    assert [line.removeprefix("failed: ") for line in failed] == judge(summary)
    assert code == (1 if failed else 0)


@needs_ministack
def test_a_perpetual_leans_is_paid_funding_stops_its_loss_and_ends_with_books_that_agree(tmp_path: Path) -> None:
    with demo("--market", "perp", "--seconds", "90", "--out", tmp_path) as process:
        code, lines = end(process, timeout_s=360)
    said = "\n".join(lines)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert set(summary) == PROMISED | PROMISED_OF_A_PERPETUAL
    assert summary["symbol"] == "PAXG/USDT:USDT"
    assert Decimal(summary["leverage"]) == 2
    assert 0 < Decimal(summary["position_most_base"]) <= Decimal("0.8")
    assert summary["skewed_ticks"] >= 1
    assert summary["funding_rows"] >= 1
    assert Decimal(summary["funding_quote"]) != 0
    assert summary["stop_losses"] == 1
    assert summary["flat_after_stop"] is True
    assert Decimal(summary["realised_pnl_quote"]) < -20
    assert summary["orders_left_after_halt"] == 0
    assert summary["ledger_matches_venue"] is True
    assert summary["decisions_differing"] == 0
    assert "lost and not realised, 20 or more closes the position" in said
    assert "exit is over; quoting goes on by itself" in said
    failed = [line.removeprefix("failed: ") for line in lines if line.startswith("failed:")]
    assert failed == judge(summary)
    assert code == (1 if failed else 0)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, None),
        ({"position_most_base": "0"}, "no position was held"),
        ({"skewed_ticks": 0}, "the inventory moved no quote"),
        ({"funding_rows": 0}, "no funding was booked"),
        ({"stop_losses": 0}, "no stop loss fired"),
        ({"flat_after_stop": False}, "the stop loss left a position"),
    ],
)
def test_a_perpetual_is_judged_by_more(changed: dict[str, Any], problem: str | None) -> None:
    assert judge(GOOD_PERPETUAL | changed) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, None),
        ({"ticks": 0}, "no tick was done"),
        ({"fills": 0}, "nothing was filled"),
        ({"orders_kept": 0}, "no order was kept"),
        ({"alerts": 3}, "fewer than 4 alerts arrived"),
        ({"risk_checks": 0}, "no risk check was done"),
        ({"tick_lag_p95_s": 2.0}, "ticks arrive 2 s after their slots or later"),
        ({"halt_verified_s": None}, "the halt is not verified"),
        ({"orders_left_after_halt": 1}, "orders are left after the halt"),
        ({"ledger_matches_venue": False}, "the ledger differs from the venue"),
        ({"decisions_replayed": 0}, "no decision was made again"),
        ({"decisions_differing": 1}, "decisions made again differ"),
    ],
)
def test_a_run_is_judged_by_what_it_must_show(changed: dict[str, Any], problem: str | None) -> None:
    assert judge(GOOD | changed) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("values", "expected"), [([], math.inf), ([7], 7), (list(range(1, 21)), 19), ([*[1] * 19, 100], 1)]
)
def test_the_95th_percentile_exceeds_nineteen_of_twenty(values: list[int], expected: float) -> None:
    assert percentile(values, 0.95) == expected


def test_a_run_that_shows_too_little_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "STOP_SIGNALS", ())
    monkeypatch.setattr(module, "run", lambda *_, **__: GOOD | {"fills": 0})
    with pytest.raises(typer.Exit) as ended:
        module.main(out=tmp_path)
    assert ended.value.exit_code == 1
    module._conclude(GOOD | {"fills": 0}, tmp_path)
    assert "failed: nothing was filled" in capsys.readouterr().out
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["fills"] == 0


# --- what ends it early ----------------------------------------------------------------------------------------------


@needs_ministack
def test_a_signal_ends_it_and_every_process_below_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        demos = {
            sent: stack.enter_context(demo("--out", tmp_path / sent.name))
            for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        for sent, process in demos.items():
            below = with_its_exchange(process)
            process.send_signal(sent)
            process.send_signal(sent)
            code, lines = end(process)
            assert code == 128 + sent
            assert lines[-1] == "interrupted; every process is stopped"
            assert "Traceback" not in "\n".join(lines)
            assert not [args for pid, args in below.items() if is_alive(pid)]


@needs_ministack
@pytest.mark.parametrize("victim", ["infra.local.exchange", "ministack"])
def test_a_process_that_dies_fails_the_demo_in_one_line(tmp_path: Path, victim: str) -> None:
    with demo("--out", tmp_path) as process:
        below = with_its_exchange(process)
        os.kill(next(pid for pid, args in below.items() if victim in args), signal.SIGKILL)
        code, lines = end(process)
    assert code == 1
    assert lines[-1].startswith("demo failed: ")
    assert [line for line in lines if "failed" in line] == [lines[-1]]
    assert "Traceback" not in "\n".join(lines)
    assert not [args for pid, args in below.items() if is_alive(pid)]


def test_an_unknown_recording_is_one_line(tmp_path: Path) -> None:
    with demo("--data", "recordings/mtgox_2013", "--out", tmp_path) as process:
        code, lines = end(process)
    assert code == 1
    assert lines[-1].startswith(
        "demo failed: DATA: recordings/mtgox_2013 is not allowed: a prefix starting with one of"
    )
    assert len(lines) == 1


@needs_ministack
def test_a_missing_recording_is_one_line(tmp_path: Path) -> None:
    with demo("--data", "/nowhere/gemini_ethusd_x", "--out", tmp_path) as process:
        code, lines = end(process)
    assert code == 1
    assert "/nowhere/gemini_ethusd_x_trades.csv.gz does not exist" in lines[-1]
    assert [line for line in lines if "failed" in line] == [lines[-1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--market", "options"), "demo failed: MARKET: options is not allowed: one of spot, perp"),
        (
            ("--market", "perp", "--data", "x"),
            "demo failed: MARKET: perp is not allowed with DATA: recordings are played as spot",
        ),
    ],
)
def test_an_unknown_market_is_one_line(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    with demo(*options, "--out", tmp_path) as process:
        code, lines = end(process)
    assert (code, lines) == (1, [said])


def test_a_recording_chooses_the_deployment_made_for_it() -> None:
    assert pick_file(None) == DEPLOYMENT_FILE
    assert pick_file(None, "perp").stem == "local-perp"
    assert pick_file("../data/hyperliquid_sol-usdc-perp_2025-09-04").stem == "hyperliquid_sol"
    with pytest.raises(
        ConfigError, match="DATA: x is not allowed: a prefix starting with one of binance_btcusdt, gemini"
    ):
        pick_file("x")


# --- the proof -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Mapping[str, Any]]]:
    """Trade in a fast market until there are fills, then halt; yields the exchange's last word too."""
    directory = tmp_path_factory.mktemp("traded")
    with (
        local_aws(directory) as aws,
        open_stage(aws, directory, exchange_options=("--speed", "20")) as stage,
    ):
        with stage.function("replace_quotes") as quoting:
            until(lambda: stage.tick(quoting) and len(stage.exchange()["trades"]) >= 2, seconds=60)
        assert stage.mm("halt", "--reason", "enough").code == 0
        with stage.here():
            yield stage, stage.exchange()


def ledger(stage: Stage) -> Any:
    return boto3.resource("dynamodb", region_name=REGION).Table(stage.deployment.ledger_table)


def first_fill(stage: Stage) -> dict[str, Any]:
    items = ledger(stage).scan(ConsistentRead=True)["Items"]
    found: dict[str, Any] = min((row for row in items if row["row"].startswith("fill#")), key=lambda row: row["row"])
    return found


def differences(stage: Stage, exchange: Mapping[str, Any]) -> tuple[str, ...]:
    return reconcile(stage.deployment, stage.account.name, stage.symbol, exchange).differences


def test_an_honest_ledger_agrees_in_every_fill_fee_and_balance(traded: tuple[Stage, Mapping[str, Any]]) -> None:
    stage, exchange = traded
    totals = reconcile(stage.deployment, stage.account.name, stage.symbol, exchange)
    assert totals.differences == ()
    assert totals.fills == len(exchange["trades"])
    assert totals.base == Decimal(exchange["balances"]["PAXG"]["total"])
    assert totals.fees_quote > 0


@pytest.mark.parametrize(
    ("name", "tamper", "found"),
    [
        ("price", lambda price: price + Decimal("0.01"), "price is"),
        ("size_base", lambda size: size / 2, "size_base is"),
        ("fee_amount", lambda fee: fee * 2, "fee_amount is"),
        ("fee_asset", lambda _: "BNB", "fee_asset is"),
        ("fee_quote", lambda fee: fee + 1, "fee_quote is"),
        ("side", lambda side: "sell" if side == "buy" else "buy", "side is"),
        ("base_change", lambda change: change + Decimal("1e-18"), "PAXG: the ledger has"),
        ("quote_change", lambda change: change - 1, "USDT: the ledger has"),
    ],
)
def test_a_tampered_fill_is_found(
    traded: tuple[Stage, Mapping[str, Any]], name: str, tamper: Callable[[Any], Any], found: str
) -> None:
    stage, exchange = traded
    honest = first_fill(stage)
    ledger(stage).put_item(Item=honest | {name: tamper(honest[name])})
    try:
        (difference,) = differences(stage, exchange)
        assert found in difference
    finally:
        ledger(stage).put_item(Item=honest)
    assert differences(stage, exchange) == ()


@pytest.mark.parametrize("row", ["fill", "opening#"])
def test_a_missing_row_is_found(traded: tuple[Stage, Mapping[str, Any]], row: str) -> None:
    stage, exchange = traded
    key = {"market": f"{stage.account.name}#{stage.symbol}", "row": first_fill(stage)["row"] if row == "fill" else row}
    honest = ledger(stage).get_item(Key=key)["Item"]
    ledger(stage).delete_item(Key=key)
    try:
        text = "\n".join(differences(stage, exchange))
        assert ("is missing in the ledger" if row == "fill" else "0 opening rows instead of one") in text
        assert "PAXG: the ledger has" in text
        assert "USDT: the ledger has" in text
    finally:
        ledger(stage).put_item(Item=honest)


def test_a_row_that_the_exchange_does_not_know_is_found(traded: tuple[Stage, Mapping[str, Any]]) -> None:
    stage, exchange = traded
    invented = first_fill(stage) | {"row": "fill#99999999999999999999"}
    ledger(stage).put_item(Item=invented)
    try:
        assert "fill 99999999999999999999 is unknown to the exchange" in differences(stage, exchange)
    finally:
        ledger(stage).delete_item(Key={"market": invented["market"], "row": invented["row"]})
