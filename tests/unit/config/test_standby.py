"""A standby of another deployment: what it may say, and that nothing of it runs before it takes over (S13)."""

from typing import Any

import pytest

from marketmaker.config import standby_alarms
from marketmaker.domain.units import AccountName
from tests.unit.config.documents import FILE, changed, minimal_document, parse, refusal


def standby_document(stage: str = "live") -> dict[str, Any]:
    return changed(changed(minimal_document(), ("stage",), stage), ("standby_of",), "tokyo")


@pytest.mark.parametrize("stage", ["local", "testnet", "live"])
def test_a_standby_never_quotes_as_it_is_deployed(stage: str) -> None:
    deployment = parse(standby_document(stage))
    assert deployment.standby_of == "tokyo"
    assert not deployment.may_quote
    assert [each.is_standby for each in deployment.accounts.values()] == [True]


def test_a_deployment_is_no_standby_unless_it_says_so() -> None:
    deployment = parse(minimal_document())
    assert deployment.standby_of is None
    assert [each.is_standby for each in deployment.accounts.values()] == [False]


def test_a_standby_is_armed_by_its_takeover_alone() -> None:
    document = changed(standby_document(), ("armed",), value=True)
    assert refusal(document) == f"{FILE}: armed: true is not allowed: false in a standby: `mm takeover` arms it"


def test_a_deployment_is_not_its_own_standby() -> None:
    name = minimal_document()["name"]
    document = changed(standby_document(), ("standby_of",), name)
    assert refusal(document) == f"{FILE}: standby_of: {name} is not allowed: the name of another deployment"


def test_paper_has_nothing_to_take_over() -> None:
    document = changed(standby_document("paper"), ("accounts", "main", "paper"), {"PAXG": 1, "USDT": 1})
    assert "standby_of: a standby in the paper stage is not allowed: another stage" in refusal(document)


def test_alarms_of_a_standby_are_named_as_its_stack_names_them() -> None:
    assert standby_alarms(AccountName("main")) == (
        "main-heartbeat",
        "main-check_risk-presence",
        "schedule_ticks-presence",
    )
