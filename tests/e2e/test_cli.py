"""`mm` as an operator runs it: what it prints, how it ends, and what the exchange holds afterwards."""

import getpass
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.local.aws import put_keys
from infra.local.demo import DEPLOYMENT_FILE
from infra.local.exchange.binance.login import Login
from infra.local.processes import free_port
from infra.local.stack import API_KEY, SECRET
from marketmaker import cli
from marketmaker.bootstrap.terminal import AccountStanding, ControlStanding
from marketmaker.cli import status, stopping
from marketmaker.cli.accounts import work_all
from marketmaker.config import load_deployment
from marketmaker.domain.state import Mode
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal
from tests.contract.local_venue import binance
from tests.e2e.stage import MM, Ended, Stage, deployment_text, local_aws, open_stage, run

COMMANDS = {
    (): (
        "status",
        "orders",
        "fills",
        "compliance",
        "explain",
        "replay",
        "models",
        "venues",
        "calibrate",
        "tune",
        "backtest",
        "sweep",
        "run",
        "halt",
        "resume",
        "config",
        "keys",
        "Exit codes",
        "Example: mm ",
    ),
    ("status",): ("--deployment", "--account", "--watch", "--json", "MM_DEPLOYMENT_FILE", "MM_ACCOUNT", "Example: mm "),
    ("orders",): ("--deployment", "--account", "--symbol", "--all", "--json", "orphan", "Example: mm "),
    ("fills",): ("--symbol", "--since", "--limit", "--json", "--csv", "2026-11-01", "Example: mm "),
    ("compliance",): ("--account", "--symbol", "--days", "--json", "Example: mm "),
    ("models",): ("--deployment", "--json", "Recommended", "experimental", "Example: mm "),
    ("venues",): ("--json", "refused", "Example: mm "),
    ("calibrate",): ("--deployment", "--symbol", "--recording", "--json", "Example: mm "),
    ("backtest",): ("--market", "--quotes", "--trades", "--set", "--queue", "--latency-ms", "--json", "Example: mm "),
    ("sweep",): ("--market", "--vary", "--set", "--blocks", "--by", "--test-from", "--html", "--json", "Example: mm "),
    ("tune",): ("--deployment", "--account", "--symbol", "--since", "--json", "Example: mm "),
    ("run",): (
        *("--exchange", "--market-type", "--symbol", "--spread", "--quantity", "--max-orders", "--target-position"),
        *("--max-position", "--position-threshold", "--inventory-skew", "--stop-loss", "--take-profit", "--duration"),
        *("--interval", "--preset", "--endpoint", "--live", "--deployment", "--market", "--json", "Example: mm "),
    ),
    ("halt",): ("--reason", "--deployment", "--account", "--json", "--timeout-s", "Example: mm "),
    ("resume",): ("--reason", "--deployment", "--account", "--json", "Example: mm "),
    ("transfer",): ("--symbol", "--price", "--reason", "--id", "--json", "dedicated", "Example: mm "),
    ("explain",): ("--account", "--symbol", "--tick", "--since", "--log", "--json", "Example: mm "),
    ("replay",): ("--account", "--symbol", "--tick", "--since", "--log", "--with", "--json", "Example: mm "),
    ("config",): ("check", "apply", "show", "revert"),
    ("config", "apply"): ("--reason", "--account", "Example: mm "),
    ("config", "show"): ("--account", "--json", "Example: mm "),
    ("config", "revert"): ("--reason", "--account", "Example: mm "),
    ("config", "check"): ("file", "local.toml", "--json", "Example: mm "),
    ("keys",): ("set", "check"),
    ("keys", "set"): ("--deployment", "--account", "--purpose", "--no-check", "key.json", "MM_ACCOUNT", "Example: mm "),
    ("keys", "check"): ("--deployment", "--account", "--json", "Example: mm "),
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path) as opened:
        yield opened


def mm(*arguments: str | Path, **environment: str) -> Ended:
    return run([MM, *arguments], {"COLUMNS": "160", **environment})


def assert_one_line(ended: Ended, *parts: str) -> None:
    assert ended.code == 2
    assert ended.out == ""
    (line,) = ended.said
    for part in parts:
        assert part in line


# --- config check and help -------------------------------------------------------------------------------------------


def test_config_check_prints_every_account_and_the_hash() -> None:
    ended = mm("config", "check", DEPLOYMENT_FILE)
    deployment = load_deployment(DEPLOYMENT_FILE)
    assert ended.code == 0
    assert ended.err == ""
    assert deployment.config_hash in ended.out
    for account in deployment.accounts.values():
        assert account.name in ended.out
        assert account.markets[0].symbol in ended.out


