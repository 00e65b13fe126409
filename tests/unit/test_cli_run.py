"""`mm run` at a venue of fakes: what it says before, during and after, where it trades, and with which key."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner, Result

from marketmaker import cli
from marketmaker.bootstrap.runs import Prepared, TradesAt
from marketmaker.cli import run as run_module
from marketmaker.cli.run_signals import SIGNALS, stopped_by_signals
from marketmaker.cli.run_view import result_parts, run_line, run_parts
from marketmaker.errors import AccountRefused, Retryable
from marketmaker.ports import Alert, KeyPermissions, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.run import StopSwitch, run
from marketmaker.usecases.run_report import RunResult, RunView
from tests.builders import instrument
from tests.fakes.desk import Bench, bench
from tests.fakes.perpetuals import FakePerpetual
from tests.fakes.venue import BOOKS
from tests.unit.usecases.test_perpetuals import BUY, SOL, USDC, only, perp

D = Decimal
ENDPOINT = "http://127.0.0.1:9"
GUIDE = (
    *("--exchange", "binanceusdm", "--market-type", "perp", "--symbol", "SOL_USDC_PERP", "--spread", "0.01"),
    *("--quantity", "0.1", "--max-orders", "2", "--target-position", "0", "--max-position", "5"),
    *("--position-threshold", "2", "--inventory-skew", "0", "--stop-loss", "-1", "--take-profit", "5"),
    *("--duration", "30", "--interval", "10"),
)
SPOT = (
    *("--exchange", "binance", "--market-type", "spot", "--symbol", "SOLUSDT", "--spread", "0.01"),
    *("--quantity", "0.1", "--max-position", "5", "--target-position", "1"),
)
KEYS = {"MM_API_KEY": "an-api-key", "MM_API_SECRET": "a-secret"}
CLEAN = {"MM_VENUE_ENDPOINT": "", "MM_API_KEY": "", "MM_API_SECRET": "", "COLUMNS": "200"}


class Faked:
    """Opens runs at a venue of fakes; `prepare` may change it before it is used."""

    def __init__(self) -> None:
        self.opened: list[Prepared] = []
        self.benches: list[Bench] = []
        self.prepare: Callable[[Bench], object] = lambda _: None

    @contextmanager
    def open(self, prepared: Prepared, tell: Callable[[Alert], None]) -> Iterator[Desk]:
        self.opened.append(prepared)
        symbol = prepared.settings.symbols[0]
        base, _, rest = symbol.partition("/")
        quote = rest.partition(":")[0]
        rules = instrument(symbol=symbol, base=base, quote=quote, lot_size="0.01", min_size_base="0.01")
        at = bench(prepared.settings, instruments=[rules], totals={base: "10", quote: "1000"})
        at.venue.quote(symbol, "99.99", "100.01")
        if ":" in symbol:
            at.venue.perpetuals[symbol] = FakePerpetual(symbol=symbol)
        self.benches.append(at)
        self.prepare(at)
        yield at.desk
        for alert in at.alerts.sent:
            if alert.kind != "halt":
                tell(alert)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Faked:
    made = Faked()
    monkeypatch.setattr(run_module, "open_run", made.open)
    return made


def mm_run(*arguments: str, answer: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(cli.app, ["run", *arguments], env=CLEAN | environment, input=answer)


def one_line(ended: Result, *parts: str) -> None:
    assert (ended.exit_code, ended.stdout) == (2, "")
    (line,) = ended.stderr.strip().splitlines()
    for part in parts:
        assert part in line


def written(parts: list[RenderableType]) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()


# What it says


def test_a_run_says_what_is_at_stake_then_each_tick_then_what_came_of_it(faked: Faked) -> None:
    ended = mm_run(*GUIDE, "--endpoint", ENDPOINT)
    assert ended.exit_code == 0
    said = ended.stdout
    assert (
        "ENDPOINT SOL/USDC:USDC at http://127.0.0.1:9, which speaks as binanceusdm; a tick every 10 s for 30 s" in said
    )
    assert "100 bps (0.01 of the price), 100 bps after the floors" in said
    assert "6: stop loss 1 + up to 100 bps of slippage on the max position" in said
    assert "5, worth 500, margin 250: max position 5" in said
    assert "advice inventory: with target_base = 0 and skew = 0 the position will random-walk" in said
    assert said.count("quotes 99 98 / 101 102 touch 99.99 / 100.01 fills 0") == 3
    assert "ended: its time is over" in said
    assert "ledger matches venue  yes" in said
    (at,) = faked.benches
    assert at.venue.live() == ()


def test_json_is_one_object_at_the_end_and_nothing_else(faked: Faked) -> None:
    ended = mm_run(*GUIDE, "--endpoint", ENDPOINT, "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    assert (found["ticks"], found["fills"], found["orders_placed"], found["orders_left"]) == (3, 0, 4, 0)
    assert (found["trades_at"], found["ledger_matches_venue"], found["position_base"]) == ("endpoint", True, "0")
    for name in ("volume_quote", "realised_pnl_quote", "unrealised_pnl_quote", "fees_quote", "funding_quote"):
        assert found[name] == "0"
    assert (found["stop_losses"], found["take_profits"], found["problems"]) == (0, 0, [])


def test_a_dry_run_says_what_is_at_stake_and_places_nothing(faked: Faked) -> None:
    ended = mm_run(*GUIDE, "--endpoint", ENDPOINT, "--dry-run")
    assert ended.exit_code == 0
    assert "worst-case loss" in ended.stdout
    assert "ended" not in ended.stdout
    found = json.loads(mm_run(*GUIDE, "--endpoint", ENDPOINT, "--dry-run", "--json").stdout)
    assert (found["figures"]["effective_bps"], found["figures"]["worst_loss_quote"]) == ("100", "6")
    assert not any("place" in at.venue.methods() for at in faked.benches)


def test_a_preset_is_printed_with_what_it_comes_to(faked: Faked) -> None:  # P7
    ended = mm_run("--exchange", "backpack", "-s", "SOL_USDC_PERP", "--preset", "aggressive", "--dry-run",
                   "--endpoint", ENDPOINT)  # fmt: skip
    assert "preset aggressive: half_spread.bps 50, order_size_base 0.2, ladder.levels 5" in ended.stdout
    assert "stop_loss off, take_profit_quote off" in ended.stdout
    assert "unknown: all of the market's collateral: there is no stop loss" in ended.stdout


def test_alerts_are_told_as_they_come(faked: Faked) -> None:
    def crash(at: Bench) -> None:
        at.venue.faults.before("place", lambda: at.venue.quote(SOL, "159.99", "160.01"))

    faked.prepare = crash
    ended = mm_run(*GUIDE, "--endpoint", ENDPOINT, "--json")
    assert "alert run SOL/USDC:USDC: fair price 160 is outside" in " ".join(ended.stderr.split())
    assert json.loads(ended.stdout)["orders_left"] == 0


def test_orders_that_may_be_left_end_it_with_1_and_in_words(faked: Faked) -> None:
    def fail(at: Bench) -> None:
        at.venue.faults.fail_always("open_orders", Retryable("no answer"))

    faked.prepare = fail
    ended = mm_run(*GUIDE, "--endpoint", ENDPOINT)
    assert ended.exit_code == 1
    assert "NOT VERIFIED, own orders left: unknown; cancel by hand at the venue" in ended.stdout


def test_a_price_that_nobody_knows_starts_nothing(faked: Faked) -> None:
    faked.prepare = lambda at: at.venue.faults.fail_always("read_books", Retryable("no answer"))
    ended = mm_run(*GUIDE, "--endpoint", ENDPOINT, "--json")
    one_line(ended, "nothing was started", "no answer")
    assert "unknown" in mm_run(*GUIDE, "--endpoint", ENDPOINT, "--dry-run").stdout
    faked.prepare = lambda at: at.venue.faults.fail_always(BOOKS, Retryable("no book"))
    one_line(mm_run(*GUIDE, "--endpoint", ENDPOINT, "--json"), "nothing was started", "no book")
    faked.prepare = lambda at: at.venue.quote(SOL, "", "100.01")
    one_line(mm_run(*GUIDE, "--endpoint", ENDPOINT, "--json"), "nothing was started", "lacks a side")


# Where it trades, and with which key


def test_without_an_endpoint_it_is_paper_and_needs_no_key(faked: Faked) -> None:
    ended = mm_run(*SPOT, "--duration", "10")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("PAPER SOL/USDT on paper, by the public data of binance")
    assert (faked.opened[0].trades_at, faked.opened[0].key) == (TradesAt.PAPER, None)


def test_paper_reads_its_public_data_where_the_environment_says(faked: Faked) -> None:
    mm_run(*SPOT, "--dry-run", MM_VENUE_ENDPOINT=ENDPOINT)
    assert faked.opened[0].endpoint == ENDPOINT


def test_paper_of_a_perpetual_opens_with_collateral_alone_and_needs_no_key(faked: Faked) -> None:
    ended = mm_run(*GUIDE)
    assert ended.exit_code == 0
    assert ended.stdout.startswith("PAPER SOL/USDC:USDC on paper, by the public data of binanceusdm")
    (prepared,) = faked.opened
    assert (prepared.trades_at, prepared.key) == (TradesAt.PAPER, None)
    assert prepared.deployment.paper[prepared.settings.name] == {"USDC": 100_000}


def test_it_says_where_the_fees_are_from_that_it_reckons_with(faked: Faked) -> None:  # R36
    said = " ".join(mm_run(*GUIDE, "--dry-run").stdout.split())
    assert "maker 2 bps, taker 5 bps, a new account's at binanceusdm as this release knows them, not told by" in said
    assert "type your own by --maker-bps and --taker-bps" in said
    said = " ".join(mm_run(*GUIDE, "--dry-run", "--maker-bps", "-1").stdout.split())
    assert "maker -1 bps, taker 5 bps" in said
    assert "type your own by --taker-bps" in said
    assert "fees maker -1 bps, taker 4 bps, as typed" in " ".join(
        mm_run(*GUIDE, "--dry-run", "--maker-bps", "-1", "--taker-bps", "4").stdout.split()
    )


def test_a_local_exchange_is_opened_with_its_own_key_or_the_environments(faked: Faked) -> None:
    mm_run(*GUIDE, "--endpoint", ENDPOINT, "--dry-run")
    mm_run(*GUIDE, "--endpoint", ENDPOINT, "--dry-run", **KEYS)
    mm_run(*GUIDE, "--exchange", "backpack", "--endpoint", ENDPOINT, "--dry-run")
    keys = [each.key for each in faked.opened]
    assert [key.api_key for key in keys if key is not None][:2] == ["local-key", "an-api-key"]
    assert keys[2] is not None
    assert keys[2].api_key.endswith("=")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (
            ("--endpoint", "http://example.com"),
            {},
            "--endpoint: http://example.com is not allowed: http on this machine",
        ),
        (("--endpoint", "https://127.0.0.1:1"), {}, "--endpoint: https://127.0.0.1:1 is not allowed"),
        (("--endpoint", ENDPOINT, "--live"), {}, "--endpoint: it is not allowed beside --live"),
        (("--endpoint", ENDPOINT), {"MM_API_KEY": "half"}, "MM_API_SECRET: nothing is not allowed"),
        (("--endpoint", ENDPOINT), KEYS | {"MM_API_SECRET": "a b"}, "secret holds a space"),
        (("--live",), {"MM_VENUE_ENDPOINT": ENDPOINT}, "MM_VENUE_ENDPOINT: it is not allowed beside --live"),
        (("--live",), {}, "MM_API_KEY: nothing is not allowed"),
    ],
)
def test_what_could_send_an_order_elsewhere_is_refused(
    arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    one_line(mm_run(*SPOT, *arguments, **environment), said)


@pytest.mark.parametrize(
    ("permissions", "said"),
    [
        (KeyPermissions(trades=True, withdraws=True, is_ip_bound=True), "MM_API_KEY: IT MAY WITHDRAW"),
        (KeyPermissions(trades=False, withdraws=False, is_ip_bound=True), "MM_API_KEY: it may not trade"),
    ],
)
@pytest.mark.parametrize("where", [("--live", "--yes"), ("--endpoint", ENDPOINT)])
def test_a_key_that_may_withdraw_or_may_not_trade_is_refused(
    faked: Faked, permissions: KeyPermissions, said: str, where: tuple[str, ...]
) -> None:
    faked.prepare = lambda at: setattr(at.venue, "permissions", permissions)
    one_line(mm_run(*SPOT, *where, "--json", **KEYS), said)
    assert "place" not in faked.benches[0].venue.methods()


def test_a_key_that_the_venue_refuses_starts_nothing(faked: Faked) -> None:
    faked.prepare = lambda at: at.venue.faults.fail_always("key_permissions", AccountRefused("invalid key"))
    one_line(mm_run(*SPOT, "--live", "--yes", "--json", **KEYS), "AccountRefused", "invalid key")


def test_real_money_needs_the_markets_name_typed(faked: Faked) -> None:
    for answer in ("yes\n", ""):
        ended = mm_run(*SPOT, "--live", "--duration", "10", answer=answer, **KEYS)
        assert ended.exit_code == 2
        assert "nothing was started" in ended.stderr
        assert "REAL MONEY" in ended.stderr
        assert "place" not in faked.benches[-1].venue.methods()
    ended = mm_run(*SPOT, "--live", "--duration", "10", answer="SOL/USDT\n", **KEYS)
    assert ended.exit_code == 0
    assert ended.stdout.startswith("LIVE SOL/USDT at binance, with real money")
    assert "place" in faked.benches[-1].venue.methods()


def test_what_the_venue_cannot_tell_of_a_live_key_is_said(faked: Faked) -> None:
    faked.prepare = lambda at: setattr(at.venue, "permissions", Unknown(reason="no such route"))
    ended = mm_run(*SPOT, "--live", "--yes", "--duration", "10", **KEYS)
    assert ended.exit_code == 0
    assert "cannot tell whether the key may withdraw" in ended.stderr


# A market of a file


def file_with(tmp_path: Path, *changes: tuple[str, str]) -> str:
    text = Path("infra/deployments/local.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "file.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_market_of_a_file_runs_as_the_file_says(faked: Faked, tmp_path: Path) -> None:
    file = file_with(tmp_path)
    ended = mm_run("-d", file, "-m", "binance:PAXG/USDT", "--endpoint", ENDPOINT, "--dry-run")
    assert ended.exit_code == 0
    (prepared,) = faked.opened
    assert (prepared.settings.name, prepared.settings.symbols) == ("main", ("PAXG/USDT",))
    assert prepared.settings.clocks.interval_ms == 5_000
    mm_run("-d", file, "-m", "binance:PAXG/USDT", "--endpoint", ENDPOINT, "--dry-run", "--interval", "10")
    assert faked.opened[1].settings.clocks.interval_ms == 10_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-d", "FILE"), "--market: nothing is not allowed"),
        (("-m", "binance:PAXG/USDT"), "--deployment: nothing is not allowed"),
        (("-d", "FILE", "-m", "binance:X/Y"), "--market: binance:X/Y is not allowed"),
        (
            ("-d", "FILE", "-m", "binance:PAXG/USDT", "--spread", "0.1"),
            "--spread: it is not allowed beside --deployment",
        ),
        (("-d", "FILE", "-m", "binance:PAXG/USDT", "--capital", "1"), "--capital: it is not allowed beside"),
        (("-d", "FILE", "-m", "binance:PAXG/USDT"), "accounts.main.paper: it is required to trade on paper"),
        (("-d", "FILE", "-m", "binance:PAXG/USDT", "--live"), 'a file with stage = "live" and armed = true'),
        ((), "--exchange: nothing is not allowed"),
        (("--exchange", "binance"), "--symbol: nothing is not allowed"),
    ],
)
def test_half_a_market_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    file = file_with(tmp_path)
    one_line(mm_run(*(file if each == "FILE" else each for each in arguments)), said)


def test_an_armed_live_file_may_trade(faked: Faked, tmp_path: Path) -> None:
    file = file_with(tmp_path, ('stage = "local"', 'stage = "live"\narmed = true'))
    ended = mm_run("-d", file, "-m", "binance:PAXG/USDT", "--live", "--dry-run", **KEYS)
    assert ended.exit_code == 0
    assert faked.opened[0].trades_at is TradesAt.LIVE


def test_a_paper_file_opens_with_what_it_says(faked: Faked, tmp_path: Path) -> None:
    opening = 'venue = "binance"\npaper = { PAXG = 1, USDT = 500 }'
    file = file_with(tmp_path, ('stage = "local"', 'stage = "paper"'), ('venue = "binance"', opening))
    ended = mm_run("-d", file, "-m", "binance:PAXG/USDT", "--dry-run")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("PAPER PAXG/USDT")
    (said,) = [json.loads(mm_run("-d", file, "-m", "binance:PAXG/USDT", "--dry-run", "--json").stdout)["fees_by"]]
    assert said == f"of {file}"


# The picture


def seen_of(at: Bench, seconds: int, after: Callable[[RunView], object] = lambda _: None) -> tuple[RunResult, RunView]:
    views: list[RunView] = []

    def keep(view: RunView) -> None:
        views.append(view)
        after(view)

    return run(at.desk, seconds * 1000, StopSwitch(), keep), views[-1]


def test_the_picture_has_position_gains_quotes_fills_and_the_next_tick() -> None:
    at = perp()
    fills: list[Any] = [lambda: at.venue.fill(only(at, BUY))]
    _, view = seen_of(at, 15, lambda _: fills.pop()() if fills else None)
    shown = written(run_parts(view, TradesAt.ENDPOINT))
    assert "ENDPOINT SOL/USDC:USDC  quoting, tick done" in shown
    assert "next tick 22:13:35Z, ends 22:13:35Z" in shown
    assert "position 0.1 at 99; unrealised +0.1, realised 0, fees 0, funding 0, in all +0.1" in shown
    assert "touch 99.99 / 100.01, middle 100; 3 ticks, 0 skipped, 1 fills" in shown
    assert [row.split()[:4] for row in shown.splitlines() if row.strip().startswith("sell")] == [
        ["sell", "102", "0.1", "+200.0"],
        ["sell", "101", "0.1", "+100.0"],
    ]
    assert ["22:13:20Z", "buy", "99", "0.1", "unknown"] in [row.split() for row in shown.splitlines()]


def test_the_picture_of_nothing_known_says_unknown_and_why() -> None:
    at = perp()
    at.venue.faults.fail_always(BOOKS, Retryable("no [book]"))
    _, view = seen_of(at, 5)
    shown = written(run_parts(view, TradesAt.PAPER))
    assert "position unknown: the market has not opened" in shown
    assert "no quotes rest" in shown
    assert "no fair price to open at" in shown
    line = run_line(view, TradesAt.PAPER)
    assert "position unknown pnl unknown quotes none / none touch unknown / unknown" in line


def test_the_picture_of_a_halted_account_is_red_with_its_alerts() -> None:
    at = perp()
    at.store.open_episode(at.account, "price_band", text="a [loud] alert", now_ms=1)
    at.venue.faults.before("place", lambda: at.venue.faults.fail_always("observe", AccountRefused("gone")))
    _, view = seen_of(at, 600)
    shown = written(run_parts(view, TradesAt.LIVE))
    assert "LIVE SOL/USDC:USDC  halted, tick account_refused" in shown
    assert "alert a [loud] alert" in shown
    assert "a [loud] alert" in {each.text for each in view.alerts}


def test_a_summary_says_in_red_what_does_not_match() -> None:
    at = perp()

    def take(view: RunView) -> None:
        if view.next_slot_ms >= view.ends_ms:
            at.venue.totals[USDC] -= 5

    result, _ = seen_of(at, 5, take)
    shown = written(result_parts(result))
    assert "ledger matches venue  no" in shown
    assert "the ledger explains 1000 USDC, the venue holds 995" in shown
    assert "NOT VERIFIED" not in shown


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")]
)
def test_signals_end_the_run_between_ticks_and_are_given_back(
    capfd: pytest.CaptureFixture[str], number: signal.Signals, reason: str
) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    switch = StopSwitch()
    with stopped_by_signals(switch):
        signal.raise_signal(number)
        assert "stopping: the tick under way ends, then own orders are cancelled" in capfd.readouterr().err
        signal.raise_signal(signal.SIGINT)
        assert "the stop is under way, for 60 s at most: own orders may still rest" in capfd.readouterr().err
    assert switch.reason == reason
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_signal_to_a_run_without_a_terminal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> None:
        raise OSError(5, "the terminal is gone")

    monkeypatch.setattr("marketmaker.cli.run_signals.os.write", gone)
    switch = StopSwitch()
    with stopped_by_signals(switch):
        signal.raise_signal(signal.SIGHUP)
    assert switch.reason == "SIGHUP"
