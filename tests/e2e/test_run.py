"""`mm run` as one runs it, against a local exchange in a process of its own: it quotes, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import ROOT
from infra.local.processes import first_line, running
from tests.e2e.stage import MM, Ended, run
from tests.e2e.terminal import type_in

D = Decimal
START_TIMEOUT_S = 60.0
LOST = "lost and not realised"
STOP_TIMEOUT_S = 90
"""A stop is tried for a minute."""
SPOT = ("--symbol", "PAXG/USDT")
USDM = ("--dialect", "binance_usdm", "--symbol", "SOL/USDC:USDC", "--maker-fee", "0")
BACKPACK = ("--dialect", "backpack", "--symbol", "SOL/USDC:USDC", "--maker-fee", "0")
ON_SPOT = (
    *("--exchange", "binance", "--market-type", "spot", "--symbol", "PAXGUSDT", "--spread", "0.0002"),
    *("--quantity", "0.1", "--max-orders", "2", "--target-position", "1", "--max-position", "3"),
    *("--maker-bps", "0", "--interval", "1"),
)
ON_PERPETUALS = (
    *("--market-type", "perp", "--spread", "0.0002", "--quantity", "0.1", "--max-orders", "2"),
    *("--target-position", "0", "--max-position", "5", "--position-threshold", "2", "--inventory-skew", "0"),
    *("--stop-loss", "-1", "--take-profit", "5", "--maker-bps", "0", "--interval", "1"),
)


@contextmanager
def exchange(directory: Path, *options: str) -> Iterator[str]:
    log = directory / "exchange.log"
    usual = ("--port", "0", "--seed", "3", "--speed", "20", "--limit-factor", "20")
    command = [sys.executable, "-m", "infra.local.exchange", *usual, *options]
    with running(command, log=log, environment={}, stdout=subprocess.PIPE, cwd=ROOT) as process:
        yield first_line(process, "listening on ", timeout_s=START_TIMEOUT_S, log=log)


@pytest.fixture
def spot(tmp_path: Path) -> Iterator[str]:
    with exchange(tmp_path, *SPOT) as endpoint:
        yield endpoint


def state_of(endpoint: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{endpoint}/local/state", timeout=5) as answer:  # noqa: S310 - our own loopback
        found: dict[str, Any] = json.load(answer)
        return found


def mm_run(endpoint: str, *arguments: str, **environment: str) -> Ended:
    return run([MM, "run", *arguments, "--endpoint", endpoint], {"COLUMNS": "160", **environment})


def assert_clean(found: dict[str, Any], endpoint: str) -> None:
    assert found["orders_placed"] > 0
    assert (found["orders_left"], found["ledger_matches_venue"], found["problems"]) == (0, True, [])
    assert state_of(endpoint)["open_orders"] == []


def test_a_run_on_spot_quotes_and_stops_clean(spot: str) -> None:
    ended = mm_run(spot, *ON_SPOT, "--duration", "6", "--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert_clean(found, spot)
    assert found["ticks"] + found["ticks_skipped"] in {5, 6, 7}
    assert (found["risk_checks"], found["ended_by"]) == (1, "its time is over")


@dataclass(slots=True, kw_only=True)
class Started:
    """A run that goes on until somebody ends it; what it says as it goes is in its log."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def end(self, *signals: signal.Signals) -> str:
        """Send signals, and return what it printed once it has ended well."""
        for each in signals:
            self.process.send_signal(each)
        out, _ = self.process.communicate(timeout=STOP_TIMEOUT_S)
        assert (self.process.returncode, "Traceback" in self.said) == (0, False), self.said
        return out


@contextmanager
def started(directory: Path, endpoint: str, *arguments: str) -> Iterator[Started]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MM_")}
    command = [str(MM), "run", *arguments, "--duration", "3600", "--endpoint", endpoint]
    log = directory / "run.log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=own | {"COLUMNS": "160"}, cwd=ROOT
        )
        try:
            yield Started(process=process, log=log)
        finally:
            process.kill()
            process.communicate()


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + START_TIMEOUT_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.1)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_clean_however_often_it_comes(tmp_path: Path, spot: str, end: signal.Signals) -> None:
    with started(tmp_path, spot, *ON_SPOT) as running_one:
        until(lambda: bool(state_of(spot)["trades"]) and bool(state_of(spot)["open_orders"]))
        out = running_one.end(end, end)
        assert "own orders are cancelled and that is verified" in running_one.said
    assert f"ended: {'Ctrl-C' if end is signal.SIGINT else 'SIGTERM'}" in out
    assert "own orders left       0, verified after" in out
    assert state_of(spot)["open_orders"] == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_perpetual_without_orders_and_its_position_reported(
    tmp_path: Path, end: signal.Signals
) -> None:  # P10
    names = ("--exchange", "binanceusdm", "--symbol", "SOLUSDC", "--stop-loss", "-1000", "--take-profit", "1000")
    with (
        exchange(tmp_path, *USDM) as endpoint,
        started(tmp_path, endpoint, *ON_PERPETUALS, *names, "--json") as running_one,
    ):
        until(lambda: D(state_of(endpoint)["margin"]["size"]) != 0)
        found = json.loads(running_one.end(end))
        assert found["ended_by"] == ("Ctrl-C" if end is signal.SIGINT else end.name)
        assert_clean(found, endpoint)
        assert D(found["position_base"]) == D(state_of(endpoint)["margin"]["size"])