def test_config_check_says_the_same_in_json() -> None:
    (described,) = json.loads(mm("config", "check", DEPLOYMENT_FILE, "--json").out)
    deployment = load_deployment(DEPLOYMENT_FILE)
    assert (described["name"], described["config_hash"]) == (deployment.name, deployment.config_hash)
    (market,) = described["accounts"][0]["markets"]
    assert (market["symbol"], market["size"], market["half_spread"]) == ("PAXG/USDT", "0.1", "quote 0.5")


def test_config_check_reads_the_file_that_the_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(deployment_text("mine", ["first", "second"]), encoding="utf-8")
    ended = mm("config", "check", MM_DEPLOYMENT_FILE=str(file))
    assert ended.code == 0
    assert "second" in ended.out


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (
            'venue = "binance"',
            'venue = "mtgox"',
            ("accounts.main.venue", '"mtgox" is not allowed', "one of", "binance"),
        ),
        ("order_size_base = 0.1", 'order_size_base = "[red]"', ("order_size_base", '"[red]" is not allowed')),
        ("order_size_base = 0.1", "order_size = 0.1", ("order_size", "did you mean order_size_base?")),
        ("number = 1", "number = = 1", ("not allowed", "line")),
    ],
)
def test_a_broken_file_is_one_line_with_place_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, parts: tuple[str, ...]
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(deployment_text("broken").replace(old, new), encoding="utf-8")
    assert_one_line(mm("config", "check", file, COLUMNS="40"), str(file), *parts)


def test_a_missing_file_is_one_line() -> None:
    for command in (["config", "check", "nowhere.toml"], ["status", "--deployment", "nowhere.toml"]):
        assert_one_line(mm(*command, COLUMNS="40"), "nowhere.toml", "No such file")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_names_what_can_be_given(command: tuple[str, ...]) -> None:
    ended = CliRunner(env={"COLUMNS": "160"}).invoke(cli.app, [*command, "--help"], prog_name="mm")
    assert ended.exit_code == 0
    assert f"Usage: {' '.join(['mm', *command])}" in ended.stdout
    for word in COMMANDS[command]:
        assert word in ended.stdout


def test_without_arguments_it_shows_its_help() -> None:
    ended = mm()
    assert ended.code == 2
    assert "Usage: mm" in ended.out + ended.err
    assert "halt" in ended.out + ended.err


def test_a_halt_wants_a_reason() -> None:
    ended = mm("halt")
    assert ended.code == 2
    assert "--reason" in ended.err


