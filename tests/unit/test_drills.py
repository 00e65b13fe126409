"""The drills' own arithmetic: what may be lost, what counts as held, and what is switched off where."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.aws import ROOT
from infra.local.drills.accounts import ACCOUNTS, deployment_text
from infra.local.drills.bounds import Risk, Sample, Stop, bound, bound_with_stop, equity, held, middle, spread
from infra.local.drills.crash import QUIET_S, RECORDING, find_crash
from infra.local.drills.protections import DRILLS, PROTECTIONS, check_names
from infra.local.drills.running import PLAYS, Choice
from infra.local.drills.verdicts import Verdict, all_held
from marketmaker.cli import drill as command
from marketmaker.config import Deployment, parse_deployment
from marketmaker.domain.models import FallStop
from marketmaker.errors import ConfigError
from marketmaker.simulation.events import Trade
from marketmaker.simulation.recording import Recording

D = Decimal
RISK = Risk(held_base=D(1), order_base=D("0.1"), orders=2, spread_quote=D(1), maker_bps=D(1), taker_bps=D(10))
STOP = Stop(fall_share=D("0.03"), slippage_bps=D(100), answer_s=10)
GOOD = Verdict(
    name="frozen_book",
    detected_s=9.3,
    acted_s=9.5,
    within_s=19,
    orders_left=0,
    loss_quote=D("10.371"),
    bound_quote=D("15.68"),
    answer="pull the quotes",
    note="a market",
)


def path(*prices: str) -> list[Sample]:
    return [Sample(at_s=100.0 + 5 * number, mid=D(price)) for number, price in enumerate(prices)]


def spot(base: str, quote: str, bid: str | None = "1899", ask: str | None = "1901") -> dict[str, Any]:
    balances = {"PAXG": {"total": base}, "USDT": {"total": quote}}
    return {"symbol": "PAXG/USDT", "balances": balances, "market_bid": bid, "market_ask": ask}


def deployment(*without: str) -> Deployment:
    return parse_deployment(deployment_text(ACCOUNTS, without), file="drill.toml")


# --- what may be lost ------------------------------------------------------------------------------------------------


def test_a_fall_costs_what_is_held_and_bought_and_a_rise_what_is_sold() -> None:
    off = D("0.4") * (1 + 1900 * D("0.0001"))
    assert bound(RISK, D(1900), path("1900", "1890", "1895")) == D("1.2") * 10 + off
    rise = D("0.2") * 10 + D("0.4") * (1 + 1910 * D("0.0001"))
    assert bound(RISK, D(1900), path("1900", "1910")) == rise


def test_a_short_position_loses_by_a_rise() -> None:
    off = D("0.4") * (1 + 1910 * D("0.0001"))
    assert bound(replace(RISK, held_base=D(-1)), D(1900), path("1910")) == D("1.2") * 10 + off


def test_a_stop_bounds_a_slow_fall_by_its_distance_and_its_slippage() -> None:
    beside = D("0.4") * (1 + 1000 * D("0.0001"))
    slow = path("1000", "969.9", "969", "969", "969", "900")
    sold = 969 * D("0.99") * D("0.999")
    assert bound_with_stop(RISK, STOP, D(1000), slow) == D("1.2") * (1000 - sold) + beside
    assert bound_with_stop(RISK, STOP, D(1000), path("1000", "980")) == bound(RISK, D(1000), path("1000", "980"))


def test_a_jump_over_the_stop_costs_the_whole_jump_but_nothing_that_comes_after_its_answer() -> None:
    jump = bound_with_stop(RISK, STOP, D(1000), path("1000", "900", "900", "900"))
    assert jump > D("1.2") * 100
    assert bound_with_stop(RISK, STOP, D(1000), path("1000", "900", "900", "900", "500")) == jump


@given(st.lists(st.integers(800, 1200), min_size=1, max_size=8), st.integers(1, 400))
def test_a_further_fall_never_lowers_a_bound(prices: list[int], fall: int) -> None:
    samples = path(*map(str, prices))
    deeper = [*samples, Sample(at_s=samples[-1].at_s, mid=min(each.mid for each in samples) - fall)]
    assert bound(RISK, D(1000), deeper) >= bound(RISK, D(1000), samples) > 0
    assert bound_with_stop(RISK, STOP, D(1000), deeper) >= bound_with_stop(RISK, STOP, D(1000), samples)


def test_equity_is_the_exchanges_balances_at_the_middle_of_its_market() -> None:
    state = spot("1.5", "4000")
    assert (middle(state), spread(state), held(state)) == (D(1900), D(2), D("1.5"))
    assert equity(state, D(1900)) == D(6850)
    margin = {**spot("0", "0"), "symbol": "PAXG/USDT:USDT", "margin": {"size": "-0.1", "margin_balance": "3999"}}
    assert (held(margin), equity(margin, D(1))) == (D("-0.1"), D(3999))


def test_a_market_without_a_side_has_no_middle() -> None:
    state = spot("1", "1", bid=None)
    assert middle(state) is None
    assert spread(state) == 0


# --- what counts as held ---------------------------------------------------------------------------------------------


def test_a_drill_that_met_everything_held() -> None:
    assert (GOOD.held, GOOD.failures, all_held([GOOD])) == (True, (), True)
    assert GOOD.summary() == {
        "name": "frozen_book",
        "detected_s": 9.3,
        "acted_s": 9.5,
        "orders_left": 0,
        "loss_quote": "10.371",
        "bound_quote": "15.68",
        "held": True,
        "note": "a market",
        "failures": [],
    }
    assert GOOD.cells()[:-1] == ("frozen_book", "9.3", "9.5", "0", "10.37", "15.68")


@pytest.mark.parametrize(
    ("bad", "failure"),
    [
        (replace(GOOD, detected_s=None), "nothing noticed it"),
        (replace(GOOD, acted_s=None), "not done: pull the quotes"),
        (replace(GOOD, acted_s=19.1), "done 19.1 s after it, 19 s are allowed: pull the quotes"),
        (replace(GOOD, orders_left=2), "2 of our orders rest"),
        (replace(GOOD, loss_quote=D("15.681")), "15.681 lost, 15.68 are allowed"),
    ],
)
def test_a_drill_fails_with_the_reason(bad: Verdict, failure: str) -> None:
    assert (bad.held, bad.failures) == (False, (failure,))
    assert json.loads(json.dumps(bad.summary()))["failures"] == [failure]
    assert not all_held([GOOD, bad])


def test_what_never_came_is_said_so() -> None:
    assert replace(GOOD, detected_s=None, acted_s=None).cells()[1:3] == ("never", "never")


def test_nothing_drilled_is_nothing_held() -> None:
    assert not all_held([])


# --- what is switched off --------------------------------------------------------------------------------------------


def test_the_command_names_what_the_drills_know() -> None:
    assert tuple(PROTECTIONS) == command.PROTECTIONS
    assert set(command.DRILLS) == set(PLAYS) == {each.drill for each in ACCOUNTS} == set(DRILLS)
    assert command.DRILLS == tuple(PLAYS) == tuple(each.drill for each in ACCOUNTS)


@pytest.mark.parametrize(
    ("without", "only", "said"),
    [
        (["luck"], [], "--without: luck is not allowed: one of stop_loss, dead_man_switch, "),
        ([], ["luck"], "--only: luck is not allowed: one of price_crash, venue_outage, "),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(without: list[str], only: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_names(without, only)
    assert str(refused.value).startswith(said)


def test_all_is_drilled_unless_some_are_named() -> None:
    assert Choice().includes("frozen_book")
    assert Choice(only=["frozen_book"]).includes("frozen_book")
    assert not Choice(only=["frozen_book"]).includes("clock_skew")


def test_the_deployment_file_has_every_protection_until_it_is_switched_off() -> None:
    accounts = deployment().accounts
    off = deployment("stop_loss", "dead_man_switch", "stale_data").accounts
    for name in ("price_crash", "killed_functions"):
        assert isinstance(accounts[name].markets[0].exits.stop_loss, FallStop)  # type: ignore[index]
        assert off[name].markets[0].exits.stop_loss is None  # type: ignore[index]
    assert (accounts["venue_outage"].switch_ms, off["venue_outage"].switch_ms) == (16_000, None)  # type: ignore[index]
    ages = [each["frozen_book"].markets[0].max_book_age_ms for each in (accounts, off)]  # type: ignore[index]
    assert ages == [8_000, 3_600_000]
    assert deployment("price_band").accounts["lost_alert"] != accounts["lost_alert"]  # type: ignore[index]


# --- the crash -------------------------------------------------------------------------------------------------------


def test_without_a_recording_a_crash_of_its_shape_is_generated_and_said_so(tmp_path: Path) -> None:
    if (ROOT / "data" / f"{RECORDING}_trades.csv.gz").exists():
        pytest.skip("the recording is there")
    crash = find_crash(None, tmp_path)
    assert (crash.start_s, crash.note) == (0, "generated crash of the recorded shape, seed 1")
    trades = [each for each in Recording(crash.prefix).events() if isinstance(each, Trade)]
    start_us = trades[0].time_us
    before = [each.price for each in trades if each.time_us < start_us + QUIET_S * 1e6]
    after = [each.price for each in trades if each.time_us >= start_us + QUIET_S * 1e6]
    assert set(before) == {D(112_000)}
    assert D(112_000) * D("0.98") > max(after[:5])
    assert min(after) < D(108_000)


def test_a_recording_that_is_given_must_be_there_and_the_known_one(tmp_path: Path) -> None:
    missing = tmp_path / RECORDING
    with pytest.raises(ConfigError, match=r"--data: .* is not allowed: .*_trades\.csv\.gz does not exist"):
        find_crash(str(missing), tmp_path)
    other = tmp_path / "other"
    other.with_name("other_trades.csv.gz").touch()
    with pytest.raises(ConfigError, match=f"--data: other is not allowed: {RECORDING}"):
        find_crash(str(other), tmp_path)
    missing.with_name(f"{RECORDING}_trades.csv.gz").touch()
    crash = find_crash(str(missing), tmp_path)
    assert (crash.prefix, crash.start_s, crash.note) == (missing, 76_821, f"{RECORDING} from 21:20 UTC")


def test_the_command_finds_its_checkout_or_none(tmp_path: Path) -> None:
    assert command.checkout_of(Path(command.__file__)) == ROOT
    assert command.checkout_of(tmp_path / "marketmaker" / "cli" / "drill.py") is None
