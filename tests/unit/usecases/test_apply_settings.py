"""What an operator changes while the account is worked: compared first, then kept, told, and in force (R28, R12)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from marketmaker.domain.state import ActiveSettings, Mode
from marketmaker.domain.units import AccountName
from marketmaker.errors import Conflict, Refused, Retryable
from marketmaker.ports import SettingChange, SettingsText, Severity
from marketmaker.usecases.apply_settings import (
    OperatorReason,
    PlannedSettings,
    SettingsStanding,
    apply_settings,
    describe_settings,
    plan_settings,
    revert_settings,
)
from tests.builders import account_settings
from tests.fakes.desk import Bench, bench
from tests.fakes.settings import FakeVersions

DEPLOYED = account_settings().config_hash
WHY = OperatorReason(reason="narrower", requested_by="operator")
CHANGE = SettingChange(key="accounts.main.risk.drawdown", before='"alert"', after=None)


@dataclass(slots=True, kw_only=True)
class FakeFile:
    """Implements `WantedSettings` with given changes; `compared` is what it was held against."""

    wanted: SettingsText = field(default_factory=lambda: SettingsText(version="wanted", text="the wanted file"))
    changes: Sequence[SettingChange] = (CHANGE,)
    compared: list[tuple[str, str]] = field(default_factory=list)
    refusal: str = ""

    def changes_over(
        self, account: AccountName, deployed: SettingsText, in_force: SettingsText
    ) -> Sequence[SettingChange]:
        """Return the changes, or refuse."""
        self.compared.append((deployed.text, in_force.text))
        if self.refusal:
            raise Refused(self.refusal)
        return self.changes


def quoting() -> Bench:
    at = bench()
    versions = at.desk.versions
    assert isinstance(versions, FakeVersions)
    for version in ("wanted", "older"):
        versions.known[version] = replace(account_settings(), config_hash=version)
    at.tick()
    return at


def applied(at: Bench, version: str = "wanted") -> PlannedSettings:
    plan = plan_settings(FakeFile(wanted=SettingsText(version=version, text=f"the {version} file")), at.desk)
    apply_settings(plan, WHY, at.desk)
    return plan


def test_applied_file_is_kept_and_rules_with_who_why_and_since_when() -> None:
    at = quoting()
    applied(at)
    assert at.store.settings(at.account, "wanted") == "the wanted file"
    assert at.control.settings == ActiveSettings(
        version="wanted",
        base=DEPLOYED,
        previous=DEPLOYED,
        since_ms=at.clock.now_ms(),
        reason="narrower (operator)",
    )
    assert at.control.epoch == 1
    assert at.tick().config_hash == "wanted"


def test_file_is_kept_before_it_rules() -> None:  # R28
    at = quoting()
    plan = plan_settings(FakeFile(), at.desk)
    at.store.faults.fail_once("save_settings", Retryable("no answer"))
    with pytest.raises(Retryable):
        apply_settings(plan, WHY, at.desk)
    assert at.control.settings is None
    assert at.alerts.sent == []


def test_file_is_held_against_what_is_deployed_and_what_is_in_force() -> None:
    at = quoting()
    file = FakeFile()
    plan_settings(file, at.desk)
    applied(at, "older")
    plan = plan_settings(file, at.desk)
    assert file.compared == [
        (f"the file {DEPLOYED}", f"the file {DEPLOYED}"),
        (f"the file {DEPLOYED}", "the older file"),
    ]
    assert (plan.in_force, plan.changes, plan.is_applied) == ("older", (CHANGE,), False)


def test_newer_settings_fall_back_on_those_before_them() -> None:
    at = quoting()
    applied(at, "older")
    applied(at, "wanted")
    assert at.control.applied_over(DEPLOYED) == ("wanted", "older")


def test_newer_settings_do_not_fall_back_on_what_ticks_reject() -> None:  # R28
    at = quoting()
    applied(at, "older")
    applied(at, "broken")
    at.tick()
    applied(at, "broken too")
    assert at.control.applied_over(DEPLOYED) == ("broken too", "older")


def test_what_needs_a_deploy_is_refused_and_nothing_changes() -> None:  # R12
    at = quoting()
    before = at.store.read_account(at.account)
    with pytest.raises(Refused, match="tag needs a deploy"):
        plan_settings(FakeFile(refusal="tag needs a deploy"), at.desk)
    assert at.store.read_account(at.account) == before
    assert at.store.settings(at.account, "wanted") is None


def test_before_the_first_tick_nothing_can_be_applied_or_reverted() -> None:
    at = bench()
    with pytest.raises(Refused, match="no tick has run yet, so nothing is known to change; deploy wanted instead"):
        plan_settings(FakeFile(), at.desk)
    with pytest.raises(Refused, match="no tick has run yet"):
        revert_settings(WHY, at.desk)
    assert describe_settings(at.desk) == SettingsStanding(
        account=at.account, deployed=None, in_force=None, applied=None, rejection=None
    )
    assert not describe_settings(at.desk).is_applied


def test_settings_that_were_not_kept_cannot_be_changed() -> None:
    at = quoting()
    at.store.note_deployed(at.account, "lost")
    with pytest.raises(Refused, match="the settings lost are in force and not kept in the state table; deploy instead"):
        plan_settings(FakeFile(), at.desk)


def test_change_of_mode_since_the_plan_leaves_the_settings_as_they_are() -> None:  # R28
    at = quoting()
    plan = plan_settings(FakeFile(), at.desk)
    at.store.strengthen(at.account, Mode.HALTED, reason="operator", now_ms=1)
    with pytest.raises(Conflict):
        apply_settings(plan, WHY, at.desk)
    assert at.control.settings is None
    assert at.alerts.sent == []


@pytest.mark.parametrize("version", ["wanted", DEPLOYED])
def test_what_rules_already_is_not_applied_again(version: str) -> None:
    at = quoting()
    if version == "wanted":
        applied(at)
    before = at.control
    assert applied(at, version).is_applied
    assert at.control == before
    assert len(at.alerts.sent) == (version == "wanted")


def test_alert_tells_who_changed_what() -> None:
    at = quoting()
    applied(at)
    (alert,) = at.alerts.sent
    assert (alert.kind, alert.severity) == ("settings_applied", Severity.INFO)
    assert alert.text == (
        f"{at.account}: settings wanted applied by operator: narrower. In force from the next tick on: "
        'accounts.main.risk.drawdown "alert" → nothing'
    )
    event, fields = at.telemetry.lines[-1]
    assert (event, fields["epoch"]) == ("settings_applied", 1)


@pytest.mark.parametrize(("count", "tail"), [(0, ": no change"), (10, "b9 nothing → 1"), (12, " and 2 more")])
def test_alert_tells_no_endless_list(count: int, tail: str) -> None:
    at = quoting()
    changes = [SettingChange(key=f"b{number}", before=None, after="1") for number in range(count)]
    apply_settings(plan_settings(FakeFile(changes=changes), at.desk), WHY, at.desk)
    assert at.alerts.sent[-1].text.endswith(tail)


def test_revert_lets_the_deployed_file_rule_again_and_tells() -> None:
    at = quoting()
    applied(at)
    at.tick()
    control = revert_settings(OperatorReason(reason="too narrow", requested_by="operator"), at.desk)
    assert (control.applied_over(DEPLOYED), control.epoch) == ((), 2)
    assert at.tick().config_hash == DEPLOYED
    assert (at.alerts.sent[-1].kind, at.alerts.sent[-1].severity) == ("settings_reverted", Severity.INFO)
    assert at.alerts.sent[-1].text == (
        f"{at.account}: settings {DEPLOYED}, those of the deployed file, again, by operator: too narrow. "
        "In force from the next tick on"
    )


def test_revert_of_nothing_changes_nothing() -> None:
    at = quoting()
    before = at.control
    assert revert_settings(WHY, at.desk) == before
    assert at.alerts.sent == []


def test_standing_tells_what_rules_and_why() -> None:
    at = quoting()
    assert describe_settings(at.desk) == SettingsStanding(
        account=at.account, deployed=DEPLOYED, in_force=DEPLOYED, applied=None, rejection=None
    )
    applied(at)
    standing = describe_settings(at.desk)
    assert (standing.in_force, standing.is_applied, standing.applied) == ("wanted", True, at.control.settings)


def test_standing_tells_that_ticks_reject_what_was_applied_last() -> None:
    at = quoting()
    applied(at)
    applied(at, "broken")
    at.tick()
    standing = describe_settings(at.desk)
    assert (standing.in_force, standing.is_applied) == ("wanted", True)
    assert standing.rejection is not None
    assert "settings broken cannot be used" in standing.rejection


def test_standing_tells_that_a_deploy_ended_what_was_applied() -> None:
    at = quoting()
    applied(at)
    at.store.note_deployed(at.account, "newer")
    standing = describe_settings(at.desk)
    assert (standing.in_force, standing.is_applied) == ("newer", False)
    assert standing.applied is not None
    assert standing.applied.base == DEPLOYED
