"""The exchange as a process: started from the command line, on recorded and generated markets, and ended."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.exchange.binance.login import Login
from infra.local.exchange.binance.words import fixed
from infra.local.exchange.building import build_venue
from infra.local.exchange.clock import MarketClock, wall_us
from infra.local.exchange.dialect import ApiRequest
from infra.local.exchange.options import parse_options
from infra.local.exchange.state import describe
from tests.contract.local_venue import binance, until

D = Decimal
DATA = Path("../shared/data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings of ../shared/data are not here")
LOGIN = Login(api_key="local-key", api_secret="local-secret")


@contextmanager
def exchange(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "infra.local.exchange", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["layers/core/python", "."])}
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


def state_of(*options: str) -> dict[str, Any]:
    venue, _ = build_venue(parse_options(options), wall_us)
    return describe(venue)


def test_a_generated_market_fills_a_client_and_the_process_ends_cleanly() -> None:
    with exchange("--seed", "3", "--speed", "50") as (process, address):
        client = binance(address, LOGIN)
        book = client.fetch_order_book("PAXG/USDT")
        middle = (book["bids"][0][0] + book["asks"][0][0]) / 2
        for side, shift in (("buy", -0.3), ("sell", 0.3)):
            client.create_order("PAXG/USDT", "limit", side, "0.1", middle + shift, {"postOnly": True})
        trades = until(lambda: client.fetch_my_trades("PAXG/USDT") or None)
        assert trades[0]["takerOrMaker"] == "maker"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_a_client_is_connected(end: signal.Signals) -> None:
    with exchange() as (process, address):
        session = requests.Session()
        assert session.get(f"{address}/api/v3/ping", timeout=5).json() == {}
        process.send_signal(end)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "/nowhere/x"), "/nowhere/x_trades.csv.gz does not exist"),
        (("--symbol", "PAXG"), "allowed: a spot pair"),
        (("--base-share", "2"), "0 to 1"),
        (("--equity-quote", "-1"), "below 0"),
        (("--maker-fee", "x"), "'x' is not a number"),
        (("--maker-fee", "inf"), "not a finite number"),
        (("--speed", "0"), "would stop the market"),
        (("--limit-factor", "0"), "whole number from 1"),
    ],
)
def test_an_unusable_command_line_says_why_in_one_line(options: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "infra.local.exchange", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["layers/core/python", "."])}
    ended = subprocess.run(  # noqa: S603 - our own module
        command, capture_output=True, text=True, env=environment, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert said in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_said() -> None:
    with exchange() as (_, address):
        port = address.rpartition(":")[2]
        with pytest.raises(AssertionError), exchange("--port", port):
            pass


def test_balances_follow_equity_and_share_or_amounts() -> None:
    balances = state_of("--equity-quote", "10000", "--base-share", "0.5")["initial_balances"]
    assert balances["USDT"] == "5000"
    assert abs(D(balances["PAXG"]) * 1900 - 5000) < 5
    assert state_of("--base", "1.5", "--quote", "7")["initial_balances"] == {"PAXG": "1.5", "USDT": "7"}


def test_the_same_seed_shows_the_same_book() -> None:
    first, second, other = (
        build_venue(parse_options(["--seed", seed]), wall_us)[0].listing.engine.depth(5) for seed in ("5", "5", "6")
    )
    assert first == second
    assert first != other


@needs_data
@pytest.mark.parametrize(
    ("name", "symbol", "tick", "lot"),
    [
        ("gemini_ethusd_2021-07-01", "ETH/USD", "0.01", "0.000001"),
        ("binance_btcusdt_2024-08-08", "BTC/USDT", "0.01", "0.00001"),
        ("hyperliquid_sol-usdc-perp_2025-09-04", "SOL/USDC", "0.01", "0.01"),
        ("hyperliquid_btc-usdc-perp_2025-09-04", "BTC/USDC", "1", "0.00001"),
        ("lighter_paxg-usdc-perp_2025-09-15", "PAXG/USDC", "0.01", "0.0001"),
        ("gemini_btcusd_2025-10-10", "BTC/USD", "0.01", "0.000001"),
    ],
)
def test_recordings_are_listed_with_their_symbol_and_grids(name: str, symbol: str, tick: str, lot: str) -> None:
    state = state_of("--data", str(DATA / name), "--start-s", "60")
    assert (state["symbol"], state["tick_size"], state["lot_size"]) == (symbol, tick, lot)
    assert D(state["market_bid"]) < D(state["market_ask"])


def test_a_recording_of_an_unknown_symbol_needs_a_name(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "x_trades.csv.gz", "wt") as file:
        file.write("symbol,local_timestamp,side,price,amount\nFOOBAR,1000000,buy,10.5,1\n")
    with pytest.raises(ValueError, match="FOOBAR is not known; give --symbol"):
        state_of("--data", str(tmp_path / "x"))
    assert state_of("--data", str(tmp_path / "x"), "--symbol", "FOO/BAR")["symbol"] == "FOO/BAR"


@pytest.mark.parametrize(("speed", "reach_s"), [("1", 300), ("10", 30)])
def test_a_market_with_history_has_klines_from_before_the_start(speed: str, reach_s: int) -> None:
    now_us = 1_700_000_000_000_000
    venue, _ = build_venue(parse_options(["--history-s", "300", "--speed", speed]), lambda: now_us)
    reply = venue.receive(ApiRequest(route="GET /api/v3/klines", query="symbol=PAXGUSDT&interval=1s")).reply
    assert reply is not None
    opened_s = [row[0] // 1000 - now_us // 1_000_000 for row in json.loads(reply.content)]
    assert opened_s == list(range(opened_s[0], 1))
    assert -reach_s <= opened_s[0] < -reach_s * 0.9
    day, traded = venue.listing.day(), venue.listing.engine.day.summary(venue.listing.engine.now_us)
    assert traded is not None
    average = venue.listing.daily_volume_base * (D(86_400 - 300) / 86_400)
    assert abs(day.volume_base - traded.volume_base - average) < D("0.0001")


@needs_data
def test_grids_and_symbol_can_be_given_and_an_assumed_book_is_said() -> None:
    prefix = str(DATA / "gemini_btcusd_2025-10-10")
    options = parse_options(["--data", prefix, "--symbol", "BTC/EUR", "--tick", "1", "--lot", "0.001"])
    venue, note = build_venue(options, wall_us)
    assert "a book of ± 5 bp round each trade is assumed" in note
    assert venue.listing.market_id == "BTCEUR"
    with pytest.raises(ValueError, match="beyond the recording's end"):
        build_venue(parse_options(["--data", prefix, "--start-s", "90000"]), wall_us)


def test_market_time_runs_at_its_speed_and_maps_back() -> None:
    clock = MarketClock(wall_start_us=1_000_000, market_start_us=50_000_000, speed=10)
    assert clock.market_us(3_000_000) == 70_000_000
    assert clock.wall_ms(70_000_000) == 3_000
    with pytest.raises(ValueError, match="above 0"):
        MarketClock(wall_start_us=0, market_start_us=0, speed=0)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1", "1.00000000"), ("0", "0.00000000"), ("1E+3", "1000.00000000"), ("0.0000000012", "0.0000000012")],
)
def test_money_has_eight_decimals_and_is_never_cut(amount: str, text: str) -> None:
    assert fixed(D(amount)) == text


def test_an_unusable_perpetual_or_key_says_why() -> None:
    for options, said in (
        (("--dialect", "backpack", "--api-key", "x", "--api-secret", "y"), "allowed: 32 bytes in base64"),
        (("--dialect", "binance_usdm", "--symbol", "SOL/USDC:USDT"), "allowed: a perpetual like SOL/USDC:USDC"),
        (("--dialect", "binance_usdm", "--leverage", "60"), "leverage 60; allowed: 1 to 50"),
    ):
        with pytest.raises(ValueError, match=said):
            build_venue(parse_options(options), wall_us)


@pytest.mark.parametrize(("dialect", "market_id"), [("binance_usdm", "SOLUSDC"), ("backpack", "SOL_USDC_PERP")])
def test_the_process_serves_the_dialect_and_account_it_is_told(dialect: str, market_id: str) -> None:
    options = ("--symbol", "SOL/USDC", "--leverage", "5", "--equity-quote", "700", "--funding-rate", "-0.0002")
    with exchange("--dialect", dialect, *options) as (_, address):
        state = requests.get(f"{address}/local/state", timeout=5).json()
        assert (state["dialect"], state["market_id"], state["symbol"]) == (dialect, market_id, "SOL/USDC:USDC")
        assert (state["margin"]["balance"], state["margin"]["leverage"]) == ("700", "5")
        depth = {"binance_usdm": "/fapi/v1/depth", "backpack": "/api/v1/depth"}[dialect]
        assert requests.get(f"{address}{depth}?symbol={market_id}", timeout=5).json()["bids"]
        assert requests.get(f"{address}/api/v3/ping", timeout=5).status_code == 404
