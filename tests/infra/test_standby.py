"""A standby's stack is whole but switched off: no tick, no check, no alarm that misses them (S13)."""

import pytest

from marketmaker.config import standby_alarms
from marketmaker.domain.units import AccountName
from tests.infra.deployments import FULL
from tests.infra.synth import Synth, synthesize

ACCOUNTS = ("one", "two")


@pytest.fixture(scope="module")
def standby(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    directory = tmp_path_factory.mktemp("standby")
    file = directory / "standby.toml"
    file.write_text(FULL.replace("armed = true", 'standby_of = "tokyo"'), encoding="utf-8")
    return synthesize(file, directory / "cdk.out")


def schedules(synth: Synth, state: str) -> set[str]:
    every = synth.resources("AWS::Scheduler::Schedule").values()
    return {synth.text(each["Target"]["Arn"]) for each in every if each["State"] == state}


def test_ticks_and_checks_are_off_and_prices_are_kept(standby: Synth) -> None:
    assert schedules(standby, "DISABLED") == {
        "function/schedule_ticks",
        *(f"function/{name}-check_risk" for name in ACCOUNTS),
    }
    assert schedules(standby, "ENABLED") == {"function/fetch_prices"}


def test_alarms_that_miss_what_is_off_are_off_and_a_takeover_knows_their_names(standby: Synth) -> None:
    alarms = standby.resources("AWS::CloudWatch::Alarm").values()
    off = {standby.text(each["AlarmName"]) for each in alarms if not each["ActionsEnabled"]}
    assert off == {name for account in ACCOUNTS for name in standby_alarms(AccountName(account))}


def test_schedules_have_the_names_by_which_a_takeover_switches_them_on(standby: Synth) -> None:
    deployment = standby.deployment
    named = {each["Name"] for each in standby.resources("AWS::Scheduler::Schedule").values()}
    expected = {deployment.function_name("schedule_ticks"), deployment.function_name("fetch_prices")}
    assert named == expected | {deployment.function_name("check_risk", AccountName(name)) for name in ACCOUNTS}


def test_synth_says_that_it_is_a_standby(standby: Synth) -> None:
    written = [each.read_text(encoding="utf-8") for each in standby.directory.glob("*.json")]
    assert any("a standby: ticks and risk checks are off until `mm takeover`" in text for text in written)
