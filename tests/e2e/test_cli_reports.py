"""`mm status`, `mm orders` and `mm fills` as an operator reads them: on a terminal, in a pipe, as JSON and CSV."""

import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import ROOT
from infra.local.exchange.binance.login import Login
from infra.local.processes import free_port
from infra.local.stack import API_KEY, SECRET
from marketmaker.adapters.dynamodb import DynamoDbStore
from marketmaker.bootstrap.venues import tables
from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import OrderIdentity, Side
from tests.builders import fee, fill
from tests.contract.local_venue import binance
from tests.e2e.stage import MM, Ended, Stage, local_aws, open_stage


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path) as opened:
        yield opened


@pytest.fixture
def worked(stage: Stage) -> Stage:
    """Return a stage after one tick."""
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["outcome"] == "done"
    return stage


@pytest.fixture
def unfilled(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    """Yield a stage after one tick whose quotes are too far off to be filled."""
    far = {"half_spread = { quote = 0.5 }": "half_spread = { quote = 30 }"}
    with open_stage(aws, tmp_path, changes=far) as opened:
        with opened.function("replace_quotes") as quoting:
            assert opened.tick(quoting)["outcome"] == "done"
        yield opened


def place(stage: Stage, price: str, client_id: str) -> None:
    client = binance(stage.endpoint, Login(api_key=API_KEY, api_secret=SECRET))
    client.create_order("PAXG/USDT", "limit", "buy", "0.02", price, {"newClientOrderId": client_id})


def own_id(stage: Stage) -> str:
    """Return the client id of an own order that no tick made."""
    identity = OrderIdentity(tag=stage.account.tag, market_number=1, slot_ms=1_700_000_000_000, side=Side.BUY, level=3)
    return identity.encode()


def down() -> str:
    return f"http://127.0.0.1:{free_port()}"


def account_in(ended: Ended) -> dict[str, Any]:
    (described,) = json.loads(ended.out)
    assert isinstance(described, dict)
    return described


# --- status ----------------------------------------------------------------------------------------------------------


def test_status_before_the_first_tick_says_not_opened(stage: Stage) -> None:
    ended = stage.mm("status")
    assert ended.code == 0
    assert "main  quoting  last tick never" in ended.out
    assert "PAXG/USDT  not opened" in ended.out
    assert stage.account.config_hash in ended.out
    described = account_in(stage.mm("status", "--json"))
    assert (described["last_tick_age_s"], described["is_late"]) == (None, False)
    (market,) = described["markets"]
    assert (market["symbol"], market["opened"], "base" in market) == ("PAXG/USDT", False, False)


def test_status_after_a_tick_fits_80_columns(unfilled: Stage) -> None:
    state = unfilled.exchange()
    ended = unfilled.mm("status", COLUMNS="80")
    assert ended.code == 0
    assert re.search(r"^main  quoting  last tick \d+ s ago", ended.out)
    held = {asset: Decimal(state["balances"][asset]["total"]).normalize() for asset in ("PAXG", "USDT")}
    assert f"holds  {held['PAXG']:f} PAXG and {held['USDT']:f} USDT, ratio 35.0%, band 20% to 50%" in ended.out
    assert re.search(r"^  touch  others 1[89]\d\d\.\d+ / 1[89]\d\d\.\d+, all ", ended.out, re.MULTILINE)
    assert len(re.findall(r"^  (sell|buy) .* 0\.1 .* bps .* 0  working *$", ended.out, re.MULTILINE)) == 2
    assert max(map(len, ended.out.splitlines())) <= 80


def test_status_as_json_has_exact_amounts_and_agrees_with_the_venue(unfilled: Stage) -> None:
    described = account_in(unfilled.mm("status", "--json"))
    (market,) = described["markets"]
    state = unfilled.exchange()
    assert (described["mode"], described["epoch"], described["lease_owner"]) == ("quoting", 0, None)
    assert (described["state_problem"], described["venue_problem"], described["foreign_orders"]) == (None, None, 0)
    assert Decimal(market["base"]) == Decimal(state["balances"]["PAXG"]["total"])
    assert Decimal(market["quote"]) == Decimal(state["balances"]["USDT"]["total"])
    assert {(each["standing"], each["side"], each["client_id"]) for each in market["orders"]} == {
        ("working", each["side"].lower(), each["clientOrderId"]) for each in state["open_orders"]
    }
    assert Decimal(market["pnl_quote"]) == (
        Decimal(market["realised_quote"]) + Decimal(market["unrealised_quote"]) - Decimal(market["fees_quote"])
    )


def test_status_tells_orders_apart(worked: Stage) -> None:
    place(worked, "1700", "by-hand")
    place(worked, "1750", own_id(worked))
    ended = worked.mm("status")
    assert "orders of others on this login: 1" in ended.out
    assert re.search(r"buy +1750 +0\.02 .* 3  orphan", ended.out)
    assert "1700" not in ended.out


def test_status_without_the_venue_invents_no_number(worked: Stage) -> None:
    ended = worked.mm("status", MM_VENUE_ENDPOINT=down())
    assert ended.code == 1
    assert len([line for line in ended.out.splitlines() if "cannot be read" in line]) == 1
    for unknown in ("others unknown", "all unknown", "mark unknown", "ratio unknown", "capital unknown"):
        assert unknown in ended.out
    assert "PnL    unknown USDT: realised 0, unrealised unknown" in ended.out
    assert len(re.findall(r" 0\.1|unknown .* unchecked", ended.out)) == 2
    (market,) = account_in(worked.mm("status", "--json", MM_VENUE_ENDPOINT=down()))["markets"]
    assert (market["mark"], market["ratio"], market["pnl_quote"]) == (None, None, None)


def test_status_without_tables_shows_the_venue_and_says_unknown(worked: Stage) -> None:
    described = account_in(worked.mm("status", "--json", AWS_ENDPOINT_URL_DYNAMODB=down()))
    assert "Could not connect" in described["state_problem"]
    assert (described["mode"], described["alerts"], described["venue_problem"]) == (None, None, None)
    (market,) = described["markets"]
    assert (market["opened"], [each["standing"] for each in market["orders"]]) == (None, ["unchecked"] * 2)
    assert market["mark"] is not None


def test_status_with_neither_is_one_line(worked: Stage) -> None:
    ended = worked.mm("status", MM_VENUE_ENDPOINT=down(), AWS_ENDPOINT_URL_DYNAMODB=down())
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.said
    assert line.startswith("main: neither state nor venue can be read: ")


# --- watching --------------------------------------------------------------------------------------------------------


@contextmanager
def watching(stage: Stage, *arguments: str, stdout: int) -> "Iterator[subprocess.Popen[bytes]]":
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_"))}
    with subprocess.Popen(  # noqa: S603 - our own command
        [MM, "status", *arguments],
        env={**own, "TERM": "xterm", "COLUMNS": "100", **stage.environment},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stdout,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(source: int, text: str, times: int) -> str:
    """Read what is written until a text came so many times."""
    shown, end_s = b"", time.monotonic() + 60
    while shown.count(text.encode()) < times:
        assert time.monotonic() < end_s, shown
        if select.select([source], [], [], 1)[0]:
            shown += os.read(source, 65_536)
    return shown.decode()


def test_watching_in_a_pipe_prints_one_picture_after_the_other_until_it_is_stopped(worked: Stage) -> None:
    ours, theirs = os.pipe()
    with watching(worked, "--watch", "0.1", stdout=theirs) as process:
        shown = read_until(ours, "PAXG/USDT", 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert shown.count("main  quoting  last tick") >= 2
    assert shown.startswith("20")
    assert "\x1b" not in shown
    os.close(theirs)
    os.close(ours)


def test_watching_as_json_prints_one_document_a_line(worked: Stage) -> None:
    ours, theirs = os.pipe()
    with watching(worked, "-w", "--json", stdout=theirs) as process:
        shown = read_until(ours, "\n", 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    first, second = (json.loads(line)[0] for line in shown.splitlines()[:2])
    assert first["time_ms"] < second["time_ms"]
    assert [each["account"] for each in (first, second)] == ["main", "main"]
    os.close(theirs)
    os.close(ours)


def test_watching_on_a_terminal_redraws_in_place(worked: Stage) -> None:
    ours, theirs = pty.openpty()
    with watching(worked, "--watch", "0.1", stdout=theirs) as process:
        shown = read_until(ours, "Ctrl-C ends", 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert "\x1b[1A" in shown
    assert "\x1b[2J" not in shown
    os.close(theirs)
    os.close(ours)


# --- orders ----------------------------------------------------------------------------------------------------------


def test_orders_are_those_at_the_venue_and_foreign_ones_only_when_asked_for(unfilled: Stage) -> None:
    place(unfilled, "1700", "by-hand")
    place(unfilled, "1750", own_id(unfilled))
    ended = unfilled.mm("orders", COLUMNS="100")
    assert ended.code == 0
    assert re.search(r"^PAXG/USDT buy +1750 +0\.02 0\.02 +0 \+\d+\.\d +3 2023-11-14T22", ended.out, re.MULTILINE)
    assert re.search(r"orphan", ended.out)
    assert len(re.findall(r" working *$", ended.out, re.MULTILINE)) == 2
    assert "by-hand" not in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100
    everything = unfilled.mm("orders", "--all", "--symbol", "PAXG/USDT")
    assert re.search(r"1700 .* none none .* by-hand .* foreign", everything.out)
    orders = account_in(unfilled.mm("orders", "--all", "--json"))["orders"]
    assert sorted(each["standing"] for each in orders) == ["foreign", "orphan", "working", "working"]


def test_orders_of_an_account_without_any_say_so(stage: Stage) -> None:
    ended = stage.mm("orders")
    assert (ended.code, ended.out) == (0, "main  no orders\n")


def test_orders_while_the_venue_is_down_are_those_of_the_state_unchecked(worked: Stage) -> None:
    ended = worked.mm("orders", MM_VENUE_ENDPOINT=down())
    assert ended.code == 1
    assert "the venue cannot be read: " in ended.out
    assert "no orders" not in ended.out
    assert len(re.findall(r"unknown .* unchecked", ended.out)) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("orders", "--symbol", "BTC/EUR"), "--symbol: BTC/EUR is not allowed: one of PAXG/USDT"),
        (("fills", "--symbol", "paxg"), "--symbol: paxg is not allowed: one of PAXG/USDT"),
        (("status", "--account", "nobody"), "--account (MM_ACCOUNT): nobody is not allowed: one of main"),
        (("fills", "--since", "yesterday"), "--since: 'yesterday' is not allowed: so long ago"),
        (("fills", "--csv", "--json"), "--csv: beside --json is not allowed: one of the two"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(stage: Stage, arguments: tuple[str, ...], said: str) -> None:
    ended = stage.mm(*arguments)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.said
    assert said in line


# --- fills -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traded(aws: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Yield a stage whose ledger has 120 fills, an hour apart; the fee of the last but one is unknown."""
    with open_stage(aws, tmp_path_factory.mktemp("traded")) as stage:
        with stage.function("replace_quotes") as quoting:
            assert stage.tick(quoting)["outcome"] == "done"
        book_hourly_fills(stage)
        yield stage


def book_hourly_fills(stage: Stage) -> None:
    """Book 120 fills, the last a minute old; the last one was paid for, that before it told no fee."""
    now_ms = int(time.time() * 1000)
    rows = [
        FillRow(
            fill=fill(
                Side.BUY if number % 2 else Side.SELL,
                "1900.10",
                "0.25",
                charged=None if number == 119 else fee("-0.000012" if number == 120 else "0.01"),
                trade_id=str(number),
                time_ms=now_ms - (120 - number) * 3_600_000 - 60_000,
            ),
            client_id=None,
            base_change=Decimal(0),
            quote_change=Decimal(0),
            realised_quote=Decimal("0.0000000001") if number == 120 else Decimal(0),
            fee_quote=None,
        )
        for number in range(1, 121)
    ]
    with stage.here():
        store = DynamoDbStore(tables(stage.deployment))
        market = store.read_account(stage.account.name).markets[stage.symbol]
        for first in range(0, 120, 60):
            market = store.book(stage.account.name, market, rows[first : first + 60])


def lines_of(ended: Ended) -> list[str]:
    return [line for line in ended.out.splitlines() if re.match(r"\d{4}-", line)]


def test_fills_are_the_newest_fifty_newest_last_with_their_total(traded: Stage) -> None:
    ended = traded.mm("fills")
    lines = lines_of(ended)
    assert ended.code == 0
    assert [int(line.split()[-1]) for line in lines] == list(range(71, 121))
    assert lines == sorted(lines)
    assert "only the newest 50; older ones with a greater --limit" in ended.out
    assert re.search(r"buy +1900\.1 +0\.25 +475\.025 +unknown +maker +0 +none +119$", lines[-2])
    assert re.search(r"sell +1900\.1 +0\.25 +475\.025 +-0\.000012 USDT maker +\+?0\S* +none +120$", lines[-1])
    assert "total: bought 6.25 PAXG for 11875.625 USDT, sold 6.25 for 11875.625, net 0 PAXG" in ended.out
    assert "fees 0.479988 USDT and unknown of 1 fill, realised" in ended.out


def test_fills_since_a_moment_are_those_alone(traded: Stage) -> None:
    for since, expected in (("150m", 3), ("2h", 2), ("5d", 120)):
        assert len(lines_of(traded.mm("fills", "--since", since, "--limit", "200"))) == expected
    moment = datetime.fromtimestamp(time.time() - 9_000, UTC).isoformat(timespec="seconds")
    ended = traded.mm("fills", "--since", moment)
    assert len(lines_of(ended)) == 3
    assert "only the newest" not in ended.out
    assert f"3 fills since {moment[:-6]}Z" in ended.out
    assert "no fills since" in traded.mm("fills", "--since", "1s").out


def test_fills_as_json_and_csv_are_exact(traded: Stage) -> None:
    found = account_in(traded.mm("fills", "--json", "--limit", "2"))
    assert (found["account"], found["symbol"], found["is_cut"]) == ("main", "PAXG/USDT", True)
    assert [(each["trade_id"], each["fee"], each["fee_asset"]) for each in found["fills"]] == [
        ("119", None, None),
        ("120", "-0.000012", "USDT"),
    ]
    assert found["totals"]["fees"] == [{"amount": "-0.000012", "asset": "USDT"}]
    assert (found["totals"]["realised_quote"], found["totals"]["fills_without_fee"]) == ("0.0000000001", 1)

    ended = traded.mm("fills", "--csv", "--limit", "2")
    unknown, rebate = csv.DictReader(ended.out.splitlines())
    assert (unknown["fee"], unknown["fee_asset"], unknown["trade_id"]) == ("unknown", "", "119")
    assert (rebate["fee"], rebate["realised_quote"], rebate["role"]) == ("-0.000012", "0.0000000001", "maker")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rebate["time"])
    assert ended.said == ["main PAXG/USDT: only the newest 2; older ones with a greater --limit"]


def test_fills_need_no_venue(traded: Stage) -> None:
    assert len(lines_of(traded.mm("fills", "--limit", "1", MM_VENUE_ENDPOINT=down()))) == 1


def test_an_account_without_fills_says_so(stage: Stage) -> None:
    ended = stage.mm("fills")
    assert (ended.code, ended.out) == (0, "main PAXG/USDT  no fills\n")
    assert json.loads(stage.mm("fills", "--json").out)[0]["fills"] == []


def test_tuning_says_what_the_guide_would_change_and_changes_nothing(traded: Stage) -> None:  # S7
    before = traded.mm("config", "show").out
    shown = traded.mm("tune", "--since", "24h")
    assert (shown.code, shown.err) == (0, "")
    assert "least half-spread" in shown.out
    assert "with fees 80% lower" in shown.out
    (market,) = json.loads(traded.mm("tune", "--json").out)
    assert market["symbol"] == "PAXG/USDT"
    assert market["figures"]["fills"] > 0
    assert {each["kind"] for each in market["advice"]} <= {"too_little", "narrow", "smaller", "fees", "nothing"}
    assert traded.mm("config", "show").out == before


def test_tuning_a_market_that_has_not_opened_is_one_line(stage: Stage) -> None:
    refused = stage.mm("tune")
    assert refused.code == 2
    assert refused.said == ["main: PAXG/USDT has not opened: there is nothing to judge"]
