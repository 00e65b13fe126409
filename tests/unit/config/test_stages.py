"""What belongs to a stage: arming to live, opening balances to paper (S6)."""

from decimal import Decimal
from typing import Any

import pytest

from marketmaker.config import Stage
from marketmaker.domain.units import AccountName, Asset
from tests.unit.config.documents import FILE, Path, changed, full_document, minimal_document, parse, refusal

MAIN = ("accounts", "main")
OPENING = {"PAXG": 10, "USDT": Decimal("19000.50")}
AMOUNT = "a number, 0 or more"


def paper_document() -> dict[str, Any]:
    """A paper deployment that opens with what its one market trades."""
    return changed(changed(minimal_document(), ("stage",), "paper"), (*MAIN, "paper"), OPENING)


def test_a_paper_account_opens_with_the_amounts_of_the_file() -> None:
    deployment = parse(paper_document())

    assert deployment.stage is Stage.PAPER
    assert deployment.may_quote
    assert deployment.paper == {
        AccountName("main"): {Asset("PAXG"): Decimal(10), Asset("USDT"): Decimal("19000.5")},
    }


def test_without_paper_nothing_opens() -> None:
    assert parse(minimal_document()).paper == {}


def test_opening_balances_change_the_hash() -> None:
    more = changed(paper_document(), (*MAIN, "paper", "PAXG"), 11)

    assert parse(more).config_hash != parse(paper_document()).config_hash


@pytest.mark.parametrize("stage", ["local", "testnet", "live"])
def test_opening_balances_are_refused_outside_the_paper_stage(stage: str) -> None:
    assert refusal(changed(paper_document(), ("stage",), stage)) == (
        f"{FILE}: accounts.main.paper: an opening balance is not allowed: only in the paper stage, and this is {stage}"
    )


def test_the_paper_stage_needs_opening_balances_of_every_account() -> None:
    document = changed(full_document(), ("stage",), "paper")
    document = changed(document, (*MAIN, "paper"), OPENING | {"ETH": 3})

    assert refusal(document) == (
        f"{FILE}: accounts.second.paper: a missing key is not allowed: "
        "it is required in the paper stage, { PAXG = ..., USDT = ... }"
    )


WRONG: list[tuple[Path, object, str]] = [
    ((), {}, f"paper: {{}} is not allowed: at least one key, each {AMOUNT}"),
    ((), 5, f"paper: 5 is not allowed: at least one key, each {AMOUNT}"),
    (("PAXG",), -1, f"paper.PAXG: -1 is not allowed: {AMOUNT}"),
    (("PAXG",), "10", f'paper.PAXG: "10" is not allowed: {AMOUNT}'),
    (("usdt",), 1, 'paper.usdt: "usdt" is not allowed: an asset such as "USDT"'),
    (("BTC",), 1, "paper.BTC: 1 is not allowed: an asset of the account's markets, which are PAXG, USDT"),
    (
        (),
        {"USDT": 5},
        "paper.PAXG: a missing key is not allowed: it is required, a number, 0 or more: what the account opens with",
    ),
]


@pytest.mark.parametrize(("path", "value", "expected"), WRONG)
def test_a_wrong_opening_balance_is_refused_with_its_place(path: Path, value: object, expected: str) -> None:
    document = changed(paper_document(), (*MAIN, "paper", *path), value)

    assert refusal(document) == f"{FILE}: accounts.main.{expected}"


def test_only_a_live_deployment_can_be_armed() -> None:
    document = changed(minimal_document(), ("armed",), value=True)

    assert refusal(document) == (f"{FILE}: armed: true is not allowed: only in a live deployment, and this is testnet")
    assert parse(changed(document, ("stage",), "live")).may_quote
    assert not parse(changed(minimal_document(), ("stage",), "live")).may_quote


def test_recipients_are_lists_of_addresses() -> None:
    recipients = {"email": ["me@example.com", "you@example.com"], "sms": ["+819012345678"]}
    deployment = parse(changed(minimal_document(), ("alerts",), recipients))

    assert deployment.recipients.email == ("me@example.com", "you@example.com")
    assert deployment.recipients.sms == ("+819012345678",)
    assert refusal(changed(minimal_document(), ("alerts",), {"email": ["me"]})) == (
        f'{FILE}: alerts.email[0]: "me" is not allowed: an e-mail address such as "me@example.com"'
    )
    assert refusal(changed(minimal_document(), ("alerts",), {"email": "me@example.com"})) == (
        f'{FILE}: alerts.email: "me@example.com" is not allowed: '
        'at least one element, each an e-mail address such as "me@example.com"'
    )