def test_a_stop_loss_closes_the_position_and_is_reported(tmp_path: Path) -> None:  # P5
    names = ("--exchange", "binanceusdm", "--symbol", "SOLUSDC", "--take-profit", "1000")
    with (
        exchange(tmp_path, *USDM) as endpoint,
        started(tmp_path, endpoint, *ON_PERPETUALS, *names, "--json") as running_one,
    ):

        def size() -> Decimal:
            return D(state_of(endpoint)["margin"]["size"])

        def stop_fired() -> bool:
            """Move the price against what is held; a position that was sold meanwhile is waited for anew."""
            held = size()
            if held:
                shift_prices(endpoint, -200 if held > 0 else 200)
                until(lambda: size() == 0)
            return LOST in running_one.said

        until(stop_fired)
        until(lambda: size() == 0)
        found = json.loads(running_one.end(signal.SIGINT))
        assert_clean(found, endpoint)
    assert (found["stop_losses"], found["position_base"]) == (1, "0")
    assert D(found["realised_pnl_quote"]) < 0


def shift_prices(endpoint: str, shift_bps: int) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own loopback
        f"{endpoint}/local/prices",
        json.dumps({"shift_bps": shift_bps}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - our own loopback
        pass


@pytest.mark.parametrize(
    ("dialect", "names"),
    [
        pytest.param(USDM, ("--exchange", "binance-usdm", "--symbol", "SOLUSDC"), id="binanceusdm"),
        pytest.param(BACKPACK, ("--exchange", "backpack", "--symbol", "SOL_USDC_PERP"), id="backpack"),
    ],
)
def test_a_run_on_a_perpetual_quotes_and_stops_clean(
    tmp_path: Path, dialect: tuple[str, ...], names: tuple[str, ...]
) -> None:
    with exchange(tmp_path, *dialect) as endpoint:
        ended = mm_run(endpoint, *names, *ON_PERPETUALS, "--duration", "8", "--json")
        assert ended.code == 0, ended.err
        found = json.loads(ended.out)
        assert_clean(found, endpoint)
        assert found["symbol"] == "SOL/USDC:USDC"
        assert found["position_base"] is not None


def test_on_a_terminal_the_picture_is_redrawn_in_place(spot: str) -> None:
    command: list[str | Path] = [MM, "run", *ON_SPOT, "--duration", "3", "--endpoint", spot]
    code, shown = type_in(command, {"TERM": "xterm"}, [])
    assert code == 0, shown
    assert "middle" in shown
    assert "\x1b[" in shown
    assert "next tick" in shown
    assert "ended: its time is over" in shown


def test_a_key_that_may_withdraw_starts_nothing(tmp_path: Path) -> None:
    with exchange(tmp_path, *SPOT, "--withdrawals") as endpoint:
        ended = mm_run(endpoint, *ON_SPOT, "--json")
        assert (ended.code, ended.out) == (2, "")
        (line,) = ended.said
        assert "MAY WITHDRAW" in line
        assert state_of(endpoint)["open_orders"] == []


def test_a_key_that_the_venue_refuses_starts_nothing(spot: str) -> None:
    ended = mm_run(spot, *ON_SPOT, "--json", MM_API_KEY="another", MM_API_SECRET="wrong")
    assert (ended.code, ended.out) == (2, "")
    assert "AccountRefused" in ended.said[0]


def test_an_endpoint_that_nobody_serves_starts_nothing() -> None:
    ended = mm_run("http://127.0.0.1:1", *ON_SPOT, "--json")
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.said
    assert "nothing was started" in line


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        pytest.param(SPOT, ON_SPOT, id="spot"),
        pytest.param(USDM, ("--exchange", "binanceusdm", "--symbol", "SOLUSDC", *ON_PERPETUALS), id="perpetual"),
        pytest.param(BACKPACK, ("--exchange", "backpack", "--symbol", "SOL_USDC_PERP", *ON_PERPETUALS), id="backpack"),
    ],
)
def test_paper_plays_against_the_public_data(
    tmp_path: Path, options: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    command: list[str | Path] = [MM, "run", *arguments, "--duration", "6", "--json"]
    with exchange(tmp_path, *options) as endpoint:
        ended = run(command, {"MM_VENUE_ENDPOINT": endpoint})
        assert ended.code == 0, ended.err
        found = json.loads(ended.out)
        assert (found["trades_at"], found["orders_left"], found["ledger_matches_venue"]) == ("paper", 0, True)
        assert found["orders_placed"] > 0
        assert state_of(endpoint)["orders"]["accepted"] == 0