# --- what cannot be done ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MM_ACCOUNT": "nobody"}, "nobody is not allowed: one of main"),
        ({}, "NoCredentialsError"),
        ({"AWS_PROFILE": "missing"}, "The config profile (missing) could not be found"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS_ENDPOINT_URL: Invalid endpoint: nonsense"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(deployment_text("mine"), encoding="utf-8")
    nowhere = {
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "AWS_EC2_METADATA_DISABLED": "1",
        "MM_VENUE_ENDPOINT": f"http://127.0.0.1:{free_port()}",
    }
    nowhere["AWS_EC2_METADATA_DISABLED"] = "true"
    assert_one_line(mm("status", MM_DEPLOYMENT_FILE=str(file), **nowhere, **environment), said)


@pytest.mark.parametrize("command", [["status"], ["halt", "--reason", "x"]], ids=" ".join)
def test_unreachable_aws_is_one_line(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(deployment_text("mine"), encoding="utf-8")
    nowhere = f"http://127.0.0.1:{free_port()}"
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "MM_VENUE_ENDPOINT": nowhere}
    ended = mm(*command, MM_DEPLOYMENT_FILE=str(file), AWS_ENDPOINT_URL=nowhere, **keys)
    assert ended.code in {1, 2}
    assert any(line.startswith("main: ") and "Could not connect" in line for line in ended.said)
    assert "Traceback" not in ended.err


def test_a_missing_secret_hides_the_venue_but_not_the_state(aws: Mapping[str, str], tmp_path: Path) -> None:
    with open_stage(aws, tmp_path, name="keyless", with_keys=()) as stage:
        ended = stage.mm("status")
        assert ended.code == 1
        assert "main  quoting" in ended.out
        assert "secret marketmaker/keyless/main/risk does not exist" in ended.out


def test_an_account_without_a_key_is_flagged_halted_and_reported_unverified(
    aws: Mapping[str, str], tmp_path: Path
) -> None:  # R34
    with open_stage(aws, tmp_path, name="unkeyed", with_keys=()) as stage:
        ended = stage.mm("halt", "--reason", "x")
        assert ended.code == 1
        assert "secret marketmaker/unkeyed/main/risk does not exist" in ended.said[0]
        assert ended.said[-1] == "main: NOT VERIFIED, own orders left: unknown; cancel by hand at the venue"
        assert "main  halted" in stage.mm("status").out


def test_a_malformed_secret_is_named_without_any_of_it(stage: Stage) -> None:
    stage.put_secret('{"api_key": "visible-part"', purpose="risk")
    ended = stage.mm("status")
    assert "is not a JSON object with the fields api_key and secret" in ended.out
    assert "visible-part" not in ended.out + ended.err


def test_missing_tables_hide_the_state_but_not_the_venue(stage: Stage) -> None:
    text = stage.deployment_file.read_text(encoding="utf-8")
    other = stage.directory / "other.toml"
    other.write_text(text.replace(f'name = "{stage.deployment.name}"', 'name = "other"'), encoding="utf-8")
    with stage.here():
        put_keys(load_deployment(other), stage.account.name, api_key=API_KEY, secret=SECRET)
    ended = stage.mm("status", MM_DEPLOYMENT_FILE=str(other))
    assert ended.code == 1
    (said,) = [line for line in ended.out.splitlines() if "cannot be read" in line]
    assert said.startswith("  the state cannot be read: ")
    assert "marketmaker-other-state" in said
    assert "main  mode unknown" in ended.out
    assert "touch  others 1" in ended.out
    assert_one_line(stage.mm("fills", MM_DEPLOYMENT_FILE=str(other)), "main: ", "marketmaker-other-ledger")


# --- transfers --------------------------------------------------------------------------------------------------------


def test_money_that_came_is_booked_to_a_market_or_to_nobody(stage: Stage) -> None:  # S2b
    with stage.function("replace_quotes") as quoting:
        stage.tick(quoting)
    booked = stage.mm("transfer", "500", "usdt", "--symbol", "PAXG/USDT", "--reason", "more", "--id", "first")
    assert (booked.code, booked.err) == (0, "")
    assert booked.out == "main: 500 USDT at 1 booked, PAXG/USDT 65500 now; transfer first\n"
    again = stage.mm("transfer", "500", "USDT", "-s", "PAXG/USDT", "--reason", "more", "--id", "first")
    assert_one_line(again, "main: NOT BOOKED: id: first is booked already")
    (nobodys,) = json.loads(stage.mm("transfer", "--reason", "mine", "--json", "--", "2.5", "PAXG").out)
    assert (nobodys["symbol"], nobodys["held"]) == (None, "2.5")
    assert_one_line(stage.mm("transfer", "--reason", "x", "--", "-3", "PAXG"), "only 2.5 is no market's")
    wrong = stage.mm("transfer", "much", "USDT", "--reason", "x")
    assert (wrong.code, "amount: 'much' is not allowed: a number such as 500 or -0.25" in wrong.err) == (2, True)


# --- halt and resume -------------------------------------------------------------------------------------------------


def test_a_halt_cancels_ours_alone_and_lasts_until_it_is_lifted(stage: Stage) -> None:
    client = binance(stage.endpoint, Login(api_key=API_KEY, api_secret=SECRET))
    client.create_order("PAXG/USDT", "limit", "buy", "0.01", "1700", {"newClientOrderId": "by-hand"})
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
        halted = stage.mm("halt", "--reason", "going [red]fishing")
        assert halted.code == 0
        assert re.fullmatch(
            r"main: halted, \d orders cancelled, first sweep after [\d.]+ s, none left after [\d.]+ s\n", halted.out
        )
        own, foreign = stage.orders()
        assert own == []
        assert [order["clientOrderId"] for order in foreign] == ["by-hand"]
        assert "main  halted (going [red]fishing (operator))" in stage.mm("status").out

        accepted = stage.exchange()["orders"]["accepted"]
        assert {stage.tick(quoting)["outcome"] for _ in range(2)} == {"halted"}
        assert stage.exchange()["orders"]["accepted"] == accepted

        resumed = stage.mm("resume", "--account", "main", "--reason", "back", "--json")
        assert resumed.code == 0
        assert json.loads(resumed.out) == [{"account": "main", "mode": "quoting", "epoch": 2}]
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
    assert len(stage.orders()[0]) == 2
    assert "main  quoting  " in stage.mm("status").out


def test_a_halt_while_the_venue_is_down_is_not_verified_but_set(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting:
        stage.tick(quoting)
        down = f"http://127.0.0.1:{free_port()}"
        ended = stage.mm("halt", "--reason", "x", "--timeout-s", "3", MM_VENUE_ENDPOINT=down)
        assert ended.code == 1
        assert ended.out == ""
        assert "main: open orders could not be read" in ended.said[0]
        assert ended.said[-1] == "main: NOT VERIFIED, own orders left: unknown; cancel by hand at the venue"
        assert stage.tick(quoting)["outcome"] == "halted"
    assert len(stage.orders()[0]) == 2


def test_a_halt_with_a_refused_key_is_not_verified(stage: Stage) -> None:
    stage.put_secret('{"api_key": "wrong", "secret": "wrong"}', purpose="risk")
    ended = stage.mm("halt", "--reason", "x", "--timeout-s", "2", "--json")
    assert ended.code == 1
    assert "NOT VERIFIED" in ended.said[-1]
    (report,) = json.loads(ended.out)
    assert report["verified_s"] is None


# --- several accounts ------------------------------------------------------------------------------------------------


def test_a_broken_account_keeps_no_other_from_being_seen_or_halted(aws: Mapping[str, str], tmp_path: Path) -> None:
    with open_stage(aws, tmp_path, name="mixed", accounts=("main", "one", "two"), with_keys=("two",)) as stage:
        listed = {each["account"]: each for each in json.loads(stage.mm("status", "--json").out)}
        assert {each["mode"] for each in listed.values()} == {"quoting"}
        assert "does not exist" in listed["one"]["venue_problem"]
        assert listed["two"]["venue_problem"] is None

        halted = stage.mm("halt", "--reason", "all of it", "--json")
        assert halted.code == 1
        reports = {each["account"]: each for each in json.loads(halted.out)}
        assert set(reports) == {"main", "one", "two"}
        assert reports["two"]["orders_left"] == 0
        assert reports["two"]["verified_s"] >= reports["two"]["first_sweep_s"]
        unverified = [line.split(":")[0] for line in halted.said if "NOT VERIFIED" in line]
        assert unverified == ["main", "one"]
        assert all(report["flag_set"] for report in reports.values())

        resumed = stage.mm("resume", "--reason", "back")
        assert (resumed.code, resumed.said) == (0, [])
        assert resumed.out == "".join(f"{name}: quoting, epoch 2\n" for name in ("main", "one", "two"))


def test_a_defect_in_one_account_is_raised_after_the_others_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect() -> Any:
        raise RuntimeError("a defect")

    def refused() -> Any:
        raise Fatal("no key")

    control = ControlStanding(
        mode=Mode.QUOTING,
        reason="",
        since_ms=None,
        epoch=0,
        last_tick_ms=None,
        is_late=False,
        lease_owner=None,
        lease_ends_ms=None,
        blocked_until_ms=None,
        is_banned=False,
        alerts=(),
        restrictions=(),
        drawdowns=(),
    )
    standing = AccountStanding(
        account=AccountName("good"),
        venue="binance",
        config_hash="0123",
        time_ms=0,
        interval_ms=5_000,
        control=control,
        venue_problem=None,
        markets=(),
        strays=(),
        foreign=(),
    )
    desks = {"bad": defect, "refused": refused, "good": lambda: None}
    monkeypatch.setattr(status, "open_accounts", lambda *_: desks)
    monkeypatch.setattr(status, "_look", lambda desks: work_all(desks, lambda _: standing))
    ended = CliRunner().invoke(cli.app, ["status"])
    assert "good  quoting" in ended.stdout
    assert "bad: a defect" in ended.stderr
    assert "refused: no key" in ended.stderr
    assert isinstance(ended.exception, RuntimeError)


def test_a_traceback_shows_no_variables() -> None:  # R27
    assert cli.app.pretty_exceptions_show_locals is False


@pytest.mark.parametrize("failure", [OSError, KeyError])
def test_a_user_without_a_name_can_still_halt(monkeypatch: pytest.MonkeyPatch, failure: type[Exception]) -> None:
    def nameless() -> str:
        raise failure

    monkeypatch.delenv("MM_OPERATOR", raising=False)
    monkeypatch.setattr(getpass, "getuser", nameless)
    assert stopping.operator_name() == "unknown operator"


def test_models_are_listed_with_the_markets_that_use_them() -> None:
    listed = run([MM, "models"], {"COLUMNS": "200", "MM_DEPLOYMENT_FILE": str(DEPLOYMENT_FILE)})
    assert listed.code == 0
    (fixed,) = [line for line in listed.out.splitlines() if " fixed " in line]
    assert "recommended" in fixed
    assert fixed.rstrip().endswith("main PAXG/USDT")
    found = json.loads(run([MM, "models", "--json"], {"MM_DEPLOYMENT_FILE": str(DEPLOYMENT_FILE)}).out)
    assert {each["name"] for each in found if each["used_by"]} == {"mid", "fixed", "shift"}
